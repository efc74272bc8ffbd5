"""The search for the causes of one measured difference.

A factor is a cause only if what it can have reached differs. Where two unchanged runs disagree, what they
disagree about is blamed on that first, and other factors answer only for what both runs agree on.
"""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.records.verdict import Cause, Finding
from jupyter_mlgov.rerun.chance import AFTER_A_WHILE, REMEDIES, SAID, cells_named, kinds_of
from jupyter_mlgov.rerun.compare import Measured, timings_of
from jupyter_mlgov.rerun.factors import Factor, changed_factors
from jupyter_mlgov.rerun.failures import failure
from jupyter_mlgov.rerun.flow import Flow, read_into
from jupyter_mlgov.rerun.history import hidden_on_one_side, hidden_state
from jupyter_mlgov.rerun.outputs import only_wording
from jupyter_mlgov.rerun.suspects import Kind, Reading, Suspect

_RANK: tuple[str, ...] = ("path", "data.missing", "data.", "code.cell", "code.module", "environment.package",
                          "environment.", "hidden-state.", "randomness.", "time", "unknown")  # fmt: skip


@dataclass(frozen=True)
class Differences:
    """Cells (of the baseline) that show something else, and names that hold something else."""

    cells: frozenset[int]
    names: frozenset[str]

    @classmethod
    def of(cls, measured: Measured) -> Differences:
        """All that differs."""
        return cls(frozenset(measured.differing_cells), frozenset(measured.differing_names))

    def __bool__(self) -> bool:
        return bool(self.cells or self.names)


class Search:
    """The search for the causes of one measured difference."""

    def __init__(self, measured: Measured) -> None:
        self.measured = measured
        self.all = Differences.of(measured)
        self.before_flow, self.after_flow = Flow(measured.before), Flow(measured.after)
        self.code: Reading = timings_of(measured.before)
        self.code_now: Reading = timings_of(measured.after)

    def findings(self, itself: Measured | None) -> list[Finding]:
        """Everything that explains the difference, the main cause first."""
        if itself is not None and itself.differs:
            return self._disagreeing(self.unstable(itself), kinds_of(itself))
        told = failure(self.measured)
        found = [] if told is not None and told.confirmed else self.explaining(self.all)
        found += [factor for factor in self.history() if self.explains(factor, self.all)]
        findings = [self.finding(factor, self.all) for factor in found]
        if told is not None and not any(
            one.cause == told.cause and one.subject == told.subject for one in findings
        ):
            findings = [told, *findings] if told.confirmed or not findings else findings
        return ordered(findings) or [self._last_resort(agreed=itself is not None)]

    def unstable(self, itself: Measured) -> Differences:
        """What two unchanged runs disagree about, in terms of the baseline's cells."""
        found = Differences.of(itself)
        mapped = frozenset(self.measured.alignment.before_of.get(i, i) for i in found.cells)
        return Differences(mapped, found.names)

    def _disagreeing(self, unstable: Differences, kinds: tuple[Kind, ...]) -> list[Finding]:
        """Two unchanged runs differ: chance explains that, other factors the rest."""
        chance = self._chance(unstable, kinds)
        stable = Differences(self.all.cells - unstable.cells, self.all.names - unstable.names)
        found = self.explaining(stable, strictly=True) if stable else []
        found += [factor for factor in self.history() if stable and self.explains(factor, stable)]
        findings = ordered([self.finding(factor, stable) for factor in found])
        unseeding = [factor for factor in self._unseedings() if factor not in found]
        return [*findings, *(self.finding(factor, self.all) for factor in unseeding), chance]

    def _unseedings(self) -> list[Factor]:
        """Edits that took a seed away: then the edit is what made the result random."""
        was = {(one.call, one.cell) for one in self.code.unseeded()}
        place = self.measured.alignment.before_of
        new = [one for one in self.code_now.unseeded() if (one.call, place.get(one.cell, -1)) not in was]
        if not new:
            return []
        return [factor for factor in self.changed() if factor.cause in ("code.cell", "code.module")]

    # -- which factors ---------------------------------------------------------------------------------------

    def changed(self) -> list[Factor]:
        """What is not as it was."""
        measured = self.measured
        return changed_factors(measured.before, measured.after, measured.alignment)

    def explaining(self, differences: Differences, *, strictly: bool = False) -> list[Factor]:
        """Factors that can have made the differences; all of them where none can (the flow is only read)."""
        changed = self.changed()
        found = [factor for factor in changed if self.explains(factor, differences)]
        found = found or ([] if strictly else changed)
        # A file inside a package changes with its package.
        packages = {factor.subject for factor in found if factor.cause == "environment.package"}
        return [f for f in found if not (packages and f.subject.startswith("package:"))]

    def history(self) -> list[Factor]:
        """What one recorded session had by the order of its execution and the other had not; a rerun has none."""
        measured = self.measured
        sides = (measured.before, measured.after, measured.alignment)
        if measured.after.manifest.kind == "candidate":
            return hidden_state(*sides, self.code)
        return hidden_on_one_side(*sides, (self.code, self.code_now))

    def unexplained(self) -> Differences:
        """The differences that nothing which changed can have made."""
        cells, names = self.all.cells, self.all.names
        for factor in (*self.changed(), *self.history()):
            if factor.everywhere:
                return Differences(frozenset(), frozenset())
            reach = self._reach(factor)
            cells, names = cells - reach[0], names - reach[1]
        return Differences(cells, names)

    def explains(self, factor: Factor, differences: Differences) -> bool:
        """True when the factor can have made some of the differences."""
        if factor.everywhere:
            return True
        cells, names = self._reach(factor)
        return bool(cells & differences.cells or names & differences.names)

    def _reach(self, factor: Factor) -> tuple[frozenset[int], frozenset[str]]:
        place = self.measured.alignment.before_of
        after_of = self.measured.alignment.after_of
        starts = factor.new_cells | {after_of[i].index for i in factor.cells if i in after_of}
        now = self.after_flow.reach(starts, factor.names)
        then = self.before_flow.reach(factor.cells, factor.names)
        cells = {place[i] for i in now.cells if i in place} | then.cells | factor.cells
        return frozenset(cells), now.names | then.names

    # -- one finding -----------------------------------------------------------------------------------------

    def finding(self, factor: Factor, differences: Differences, *, confirmed: bool = False) -> Finding:
        """The factor with the first cell that it affected and a variable that shows it."""
        cells, names = self._reach(factor)
        everywhere = factor.everywhere and not factor.cells
        cell, variable = self.first(
            differences.cells if everywhere else differences.cells & cells,
            differences.names if everywhere else differences.names & names,
            within=None if everywhere else cells,
            columns=factor.columns,
            likely=self._read_into(factor),
        )
        if factor.cause.startswith(("code.cell", "hidden-state.")) and (factor.cells or factor.new_cells):
            cell = min(factor.cells or factor.new_cells)
        elif cell is None:
            cell = min(factor.cells, default=None)
        cause: Cause = factor.cause
        if cause == "environment.package" and self._cosmetic():
            cause = "environment.cosmetic"
        return Finding(
            cause=cause, subject=factor.subject, columns=factor.columns, cell=cell,
            variable=factor.variable or variable, message=factor.message, remedy=factor.remedy, confirmed=confirmed,
        )  # fmt: skip

    def first(
        self,
        cells: frozenset[int],
        names: frozenset[str],
        *,
        within: frozenset[int] | None = None,
        columns: tuple[str, ...] = (),
        likely: frozenset[str] = frozenset(),
    ) -> tuple[int | None, str | None]:
        """The first cell at which a difference shows, and a variable that holds it: of several there, a table with
        these ``columns``, and a ``likely`` one."""
        kinds = {
            value.name: ("frame", "model", "metric", "parameter").index(value.kind)
            for value in self.measured.values
        }
        places: list[tuple[int, int, str | None]] = [(index, 9, None) for index in cells]
        for name in names:
            setters = self.before_flow.setters(name) or [
                self.measured.alignment.before_of.get(i, i) for i in self.after_flow.setters(name)
            ]
            inside = [i for i in setters if within is None or i in within]
            places += [(min(inside), kinds.get(name, 5), name)] if inside else []
        if not places:
            return None, next(iter(sorted(names)), None)
        where = min(place[0] for place in places)
        named = [(rank, name) for cell, rank, name in places if name is not None and cell == where]
        tables = [(rank, name) for rank, name in named if columns and self._has(name, columns)]
        named = tables or named
        named = [(rank, name) for rank, name in named if name in likely] or named
        named = named or [(rank, name) for cell, rank, name in sorted(places)[:] if name is not None][:1]
        return where, min(named)[1] if named else None

    def _read_into(self, factor: Factor) -> frozenset[str]:
        """The names that data was read into, where the code says so."""
        if not factor.cause.startswith("data."):
            return frozenset()
        cells = [cell for cell in self.measured.before.cells if cell.index in factor.cells]
        file = factor.uri or factor.subject
        return frozenset().union(*(read_into(self.measured.before.source(cell), file) for cell in cells))

    def _has(self, name: str, columns: tuple[str, ...]) -> bool:
        frames = (*self.measured.before.manifest.frames, *self.measured.after.manifest.frames)
        return any(
            frame.name == name and set(columns) <= {column.name for column in frame.columns or ()}
            for frame in frames
        )

    def _cosmetic(self) -> bool:
        """True when only the wording of texts differs, and no value and no number in them."""
        measured = self.measured
        if measured.differing_names or measured.verdict == "failed":
            return False
        before = {cell.index: cell for cell in measured.before.cells}
        return all(
            index in measured.alignment.after_of
            and only_wording(
                measured.before.outputs(before[index]),
                measured.after.outputs(measured.alignment.after_of[index]),
            )
            for index in measured.differing_cells
        )

    # -- when nothing changed --------------------------------------------------------------------------------

    def _chance(self, unstable: Differences, kinds: tuple[Kind, ...]) -> Finding:
        """What makes two unchanged runs disagree, from what the code does upstream of the disagreement."""
        found = self.chances(unstable, disagreeing=True, kinds=kinds, confirmed=True)
        if found:
            return found[0]
        cell, variable = self.first(unstable.cells, unstable.names)
        subject = variable or (cell_name(cell) if cell is not None else "the notebook")
        where = f" in {cell_name(cell)}" if cell is not None else ""
        return Finding(
            cause="randomness.unseeded", subject=subject, cell=cell, variable=variable,
            message=f"Two unchanged runs disagree, first{where}: something there is random and has no seed.",
            remedy=REMEDIES["random"], confirmed=True,
        )  # fmt: skip

    def chances(
        self,
        differences: Differences,
        *,
        disagreeing: bool,
        kinds: tuple[Kind, ...] | None = None,
        confirmed: bool = False,
    ) -> list[Finding]:
        """A finding for each kind of suspect that feeds the differences, the likeliest kind first."""
        found = []
        for kind in kinds or AFTER_A_WHILE:
            reaching = [one for one in self.code_now.of(kind) if self._feeds(one, differences)]
            if reaching:
                found.append(
                    self._suspected(reaching, differences, disagreeing=disagreeing, confirmed=confirmed)
                )
        return found

    def _feeds(self, suspect: Suspect, differences: Differences) -> bool:
        reach = self.after_flow.reach({suspect.cell})
        place = self.measured.alignment.before_of
        cells = {place.get(i, i) for i in reach.cells | {suspect.cell}}
        return bool(cells & differences.cells or reach.names & differences.names)

    def _suspected(
        self, suspects: list[Suspect], differences: Differences, *, disagreeing: bool, confirmed: bool
    ) -> Finding:
        """A finding for the first of the suspects: the same kind further down follows from it or repeats it."""
        # What is in a function happens where that is called.
        one = next((suspect for suspect in suspects if not suspect.deferred), suspects[0])
        cell = self.measured.alignment.before_of.get(one.cell, one.cell)
        # A pool of workers is no result, and the name of it says nothing.
        own = () if one.kind == "threads" or one.deferred else one.names
        bound = [name for name in one.names if name in differences.names]
        if not bound and len(own) == 1:
            bound = list(own)
        reach = self.after_flow.reach({one.cell}).names
        fed = self.first(frozenset(), differences.names & reach)[1]
        variable = bound[0] if bound else fed or next(iter(own), None)
        cause, said = SAID[one.kind]
        shown = f"`{one.call}` in {cell_name(cell)}" + (f" (for `{variable}`)" if bound else "")
        also = {o.cell for o in suspects} - {one.cell}
        more = f"; the same holds in {cells_named(sorted(also))}" if also else ""
        lead = (
            "Two unchanged runs disagree with each other"
            if disagreeing
            else "The results differ and no recorded factor does"
        )
        subject = one.generator if one.kind == "listed" else variable
        called = self.first(differences.cells, differences.names & reach)[0] if one.deferred else None
        return Finding(
            cause=cause, subject=subject or one.call, cell=cell if called is None else called, variable=variable,
            message=f"{lead}: {shown} {said}{more}.", remedy=REMEDIES[one.kind], confirmed=confirmed,
        )  # fmt: skip

    def _last_resort(self, *, agreed: bool) -> Finding:
        """Nothing recorded has changed. ``agreed``: two runs gave the same, so it is not chance."""
        kinds = None if agreed else kinds_of(self.measured)
        found = self.chances(self.all, disagreeing=False, kinds=kinds)
        if found and (not agreed or found[0].cause in _UNSEEN):
            return found[0]
        cell, variable = self.first(self.all.cells, self.all.names)
        subject = variable or (
            cell_name(cell) if cell is not None else self.measured.before.manifest.experiment
        )
        return Finding(
            cause="unknown", subject=subject, cell=cell, variable=variable,
            message="The result differs, and data, code, environment and order of execution are as they were recorded"
            + ("; two runs of today agree with each other." if agreed else "."),
            remedy="look for what the notebook reads that is not recorded: a service, a device, the machine itself",
        )  # fmt: skip


_UNSEEN: tuple[Cause, ...] = ("time", "randomness.filesystem-order", "randomness.threads", "data.rows")
"""What two runs, one right after the other, can agree about and yet have changed since the record."""


def ordered(findings: list[Finding]) -> list[Finding]:
    """Confirmed causes first, then from the outside in; equal ones by the cell that they affect first."""

    def rank(finding: Finding) -> tuple[bool, int, int]:
        place = next((n for n, head in enumerate(_RANK) if finding.cause.startswith(head)), len(_RANK))
        return (not finding.confirmed, place, finding.cell if finding.cell is not None else 1_000_000)

    return sorted(findings, key=rank)
