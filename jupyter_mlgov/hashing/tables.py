"""Files that hold a table: their rows, and one digest for each column.

A digest says what is in the table, not how the file spells it: a Parquet file that is written again with equal
content has the same columns. A file that is no table, or that cannot be parsed as one, has none, and that is no
error. A file of any size is described in bounded memory.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec import Struct

from jupyter_mlgov.hashing.arrow import column_hasher, type_label
from jupyter_mlgov.hashing.digest import Limits, Unhashable, combine, named
from jupyter_mlgov.hashing.table_differences import TableDifference, compare_tables
from jupyter_mlgov.hashing.table_files import Batches, Source, read_attempts, table_suffix
from jupyter_mlgov.records.manifest import Column

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Table", "TableDifference", "compare_tables", "describe_table", "read_table", "table_from_bytes"]


class Table(Struct, frozen=True):
    """Rows and columns of a table file. A column's ``dtype`` is Arrow's name for its type."""

    rows: int
    columns: tuple[Column, ...]


def describe_table(path: str | bytes | os.PathLike[str], *, limits: Limits | None = None) -> Table | None:
    """Rows and columns of the table at ``path``; None when it holds none that can be read.

    CSV and TSV (also ``;`` and ``|``), JSON lines and records, Parquet, ORC, Arrow and Feather, Excel where openpyxl is
    installed; text formats also in gz, bz2, xz, zip and zst. Raises ``OSError`` when the file cannot be read, and
    ``Unhashable`` when ``limits`` are passed.
    """
    name = os.fsdecode(path)
    suffix = table_suffix(name)
    if suffix is None:
        return None
    limits = limits or Limits()
    with open(name, "rb"):  # noqa: PTH123 - what cannot be opened is no matter of content
        pass
    failure: Exception | None = None
    try:
        for attempt in read_attempts(name, suffix):
            try:
                return _described(attempt, limits)
            except Unhashable:
                raise
            except Exception as error:  # noqa: BLE001 - the next attempt, if there is one, may do better
                failure = error
    except Unhashable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a parser says about untrusted bytes: it is no table
        failure = error
    del failure
    return None


def read_table(path: str | os.PathLike[str]) -> pa.Table | None:
    """The whole table at ``path``, or None when it holds none that can be read."""
    return _whole(os.fspath(path), os.fspath(path))


def table_from_bytes(data: bytes, suffix: str) -> pa.Table | None:
    """The same for a file's bytes; ``suffix`` is its name or the end of it (``.csv``, ``.csv.gz``)."""
    return _whole(data, "x" + suffix if suffix.startswith(".") else suffix)


def _whole(source: Source, name: str) -> pa.Table | None:
    import pyarrow as pa

    suffix = table_suffix(name)
    if suffix is None:
        return None
    try:
        for attempt in read_attempts(source, suffix):
            try:
                return pa.Table.from_batches(attempt.batches, attempt.schema)
            except Exception:  # noqa: BLE001, S112 - as above
                continue
    except Exception:  # noqa: BLE001
        return None
    return None


def _described(table: Batches, limits: Limits) -> Table:
    hashers = [column_hasher(field.type, limits, size=1 << 24) for field in table.schema]
    rows = 0
    for batch in table.batches:
        limits.spend()
        rows += batch.num_rows
        for column, values in zip(hashers, batch.columns, strict=True):
            column.update(values)
    return Table(
        rows,
        tuple(
            Column(
                name=field.name,
                dtype=type_label(field.type),
                digest=named(combine("arrow", type_label(field.type), column.digest())),
            )
            for field, column in zip(table.schema, hashers, strict=True)
        ),
    )
