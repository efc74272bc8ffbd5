"""Files that this process has open, or mapped, at a given moment.

They were opened in an earlier cell, before the extension was loaded, or by native code that nothing else saw.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

_FOLDER = "/proc/self/fd"
_NO_FILES = ("/dev/", "/proc/", "/sys/", "/memfd:", "/SYSV", "/anon_")


def open_files() -> Iterator[str]:
    """Paths of open descriptors that can be read, the process's own streams apart. Nothing where the system does
    not tell."""
    try:
        numbers = os.listdir(_FOLDER)
    except OSError:
        return
    streams = {_path(number) for number in ("0", "1", "2")}
    for number in numbers:
        path = _path(number)
        if path is not None and path not in streams and _readable(int(number)):
            yield path


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


def mapped_files() -> Iterator[str]:
    """Paths that are mapped into memory and are no code."""
    found: dict[str, bool] = {}
    with contextlib.suppress(OSError), open("/proc/self/maps", "rb") as file:
        for line in file:
            parts = line.split(None, 5)
            if len(parts) == 6 and parts[5][:1] == b"/":
                path = os.fsdecode(parts[5].rstrip(b"\n"))
                found[path] = found.get(path, False) or b"x" in parts[1]
    for path, code in found.items():
        if not code and not path.startswith(_NO_FILES) and not path.endswith(" (deleted)"):
            yield path
