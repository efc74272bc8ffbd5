"""What processes that the kernel starts read, told by themselves.

A Python process that a cell starts (a script, a worker of multiprocessing, joblib or Dask) hears its own audit
events as the kernel does and appends what it opens to a file that the kernel reads when the cell ends. A forked
process inherits the hook; any other finds the file's name in its environment, and the line in ``mlgov-reads.pth``
that Python executes when it starts. Other programs are seen by ``watches`` only.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
from collections.abc import Iterator
from urllib.parse import quote_from_bytes, unquote_to_bytes

from jupyter_mlgov.capture import audit
from jupyter_mlgov.capture.literals import scripts_in
from jupyter_mlgov.capture.reads import Reads

VARIABLE = "MLGOV_READS"
"""Names the file in the environment of processes."""
LIMIT = 64_000_000
"""Bytes of the file past which a session says that it lost count, and reads no further."""
MOST = 200_000
"""Files of which one process tells; then it says that it stops."""
_STOPS = "l"


class ChildReads:
    """The kernel's end."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._path: str | None = None
        self._file = -1
        self._place = 0
        self._pid = os.getpid()

    def start(self) -> None:
        """Makes the file and tells processes to come where it is."""
        try:
            made, path = tempfile.mkstemp(prefix="mlgov-reads-")
            os.close(made)
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
            self._path = path
        except OSError as error:
            self._reads.lost["process"] = f"no temporary file ({error.strerror})"
            return
        os.environ[VARIABLE] = self._path
        atexit.register(self.stop)
        os.register_at_fork(after_in_child=self._forked)

    @property
    def path(self) -> str | None:
        """The file that processes tell what they read: it is open and nobody's input."""
        return self._path

    def stop(self) -> None:
        """Takes the file away."""
        if self._path is None or os.getpid() != self._pid:
            return
        path, self._path = self._path, None
        if os.environ.get(VARIABLE) == path:
            del os.environ[VARIABLE]
        with contextlib.suppress(OSError):
            os.close(self._file)
        with contextlib.suppress(OSError):
            os.unlink(path)

    def take_in(self) -> None:
        """Notes what processes have told since the last call."""
        if self._path is None:
            return
        for kind, path, importing, state in self._told():
            if kind == _STOPS:
                self._lose()
            elif kind == "w":
                self._reads.saw_write(path)
            elif kind == "x":
                self._reads.saw_code(path)
            elif kind in ("d", "g"):
                self._reads.saw_folder(path, pattern=kind == "g")
            else:
                self._reads.saw_read(path, "process", importing=importing, state=state)

    def _told(self) -> Iterator[tuple[str, str, bool, tuple[int, int] | None]]:
        try:
            size = os.fstat(self._file).st_size
            if size > LIMIT:
                self._lose()
                size = LIMIT
            if size <= self._place:
                return
            data = os.pread(self._file, size - self._place, self._place)
        except OSError:
            return
        end = data.rfind(b"\n") + 1
        self._place += end
        for line in data[:end].splitlines():
            with contextlib.suppress(ValueError):
                kind, importing, time, size_told, name = line.decode("ascii").split(" ")
                state = (int(time), int(size_told)) if kind == "r" else None
                yield kind, os.fsdecode(unquote_to_bytes(name)), importing == "1", state

    def _lose(self) -> None:
        self._reads.lost["process"] = "processes read more files than are counted"

    def _forked(self) -> None:
        if self._path is not None:
            tell(self._file)


class _Teller:
    """The other end: a listener that appends to the file. One line is one write, so processes don't mix."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._told: set[tuple[str, str]] = set()
        self._path = os.environ.get(VARIABLE, "")
        self._identity = _identity(file)

    def opened(self, path: str, *, importing: bool) -> None:
        try:
            found = os.stat(path)
        except (OSError, ValueError):
            return
        self._tell("r", path, importing, found.st_mtime_ns, found.st_size)

    def executed(self, path: str, *, importing: bool) -> None:
        self._tell("x", path)

    def written(self, path: str) -> None:
        self._tell("w", path)

    def changing(self, path: str, *, adds: bool = False) -> None:
        """Nothing is held in another process: what it changes is unstable."""

    def going(self, folder: str) -> None:
        """The same for all that is in a folder."""

    def listed(self, path: str, *, pattern: bool = False) -> None:
        self._tell("g" if pattern else "d", path)

    def started(self, words: list[str], folder: str | None) -> None:
        for path in scripts_in(words, folder):
            self._tell("x", path)

    def _tell(self, kind: str, path: str, importing: bool = False, time: int = 0, size: int = 0) -> None:
        if (kind, path) in self._told or len(self._told) > MOST:
            return
        if len(self._told) == MOST:
            kind, path = _STOPS, ""
        self._told.add((kind, path))
        line = f"{kind} {importing:d} {time} {size} {quote_from_bytes(os.fsencode(path))}\n"
        with contextlib.suppress(OSError):
            if self._still_there():
                os.write(self._file, line.encode("ascii"))

    def _still_there(self) -> bool:
        """A process may close every descriptor that it was given; then the number may be that of a file of its own."""
        if self._identity is None or _identity(self._file) == self._identity:
            return self._identity is not None
        with audit.unseen():
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        if _identity(file) == self._identity:
            self._file = file
            return True
        os.close(file)
        return False


def _identity(file: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def tell(file: int) -> None:
    """From now on this process tells ``file`` what it opens."""
    audit.listen(_Teller(file))


def start() -> None:
    """Called when a Python process starts whose environment names a file. Never raises."""
    with contextlib.suppress(Exception):
        file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
        tell(file)
        from jupyter_mlgov.capture import readers

        readers.watch()
