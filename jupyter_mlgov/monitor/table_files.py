"""New rows written into a table file as it is: in its own format, with its own separators, order of columns and types.

Recorded rows stay byte for byte what they were in text formats; in Parquet and Arrow they keep their values and types.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.hashing.table_files import delimiter_of, encoding_of, table_suffix

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes, ".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress
}  # fmt: skip
_PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes, ".gz": lambda data: gzip.compress(data, mtime=0), ".bz2": bz2.compress, ".xz": lzma.compress
}  # fmt: skip


def unpacked(data: bytes, uri: str) -> bytes:
    """The file ``uri`` as it is without compression. Raises ``UsageError`` for bytes that are not what its name says."""
    packing = f".{(table_suffix(uri) or '').lstrip('.').partition('.')[2]}".rstrip(".")
    try:
        return _UNPACK.get(packing, bytes)(data)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise UsageError(
            f"{uri}: the new data are not compressed as its name says: give another file"
        ) from error


def with_rows(data: bytes, uri: str, recorded: pa.Table, rows: pd.DataFrame, *, added: bool) -> bytes:
    """The file ``uri`` with new ``rows``: after the recorded ones, or (not ``added``) in place of them.

    ``data`` is the recorded file, ``recorded`` the table in it, and ``rows`` has its columns, in its order. Raises
    ``UsageError`` for a format that cannot be written, and for values that its columns cannot hold.
    """
    first, _, packed = (table_suffix(uri) or "").lstrip(".").partition(".")
    packing = f".{packed}" if packed else ""
    if packing not in _PACK or first not in (
        "csv",
        "tsv",
        "jsonl",
        "ndjson",
        "parquet",
        "pq",
        "feather",
        "arrow",
        "ipc",
    ):
        raise UsageError(
            f"{uri}: rows cannot be written into a file of that kind: give a whole one with --data FILE --replace"
        )
    plain = _UNPACK[packing](data)
    if first in ("csv", "tsv"):
        made = _csv(plain, "\t" if first == "tsv" else ",", recorded, rows, added)
    elif first in ("jsonl", "ndjson"):
        made = _lines(plain, recorded, rows, added)
    else:
        made = _arrow(first, recorded, rows, added, uri)
    return _PACK[packing](made)


def _csv(data: bytes, usual: str, recorded: pa.Table, rows: pd.DataFrame, added: bool) -> bytes:
    head = data[: 1 << 20]
    encoding = encoding_of(head)
    delimiter = delimiter_of(head.decode(encoding, "replace"), usual)
    ending = "\r\n" if b"\r\n" in head else "\n"
    text = data.decode(encoding)
    if not added:
        text = _first_record(text)
    if text and not text.endswith("\n"):
        text += ending
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=ending)
    writer.writerows(_records(recorded, rows, _text))
    return (text + out.getvalue()).encode(encoding)


def _first_record(text: str) -> str:
    """The line of names, also where a name holds a line's end."""
    reader = csv.reader(io.StringIO(text, newline=""))
    next(reader)
    return "".join(text.splitlines(keepends=True)[: reader.line_num])


def _lines(data: bytes, recorded: pa.Table, rows: pd.DataFrame, added: bool) -> bytes:
    names = recorded.column_names
    lines = [
        json.dumps(dict(zip(names, record, strict=True)), ensure_ascii=False)
        for record in _records(recorded, rows, lambda value: value)
    ]
    before = data if added else b""
    if before and not before.endswith(b"\n"):
        before += b"\n"
    return before + "".join(f"{line}\n" for line in lines).encode()


def _records(recorded: pa.Table, rows: pd.DataFrame, form: Callable[[Any], Any]) -> list[tuple[Any, ...]]:
    import pyarrow as pa

    columns = []
    for field in recorded.schema:
        whole = pa.types.is_integer(field.type)
        columns.append([form(_cell(value, whole)) for value in rows[field.name].tolist()])
    return list(zip(*columns, strict=True))


def _cell(value: Any, whole: bool) -> Any:
    """One value as it stands in the file: no NaN, and 1 rather than 1.0 in a column of whole numbers."""
    import pandas as pd

    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    if whole and isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, bool | int | float | str) else str(value)


def _text(value: Any) -> Any:
    return "" if value is None else value


def _arrow(kind: str, recorded: pa.Table, rows: pd.DataFrame, added: bool, uri: str) -> bytes:
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet as pq

    try:
        new = pa.Table.from_pandas(rows, schema=recorded.schema.remove_metadata(), preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        said = " ".join(str(error).split())[:150]
        raise UsageError(f"the new rows do not fit the columns of {uri} ({said}): correct them") from error
    new = new.replace_schema_metadata(recorded.schema.metadata)
    whole = pa.concat_tables([recorded, new]) if added else new
    out = pa.BufferOutputStream()
    if kind in ("parquet", "pq"):
        pq.write_table(whole, out)
    elif kind == "feather":
        pyarrow.feather.write_feather(whole, out)
    else:
        with pa.ipc.new_file(out, whole.schema) as writer:
            writer.write_table(whole)
    result: bytes = out.getvalue().to_pybytes()
    return result
