"""Reruns of many snapshots: on this machine, or on a Dask cluster.

A worker only finds a verdict. It is written on the ledger once, here, by the one who asked: so a worker that is
killed and replaced costs one more attempt and never a second or a half verdict. Snapshots of one notebook are rerun one
after the other, so that each is compared with what the one before left on the ledger.

What is proven already for the same factors is not executed (see ``proven``); that is also how an interrupted
call is taken up again.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.errors import Blocked, MlgovError, UsageError
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.verdict import Comparison, Finding
from jupyter_mlgov.rerun.limits import Limits
from jupyter_mlgov.rerun.progress import FleetStep, Progress
from jupyter_mlgov.rerun.proven import known_factors, proof
from jupyter_mlgov.rerun.rerun import find_verdict, write_verdict

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

ATTEMPTS = 4
"""How often a rerun is begun on a cluster before it is given up as blocked."""
TOPIC = "mlgov"

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Job:
    """One snapshot to rerun. ``group`` is its notebook."""

    snapshot: str
    name: str
    group: str


@dataclass(frozen=True)
class Orders:
    """How a fleet runs."""

    jobs: int = 1
    dask: str | None = None
    force: bool = False
    as_recorded: bool = False
    limits: Limits | None = None


def jobs_of(store: Store, snapshots: Sequence[str]) -> list[Job]:
    """A job for each snapshot, in their order, each once."""
    return [_job(store, snapshot) for snapshot in dict.fromkeys(snapshots)]


def _job(store: Store, snapshot: str) -> Job:
    try:
        manifest = store.manifest(snapshot)
        number = store.number(snapshot)
    except MlgovError:
        return Job(snapshot, snapshot[:12], snapshot)
    name = f"{manifest.experiment}@{number}" if number is not None else snapshot[:12]
    return Job(snapshot, name, manifest.notebook.path or snapshot)


class Fleet:
    """The reruns of one call."""

    def __init__(
        self, root: Path, store: Store, jobs: Sequence[Job], orders: Orders, progress: OnProgress | None
    ) -> None:
        self._root = root
        self._store = store
        self._jobs = list(jobs)
        self._orders = orders
        self._progress = progress
        self._done = 0
        self._guard = threading.Lock()
        self._factors: dict[str, str | None] = {}

    def run(self) -> list[Comparison]:
        """A comparison for each job, in their order. Raises ``UsageError`` for a cluster that cannot be reached."""
        found: dict[str, Comparison] = {}
        waiting: list[Job] = []
        for job in self._jobs:
            known = self._proof(job) if not self._orders.as_recorded else None
            if known is not None and not self._orders.force:
                found[job.snapshot] = known
                self._finished(job, known)
            else:
                waiting.append(job)
        make = self._on_cluster if self._orders.dask is not None else self._here
        for job, comparison in make(waiting):
            found[job.snapshot] = comparison
            self._finished(job, comparison)
        return [found[job.snapshot] for job in self._jobs]

    def _proof(self, job: Job) -> Comparison | None:
        factors = known_factors(self._root, self._store, job.snapshot)
        self._factors[job.snapshot] = factors
        return proof(self._store, job.snapshot, factors) if factors is not None else None

    def _written(self, job: Job, comparison: Comparison) -> Comparison:
        factors = self._factors.get(job.snapshot)
        if factors is not None and known_factors(self._root, self._store, job.snapshot) != factors:
            factors = None  # something changed while it ran
        try:
            write_verdict(self._store, comparison, factors=factors)
        except MlgovError as error:
            return _unreadable(job, error)
        return comparison

    # -- here ------------------------------------------------------------------------------------------------

    def _here(self, waiting: Sequence[Job]) -> Iterator[tuple[Job, Comparison]]:
        groups: dict[str, list[Job]] = {}
        for job in waiting:
            groups.setdefault(job.group, []).append(job)
        stopped = threading.Event()

        def run(members: Sequence[Job]) -> list[tuple[Job, Comparison]]:
            return [(job, self._written(job, self._one(job))) for job in members if not stopped.is_set()]

        pool = ThreadPoolExecutor(max_workers=max(1, self._orders.jobs), thread_name_prefix="mlgov-verify")
        try:
            for done in as_completed([pool.submit(run, members) for members in groups.values()]):
                yield from done.result()
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)

    def _one(self, job: Job) -> Comparison:
        def named(step: Progress) -> None:
            if self._progress is not None:
                self._progress(replace(step, fleet=FleetStep(job.name, self._done, len(self._jobs))))

        return _verdict(self._root, self._store, job, self._orders, named)

    # -- on a cluster ----------------------------------------------------------------------------------------

    def _on_cluster(self, waiting: Sequence[Job]) -> Iterator[tuple[Job, Comparison]]:
        try:
            from dask.distributed import Client, as_completed
            from distributed.scheduler import KilledWorker
        except ImportError as error:
            raise UsageError("--dask needs dask.distributed: pip install 'jupyter-mlgov[dask]'") from error
        if not waiting:
            return
        try:
            client = Client(self._orders.dask, timeout=20, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(f"no Dask scheduler answers at {self._orders.dask}: {error}") from error
        marks = {uuid.uuid4().hex: job for job in waiting}
        with client:
            futures = [
                client.submit(
                    _on_worker, str(self._root), str(self._store.folder.absolute()), job, self._orders, mark,
                    key=f"mlgov-{job.name}-{mark}", pure=False, retries=0,
                )
                for mark, job in marks.items()
            ]  # fmt: skip
            mark_of = {future.key: mark for future, mark in zip(futures, marks, strict=True)}
            try:
                for future in as_completed(futures, loop=client.loop, raise_errors=False):
                    mark = mark_of[future.key]
                    job = marks[mark]
                    attempts = sum(
                        event.get("mark") == mark
                        for _, event in client.get_events(TOPIC) or ()
                        if isinstance(event, dict)
                    )
                    if future.status == "finished":
                        comparison = decoded(future.result(), Comparison)
                    else:
                        failure = future.exception()
                        killed = isinstance(failure, KilledWorker)
                        why = f"its worker was killed {attempts} times" if killed else str(failure)
                        comparison = _unreadable(job, Blocked(why))
                    comparison = msgspec.structs.replace(comparison, attempts=max(1, attempts))
                    yield job, self._written(job, comparison)
            finally:
                client.cancel(futures, force=True)

    def _finished(self, job: Job, comparison: Comparison) -> None:
        with self._guard:
            self._done += 1
            done = self._done
        if self._progress is not None:
            step = FleetStep(
                job.name, done, len(self._jobs), comparison.verdict, comparison.proven_at is not None
            )
            self._progress(Progress("verify", done, len(self._jobs), comparison.duration_s or 0.0, "", step))


def _on_worker(root: str, store: str, job: Job, orders: Orders, mark: str) -> bytes:
    """What a worker does: a verdict as JSON; nothing of it is written. The attempt is told before it begins."""
    from distributed import get_worker

    from jupyter_mlgov.store import Store

    worker = get_worker()
    worker.log_event(TOPIC, {"mark": mark, "snapshot": job.snapshot, "worker": worker.address})
    comparison = _verdict(Path(root), Store.open(Path(store)), job, orders, None)
    return msgspec.json.encode(comparison)


def _verdict(root: Path, store: Store, job: Job, orders: Orders, progress: Any) -> Comparison:
    try:
        return find_verdict(
            root, store, job.snapshot, as_recorded=orders.as_recorded, limits=orders.limits, progress=progress
        )
    except Exception as error:  # noqa: BLE001 - one that fails must not end the others, nor read as "diverged"
        return _unreadable(job, error)


def _unreadable(job: Job, error: Exception) -> Comparison:
    known = isinstance(error, MlgovError)
    said = " ".join(str(error).split()).rstrip(".")
    finding = Finding(
        cause="unknown",
        subject=job.name,
        message=f"The rerun could not be made: {said if known else f'{type(error).__name__}: {said}'}.",
        remedy="mlgov fsck says what is wrong with the store"
        if known
        else f"mlgov rerun {job.name} shows where this error of jupyter-mlgov comes from; report it",
        confirmed=True,
    )
    return Comparison(baseline=job.snapshot, candidate=None, verdict="blocked", findings=(finding,))
