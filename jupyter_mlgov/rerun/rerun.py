"""A rerun, from the question to the verdict on the ledger.

1. What the notebook read has to be there: otherwise ``blocked``, and nothing is executed.
2. It is executed; the candidate is compared with the baseline.
3. Where they differ, it is executed once more, unchanged: two runs that disagree show randomness, before
   anything else is blamed.
4. Where one thing changed, it is executed with that thing set back: if the result comes back with it, the
   finding is confirmed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.errors import Blocked
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import Input, Manifest
from jupyter_mlgov.records.verdict import Comparison, Finding
from jupyter_mlgov.rerun import diagnose, sandbox
from jupyter_mlgov.rerun.compare import compare_results
from jupyter_mlgov.rerun.execute import Place, checkout, run_once
from jupyter_mlgov.rerun.progress import Progress

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

GOOD = ("reproduced", "equivalent")
_STAGES = {
    "rerun": "executing the notebook",
    "again": "it differs: once more, unchanged, to see whether it agrees with itself",
    "confirm": "once more with everything as recorded, to confirm the cause",
}


def rerun(
    root: Path,
    store: Store,
    baseline: str,
    *,
    parameters: dict[str, Any] | None = None,
    as_recorded: bool = False,
    output: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Executes the snapshot's notebook again, compares, and writes the verdict on the ledger."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="mlgov-sandbox-") as temporary:
        run = _Rerun(root, store, baseline, parameters, as_recorded, output, progress, Path(temporary))
        comparison = run.verdict()
    comparison = msgspec.structs.replace(
        comparison, runs=run.runs, duration_s=round(time.perf_counter() - started, 3)
    )
    body = {
        "verdict": comparison.verdict,
        "candidate": comparison.candidate,
        "comparison": store.put(canonical(comparison)),
    }
    if parameters is None:
        # With other parameters it is another question: its answer says nothing about this snapshot.
        store.append("rerun", baseline, body)
    return comparison


class _Rerun:
    def __init__(
        self,
        root: Path,
        store: Store,
        baseline: str,
        parameters: dict[str, Any] | None,
        as_recorded: bool,
        output: Path | None,
        progress: Callable[[Progress], None] | None,
        temporary: Path,
    ) -> None:
        self.root = root
        self.store = store
        self.baseline = baseline
        self.manifest: Manifest = store.manifest(baseline)
        self.parameters = parameters
        self.as_recorded = as_recorded
        self.output = output
        self.progress = progress
        self.temporary = temporary
        self.runs = 0
        self.outcome_error: str | None = None

    def verdict(self) -> Comparison:
        gone = self._missing()
        if gone:
            return self._blocked([diagnose.missing_input(self.manifest, item) for item in gone])
        try:
            place = self._place("rerun")
        except Blocked as error:
            return self._blocked([self._cannot(str(error))])
        first = self._run("rerun", place, keep=True)
        if first is None:
            return self._no_candidate()
        measured = compare_results(self.store, self.baseline, first)
        if measured.verdict in GOOD:
            return measured
        absent = self._file_not_found(first)
        if absent:
            return msgspec.structs.replace(measured, verdict="blocked", findings=tuple(absent))
        return self._explain(measured, first, place)

    def _explain(self, measured: Comparison, first: str, place: Place) -> Comparison:
        second = self._run("again", place)
        found = diagnose.changed_factors(self.store, self.manifest, self.store.manifest(first))
        random: list[Finding] = []
        if second is not None:
            against_itself = compare_results(self.store, first, second)
            if against_itself.verdict not in GOOD:
                random = [diagnose.randomness(self.store, self.baseline, against_itself)]
                if not _beyond(measured, against_itself):
                    # Whatever differs also differs between two equal runs: nothing else is to blame.
                    return msgspec.structs.replace(measured, findings=tuple(random))
        if len(found) == 1 and not random and not self.as_recorded and self._confirmed(found[0]):
            found = [msgspec.structs.replace(found[0], confirmed=True)]
        if not found and not random:
            found = list(diagnose.find_causes(self.store, self.baseline, first, measured))
        return msgspec.structs.replace(measured, findings=tuple([*found, *random]))

    def _confirmed(self, finding: Finding) -> bool:
        """True when the result comes back once data and code are as recorded."""
        if not finding.cause.startswith(("data.", "code.")) or sandbox.not_kept(self.manifest, self.store):
            return False
        if finding.cause == "code.cell" and self.parameters:
            return False
        folder = self.temporary / "confirm"
        folder.mkdir()
        place = sandbox.restore(folder, self.root, self.store, self.manifest)
        candidate = self._run("confirm", place, parameters=False)
        return candidate is not None and compare_results(self.store, self.baseline, candidate).verdict in GOOD

    # -- one run -----------------------------------------------------------------------------------------

    def _place(self, name: str) -> Place:
        if not self.as_recorded:
            return checkout(self.root, self.store, self.manifest)
        folder = self.temporary / name
        folder.mkdir()
        return sandbox.restore(folder, self.root, self.store, self.manifest)

    def _run(self, stage: str, place: Place, *, keep: bool = False, parameters: bool = True) -> str | None:
        def on_cell(cell: int, cells: int, elapsed: float) -> None:
            if self.progress is not None:
                self.progress(Progress(stage, cell, cells, round(elapsed, 3), _STAGES[stage]))

        outcome = run_once(
            place,
            self.store,
            self.baseline,
            parameters=self.parameters if parameters else None,
            on_cell=on_cell,
        )
        self.runs += 1
        if keep and self.output is not None and outcome.executed is not None:
            _write_output(self.output, outcome.executed)
        if outcome.candidate is None:
            self.outcome_error = outcome.error
        return outcome.candidate

    # -- when it cannot run ------------------------------------------------------------------------------

    def _missing(self) -> list[Input]:
        """Inputs that the recorded notebook read and that are not there. An edited notebook may not need them."""
        if self.as_recorded:
            return sandbox.not_kept(self.manifest, self.store)
        gone = []
        for item in self.manifest.inputs:
            if (
                item.derived
                or item.evidence == "inferred"
                or item.uri.startswith("package:")
                or "://" in item.uri
            ):
                continue
            path = Path(item.uri) if Path(item.uri).is_absolute() else self.root / item.uri
            if not path.exists():
                gone.append(item)
        return gone

    def _file_not_found(self, candidate: str) -> list[Finding]:
        """The run ended because a file is missing that the baseline had read."""
        manifest = self.store.manifest(candidate)
        if manifest.status != "error" or "FileNotFoundError" not in (manifest.error or ""):
            return []
        named = [item for item in self.manifest.inputs if Path(item.uri).name in (manifest.error or "")]
        return [diagnose.missing_input(self.manifest, item) for item in named]

    def _blocked(self, findings: list[Finding]) -> Comparison:
        return Comparison(baseline=self.baseline, candidate=None, verdict="blocked", findings=tuple(findings))

    def _no_candidate(self) -> Comparison:
        return self._blocked([self._cannot(self.outcome_error or "the run gave no record")])

    def _cannot(self, why: str) -> Finding:
        return Finding(
            cause="unknown",
            subject=self.manifest.notebook.path or self.manifest.experiment,
            message=f"The notebook could not be run to its end: {why}.",
            remedy="make it run in a fresh kernel, then rerun",
            confirmed=True,
        )


def _beyond(measured: Comparison, itself: Comparison) -> bool:
    """True when something differs from the baseline that two equal runs agree on."""
    differing = {"different", "missing", "error"}
    values = {(v.kind, v.name) for v in measured.values if v.status in differing}
    own_values = {(v.kind, v.name) for v in itself.values if v.status in differing}
    cells = {cell.index for cell in measured.cells if cell.status in differing}
    own_cells = {cell.index for cell in itself.cells if cell.status in differing}
    return bool(values - own_values or cells - own_cells)


def _write_output(path: Path, data: bytes) -> None:
    from jupyter_mlgov.errors import NotWritable

    try:
        path.write_bytes(data)
    except OSError as error:
        raise NotWritable(
            f"{path} cannot be written ({error.strerror}): choose another place with -o"
        ) from error
