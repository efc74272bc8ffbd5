"""Controlled reruns: causes shown by experiment.

Everything that changed is set back to what was recorded, in a sandbox: the reference. Then what changed is brought
back in parts, and what still makes a difference is halved again, as delta debugging does, until single factors
are left: each of them is ``confirmed``, what made no difference alone or with others is none. The recorded order
of execution is such a factor, and so is the environment: the recorded one is rebuilt, and where it is guilty, its
packages are halved in turn. Where two unchanged runs disagree, one source of chance after another is held still
(see ``held``): that whose holding makes them agree is the one, and the rest is looked for while it is held.

Runs are kept by what they were made of, none is made twice. They are few and bounded
(``limits.RerunSettings``); past them a finding stays what it is, the best explanation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from jupyter_mlgov.configuration import section
from jupyter_mlgov.errors import Blocked, MlgovError
from jupyter_mlgov.records.verdict import Cause, Finding
from jupyter_mlgov.rerun.compare import Measured, measure
from jupyter_mlgov.rerun.diagnose import chances, finding_of
from jupyter_mlgov.rerun.factors import Factor, changed_packages
from jupyter_mlgov.rerun.history import unnoticed_history
from jupyter_mlgov.rerun.kernels import kernel_program
from jupyter_mlgov.rerun.leftovers import left_behind
from jupyter_mlgov.rerun.limits import RerunSettings
from jupyter_mlgov.rerun.place import Place
from jupyter_mlgov.rerun.rebuilt import Rebuilt
from jupyter_mlgov.rerun.replay import recorded_order
from jupyter_mlgov.rerun.runner import Runner
from jupyter_mlgov.rerun.search import ordered
from jupyter_mlgov.rerun.set_back import (
    ENVIRONMENT,
    ORDER,
    Group,
    groups_of,
    mixture,
    package_group,
    packages_in,
    told_of_run,
    told_together,
)
from jupyter_mlgov.rerun.sources import (
    ANYWHERE,
    OPPOSITE,
    SAID,
    Source,
    from_outside,
    held_source,
    in_words,
    sources_shown,
    together,
    unplaced,
)


class Controls:
    """The controlled runs of one rerun. ``place`` is where today's run happened."""

    def __init__(self, rerun: Runner, measured: Measured, place: Place) -> None:
        self.rerun = rerun
        self.measured = measured
        self.place = place
        bounds = section(rerun.root, "rerun", RerunSettings)
        self.left = min(bounds.controlled_runs, int(bounds.controlled_seconds / max(rerun.last_run_s, 0.01)))
        self._made: dict[object, str | None] = {}
        self._not_held: set[Cause] = set()
        """Sources of chance with which held still the notebook fails."""
        self._found: tuple[list[Group], list[Factor]] | None = None
        self._environments = Rebuilt(
            rerun.store,
            rerun.baseline,
            rerun.manifest,
            measured.after,
            kernel=kernel_program(place.document),
            seconds=bounds.controlled_seconds if bounds.controlled_environment else 0.0,
            say=rerun.building,
        )

    def close(self) -> None:
        """Removes what was made for these runs only."""
        self._environments.close()

    # -- what changed is set back ----------------------------------------------------------------------------

    def set_back(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...] | None:
        """The causes, where everything that changed can be set back and the recorded result comes back with it:
        then the notebook agrees with itself. None where that is not so; then it has to be asked."""
        if not self._wanted(findings):
            return None
        groups, rest = self._groups()
        if not groups:
            return None
        reference = self._recorded(())
        if reference is None or not self._same(self.rerun.baseline, reference):
            return None
        guilty = groups if len(groups) == 1 and not rest else self._narrowed(groups, reference)
        return tuple(ordered(self._told(guilty, reference))) if guilty is not None else None

    def _wanted(self, findings: tuple[Finding, ...]) -> bool:
        sure = any(finding.confirmed for finding in findings)
        return not (self.rerun.parameters or sure or self.left < 1)

    def agreeing(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Where two runs of today agree, and what was set back did not bring the recorded result back: the findings,
        with those confirmed that make a difference all the same, and those left out that make none."""
        if not self._wanted(findings):
            return findings
        groups, _ = self._groups()
        if not groups:
            return self._left_behind() or self._unnoticed(findings)
        reference = self._recorded(())
        if reference is None or self._failed(reference):
            return findings
        settable = {factor.subject for group in groups for factor in group.factors}
        others = tuple(finding for finding in findings if finding.subject not in settable)
        if self._same(self.measured.after.id, reference):
            # Nothing that was set back matters.
            return others or self._unnoticed(findings)
        guilty = self._narrowed(groups, reference)
        return tuple(ordered([*self._told(guilty, reference), *others])) if guilty is not None else findings

    def _told(
        self,
        guilty: Sequence[Group],
        reference: str,
        source: Source | None = None,
        shown: Measured | None = None,
    ) -> list[Finding]:
        factors = [
            factor
            for group in guilty
            for factor in (
                self._of_environment(group, reference, source) if group.name == ENVIRONMENT else group.factors
            )
        ]
        return [finding_of(self.measured, factor, confirmed=True, shown=shown) for factor in factors]

    def _of_environment(self, group: Group, reference: str, source: Source | None) -> Sequence[Factor]:
        """What of the environment it is: today's packages are brought back into the recorded environment."""
        packages = changed_packages(self.measured.before, self.measured.after)
        pythons = [factor for factor in group.factors if factor.cause == "environment.python"]
        if len(packages) + len(pythons) < 2:
            return group.factors
        alone = [package_group(factor) for factor in packages]
        if pythons:
            differs = self._differs(alone, reference, source) if alone else False
            if not differs:
                return group.factors if differs is None else pythons
        found = self._narrowed(alone, reference, source)
        if found is None or len(found) == len(alone):
            return told_together(group.factors)
        return [factor for one in found for factor in one.factors]

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
        names = [group.name for group in today]
        made = self._recorded(names, source)
        if made is None or (packages_in(frozenset(names)) and self._failed(made) and not self._fails_today()):
            return None  # packages of two times that do not go together say nothing about today's
        return not self._same(reference, made)

    # -- two runs disagree -----------------------------------------------------------------------------------

    def chance(self, findings: tuple[Finding, ...], itself: Measured) -> tuple[Finding, ...]:
        """Which sources of chance make two unchanged runs disagree, and what else changed while they are held."""
        suspected = chances(self.measured, itself)
        last = findings[-1]
        groups, _ = self._groups(tell=False)
        self._tell(groups, "held still, one after the other: " + ", ".join(SAID[f.cause] for f in suspected))
        elsewhere = [unplaced(last, cause) for cause in ANYWHERE if all(f.cause != cause for f in suspected)]
        tried, shown = sources_shown(suspected, elsewhere, self.rerun.manifest, self._agree)
        if shown:
            source = together([held_source(finding.cause, self.rerun.manifest) for finding in shown])
            return self._beside(findings, tuple(ordered(shown)), source, groups)
        answered = [finding for finding in tried if finding.cause not in self._not_held]
        if not suspected and len(answered) == len(ANYWHERE):
            return (*findings[:-1], from_outside(last, [finding.cause for finding in tried]))
        # Held still, it made no difference: no more than the best explanation.
        sure = last.confirmed and len(suspected) <= 1 and all(one.cause != last.cause for one in tried)
        return (*findings[:-1], msgspec.structs.replace(last, confirmed=sure))

    def _agree(self, source: Source) -> bool | None:
        """True when two runs of today with a source of chance held give the same; None where runs ran out."""
        if self.left < 2:
            return None
        one, other = (self._today(source, turn) for turn in (0, 1))
        if one is None or other is None or self._does_not_stand(source, one, other):
            return False
        return self._same(one, other)

    def _does_not_stand(self, source: Source, *candidates: str) -> bool:
        """Whether the notebook fails with a source held, where today's did not: two runs that fail alike agree about
        nothing else."""
        fails = any(
            measure(self.rerun.store, self.measured.after.id, one).verdict == "failed" for one in candidates
        )
        if fails:
            self._not_held.add(source.cause)
        return fails

    def _beside(
        self, findings: tuple[Finding, ...], shown: tuple[Finding, ...], source: Source, groups: list[Group]
    ) -> tuple[Finding, ...]:
        """The causes beside sources of chance, looked for while they are held."""
        others = findings[:-1]
        named = tuple(msgspec.structs.replace(finding, confirmed=True) for finding in shown)
        if self.rerun.as_recorded or self.rerun.parameters or not groups or self.left < 1:
            return (*others, *named)
        reference, today = self._recorded((), source), self._today(source)
        if reference is None or self._failed(reference):
            return (*others, *named)
        settable = {factor.subject for group in groups for factor in group.factors}
        unsettable = tuple(finding for finding in others if finding.subject not in settable)
        if today is not None and self._same(reference, today):
            return (*unsettable, *named)
        guilty = groups if len(groups) == 1 else self._narrowed(groups, reference, source)
        apart = measure(self.rerun.store, reference, today) if today is not None else None
        told = self._told(guilty, reference, source, apart) if guilty is not None else []
        return (*(ordered([*told, *unsettable]) if told else others), *named)

    # -- nothing changed, and the result did -----------------------------------------------------------------

    def _left_behind(self) -> tuple[Finding, ...]:
        """Where the recorded result comes back in a folder that holds nothing but what was recorded: what earlier runs
        left in the checkout is the cause."""
        if self.rerun.as_recorded:
            return ()
        made = self._recorded(())
        if made is None or not self._same(self.rerun.baseline, made):
            return ()
        return left_behind(self.measured, self.rerun.root, chances(self.measured))

    def _unnoticed(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Where nothing that changed matters: the recorded order of execution is followed, though no rule had found
        anything in it."""
        order = recorded_order(self.measured.before)
        if order is not None:
            made = self._once(
                ("order",),
                lambda: mixture(self.measured, self.rerun.restored, frozenset(), None, follows=True),
                "as recorded again, in the recorded order of execution",
            )
            if made is not None and self._same(self.rerun.baseline, made):
                told = [finding for finding in findings if finding.cause.startswith("hidden-state.")]
                other = finding_of(self.measured, unnoticed_history(self.measured.before))
                return (msgspec.structs.replace((told or [other])[0], confirmed=True),)
        return self._provoked(findings)

    def _provoked(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Where only the code's suspects are left: each is made to show itself. What cannot be is the last to be told."""
        suspected = chances(self.measured)
        if any(
            f.cause.startswith(("data.", "code.", "environment.")) and f not in suspected for f in findings
        ):
            return findings
        for finding in suspected:
            if self.left < 2:
                break
            if finding.cause != "data.rows" and self._shows_itself(finding.cause):
                return (msgspec.structs.replace(finding, confirmed=True),)
        return tuple(finding for finding in suspected if finding.cause == "data.rows") or findings

    def _shows_itself(self, cause: Cause) -> bool:
        source = held_source(cause, self.rerun.manifest)
        one = self._today(source)
        if one is None or self._does_not_stand(source, one):
            return False
        if cause == "time":
            return self._same(self.rerun.baseline, one)
        opposite = OPPOSITE.get(cause)
        other = self._today(opposite) if opposite is not None else None
        if other is None or self._does_not_stand(source, other):
            return False
        return not self._same(one, other)

    # -- runs ------------------------------------------------------------------------------------------------

    def _groups(self, *, tell: bool = True) -> tuple[list[Group], list[Factor]]:
        """What changed and can be set back, in groups, the likely first; and what cannot be set back. The plan is told
        once, before anything is built."""
        if self.rerun.parameters:
            return [], []
        if self._found is None:
            groups, rest = groups_of(self.measured)
            if self.rerun.as_recorded:  # all but the order of execution is as recorded already
                groups, rest = [group for group in groups if group.name == ORDER], []
            if groups and tell:
                self._tell(groups)
            environment = next((group for group in groups if group.name == ENVIRONMENT), None)
            if environment is not None and self._environments.recorded() is None:
                self.rerun.plan(f"the recorded environment is not set back: {self._environments.why}")
                groups = [group for group in groups if group is not environment]
                rest = [*rest, *environment.factors]
            self._found = groups, rest
        return self._found

    def _recorded(self, today: Sequence[str], source: Source | None = None) -> str | None:
        """The candidate of what was recorded with some groups as they are ``today``; None where there is none."""
        key = ("recorded", frozenset(today), source and (source.held, tuple(source.variables.items())))
        why = told_of_run(self._groups()[0], today, source)
        return self._once(key, lambda: self._with(self._mixed(frozenset(today)), source), why)

    def _today(self, source: Source, turn: int = 0) -> str | None:
        """The candidate of today's checkout with a source of chance held."""
        key = ("today", source.held, tuple(source.variables.items()), turn)
        how = "otherwise" if source == OPPOSITE.get(source.cause) else "still"
        why = f"as it is today, with {in_words(source)} held {how}"
        return self._once(key, lambda: self._with(self.place, source), why)

    def _once(self, key: object, place: Callable[[], Place], why: str) -> str | None:
        if key not in self._made:
            if self.left < 1:
                return None
            self.left -= 1
            try:
                self._made[key] = self.rerun.run("confirm", place(), why=why).candidate
            except (MlgovError, OSError):
                self._made[key] = None  # no answer: what cannot be run or built shows nothing
        return self._made[key]

    def _with(self, place: Place, source: Source | None) -> Place:
        if source is None:
            return place
        return replace(place, held=source.held, variables={**place.variables, **source.variables})

    def _mixed(self, today: frozenset[str]) -> Place:
        """What was recorded, with some groups as they are today. Raises ``Blocked`` for packages that cannot be had."""
        groups, _ = self._groups()
        python = None
        if ENVIRONMENT not in today and any(group.name == ENVIRONMENT for group in groups):
            python = self._environments.mixed(packages_in(today))
            if python is None:
                raise Blocked(
                    "these packages cannot be installed together: rerun without a controlled environment"
                )
        follows = any(group.name == ORDER for group in groups)
        return mixture(self.measured, self.rerun.restored, today, python, follows=follows)

    def _same(self, one: str, other: str) -> bool:
        return not measure(self.rerun.store, one, other).differs

    def _failed(self, candidate: str) -> bool:
        return measure(self.rerun.store, self.rerun.baseline, candidate).verdict == "failed"

    def _fails_today(self) -> bool:
        return self.measured.verdict == "failed"

    def _tell(self, groups: Sequence[Group], first: str = "") -> None:
        named = ", ".join(group.subject for group in groups)
        parts = [first, f"set back to what was recorded, then halved: {named}" if named else ""]
        said = "; ".join(part for part in parts if part)
        seconds = self.left * self.rerun.last_run_s
        self.rerun.plan(f"{said} (at most {self.left} runs, about {seconds:.0f} s)")
