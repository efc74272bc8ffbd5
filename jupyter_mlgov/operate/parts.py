"""Parts: the prediction log as it is kept, Parquet files with one row for each predicted row.

A segment that nobody writes any more is rolled into a part of the same name: the part is written whole and flushed
before the segment goes, so at every moment each prediction is in at least one of them, and where both are there the
part counts. Pieces of lines are put aside in a ``.torn`` file.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.operate import segments
from jupyter_mlgov.operate.segments import SUFFIX, Answered, Header
from jupyter_mlgov.store import files

if TYPE_CHECKING:
    import pyarrow as pa

PART = ".parquet"
TORN = ".torn"
INPUT, OUTPUT = "input.", "output."
TYPES = ("double", "int64", "bool", "string", "timestamp")
"""Types of columns. A ``timestamp`` is written in microseconds since 1970 UTC."""
_META = b"mlgov.predictions"


def base_fields() -> list[pa.Field]:
    """The columns that every part has."""
    import pyarrow as pa

    return [
        pa.field("request_id", pa.string(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),
        pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        pa.field("snapshot", pa.string(), nullable=False),
        pa.field("latency_s", pa.float64(), nullable=False),
        pa.field("client_id", pa.string()),
        pa.field("explanation", pa.string()),
    ]


def table(header: Header, answered: Sequence[Answered]) -> pa.Table:
    """Requests as a table: one row for each row that was predicted."""
    import pyarrow as pa

    repeat = [one for one in answered for _ in range(one.rows)]
    count = len(repeat)
    columns: dict[str, Any] = {
        "request_id": [one.id for one in repeat],
        "row": [row for one in answered for row in range(one.rows)],
        "at": [one.at for one in repeat],
        "model": [header.model] * count,
        "stage": [header.stage] * count,
        "version": [header.version] * count,
        "snapshot": [header.snapshot] * count,
        "latency_s": [one.latency for one in repeat],
        "client_id": [one.client for one in repeat],
        "explanation": [text for one in answered for text in _explained(one)],
    }
    fields = base_fields()
    arrays = [pa.array(columns[field.name], type=field.type) for field in fields]
    for prefix, named, part in (
        (INPUT, header.inputs, "inputs"),
        (OUTPUT, header.outputs, "outputs"),
    ):
        promised = dict(named)
        rest = {name: None for one in answered for name in getattr(one, part) if name not in promised}
        for name, kind in (*named, *rest.items()):
            values = [
                value for one in answered for value in getattr(one, part).get(name) or [None] * one.rows
            ]
            array = _array(values, kind)
            fields.append(pa.field(prefix + name, array.type))
            arrays.append(array)
    meta = {"schema": segments.SCHEMA, "withheld": list(header.withheld)}
    return pa.table(arrays, schema=pa.schema(fields, metadata={_META: json.dumps(meta)}))


def _explained(one: Answered) -> Iterable[str | None]:
    if one.explanation is None:
        return [None] * one.rows
    return [json.dumps(row) for row in one.explanation]


def _array(values: list[Any], kind: str | None) -> pa.Array:
    """Values of one column; as text where they are not of the type that the header promises. A column that no header
    promised has the type of its values."""
    import pyarrow as pa

    types = {
        "double": pa.float64(),
        "int64": pa.int64(),
        "bool": pa.bool_(),
        "string": pa.string(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    try:
        if kind == "double":  # whole numbers past 2 ** 53 are numbers too
            values = [float(value) if type(value) is int else value for value in values]
        return pa.array(values, type=types.get(kind, pa.string()) if kind is not None else None)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], type=pa.string())


def roll(path: Path) -> Path | None:
    """Makes the part of a segment that nobody writes, and removes the segment: the part's path, or None where there was
    nothing to keep or somebody still writes. Raises ``OSError``, ``StoreError`` (a newer version's)."""
    import pyarrow.parquet as pq

    try:
        with segments.unowned(path) as free:
            if not free:
                return None
            found = segments.read(path)
            part = path.with_suffix(PART)
            made = None
            if found.torn:
                _write(path.with_suffix(TORN), found.torn)
            if found.header is not None and found.answered:
                if not part.exists():
                    temporary = path.with_name(f".{path.stem}.{os.getpid()}.new")
                    pq.write_table(table(found.header, found.answered), temporary, compression="zstd")
                    _place(temporary, part)
                made = part
            path.unlink()
            return made
    except FileNotFoundError:  # another process was quicker
        return None


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.write_bytes(data)
    _place(temporary, path)


def _place(temporary: Path, path: Path) -> None:
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    files.flush([path.parent])


def roll_all(folder: Path) -> list[Path]:
    """Rolls every segment of ``folder`` that nobody writes any more; the parts that were made."""
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        part = roll(path)
        if part is not None:
            found.append(part)
    return found


def expire(folder: Path, before: datetime) -> list[Path]:
    """Deletes the parts of ``folder`` whose last prediction was made before ``before``; their paths."""
    import pyarrow.parquet as pq

    gone = []
    for path in sorted(folder.glob(f"*{PART}")):
        with contextlib.suppress(FileNotFoundError):
            meta = pq.read_metadata(path)
            place = meta.schema.names.index("at")
            last = [meta.row_group(group).column(place).statistics for group in range(meta.num_row_groups)]
            if all(one is not None and one.has_min_max and one.max < before for one in last):
                path.unlink()
                path.with_suffix(TORN).unlink(missing_ok=True)
                gone.append(path)
    return gone


def version_of(schema: pa.Schema) -> int:
    """The version of the log that a part's schema is of."""
    meta = (schema.metadata or {}).get(_META)
    return int(json.loads(meta)["schema"]) if meta else 1
