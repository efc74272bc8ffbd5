"""Controlled reruns: causes shown by experiment.

Everything that changed is set back to what was recorded, in a sandbox: the reference. Then what changed is brought
back in parts, and what still makes a difference is halved again, as delta debugging does, until single factors
are left: each of them is ``confirmed``, what made no difference alone or with others is none. The recorded order
of execution is such a factor. Where two unchanged runs disagree, one source of chance after another is held still
(see ``held``): that whose holding makes them agree is the one, and the rest is looked for while it is held.

Runs are kept by what they were made of, none is made twice. They are few and bounded
(``limits.RerunSettings``); past them a finding stays what it is, the best explanation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from jupyter_mlgov.configuration import section
from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.verdict import Cause, Finding
from jupyter_mlgov.rerun import sandbox
from jupyter_mlgov.rerun.compare import GOOD, Measured, measure
from jupyter_mlgov.rerun.diagnose import chances, changed, finding_of, ordered
from jupyter_mlgov.rerun.execute import Outcome
from jupyter_mlgov.rerun.factors import Factor
from jupyter_mlgov.rerun.held import Held
from jupyter_mlgov.rerun.limits import RerunSettings
from jupyter_mlgov.rerun.place import Place
from jupyter_mlgov.rerun.replay import recorded_order

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mlgov.store import Store


class Runner(Protocol):
    """What a controlled run needs of the rerun that it belongs to."""

    root: Path
    store: Store
    baseline: str
    manifest: Manifest
    last_run_s: float
    parameters: dict[str, object] | None
    as_recorded: bool

    def restored(self, manifest: Manifest) -> Place: ...

    def run(self, stage: str, place: Place) -> Outcome: ...

    def plan(self, message: str) -> None: ...


@dataclass(frozen=True)
class Group:
    """What is set back together: each file, module and variable alone, all edits of the notebook at once."""

    name: str
    factors: tuple[Factor, ...]
    likely: bool

    @property
    def subject(self) -> str:
        """What people call it."""
        return "the recorded order of execution" if self.name == ORDER else self.factors[0].subject


ORDER = "order"
NOTEBOOK = "notebook"
_UNDECIDED = object()


@dataclass(frozen=True)
class Source:
    """A source of chance: how it is held, and the cause that it is."""

    cause: Cause
    held: Held = Held()  # noqa: RUF009 - frozen
    variables: dict[str, str | None] = field(default_factory=dict)


class Controls:
    """The controlled runs of one rerun. ``place`` is where today's run happened."""

    def __init__(self, rerun: Runner, measured: Measured, place: Place) -> None:
        self.rerun = rerun
        self.measured = measured
        self.place = place
        bounds = section(rerun.root, "rerun", RerunSettings)
        self.left = min(bounds.controlled_runs, int(bounds.controlled_seconds / max(rerun.last_run_s, 0.01)))
        self._made: dict[object, str | None] = {}

    # -- what changed is set back ----------------------------------------------------------------------------

    def set_back(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...] | None:
        """The causes, where everything that changed can be set back and the recorded result comes back with it:
        then the notebook agrees with itself. None where that is not so; then it has to be asked."""
        if not self._wanted(findings):
            return None
        groups, rest = self._groups()
        if not groups:
            return None
        self._tell(groups)
        reference = self._recorded(())
        if reference is None or not self._same(self.rerun.baseline, reference):
            return None
        guilty = groups if len(groups) == 1 and not rest else self._narrowed(groups, reference)
        return tuple(ordered(self._told(guilty))) if guilty is not None else None

    def _wanted(self, findings: tuple[Finding, ...]) -> bool:
        sure = any(finding.confirmed for finding in findings)
        return not (self.rerun.as_recorded or self.rerun.parameters or sure or self.left < 1)

    def agreeing(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Where two runs of today agree, and what was set back did not bring the recorded result back: the findings,
        with those confirmed that make a difference all the same, and those left out that make none."""
        if not self._wanted(findings):
            return findings
        groups, _ = self._groups()
        if not groups:
            return self._provoked(findings)
        reference = self._recorded(())
        if reference is None or self._failed(reference):
            return findings
        settable = {factor.subject for group in groups for factor in group.factors}
        others = tuple(finding for finding in findings if finding.subject not in settable)
        if self._same(self.measured.after.id, reference):
            # Nothing that was set back matters.
            return others or self._provoked(findings)
        guilty = self._narrowed(groups, reference)
        return tuple(ordered([*self._told(guilty), *others])) if guilty is not None else findings

    def _told(self, guilty: Sequence[Group]) -> list[Finding]:
        factors = [factor for group in guilty for factor in group.factors]
        return [finding_of(self.measured, factor, confirmed=True) for factor in factors]

    def _narrowed(
        self, groups: Sequence[Group], reference: str, source: Source | None = None
    ) -> Sequence[Group] | None:
        """The groups that make a difference from ``reference`` when they are as today; None where runs ran out."""
        likely = [group for group in groups if group.likely]
        halves = [likely, [group for group in groups if not group.likely]]
        if not all(halves):
            half = (len(groups) + 1) // 2
            halves = [part for part in (list(groups[:half]), list(groups[half:])) if part]
        found: list[Group] = []
        for part in halves:
            differs = self._differs(part, reference, source)
            if differs is None:
                return found or None
            if differs:
                deeper = self._narrowed(part, reference, source) if len(part) > 1 else part
                if deeper is None:
                    return found or None
                found += deeper
        return found or groups  # only together do they make the difference

    def _differs(self, today: Sequence[Group], reference: str, source: Source | None) -> bool | None:
        made = self._recorded([group.name for group in today], source)
        return None if made is None else not self._same(reference, made)

    # -- two runs disagree -----------------------------------------------------------------------------------

    def chance(self, findings: tuple[Finding, ...], itself: Measured) -> tuple[Finding, ...]:
        """Which source of chance makes two unchanged runs disagree, and what else changed while it is held."""
        suspected = chances(self.measured, itself)
        last = findings[-1]
        groups, _ = self._groups()
        self._tell(groups, "held still, one after the other: " + ", ".join(_SAID[f.cause] for f in suspected))
        for finding in [
            *suspected,
            *(_unplaced(last, cause) for cause in _ANYWHERE if all(f.cause != cause for f in suspected)),
        ]:
            if self.left < 2:
                break
            source = self._source(finding.cause)
            one, other = (self._today(source, turn) for turn in (0, 1))
            if one is None or other is None or not self._same(one, other):
                continue
            named = msgspec.structs.replace(finding, confirmed=True)
            return self._beside(findings, named, one, source, groups)
        alone = len(suspected) <= 1
        return (*findings[:-1], msgspec.structs.replace(last, confirmed=last.confirmed and alone))

    def _beside(
        self, findings: tuple[Finding, ...], named: Finding, today: str, source: Source, groups: list[Group]
    ) -> tuple[Finding, ...]:
        """The causes beside a source of chance, looked for while it is held."""
        others = findings[:-1]
        if self.rerun.as_recorded or self.rerun.parameters or not groups or self.left < 1:
            return (*others, named)
        reference = self._recorded((), source)
        if reference is None or self._failed(reference):
            return (*others, named)
        settable = {factor.subject for group in groups for factor in group.factors}
        unsettable = tuple(finding for finding in others if finding.subject not in settable)
        if self._same(reference, today):
            return (*unsettable, named)
        guilty = groups if len(groups) == 1 else self._narrowed(groups, reference, source)
        told = self._told(guilty) if guilty is not None else []
        return (*(ordered([*told, *unsettable]) if told else others), named)

    def _source(self, cause: Cause) -> Source:
        match cause:
            case "randomness.hash-order":
                return Source(cause, variables={"PYTHONHASHSEED": "0"})
            case "randomness.filesystem-order":
                return Source(cause, Held(listing="sorted"))
            case "randomness.threads":
                return Source(cause, Held(in_turn=True), Held(in_turn=True).variables())
            case "time":
                return Source(cause, Held(clock=_moment(self.rerun.manifest)))
            case _:
                return Source(cause, Held(seed=0))

    # -- nothing changed, and the result did -----------------------------------------------------------------

    def _provoked(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Where only the code's suspects are left: each is made to show itself."""
        if any(finding.cause.startswith(("data.", "code.", "environment.")) for finding in findings):
            return findings
        for finding in chances(self.measured):
            if self.left < 2:
                break
            if self._shows_itself(finding.cause):
                return (msgspec.structs.replace(finding, confirmed=True),)
        return findings

    def _shows_itself(self, cause: Cause) -> bool:
        source = self._source(cause)
        one = self._today(source)
        if one is None:
            return False
        if cause == "time":
            return self._same(self.rerun.baseline, one)
        opposite = {
            "randomness.hash-order": Source(cause, variables={"PYTHONHASHSEED": "7"}),
            "randomness.filesystem-order": Source(cause, Held(listing="reversed")),
            "randomness.unseeded": Source(cause, Held(seed=7)),
        }.get(cause)
        other = self._today(opposite) if opposite is not None else None
        return other is not None and not self._same(one, other)

    # -- runs ------------------------------------------------------------------------------------------------

    def _groups(self) -> tuple[list[Group], list[Factor]]:
        """What changed and can be set back, in groups, the likely first; and what cannot be set back."""
        likely, others = changed(self.measured)
        named: dict[str, list[Factor]] = {}
        rest = []
        for factor in (*likely, *others):
            name = _group(factor)
            if name is None:
                rest.append(factor)
            else:
                named.setdefault(name, []).append(factor)
        found = []
        for name, factors in named.items():
            telling = tuple(factor for factor in factors if factor in likely)
            found.append(Group(name, telling or tuple(factors), likely=bool(telling)))
        return sorted(found, key=lambda group: not group.likely), rest

    def _recorded(self, today: Sequence[str], source: Source | None = None) -> str | None:
        """The candidate of what was recorded with some groups as they are ``today``; None where there is none."""
        key = ("recorded", frozenset(today), source.cause if source else None)
        return self._once(key, lambda: self._with(self._mixed(frozenset(today)), source))

    def _today(self, source: Source, turn: int = 0) -> str | None:
        """The candidate of today's checkout with a source of chance held."""
        key = ("today", source.cause, source.held, tuple(source.variables.items()), turn)
        return self._once(key, lambda: self._with(self.place, source))

    def _once(self, key: object, place: Callable[[], Place]) -> str | None:
        if key not in self._made:
            if self.left < 1:
                return None
            self.left -= 1
            try:
                self._made[key] = self.rerun.run("confirm", place()).candidate
            except (MlgovError, OSError):
                self._made[key] = None
        return self._made[key]

    def _with(self, place: Place, source: Source | None) -> Place:
        if source is None:
            return place
        return replace(place, held=source.held, variables={**place.variables, **source.variables})

    def _mixed(self, today: frozenset[str]) -> Place:
        """What was recorded, with some groups as they are today."""
        before, after = self.rerun.manifest, self.measured.after.manifest
        if NOTEBOOK in today:
            notebook = msgspec.structs.replace(before.notebook, document=after.notebook.document)
            before = msgspec.structs.replace(before, notebook=notebook)
        modules = {module.path: module for module in after.code.modules}
        kept = tuple(
            modules.get(module.path, module) if f"module {module.path}" in today else module
            for module in before.code.modules
        )
        inputs = {item.uri: item for item in after.inputs}
        read = tuple(
            inputs.get(item.uri, item) if f"data {item.uri}" in today else item for item in before.inputs
        )
        known = {item.uri for item in before.inputs}
        added = tuple(item for item in after.inputs if f"data {item.uri}" in today and item.uri not in known)
        code = msgspec.structs.replace(before.code, modules=kept)
        mixed = msgspec.structs.replace(before, code=code, inputs=(*read, *added))
        place = self.rerun.restored(mixed)
        order = recorded_order(self.measured.before) if not today & {ORDER, NOTEBOOK} else None
        return replace(place, variables=self._variables(place, today), order=order)

    def _variables(self, place: Place, today: frozenset[str]) -> dict[str, str | None]:
        sides = (self.measured.before.environment.variables, self.measured.after.environment.variables)
        names = sorted({*sides[0], *sides[1]})
        changed_ = [name for name in names if sides[0].get(name) != sides[1].get(name)]
        return {**place.variables, **{n: sides[f"variable {n}" in today].get(n) for n in changed_}}

    def _same(self, one: str, other: str) -> bool:
        return measure(self.rerun.store, one, other).verdict in GOOD

    def _failed(self, candidate: str) -> bool:
        return measure(self.rerun.store, self.rerun.baseline, candidate).verdict == "failed"

    def _tell(self, groups: Sequence[Group], first: str = "") -> None:
        named = ", ".join(group.subject for group in groups)
        parts = [first, f"set back to what was recorded, then halved: {named}" if named else ""]
        said = "; ".join(part for part in parts if part)
        seconds = self.left * self.rerun.last_run_s
        self.rerun.plan(f"{said} (at most {self.left} runs, about {seconds:.0f} s)")


_ANYWHERE: tuple[Cause, ...] = ("randomness.unseeded", "randomness.hash-order")
"""What a module or a library may do without its showing in the notebook's code."""
_SAID: dict[str, str] = {
    "randomness.unseeded": "random generators",
    "randomness.hash-order": "Python's hash seed",
    "randomness.filesystem-order": "the order of folders",
    "randomness.threads": "parallel workers",
    "time": "the clock",
}
_REMEDY: dict[str, str] = {
    "randomness.unseeded": "give the generator or the estimator a seed (random_state=0, default_rng(0)), or run with --seed",
    "randomness.hash-order": "sort the set before its order matters (sorted(...)), or set PYTHONHASHSEED",
}


def _unplaced(finding: Finding, cause: Cause) -> Finding:
    """A source of chance that no line of the notebook's own code tells of: a module or a library may be it."""
    place = f" in cell {finding.cell}" if finding.cell is not None else ""
    return msgspec.structs.replace(
        finding,
        cause=cause,
        subject=finding.variable or (f"cell {finding.cell}" if finding.cell is not None else finding.subject),
        message=f"Two unchanged runs disagree, first{place}, and agree with {_SAID[cause]} held still.",
        remedy=_REMEDY[cause],
    )


def _moment(manifest: Manifest) -> float:
    return datetime.fromisoformat(manifest.created_at.replace("Z", "+00:00")).timestamp()


def _group(factor: Factor) -> str | None:
    """What a factor is set back with; None for one that cannot be."""
    if factor.cause.startswith("hidden-state."):
        return ORDER
    if factor.cause == "code.cell":
        return NOTEBOOK
    if factor.cause == "environment.variable":
        return f"variable {factor.subject}"
    if sandbox.inside(factor.subject) is None:
        return None
    if factor.cause == "code.module":
        return f"module {factor.subject}"
    return f"data {factor.subject}" if factor.cause.startswith("data.") else None
