"""The index: a cache of the ledger that answers listings and names.

It never knows more than the ledger: rows are written after ``HEAD`` moved, and every question first compares the
index with ``HEAD`` and catches up. So an index that is behind, deleted, damaged or of an older version costs a
moment and nothing else. Where its file cannot be written (a read-only store, a full disk) the same rows are
kept in memory.

SQLite runs with the TRUNCATE journal, which every version handles safely, ``synchronous=FULL`` and ``BEGIN
IMMEDIATE``; all writing happens under the ledger's lock. Connections are not pooled: a file that was deleted
or replaced is seen at once, and a fork shares nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Engine, NullPool, StaticPool, create_engine, event
from sqlalchemy.exc import DatabaseError

from jupyter_mlgov.errors import Damaged, Missing, NotWritable
from jupyter_mlgov.store import files, tables
from jupyter_mlgov.store.layout import Layout
from jupyter_mlgov.store.ledger import Ledger
from jupyter_mlgov.store.objects import Named

BUSY_S = 30.0
"""How long SQLite waits for another process, in seconds."""

T = TypeVar("T")


class Unusable(Exception):
    """The index is of another version, or of another line than the ledger: it has to be rebuilt."""


_SPOILT = (DatabaseError, Unusable, msgspec.MsgspecError, UnicodeDecodeError)


class Index:
    """The listing of one store. Safe to use from several threads."""

    def __init__(self, layout: Layout, ledger: Ledger, manifests: Named) -> None:
        self._path = layout.index
        self._layout = layout
        self._ledger = ledger
        self._manifests = manifests
        self._reader = _engine(self._path, mode="ro", begin="BEGIN")
        self._writer = _engine(self._path, mode="rw", begin="BEGIN IMMEDIATE")
        self._memory: Engine | None = None
        self._guard = threading.RLock()

    def ask(self, question: Callable[[Connection], T], *, locked: bool = False) -> T:
        """The answer to ``question`` as of now. ``locked``: the caller holds the ledger's lock.

        Raises ``Damaged``, ``Missing`` or ``StoreError`` when the index is behind and the ledger is broken.
        """
        with contextlib.suppress(*_SPOILT), self._reader.begin() as connection:
            # The index's head is read first: HEAD can only be ahead of it.
            if _version_fits(connection) and tables.get_state(connection, "head") == self._ledger.head():
                return question(connection)
        try:
            with contextlib.nullcontext() if locked else self._ledger.lock():
                self._bring_up()
            with self._reader.begin() as connection:
                return question(connection)
        except (NotWritable, OSError, *_SPOILT):
            return self._ask_memory(question)

    def follow(self) -> None:
        """Takes up what was appended. The caller holds the ledger's lock. A failure is left to the next
        :meth:`ask`: the ledger has it already."""
        with contextlib.suppress(OSError, *_SPOILT):
            self._bring_up()

    def rebuild(self) -> int:
        """Makes the index anew from the ledger; the number of entries. The old one is kept until the new one
        is complete. Raises ``NotWritable``, and as :meth:`ask`."""
        with self._ledger.lock(), files.writing(self._layout.folder):
            try:
                return self._rebuild(lost=None)
            except DatabaseError as error:
                raise NotWritable(
                    f"the index {self._path} cannot be written ({error.orig}): make room on that disk, "
                    "or make the folder writable, and run it again"
                ) from error

    def fresh(self) -> Engine:
        """An index in memory, built from the ledger alone."""
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}, hide_parameters=True
        )
        with engine.begin() as connection:
            tables.create(connection)
            self._extend(connection)
        return engine

    def on_disk(self) -> tuple[str | None, str | None, list[tuple[object, ...]]] | None:
        """Head, lost head and rows of the file as it is now, or None when it cannot be read."""
        try:
            with self._reader.begin() as connection:
                if not _version_fits(connection):
                    return None
                head, lost = (tables.get_state(connection, key) for key in ("head", "lost"))
                return head, lost, tables.dump(connection)
        except _SPOILT:
            return None

    def _bring_up(self) -> None:
        lost = None
        try:
            with self._writer.begin() as connection:
                if not _version_fits(connection):
                    raise Unusable
                lost = tables.get_state(connection, "lost") or tables.get_state(connection, "head")
                self._extend(connection)
        except _SPOILT:
            self._rebuild(lost=lost)

    def _rebuild(self, *, lost: str | None) -> int:
        files.make_folder(self._layout.temporary)
        path = self._layout.temporary / f"index-{os.getpid()}-{secrets.token_hex(8)}.sqlite"
        journal = Path(f"{path}-journal")
        engine = _engine(path, mode="rwc", begin="BEGIN IMMEDIATE")
        try:
            with engine.begin() as connection:
                tables.create(connection)
                count = self._extend(connection)
                if lost and not tables.has_entry(connection, lost):
                    tables.set_state(connection, "lost", lost)
            # A journal that was left by a killed writer of the old file must not be played into the new one.
            files.drop(Path(f"{self._path}-journal"))
            files.replace(path, self._path)
            return count
        finally:
            files.drop(path)
            files.drop(journal)

    def _extend(self, connection: Connection) -> int:
        """Adds the rows between the index's head and HEAD; how many entries. Raises ``Unusable`` when the
        ledger no longer leads to the index's head."""
        known = tables.get_state(connection, "head")
        head = self._ledger.head()
        if head == known:
            return 0
        if known and not self._leads(head, known):
            raise Unusable
        count = 0
        for name, entry in self._ledger.since(head, lambda name: tables.has_entry(connection, name)):
            summary = self._summary(entry.subject) if entry.kind in ("snapshot", "candidate") else None
            tables.add(connection, name, entry, summary)
            count += 1
        if head:
            tables.set_state(connection, "head", head)
        return count

    def _leads(self, head: str | None, known: str) -> bool:
        """Whether the first parents from ``head`` lead to ``known``: then the rows that are there come first
        in a rebuilt index too."""
        while head and head != known:
            parents = self._ledger.read(head).parents
            head = parents[0] if parents else None
        return head == known

    def _summary(self, snapshot: str) -> tables.Summary | None:
        try:
            return msgspec.json.decode(self._manifests.get(snapshot), type=tables.Summary)
        except (Missing, Damaged, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _ask_memory(self, question: Callable[[Connection], T]) -> T:
        with self._guard:
            if self._memory is None:
                self._memory = self.fresh()
            try:
                with self._memory.begin() as connection:
                    self._extend(connection)
            except Unusable:
                self._memory = self.fresh()
            with self._memory.begin() as connection:
                return question(connection)


def _version_fits(connection: Connection) -> bool:
    return tables.get_state(connection, "version") == tables.VERSION


def _engine(path: Path, *, mode: str, begin: str) -> Engine:
    """Connections to the file ``path``, each its own, whose transactions start with ``begin``."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_S,
            isolation_level=None,
            check_same_thread=False,
        )
        if mode != "ro":
            with _closing_on_failure(connection):
                connection.execute("PRAGMA journal_mode=TRUNCATE")
                connection.execute("PRAGMA synchronous=FULL")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


@contextlib.contextmanager
def _closing_on_failure(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise
