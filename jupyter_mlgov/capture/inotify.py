"""Linux' inotify, called through ctypes: the file system says which files of a folder are opened, by any process.

A folder is watched, not what lies below it. The kernel keeps a queue of bounded length; past it events are gone and
one event says so. Elsewhere than on Linux there is none.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct

MODIFY, CLOSE_WRITE, CLOSE_NOWRITE, OPEN = 0x2, 0x8, 0x10, 0x20
MOVED_TO, CREATE = 0x80, 0x100
OVERFLOW, IGNORED, IS_FOLDER = 0x4000, 0x8000, 0x40000000
_ONLY_FOLDER = 0x01000000
WATCHED = MODIFY | CLOSE_WRITE | CLOSE_NOWRITE | OPEN | MOVED_TO | CREATE

_HEADER = struct.Struct("iIII")


class Event(Struct, frozen=True):
    """``watch`` is what ``add`` gave; ``name`` is that of a file in the folder, empty for the folder itself."""

    watch: int
    mask: int
    name: str


class Inotify:
    """One queue of the kernel. Not safe for use by two threads at once."""

    def __init__(self) -> None:
        """Raises ``OSError`` when there is no inotify here, or no more of it is granted."""
        if sys.platform != "linux":
            raise OSError(errno.ENOSYS, f"{sys.platform} does not tell which files are opened")
        self._libc = _libc()
        self.descriptor: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.descriptor < 0:
            raise _error()

    def add(self, folder: str) -> int:
        """Watches ``folder``. Raises ``OSError``: ``ENOSPC`` when no more watches are granted."""
        watch: int = self._libc.inotify_add_watch(
            self.descriptor, os.fsencode(folder), WATCHED | _ONLY_FOLDER
        )
        if watch < 0:
            raise _error()
        return watch

    def read(self) -> Iterator[Event]:
        """What happened since the last call; never waits."""
        while True:
            try:
                data = os.read(self.descriptor, 1 << 16)
            except (BlockingIOError, OSError):
                return
            place = 0
            while place < len(data):
                watch, mask, _, length = _HEADER.unpack_from(data, place)
                place += _HEADER.size
                name = data[place : place + length].rstrip(b"\0")
                place += length
                yield Event(watch, mask, os.fsdecode(name))
            if len(data) < 1 << 15:
                return

    def close(self) -> None:
        """Gives the queue and its watches back."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


@lru_cache(maxsize=1)
def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.inotify_init1.argtypes = [ctypes.c_int]
    libc.inotify_add_watch.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32]
    return libc


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
