"""The order in which a session was recorded, for a run that follows it: a cell's place, or the text that it had
when it ran (it was edited later, or deleted)."""

from __future__ import annotations

from jupyter_mlgov.rerun.alignment import Alignment
from jupyter_mlgov.rerun.side import Side

Order = tuple[int | str, ...]


def recorded_order(side: Side) -> Order | None:
    """None where that is from top to bottom, each cell once."""
    texts = {cell.index: cell.source for cell in side.cells}
    order: list[int | str] = []
    for entry in side.journal:
        as_it_stands = entry.index is not None and texts.get(entry.index) == entry.source
        order.append(entry.index if as_it_stands and entry.index is not None else side.source(entry))
    ran = [step for step in order if isinstance(step, int)]
    once = len(ran) == len(order) and ran == sorted(set(ran))
    return None if once and not _left_out(side, ran) else tuple(order)


def order_in(alignment: Alignment, order: Order) -> Order | None:
    """The same order with the cells of an edited notebook; None where that has cells which are in no order."""
    if any(pair.before is None and pair.after is not None and pair.after.runs for pair in alignment.pairs):
        return None
    after_of = alignment.after_of
    steps = [
        after_of[step].index if isinstance(step, int) else step
        for step in order
        if step in after_of or isinstance(step, str)
    ]
    return tuple(steps)


def _left_out(side: Side, ran: list[int]) -> bool:
    """True when a cell above the last that ran was not run."""
    last = max(ran, default=-1)
    return any(c.type == "code" and c.index < last and c.index not in ran for c in side.cells)
