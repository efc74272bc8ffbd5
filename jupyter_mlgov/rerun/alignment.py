"""Which cell of one notebook is which of another.

By id where the text under it is equal too; then by equal text and equal code, in order; what is left by id
again, and last by similar text between the same neighbours. Ids alone are not trusted first: tools that write
notebooks number the cells, and then a new cell shifts all ids behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Protocol

from jupyter_mlgov.records.manifest import CellRecord

SIMILAR = 0.6
"""The share of equal text (difflib's ratio) from which two cells in the same place count as one."""

_SYNTHETIC = re.compile(r"cell-\d+")


class Cells(Protocol):
    """What is paired: a recorded notebook, or one in an editor."""

    @property
    def cells(self) -> tuple[CellRecord, ...]:
        """All cells of the notebook, in its order."""

    def source(self, part: CellRecord, /) -> str:
        """A cell's text."""

    def form(self, part: CellRecord, /) -> str:
        """What its code says."""


@dataclass(frozen=True)
class Pair:
    """A cell on both sides, or on one."""

    before: CellRecord | None
    after: CellRecord | None


@dataclass(frozen=True)
class Alignment:
    """All cells of two notebooks: those of ``before`` in their order, then those that only ``after`` has."""

    pairs: tuple[Pair, ...]

    @property
    def after_of(self) -> dict[int, CellRecord]:
        """Index on the left to the cell on the right."""
        return {p.before.index: p.after for p in self.pairs if p.before is not None and p.after is not None}

    @property
    def before_of(self) -> dict[int, int]:
        """Index on the right to the index on the left."""
        return {
            p.after.index: p.before.index for p in self.pairs if p.before is not None and p.after is not None
        }

    def turned(self) -> Alignment:
        """The same with the sides exchanged."""
        return Alignment(tuple(Pair(pair.after, pair.before) for pair in self.pairs))

    def moved(self) -> Iterator[Pair]:
        """Pairs that stand in another order than the rest: the fewest that explain it."""
        matched = [p for p in self.pairs if p.before is not None and p.after is not None]
        places = [p.after.index for p in matched if p.after is not None]
        steady = set(_longest_rise(places))
        yield from (pair for number, pair in enumerate(matched) if number not in steady)


def align(before: Cells, after: Cells) -> Alignment:
    """Pairs the cells of two notebooks."""
    left, right = list(before.cells), list(after.cells)
    texts = [[f"{cell.type} {side.source(cell).strip()}" for cell in side.cells] for side in (before, after)]
    forms = [[f"{cell.type} {_form(side, cell)}" for cell in side.cells] for side in (before, after)]
    found: dict[int, int] = {}
    by_id = {cell.id: place for place, cell in enumerate(right) if not _SYNTHETIC.fullmatch(cell.id)}
    named = [(place, by_id[cell.id]) for place, cell in enumerate(left) if cell.id in by_id]
    found.update((place, other) for place, other in named if forms[0][place] == forms[1][other])
    _match_equal(found, *texts)
    _match_equal(found, *forms)
    for place, other in named:
        if place not in found and other not in found.values() and left[place].type == right[other].type:
            found[place] = other
    _match_similar(found, before, after)
    pairs = [Pair(cell, right[found[place]] if place in found else None) for place, cell in enumerate(left)]
    taken = set(found.values())
    pairs += [Pair(None, cell) for place, cell in enumerate(right) if place not in taken]
    return Alignment(tuple(pairs))


def _form(side: Cells, cell: CellRecord) -> str:
    return side.form(cell) if cell.type == "code" else side.source(cell).strip()


def _match_equal(found: dict[int, int], left: list[str], right: list[str]) -> None:
    """Equal keys among the cells that are still free, in order."""
    taken = set(found.values())
    free_left = [place for place in range(len(left)) if place not in found]
    free_right = [place for place in range(len(right)) if place not in taken]
    matcher = SequenceMatcher(
        None, [left[place] for place in free_left], [right[place] for place in free_right], autojunk=False
    )
    for start, other, size in matcher.get_matching_blocks():
        for step in range(size):
            found[free_left[start + step]] = free_right[other + step]
    # What moved past another cell is not in the longest common order.
    taken = set(found.values())
    rest = {right[place]: place for place in reversed(free_right) if place not in taken}
    for place in free_left:
        if place not in found and left[place].strip() and left[place] in rest:
            found[place] = rest.pop(left[place])


def _match_similar(found: dict[int, int], before: Cells, after: Cells) -> None:
    """Edited cells: with enough text in common, between the same neighbours, else (a neighbour may have moved)
    wherever a cell is free."""
    left, right = before.cells, after.cells
    taken = set(found.values())
    for place, cell in enumerate(left):
        if place in found:
            continue
        low = max((found[p] for p in range(place) if p in found), default=-1)
        high = min((found[p] for p in range(place + 1, len(left)) if p in found), default=len(right))
        free = [p for p in range(len(right)) if p not in taken and right[p].type == cell.type]
        for candidates in ([p for p in free if low < p < high], free):
            scored = [(_ratio(before.source(cell), after.source(right[p])), -p) for p in candidates]
            if scored and max(scored)[0] >= SIMILAR:
                found[place] = -max(scored)[1]
                taken.add(found[place])
                break


def _ratio(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if len(one) > 20_000 or len(other) > 20_000 or matcher.quick_ratio() < SIMILAR:
        return matcher.real_quick_ratio() if one == other else 0.0
    return matcher.ratio()


def _longest_rise(places: list[int]) -> list[int]:
    """Positions of the longest increasing subsequence of ``places``."""
    from bisect import bisect_left

    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for number, place in enumerate(places):
        slot = bisect_left(tails, place)
        previous.append(ends[slot - 1] if slot else -1)
        tails[slot : slot + 1] = [place]
        ends[slot : slot + 1] = [number]
    chain: list[int] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(at)
        at = previous[at]
    return chain[::-1]
