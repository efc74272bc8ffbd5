"""A rerun, from the question to the verdict on the ledger.

1. What the notebook read has to be there: otherwise ``blocked``, and nothing is executed.
2. It is executed; the candidate is compared with the baseline.
3. Where they differ and something changed, it is executed with that set back (see ``control``). If the recorded
   result comes back, the notebook agrees with itself, and what was set back is halved until the cause is left.
4. Otherwise it is executed once more, unchanged: two runs that disagree show chance, before anything else is
   blamed. What an experiment showed is ``confirmed``.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.errors import Blocked
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.secret_forms import REDACTED
from jupyter_mlgov.records.verdict import Cause, Comparison, Finding
from jupyter_mlgov.rerun import environments, proven, sandbox
from jupyter_mlgov.rerun.absolute_paths import absolute_texts, texts_to
from jupyter_mlgov.rerun.code_form import form_of
from jupyter_mlgov.rerun.compare import Measured, measure
from jupyter_mlgov.rerun.control import Controls
from jupyter_mlgov.rerun.diagnose import diagnose
from jupyter_mlgov.rerun.execute import Outcome, run_once
from jupyter_mlgov.rerun.failures import failure, missing_input
from jupyter_mlgov.rerun.kernels import NoKernel, kernel_program
from jupyter_mlgov.rerun.limits import Limits
from jupyter_mlgov.rerun.moved import caution_of
from jupyter_mlgov.rerun.parameters import check_parameters
from jupyter_mlgov.rerun.place import Place, cells_of, given, place_recorded, place_today
from jupyter_mlgov.rerun.progress import Progress

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

_STAGES = {
    "rerun": "executing the notebook",
    "again": "it differs: once more, unchanged, to see whether it agrees with itself",
    "confirm": "once more with what changed set back, to confirm the cause",
    "retrain": "executing the notebook on the new data",
}
_MISSING: tuple[Cause, ...] = ("data.missing", "data.external", "path", "environment.package")


def rerun(
    root: Path,
    store: Store,
    baseline: str,
    *,
    parameters: dict[str, Any] | None = None,
    as_recorded: bool = False,
    output: Path | None = None,
    limits: Limits | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Executes the snapshot's notebook again, compares, and writes the verdict on the ledger.

    ``parameters`` are set as papermill does; then it is another question, and no verdict on this snapshot is
    written. ``output`` takes the executed notebook; ``limits`` go before those of ``mlgov.toml``. Raises
    ``StoreError``, ``UsageError`` for a notebook file that is none and for a parameter that it does not set, ``NotWritable``
    for ``output``.
    """
    asked = parameters is None and not as_recorded
    factors = proven.known_factors(root, store, baseline) if asked else None
    comparison = find_verdict(
        root, store, baseline,
        parameters=parameters, as_recorded=as_recorded, output=output, limits=limits, progress=progress,
    )  # fmt: skip
    if parameters is None:
        same = factors is not None and proven.known_factors(root, store, baseline) == factors
        write_verdict(store, comparison, factors=factors if same else None)
    return comparison


def find_verdict(
    root: Path,
    store: Store,
    baseline: str,
    *,
    parameters: dict[str, Any] | None = None,
    as_recorded: bool = False,
    output: Path | None = None,
    limits: Limits | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """As :func:`rerun`, and nothing about the verdict is written."""
    started = time.perf_counter()
    allowed = (limits or Limits()).or_of_project(root)
    run = Rerun(root, store, baseline, parameters, as_recorded, output, allowed, progress)
    return msgspec.structs.replace(
        run.verdict(),
        caution=run.caution,
        runs=run.runs,
        duration_s=round(time.perf_counter() - started, 3),
        output=str(output) if output is not None and run.written else None,
    )


def write_verdict(store: Store, comparison: Comparison, *, factors: str | None = None) -> None:
    """Puts a verdict on the ledger, with the factors that it was found for (see ``proven``). Raises ``StoreError``."""
    body = {
        "verdict": comparison.verdict,
        "candidate": comparison.candidate,
        "comparison": store.put(canonical(comparison)),
        **({"factors": factors} if factors is not None else {}),
    }
    store.append("rerun", comparison.baseline, body)


class Rerun:
    """One rerun under way."""

    def __init__(
        self,
        root: Path,
        store: Store,
        baseline: str,
        parameters: dict[str, Any] | None,
        as_recorded: bool,
        output: Path | None,
        limits: Limits,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.root = root
        self.store = store
        self.baseline = baseline
        self.manifest: Manifest = store.manifest(baseline)
        self.given = given(self.manifest)
        self.parameters = parameters
        self.as_recorded = as_recorded
        self.output = output
        self.limits = limits
        self.progress = progress
        self.python: Path | None = None
        self.runs = 0
        self.caution = ""
        self.written = False
        self.last_run_s = 0.0

    def verdict(self) -> Comparison:
        """The comparison with its findings."""
        try:
            if self.as_recorded:
                gone = sandbox.not_restorable(self.manifest, self.store, self.root)
                if gone:
                    return self._blocked(gone)
                self.python = self.interpreter()
            place = self._place()
            if not self.as_recorded:
                self.caution = caution_of(self.store, self.manifest, place)
            if self.parameters:
                check_parameters(place.document, self.parameters)
            unset = self.unset(place)
            if unset:
                return self._blocked(unset)
            gone = [] if self.as_recorded else self._missing()
            if gone and not self._edited(place):
                return self._blocked(gone)
            first = self.run("rerun", place, parameters=self.parameters, keep=True)
        except environments.CannotBeBuilt as error:
            return self._blocked(list(error.findings))
        except Blocked as error:
            return self._blocked([self._cannot(error)])
        if first.candidate is None:
            return self._failed(first)
        measured = measure(self.store, self.baseline, first.candidate)
        if not measured.differs:
            return self._answer(measured, diagnose(measured))
        told = failure(measured)
        if told is not None and told.confirmed and told.cause in _MISSING:
            return msgspec.structs.replace(measured.comparison, verdict="blocked", findings=(told,))
        return self._explain(measured, place)

    def _explain(self, measured: Measured, place: Place) -> Comparison:
        controls = Controls(self, measured, place)
        try:
            return self._controlled(controls, measured, place)
        finally:
            controls.close()

    def _controlled(self, controls: Controls, measured: Measured, place: Place) -> Comparison:
        shown = controls.set_back(diagnose(measured))
        if shown is not None:
            return self._answer(measured, shown)
        itself: Measured | None = None
        try:
            second = self.run("again", place, parameters=self.parameters)
        except Blocked:  # the disk is full by now, say: what the first run showed stands all the same
            return self._answer(measured, diagnose(measured))
        if second.candidate is not None:
            itself = measure(self.store, measured.after.id, second.candidate)
        findings = diagnose(measured, itself)
        if itself is not None and itself.differs:
            return self._answer(measured, controls.chance(findings, itself))
        return self._answer(measured, controls.agreeing(findings))

    def _answer(self, measured: Measured, findings: tuple[Finding, ...]) -> Comparison:
        return msgspec.structs.replace(measured.comparison, findings=findings)

    # -- one run ---------------------------------------------------------------------------------------------

    def _place(self) -> Place:
        if not self.as_recorded:
            return place_today(self.root, self.store, self.manifest)
        return self.restored(self.manifest)

    def restored(self, manifest: Manifest) -> Place:
        """What ``manifest`` says, to be laid out in a sandbox."""
        return replace(place_recorded(self.root, self.store, manifest), python=self.python)

    def interpreter(self) -> Path | None:
        """The interpreter of the recorded environment, where the kernel here has another one."""
        self.building("looking for the recorded environment, or building it")
        program = kernel_program(self.store.get(self.manifest.notebook.document))
        return environments.interpreter(self.store, self.baseline, self.manifest, program)

    def plan(self, message: str) -> None:
        """Says what the controlled runs will be, before they start."""
        if self.progress is not None:
            self.progress(Progress("plan", 0, 0, 0.0, message))

    def building(self, message: str) -> None:
        """Says that an environment is being looked for or built."""
        if self.progress is not None:
            self.progress(Progress("environment", 0, 0, 0.0, message))

    def run(
        self,
        stage: str,
        place: Place,
        *,
        parameters: dict[str, Any] | None = None,
        keep: bool = False,
        why: str = "",
    ) -> Outcome:
        """Executes the notebook of ``place``. ``keep``: the executed notebook goes to the output. ``why`` is told with the
        progress. Raises ``Blocked``."""

        def on_cell(cell: int, cells: int, elapsed: float) -> None:
            if self.progress is not None:
                self.progress(Progress(stage, cell, cells, round(elapsed, 3), why or _STAGES[stage]))

        started = time.perf_counter()
        self.runs += 1
        outcome = run_once(
            place, self.store, self.baseline, parameters=parameters, limits=self.limits, on_cell=on_cell
        )
        self.last_run_s = time.perf_counter() - started
        if keep and self.output is not None and outcome.executed is not None:
            _write_output(self.output, outcome.executed)
            self.written = True
        return outcome

    # -- when it cannot run ----------------------------------------------------------------------------------

    def _missing(self) -> list[Finding]:
        """A finding for each input that was read and is not there."""
        gone = []
        for item in self.manifest.inputs:
            if item.derived or item.evidence == "inferred" or item.digest is None or item.uri in self.given:
                continue
            path = sandbox.located(item.uri if item.is_spread() else item.place(), self.root)
            if path is not None and not path.exists():
                named = texts_to(item, absolute_texts(self.manifest, self.store), self.root)
                outside = Path(item.uri).is_absolute() and (bool(named) or not path.parent.exists())
                gone.append(missing_input(item, absolute=outside))
        return gone

    def unset(self, place: Place | None = None) -> list[Finding]:
        """A finding for each secret that the notebook takes from the environment and that is not there: a record
        holds its name only. The notebook in ``place`` may be another today, and take it no more."""
        known = self.store.environment(self.manifest).variables
        recorded, today = (
            "\n".join(source for kind, source in cells_of(document) or [] if kind == "code")
            for document in (
                self.store.get(self.manifest.notebook.document),
                place.document if place else b"",
            )
        )
        return [
            Finding(
                cause="environment.variable",
                subject=name,
                message=f"The notebook takes {name} from the environment, where it was set when this was recorded; it is a "
                "secret, so its value is in no record, and it is not set now.",
                remedy=f"set {name} in the environment of this command, then rerun",
                confirmed=True,
            )
            for name, value in known.items()
            if value == REDACTED
            and name not in os.environ
            and (place is None or name in today or name not in recorded)
        ]

    def _edited(self, place: Place) -> bool:
        """True when today's code is another: it may not need what the recorded code read."""
        recorded = cells_of(self.store.get(self.manifest.notebook.document)) or []
        today = cells_of(place.document) or []
        forms = [[form_of(source) for kind, source in cells if kind == "code"] for cells in (recorded, today)]
        return forms[0] != forms[1]

    def _blocked(self, findings: list[Finding]) -> Comparison:
        return Comparison(baseline=self.baseline, candidate=None, verdict="blocked", findings=tuple(findings))

    def _failed(self, outcome: Outcome) -> Comparison:
        why = outcome.error or "the run gave no record"
        finding = Finding(
            cause="unknown",
            subject=self.manifest.notebook.path or self.manifest.experiment,
            cell=outcome.cell,
            message=f"The notebook did not run to its end: {why}.",
            remedy=outcome.remedy or "make it run from top to bottom in a fresh kernel, then rerun",
            confirmed=True,
        )
        return Comparison(baseline=self.baseline, candidate=None, verdict="failed", findings=(finding,))

    def _cannot(self, error: Blocked) -> Finding:
        kernel = isinstance(error, NoKernel)
        return Finding(
            cause="environment.python" if kernel else "unknown",
            subject=self.manifest.notebook.path or self.manifest.experiment,
            message=f"The notebook could not be run: {str(error).rstrip('.')}.",
            remedy=f"{'make that kernel available' if kernel else _remedy(error.__cause__)}, then rerun",
            confirmed=True,
        )


def _remedy(cause: BaseException | None) -> str:
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "make room on that disk, or set TMPDIR to a folder with room"
    return "see to what the message names"


def _write_output(path: Path, data: bytes) -> None:
    from jupyter_mlgov.errors import NotWritable

    try:
        path.write_bytes(data)
    except OSError as error:
        raise NotWritable(
            f"{path} cannot be written ({error.strerror}): choose another place with -o"
        ) from error
