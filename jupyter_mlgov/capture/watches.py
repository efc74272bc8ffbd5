"""Which folders are watched for files being opened, and what follows from what happens in them.

inotify tells what no hook in Python can: that native code, or another process, opened a file. It does not tell who
did, so what it says counts only while a cell runs (or a process that a cell started), and only in folders that the
notebook is about: those of the project, those that the code names, those of files that were read. In a folder that
is shared with everybody (the home folder, the temporary one) only the files that the code names count.

The number of watches is bounded, the queue is emptied often enough by a thread that sleeps while nothing happens,
and whatever is lost all the same is said in ``Reads.lost``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

from jupyter_mlgov.capture import inotify
from jupyter_mlgov.capture.audit import NEVER, unseen
from jupyter_mlgov.capture.descriptors import has_children, open_for
from jupyter_mlgov.capture.inotify import Inotify
from jupyter_mlgov.capture.literals import absolute, fixed_part, has_magic, working_folder
from jupyter_mlgov.capture.reads import Reads

PROJECT_FOLDERS = 1_000
"""Folders of the project that are watched."""
NAMED_FOLDERS = 200
"""Folders that are watched below one that the code names."""
MOST = 4_000
PAUSE_S = 0.05
"""How long events gather before they are looked at. The kernel keeps 16,384 of them by default."""
_NOT_BELOW = frozenset(
    {"node_modules", "site-packages", "dist-packages", "__pycache__", "mlruns", "dask-scratch-space"}
)

_SYSTEM = ("/usr/", "/bin/", "/lib", "/etc/", "/proc/", "/sys/", "/dev/", sys.prefix, sys.base_prefix)
_SHARED = ("/", "/tmp", "/var/tmp", "/dev/shm", "/home", "/mnt", "/data", "/media", "/opt", "/srv")  # noqa: S108


class _Watched(Struct):
    path: str
    whole: bool
    """Every file of it counts; otherwise those in ``names``."""
    names: set[str] = field(default_factory=set)


class FolderWatch:
    """The folders that are watched for one session."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._inotify: Inotify | None = None
        self._by_watch: dict[int, _Watched] = {}
        self._by_path: dict[str, _Watched] = {}
        self._open: dict[str, bool] = {}
        """Opened and not closed yet -> whether it was written before."""
        self._looked: set[tuple[str, str]] = set()
        self._named: set[str] = set()
        """Files and folders that code, values of its names and command lines lead to."""
        self._running = False
        self._ours = False
        """True while capture itself reads: what happens then is nobody's input."""
        self._passed_over: set[str] = set()
        self._children: bool | None = None
        self.started = False
        """True where the running cell has started a process."""
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._shared = {str(Path.home()), tempfile.gettempdir(), *_SHARED}

    @property
    def working(self) -> bool:
        """Whether what is opened in a watched folder is seen."""
        return self._inotify is not None and "inotify" not in self._reads.lost

    def covers(self, path: Path) -> bool:
        """Whether a reading of ``path`` would have been seen."""
        watched = self._by_path.get(str(path.parent))
        return self.working and watched is not None and (watched.whole or path.name in watched.names)

    def names(self, path: str) -> bool:
        """Whether code, or a value of a name in it, leads to ``path`` or to a folder above it."""
        while path not in self._named:
            above = os.path.dirname(path)
            if above == path:
                return False
            path = above
        return True

    def start(self, first: Iterable[Path], project: Path) -> None:
        """Watches the folders ``first`` now and those of the project as soon as a thread gets to it."""
        try:
            self._inotify = Inotify()
        except OSError as error:
            if error.errno == errno.ENOSYS:
                self._reads.quiet["inotify"] = error.strerror or "no inotify"
            else:
                self._lose(f"{error.strerror} (inotify)")
            return
        for folder in dict.fromkeys(first):
            self._watch(str(folder), whole=str(folder) not in self._shared)
        self._thread = threading.Thread(
            target=self._empty_often, args=(str(project),), name="mlgov-watches", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Gives the watches back."""
        with self._lock:
            if self._inotify is not None:
                self._inotify.close()
                self._inotify = None

    # -- cells ---------------------------------------------------------------------------------------------------

    def cell_starts(self) -> None:
        """What happened since the last cell is not this one's."""
        with self._lock:  # or the thread, having seen that no cell runs, takes in what this one reads
            if self._inotify is not None:
                self.settle()
                self._running, self._ours, self.started = True, False, False

    def cell_ends(self) -> None:
        """Takes in the rest of what happened, files that are still open too."""
        if self._inotify is None:
            return
        self.settle()
        with self._lock:
            if self._open:
                self._still_open()
            self._running, self._ours = False, True

    def _still_open(self) -> None:
        """Files that a cell leaves open were read, but those that something writes to: a log of a thread's or a child's."""
        for _ in range(3):
            with unseen():
                known = open_for(self._open)
            self.settle()  # what is not open was closed meanwhile, and maybe opened again
            if known.keys() >= self._open.keys():
                break
        for path, written in self._open.items():
            if path in self._passed_over:
                continue
            if known.get(path) == "writing":
                self._reads.saw_write(path)
            elif (not written and path not in self._reads.written) or path in known:
                self._read(path, written)
        self._open.clear()

    @property
    def passed_over(self) -> frozenset[str]:
        """What capture itself reads at this moment, in whichever thread."""
        return frozenset(self._passed_over.copy())

    @contextlib.contextmanager
    def passing_over(self, path: str) -> Iterator[None]:
        """What happened until now is taken in, and what capture itself does with ``path`` meanwhile is not."""
        self.settle()
        self._passed_over.add(path)
        try:
            yield
        finally:
            self.settle()
            self._passed_over.discard(path)

    def forget(self) -> None:
        """Passes over what happened until now: capture's own work."""
        with self._lock:
            if self._inotify is not None:
                self.settle()
            self._ours = False

    def look_at(self, texts: Iterable[str]) -> None:
        """Watches where paths that code names lead: a folder, or the folder of a file."""
        if self._inotify is None:
            return
        here = str(working_folder())
        for text in texts:
            if (here, text) in self._looked:
                continue
            if len(self._looked) < 100_000:
                self._looked.add((here, text))
            with contextlib.suppress(OSError, ValueError):
                path = str(absolute(text))
                self._name(path)
                if os.path.isdir(path):
                    self._named_folder(path, deep=True)
                elif has_magic(path):
                    self._named_folder(fixed_part(path), deep="**" in path)
                else:
                    self.look_for(path)

    def _name(self, path: str) -> None:
        """Of a pattern, and of a text with gaps (``f"data/{i}.nii"``), the folder; none that the work is done in."""
        if has_magic(path) and not os.path.lexists(path):
            path = fixed_part(path)
        if "{" in path:
            path = os.path.dirname(path.partition("{")[0])
        if len(self._named) < 100_000 and not f"{working_folder()}/".startswith(path.rstrip("/") + "/"):
            self._named.add(path)

    def look_for(self, path: str) -> None:
        """Watches the folder of one file that is about to be read, or that the code names."""
        if self._inotify is None:
            return
        folder, _, name = path.rpartition("/")
        folder = folder or "/"
        known = self._by_path.get(folder)
        if known is None:
            known = self._watch(folder, whole=False)
        if known is not None and not known.whole:
            known.names.add(name)

    def _named_folder(self, folder: str, *, deep: bool) -> None:
        here = f"{working_folder()}/"
        if folder in self._shared or here.startswith(folder.rstrip("/") + "/"):
            # Where everything lies says nothing about what is read; the project is watched anyway.
            self._watch(folder, whole=False)
        elif deep:
            self._watch_below([folder], NAMED_FOLDERS)
        else:
            self._watch(folder, whole=True)

    # -- watching ------------------------------------------------------------------------------------------------

    def _watch(self, folder: str, *, whole: bool) -> _Watched | None:
        with self._lock:
            known = self._by_path.get(folder)
            if known is not None:
                known.whole |= whole
                return known
            if self._inotify is None:
                return None
            if len(self._by_path) >= MOST:
                self._reads.quiet["inotify"] = f"more than {MOST} folders: not all of them are watched"
                return None
            try:
                watch = self._inotify.add(folder)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.ENOMEM):
                    self._lose("no more folders can be watched (fs.inotify.max_user_watches)")
                return None
            # A folder that has two names has one watch: what happens in it is told under the first.
            watched = self._by_path[folder] = self._by_watch.setdefault(watch, _Watched(folder, whole))
            watched.whole |= whole
            return watched

    def _watch_below(self, tops: list[str], most: int, *, pause: bool = False, made: bool = False) -> bool:
        """Watches folders breadth first, ``most`` of them; gives False where there are more. ``made``: they are new, and
        what is in them already was written before they could be watched."""
        pending, seen, count = deque(tops), set(), 0
        while pending:
            folder = pending.popleft()
            try:
                found = os.stat(folder)
                if (found.st_dev, found.st_ino) in seen:
                    continue
                seen.add((found.st_dev, found.st_ino))
                if count >= most:
                    return False
                if self._watch(folder, whole=folder not in self._shared) is None:
                    continue
                count += 1
                with unseen():
                    entries = list(os.scandir(folder))
                below = sorted(entry.path for entry in entries if _worth_watching(entry))
                if made:
                    for entry in entries:
                        if entry.is_file() and entry.path not in self._reads.read:
                            self._reads.saw_write(entry.path)
            except OSError:
                continue
            pending.extend(below)
            if pause and count % 20 == 0:
                time.sleep(0.001)
        return True

    def _empty_often(self, project: str) -> None:
        """The thread: watches the project, then wakes when something happens, at most every ``PAUSE_S``."""
        with unseen():
            if not self._watch_below([*list(self._by_path), project], PROJECT_FOLDERS, pause=True):
                self._reads.quiet["inotify"] = (
                    f"the project has more than {PROJECT_FOLDERS} folders: not all are watched"
                )
            while (watching := self._inotify) is not None:
                with contextlib.suppress(OSError, ValueError):
                    select.select([watching.descriptor], [], [], 5.0)
                time.sleep(PAUSE_S)
                with contextlib.suppress(Exception):
                    self.settle()

    # -- events --------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Takes in what happened until now: while a cell runs, or a process that one started."""
        with self._lock:
            if self._inotify is None:
                return
            self._children = None
            counts: bool | None = False if self._ours else (True if self._running else None)
            for event in self._inotify.read():
                if counts is None:
                    with unseen():
                        counts = has_children()
                if event.mask & inotify.OVERFLOW:
                    if counts:
                        self._lose("more files were opened at once than its queue holds")
                    continue
                watched = self._by_watch.get(event.watch)
                if watched is None:
                    continue
                if event.mask & inotify.IGNORED:
                    self._by_watch.pop(event.watch, None)
                    self._by_path.pop(watched.path, None)
                elif event.mask & inotify.IS_FOLDER:
                    if event.mask & (inotify.CREATE | inotify.MOVED_TO) and watched.whole:
                        self._new_folder(
                            watched.path, event.name, made=bool(counts and event.mask & inotify.CREATE)
                        )
                elif counts and self._counts(watched, event.name):
                    path = os.path.join(watched.path, event.name)
                    if path not in self._passed_over:
                        self._happened(path, event.mask)

    def _counts(self, watched: _Watched, name: str) -> bool:
        if not name or name.startswith(".") or name.endswith(NEVER):
            return False
        return watched.whole or name in watched.names

    def _new_folder(self, parent: str, name: str, *, made: bool) -> None:
        path = os.path.join(parent, name)
        if not name.startswith(".") and name not in _NOT_BELOW:
            self._watch_below([path], NAMED_FOLDERS, made=made)

    def _happened(self, path: str, mask: int) -> None:
        reads = self._reads
        if mask & inotify.OPEN:
            self._open.setdefault(path, reads.made(path))
        elif mask & (inotify.MODIFY | inotify.CREATE | inotify.MOVED_TO):
            reads.saw_write(path)
            self._open.pop(path, None)
        else:
            # Closed: also what was opened for writing and only read (a database).
            written = self._open.pop(path, reads.made(path))
            if mask & inotify.CLOSE_NOWRITE or path not in reads.written:
                self._read(path, written)

    def _read(self, path: str, written: bool) -> None:
        reads = self._reads
        if reads.made(path) and not written and path not in reads.read:
            return
        known = path in reads.read
        opened = reads.saw_read(path, "inotify")
        if opened is not None and not known:
            opened.written_before = written
        if opened is not None and not opened.tied and opened.seen_by.keys() == {"inotify"}:
            opened.tied = self._has_children()

    def _has_children(self) -> bool:
        """Whether a process that this one started is alive; asked once for what is taken in together."""
        if self._children is None:
            with unseen():
                self._children = self.started or has_children()
        return self._children

    def _lose(self, why: str) -> None:
        self._reads.lost["inotify"] = why


def _worth_watching(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in _NOT_BELOW:
        return False
    try:
        if entry.is_symlink() and os.path.realpath(entry.path).startswith(_SYSTEM):
            return False
        return entry.is_dir() and not os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))
    except OSError:
        return False
