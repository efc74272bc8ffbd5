"""REF: how a snapshot is named by people. ``NAME``, ``NAME@3``, an id's first digits, a notebook's path, or
``MODEL:STAGE`` for what is released there (``MODEL:STAGE@2``: its version 2, which was there once).

A name never means a candidate; a candidate is found by its id only. What does not name exactly one snapshot is
refused with one line that says what would.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.errors import Damaged, NotFound, UsageError
from jupyter_mlgov.records import release
from jupyter_mlgov.records.canonical import plain
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.store import files

if TYPE_CHECKING:
    from sqlalchemy import Connection

SHORTEST = 6
"""The fewest hex digits that are taken for an id."""

_NUMBERED = re.compile(r"(?P<name>.+)@(?P<number>[0-9]{1,18})", re.DOTALL)
_HEX = re.compile(r"[0-9a-fA-F]{1,64}")
_NOTEBOOK_LIMIT = 1 << 28


def resolve(connection: Connection, ref: str, *, root: Path, read: Callable[[str], Entry]) -> str:
    """The id that ``ref`` names in a project at ``root``. Raises ``NotFound`` or ``UsageError``.

    Tried in this order: an experiment of that name, ``NAME@N``, ``MODEL:STAGE``, an id prefix, a notebook's path.
    ``read`` gives the ledger entry with an id.
    """
    from jupyter_mlgov.store import tables

    if not isinstance(ref, str) or not ref.strip():
        raise UsageError(
            "an empty REF names no snapshot: give NAME, NAME@N, an id prefix or a notebook's path"
        )
    ref = ref.strip()
    name = plain(ref)
    found = tables.newest(connection, experiment=name)
    if found:
        return found
    numbered = _NUMBERED.fullmatch(name)
    if numbered:
        found = tables.numbered(connection, numbered["name"], int(numbered["number"]))
        if found:
            return found
    if release.split(name) and not _exists(Path(ref)) and not _exists(root / ref):
        return _by_release(connection, name, read)
    if numbered:
        highest = tables.highest_number(connection, numbered["name"])
        if highest:
            raise NotFound(
                f"experiment {_shown(numbered['name'])} has no snapshot {numbered['number']}: it has 1 to {highest}"
            )
        raise NotFound(_unknown(connection, numbered["name"]))
    if _HEX.fullmatch(ref) and len(ref) >= SHORTEST:
        found = _by_prefix(connection, ref.lower())
        if found:
            return found
    if _looks_like_path(ref, root):
        return _by_notebook(connection, ref, root)
    if _HEX.fullmatch(ref) and len(ref) < SHORTEST and any(digit.isdigit() for digit in ref):
        raise NotFound(
            f"{ref!r} names no experiment, and an id needs {SHORTEST} digits or more: give more of it"
        )
    raise NotFound(_unknown(connection, name))


def check_known(connection: Connection, *, experiment: str | None, notebook: str | None, root: Path) -> None:
    """Raises ``NotFound`` where snapshots are there and none is of an experiment or a notebook of that name; a notebook that
    lies there and was never recorded is no mistake."""
    from jupyter_mlgov.store import tables

    names = tables.experiments(connection)
    if not names:
        return
    if experiment is not None and plain(experiment) not in names:
        raise NotFound(_unknown(connection, experiment))
    if notebook is None or any(_exists(path) for path in (Path(notebook), root / notebook)):
        return
    if tables.newest(connection, notebooks=spellings(notebook, root=root)) is None:
        raise NotFound(f"there is no notebook {_shown(notebook)}, here or in {root}: check the path")


def spellings(path: str, *, root: Path) -> list[str]:
    """How a notebook's path can stand in a manifest, the likeliest first: as seen from the current folder, from
    the project's root, and as it is written; ``/`` between the parts."""
    found = []
    if "\0" not in path:
        for start in (_here(root), root):
            absolute = Path(os.path.normpath(start / path))
            for place, base in ((absolute, root), (absolute.resolve(), root.resolve())):
                inside = place.is_relative_to(base)
                found.append(place.relative_to(base).as_posix() if inside else place.as_posix())
    found.append(os.path.normpath(path).replace(os.sep, "/"))
    return [plain(place) for place in dict.fromkeys(found)]


def _here(otherwise: Path) -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was deleted
        return otherwise


def _shown(name: str) -> str:
    """``name`` in quotes, on one line and not too long to read."""
    return repr(name if len(name) <= 80 else f"{name[:60]}...{name[-15:]}")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or no path at all
        return False


def _by_prefix(connection: Connection, prefix: str) -> str | None:
    from jupyter_mlgov.store import tables

    rows = tables.with_prefix(connection, prefix, limit=4)
    if len(rows) > 1:
        names = ", ".join(
            f"{row.id[: len(prefix) + 4]} ({row.experiment}{f'@{row.number}' if row.number else ''})"
            for row in rows[:3]
        )
        more = ", ..." if len(rows) > 3 else ""
        raise UsageError(f"id {prefix!r} is ambiguous: {names}{more}; give more digits")
    return rows[0].id if rows else None


def _looks_like_path(ref: str, root: Path) -> bool:
    if "/" in ref or os.sep in ref or ref.endswith(".ipynb"):
        return True
    return _exists(Path(ref)) or _exists(root / ref)


def _by_release(connection: Connection, ref: str, read: Callable[[str], Entry]) -> str:
    from jupyter_mlgov.store import tables

    names = tables.entry_names(connection, subject=None, kind="release")
    found = [one for name in names if (one := release.read(read(name))) is not None]
    return release.named(found, ref).snapshot


def _by_notebook(connection: Connection, ref: str, root: Path) -> str:
    from jupyter_mlgov.store import tables

    for place in spellings(ref, root=root):
        found = tables.newest(connection, notebooks=[place])
        if found:
            return found
    path = next((path for path in (Path(ref), root / ref) if _exists(path)), None)
    if path is None:
        raise NotFound(f"there is no notebook {_shown(ref)}, here or in {root}: check the path")
    fault = _no_notebook(path)
    if fault:
        raise UsageError(f"{_shown(ref)} is not a notebook ({fault}): give the path of an .ipynb file")
    raise NotFound(f"notebook {_shown(ref)} has no snapshot yet: run a cell with %%experiment NAME in it")


def _no_notebook(path: Path) -> str | None:
    """Why the file is no notebook, or None when it is one."""
    if path.is_dir():
        return "it is a folder"
    try:
        document = msgspec.json.decode(files.read(path, limit=_NOTEBOOK_LIMIT))
    except (OSError, Damaged):
        return "it cannot be read"
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "it is empty" if path.stat().st_size == 0 else "its content is not a notebook's JSON"
    return (
        None if isinstance(document, dict) and isinstance(document.get("cells"), list) else "it has no cells"
    )


def _unknown(connection: Connection, name: str) -> str:
    from jupyter_mlgov.store import tables

    names = tables.experiments(connection)
    if not names:
        return (
            f"nothing is called {_shown(name)}: there are no snapshots yet; run a cell with %%experiment NAME"
        )
    folded = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name[:200].casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"nothing is called {_shown(name)}: did you mean {_shown(folded[near[0]])}?"
    shown = ", ".join(_shown(known) for known in names[:5]) + (", ..." if len(names) > 5 else "")
    return f"nothing is called {_shown(name)}: the experiments are {shown}"
