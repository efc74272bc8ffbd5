"""Readers of table files: every format becomes Arrow batches, read a piece at a time.

What the file says counts, not what a reader would make of it: timestamps in a text file stay text and an empty
string stays empty. Types of text columns are found over the whole file, so a large file, which is streamed, has
the same types as it would have if it were read at once. Nothing is mapped into memory and nothing is executed.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import importlib.util
import io
import json
import lzma
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE = 1 << 28
"""Bytes of text up to which a file is parsed at once."""
UNPACKED = 1 << 26
"""Bytes up to which a compressed file is unpacked once, and not again for each look at it."""
STREAM_BLOCK = 1 << 25
"""Bytes of text that are parsed at a time where a file is streamed. No row may be longer."""
JSON_LIMIT = 1 << 26
"""Bytes past which a JSON document is not parsed: it cannot be streamed, and takes ten times as much memory."""
WORKBOOK_LIMIT = 1 << 28
"""The same for a workbook."""
CELL_LIMIT = 5_000_000
BATCH = 1 << 17

Source = str | bytes
"""A path, or a file's bytes."""


class NoTable(Exception):
    """The file holds no table that can be read."""


class Batches(Struct, frozen=True):
    """A schema and an iterator of record batches that have it. Iterating raises whatever the parser raises."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


def table_suffix(name: str) -> str | None:
    """``.csv``, ``.csv.gz``, ... for a file name that may hold a table, else None. ``.zip`` may hold anything."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes[-2:]]
    if not suffixes:
        return None
    if suffixes[-1][1:] in _READERS:
        return suffixes[-1]
    if len(suffixes) == 2 and suffixes[-1] in _PACKED and suffixes[0][1:] in _READERS:
        return "".join(suffixes)
    return ".zip" if suffixes[-1] == ".zip" else None


def read_attempts(source: Source, suffix: str) -> Iterator[Batches]:
    """The table in ``source``, again for every guess about its types that proved wrong.

    Take the first; ask for the next when iterating its batches fails. Raises ``NoTable`` and parsers' errors.
    """
    kind, packed = _kind(source, suffix)
    file = _Bytes(source, packed)
    if packed:
        data = file.head(UNPACKED + 1)
        if len(data) <= UNPACKED:
            file = _Bytes(data, "")
        del data
    yield from _READERS[kind](file, kind)


def _kind(source: Source, suffix: str) -> tuple[str, str]:
    """``("csv", ".gz")`` for ``.csv.gz``; looks into a ``.zip`` for the name of its only member."""
    *first, last = suffix.lstrip(".").split(".")
    if first:
        return first[0], "." + last
    if last != "zip":
        return last, ""
    with zipfile.ZipFile(_raw(source)) as archive:
        inner = table_suffix(_only_member(archive))
    if inner is None or inner.count(".") > 1 or inner == ".zip":
        raise NoTable
    return inner[1:], ".zip"


def _only_member(archive: zipfile.ZipFile) -> str:
    names = [
        name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")
    ]
    if len(names) != 1:
        raise NoTable
    return names[0]


def _raw(source: Source) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")  # noqa: PTH123


class _Bytes(Struct, frozen=True):
    """A file's bytes, unpacked, as often as they are asked for."""

    source: Source
    packed: str

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        with _raw(self.source) as raw:
            if not self.packed:
                yield raw
            else:
                with _PACKED[self.packed](raw) as file:
                    yield file

    def head(self, count: int) -> bytes:
        with self.open() as file:
            return file.read(count)

    def whole(self, limit: int) -> bytes:
        """All of it. Raises ``NoTable`` past ``limit``."""
        if not self.packed and isinstance(self.source, bytes):
            return self.source
        data = self.head(limit + 1)
        if len(data) > limit:
            raise NoTable
        return data

    def is_large(self) -> bool:
        """Whether there are more than ``WHOLE`` bytes."""
        if not self.packed:
            size = len(self.source) if isinstance(self.source, bytes) else os.stat(self.source).st_size  # noqa: PTH116
            return size > WHOLE
        with self.open() as file:
            left = WHOLE
            while left >= 0 and (piece := file.read(1 << 20)):
                left -= len(piece)
        return left < 0


def _unzipped(raw: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(raw)
    return archive.open(_only_member(archive))


def _unzstd(raw: IO[bytes]) -> IO[bytes]:
    import zstandard

    return zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)


_PACKED: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": gzip.open,  # type: ignore[dict-item]
    ".bz2": bz2.BZ2File, ".xz": lzma.LZMAFile, ".zip": _unzipped, ".zst": _unzstd,
}  # fmt: skip


def _of_table(table: pa.Table) -> Batches:
    return Batches(table.schema, iter(table.to_batches(max_chunksize=BATCH)))


# -- text ------------------------------------------------------------------------------------------------------

_TYPES = ("null", "int64", "bool", "date32[day]", "time32[s]", "double", "string", "binary")
"""The types that Arrow tries for a text column, in this order."""
_WRONG = re.compile(r"In CSV column #(\d+): .*?conversion error to ([^:]+): ")


def _csv(file: _Bytes, kind: str) -> Iterator[Batches]:
    from pyarrow import csv

    head = file.head(1 << 20)
    if not head.strip():
        raise NoTable
    encoding = encoding_of(head)
    delimiter = delimiter_of(head.decode(encoding, "replace"), "\t" if kind == "tsv" else ",")
    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    large = file.is_large()
    read = csv.ReadOptions(encoding=encoding, block_size=STREAM_BLOCK if large else None)
    if not large:
        convert = csv.ConvertOptions(timestamp_parsers=[], strings_can_be_null=False)
        with file.open() as stream:
            yield _of_table(
                csv.read_csv(stream, read_options=read, parse_options=parse, convert_options=convert)
            )
        return
    types: dict[str, str] = {}
    while True:
        convert = csv.ConvertOptions(timestamp_parsers=[], strings_can_be_null=False, column_types=types)
        with file.open() as stream:
            names, schema = _names(file, encoding, parse), None
            try:
                reader = csv.open_csv(stream, read_options=read, parse_options=parse, convert_options=convert)
                schema = reader.schema
                failure: list[Exception] = []
                yield Batches(schema, _watched(reader, failure))
                if not failure:
                    return
                error = failure[0]
            except ValueError as found:
                error = found
        _correct(types, names, schema, error)


def _watched(reader: Any, failure: list[Exception]) -> Iterator[pa.RecordBatch]:
    try:
        yield from reader
    except ValueError as error:
        failure.append(error)
        raise


def _names(file: _Bytes, encoding: str, parse: Any) -> list[str]:
    from pyarrow import csv

    with file.open() as stream:
        line = stream.readline(1 << 24)
    options = csv.ReadOptions(encoding=encoding)
    return list(csv.read_csv(io.BytesIO(line), read_options=options, parse_options=parse).column_names)


def _correct(types: dict[str, str], names: list[str], schema: pa.Schema | None, error: Exception) -> None:
    """Gives the column that ``error`` names the next type that Arrow would have tried."""
    found = _WRONG.search(str(error))
    if found is None:
        raise error
    name = names[int(found[1])]
    if names.count(name) > 1:
        raise error
    tried = types.get(name) or (str(schema.field(name).type) if schema is not None else found[2])
    place = _TYPES.index(tried) + 1 if tried in _TYPES else len(_TYPES)
    if place >= len(_TYPES):
        raise error
    types[name] = _TYPES[place]


def encoding_of(head: bytes) -> str:
    """The encoding of a text file that starts with ``head``."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        head[: head.rfind(b"\n") + 1 or len(head)].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def delimiter_of(text: str, usual: str) -> str:
    """The separator that the first lines have equally often; ``usual`` when none or several do."""
    lines = [re.sub(r'"[^"]*"', "", line) for line in text.splitlines()[:20]]
    lines = [line for line in lines[: -1 if len(lines) > 1 else None] if line]
    if not lines or usual in lines[0]:
        return usual
    found = [
        mark for mark in ";\t|," if lines[0].count(mark) and len({line.count(mark) for line in lines}) == 1
    ]
    return found[0] if found else usual


# -- JSON ------------------------------------------------------------------------------------------------------


def _json_lines(file: _Bytes, kind: str) -> Iterator[Batches]:
    from pyarrow import json as arrow_json

    read = arrow_json.ReadOptions(block_size=1 << 24)
    if file.is_large() and hasattr(arrow_json, "open_json"):
        with file.open() as stream:
            reader = arrow_json.open_json(stream, read_options=read)
            yield Batches(reader.schema, iter(reader))
    else:
        yield _of_table(arrow_json.read_json(io.BytesIO(file.whole(WHOLE)), read_options=read))


def _json(file: _Bytes, kind: str) -> Iterator[Batches]:
    """A list of records, or several lines of one record each. One object alone is no table."""
    import pyarrow as pa

    start = file.head(1 << 16).lstrip()[:1]
    if start == b"{":
        yield from _json_lines(file, kind) if _is_lines(file) else ()
        raise NoTable
    if start != b"[":
        raise NoTable
    records = json.loads(file.whole(JSON_LIMIT))
    if not records or not all(isinstance(record, dict) for record in records):
        raise NoTable
    yield _of_table(pa.Table.from_struct_array(pa.array(records)))


def _is_lines(file: _Bytes) -> bool:
    with file.open() as stream:
        first, second = stream.readline(1 << 24), stream.readline(1 << 24)
    try:
        return isinstance(json.loads(first), dict) and second.lstrip()[:1] == b"{"
    except ValueError:
        return False


# -- binary ----------------------------------------------------------------------------------------------------


def _parquet(file: _Bytes, kind: str) -> Iterator[Batches]:
    from pyarrow import parquet

    with file.open() as stream, parquet.ParquetFile(stream) as table:
        yield Batches(table.schema_arrow, table.iter_batches(batch_size=BATCH))


def _arrow(file: _Bytes, kind: str) -> Iterator[Batches]:
    import pyarrow as pa

    magic = file.head(6)
    with file.open() as stream:
        if magic == b"ARROW1":
            reader = pa.ipc.open_file(stream)
            yield Batches(
                reader.schema, (reader.get_batch(place) for place in range(reader.num_record_batches))
            )
        else:
            streamed = pa.ipc.open_stream(stream)
            yield Batches(streamed.schema, iter(streamed))


def _orc(file: _Bytes, kind: str) -> Iterator[Batches]:
    from pyarrow import orc

    with file.open() as stream:
        table = orc.ORCFile(stream)
        yield Batches(table.schema, (table.read_stripe(place) for place in range(table.nstripes)))


def _excel(file: _Bytes, kind: str) -> Iterator[Batches]:
    """The first sheet of a workbook, its first row taken for the names. Formulas count as their last value."""
    import pyarrow as pa

    if importlib.util.find_spec("openpyxl") is None:
        raise NoTable
    openpyxl: Any = importlib.import_module("openpyxl")
    data = io.BytesIO(file.whole(WORKBOOK_LIMIT))
    with zipfile.ZipFile(data) as archive:
        if sum(member.file_size for member in archive.infolist()) > 4 * WORKBOOK_LIMIT:
            raise NoTable
    workbook = openpyxl.load_workbook(data, read_only=True, data_only=True)
    rows = workbook.worksheets[0].iter_rows(values_only=True)
    names = [str(name) if name is not None else f"column {place}" for place, name in enumerate(next(rows))]
    columns: list[list[Any]] = [[] for _ in names]
    for count, row in enumerate(rows):
        if count * len(names) > CELL_LIMIT:
            raise NoTable
        for place, values in enumerate(columns):
            values.append(row[place] if place < len(row) else None)
    workbook.close()
    yield _of_table(pa.Table.from_arrays([_typed(values) for values in columns], names=names))


def _typed(values: list[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


_Reader = Callable[[_Bytes, str], Iterator[Batches]]
_READERS: dict[str, _Reader] = {
    "csv": _csv, "tsv": _csv, "parquet": _parquet, "pq": _parquet, "feather": _arrow, "arrow": _arrow,
    "ipc": _arrow, "jsonl": _json_lines, "ndjson": _json_lines, "json": _json, "xlsx": _excel, "orc": _orc, "xlsm": _excel,
}  # fmt: skip
