"""Outcomes: what really happened, joined with the predictions that were made of it.

Each file that is added is kept as one Parquet file beside the log, whole or not at all, after every row of it was
found to answer exactly one logged prediction that had no outcome yet.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from jupyter_mlgov.errors import NotFound, StoreError, UsageError
from jupyter_mlgov.operate import predictions
from jupyter_mlgov.store import files
from jupyter_mlgov.store.lock import HeldByAnother, exclusive

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "outcomes"
LOCK_S = 60.0


class Added(Struct, frozen=True, kw_only=True):
    """What an addition did: ``rows`` outcomes, and of how many logged rows the outcome is known now."""

    rows: int
    known: int
    logged: int


def add(folder: Path, file: Path) -> Added:
    """Adds the outcomes of a CSV or Parquet file with the columns ``request_id``, ``outcome`` and, for requests of
    several rows, ``row`` (from 0).

    Raises ``NotFound`` (no file, no log), ``UsageError`` (columns, missing values, ids that are unknown or there twice
    or already have an outcome); then nothing is added.
    """
    given = _given(file)
    with _lock(folder):
        logged = _logged(folder)
        known = _keys(read(folder))
        keys = _keyed(given, logged, file)
        _refuse("is in it twice", _twice(keys), file)
        _refuse("is of no logged prediction", [key for key in keys if key not in logged], file)
        _refuse("has been added before", [key for key in keys if key in known], file)
        _keep(folder, keys, given)
    return Added(rows=len(keys), known=len(known) + len(keys), logged=len(logged))


def read(folder: Path) -> pa.Table:
    """Every outcome that was added: ``request_id``, ``row``, ``outcome``, ``outcome_at`` (when it was added)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = folder / FOLDER
    schema = pa.schema(
        [("request_id", pa.string()), ("row", pa.int32()), ("outcome_at", pa.timestamp("us", tz="UTC"))]
    )
    tables = [schema.empty_table()]
    tables += [pq.read_table(path) for path in sorted(place.glob("[!.]*.parquet"))] if place.is_dir() else []
    kinds = {
        field.type for table in tables if table.num_rows for field in table.schema if field.name == "outcome"
    }
    common = predictions.common_type(kinds) if kinds else pa.float64()
    made = []
    for table in tables:
        values = table["outcome"].cast(common) if table.num_rows else pa.array([], common)
        made.append(table.select(schema.names).cast(schema).append_column("outcome", values))
    return pa.concat_tables(made)


def joined(table: pa.Table, folder: Path) -> pa.Table:
    """A table of predictions with the columns ``outcome`` and ``outcome_at``, null where nothing is known yet."""
    order = [("at", "ascending"), ("request_id", "ascending"), ("row", "ascending")]
    whole = table.join(read(folder), ["request_id", "row"], join_type="left outer").sort_by(order)
    return whole.replace_schema_metadata(table.schema.metadata)


def _given(file: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    if not file.is_file():
        raise NotFound(f"there is no file {file}: check the path")
    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            table = pq.read_table(file)
        else:
            options = pyarrow.csv.ConvertOptions(column_types={"request_id": pa.string()})
            table = pyarrow.csv.read_csv(file, convert_options=options)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{file} is no CSV and no Parquet file: {error}") from error
    for name in ("request_id", "outcome"):
        if name not in table.schema.names:
            has = ", ".join(table.schema.names[:8])
            raise UsageError(
                f"{file} has no column {name!r} (it has {has}): name it request_id, outcome and row"
            )
        if not table.num_rows:
            raise UsageError(f"{file} has no row: there is no outcome in it to add")
        if table[name].null_count:
            raise UsageError(
                f"{file}: {table[name].null_count} rows have no {name}: leave them out, or fill them in"
            )
    return table


def _keyed(given: pa.Table, logged: dict[tuple[str, int], int], file: Path) -> list[tuple[str, int]]:
    ids = [str(value) for value in given["request_id"].to_pylist()]
    if "row" in given.schema.names:
        try:
            return [(name, _whole(row)) for name, row in zip(ids, given["row"].to_pylist(), strict=True)]
        except (TypeError, ValueError, OverflowError) as error:
            raise UsageError(
                f"{file}: the column row holds what is no whole number: count rows from 0"
            ) from error
    several = [name for name in dict.fromkeys(ids) if (name, 1) in logged]
    if several:
        raise UsageError(
            f"{file}: request {several[0]} had several rows: add a column row that says which one is meant, from 0"
        )
    return [(name, 0) for name in ids]


def _whole(row: Any) -> int:
    """A row's number: 1, 1.0 (a column with gaps is one of floats) or "1". Raises ``ValueError`` for 0.7, ``TypeError``."""
    number = int(row)
    if isinstance(row, bool) or (isinstance(row, float) and number != row):
        raise ValueError(row)
    return number


def _logged(folder: Path) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for model, stage in predictions.logged(folder):
        found |= _keys(predictions.read(folder, model, stage))
    if not found:
        raise NotFound(f"no prediction is logged in {folder}: outcomes belong to predictions, so serve first")
    return found


def _keys(table: pa.Table) -> dict[tuple[str, int], int]:
    pairs = zip(table["request_id"].to_pylist(), table["row"].to_pylist(), strict=True)
    return {(name, row): place for place, (name, row) in enumerate(pairs)}


def _twice(keys: list[tuple[str, int]]) -> list[tuple[str, int]]:
    seen: set[tuple[str, int]] = set()
    return [key for key in keys if key in seen or seen.add(key)]  # type: ignore[func-returns-value]


def _refuse(what: str, keys: list[tuple[str, int]], file: Path) -> None:
    if keys:
        name, row = keys[0]
        more = f", and so of {len(keys) - 1} more" if len(keys) > 1 else ""
        where = f" row {row}" if any(row for _, row in keys) else ""
        raise UsageError(
            f"{file}: the outcome of request {name[:80]}{where} {what}{more}: nothing was added, correct the file"
        )


def _keep(folder: Path, keys: list[tuple[str, int]], given: pa.Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = folder / FOLDER
    now = datetime.now(UTC)
    columns: dict[str, Any] = {
        "request_id": pa.array([name for name, _ in keys], pa.string()),
        "row": pa.array([row for _, row in keys], pa.int32()),
        "outcome": given["outcome"].combine_chunks(),
        "outcome_at": pa.array([now] * len(keys), pa.timestamp("us", tz="UTC")),
    }
    name = f"{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(3)}.parquet"
    temporary = place / f".{name}"
    with files.writing(folder):
        pq.write_table(pa.table(columns), temporary, compression="zstd")
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(place / name)
        files.flush([place])


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with files.writing(folder):
        files.make_folder(folder / FOLDER)
    try:
        with exclusive(folder / FOLDER / ".lock", seconds=LOCK_S):
            yield
    except HeldByAnother as error:
        raise StoreError(
            f"another process adds outcomes to {folder}: wait for it, then run it again"
        ) from error
