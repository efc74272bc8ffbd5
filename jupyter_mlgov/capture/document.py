"""The notebook as the user saw it, with the journal laid over it.

The kernel knows what ran; the notebook knows where it stands. The notebook comes from the front end together with
the cell (``live``: unsaved edits are in it), else from the file on disk. A cell that ran is recorded with the text
that ran, a cell that did not with the text in the notebook. Cells are matched by id, and where the front end sends
none, or ids of its own (papermill, nbclient, VS Code, plain IPython), by their text, in order.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.records.decoding import decoded

FILE_LIMIT = 200_000_000
"""Bytes of a notebook file past which it is not read at every snapshot."""
_VOLATILE = ("execution", "papermill", "collapsed", "scrolled", "ExecuteTime", "trusted")


class DocumentCell(Struct):
    """One cell of the notebook with the executions that belong to it, oldest first."""

    id: str
    type: str
    source: str
    metadata: dict[str, Any] = field(default_factory=dict)
    runs: list[int] = field(default_factory=list)
    """Positions in the journal."""
    edited: str | None = None
    """The text that stands in the notebook now, where it is no longer the one that ran."""

    @property
    def tags(self) -> tuple[str, ...]:
        tags = self.metadata.get("tags")
        return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


class Document(Struct):
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


class Live(Struct, frozen=True):
    """The notebook as the front end had it when it asked for an execution."""

    path: str
    """As the server knows it: relative to the server's root."""
    root: str
    """The server's root folder, where the front end knows it."""
    notebook: dict[str, Any]


def live_notebook(metadata: Any) -> Live | None:
    """What JupyterLab's extension puts into the metadata of an execution request, or None where it is not there."""
    said = metadata.get("mlgov") if type(metadata) is dict else None
    if type(said) is not dict or type(said.get("path")) is not str:
        return None
    notebook = {"cells": said.get("cells"), "metadata": said.get("metadata")}
    root = said.get("root")
    if parse_cells(notebook) is None:
        return None
    return Live(said["path"], root if type(root) is str else "", notebook)


class _RawCell(msgspec.Struct):
    cell_type: Any = None
    id: Any = None
    source: Any = ""
    metadata: Any = None


class _RawNotebook(msgspec.Struct):
    cells: list[_RawCell]
    metadata: Any = None


_read: dict[Path, tuple[tuple[int, int, int], dict[str, Any] | None]] = {}
_KEPT = 64


def read_cells(path: Path) -> tuple[list[DocumentCell], dict[str, Any]] | None:
    """Cells and metadata of a notebook file, or None where it cannot be read as one.

    A file that has not changed is not read again.
    """
    try:
        state = path.stat()
        key = (state.st_mtime_ns, state.st_size, state.st_ino)
        known = _read.get(path)
        if known is None or known[0] != key:
            if state.st_size > FILE_LIMIT:
                return None
            if len(_read) >= _KEPT:
                _read.clear()
            known = _read[path] = (key, _decode(path.read_bytes()))
    except OSError:
        return None
    return parse_cells(known[1])


def _decode(data: bytes) -> dict[str, Any] | None:
    """A notebook's JSON without outputs, which may be most of it."""
    try:
        return msgspec.to_builtins(decoded(data, _RawNotebook))  # type: ignore[no-any-return]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        pass
    try:  # NaN in an output is no JSON, yet Python writes and reads it
        notebook = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return notebook if isinstance(notebook, dict) else None


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


def overlay(path: Path | None, journal: Sequence[Execution], live: Live | None = None) -> Document:
    """The document of this session: ``live``, or the file at ``path``, or the journal alone where neither is there."""
    read = parse_cells(live.notebook) if live is not None else None
    changed_at = float("inf") if read is not None else 0.0
    if read is None and path is not None:
        read = read_cells(path)
        with contextlib.suppress(OSError):
            changed_at = path.stat().st_mtime
    cells, metadata = read if read is not None else ([], {})
    place = _match(cells, journal)
    _insert_unsaved(cells, journal, place, changed_at)
    for position, index in sorted(place.items()):
        cells[index].runs.append(position)
    for cell in cells:
        if cell.runs:
            last = journal[cell.runs[-1]]
            if changed_at > last.started_at and _same(cell.source) != _same(last.source):
                cell.edited = cell.source
            cell.source = last.source
    return Document(path, metadata, cells, place)


def _match(cells: list[DocumentCell], journal: Sequence[Execution]) -> dict[int, int]:
    by_id = {cell.id: index for index, cell in enumerate(cells)}
    by_text: dict[str, list[int]] = {}
    for index, cell in enumerate(cells):
        if cell.type == "code":
            by_text.setdefault(_same(cell.source), []).append(index)
    # Ids that the notebook never heard of are the front end's own (VS Code, files without ids): then texts decide.
    foreign = not any(run.cell_id in by_id for run in journal)
    place: dict[int, int] = {}
    last = -1
    for position, run in enumerate(journal):
        if run.cell_id is not None and run.cell_id in by_id:
            place[position] = last = by_id[run.cell_id]
        elif run.cell_id is None or foreign:
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
    if len(place) == len(journal):
        return
    found = list(cells)
    # Which cell follows which, by their numbers in ``found``: -1 stands before the first one, None after the last.
    follows: dict[int, int | None] = {number - 1: number for number in range(len(cells))}
    follows[len(cells) - 1] = None
    new: dict[str, int] = {}
    previous = -1
    for position, run in enumerate(journal):
        number = place.get(position)
        if number is None:
            key = run.cell_id or f"text:{_same(run.source)}"
            number = new.get(key)
            if number is None:
                current = position == len(journal) - 1
                if found and not current and changed_at > run.started_at:
                    continue
                number = new[key] = len(found)
                found.append(DocumentCell(run.cell_id or _own_id(key), "code", run.source))
                follows[number], follows[previous] = follows[previous], number
            place[position] = number
        previous = number
    order: list[int] = []
    at = follows[-1]
    while at is not None:
        order.append(at)
        at = follows[at]
    cells[:] = [found[number] for number in order]
    index = {number: where for where, number in enumerate(order)}
    for position, number in place.items():
        place[position] = index[number]


_SPACE = uuid.UUID("5e0c3f6e-37a5-4f5c-9a53-0f6f0f4e7b11")


@lru_cache(maxsize=4096)
def _own_id(key: str) -> str:
    """The id of a cell that nobody gave one."""
    return uuid.uuid5(_SPACE, key).hex[:8]


def _same(source: str) -> str:
    return source.strip()
