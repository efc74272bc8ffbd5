"""Paths that come from a client: relative to the server's root, and never outside it.

A client only ever names a notebook or a folder that the server already serves. What it names is checked as text
first and then on disk with its symbolic links followed; only the project that is found *from* there may lie higher.
"""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.errors import NotFound, UsageError

LONGEST = 4096
PATTERN = r"^(?![/~])(?!(.*/)?\.\.(/|$))[^\x00-\x1f\\]*$"
"""What ``served_path`` lets through as text, as the server's description says it."""


def served_path(root: Path, given: str) -> Path:
    """The existing file or folder that ``given`` names under ``root``.

    ``given`` has ``/`` between its parts and is relative; empty means ``root`` itself. Raises ``UsageError`` where
    it is malformed or leads out of ``root``, and ``NotFound`` where nothing is there.
    """
    shown = repr(given[:200])
    if len(given) > LONGEST or any(ord(letter) < 32 for letter in given):
        raise UsageError(f"path {shown}: control characters and paths over {LONGEST} characters are refused")
    if given.startswith(("/", "~")) or "\\" in given or Path(given).is_absolute() or Path(given).drive:
        raise UsageError(f"path {shown}: give it relative to the server's folder, with '/'")
    if ".." in given.split("/"):
        raise UsageError(f"path {shown}: '..' is refused, name the notebook from the server's folder")
    path = root / given
    try:
        real = path.resolve(strict=True)
        top = root.resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise NotFound(f"path {shown}: there is no such file or folder under the server's folder") from error
    if not real.is_relative_to(top):
        raise UsageError(f"path {shown}: it leads out of the server's folder")
    return path


def inside(path: Path, root: Path) -> str | None:
    """``path`` as a project at ``root`` writes it: relative, with ``/``. None where it lies elsewhere."""
    for one, top in ((path, root), (path.resolve(), root.resolve())):
        if one.is_relative_to(top):
            return one.relative_to(top).as_posix()
    return None
