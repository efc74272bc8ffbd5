"""What the run showed: the experiment cell's outputs as they stand, those of the other cells folded.

A page has a budget; what lies past it is counted and named, not shown.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_mlgov.records.manifest import CellRecord
from jupyter_mlgov.report.data import digest
from jupyter_mlgov.report.purpose import metrics, series
from jupyter_mlgov.report.sanitize import note, pieces
from jupyter_mlgov.report.views import CellOutputs, Piece, Results
from jupyter_mlgov.report.wording import size, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record

BUDGET = 12_000_000
"""Characters of outputs on one page."""
OUTPUT_OBJECT = 40_000_000
"""Bytes of one cell's recorded outputs past which they are not read for a page."""


def results(record: Record) -> Results:
    """Metrics and outputs."""
    manifest = record.manifest
    spent = 0
    shown: dict[int, CellOutputs] = {}
    cells = [cell for cell in manifest.notebook.cells if cell.outputs is not None]
    for cell in sorted(cells, key=lambda cell: cell.index != manifest.cell):
        made = _cell(record, cell, spent)
        if made is not None:
            spent += sum(_weight(piece) for piece in made.pieces)
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


def _cell(record: Record, cell: CellRecord, spent: int) -> CellOutputs | None:
    experiment = cell.index == record.manifest.cell
    found: tuple[Piece, ...]
    data = record.bytes(cell.outputs)
    if data is None:
        found = (note("these outputs were recorded and can no longer be read from the store"),)
    elif len(data) > OUTPUT_OBJECT:
        found = (note(f"outputs of {size(len(data))} are in the record and not on this page"),)
    else:
        found = _within(_parsed(data), BUDGET - spent)
    if not found:
        return None
    source = record.text(cell.source) or ""
    return CellOutputs(
        cell.index, _title(source), experiment, cell.status == "error", _numbered(found), digest(cell.outputs)
    )


def _parsed(data: bytes) -> tuple[Piece, ...]:
    try:
        return pieces(json.loads(data))
    except (ValueError, RecursionError):
        return (note("the recorded outputs are not readable JSON; they are not shown"),)


def _within(found: tuple[Piece, ...], left: int) -> tuple[Piece, ...]:
    kept: list[Piece] = []
    for place, piece in enumerate(found):
        left -= _weight(piece)
        if left < 0:
            rest = len(found) - place
            kept.append(note(f"{rest} more output{'s' if rest > 1 else ''} would make this page too large"))
            break
        kept.append(piece)
    return tuple(kept)


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
