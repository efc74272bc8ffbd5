"""Hidden state: what the session holds that a run from top to bottom would not make."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Literal

from jupyter_mlgov.capture.document import Document
from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.records.manifest import Caution


def execution_order(
    document: Document, journal: Sequence[Execution], cell: int | None
) -> Literal["linear", "out-of-order"]:
    """``linear`` when the cells that made the result ran from top to bottom.

    Cells below the experiment's count only when they bind a name that a later run reads: going back up to
    run the experiment once more is no disorder in itself.
    """
    order = [index for index, _ in _sequence(document, journal, cell)]
    return "linear" if order == sorted(order) else "out-of-order"


def _sequence(document: Document, journal: Sequence[Execution], cell: int | None) -> list[tuple[int, int]]:
    """``(index, position)`` of the last run of each cell that matters, in order of execution."""
    last = {index: cell_.runs[-1] for index, cell_ in enumerate(document.cells) if cell_.runs}
    if cell is not None:
        for index in [index for index in last if index > cell]:
            sets = set(journal[last[index]].names.sets)
            needed = any(
                sets & set(journal[other].names.uses)
                for where, other in last.items()
                if where <= cell and other > last[index]
            )
            if not needed:
                del last[index]
    return [(index, position) for index, position in sorted(last.items(), key=lambda pair: pair[1])]


def find_hidden_state(
    document: Document, journal: Sequence[Execution], cell: int | None, alive: Container[str]
) -> list[Caution]:
    """One warning per kind and cell, each naming the variable and the cell. ``alive``: names that exist."""
    return [
        *_disorder(document, journal, cell),
        *_repeated(document, journal, cell),
        *_deleted(document, journal, alive),
        *_edited(document, journal, cell),
    ]


def _disorder(document: Document, journal: Sequence[Execution], cell: int | None) -> list[Caution]:
    if execution_order(document, journal, cell) == "linear":
        return []
    sequence = _sequence(document, journal, cell)
    for place, (index, position) in enumerate(sequence):
        uses = set(journal[position].names.uses)
        for below, earlier in sequence[:place]:
            shared = sorted(set(journal[earlier].names.sets) & uses)
            if below > index and shared:
                return [
                    Caution(
                        code="hidden-state.order",
                        cell=index,
                        message=f"`{shared[0]}` in {cell_name(index)} came from {cell_name(below)}, which stands below it: "
                        "a run from top to bottom would not have it yet",
                    )
                ]
    descents = [
        (index, sequence[place + 1][0])
        for place, (index, _) in enumerate(sequence[:-1])
        if sequence[place + 1][0] < index
    ]
    last = dict(sequence)
    sets = {index: set(journal[position].names.sets) for index, position in last.items()}
    below, above = next((pair for pair in descents if sets[pair[0]] & sets[pair[1]]), descents[0])
    both = sorted(sets[below] & sets[above])
    said = f"`{both[0]}` is set by both, and " if both else ""
    return [
        Caution(
            code="hidden-state.order",
            cell=above,
            message=f"{said}{cell_name(above)} ran after {cell_name(below)}, which stands below it: "
            "a run from top to bottom executes them the other way round",
        )
    ]


def _repeated(document: Document, journal: Sequence[Execution], cell: int | None) -> list[Caution]:
    found: list[Caution] = []
    for index, one in enumerate(document.cells):
        if len(one.runs) < 2 or (cell is not None and index > cell):
            continue
        names = journal[one.runs[-1]].names
        carried = [name for name in names.sets if name in names.uses]
        if carried and not _set_anew(document, journal, one.runs, carried[0]):
            found.append(
                Caution(
                    code="hidden-state.repeated-run",
                    cell=index,
                    message=f"{cell_name(index)} changes `{carried[0]}` and ran {len(one.runs)} times: "
                    "a run from top to bottom changes it once",
                )
            )
    return found


def _set_anew(document: Document, journal: Sequence[Execution], runs: list[int], name: str) -> bool:
    """True when another cell bound ``name`` afresh between the last two runs."""
    return any(
        name in journal[position].names.sets and name not in journal[position].names.uses
        for position in range(runs[-2] + 1, runs[-1])
    )


def _deleted(document: Document, journal: Sequence[Execution], alive: Container[str]) -> list[Caution]:
    """Names whose value was made by code that is no longer in the notebook."""
    last_set: dict[str, int] = {}
    for position, run in enumerate(journal):
        for name in run.names.sets:
            last_set[name] = position
    used = {name for cell in document.cells if cell.runs for name in journal[cell.runs[-1]].names.uses}
    found: list[Caution] = []
    for name, position in sorted(last_set.items()):
        if name not in used or name not in alive or not journal[position].seen:
            continue
        index = document.place.get(position)
        if index is None:
            message = f"`{name}` was last set by a cell that is no longer in the notebook"
            found.append(Caution(code="hidden-state.deleted-cell", message=message))
        elif document.cells[index].runs[-1] != position:
            message = (
                f"`{name}` was last set by an earlier text of {cell_name(index)}, which no longer sets it"
            )
            found.append(Caution(code="hidden-state.deleted-cell", message=message, cell=index))
    return found


def _edited(document: Document, journal: Sequence[Execution], cell: int | None) -> list[Caution]:
    """Cells whose text is not the one that ran any more."""
    found: list[Caution] = []
    for index, one in enumerate(document.cells):
        if one.edited is None or (cell is not None and index > cell):
            continue
        sets = journal[one.runs[-1]].names.sets
        carried = f": `{sets[0]}` comes from the text that ran" if sets else ""
        found.append(
            Caution(
                code="hidden-state.edited-cell",
                cell=index,
                message=f"{cell_name(index)} was edited after it ran and has not been run again{carried}",
            )
        )
    return found
