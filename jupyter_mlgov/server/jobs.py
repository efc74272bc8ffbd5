"""Reruns and retrainings that a client asked for: each a process of its own, known to the server until it stops.

It outlives the page that asked for it, it never runs in the server's process, and cancelling it
ends everything that it started: kernels are sessions of their own, so they are found as descendants and not by
process group alone. A snapshot has at most one unfinished job of each kind; so many as ``at_once`` run, the others wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.errors import MlgovError, NotFound
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.retraining import Retraining
from jupyter_mlgov.records.verdict import Comparison
from jupyter_mlgov.server.answers import JobAnswer, JobKind, JobProgress, JobState

if TYPE_CHECKING:
    import psutil

_log = logging.getLogger(__name__)

KEPT = 100
"""Finished jobs that are remembered."""
GRACE_S = 5.0
"""How long a cancelled rerun has to put its kernel away before it is killed, in seconds."""
LINE_LIMIT = 1 << 16
OUTPUT_LIMIT = 1 << 27


class JobConflict(MlgovError):
    """The job is not in a state that allows what was asked."""


@dataclass(eq=False)
class Job:
    """One rerun or retraining. ``changed`` is set, and replaced, whenever something about it changes."""

    id: str
    root: Path
    snapshot: str
    experiment: str
    number: int | None
    words: tuple[str, ...]
    """The verb of the command line with what it is called with."""
    created_at: str
    kind: JobKind = "rerun"
    as_recorded: bool = False
    release: str | None = None
    state: JobState = "queued"
    progress: JobProgress = field(default_factory=JobProgress)
    comparison: Comparison | None = None
    retraining: Retraining | None = None
    error: str | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    started: float | None = None
    ended: float | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing about it will change any more."""
        return self.state in ("done", "failed", "cancelled")

    def answer(self) -> JobAnswer:
        """The job as clients see it, now."""
        start = self.started
        return JobAnswer(
            id=self.id,
            snapshot=self.snapshot,
            experiment=self.experiment,
            number=self.number,
            state=self.state,
            created_at=self.created_at,
            elapsed_s=0.0 if start is None else round((self.ended or time.monotonic()) - start, 3),
            progress=self.progress,
            kind=self.kind,
            as_recorded=self.as_recorded,
            comparison=self.comparison,
            release=self.release,
            retraining=self.retraining,
            error=self.error,
        )

    def touch(self) -> None:
        """Wakes everybody who follows the job."""
        self.changed.set()
        self.changed = asyncio.Event()

    def end(self, state: JobState, *, error: str | None = None, output: bytes | None = None) -> None:
        """Writes the result down, once: ``output`` is what the verb printed. Raises ``msgspec.MsgspecError``."""
        if not self.finished:
            if output is not None and self.kind == "rerun":
                self.comparison = decoded(output, Comparison)
            elif output is not None:
                self.retraining = decoded(output, Retraining)
            self.state, self.error = state, error
            self.ended = time.monotonic()
            self.touch()


class Jobs:
    """The jobs of one server. All methods are called on the event loop."""

    def __init__(self, *, at_once: int, command: Sequence[str] | None = None) -> None:
        self._jobs: dict[str, Job] = {}
        self._slots = asyncio.Semaphore(at_once)
        # -P: a file called jupyter_mlgov.py or json.py in the project's folder is not imported.
        self._command = tuple(command or (sys.executable, "-P", "-m", "jupyter_mlgov.cli"))

    def start(
        self, root: Path, snapshot: str, *, experiment: str, number: int | None, as_recorded: bool = False
    ) -> Job:
        """Queues a rerun of the snapshot with that id. Raises ``JobConflict`` where one is unfinished."""
        words = ("rerun", snapshot, *(["--as-recorded"] if as_recorded else []))
        return self._start(
            Job(_name(), root, snapshot, experiment, number, words, _now(), as_recorded=as_recorded)
        )

    def start_retraining(
        self,
        root: Path,
        snapshot: str,
        release: str,
        options: Sequence[str],
        *,
        experiment: str,
        number: int | None,
    ) -> Job:
        """Queues a retraining of the ``release`` whose snapshot has that id. Raises ``JobConflict`` as :meth:`start`."""
        words = ("retrain", release, *options)
        return self._start(
            Job(_name(), root, snapshot, experiment, number, words, _now(), kind="retrain", release=release)
        )

    def _start(self, job: Job) -> Job:
        doing = {"rerun": "rerun", "retrain": "retrained"}[job.kind]
        for known in self._jobs.values():
            same = (known.snapshot, known.root, known.kind) == (job.snapshot, job.root, job.kind)
            if same and not known.finished:
                raise JobConflict(
                    f"snapshot {job.snapshot[:12]} is being {doing} already (job {known.id}): wait for it or cancel it"
                )
        self._jobs[job.id] = job
        job.task = asyncio.get_running_loop().create_task(self._run(job))
        for old in [job for job in self._jobs.values() if job.finished][:-KEPT]:
            del self._jobs[old.id]
        return job

    def get(self, name: str) -> Job:
        """The job with that id. Raises ``NotFound``."""
        job = self._jobs.get(name)
        if job is None:
            raise NotFound(
                f"job {name}: this server knows no such job; /mlgov/api/jobs lists those that it knows"
            )
        return job

    def all(self) -> list[Job]:
        """All jobs, newest first."""
        return list(reversed(self._jobs.values()))

    async def cancel(self, job: Job) -> None:
        """Ends the job and everything that it started. Raises ``JobConflict`` where it has ended already."""
        if job.finished:
            raise JobConflict(f"job {job.id} has ended already ({job.state}): there is nothing to cancel")
        assert job.task is not None
        job.task.cancel()
        await asyncio.wait([job.task])

    async def close(self) -> None:
        """Cancels what is unfinished: the server stops."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None and not job.task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def follow(self, job: Job, *, pulse_s: float = 15.0) -> AsyncIterator[JobAnswer | None]:
        """The job whenever it changed, at most ten times a second, until it is finished; None as a sign of life."""
        while True:
            changed = job.changed
            yield job.answer()
            if job.finished:
                return
            await asyncio.sleep(0.1)
            while not changed.is_set():
                try:
                    await asyncio.wait_for(changed.wait(), pulse_s)
                except TimeoutError:
                    yield None

    async def _run(self, job: Job) -> None:
        try:
            async with self._slots:
                await self._execute(job)
        except asyncio.CancelledError:
            job.end("cancelled")
        except OSError as error:
            job.end("failed", error=f"the {job.kind} could not be started: {error}")
        except (ValueError, msgspec.MsgspecError) as error:
            _log.exception("the result of job %s could not be read", job.id)
            job.end(
                "failed",
                error=f"the {job.kind}'s result could not be read ({type(error).__name__}): see the server's log",
            )

    async def _execute(self, job: Job) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *job.words,
            "--json",
            "--progress-json",
            cwd=job.root,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        job.state, job.started = "running", time.monotonic()
        job.touch()
        try:
            assert process.stdout is not None and process.stderr is not None
            output, said = await asyncio.gather(_read(process.stdout), self._listen(job, process.stderr))
            status = await process.wait()
        except BaseException:
            await _end(process)
            raise
        if status in (0, 1, 3) and output.strip():
            job.end("done", output=output)
        else:
            job.end("failed", error=said or f"the {job.kind} ended without an answer (status {status})")

    async def _listen(self, job: Job, stream: asyncio.StreamReader) -> str:
        """Takes up the progress; gives the last line that was something else: the error, if there was one."""
        said, rest = "", b""
        while chunk := await stream.read(1 << 14):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                try:
                    job.progress = decoded(line, JobProgress)
                    job.touch()
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    said = line[:2000].decode("utf-8", "replace").strip() or said
            rest = rest[-LINE_LIMIT:]
        said = rest[:2000].decode("utf-8", "replace").strip() or said
        return said.removeprefix("mlgov: ")


def _name() -> str:
    return secrets.token_hex(16)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def _read(stream: asyncio.StreamReader) -> bytes:
    parts, size = [], 0
    while chunk := await stream.read(1 << 16):
        size += len(chunk)
        if size > OUTPUT_LIMIT:
            raise ValueError("the answer is too long")
        parts.append(chunk)
    return b"".join(parts)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends the process and its descendants: asked first, killed after ``GRACE_S``."""
    import psutil

    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        leader = psutil.Process(process.pid)
        family = [leader, *leader.children(recursive=True)]
    _signal_group(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), GRACE_S)
    for member in family:
        # psutil compares start times: a process id that was given to somebody else meanwhile is left alone.
        with contextlib.suppress(psutil.Error):
            member.kill()
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()
    # A killed process is gone a moment later: who asked for the end is told when it is so.
    for _ in range(40):
        if not any(_lives(member) for member in family):
            return
        await asyncio.sleep(0.05)


def _lives(process: psutil.Process) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
