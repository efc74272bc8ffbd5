"""A release retrained: its snapshot's notebook on new data, its result beside the release, through the same gate.

1. The new rows are put into the input that the model was fitted on (``training_table``, ``new_rows``).
2. The recorded notebook runs on it, in a sandbox, with the recorded code, other inputs and environment: the data are all
   that differs. Its result is a candidate, and its data are in the store.
3. It is assessed, compared with the release on rows that neither was fitted on (``contest``), and rerun where the policy
   asks for that. Then it becomes a numbered snapshot whose parent is the released one, with what was found about it.
4. Where it is good enough, the gate is open and ``[retrain] release`` says so, it goes to the stage; otherwise what is
   missing is said. Either way a ``retrain`` entry is on the ledger.

Nothing is listed, and no NAME means it, before it is judged, and the stage changes by one ledger entry: a retraining that
is killed leaves the store whole, the experiment's newest snapshot the one that it was, and the release too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.assess.run import held
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.errors import Blocked, UsageError
from jupyter_mlgov.monitor import new_rows
from jupyter_mlgov.monitor.contest import contest
from jupyter_mlgov.monitor.judged import repeat
from jupyter_mlgov.monitor.new_rows import NewRows
from jupyter_mlgov.monitor.retrain_settings import RetrainSettings
from jupyter_mlgov.monitor.table_files import unpacked, with_rows
from jupyter_mlgov.monitor.training_table import TrainingTable, find_table
from jupyter_mlgov.records.assessment import Assessment
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.release import Release, ReleaseAnswer
from jupyter_mlgov.records.retraining import Contest, Outcome, Retrained, Retraining
from jupyter_mlgov.records.secrets import redact_bytes
from jupyter_mlgov.records.verdict import Comparison, GateDecision
from jupyter_mlgov.rerun.limits import Limits
from jupyter_mlgov.rerun.other_data import promoted, retrained, run_on, with_content
from jupyter_mlgov.rerun.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_mlgov.store import Store

SECRETS_LIMIT = 1_000_000
"""Bytes up to which the text of new data is searched for secrets, as that of inputs is."""
_NEVER = ", which is not put into the store: take it out"


@dataclass(frozen=True)
class Orders:
    """What was asked for. ``log`` is the release's prediction log with outcomes, where no ``file`` is given."""

    log: pa.Table | None = None
    file: Path | None = None
    uri: str | None = None
    replace: bool | None = None
    """None: as ``[retrain] data`` says."""
    may_release: bool = True
    never_logged: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    limits: Limits | None = None
    by: str = ""


@dataclass(frozen=True)
class Steps:
    """What happens to the retrained snapshot (an id), by the methods that every door calls. ``rerun`` is None where the
    policy asks for no rerun."""

    assess: Callable[[str], Assessment]
    rerun: Callable[[str], Comparison] | None
    gate: Callable[[str], GateDecision]
    release: Callable[[str], ReleaseAnswer]
    suite: Suite


def retrain(
    root: Path,
    store: Store,
    release: Release,
    settings: RetrainSettings,
    orders: Orders,
    steps: Steps,
    progress: Callable[[Progress], None] | None = None,
) -> Retraining:
    """Retrains what ``release`` put on its stage. Raises ``UsageError``, ``NotFound`` (data that do not do), ``Blocked``
    (something that the run needs is not there), ``StoreError``."""
    manifest = store.manifest(release.snapshot)
    test = held(manifest, "test")
    if test is None:
        raise Blocked(
            "the released snapshot names no test rows, so its retrained one could not be compared with it: run its cell "
            "with --test X_test,y_test and release that snapshot"
        )
    replace = orders.replace if orders.replace is not None else settings.data == "replace"
    into = find_table(root, store, manifest, orders.uri)
    new = _new(store, release, into, orders, replace)
    if len(new.frame) < settings.min_rows:
        raise UsageError(
            f"{len(new.frame):,} new rows with an outcome are too few to retrain on: [retrain] min_rows asks for "
            f"{settings.min_rows}"
        )
    fresh = _content(into, new, replace)
    made = _described(store, release, into, new, orders, replace)
    digest = store.put(fresh)
    if digest == into.item.digest:
        raise UsageError(
            f"the new data are those that {into.uri} held already: there is nothing to retrain on"
        )
    work = _Retraining(root, store, release, settings, orders, steps, progress, manifest, into, new, made)
    return work.done(digest)


def _new(store: Store, release: Release, into: TrainingTable, orders: Orders, replace: bool) -> NewRows:
    if orders.file is not None:
        return new_rows.from_file(orders.file, into, replace=replace)
    assert orders.log is not None
    return new_rows.from_log(store, release.snapshot, orders.log, into, never_logged=orders.never_logged)


def _content(into: TrainingTable, new: NewRows, replace: bool) -> bytes:
    """The file to retrain on. Raises ``UsageError``, before anything of it is in the store, where a secret is found: in the
    file's text, or in the cells of the new rows where the file is no text."""
    if replace and new.exact is not None:
        made = new.exact
    else:
        made = with_rows(into.data, into.uri, into.table, new.frame, added=not replace)
    text = unpacked(made, into.uri)
    if len(text) <= SECRETS_LIMIT and redact_bytes(text) != text:
        raise UsageError(f"the new data hold what looks like a secret{_NEVER}")
    if new.secret is not None:
        raise UsageError(f"column {new.secret} of the new data holds what looks like a secret{_NEVER}")
    return made


def _described(
    store: Store, release: Release, into: TrainingTable, new: NewRows, orders: Orders, replace: bool
) -> Retrained:
    return Retrained(
        model=release.model, stage=release.stage, number=release.number, uri=into.uri, before=str(into.item.digest),
        rows_before=len(into.frame), rows_new=len(new.frame),
        source="file" if orders.file is not None else "predictions", mode="in place" if replace else "added",
        rows=store.put(new_rows.as_parquet(new)), first=new.first, last=new.last,
    )  # fmt: skip


@dataclass
class _Retraining:
    """One retraining under way, once there are data."""

    root: Path
    store: Store
    release: Release
    settings: RetrainSettings
    orders: Orders
    steps: Steps
    progress: Callable[[Progress], None] | None
    manifest: Manifest
    into: TrainingTable
    new: NewRows
    made: Retrained

    def done(self, digest: str) -> Retraining:
        """Runs, judges, writes it down and, where all is well, releases."""
        judged, failure = self._run(digest)
        if judged is None:
            return self._told(self._record("failed", (failure,)))
        notes = list(self.new.notes)
        assessment = self._assessed(judged, notes)
        self._tell("compare", "comparing it with the release")
        found = contest(
            self.root, self.store, self.release.snapshot, judged, self.steps.suite, self.settings,
            trusted=self.orders.trusted,
        )  # fmt: skip
        rerun = self.steps.rerun(judged) if self.steps.rerun is not None else None
        snapshot = self.store.commit(promoted(self.store.manifest(judged), self.release.snapshot)).subject
        repeat(self.store, judged, snapshot)
        self._tell("gate", "asking the gate")
        gate = self.steps.gate(snapshot)
        outcome, reasons = self._outcome(found, gate, snapshot)
        one = msgspec.structs.replace(
            self._record(outcome, reasons), snapshot=snapshot, reference=self._reference(snapshot), contest=found,
            assessment=assessment, rerun=rerun.verdict if rerun is not None else None, gate=gate, notes=tuple(notes),
        )  # fmt: skip
        one = self._told(one)
        return self._released(one, snapshot) if outcome == "ready" and self._releases else one

    # -- the run ---------------------------------------------------------------------------------------------

    def _run(self, digest: str) -> tuple[str | None, str]:
        """The id of the candidate that is to be judged, or None and why there is none."""
        laid_out = with_content(self.manifest, self.into.uri, digest)
        outcome = run_on(
            self.root,
            self.store,
            self.release.snapshot,
            laid_out,
            limits=self.orders.limits,
            progress=self.progress,
        )
        if outcome.candidate is None or outcome.error is not None:
            return None, f"the notebook did not run to its end on the new data: {outcome.error}"
        candidate = self.store.manifest(outcome.candidate)
        if candidate.status != "ok":
            return None, f"the experiment's cell raised on the new data: {candidate.error}"
        read = next((item for item in candidate.inputs if item.uri == self.into.uri), None)
        if read is None or read.digest != digest:
            return (
                None,
                f"the notebook did not read the new data from {self.into.uri}: its result rests on something else",
            )
        message = f"retrained from {self.release.name} on {len(self.new.frame):,} new rows"
        judged = self.store.commit(retrained(candidate, self.manifest, self.made, message)).subject
        repeat(self.store, outcome.candidate, judged)
        return judged, ""

    def _assessed(self, snapshot: str, notes: list[str]) -> dict[str, int] | None:
        self._tell("assess", "testing and explaining it")
        try:
            return self.steps.assess(snapshot).counts()
        except (Blocked, UsageError) as error:
            notes.append(f"it could not be assessed: {error}")
            return None

    def _tell(self, stage: str, message: str) -> None:
        if self.progress is not None:
            self.progress(Progress(stage, 0, 0, 0.0, message))

    # -- what follows ----------------------------------------------------------------------------------------

    @property
    def _releases(self) -> bool:
        return self.orders.may_release and self.settings.release == "when open"

    def _outcome(self, found: Contest, gate: GateDecision, snapshot: str) -> tuple[Outcome, tuple[str, ...]]:
        said = f"{found.verdict}: {found.reason}"
        closed = tuple(f"gate: {rule.rule}: {rule.reason}" for rule in gate.rules if not rule.passed)
        enough = found.verdict == "better" or (
            found.verdict == "no worse" and self.settings.needs == "no worse"
        )
        if not enough:
            wanted = f"[retrain] needs asks for {self.settings.needs!r}"
            return "not good enough", (f"{said} ({wanted})", *closed)
        if not gate.open:
            return "gate closed", (said, *closed)
        how = (
            f"release it with mlgov release {self._reference(snapshot)} --as {self.release.model} "
            f"--stage {self.release.stage}"
        )
        return "ready", (said, *(() if self._releases else (how,)))

    def _released(self, one: Retraining, snapshot: str) -> Retraining:
        """Puts it on the stage, where the champion is still there."""
        try:
            answer = self.steps.release(snapshot)
        except UsageError as error:  # somebody else has released meanwhile
            return msgspec.structs.replace(one, reasons=(*one.reasons, f"not released: {error}"))
        if answer.release is None:
            closed = tuple(
                f"gate: {rule.rule}: {rule.reason}" for rule in answer.gate.rules if not rule.passed
            )
            return msgspec.structs.replace(
                one, outcome="gate closed", gate=answer.gate, reasons=(*one.reasons, *closed)
            )
        return msgspec.structs.replace(one, outcome="released", release=answer.release)

    def _reference(self, snapshot: str) -> str:
        return f"{self.manifest.experiment}@{self.store.number(snapshot)}"

    def _record(self, outcome: Outcome, reasons: Sequence[str]) -> Retraining:
        from jupyter_mlgov.store.ledger import now

        made = self.made
        return Retraining(
            model=made.model, stage=made.stage, number=made.number, champion=self.release.snapshot, at=now(),
            by=self.orders.by, uri=made.uri, source=made.source,
            file=self.orders.file.name if self.orders.file is not None else None, mode=made.mode,
            rows_before=made.rows_before, rows_new=made.rows_new, first=made.first, last=made.last, outcome=outcome,
            reasons=tuple(reasons), notes=self.new.notes,
        )  # fmt: skip

    def _told(self, one: Retraining) -> Retraining:
        """Keeps it in the store and puts a ``retrain`` entry on the ledger."""
        self.store.append(
            "retrain",
            one.snapshot or one.champion,
            {
                "model": one.model,
                "stage": one.stage,
                "number": one.number,
                "champion": one.champion,
                "outcome": one.outcome,
                "retraining": self.store.put(canonical(one)),
            },
            author=one.by,
        )
        return one
