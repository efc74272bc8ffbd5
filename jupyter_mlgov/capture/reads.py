"""Files that the kernel opens, seen through Python's audit events.

An audit hook cannot be taken away again, so there is one for the process, and it does nothing while no
``Reads`` listens. The event fires before the file is opened: a path here may not exist. What counts as an
input is decided later, in ``inputs``; the hook only drops what can never be one.
"""

from __future__ import annotations

import contextlib
import glob
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

_NEVER = (".py", ".pyc", ".pyi", ".so", ".pyd", ".dll", ".pth", ".ttf", ".otf", ".afm", ".pyx", ".pxd")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass
class Opened:
    """One path that was opened, with its state when the cell that opened it ended."""

    path: str
    cell_run: int
    """The position in the journal of the execution that first opened it."""
    mechanism: str = "open"
    importing: bool = False
    """True where a module's import opened it, not the user's call."""
    written_before: bool = False
    stat: tuple[int, int] | None = None
    """``(st_mtime_ns, st_size)`` at the end of that cell."""


@dataclass
class Reads:
    """What was read and written in one kernel session, in order of the first opening."""

    read: dict[str, Opened] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    cell_run: int = -1
    _fresh: list[str] = field(default_factory=list)

    def saw_read(self, path: str, mechanism: str) -> None:
        """A path was opened for reading."""
        if path in self.read:
            if path in self.written:
                self._fresh.append(path)
            return
        opened = Opened(path, self.cell_run, mechanism, written_before=path in self.written)
        if _in_packages(path):
            opened.importing = _importing()
        self.read[path] = opened
        self._fresh.append(path)

    def saw_write(self, path: str) -> None:
        """A path was opened for writing."""
        self.written.setdefault(path, self.cell_run)

    def cell_ended(self) -> None:
        """Notes size and time of what the cell opened, so that a later change is seen."""
        fresh, self._fresh = self._fresh, []
        for path in fresh:
            opened = self.read.get(path)
            if opened is not None:
                with contextlib.suppress(OSError, ValueError):
                    state = os.stat(path)  # noqa: PTH116 - bytes-safe and cheap on the hot path
                    opened.stat = (state.st_mtime_ns, state.st_size)


_listener: Reads | None = None
_installed = False
_ours: set[int] = set()
"""Threads that do capture's own work: what they open is not the user's."""


def listen(reads: Reads | None) -> None:
    """Sends what the process opens from now on to ``reads``; None stops it."""
    global _listener, _installed
    _listener = reads
    if reads is not None and not _installed:
        _installed = True
        sys.addaudithook(_hook)


@contextlib.contextmanager
def unseen() -> Iterator[None]:
    """What this thread opens meanwhile is not counted as the user's."""
    me = threading.get_ident()
    nested = me in _ours
    _ours.add(me)
    try:
        yield
    finally:
        if not nested:
            _ours.discard(me)


def note(paths: Callable[[], Iterable[str]]) -> None:
    """A wrapped reader was called with ``paths`` (globs and folders too). Never raises."""
    listener = _listener
    if listener is None or threading.get_ident() in _ours:
        return
    try:
        for path in paths():
            absolute = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111
            if any(letter in path for letter in "*?["):
                for found in sorted(glob.glob(absolute, recursive=True))[:10_000]:  # noqa: PTH207
                    listener.saw_read(found, "reader")
            elif os.path.isdir(absolute):  # noqa: PTH112
                for folder, _, names in os.walk(absolute):
                    for name in sorted(names):
                        if not name.startswith((".", "_")):
                            listener.saw_read(os.path.join(folder, name), "reader")  # noqa: PTH118
            else:
                listener.saw_read(absolute, "reader")
    except Exception:  # noqa: BLE001, S110 - what the reader itself says about its argument is the user's to see
        pass


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _listener is None or event not in ("open", "sqlite3.connect"):
        return
    listener = _listener
    try:
        if threading.get_ident() in _ours:
            return
        path = arguments[0]
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        elif isinstance(path, int) or path is None:
            return
        else:
            path = os.fspath(path)
        if not path or path.endswith(_NEVER):
            return
        if event == "sqlite3.connect":
            _saw_database(listener, path)
            return
        mode, flags = arguments[1], arguments[2]
        path = os.path.abspath(path)  # noqa: PTH100 - no symlink is followed: the user's name counts
        writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(flags & _WRITING)
        if writes:
            listener.saw_write(path)
            if isinstance(mode, str) and "r" in mode:
                listener.saw_read(path, "open")
        else:
            listener.saw_read(path, "open")
    except Exception:  # noqa: BLE001, S110 - an audit hook that raises would break the user's open()
        pass


def _saw_database(listener: Reads, name: str) -> None:
    if name == ":memory:" or name.startswith("file::memory:"):
        return
    if name.startswith("file:"):
        name = name[5:].split("?", 1)[0]
    if name:
        listener.saw_read(os.path.abspath(name), "sqlite3")  # noqa: PTH100


def _in_packages(path: str) -> bool:
    return "site-packages" in path or "dist-packages" in path or path.startswith(sys.prefix + os.sep)


def _importing() -> bool:
    """True when the frame that opens a file is run by the import system."""
    frame = sys._getframe(3)
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def is_ours(thread: int | None) -> bool:
    """Whether a thread does capture's own work at this moment."""
    return thread in _ours
