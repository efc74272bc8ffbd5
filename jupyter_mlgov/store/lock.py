"""One writer at a time, of all threads and processes: an exclusive lock on a file.

The system keeps it and takes it back when its holder ends, however that ends. It is ``flock`` itself where there is one:
a lock of a store must never be less than that, and the file stays where it is, so that all who wait wait for the same.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

from jupyter_mlgov.errors import NotWritable

try:
    import fcntl
except ImportError:  # Windows
    _flock = None
else:
    _flock = getattr(fcntl, "flock", None)

_HELD = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK}
_NONE = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}
_FIRST_S, _LONGEST_S = 0.0005, 0.02
"""How long is waited before it is asked for again: twice as long each time."""


class HeldByAnother(Exception):
    """The lock was waited for in vain."""


@contextlib.contextmanager
def exclusive(path: Path, *, seconds: float) -> Iterator[None]:
    """Holds the lock on the file at ``path``, which is made where there is none. Not reentrant.

    Raises ``HeldByAnother`` where another holds it for ``seconds``, ``NotWritable`` where the disk has no locks,
    ``OSError`` where the file cannot be opened.
    """
    if _flock is None:
        with _by_library(path, seconds):
            yield
        return
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            _wait(file, seconds)
        except OSError as error:
            if error.errno not in _NONE:
                raise
            raise NotWritable(
                f"the disk of {path.parent} has no file locks, which the store needs: keep the project on another disk"
            ) from error
        try:
            yield
        finally:
            # Not by closing alone: a process that was forked meanwhile has the file open too.
            _flock(file, fcntl.LOCK_UN)
    finally:
        os.close(file)


def _wait(file: int, seconds: float) -> None:
    end, pause = time.monotonic() + seconds, _FIRST_S
    while True:
        try:
            assert _flock is not None
            _flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in _HELD:
                raise
        left = end - time.monotonic()
        if left <= 0:
            raise HeldByAnother
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_S)


@contextlib.contextmanager
def _by_library(path: Path, seconds: float) -> Iterator[None]:
    import filelock

    try:
        with filelock.FileLock(path, timeout=seconds):
            yield
    except filelock.Timeout as error:
        raise HeldByAnother from error
