"""What a run is made of: whose notebook, code and data, in which project, under which settings.

A place is a plan. It touches nothing; ``sandbox.lay_out`` makes a folder of it, a new one for every run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.secret_forms import REDACTED
from jupyter_mlgov.rerun.held import Held
from jupyter_mlgov.rerun.replay import Order

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

_OF_A_MACHINE = frozenset(
    {"HOME", "PATH", "USER", "LOGNAME", "PWD", "SHELL", "HOSTNAME", "TMPDIR", "DISPLAY", "PYTHONPATH"}
)
"""Variables that say where one is: they are not set to what they were elsewhere."""


@dataclass(frozen=True)
class Place:
    """``root`` is the project that paths count from, ``notebook`` the file that counts as running (None: a
    notebook that has no file), ``document`` the ``.ipynb`` that is executed.

    ``recorded`` is the manifest whose code and data are laid out; None means this checkout as it is today.
    ``variables`` are set in the kernel's environment (None: taken out of it), ``held`` is held still in it, ``order`` is
    what is executed, where it is not each cell from top to bottom (see ``replay``). ``python`` is the interpreter of a
    rebuilt environment, None the one that the notebook's kernel has here.
    """

    root: Path
    notebook: Path | None
    document: bytes
    variables: dict[str, str | None] = field(default_factory=dict)
    recorded: Manifest | None = None
    python: Path | None = None
    held: Held = Held()  # noqa: RUF009 - frozen
    order: Order | None = None
    outside: bool = False
    """Inputs outside the project are laid out as recorded too, and the code is led to them."""
    given: dict[str, str] = field(default_factory=dict)
    """URI -> digest of what stands there in place of the checkout's file: the data of a retraining."""


def given(manifest: Manifest) -> dict[str, str]:
    """The content that a retraining put in place of a file of the checkout, by URI: it is in the store only."""
    made = manifest.retrained
    if made is None:
        return {}
    return {
        item.uri: item.digest
        for item in manifest.inputs
        if item.uri == made.uri and item.digest and item.kept
    }


def place_today(root: Path, store: Store, manifest: Manifest) -> Place:
    """This checkout with today's notebook file; the recorded document where there is no file any more.

    Raises ``UsageError`` for a file that is no notebook.
    """
    named = _path(manifest)
    path = root / named if named is not None else None
    if path is None or not path.is_file():
        document = store.get(manifest.notebook.document)
        folder = path.parent if path is not None and path.parent.is_dir() else root
        notebook = folder / path.name if path is not None else None
        return Place(root, notebook, document, given=given(manifest))
    try:
        document = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): make it readable, or rerun with --as-recorded"
        ) from error
    if cells_of(document) is None:
        what = "is empty" if not document.strip() else "is not a notebook, or was cut off"
        raise UsageError(f"{path} {what}: restore the file, or rerun with --as-recorded")
    return Place(root, path, document, given=given(manifest))


def place_recorded(root: Path, store: Store, manifest: Manifest) -> Place:
    """What ``manifest`` says: its document, code, data and variables, timezone, locale and hash seed among them."""
    path = _path(manifest)
    if path is not None and path.is_absolute():
        path = Path(path.name)
    variables = {
        name: value
        for name, value in store.environment(manifest).variables.items()
        if name not in _OF_A_MACHINE and value != REDACTED and not (value or "").startswith("/")
    }
    notebook = root / path if path is not None else None
    return Place(root, notebook, store.get(manifest.notebook.document), variables, manifest)


def _path(manifest: Manifest) -> Path | None:
    """Where the notebook lay: in the project, or at an absolute path. A record has no path that climbs; of one that was
    made up only the name counts."""
    path = Path(manifest.notebook.path) if manifest.notebook.path else None
    if path is None or ".." not in path.parts:
        return path
    return Path(path.name) if path.name != ".." else None


def cells_of(document: bytes) -> list[tuple[str, str]] | None:
    """``(type, source)`` of a notebook's cells; None for bytes that are no notebook of format 4."""
    from jupyter_mlgov.capture.document import parse_cells

    try:
        parsed = parse_cells(json.loads(document))
    except (ValueError, RecursionError):
        return None
    return [(cell.type, cell.source) for cell in parsed[0]] if parsed is not None else None
