"""Controlled reruns: causes shown by experiment.

First everything that changed is set back to what was recorded, in a sandbox. If the result comes back, what was
set back is what made the difference, and what was not (a package, the machine) is not. With several factors,
each is then changed alone. Runs are few and bounded by ``RUNS`` and ``SECONDS``: past them a finding stays what
it is, the best explanation.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.verdict import Finding
from jupyter_mlgov.rerun import sandbox
from jupyter_mlgov.rerun.compare import GOOD, Measured, measure
from jupyter_mlgov.rerun.execute import Outcome, Place

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

RUNS = 6
"""Controlled runs at most for one verdict."""
SECONDS = 300.0
"""Time that controlled runs may take in all, estimated from the run before."""


class Runner(Protocol):
    """What a controlled run needs of the rerun that it belongs to."""

    root: Path
    store: Store
    baseline: str
    manifest: Manifest
    last_run_s: float
    parameters: dict[str, object] | None
    as_recorded: bool

    def restored(self, name: str, manifest: Manifest) -> Place: ...

    def run(self, stage: str, place: Place) -> Outcome: ...


class Controls:
    """The controlled runs of one rerun. ``place`` is where today's run happened."""

    def __init__(self, rerun: Runner, measured: Measured, place: Place) -> None:
        self.rerun = rerun
        self.measured = measured
        self.place = place
        self.left = min(RUNS, int(SECONDS / max(rerun.last_run_s, 0.01)))
        self.made = 0

    def confirmed(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """The findings, with those confirmed that a run showed and those left out that a run ruled out."""
        settable = [finding for finding in findings if self._settable(finding)]
        if self.rerun.as_recorded or self.rerun.parameters or not settable or self.left < 1:
            return findings
        if any(finding.confirmed for finding in findings):
            return findings
        if sandbox.not_restorable(self.rerun.manifest, self.rerun.store, self.place.root):
            return findings
        if self._comes_back(self.rerun.manifest) is not True:
            return findings
        groups = list(dict.fromkeys(map(_group, settable)))
        if len(groups) == 1:
            return tuple(msgspec.structs.replace(finding, confirmed=True) for finding in settable)
        if self.left < len(groups):
            return tuple(settable)
        guilty = {group for group in groups if self._comes_back(self._with(group, settable)) is False}
        if not guilty:
            return tuple(settable)  # only together do they make the difference
        return tuple(
            msgspec.structs.replace(finding, confirmed=True)
            for finding in settable
            if _group(finding) in guilty
        )

    def tested_for_hash_order(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Where a set's order is suspected: two runs with one hash seed have to agree."""
        last = findings[-1] if findings else None
        if last is None or last.cause != "randomness.hash-order" or self.left < 2:
            return findings
        seeded = Place(
            self.place.root,
            self.place.notebook,
            self.place.document,
            {**self.place.variables, "PYTHONHASHSEED": "0"},
        )
        made = [self._run(seeded), self._run(seeded)]
        if made[0] is None or made[1] is None:
            return findings
        agree = measure(self.rerun.store, made[0], made[1]).verdict in GOOD
        if agree:
            return (*findings[:-1], msgspec.structs.replace(last, confirmed=True))
        chance = msgspec.structs.replace(
            last, cause="randomness.unseeded", confirmed=True,
            message="Two unchanged runs disagree with each other, with one hash seed too: something random has no seed.",
            remedy="give the generator or the estimator a seed (random_state=0, default_rng(0)), or run with --seed",
        )  # fmt: skip
        return (*findings[:-1], chance)

    def _settable(self, finding: Finding) -> bool:
        return finding.cause.startswith(("data.", "code.")) and sandbox.inside(finding.subject) is not None

    def _comes_back(self, manifest: Manifest) -> bool | None:
        """Whether a run of what ``manifest`` says gives the baseline's result; None where it gave no record."""
        self.made += 1
        try:
            place = self.rerun.restored(f"control-{self.made}", manifest)
            candidate = self._run(place)
        except (MlgovError, OSError):
            return None
        if candidate is None:
            return None
        return measure(self.rerun.store, self.rerun.baseline, candidate).verdict in GOOD

    def _run(self, place: Place) -> str | None:
        self.left -= 1
        return self.rerun.run("confirm", place).candidate

    def _with(self, group: str, findings: list[Finding]) -> Manifest:
        """The baseline with one thing as it is today."""
        before, after = self.rerun.manifest, self.measured.after.manifest
        subjects = {finding.subject for finding in findings if _group(finding) == group}
        if group == "code.cell":
            notebook = msgspec.structs.replace(before.notebook, document=after.notebook.document)
            return msgspec.structs.replace(before, notebook=notebook)
        if group.startswith("code.module"):
            new = {module.path: module for module in after.code.modules}
            modules = tuple(
                new.get(module.path, module) if module.path in subjects else module
                for module in before.code.modules
            )
            return msgspec.structs.replace(before, code=msgspec.structs.replace(before.code, modules=modules))
        now = {item.uri: item for item in after.inputs}
        inputs = tuple(now.get(item.uri, item) if item.uri in subjects else item for item in before.inputs)
        known = {item.uri for item in before.inputs}
        added = tuple(item for item in after.inputs if item.uri in subjects and item.uri not in known)
        return msgspec.structs.replace(before, inputs=(*inputs, *added))


def _group(finding: Finding) -> str:
    """What is set back together: all edits of the notebook at once, each file and module alone."""
    if finding.cause == "code.cell":
        return "code.cell"
    kind = "code.module" if finding.cause == "code.module" else "data"
    return f"{kind} {finding.subject}"
