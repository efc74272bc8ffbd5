"""The notebook as the user saw it: the file on disk with the journal laid over it.

The kernel knows what ran; the file knows where it stands. A cell that ran is recorded with the text that
ran, a cell that did not with the text in the file. Cells are matched by id, and where the front end sends
none (papermill, nbclient, plain IPython) by their text, in order.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlgov.capture.journal import Execution

FILE_LIMIT = 200_000_000
"""Bytes of a notebook file past which it is not read at every snapshot."""
_SEARCHED = 200
_VOLATILE = ("execution", "papermill", "collapsed", "scrolled", "ExecuteTime", "trusted")


@dataclass
class DocumentCell:
    """One cell of the notebook with the executions that belong to it, oldest first."""

    id: str
    type: str
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)
    runs: list[int] = field(default_factory=list)
    """Positions in the journal."""

    @property
    def tags(self) -> tuple[str, ...]:
        tags = self.metadata.get("tags")
        return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


@dataclass
class Document:
    """The notebook with the journal laid over it."""

    path: Path | None
    metadata: dict[str, Any]
    cells: list[DocumentCell]
    place: dict[int, int]
    """Position in the journal -> index of the cell. Executions of deleted cells are not in it."""

    def as_notebook(self) -> dict[str, Any]:
        """As the JSON of an ``.ipynb`` (nbformat 4.5) without outputs: those are objects of their own."""
        cells: list[dict[str, Any]] = []
        for cell in self.cells:
            metadata = {key: value for key, value in cell.metadata.items() if key not in _VOLATILE}
            record: dict[str, Any] = {
                "cell_type": cell.type,
                "id": cell.id,
                "metadata": metadata,
                "source": cell.source,
            }
            if cell.type == "code":
                record |= {"execution_count": None, "outputs": []}
            cells.append(record)
        metadata = {
            key: self.metadata[key] for key in ("kernelspec", "language_info") if key in self.metadata
        }
        return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}

    def to_text(self) -> str:
        """As the text of an ``.ipynb``."""
        return json.dumps(self.as_notebook(), ensure_ascii=False, sort_keys=True, indent=1)


def notebook_path(namespace: dict[str, Any], journal: Sequence[Execution], folder: Path) -> Path | None:
    """Where the running notebook lies, as the front end says it, else by looking for its cells in the folder."""
    for said in (
        namespace.get("__vsc_ipynb_file__"),
        os.environ.get("JPY_SESSION_NAME"),
        namespace.get("__session__"),
    ):
        if isinstance(said, str) and said.endswith(".ipynb"):
            path = Path(said)
            if path.is_file():
                return path.absolute()
    return _search(folder, journal)


def _search(folder: Path, journal: Sequence[Execution]) -> Path | None:
    """The notebook in ``folder`` that holds every executed cell; the newest of several."""
    sources = {_same(run.source) for run in journal if run.seen}
    if not sources:
        return None
    found: list[tuple[float, Path]] = []
    candidates: list[Path] = []
    with contextlib.suppress(OSError):
        candidates = sorted(folder.glob("*.ipynb"))[:_SEARCHED]
    for path in candidates:
        cells = read_cells(path)
        if cells is not None and sources <= {_same(cell.source) for cell in cells[0] if cell.type == "code"}:
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime, path))
    return max(found)[1].absolute() if found else None


def read_cells(path: Path) -> tuple[list[DocumentCell], dict[str, Any]] | None:
    """Cells and metadata of a notebook file, or None where it cannot be read as one."""
    try:
        if path.stat().st_size > FILE_LIMIT:
            return None
        notebook = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return parse_cells(notebook)


def parse_cells(notebook: Any) -> tuple[list[DocumentCell], dict[str, Any]] | None:
    """Cells and metadata of a notebook's JSON (format 4), or None where it is no such thing."""
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        return None
    cells: list[DocumentCell] = []
    for number, raw in enumerate(notebook["cells"]):
        if not isinstance(raw, dict):
            return None
        source = raw.get("source", "")
        if isinstance(source, list):
            source = "".join(line for line in source if isinstance(line, str))
        kind = raw.get("cell_type")
        metadata = raw.get("metadata")
        cells.append(
            DocumentCell(
                id=str(raw.get("id") or f"cell-{number}"),
                type=kind if kind in ("code", "markdown", "raw") else "raw",
                source=source if isinstance(source, str) else "",
                metadata=metadata if isinstance(metadata, dict) else {},
            )
        )
    metadata = notebook.get("metadata")
    return cells, metadata if isinstance(metadata, dict) else {}


def overlay(path: Path | None, journal: Sequence[Execution]) -> Document:
    """The document of this session. ``path`` may be None or unreadable: then the journal alone is it."""
    read = read_cells(path) if path is not None else None
    changed_at = 0.0
    if path is not None and read is not None:
        with contextlib.suppress(OSError):
            changed_at = path.stat().st_mtime
    cells, metadata = read if read is not None else ([], {})
    place = _match(cells, journal)
    _insert_unsaved(cells, journal, place, changed_at)
    for position, index in sorted(place.items()):
        cells[index].runs.append(position)
    for cell in cells:
        if cell.runs:
            cell.source = journal[cell.runs[-1]].source
    return Document(path, metadata, cells, place)


def _match(cells: list[DocumentCell], journal: Sequence[Execution]) -> dict[int, int]:
    by_id = {cell.id: index for index, cell in enumerate(cells)}
    by_text: dict[str, list[int]] = {}
    for index, cell in enumerate(cells):
        if cell.type == "code":
            by_text.setdefault(_same(cell.source), []).append(index)
    place: dict[int, int] = {}
    last = -1
    for position, run in enumerate(journal):
        if run.cell_id is not None and run.cell_id in by_id:
            place[position] = last = by_id[run.cell_id]
        elif run.cell_id is None:
            equal = by_text.get(_same(run.source), [])
            if equal:
                place[position] = last = next((index for index in equal if index > last), equal[-1])
    return place


def _insert_unsaved(
    cells: list[DocumentCell], journal: Sequence[Execution], place: dict[int, int], changed_at: float
) -> None:
    """Cells that ran and are not in the file: new and not saved yet, or deleted.

    A file written after the run without the cell means that it was deleted. The cell that runs now is
    always there.
    """
    new: dict[str, int] = {}
    for position, run in enumerate(journal):
        if position in place:
            continue
        key = run.cell_id or f"text:{_same(run.source)}"
        if key in new:
            place[position] = new[key]
            continue
        current = position == len(journal) - 1
        if cells and not current and changed_at > run.started_at:
            continue
        before = [place[earlier] for earlier in range(position) if earlier in place]
        index = before[-1] + 1 if before else 0
        cells.insert(index, DocumentCell(run.cell_id or uuid.uuid5(_SPACE, key).hex[:8], "code", run.source))
        for earlier, where in place.items():
            if where >= index:
                place[earlier] = where + 1
        for other, where in new.items():
            if where >= index:
                new[other] = where + 1
        place[position] = new[key] = index


_SPACE = uuid.UUID("5e0c3f6e-37a5-4f5c-9a53-0f6f0f4e7b11")


def _same(source: str) -> str:
    return source.strip()
