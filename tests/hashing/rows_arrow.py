"""The rows of the digest table for pyarrow and polars."""

from __future__ import annotations

import datetime as dt
import io
import math
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from hypothesis import assume
from hypothesis import strategies as st
from pyarrow import feather, parquet

from tests.hashing.digest_table import Pair, changes, nothing
from tests.hashing.strategies import FLOATS, TEXTS, key

ARROW, POLARS = "pyarrow", "polars"
LONGER = TEXTS | st.text("abc", min_size=13, max_size=20)
SMALL = st.integers(-9, 9) | st.none()
WEEKS = st.timedeltas(dt.timedelta(weeks=-9999), dt.timedelta(weeks=9999))
TYPES: dict[Any, st.SearchStrategy[Any]] = {
    pa.int64(): SMALL, pa.uint8(): st.integers(0, 9) | st.none(), pa.float64(): FLOATS | st.none(),
    pa.float16(): st.floats(width=16) | st.none(), pa.bool_(): st.booleans() | st.none(),
    pa.string(): TEXTS | st.none(), pa.large_string(): TEXTS | st.none(), pa.binary(): st.binary(max_size=3) | st.none(),
    pa.string_view(): LONGER | st.none(), pa.binary(3): st.binary(min_size=3, max_size=3) | st.none(),
    pa.date32(): st.dates() | st.none(), pa.timestamp("us", "UTC"): st.integers(0, 10**9) | st.none(),
    pa.decimal128(9, 2): st.decimals(-100, 100, places=2) | st.none(), pa.null(): st.none(),
    pa.list_(pa.int64()): st.lists(SMALL, max_size=3) | st.none(),
    pa.large_list(pa.string()): st.lists(TEXTS | st.none(), max_size=3) | st.none(),
    pa.list_(pa.int8(), 2): st.lists(st.integers(0, 9), min_size=2, max_size=2) | st.none(),
    pa.struct([("a", pa.int64()), ("b", pa.string())]):
        st.fixed_dictionaries({"a": SMALL, "b": TEXTS | st.none()}) | st.none(),
    pa.map_(pa.string(), pa.int64()): st.dictionaries(TEXTS, SMALL, max_size=2).map(lambda d: list(d.items())) | st.none(),
    pa.list_(pa.list_(pa.float64())): st.lists(st.lists(st.floats(0, 1), max_size=2) | st.none(), max_size=2) | st.none(),
}  # fmt: skip
POLARS_TYPES: dict[Any, st.SearchStrategy[Any]] = {
    pl.Int64: SMALL, pl.Float64: FLOATS | st.none(), pl.String: LONGER | st.none(),
    pl.Boolean: st.booleans() | st.none(), pl.Categorical: st.sampled_from("abc") | st.none(),
    pl.Enum(["a", "b", "c"]): st.sampled_from("abc") | st.none(), pl.Date: st.dates() | st.none(),
    pl.List(pl.Int64): st.lists(SMALL, max_size=3) | st.none(), pl.Binary: st.binary(max_size=3) | st.none(),
    pl.Struct({"a": pl.Int64}): st.fixed_dictionaries({"a": SMALL}), pl.Object: st.none() | st.integers(0, 5) | TEXTS,
    pl.Datetime("us", "UTC"): st.datetimes() | st.none(), pl.Duration: WEEKS | st.none(), pl.Null: st.none(),
}  # fmt: skip


@st.composite
def columns(
    draw: st.DrawFn, types: dict[Any, st.SearchStrategy[Any]], min_rows: int = 0
) -> tuple[Any, list[Any]]:
    """A type and values of it."""
    kind = draw(st.sampled_from(list(types)))
    return kind, draw(st.lists(types[kind], min_size=min_rows, max_size=10))


def _array(kind: Any, values: list[Any]) -> Any:
    if kind == pa.float16():
        return pa.array([None if value is None else np.float16(value) for value in values], kind)
    return pa.array(values, kind)


def _table(kind: Any, values: list[Any], cuts: tuple[int, ...] = ()) -> Any:
    edges = [0, *sorted(cut % (len(values) + 1) for cut in cuts), len(values)]
    chunks = [_array(kind, values[start:stop]) for start, stop in pairwise(edges)]
    return pa.table({"x": pa.chunked_array(chunks, kind), "y": pa.nulls(len(values))})


@changes(ARROW, "a value, in a column of any type")
def _(draw: st.DrawFn) -> Pair:
    kind, values = draw(columns(TYPES, min_rows=1))
    place, new = draw(st.integers(0, len(values) - 1)), draw(TYPES[kind])
    assume(key(new) != key(values[place]) and (isinstance(new, float) or new != values[place]))
    return _table(kind, values), _table(kind, [*values[:place], new, *values[place + 1 :]])


@changes(ARROW, "the type, a column's name, the order of columns or rows")
def _(draw: st.DrawFn) -> Pair:
    table = pa.table({"x": [1, 2], "s": ["a", "b"]})
    other = [
        table.rename_columns(["x", "t"]), table.select(["s", "x"]), table.take([1, 0]), table.slice(0, 1),
        table.cast(pa.schema([("x", pa.int32()), ("s", pa.string())])),
        table.cast(pa.schema([("x", pa.int64()), ("s", pa.large_string())])),
    ]  # fmt: skip
    return table, draw(st.sampled_from(other))


@changes(ARROW, "null and NaN, null and an empty string or list")
def _(draw: st.DrawFn) -> Pair:
    kind, empty = draw(
        st.sampled_from([(pa.float64(), math.nan), (pa.string(), ""), (pa.list_(pa.int64()), [])])
    )
    rest = draw(st.lists(TYPES[kind], max_size=4))
    return pa.array([None, *rest], kind), pa.array([empty, *rest], kind)


@changes(ARROW, "the order of a dictionary's values")
def _(draw: st.DrawFn) -> Pair:
    order = draw(st.permutations(["a", "b", "c"]))
    assume(order != ["a", "b", "c"])
    values = draw(st.lists(st.sampled_from("abc"), max_size=5))
    return tuple(
        pa.DictionaryArray.from_arrays(pa.array([kept.index(v) for v in values], pa.int32()), pa.array(kept))
        for kept in (["a", "b", "c"], order)
    )  # type: ignore[return-value]


@nothing(ARROW, "chunks, and record batch or table")
def _(draw: st.DrawFn) -> Pair:
    kind, values = draw(columns(TYPES))
    whole = _table(kind, values)
    return whole, _table(kind, values, tuple(draw(st.lists(st.integers(0, 10), max_size=3))))


@nothing(ARROW, "being a slice of something larger")
def _(draw: st.DrawFn) -> Pair:
    kind, values = draw(columns(TYPES))
    around = draw(st.lists(TYPES[kind], max_size=9))
    larger = _table(kind, around + values + around)
    return _table(kind, values), larger.slice(len(around), len(values))


@nothing(ARROW, "bytes that lie under nulls")
def _(draw: st.DrawFn) -> Pair:
    values = draw(st.lists(st.tuples(st.integers(-9, 9), st.booleans()), max_size=9))
    missing = np.array([gone for _, gone in values], bool)
    numbers = pa.array(np.array([number for number, _ in values], "i8"))
    texts = pa.array([str(number) for number, _ in values])
    bitmap = pa.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    dirty = [pa.Array.from_buffers(a.type, len(a), [bitmap, *a.buffers()[1:]]) for a in (numbers, texts)]
    clean = [
        pa.array([None if gone else v for v, gone in zip(a.to_pylist(), missing, strict=True)], a.type)
        for a in (numbers, texts)
    ]
    return pa.table(clean, names=["n", "t"]), pa.table(dirty, names=["n", "t"])


@nothing(ARROW, "how chunks divide a dictionary among them")
def _(draw: st.DrawFn) -> Pair:
    values = draw(st.lists(st.sampled_from(["a", "b", "c"]) | st.none(), min_size=1, max_size=8))
    whole = pa.chunked_array([pa.array(values, pa.string())]).dictionary_encode()
    cut = draw(st.integers(0, len(values)))
    parts = pa.chunked_array(
        [pa.array(part, pa.string()).dictionary_encode() for part in (values[:cut], values[cut:])], whole.type
    )
    return whole, parts


@nothing(ARROW, "the schema's metadata, and whether a field may be null")
def _(draw: st.DrawFn) -> Pair:
    table = pa.table(
        {"x": draw(st.lists(st.integers(0, 9), max_size=4))}, schema=pa.schema([("x", pa.int64())])
    )
    strict = pa.schema([pa.field("x", pa.int64(), nullable=False)], metadata={"a": "b"})
    return table, draw(st.sampled_from([table.replace_schema_metadata({"a": "b"}), table.cast(strict)]))


@nothing(ARROW, "being read back from Parquet or Arrow files")
def _(draw: st.DrawFn) -> Pair:
    kept = {kind: values for kind, values in TYPES.items() if kind not in (pa.string_view(), pa.float16())}
    kind, values = draw(columns(kept))
    table, buffer = _table(kind, values), io.BytesIO()
    if draw(st.booleans()):
        parquet.write_table(table, buffer, row_group_size=3)
        return table, parquet.read_table(io.BytesIO(buffer.getvalue()))
    feather.write_feather(table, buffer, chunksize=3, compression="uncompressed")
    return table, feather.read_table(io.BytesIO(buffer.getvalue()))


# -- polars ----------------------------------------------------------------------------------------------------


def _frame(kind: Any, values: list[Any]) -> Any:
    return pl.DataFrame(
        {"x": pl.Series(values, dtype=kind, strict=True), "y": pl.Series(range(len(values)), dtype=pl.Int64)}
    )


@changes(POLARS, "a value, in a column of any dtype")
def _(draw: st.DrawFn) -> Pair:
    kind, values = draw(columns(POLARS_TYPES, min_rows=1))
    place, new = draw(st.integers(0, len(values) - 1)), draw(POLARS_TYPES[kind])
    assume(key(new) != key(values[place]) and (isinstance(new, float) or new != values[place]))
    return _frame(kind, values), _frame(kind, [*values[:place], new, *values[place + 1 :]])


@changes(POLARS, "the dtype, a column's name, the order of columns, rows or an Enum's categories")
def _(draw: st.DrawFn) -> Pair:
    frame = pl.DataFrame({"x": [1, 2], "s": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"]))})
    other = [
        frame.rename({"x": "z"}), frame.select("s", "x"), frame.reverse(), frame.head(1),
        frame.cast({"x": pl.Int32}), frame.cast({"s": pl.String}), frame.cast({"s": pl.Enum(["b", "a"])}),
        frame.cast({"s": pl.Categorical}),
    ]  # fmt: skip
    return frame, draw(st.sampled_from(other))


@changes(POLARS, "null and NaN")
def _(draw: st.DrawFn) -> Pair:
    rest = draw(st.lists(FLOATS, max_size=4))
    return pl.Series("x", [None, *rest], dtype=pl.Float64), pl.Series(
        "x", [math.nan, *rest], dtype=pl.Float64
    )


@nothing(POLARS, "chunks, slices and copies")
def _(draw: st.DrawFn) -> Pair:
    kind, values = draw(columns(POLARS_TYPES))
    cut = draw(st.integers(0, len(values)))
    frame = _frame(kind, values)
    larger = _frame(kind, values + values).with_columns(
        y=pl.Series([*range(len(values)), *range(len(values))], dtype=pl.Int64)
    )
    assume(kind != pl.Object)
    parts = pl.concat([frame.slice(0, cut), frame.slice(cut)], rechunk=False)
    return frame, draw(st.sampled_from([parts, larger.slice(len(values)), frame.clone()]))


@nothing(POLARS, "the codes of a Categorical")
def _(draw: st.DrawFn) -> Pair:
    values = draw(st.lists(st.sampled_from("abc") | st.none(), max_size=6))
    later = pl.Series("x", ["zz", "c", "b", "a", *values], dtype=pl.Categorical).slice(4)
    return pl.Series("x", values, dtype=pl.Categorical), later
