"""Hidden state: what the recorded session held that a run from top to bottom does not make.

Capture warns of it when it records. It is a cause only where a name that it left behind reaches the results,
so each warning is taken up with its variable, and those are looked for in what differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.records.verdict import Cause
from jupyter_mlgov.rerun.alignment import Alignment
from jupyter_mlgov.rerun.factors import Factor
from jupyter_mlgov.rerun.flow import changed_by, imported_by, shown_by
from jupyter_mlgov.rerun.side import Side
from jupyter_mlgov.rerun.suspects import Reading

_REMEDY = "restart the kernel, run all cells from top to bottom, and record that"
_CAUSES: tuple[Cause, ...] = ("hidden-state.deleted-cell", "hidden-state.order", "hidden-state.repeated-run")


def hidden_state(before: Side, after: Side, alignment: Alignment, reading: Reading) -> list[Factor]:
    """What the baseline's session had by its own history alone. ``reading`` is of the baseline's code."""
    found = [
        *_warned(before),
        *_drawn_again(before, reading),
        *_changed_again(before),
        *_skipped(before, after, alignment),
    ]
    seen: set[tuple[str, str]] = set()
    kept = []
    for factor in found:
        if (factor.cause, factor.subject) not in seen:
            seen.add((factor.cause, factor.subject))
            kept.append(factor)
    return kept


def hidden_on_one_side(
    before: Side, after: Side, alignment: Alignment, readings: tuple[Reading, Reading]
) -> list[Factor]:
    """What only one of two recorded sessions had by its own history; cells are those of ``before``."""
    found = hidden_state(before, after, alignment, readings[0])
    other = hidden_state(after, before, alignment.turned(), readings[1])
    named = [{(factor.cause, factor.subject) for factor in side} for side in (found, other)]
    place = alignment.before_of
    return [
        *(factor for factor in found if (factor.cause, factor.subject) not in named[1]),
        *(
            replace(
                factor, cells=frozenset(place[i] for i in factor.cells if i in place), new_cells=factor.cells
            )
            for factor in other
            if (factor.cause, factor.subject) not in named[0]
        ),
    ]


def _warned(before: Side) -> Iterator[Factor]:
    for warning in before.manifest.warnings:
        for cause in _CAUSES:
            if warning.code == cause:
                variable = warning.message.split("`")[1] if warning.message.count("`") >= 2 else None
                cells = frozenset() if warning.cell is None else frozenset({warning.cell})
                yield Factor(
                    cause, variable or (cell_name(warning.cell) if warning.cell is not None else "the session"),
                    f"The recorded result depended on hidden state: {warning.message.rstrip('.')}.", _REMEDY,
                    cells=cells, names=frozenset({variable} if variable else ()), variable=variable,
                    everywhere=not cells and variable is None,
                )  # fmt: skip


def _drawn_again(before: Side, reading: Reading) -> Iterator[Factor]:
    """A cell that ran more than once and drew random numbers each time: the generator was further on."""
    for cell in before.cells:
        drawn = reading.draws.get(cell.index, set())
        if cell.runs < 2 or not drawn or _seeds_itself(before.source(cell)):
            continue
        name = next((one.removeprefix("name:") for one in sorted(drawn) if one.startswith("name:")), None)
        what = f"`{name}`" if name else "the random generator"
        sets = [n for entry in before.journal if entry.index == cell.index for n in entry.sets]
        yield Factor(
            "hidden-state.repeated-run", name or (sets[0] if sets else cell_name(cell.index)),
            f"The recorded result depended on hidden state: {cell_name(cell.index)} draws from {what} and ran "
            f"{cell.runs} times; a run from top to bottom draws once.", _REMEDY,
            cells=frozenset({cell.index}), variable=name,
        )  # fmt: skip


def _changed_again(before: Side) -> Iterator[Factor]:
    """A cell that ran more than once and changed an object in place each time, which no other cell made anew."""
    modules = {name for entry in before.journal for name in imported_by(before.source(entry))}
    for cell in before.cells:
        runs = [place for place, entry in enumerate(before.journal) if entry.index == cell.index]
        if len(runs) < 2:
            continue
        last = before.journal[runs[-1]]
        between = {name for entry in before.journal[runs[-2] + 1 : runs[-1]] for name in entry.sets}
        source = before.source(last)
        names = changed_by(source) - shown_by(source) - modules - set(last.sets) - between
        for name in sorted(names, key=lambda name: (source.find(name), name)):
            yield Factor(
                "hidden-state.repeated-run", name,
                f"The recorded result depended on hidden state: {cell_name(cell.index)} changes `{name}` in place and ran "
                f"{len(runs)} times; a run from top to bottom changes it once.", _REMEDY,
                cells=frozenset({cell.index}), names=frozenset({name}), variable=name,
            )  # fmt: skip


def unnoticed_history(before: Side) -> Factor:
    """What the session's own order was, where a run showed that it matters and no rule says which name carried it."""
    again = next((cell for cell in before.cells if cell.runs > 1), None)
    gone = any(entry.index is None for entry in before.journal)
    order = [entry.index for entry in before.journal if entry.index is not None]
    late = next((two for one, two in pairwise(order) if two < one), None)
    if again is not None and (late is None or late == again.index):
        cause: Cause = "hidden-state.repeated-run"
        index: int | None = again.index
        said = (
            f"{cell_name(again.index)} ran {again.runs} times, and a run from top to bottom executes it once"
        )
    elif gone and late is None:
        cause, index = "hidden-state.deleted-cell", None
        said = "the session had executed cells that are no longer in the notebook"
    else:
        cause, index = "hidden-state.order", late
        said = "the session had executed its cells in another order than from top to bottom"
    sets = [
        name for entry in before.journal if entry.index == index and index is not None for name in entry.sets
    ]
    subject = sets[0] if sets else cell_name(index) if index is not None else "the session"
    return Factor(
        cause, subject, f"The recorded result depended on hidden state: {said}.", _REMEDY,
        cells=frozenset() if index is None else frozenset({index}), variable=sets[0] if sets else None,
        everywhere=index is None,
    )  # fmt: skip


def _seeds_itself(source: str) -> bool:
    return any(word in source for word in ("seed(", "default_rng(", "RandomState(", "--seed"))


def _skipped(before: Side, after: Side, alignment: Alignment) -> Iterator[Factor]:
    """Cells that the recorded session left out and a run from top to bottom executes."""
    limit = before.manifest.cell
    for index, other in alignment.after_of.items():
        cell = next(one for one in before.cells if one.index == index)
        if cell.type == "code" and cell.runs == 0 and other.runs and (limit is None or index < limit):
            sets = [n for entry in after.journal if entry.index == other.index for n in entry.sets]
            name = sets[0] if sets else cell_name(index)
            yield Factor(
                "hidden-state.order", name,
                f"The recorded result depended on hidden state: {cell_name(index)} had not been run in that session, and "
                "a run from top to bottom runs it.", _REMEDY,
                cells=frozenset({index}), new_cells=frozenset({other.index}), variable=sets[0] if sets else None,
            )  # fmt: skip
