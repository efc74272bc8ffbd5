"""What the run showed: the experiment cell's outputs as they stand, those of the other cells folded.

A page has a budget. Past it outputs are shown in short, images as thumbnails; past a second one they are counted. The
whole outputs are in the record, under the digest that stands below them.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_mlgov.records.cells import cell_number
from jupyter_mlgov.records.manifest import CellRecord
from jupyter_mlgov.report.data import digest
from jupyter_mlgov.report.images import Pictures
from jupyter_mlgov.report.purpose import metrics, series
from jupyter_mlgov.report.sanitize import note, pieces
from jupyter_mlgov.report.views import CellOutputs, Piece, Results
from jupyter_mlgov.report.wording import counted, size, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record

BUDGET = 12_000_000
"""Characters of outputs on one page."""
BRIEF_BUDGET = 3_000_000
"""Characters of outputs in short, once the budget is spent."""
THUMBNAIL = 320
"""The longer side of an image in short, in pixels."""
BRIEF_LINES, BRIEF_TEXT = 12, 1_500
OUTPUT_OBJECT = 40_000_000
"""Bytes of one cell's recorded outputs past which they are not read for a page."""


def results(record: Record) -> Results:
    """Metrics and outputs."""
    manifest = record.manifest
    room = _Room()
    shown: dict[int, CellOutputs] = {}
    cells = [cell for cell in manifest.notebook.cells if cell.outputs is not None]
    for cell in sorted(cells, key=lambda cell: cell.index != manifest.cell):
        made = _cell(record, cell, room)
        if made is not None:
            shown[cell.index] = made
    ordered = [shown[index] for index in sorted(shown)]
    first, last = (record.past[0].number, record.past[-1].number) if record.past else (None, None)
    return Results(
        main=tuple(one for one in ordered if one.experiment),
        others=tuple(one for one in ordered if not one.experiment),
        metrics=metrics(record),
        series=series(record),
        compared=f"snapshots @{first} to @{last}" if first != last else "",
    )


class _Room:
    """What is left of a page's budgets."""

    def __init__(self) -> None:
        self.pictures = Pictures()
        self._left, self._brief = BUDGET, BRIEF_BUDGET

    def fitted(self, found: tuple[Piece, ...]) -> tuple[Piece, ...]:
        """``found`` as far as there is room, and a line that says what is not shown whole."""
        kept: list[Piece] = []
        short = dropped = 0
        for piece in found:
            if self._left >= _weight(piece):
                self._left -= _weight(piece)
                kept.append(piece)
                continue
            self._left = 0
            made = self._in_short(piece) if self._brief > 0 else None
            if made is None:
                dropped += 1
                continue
            self._brief -= _weight(made)
            short += made != piece
            kept.append(made)
        if short:
            kept.append(note(f"{counted(short, 'output')} in short: whole, this page would be too large"))
        if dropped:
            kept.append(note(f"{counted(dropped, 'more output')} would make this page too large"))
        return tuple(kept)

    def _in_short(self, piece: Piece) -> Piece | None:
        if piece.kind == "image":
            return self.pictures.brief(piece, THUMBNAIL)
        if piece.kind == "html":
            return None
        lines = piece.text.split("\n")[:BRIEF_LINES]
        return replace(piece, text="\n".join(lines)[:BRIEF_TEXT], rest="")


def _cell(record: Record, cell: CellRecord, room: _Room) -> CellOutputs | None:
    experiment = cell.index == record.manifest.cell
    found: tuple[Piece, ...]
    data = record.bytes(cell.outputs)
    if data is None:
        found = (note("these outputs were recorded and can no longer be read from the store"),)
    elif len(data) > OUTPUT_OBJECT:
        found = (note(f"outputs of {size(len(data))} are in the record and not on this page"),)
    else:
        found = room.fitted(_parsed(data, room.pictures))
    if not found:
        return None
    source = record.text(cell.source) or ""
    return CellOutputs(
        cell_number(cell.index),
        _title(source),
        experiment,
        cell.status == "error",
        _numbered(found),
        digest(cell.outputs),
    )


def _parsed(data: bytes, pictures: Pictures) -> tuple[Piece, ...]:
    try:
        return pieces(json.loads(data), pictures)
    except (ValueError, RecursionError):
        return (note("the recorded outputs are not readable JSON; they are not shown"),)


def _weight(piece: Piece) -> int:
    return len(piece.text) + len(piece.rest) + len(piece.markup) + len(piece.source)


def _numbered(found: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Images that describe themselves in no words are told apart by their place."""
    images = [piece for piece in found if piece.kind == "image"]
    made = []
    for piece in found:
        if piece.kind == "image" and not piece.alt:
            place = f" {images.index(piece) + 1} of {len(images)}" if len(images) > 1 else ""
            piece = replace(piece, alt=f"Image{place} that the cell showed; no description was recorded")
        made.append(piece)
    return tuple(made)


def _title(source: str) -> str:
    """A cell's first line that says something."""
    for line in source.split("\n"):
        words = re.sub(r"^[#%!\s]+", "", line).strip()
        if words and not line.lstrip().startswith(("import ", "from ", "%load_ext")):
            return tidy(words, 70)
    return ""
