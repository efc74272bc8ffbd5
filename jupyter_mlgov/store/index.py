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
import functools
import itertools
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Engine, NullPool, StaticPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from jupyter_mlgov.errors import Damaged, Missing, MlgovError, NotWritable
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry, with_origin
from jupyter_mlgov.store import files, tables
from jupyter_mlgov.store.layout import Layout
from jupyter_mlgov.store.ledger import Ledger
from jupyter_mlgov.store.pieces import Manifests

BUSY_S = 30.0
"""How long SQLite waits for another process, in seconds."""

_BATCH = 1000
"""Rows that are written in one statement."""

_PAGE = 2048
"""Bytes of a page of a new file: of a small store's index, most of the usual 4,096 would be empty."""

T = TypeVar("T")


class Unusable(Exception):
    """The index is of another version, or of another line than the ledger: it has to be rebuilt."""


_SPOILT = (DBAPIError, Unusable, msgspec.MsgspecError, UnicodeDecodeError)


class Index:
    """The listing of one store. Safe to use from several threads."""

    def __init__(self, layout: Layout, ledger: Ledger, manifests: Manifests) -> None:
        self._path = layout.index
        self._layout = layout
        self._ledger = ledger
        self._manifests = manifests
        self._reader = _kept_engine(self._path, "ro", "BEGIN")
        self._writer = _kept_engine(self._path, "rw", "BEGIN IMMEDIATE")
        self._memory: Engine | None = None
        self._guard = threading.RLock()

    def ask(self, question: Callable[[Connection], T], *, locked: bool = False) -> T:
        """The answer to ``question`` as of now. ``locked``: the caller holds the ledger's lock.

        Raises ``Damaged``, ``Missing`` or ``StoreError`` when the index is behind and the ledger is broken.
        """
        with contextlib.suppress(*_SPOILT), self._reader.begin() as connection:
            # The index's head is read first: HEAD can only be ahead of it.
            found = tables.states(connection)
            if found.get("version") == tables.VERSION and found.get("head") == self._ledger.head():
                return question(connection)
        try:
            with contextlib.nullcontext() if locked else self._ledger.lock():
                self._bring_up()
                with contextlib.suppress(*_SPOILT), self._reader.begin() as connection:
                    return question(connection)
                self._rebuild(lost=None)
                with self._reader.begin() as connection:
                    return question(connection)
        except (NotWritable, OSError, *_SPOILT):
            return self._ask_memory(question)

    def follow(self) -> None:
        """Takes up what was appended. The caller holds the ledger's lock. A failure is left to the next
        :meth:`ask`: the ledger has it already."""
        with contextlib.suppress(OSError, MlgovError, *_SPOILT):
            self._bring_up()

    def rebuild(self) -> int:
        """Makes the index anew from the ledger; the number of snapshots. The old one is kept until the new
        one is complete. Raises ``NotWritable``, and as :meth:`ask`."""
        with self._ledger.lock(), files.writing(self._layout.folder):
            try:
                count = self._rebuild(lost=None)
                self._ledger.accept(self._ledger.head())
                return count
            except DBAPIError as error:
                raise NotWritable(
                    f"the index {self._path} cannot be written ({error.orig}): make room on that disk, "
                    "or make the folder writable, and run it again"
                ) from error

    def on_disk(self) -> tables.Dump | None:
        """The file as it is now, or None when it is absent or cannot be read."""
        try:
            with self._reader.begin() as connection:
                return tables.dump(connection) if _version_fits(connection) else None
        except _SPOILT:
            return None

    def from_ledger(self) -> tables.Dump:
        """What the file should hold. Raises as :meth:`ask`."""
        engine = self._fresh()
        try:
            with engine.begin() as connection:
                return tables.dump(connection)
        finally:
            engine.dispose()

    def _bring_up(self) -> None:
        lost = None
        try:
            with self._writer.begin() as connection:
                found = tables.states(connection)
                if found.get("version") != tables.VERSION:
                    raise Unusable
                lost = found.get("lost") or found.get("head")
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
                self._extend(connection)
                if lost and not tables.has_entry(connection, lost):
                    tables.set_state(connection, "lost", lost)
                count = tables.count(connection)
            # A journal that was left by a killed writer of the old file must not be played into the new one.
            files.drop(Path(f"{self._path}-journal"))
            files.replace(path, self._path)
            return count
        finally:
            files.drop(path)
            files.drop(journal)

    def _extend(self, connection: Connection) -> None:
        """Adds the rows between the index's head and HEAD. Raises ``Unusable`` when the
        ledger no longer leads to the index's head."""
        known = tables.states(connection).get("head")
        head = self._ledger.head()
        if head == known:
            return
        if known and not self._leads(head, known):
            raise Unusable
        found = self._ledger.since(head, lambda name: bool(known) and tables.has_entry(connection, name))
        lines = (
            tables.Line(name, entry, imported, self._summary(entry))
            for name, entry, imported in with_origin(found)
        )
        while made := list(itertools.islice(lines, _BATCH)):
            tables.add(connection, made)
        if head:
            tables.set_state(connection, "head", head)

    def _leads(self, head: str | None, known: str) -> bool:
        """Whether the first parents from ``head`` lead to ``known``: then the rows that are there come first
        in a rebuilt index too."""
        while head and head != known:
            parents = self._ledger.read(head).parents
            head = parents[0] if parents else None
        return head == known

    def _summary(self, entry: Entry) -> tables.Summary | None:
        if entry.kind not in ("snapshot", "candidate"):
            return None
        try:
            return decoded(self._manifests.get(entry.subject), tables.Summary)
        except (Missing, Damaged, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _fresh(self) -> Engine:
        """A new index in memory, built from the ledger alone."""
        engine = _in_memory()
        with engine.begin() as connection:
            tables.create(connection)
            self._extend(connection)
        return engine

    def _copied(self) -> Engine | None:
        """The file's rows in memory and those since: a store that may only be read has not to be read whole because its
        index is behind. None where the file is of no use."""
        engine = _in_memory()
        try:
            with contextlib.closing(
                sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)
            ) as source:
                copy = engine.raw_connection().driver_connection
                assert isinstance(copy, sqlite3.Connection)
                source.backup(copy)
            with engine.begin() as connection:
                if not _version_fits(connection):
                    raise Unusable
                self._extend(connection)
        except (OSError, sqlite3.Error, *_SPOILT):
            engine.dispose()
            return None
        return engine

    def _ask_memory(self, question: Callable[[Connection], T]) -> T:
        with self._guard:
            if self._memory is None:
                self._memory = self._copied() or self._fresh()
            try:
                with self._memory.begin() as connection:
                    self._extend(connection)
            except Unusable:
                self._memory = self._fresh()
            with self._memory.begin() as connection:
                return question(connection)


def _in_memory() -> Engine:
    return create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}, hide_parameters=True
    )


def _version_fits(connection: Connection) -> bool:
    return tables.states(connection).get("version") == tables.VERSION


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
                connection.execute(f"PRAGMA page_size={_PAGE}")
                connection.execute("PRAGMA journal_mode=TRUNCATE")
                connection.execute("PRAGMA synchronous=FULL")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


@functools.lru_cache(maxsize=64)
def _kept_engine(path: Path, mode: str, begin: str) -> Engine:
    """One engine for all stores of a folder in this process: it keeps no connection, but compiled statements, and a
    session opens its store anew for every snapshot."""
    return _engine(path, mode=mode, begin=begin)


@contextlib.contextmanager
def _closing_on_failure(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise
