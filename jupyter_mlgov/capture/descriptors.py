"""Files that this process has open, or mapped, at a given moment.

They were opened in an earlier cell, before the extension was loaded, or by native code that nothing else saw.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

_FOLDER = "/proc/self/fd"
_MAPPED = re.compile(rb"^[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ \d+ +(/.*)$", re.MULTILINE)
"""Permissions and name of a part of memory that a file is mapped to."""
_NO_FILES = ("/dev/", "/proc/", "/sys/", "/memfd:", "/SYSV", "/anon_")


class OpenFiles:
    """Open descriptors that can be read, the process's own streams apart; asked after every cell.

    Most descriptors of a kernel are sockets and pipes, and most files stay open: where a path was found, it holds while
    the descriptor leads to the same file, unchanged.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[int, int, int, int], str | None]] = {}

    def now(self) -> Iterator[str]:
        """Their paths. Nothing where the system does not tell."""
        try:
            numbers = list(map(int, os.listdir(_FOLDER)))
        except OSError:
            return
        known, self._known = self._known, {}
        streams: set[str | None] = set()
        for number in sorted(numbers):
            try:
                state = os.fstat(number)
            except OSError:
                continue
            if stat.S_ISSOCK(state.st_mode) or stat.S_ISCHR(state.st_mode) or not stat.S_IFMT(state.st_mode):
                continue
            key = state.st_dev, state.st_ino, state.st_ctime_ns, state.st_nlink
            one = known.get(number)
            if one is None or one[0] != key:
                one = key, _path(str(number))
            self._known[number] = one
            path = one[1]
            if number <= 2:
                streams.add(path)
            elif path is not None and path not in streams and _readable(number):
                yield path


def open_files() -> Iterator[str]:
    """Paths of open descriptors that can be read, once."""
    return OpenFiles().now()


def _path(number: str) -> str | None:
    try:
        path = os.readlink(f"{_FOLDER}/{number}")
    except OSError:
        return None
    return (
        path
        if path[:1] == "/" and not path.startswith(_NO_FILES) and not path.endswith(" (deleted)")
        else None
    )


def _readable(number: int) -> bool:
    import fcntl

    try:
        return fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE != os.O_WRONLY
    except OSError:
        return False


def open_for(paths: Iterable[str]) -> dict[str, Literal["reading", "writing"]]:
    """Those of ``paths`` that this process, or one that it started, has open, and what for.

    What is open for appending, or for writing only, is not read.
    """
    wanted = {os.path.realpath(path): path for path in paths}
    found: dict[str, Literal["reading", "writing"]] = {}
    for process in _family():
        folder = f"/proc/{process}/fd"
        with contextlib.suppress(OSError):
            for number in os.listdir(folder):
                with contextlib.suppress(OSError, ValueError, StopIteration):
                    path = wanted.get(os.readlink(f"{folder}/{number}"))
                    if path is None or found.get(path) == "reading":
                        continue
                    flags = _flags(process, number)
                    writes = flags & os.O_ACCMODE == os.O_WRONLY or flags & os.O_APPEND
                    found[path] = "writing" if writes else "reading"
    return found


def _flags(process: str, number: str) -> int:
    with open(f"/proc/{process}/fdinfo/{number}") as file:
        return next(int(line.split()[1], 8) for line in file if line.startswith("flags:"))


def has_children() -> bool:
    """Whether a process that this one started is alive."""
    return next(islice(_family(), 1, None), None) is not None


def _family() -> Iterator[str]:
    """This process and, breadth first, those below it."""
    pending = ["self"]
    for process in pending:
        yield process
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{process}/task"):
                with contextlib.suppress(OSError), open(f"/proc/{process}/task/{task}/children") as file:
                    pending += file.read().split()[: 1000 - len(pending)]


def mapped_files() -> Iterator[str]:
    """Paths that are mapped into memory and are no code."""
    found: dict[bytes, bool] = {}
    with contextlib.suppress(OSError), open("/proc/self/maps", "rb") as file:
        for permissions, name in _MAPPED.findall(file.read()):
            found[name] = found.get(name, False) or b"x" in permissions
    for name, code in found.items():
        path = os.fsdecode(name)
        if not code and not path.startswith(_NO_FILES) and not path.endswith(" (deleted)"):
            yield path
