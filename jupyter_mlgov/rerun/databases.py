"""Two versions of an SQLite file compared table by table.

The files come from the store and are opened in memory, read-only in effect: nothing of them is executed, and
what cannot be read says nothing. A file in WAL mode is opened as one in the other mode: in memory there is no log.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from typing import Any, Literal

from jupyter_mlgov.records.verdict import Cause

LIMIT = 100_000_000
"""Bytes past which a database is compared by its digest only."""
CELLS = 5_000_000
"""Values of one table past which only its rows are counted."""

_MAGIC = b"SQLite format 3\x00"

Found = tuple[Cause, str, tuple[str, ...]]


def is_sqlite(data: bytes) -> bool:
    """True for the bytes of an SQLite file."""
    return data.startswith(_MAGIC) and len(data) <= LIMIT


def compare_databases(before: bytes, after: bytes) -> Found | Literal["equal"] | None:
    """Cause, sentence and columns of the first table that differs; ``equal`` where all hold the same (a database that was
    vacuumed); None where that cannot be told."""
    with (
        contextlib.closing(sqlite3.connect(":memory:")) as one,
        contextlib.closing(sqlite3.connect(":memory:")) as other,
    ):
        try:
            for connection, data in ((one, before), (other, after)):
                connection.deserialize(_without_wal(data))
                connection.text_factory = bytes
            return _compare(one, other)
        except (sqlite3.Error, MemoryError):
            return None


def _without_wal(data: bytes) -> bytes:
    """The file with 1 for 2 as the version of its format, at the bytes 18 and 19 of its header."""
    return data[:18] + b"\x01\x01" + data[20:] if data[18:20] == b"\x02\x02" else data


def _compare(one: sqlite3.Connection, other: sqlite3.Connection) -> Found | Literal["equal"] | None:
    whole = True
    old, new = _tables(one), _tables(other)
    if old != new:
        names = sorted(set(old) ^ set(new)) or [name for name in old if old[name] != new[name]]
        touched = {c for name in names for c in set(old.get(name, ())) ^ set(new.get(name, ()))}
        return (
            "data.schema",
            f"the tables or columns of {', '.join(names[:8])} are others",
            tuple(sorted(touched)),
        )
    for name, columns in old.items():
        counts = [_ask(side, f"SELECT count(*) FROM {_quoted(name)}")[0][0] for side in (one, other)]  # noqa: S608
        if counts[0] != counts[1]:
            return "data.rows", f"the table {name} had {counts[0]} rows and has {counts[1]} now", ()
        if counts[0] * max(len(columns), 1) > CELLS:
            whole = False
            continue
        rows = [_ask(side, f"SELECT * FROM {_quoted(name)}") for side in (one, other)]  # noqa: S608
        if rows[0] == rows[1]:
            whole = whole and all(
                type(a) is type(b) for pair in zip(*rows, strict=True) for a, b in zip(*pair, strict=True)
            )
            continue
        if Counter(rows[0]) == Counter(rows[1]):
            return "data.order", f"the rows of the table {name} are the same, in another order", ()
        changed = {
            column: sum(a[place] != b[place] for a, b in zip(*rows, strict=True))
            for place, column in enumerate(columns)
        }
        others = sorted((c for c in changed if changed[c]), key=lambda c: -changed[c])
        said = ", ".join(f"{c} in {changed[c]} row{'' if changed[c] == 1 else 's'}" for c in others[:8])
        return "data.values", f"the table {name} has other values ({said} of {counts[0]})", tuple(others)
    return "equal" if whole and _rest(one) == _rest(other) else None


def _rest(connection: sqlite3.Connection) -> list[list[tuple[Any, ...]]]:
    """What a database holds besides the rows of its tables: definitions (views too), and its user's numbers."""
    questions = (
        "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name",
        "PRAGMA user_version",
        "PRAGMA application_id",
    )
    return [_ask(connection, question) for question in questions]


def _tables(connection: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    names = [
        row[0].decode("utf-8", "replace")
        for row in _ask(connection, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    ]
    return {
        name: tuple(
            row[1].decode("utf-8", "replace")
            for row in _ask(connection, f"PRAGMA table_info({_quoted(name)})")
        )
        for name in names
    }


def _ask(connection: sqlite3.Connection, question: str) -> list[tuple[Any, ...]]:
    return connection.execute(question).fetchall()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
