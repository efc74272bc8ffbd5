"""The rows of the digest table for pandas."""

from __future__ import annotations

import datetime as dt
import importlib
import io
import math
import pickle
import struct
import zoneinfo
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import assume
from hypothesis import strategies as st

from tests.hashing.digest_table import Pair, changes, nothing
from tests.hashing.strategies import CATEGORIES, FLOATS, KINDS, PARQUET, TEXTS, drawn, key

PANDAS = "pandas"
PARQUET_SECTION = "pandas and Parquet"
GIVEN_BACK: Any = math.nan if int(pd.__version__.partition(".")[0]) >= 3 else None
"""What pandas gives for a missing text that it reads from Parquet: 3 gives NaN, 2 gives None."""


@changes(PANDAS, "a value, in a column of any dtype")
def _(draw: st.DrawFn) -> Pair:
    before = draw(drawn(min_rows=1))
    column, place = draw(st.integers(0, len(before.names) - 1)), draw(st.integers(0, before.rows - 1))
    old = before.values[column][place]
    new = draw(KINDS[before.kinds[column]].values)
    assume(key(old) != key(new) and not _both_missing(old, new))
    return before.build(), before.set(column, place, new).build()


def _both_missing(one: Any, other: Any) -> bool:
    """A ``Decimal`` or a fraction may be drawn twice with equal values and other spellings."""
    return (
        type(one) is type(other)
        and not isinstance(one, float | complex)
        and one is not None
        and bool(one is other or (not isinstance(one, type(pd.NA)) and one == other))
    )


@changes(PANDAS, "the order of rows")
def _(draw: st.DrawFn) -> Pair:
    before = draw(drawn(min_rows=2))
    order = draw(st.permutations(range(before.rows)))
    rows = [tuple(key(column[place]) for column in before.values) for place in range(before.rows)]
    assume([rows[place] for place in order] != rows)
    return before.build(), before.take(list(order)).build()


@changes(PANDAS, "a row more or less, even at the end")
def _(draw: st.DrawFn) -> Pair:
    before = draw(drawn(min_rows=1))
    return before.build(), before.take(list(range(before.rows - 1))).build()


@changes(PANDAS, "the name of a column")
def _(draw: st.DrawFn) -> Pair:
    frame = draw(drawn()).build()
    new = draw(TEXTS)
    assume(new not in frame.columns)
    return frame, frame.set_axis([new, *frame.columns[1:]], axis=1)


@changes(PANDAS, "the type of a column's name", note='`1` is not `"1"`')
def _(draw: st.DrawFn) -> Pair:
    frame = draw(drawn()).build()
    number = draw(st.integers(0, 9))
    return tuple(frame.set_axis([name, *frame.columns[1:]], axis=1) for name in (number, str(number)))  # type: ignore[return-value]


@changes(PANDAS, "the order of columns")
def _(draw: st.DrawFn) -> Pair:
    frame = draw(drawn(min_columns=2)).build()
    return frame, frame[frame.columns[::-1]]


@changes(
    PANDAS,
    "the dtype of a column",
    note="int64 against int32, uint8, floats, Int64, int64[pyarrow] and object, with equal values",
)
def _(draw: st.DrawFn) -> Pair:
    frame = pd.DataFrame({"x": np.array(draw(st.lists(st.integers(0, 99), max_size=9)), "i8")})
    dtypes = [
        "int64",
        "int32",
        "uint8",
        "float64",
        "float32",
        "Int64",
        "int64[pyarrow]",
        "complex128",
        "object",
    ]
    one, other = draw(st.permutations(dtypes))[:2]
    assume(len(frame) or "object" not in (one, other))
    return frame.astype(one), frame.astype(other)


@changes(PANDAS, "NaN, None, NA and NaT in an object column", note="each is another value")
def _(draw: st.DrawFn) -> Pair:
    one, other = draw(st.permutations([math.nan, None, pd.NA, pd.NaT]))[:2]
    rest = draw(st.lists(TEXTS | st.integers() | st.none(), max_size=4))
    return tuple(pd.DataFrame({"x": pd.Series([missing, *rest], dtype=object)}) for missing in (one, other))  # type: ignore[return-value]


@changes(PANDAS, '`1`, `1.0`, `True` and `"1"` in an object column')
def _(draw: st.DrawFn) -> Pair:
    one, other = draw(st.permutations([1, 1.0, True, "1", b"1", 1 + 0j]))[:2]
    rest = draw(st.lists(TEXTS | st.integers(), max_size=4))
    return tuple(pd.DataFrame({"x": pd.Series([value, *rest], dtype=object)}) for value in (one, other))  # type: ignore[return-value]


@changes(PANDAS, "`0.0` and `-0.0`")
def _(draw: st.DrawFn) -> Pair:
    rest = draw(st.lists(FLOATS, max_size=5))
    return pd.Series([0.0, *rest]), pd.Series([-0.0, *rest])


@changes(PANDAS, "an empty string and a missing one")
def _(draw: st.DrawFn) -> Pair:
    rest = draw(st.lists(TEXTS, max_size=5))
    return pd.Series(["", *rest], dtype="str"), pd.Series([None, *rest], dtype="str")


@changes(PANDAS, "where one string ends and the next begins")
def _(draw: st.DrawFn) -> Pair:
    text = draw(st.text("ab\0", min_size=2, max_size=6))
    cut, other = draw(st.permutations(range(len(text) + 1)))[:2]
    dtype = draw(st.sampled_from(["str", "string", "object", "string[pyarrow]"]))
    return tuple(pd.Series([text[:at], text[at:]], dtype=dtype) for at in (cut, other))  # type: ignore[return-value]


@changes(PANDAS, "where one list ends and the next begins")
def _(draw: st.DrawFn) -> Pair:
    items = draw(st.lists(st.integers(), min_size=2, max_size=6))
    cut, other = draw(st.permutations(range(len(items) + 1)))[:2]
    return tuple(pd.Series([items[:at], items[at:]]) for at in (cut, other))  # type: ignore[return-value]


@changes(PANDAS, "the order of categories")
def _(draw: st.DrawFn) -> Pair:
    values = draw(st.lists(st.sampled_from(CATEGORIES) | st.none(), max_size=8))
    other = draw(st.permutations(CATEGORIES))
    assume(other != CATEGORIES)
    return pd.Series(pd.Categorical(values, CATEGORIES)), pd.Series(pd.Categorical(values, other))


@changes(PANDAS, "a category that no row has")
def _(draw: st.DrawFn) -> Pair:
    values = draw(st.lists(st.sampled_from(CATEGORIES) | st.none(), max_size=8))
    return pd.Series(pd.Categorical(values, CATEGORIES)), pd.Series(
        pd.Categorical(values, [*CATEGORIES, "new"])
    )


@changes(PANDAS, "whether categories are ordered")
def _(draw: st.DrawFn) -> Pair:
    values = draw(st.lists(st.sampled_from(CATEGORIES) | st.none(), max_size=8))
    return tuple(pd.Series(pd.Categorical(values, CATEGORIES, ordered=flag)) for flag in (True, False))  # type: ignore[return-value]


@changes(PANDAS, "the time zone, even of the same moments")
def _(draw: st.DrawFn) -> Pair:
    frame = draw(drawn(kinds=("datetime tz",))).build()
    zone = draw(st.sampled_from(["UTC", "Asia/Tokyo", "Europe/Paris", None]))
    moved = {
        name: column.dt.tz_convert(zone) if zone else column.dt.tz_localize(None)
        for name, column in frame.items()
    }
    return frame, pd.DataFrame(moved)


@changes(PANDAS, "the unit of moments", note="except seconds: Parquet has none, and gives milliseconds back")
def _(draw: st.DrawFn) -> Pair:
    stamps = pd.Series(np.array(draw(st.lists(st.integers(0, 10**9), max_size=5)), "M8[s]"))
    one, other = draw(st.permutations(["ms", "us", "ns"]))[:2]
    return stamps.astype(f"M8[{one}]"), stamps.astype(f"M8[{other}]")


@changes(PANDAS, "the frequency of periods, the closed side of intervals, the fill value of sparse columns")
def _(draw: st.DrawFn) -> Pair:
    return draw(
        st.sampled_from(
            [
                (
                    pd.period_range("2020", periods=3, freq="M"),
                    pd.period_range("2020-01-01", periods=3, freq="D"),
                ),
                *(
                    (pd.interval_range(0, 3, closed=one), pd.interval_range(0, 3, closed=other))
                    for one, other in (("left", "right"), ("both", "neither"))
                ),
                (
                    pd.Series(pd.arrays.SparseArray([0, 1, 2], fill_value=0)),
                    pd.Series(pd.arrays.SparseArray([0, 1, 2], fill_value=1)),
                ),
            ]
        )
    )


@changes(PANDAS, "a value of the index")
def _(draw: st.DrawFn) -> Pair:
    before = draw(drawn(min_rows=1))
    frame = before.build()
    return frame, frame.set_axis([before.index[0] + 1, *before.index[1:]], axis=0)


@changes(PANDAS, "the name of the index, of the columns, of a series")
def _(draw: st.DrawFn) -> Pair:
    frame = draw(drawn()).build()
    return draw(
        st.sampled_from(
            [
                (frame, frame.rename_axis("n")),
                (frame, frame.rename_axis("n", axis=1)),
                (frame.iloc[:, 0], frame.iloc[:, 0].rename(("other", 1))),
            ]
        )
    )


@changes(PANDAS, "a level of a MultiIndex")
def _(draw: st.DrawFn) -> Pair:
    pairs = draw(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), min_size=1, max_size=6))
    index = pd.MultiIndex.from_tuples(pairs, names=["x", "y"])
    frame = pd.DataFrame({"v": range(len(pairs))}, index=index)
    return frame, frame.set_axis(pd.MultiIndex.from_tuples([(9, "a"), *pairs[1:]], names=["x", "y"]))


# -- what is nothing -------------------------------------------------------------------------------------------


@nothing(PANDAS, "a copy, or a pickled one")
def _(draw: st.DrawFn) -> Pair:
    frame = draw(drawn()).build()
    return frame, draw(st.sampled_from([frame.copy(), pickle.loads(pickle.dumps(frame))]))


@nothing(PANDAS, "being a slice of something larger")
def _(draw: st.DrawFn) -> Pair:
    before = draw(drawn())
    start, step = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    around = [place for place in range(before.rows) for _ in range(step)]
    larger = before.take([0] * start + around if before.rows else []).build()
    return before.build(), larger.iloc[start::step] if before.rows else larger


@nothing(PANDAS, "how columns are kept together in blocks, and in which memory order")
def _(draw: st.DrawFn) -> Pair:
    values = np.array(draw(st.lists(st.lists(FLOATS, min_size=3, max_size=3), max_size=6)), "f8").reshape(
        -1, 3
    )
    one = pd.DataFrame(values, columns=list("abc"))
    other = draw(
        st.sampled_from(
            [
                pd.DataFrame(np.asfortranarray(values), columns=list("abc")),
                pd.DataFrame({name: values[:, place] for place, name in enumerate("abc")}),
                pd.DataFrame(values[:, ::-1], columns=list("cba"))[list("abc")],
            ]
        )
    )
    return one, other


@nothing(PANDAS, "chunks of columns kept in Arrow")
def _(draw: st.DrawFn) -> Pair:
    before = draw(drawn(kinds=("str", "string", "int32[pyarrow]")))
    cut = draw(st.integers(0, before.rows))
    parts = [before.take(list(range(cut))).build(), before.take(list(range(cut, before.rows))).build()]
    return before.build(), pd.concat(parts)


@nothing(PANDAS, "`str` kept in Python objects or in Arrow")
def _(draw: st.DrawFn) -> Pair:
    values = draw(st.lists(TEXTS | st.none(), max_size=8))
    missing = draw(st.sampled_from([np.nan, pd.NA]))
    return tuple(
        pd.Series(values, dtype=pd.StringDtype(kept, na_value=missing)) for kept in ("python", "pyarrow")
    )  # type: ignore[return-value]


@nothing(
    PANDAS,
    "an object column of strings and NaN, and a `str` column",
    note="Parquet gives one back for the other",
)
def _(draw: st.DrawFn) -> Pair:
    values = draw(st.lists(TEXTS | st.just(math.nan), max_size=8))
    return pd.Series(values, dtype=object), pd.Series(values, dtype="str")


@nothing(PANDAS, "a RangeIndex and an index of the same integers")
def _(draw: st.DrawFn) -> Pair:
    start, step = draw(st.integers(-9, 9)), draw(st.sampled_from([-3, -1, 1, 2]))
    rows = draw(st.integers(0, 9))
    index = pd.RangeIndex(start, start + rows * step, step)
    frame = pd.DataFrame({"x": np.arange(rows)}, index=index)
    return frame, frame.set_axis(pd.Index(list(index), dtype="int64"))


@nothing(PANDAS, "`attrs`, the frequency of an index, levels of a MultiIndex that no row has")
def _(draw: st.DrawFn) -> Pair:
    days = pd.DataFrame({"x": [1, 2, 3]}, index=pd.date_range("2020", periods=3))
    noted, multi = days.copy(), pd.MultiIndex.from_product([[1, 2], ["a", "b"]])
    noted.attrs["source"] = "somewhere"
    return draw(
        st.sampled_from(
            [
                (days, noted),
                (days, days.set_axis(pd.DatetimeIndex(days.index.to_numpy()))),
                (multi[:2], pd.MultiIndex.from_tuples([(1, "a"), (1, "b")])),
            ]
        )
    )


@nothing(PANDAS, "byte order")
def _(draw: st.DrawFn) -> Pair:
    values = draw(st.lists(FLOATS, max_size=5))
    return pd.Series(np.array(values, "<f8")), pd.Series(np.array(values, ">f8"))


@nothing(PANDAS, "which NaN it is")
def _(draw: st.DrawFn) -> Pair:
    payload = draw(st.integers(1, 2**51 - 1))
    sign = draw(st.sampled_from([0x7FF8, 0xFFF8]))
    other = struct.unpack("<d", ((sign << 48) | payload).to_bytes(8, "little"))[0]
    rest = draw(st.lists(FLOATS, max_size=5))
    return pd.Series([math.nan, *rest]), pd.Series([other, *rest])


@nothing(
    PANDAS,
    "lists, tuples and arrays as values, the order of keys in a dict, how a Decimal is written, a time's `fold`",
)
def _(draw: st.DrawFn) -> Pair:
    items = draw(st.lists(st.integers(), min_size=1, max_size=4) | st.lists(TEXTS, min_size=1, max_size=4))
    assume(all(isinstance(item, str) or abs(item) < 2**63 for item in items))
    array = np.array(items, dtype=object if isinstance(items[0], str) else "i8")
    return draw(
        st.sampled_from(
            [
                (pd.Series([items, None]), pd.Series([tuple(items), None])),
                (pd.Series([items, None]), pd.Series([array, None])),
                (pd.Series([{"a": 1, "b": 2}]), pd.Series([{"b": 2, "a": 1}])),
                (pd.Series([Decimal("1.50"), None]), pd.Series([Decimal("1.5"), None])),
                (pd.Series([dt.time(1, fold=1), None]), pd.Series([dt.time(1), None])),
            ]
        )
    )


@nothing(PANDAS, "which library made a time zone")
def _(draw: st.DrawFn) -> Pair:
    import dateutil.tz

    stamps = pd.Series(np.array(draw(st.lists(st.integers(0, 10**15), max_size=4)), "M8[us]"))
    utc = [dt.UTC, zoneinfo.ZoneInfo("UTC"), dateutil.tz.tzutc(), "UTC"]
    hour = [dt.timezone(dt.timedelta(hours=1)), dateutil.tz.tzoffset(None, 3600), "+01:00"]
    one, other = draw(st.permutations(draw(st.sampled_from([utc, hour]))))[:2]
    return stamps.dt.tz_localize(one), stamps.dt.tz_localize(other)


# -- Parquet ---------------------------------------------------------------------------------------------------


def parquet(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame, written to Parquet and read again."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return pd.read_parquet(io.BytesIO(buffer.getvalue()))


@nothing(
    PARQUET_SECTION,
    "being read back from Parquet",
    note="dtypes: " + ", ".join(f"`{kind}`" for kind in PARQUET),
)
def _(draw: st.DrawFn) -> Pair:
    before = draw(drawn(kinds=PARQUET))
    frame = before.build()
    assume("" not in before.names and (before.rows or "category" not in before.kinds))
    return frame, parquet(frame)


@nothing(
    PARQUET_SECTION,
    "being read back: strings in objects, dates, times, decimals, bytes, lists, moments in seconds",
)
def _(draw: st.DrawFn) -> Pair:
    values: list[list[Any]] = [
        draw(st.lists(strategy, min_size=4, max_size=4))
        for strategy in (
            TEXTS | st.just(GIVEN_BACK),
            st.dates() | st.none(),
            st.times() | st.none(),
            st.decimals(-100, 100, places=2).filter(lambda d: d.is_finite()) | st.none(),
            st.binary(min_size=1, max_size=3) | st.none(),
            st.lists(st.integers(-5, 5), max_size=3),
            st.lists(TEXTS, max_size=3),
            st.lists(st.floats(allow_nan=False), min_size=1, max_size=3),
        )
    ]
    values[1][0], values[2][0] = dt.date(2020, 1, 1), dt.time(1)
    values[0][0] = "a"
    values[3][0], values[4][0], values[5][0], values[6][0] = Decimal("1.5"), b"x", [1], ["a"]
    frame = pd.DataFrame({str(place): pd.Series(column, dtype=object) for place, column in enumerate(values)})
    frame["s"] = np.array(draw(st.lists(st.integers(0, 10**9), min_size=4, max_size=4)), "M8[s]")
    return frame, parquet(frame)


@nothing(PARQUET_SECTION, "being read back: index, MultiIndex, names that are no strings")
def _(draw: st.DrawFn) -> Pair:
    frame = pd.DataFrame({"v": [1.5, 2.5, math.nan]})
    index = draw(
        st.sampled_from(
            [
                pd.RangeIndex(5, 8, name="n"), pd.Index([3, 1, 2]), pd.Index(["a", "b", "c"], name="k"),
                pd.date_range("2020", periods=3, tz="UTC"), pd.CategoricalIndex(["a", "b", "a"]),
                pd.MultiIndex.from_tuples([(1, "a"), (2, "b"), (2, "c")], names=["x", "y"]),
            ]
        )
    )  # fmt: skip
    frame.index = index
    return frame, parquet(frame)


def _shapes(crs: int | None, *points: tuple[float, float] | None) -> Any:
    geopandas, geometry = importlib.import_module("geopandas"), importlib.import_module("shapely.geometry")
    shapes = [None if point is None else geometry.Point(*point) for point in points]
    return geopandas.GeoDataFrame({"n": range(len(shapes))}, geometry=shapes, crs=crs)


@changes(PANDAS, "a shape, a missing one, their order, the reference system", needs="geopandas")
def _(draw: st.DrawFn) -> Pair:
    others = [
        (4326, (1.0, 2.5), (3, 4)),
        (4326, None, (3, 4)),
        (4326, (3, 4), (1, 2)),
        (3857, (1, 2), (3, 4)),
        (None, (1, 2), (3, 4)),
    ]
    return _shapes(4326, (1, 2), (3, 4)), _shapes(*draw(st.sampled_from(others)))


@nothing(PANDAS, "shapes that are sliced, copied or read back from GeoParquet", needs="geopandas")
def _(draw: st.DrawFn) -> Pair:
    frame = _shapes(4326, (1, 2), None, (3, 4))
    file = io.BytesIO()
    frame.to_parquet(file)
    read = importlib.import_module("geopandas").read_parquet(file)
    twice = pd.concat([frame, frame])[:3]
    return frame, draw(st.sampled_from([read, twice, frame.copy()]))


@changes(
    PARQUET_SECTION,
    "None in an object column of strings",
    note="Parquet gives NaN back (pandas 2: the other way round)",
)
def _(draw: st.DrawFn) -> Pair:
    other = None if GIVEN_BACK is not None else math.nan
    frame = pd.DataFrame({"x": pd.Series([other, *draw(st.lists(TEXTS, max_size=4))], dtype=object)})
    assume(len(frame) > 1)
    return frame, parquet(frame)


@changes(PARQUET_SECTION, "numbers in an object column, categories that are numbers or have no rows, keys that not all dicts have",
         note="Parquet gives other dtypes or values back")  # fmt: skip
def _(draw: st.DrawFn) -> Pair:
    frame = draw(
        st.sampled_from(
            [
                pd.DataFrame({"x": pd.Series([1, 2], dtype=object)}),
                pd.DataFrame({"x": pd.Categorical([1, None], categories=[2, 1])}),
                pd.DataFrame({"x": pd.Categorical([], categories=["a"])}),
                pd.DataFrame({"x": [{"a": 1}, {"b": 2}]}),
            ]
        )
    )
    return frame, parquet(frame)
