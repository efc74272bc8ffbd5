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
    """Paths of open descriptors that can be read. Nothing where the system does not tell."""
    try:
        numbers = os.listdir(_FOLDER)
    except OSError:
        return
    for number in numbers:
        try:
            path = os.readlink(f"{_FOLDER}/{number}")
        except OSError:
            continue
        if path[:1] == "/" and not path.startswith(_NO_FILES) and not path.endswith(" (deleted)"):
            yield path


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
