"""Arrays that are files: what ``np.load(..., mmap_mode="r")`` gives is not hashed again while the file stays the same.

Such an array cannot be written to, so its content is the file's. What is known of it holds while the same file (device,
inode, size, times) is mapped at the same place and nothing in this process can write to it through another mapping:
that would not show in the file's time. Everything else is hashed every time.
"""

from __future__ import annotations

import mmap
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlgov.hashing.frames import FrameDescription

_PATHS = (str, type(Path()))
_MOST = 1000
_SETTLED_NS = 1_000_000_000
"""A file that changed less than a second before it was hashed may have changed again under the same time."""
_SMALL = 1 << 20
"""Bytes below which hashing is faster than finding out."""


class MappedArrays:
    """What one session knows of them."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], FrameDescription] = {}

    def describe(
        self, value: Any, describe: Callable[[Any], FrameDescription | None]
    ) -> FrameDescription | None:
        """``describe(value)``, or what that gave when the same was mapped before."""
        key = _key(value)
        if key is None:
            return describe(value)
        if key in self._known:
            return self._known[key]
        now = time.time_ns()
        found = describe(value)
        (*_, changed, _created) = key
        if (
            found is not None
            and found.digest is not None
            and changed < now - _SETTLED_NS
            and _key(value) == key
        ):
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = found
        return found


def _key(value: Any) -> tuple[Any, ...] | None:
    """What the content of an array follows from; None for one that is no file which stays as it is."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(value) is not numpy.memmap or value.nbytes < _SMALL:
        return None
    if value.flags.writeable or type(value.base) is not mmap.mmap or type(value.filename) not in _PATHS:
        return None
    address = value.__array_interface__["data"][0]
    try:
        state = os.stat(value.filename)  # noqa: PTH116
        if not _is_mapped_here_only_to_be_read(address, state):
            return None
    except (OSError, ValueError):
        return None
    return (
        os.fspath(value.filename), value.offset, value.dtype.str, str(value.dtype), value.shape, value.strides,
        state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns,
    )  # fmt: skip


def _is_mapped_here_only_to_be_read(address: int, state: os.stat_result) -> bool:
    found = False
    device = f"{os.major(state.st_dev):02x}:{os.minor(state.st_dev):02x}".encode()
    with open("/proc/self/maps", "rb") as file:  # noqa: PTH123
        for line in file:
            place, permissions, _, where, inode, *_ = line.split(None, 5)
            if where != device or int(inode) != state.st_ino:
                continue
            if b"w" in permissions:
                return False
            start, _, end = place.partition(b"-")
            found |= int(start, 16) <= address < int(end, 16)
    return found
