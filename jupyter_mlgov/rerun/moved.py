"""A notebook whose file is not where it was: renamed, moved or deleted since the record.

The recorded document is executed in its place, and a verdict on it says nothing about code that somebody has. So the
verdict says so, and names the notebook in the checkout that holds the same cells.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.rerun.code_form import form_of
from jupyter_mlgov.rerun.place import Place

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

NOTEBOOKS = 300
"""Notebooks of a checkout that are looked at, and folders that are gone through: a verdict does not wait for more."""
FOLDERS = 3_000
LARGEST = 20_000_000
SHARE = 0.5
"""Of the recorded code cells, those that a notebook has to hold to count as the same one."""

_NUMBERED = re.compile(r"[A-Za-z_-]*\d{0,5}")
"""Ids that tools count: another notebook has the same."""
_LEFT_OUT = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})


def caution_of(store: Store, manifest: Manifest, place: Place) -> str:
    """What has to be known of a rerun of today's checkout whose notebook is not there; empty where it is."""
    if place.notebook is None or place.notebook.is_file():
        return ""
    said = f"{manifest.notebook.path} is not in this checkout; the recorded one was executed."
    found = _same_cells(store, manifest, place.root)
    if found is None:
        return said
    name, held, cells = found
    return (
        f"{said} {name} holds {held} of its {cells} code cells: where that is its new name, run the experiment there, so "
        "that it is recorded."
    )


def _same_cells(store: Store, manifest: Manifest, root: Path) -> tuple[str, int, int] | None:
    """The notebook that holds most of the recorded code cells, how many, and of how many."""
    from jupyter_mlgov.capture.document import read_cells

    recorded = [
        (cell.id, form_of(store.get(cell.source).decode("utf-8", "replace")))
        for cell in manifest.notebook.cells
        if cell.type == "code"
    ]
    recorded = [(name, form) for name, form in recorded if form != form_of("")]
    best: tuple[int, str] = (0, "")
    for path in _notebooks(root):
        read = read_cells(path)
        if read is None:
            continue
        cells = [cell for cell in read[0] if cell.type == "code"]
        ids = {cell.id for cell in cells if not _NUMBERED.fullmatch(cell.id)}
        forms = {form_of(cell.source) for cell in cells}
        held = sum(name in ids or form in forms for name, form in recorded)
        best = max(best, (held, path.relative_to(root).as_posix()), key=lambda one: one[0])
    held, name = best
    return (name, held, len(recorded)) if held and held >= SHARE * len(recorded) else None


def _notebooks(root: Path) -> Iterator[Path]:
    found = gone = 0
    for here, folders, files in os.walk(root):
        gone += 1
        if gone > FOLDERS:
            return
        folders[:] = sorted(
            name
            for name in folders
            if name not in _LEFT_OUT
            and not name.startswith(".")
            and not Path(here, name, "pyvenv.cfg").exists()
        )
        for name in sorted(files):
            path = Path(here, name)
            if not name.endswith(".ipynb") or name.startswith(".") or _size(path) > LARGEST:
                continue
            found += 1
            if found > NOTEBOOKS:
                return
            yield path


def _size(path: Path) -> int:
    """Bytes of a file; more than is read of what is none."""
    try:
        state = path.stat()
    except OSError:
        return LARGEST + 1
    return state.st_size if stat.S_ISREG(state.st_mode) else LARGEST + 1
