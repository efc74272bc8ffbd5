"""Frames drawn column by column, so that a test can change one thing and build them again."""

from __future__ import annotations

import datetime as dt
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

FLOATS = st.floats(allow_nan=True) | st.sampled_from([0.0, -0.0, 1.5, math.nan, math.inf])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
STAMPS = st.integers(-(10**15), 10**15)
CATEGORIES = ["z", "b", "a", "ü"]


def key(value: Any) -> Any:
    """Equal exactly when two drawn values count as equal: all NaNs are one, ``-0.0`` is not ``0.0``."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value)
    if isinstance(value, complex):
        return key(value.real), key(value.imag)
    return type(value).__name__, str(value)


@dataclass(frozen=True)
class Kind:
    """How values of one dtype are drawn, and put into a pandas array."""

    values: st.SearchStrategy[Any]
    build: Callable[[list[Any]], Any]


def _objects(values: list[Any]) -> Any:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _intervals(values: list[Any]) -> Any:
    return pd.arrays.IntervalArray.from_tuples(values, dtype="interval[int64, right]")


KINDS: dict[str, Kind] = {
    "int64": Kind(st.integers(-(2**63), 2**63 - 1), lambda v: np.array(v, "i8")),
    "int8": Kind(st.integers(-128, 127), lambda v: np.array(v, "i1")),
    "uint64": Kind(st.integers(0, 2**64 - 1), lambda v: np.array(v, "u8")),
    "float64": Kind(FLOATS, lambda v: np.array(v, "f8")),
    "float32": Kind(st.floats(width=32), lambda v: np.array(v, "f4")),
    "complex": Kind(st.complex_numbers(), lambda v: np.array(v, "c16")),
    "bool": Kind(st.booleans(), lambda v: np.array(v, "?")),
    "str": Kind(TEXTS | st.none(), lambda v: pd.array(v, dtype="str")),
    "string": Kind(TEXTS | st.none(), lambda v: pd.array(v, dtype="string")),
    "Int64": Kind(st.integers(-(2**63), 2**63 - 1) | st.none(), lambda v: pd.array(v, dtype="Int64")),
    "boolean": Kind(st.booleans() | st.none(), lambda v: pd.array(v, dtype="boolean")),
    "int32[pyarrow]": Kind(st.integers(-9, 9) | st.none(), lambda v: pd.array(v, dtype="int32[pyarrow]")),
    "category": Kind(
        st.sampled_from(CATEGORIES) | st.none(), lambda v: pd.Categorical(v, categories=CATEGORIES)
    ),
    "datetime": Kind(STAMPS, lambda v: np.array(v, "M8[us]")),
    "datetime tz": Kind(
        STAMPS, lambda v: pd.DatetimeIndex(np.array(v, "M8[us]")).tz_localize("UTC").tz_convert("Europe/Berlin").array
    ),
    "timedelta": Kind(STAMPS, lambda v: pd.array(np.array(v, "m8[us]"))),
    "period": Kind(st.integers(0, 500), lambda v: pd.PeriodIndex.from_ordinals(v, freq="M").array),
    "interval": Kind(
        st.tuples(st.integers(0, 5), st.integers(6, 9)), lambda v: _intervals(v)
    ),
    "sparse": Kind(st.sampled_from([0, 0, 0, 1, 2]), lambda v: pd.arrays.SparseArray(np.array(v, "i8"))),
    "objects": Kind(
        st.one_of(
            st.none(), st.booleans(), st.integers(), FLOATS, TEXTS, st.binary(max_size=3), st.dates(),
            st.datetimes(), st.times(), st.timedeltas(), st.uuids(), st.fractions(), st.just(pd.NA), st.just(pd.NaT),
            st.text(st.characters(categories=["Cs"]), min_size=1, max_size=2),
            st.decimals(allow_nan=False).map(lambda d: Decimal(str(d))),
        ),
        _objects,
    ),
    "lists": Kind(st.lists(st.integers(0, 3) | TEXTS, max_size=3), _objects),
    "dicts": Kind(st.dictionaries(TEXTS, st.integers(0, 3), max_size=2), _objects),
}  # fmt: skip

PARQUET = ("int64", "int8", "uint64", "float64", "float32", "bool", "str", "string", "Int64", "boolean",
           "int32[pyarrow]", "category", "datetime", "datetime tz", "timedelta", "period", "interval")  # fmt: skip
"""Kinds that Parquet keeps exactly."""


@dataclass(frozen=True)
class Drawn:
    """A frame before it is built: names, kinds and values of its columns, and the values of its index."""

    names: tuple[Any, ...]
    kinds: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    index: tuple[int, ...]

    @property
    def rows(self) -> int:
        return len(self.index)

    def build(self) -> pd.DataFrame:
        """The frame. Columns are put in one by one."""
        frame = pd.DataFrame(index=pd.Index(list(self.index), dtype="int64"))
        parts = [
            pd.Series(
                KINDS[kind].build(list(values)),
                index=frame.index,
                dtype=object if kind in ("objects", "lists", "dicts") else None,
            )
            for kind, values in zip(self.kinds, self.values, strict=True)
        ]
        frame = pd.concat([frame, *parts], axis=1)
        frame.columns = pd.Index(list(self.names), dtype=object) if self.names else frame.columns
        return frame

    def take(self, order: list[int]) -> Drawn:
        """The same rows in another order, or some of them; the index goes with them."""
        values = tuple(tuple(column[place] for place in order) for column in self.values)
        return replace(self, values=values, index=tuple(self.index[place] for place in order))

    def set(self, column: int, place: int, value: Any) -> Drawn:
        """One cell replaced."""
        cells = list(self.values[column])
        cells[place] = value
        values = list(self.values)
        values[column] = tuple(cells)
        return replace(self, values=tuple(values))


@st.composite
def drawn(
    draw: st.DrawFn, *, min_rows: int = 0, min_columns: int = 1, kinds: tuple[str, ...] = tuple(KINDS)
) -> Drawn:
    """A frame of a few columns of ``kinds`` and up to twelve rows."""
    rows = draw(st.integers(min_rows, 12))
    names = draw(st.lists(TEXTS, min_size=min_columns, max_size=4, unique=True))
    chosen = tuple(draw(st.sampled_from(kinds)) for _ in names)
    values = tuple(tuple(draw(st.lists(KINDS[kind].values, min_size=rows, max_size=rows))) for kind in chosen)
    index = draw(
        st.just(tuple(range(rows)))
        | st.lists(st.integers(), min_size=rows, max_size=rows).map(
            lambda v: tuple(max(min(i, 2**62), -(2**62)) for i in v)
        )
    )
    return Drawn(tuple(names), chosen, values, index)


def moment(year: int) -> dt.datetime:
    """Midnight of the first of January."""
    return dt.datetime(year, 1, 1)
