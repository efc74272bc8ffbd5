"""Contents that the notebook is about to change: held until they are recorded.

A file that was there before the notebook and that it reads is an input as it was then, whatever the notebook does to it
afterwards: overwrites it, adds to it, renames or deletes it. Python tells before it does so, while the content is still
there. It is copied then, where it is small enough; where it is not, or where native code or another process changes it,
the input is *unstable*. A file that is kept for the secrets in it is never copied.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import platform
import re
import shutil
import stat
import tempfile
import threading
from pathlib import Path, PurePath

from jupyter_mlgov.capture.reads import Earlier, Reads

EACH = 100_000_000
"""Bytes of a file past which it is not held: copying it would be felt."""
ALL = 250_000_000
"""Bytes of a session that are held."""
MANY = 2_000
"""Files of a session that are held: making each takes up to a millisecond of the user's."""
ROOM = 4
"""How many times a file's size has to be free where it is held: a full temporary folder would fail the user's own work."""
FOLDER = "mlgov-earlier-"


def _prefix(process: str) -> str:
    """How the name of a process's folder begins. The temporary folder may be shared by containers and machines, whose
    processes have the same numbers."""
    return f"{FOLDER}{process}-{re.sub(r'[^A-Za-z0-9.]', '_', platform.node())}-"


def _sweep() -> None:
    """Takes away what kernels left that were killed."""
    if os.name == "nt":  # where os.kill(process, 0) is no question
        return
    for left in Path(tempfile.gettempdir()).glob(_prefix("*") + "*"):
        process = left.name.removeprefix(FOLDER).partition("-")[0]
        if process.isdecimal() and left.name.startswith(_prefix(process)):
            try:
                os.kill(int(process), 0)
            except ProcessLookupError:
                shutil.rmtree(left, ignore_errors=True)
            except (OSError, OverflowError):  # it lives, and is another user's; or it is no process
                continue


class EarlierContents:
    """What one session holds, in a temporary folder of its own."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._folder: Path | None = None
        self._bytes = 0
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def hold(self, path: str, project: Path, *, adds: bool) -> None:
        """``path`` is about to be changed, or to go. ``adds``: what is there counts together with what is added, though
        nobody has read it yet."""
        if os.getpid() == self._pid:
            with self._lock:  # threads of the user's may change files at the same time
                self._hold(path, project, adds=adds)

    def _hold(self, path: str, project: Path, *, adds: bool) -> None:
        # Here, since most sessions never come so far.
        from jupyter_mlgov.capture.inputs import is_input
        from jupyter_mlgov.capture.secret_files import is_secret_file

        reads = self._reads
        opened = reads.read.get(path)
        counts = not opened.written_before if opened is not None else adds and path not in reads.written
        if (
            not counts
            or path in reads.earlier
            or len(reads.earlier) >= MANY
            or is_secret_file(PurePath(path))
        ):
            return
        with contextlib.suppress(OSError, ValueError):
            found = Path(path).stat()
            if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= min(EACH, ALL - self._bytes):
                return
            if not is_input(Path(path), project, named=True):
                return
            state = (found.st_mtime_ns, found.st_size)
            held = self._copy(path, found.st_size)
            if held is not None:
                self._bytes += found.st_size
                same = opened is None or opened.state in (None, state)
                reads.earlier[path] = Earlier(held, read=opened is not None, changed=not same)

    def _copy(self, path: str, size: int) -> str | None:
        """A copy under the same name, which says what kind of file it is."""
        if self._folder is None:
            _sweep()
            self._folder = Path(tempfile.mkdtemp(prefix=_prefix(str(self._pid))))
            atexit.register(self.stop)
        if shutil.disk_usage(self._folder).free < ROOM * size:
            return None
        place = self._folder / str(len(self._reads.earlier))
        try:
            place.mkdir()
            return str(shutil.copy2(path, place / Path(path).name))
        except OSError:
            shutil.rmtree(place, ignore_errors=True)
            return None

    def stop(self) -> None:
        """Lets go of everything."""
        if self._folder is not None and os.getpid() == self._pid:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
            self._reads.earlier.clear()
