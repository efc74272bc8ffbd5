"""What earlier sessions read of the installed distributions, in the user's cache.

Reading a few hundred of them takes as long as the rest of a session's first snapshot, and they seldom change. What is
here counts only while the distribution's folder and its RECORD are the very files that were read (times, size, place on
the disk); anything else is read again. Losing it, or not being allowed to write it, costs nothing but that time.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
from blake3 import blake3

from jupyter_mlgov.configuration import cache_folder
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.inventory import Distribution

_FORMAT = 1
"""To be raised when something else is read of a distribution: what was read before does not count then."""
_LIMIT = 1 << 26


class Installed(msgspec.Struct, frozen=True):
    """A distribution with the names that one imports it by."""

    distribution: Distribution
    modules: frozenset[str]


class Known(msgspec.Struct, frozen=True, array_like=True):
    """What one folder of metadata held when it had that ``stamp``; None where it was no distribution's."""

    stamp: tuple[int, ...]
    installed: Installed | None


class _Kept(msgspec.Struct):
    format: int
    folders: dict[str, Known]


def stamp_of(folder: str) -> tuple[int, ...]:
    """What tells whether a folder of metadata is still the one that was read; empty where it is gone."""
    try:
        state = os.stat(folder)  # noqa: PTH116 - hundreds of times a listing
    except OSError:
        return ()
    try:
        record = os.stat(f"{folder}/RECORD")  # noqa: PTH116
    except OSError:
        return (state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
    return (
        state.st_mtime_ns,
        state.st_ctime_ns,
        state.st_ino,
        record.st_mtime_ns,
        record.st_ctime_ns,
        record.st_size,
    )


class ListedBefore:
    """The file of this interpreter's environment."""

    def __init__(self) -> None:
        self._place: Path | None = None
        # No home folder; no platformdirs, in a rebuilt environment that borrows the recorder only.
        with contextlib.suppress(RuntimeError, ImportError):
            name = blake3(f"{sys.prefix}\0{sys.version}".encode()).hexdigest()[:16]
            self._place = cache_folder() / f"packages-{name}.json"

    def read(self) -> dict[str, Known]:
        """Folder -> what it held."""
        try:
            if self._place is None or self._place.stat().st_size > _LIMIT:
                return {}
            kept = decoded(self._place.read_bytes(), _Kept)
        except (OSError, ValueError, RecursionError):
            return {}
        return kept.folders if kept.format == _FORMAT else {}

    def write(self, folders: Mapping[str, Known]) -> None:
        """Keeps it for the next session, where the user's cache can be written."""
        if self._place is None:
            return
        temporary = self._place.with_name(f".{self._place.name}.{os.getpid()}-{secrets.token_hex(4)}")
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(msgspec.json.encode(_Kept(_FORMAT, dict(folders))))
            temporary.replace(self._place)
        except (OSError, ValueError):  # a path of other bytes than text has
            with contextlib.suppress(OSError):
                temporary.unlink()
