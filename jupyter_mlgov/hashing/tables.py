"""Files that hold a table: their rows and one digest a column, and what differs between two versions.

Every format is read by Arrow, so a digest says what is in the table, not how the file spells it: a Parquet
file that is rewritten with equal content has the same columns. A file that is no table, or that cannot be
parsed as one, has none: that is no error.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.hashing.frames import arrow_columns
from jupyter_mlgov.records.manifest import Column

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

JSON_LIMIT = 200_000_000
"""Bytes past which a JSON file is not parsed."""
_PACKED = (".gz", ".bz2", ".xz", ".zip", ".zst")


@dataclass(frozen=True)
class Table:
    """Rows and columns of a table file."""

    rows: int
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class TableDifference:
    """How one version of a table differs from an earlier one.

    ``changed_columns`` counts rows by position and is filled when rows stand for the same thing in both;
    otherwise ``rows_added`` and ``rows_removed`` say how many rows only one of them has. ``reordered``: the same
    rows in another order.
    """

    added_columns: tuple[str, ...] = ()
    removed_columns: tuple[str, ...] = ()
    retyped_columns: tuple[str, ...] = ()
    changed_columns: dict[str, int] = field(default_factory=dict)
    changed_rows: int = 0
    rows_added: int = 0
    rows_removed: int = 0
    reordered: bool = False


def describe_table(path: str | os.PathLike[str]) -> Table | None:
    """Rows and columns of the table at ``path``, or None when it holds none that can be read."""
    table = read_table(path)
    if table is None:
        return None
    try:
        return Table(table.num_rows, arrow_columns(table))
    except Exception:  # noqa: BLE001 - a type without a canonical form: the file's own digest stands
        return None


def read_table(path: str | os.PathLike[str]) -> pa.Table | None:
    """The table at ``path``, or None when it holds none that can be read."""
    suffix = table_suffix(os.fspath(path))
    if suffix is None:
        return None
    try:
        return _READERS[suffix.split(".")[1]](os.fspath(path), suffix)
    except Exception:  # noqa: BLE001 - whatever a parser says about untrusted bytes: then it is no table
        return None


def table_from_bytes(data: bytes, suffix: str) -> pa.Table | None:
    """The same for a file's bytes; ``suffix`` is the end of its name (``.csv``, ``.csv.gz``)."""
    known = table_suffix("x" + suffix if suffix.startswith(".") else suffix)
    if known is None:
        return None
    try:
        return _READERS[known.split(".")[1]](data, known)
    except Exception:  # noqa: BLE001
        return None


def table_suffix(name: str) -> str | None:
    """``.csv``, ``.csv.gz``, ... for a name that may hold a table, else None."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes[-2:]]
    if suffixes and suffixes[-1][1:] in _READERS:
        return suffixes[-1]
    if len(suffixes) == 2 and suffixes[-1] in _PACKED and suffixes[0][1:] in _READERS:
        return "".join(suffixes)
    return None


def _bytes(source: Any, suffix: str) -> bytes:
    if isinstance(source, bytes):
        data = source
    else:
        with open(source, "rb") as file:  # noqa: PTH123
            data = file.read()
    packed = suffix.rpartition(".")[2] if suffix.count(".") == 2 else ""
    if packed == "zip":
        import zipfile

        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            (name,) = archive.namelist()
            return archive.read(name)
    if packed in ("gz", "bz2", "xz"):
        import importlib

        module = importlib.import_module({"gz": "gzip", "bz2": "bz2", "xz": "lzma"}[packed])
        unpacked: bytes = module.decompress(data)
        return unpacked
    if packed == "zst":
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(data).read()
    return data


def _csv(source: Any, suffix: str) -> pa.Table:
    from pyarrow import csv

    delimiter = "\t" if suffix.startswith(".tsv") else ","
    if suffix.count(".") == 1 and not isinstance(source, bytes):
        with open(source, "rb") as file:  # noqa: PTH123
            head = file.readline(100_000)
        whole: Any = source
    else:
        data = _bytes(source, suffix)
        head, whole = data[:100_000].split(b"\n", 1)[0], io.BytesIO(data)
    if delimiter == "," and b"," not in head:
        delimiter = next((other for other in (";", "\t", "|") if other.encode() in head), ",")
    # Timestamps stay text and empty strings stay empty: what the file says counts, not what a reader makes of it.
    convert = csv.ConvertOptions(timestamp_parsers=[], strings_can_be_null=False)
    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    return csv.read_csv(whole, parse_options=parse, convert_options=convert)


def _parquet(source: Any, suffix: str) -> pa.Table:
    from pyarrow import parquet

    return parquet.read_table(io.BytesIO(source) if isinstance(source, bytes) else source, partitioning=None)


def _feather(source: Any, suffix: str) -> pa.Table:
    from pyarrow import feather

    return feather.read_table(io.BytesIO(source) if isinstance(source, bytes) else source, memory_map=False)


def _json_lines(source: Any, suffix: str) -> pa.Table:
    from pyarrow import json as arrow_json

    return arrow_json.read_json(io.BytesIO(_bytes(source, suffix)))


def _json(source: Any, suffix: str) -> pa.Table:
    import pyarrow as pa

    data = _bytes(source, suffix)
    if len(data) > JSON_LIMIT:
        raise ValueError("too large")
    records = json.loads(data)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError("no list of records")
    return pa.Table.from_pylist(records)


def _excel(source: Any, suffix: str) -> pa.Table:
    import pandas as pd
    import pyarrow as pa

    frame = pd.read_excel(io.BytesIO(source) if isinstance(source, bytes) else source, dtype=object)
    frame.columns = [str(name) for name in frame.columns]
    return pa.Table.from_pandas(frame.astype(str), preserve_index=False)


_READERS: dict[str, Any] = {
    "csv": _csv, "tsv": _csv, "parquet": _parquet, "pq": _parquet, "feather": _feather, "arrow": _feather,
    "jsonl": _json_lines, "ndjson": _json_lines, "json": _json, "xlsx": _excel,
}  # fmt: skip


def compare_tables(old: pa.Table, new: pa.Table) -> TableDifference:
    """What ``new`` has that ``old`` has not, and the other way round; cells are compared in common columns."""
    import numpy as np

    old_names, new_names = list(old.column_names), list(new.column_names)
    common = [name for name in dict.fromkeys(old_names) if name in new_names]
    before, after = _row_digests(old, common), _row_digests(new, common)
    both = {
        "added_columns": tuple(name for name in new_names if name not in old_names),
        "removed_columns": tuple(name for name in old_names if name not in new_names),
        "retyped_columns": tuple(n for n in common if old.schema.field(n).type != new.schema.field(n).type),
    }
    changed: dict[str, int] = {}
    only_new, only_old = _surplus(after.whole, before.whole), _surplus(before.whole, after.whole)
    if len(before.whole) == len(after.whole):
        moved = int(np.count_nonzero(before.whole != after.whole))
        if not only_new and moved:
            return TableDifference(**both, reordered=True)
        for name in common:
            count = int(np.count_nonzero(before.columns[name] != after.columns[name]))
            if count:
                changed[name] = count
        if moved <= 2 * only_new:
            return TableDifference(**both, changed_columns=changed, changed_rows=moved)
    return TableDifference(**both, rows_added=only_new, rows_removed=only_old)


@dataclass(frozen=True)
class _Rows:
    whole: np.ndarray[Any, np.dtype[np.uint64]]
    columns: dict[str, np.ndarray[Any, np.dtype[np.uint64]]]


def _row_digests(table: pa.Table, names: list[str]) -> _Rows:
    """64 bits a cell and a row. Numbers of different types with equal values are equal here."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    whole = np.zeros(table.num_rows, dtype=np.uint64)
    columns: dict[str, np.ndarray[Any, np.dtype[np.uint64]]] = {}
    for place, name in enumerate(names):
        column = table.column(name)
        numeric = (
            pa.types.is_integer(column.type)
            or pa.types.is_floating(column.type)
            or pa.types.is_boolean(column.type)
        )
        values = column.cast(pa.float64(), safe=False) if numeric else column
        try:
            series = values.to_pandas()
            cells = pd.util.hash_pandas_object(series, index=False).to_numpy()
        except TypeError:  # lists and structs
            series = pd.Series([str(value) for value in values.to_pylist()], dtype=object)
            cells = pd.util.hash_pandas_object(series, index=False).to_numpy()
        columns[name] = cells
        with np.errstate(over="ignore"):
            whole = whole * np.uint64(1099511628211) + cells * np.uint64(2 * place + 1)
    return _Rows(whole, columns)


def _surplus(one: Any, other: Any) -> int:
    """How many rows of ``one`` have no partner in ``other``, counted with repetition."""
    import numpy as np

    values, counts = np.unique(one, return_counts=True)
    theirs, their_counts = np.unique(other, return_counts=True)
    places = np.searchsorted(theirs, values)
    places[places == len(theirs)] = 0
    matched = (
        np.where(theirs[places] == values, their_counts[places], 0) if len(theirs) else np.zeros_like(counts)
    )
    return int(np.maximum(counts - matched, 0).sum())
