"""Where the running notebook lies: what the front end says, else what can be told from the files.

A kernel is told its notebook's path by Jupyter Server (once, when it starts), by VS Code, by the papermill engine and,
with each recorded cell, by JupyterLab's extension. Where nobody says anything (nbconvert, plain papermill, nbclient)
or the file has been renamed since, the notebook is the one that holds the cells that ran.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jupyter_mlgov.capture.document import Live, read_cells
from jupyter_mlgov.capture.journal import Execution

_SEARCHED = 200
_PARENTS = 4


def notebook_path(
    namespace: dict[str, Any], journal: Sequence[Execution], folder: Path | None, live: Live | None = None
) -> Path | None:
    """The notebook's absolute path, or None. ``folder`` is where to look for it; None in a terminal."""
    started_as = os.environ.get("JPY_SESSION_NAME") or namespace.get("__session__")
    started_as = started_as if type(started_as) is str else None
    if live is not None:
        found = _resolve(live, started_as, folder)
        if found is not None:
            return found
    for said in (namespace.get("__vsc_ipynb_file__"), started_as):
        if type(said) is str and said.endswith(".ipynb"):
            path = Path(said)
            if path.is_file():
                return path.absolute()
    if started_as is not None and not started_as.endswith(".ipynb"):
        return None  # a console
    folders = [Path(started_as).parent] if started_as is not None else []
    folders += [folder] if folder is not None else []
    return _search(folders, journal) if folder is not None else None


def _resolve(live: Live, started_as: str | None, folder: Path | None) -> Path | None:
    """The file that the server calls ``live.path``: below its root, which is above where the kernel started."""
    name = live.path.partition(":")[2] if ":" in live.path.partition("/")[0] else live.path
    starts = [Path(started_as).parent] if started_as is not None else []
    starts += [folder] if folder is not None else []
    roots = [Path(live.root).expanduser()] if live.root else []
    roots += [above for start in starts for above in (start, *start.parents)]
    for root in roots:
        path = root / name
        with contextlib.suppress(OSError):
            if root.is_absolute() and path.is_file():
                return path
    return None


def _search(folders: Sequence[Path], journal: Sequence[Execution]) -> Path | None:
    """The notebook that holds the cells that ran, by their ids, else by their texts."""
    seen = [run for run in journal if run.seen]
    if not seen:
        return None
    ids = {run.cell_id for run in seen if run.cell_id is not None}
    texts = {run.source.strip() for run in seen}
    newest = seen[-1].source.strip()
    named = _named_by_parents()
    candidates = list(named)
    for folder in dict.fromkeys(folders):
        with contextlib.suppress(OSError):
            candidates += sorted(folder.glob("*.ipynb"))[:_SEARCHED]
    best: tuple[tuple[int, bool, float], Path] | None = None
    for path in dict.fromkeys(candidates):
        read = read_cells(path)
        if read is None:
            continue
        known = len(ids & {cell.id for cell in read[0]})
        sources = {cell.source.strip() for cell in read[0] if cell.type == "code"}
        # A notebook that the parent was told to run may get cells more (papermill's parameters).
        if not known and not texts <= sources and not (path in named and newest in sources):
            continue
        with contextlib.suppress(OSError):
            rank = (known, path in named, path.stat().st_mtime if path not in named else -named.index(path))
            if best is None or rank > best[0]:
                best = rank, path
    return best[1].absolute() if best is not None else None


@lru_cache(maxsize=1)
def _named_by_parents() -> tuple[Path, ...]:
    """Notebooks on the command line of the process that started this kernel: ``jupyter nbconvert --execute x.ipynb``."""
    import psutil

    found: list[Path] = []
    with contextlib.suppress(psutil.Error, OSError):
        for process in psutil.Process().parents()[:_PARENTS]:
            with contextlib.suppress(psutil.Error, OSError):
                words = [word for word in process.cmdline() if word.endswith(".ipynb")]
                found += [Path(process.cwd(), word) for word in words]
    return tuple(path for path in dict.fromkeys(found) if path.is_file())
