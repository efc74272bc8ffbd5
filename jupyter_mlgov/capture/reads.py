"""What one kernel session read and wrote, whichever mechanism saw it.

Several mechanisms report here: Python's audit events (``audit``), wrapped readers (``readers``), the file system's
own notices (``watches``), open descriptors (``descriptors``), processes that the kernel started (``children``) and
what came over the network or from a database (``fetched``). The order of events counts: a file that was written
before it was first read is derived, one that was written afterwards is an input that changed. What is an input in
the user's sense is decided later, in ``inputs``.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

from msgspec import Struct, field

from jupyter_mlgov.capture.literals import has_magic
from jupyter_mlgov.records.manifest import Column

Mechanism = Literal["open", "process", "reader", "inotify", "descriptor", "transport", "declared", "literal"]
"""``open``: Python's audit event; ``process``: the same in a process that the kernel started; ``reader``: a wrapped
reader; ``inotify``: the file system; ``descriptor``: an open file or mapping; ``transport``: bytes from the network;
``declared``: the user said it; ``literal``: a path in the code."""

WHILE_WAITING = 100_000
"""Python objects in a table that are looked at while a cell waits: a matter of 0.1 s."""
MOST = 200_000
"""Paths of a session past which no more are noted."""

State = tuple[int, int]
"""``(st_mtime_ns, st_size)``."""


class Opened(Struct):
    """One path that was read."""

    path: str
    cell_run: int
    """The position in the journal of the execution that first opened it."""
    seen_by: dict[Mechanism, None] = field(default_factory=dict)
    tied: bool = False
    """True where a process that the kernel started was there to have opened it."""
    importing: bool = False
    """True where a module's import opened it, not the user's call."""
    written_before: bool = False
    """True where the session wrote it before it first read it."""
    state: State | None = None
    """Time and size when it was last opened."""
    rewritten: bool = False
    """True where the session changed it after it was read, and what it held then is not known any more."""
    queries: dict[str, None] = field(default_factory=dict)
    """SQL that was asked of it."""
    table: Table | None = None
    """The table that came back, where a reader gave exactly one."""
    gave_others: bool = False
    """True where readers gave several tables that differ."""

    def gave(self, table: Table) -> None:
        """A reader gave ``table``. What was read in different ways has no one table."""
        if table.digest is None:
            table = Table(None, table.rows, None, table.reason)
        self.gave_others |= self.table is not None and self.table != table
        self.table = None if self.gave_others else table


class Earlier(Struct, frozen=True):
    """What a path held before the session changed it."""

    copy: str
    """Where that is now."""
    read: bool
    """True where it had been read by then; else it was there when something was added to it."""
    changed: bool = False
    """True where it was not any more what had been read."""


class Table(Struct, frozen=True):
    """What a reader gave back, described when it did."""

    digest: str | None
    rows: int | None = None
    columns: tuple[Column, ...] | None = None
    reason: str | None = None


class Fetched(Struct):
    """Something read from outside the file system: a URL or a database server, with its content's digest."""

    uri: str
    cell_run: int
    query: str | None = None
    digest: str | None = None
    bytes: int | None = None
    table: Table | None = None
    reason: str | None = None
    identity: str = ""
    """Tells addresses apart that read alike without their credentials (``addresses.identity_of``). It is in no record."""
    passing: Passing | None = None
    """What came of its content so far, while it is read in pieces."""

    def settle(self) -> None:
        """Takes over what has passed until now: the digest of pieces is made when it is wanted, not at each of them."""
        if self.passing is not None and self.passing.began:
            self.digest, self.bytes = self.passing.digest(), self.passing.bytes


class Passing(Protocol):
    """Bytes that come in pieces."""

    began: bool
    bytes: int

    def digest(self) -> str:
        """Of all that came until now."""


class Asked(Struct):
    """A folder, or a pattern, whose files were asked for as one: by ``glob``, ``os.listdir`` or a reader."""

    path: str
    cell_run: int
    pattern: bool = False
    """True for a pattern of ``glob``. A folder's name may look like one."""
    by_reader: bool = False
    """True where a reader took the whole of it for one data set, or the user named it."""
    declared: bool = False


class Reads(Struct):
    """What was read and written in one kernel session, in order of the first opening."""

    read: dict[str, Opened] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    earlier: dict[str, Earlier] = field(default_factory=dict)
    """What paths held that were there before the session changed them."""
    asked: dict[str, Asked] = field(default_factory=dict)
    scripts: dict[str, int] = field(default_factory=dict)
    """Files with code that were executed and not imported by the kernel: ``%run``, ``exec``, a process of its own."""
    fetched: dict[tuple[str, str | None], Fetched] = field(default_factory=dict)
    """By what tells apart where it came from, and the query."""
    cell_run: int = -1
    lost: dict[str, str] = field(default_factory=dict)
    """Mechanism -> how it was lost: what it would have seen since then may be missing."""
    quiet: dict[str, str] = field(default_factory=dict)
    """The same where it is no accident of this session but how this machine or project is."""
    before_first: Callable[[str], None] | None = None
    """Called before a path is noted for the first time: takes in what other mechanisms saw until now."""

    def saw_read(
        self, path: str, mechanism: Mechanism, *, importing: bool = False, state: State | None = None
    ) -> Opened | None:
        """A path was opened for reading. None where there is nothing at it, or only a folder."""
        opened = self.read.get(path)
        if state is None and (opened is None or mechanism != "inotify"):
            try:
                found = os.stat(path)
            except (OSError, ValueError):
                return opened
            if stat.S_ISDIR(found.st_mode):
                return None
            state = (found.st_mtime_ns, found.st_size)
        if opened is None:
            if len(self.read) >= MOST:
                self.lost["read"] = f"more than {MOST} files were read"
                return None
            if self.before_first is not None and mechanism != "inotify":
                self.before_first(path)
                opened = self.read.get(path)
        if opened is None:
            opened = self.read[path] = Opened(path, self.cell_run, written_before=self.made(path))
            opened.importing = importing
        opened.importing &= importing
        opened.seen_by.setdefault(mechanism)
        if state is not None:
            opened.state = state
        return opened

    def saw_write(self, path: str) -> None:
        """A path was opened for writing, and loses what it held, or something was added to it."""
        self.written.setdefault(path, self.cell_run)
        opened = self.read.get(path)
        if opened is not None and not opened.written_before and path not in self.earlier:
            opened.rewritten = True

    def made(self, path: str) -> bool:
        """Whether all that is in a file is what the session wrote."""
        return path in self.written and path not in self.earlier

    def saw_code(self, path: str) -> None:
        """A file with code was executed, or read as one that is."""
        if len(self.scripts) < 10_000:
            self.scripts.setdefault(path, self.cell_run)

    def saw_folder(self, path: str, *, by_reader: bool = False, pattern: bool = False) -> None:
        """The files of a folder, or of a ``pattern``, were asked for."""
        if len(self.asked) < 10_000:
            asked = self.asked.setdefault(path, Asked(path, self.cell_run, pattern and has_magic(path)))
            asked.by_reader |= by_reader

    def saw_fetch(self, fetched: Fetched) -> None:
        """Content came from elsewhere. What is asked again gives the newest answer."""
        fetched.cell_run = self.cell_run
        key = (fetched.identity or fetched.uri, fetched.query)
        one = self.fetched.get(key)
        if one is not None:
            fetched.cell_run = one.cell_run
            if fetched.digest is None:
                one.settle()
                fetched.digest, fetched.bytes = one.digest, one.bytes
            fetched.table = fetched.table or one.table
        if one is not None or len(self.fetched) < MOST:
            self.fetched[key] = fetched


def describe(value: Any, *, within: float | None = None, objects: int = WHILE_WAITING) -> Table | None:
    """A returned table, hashed now: the user may change it later. None for what is no table.

    ``within`` some seconds, and a number of Python objects that are looked at one by one: past them it has no digest, and
    says so.
    """
    from jupyter_mlgov.hashing.digest import Limits
    from jupyter_mlgov.hashing.frames import describe_frame

    limits = Limits(objects, time.monotonic() + within) if within is not None else None
    found = describe_frame(value, limits=limits)
    return None if found is None else Table(found.digest, found.rows, found.columns, found.reason)
