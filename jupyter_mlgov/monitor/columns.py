"""A column of a table as what is compared: sorted numbers, or counted categories.

Tables are pandas data frames, pyarrow tables or mappings of names to arrays. What a column is, is decided on the
reference: numbers with few distinct values (codes, flags) are categories, and so is text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["number", "category", "time", "nothing"]

FEW = 10
"""Distinct numbers up to which a column of whole numbers holds codes."""
MANY = 1000
"""Distinct categories past which only the most frequent are told apart."""
IDENTIFIERS = 0.5
"""Distinct categories for each row past which text names rows instead of describing them."""
OTHERS = "(others)"


@dataclass(frozen=True)
class Numbers:
    """The finite numbers of a column in rising order, and how many there were beside them."""

    values: NDArray[np.float64]
    missing: int
    infinite: int

    @property
    def rows(self) -> int:
        return len(self.values) + self.missing + self.infinite

    @property
    def distinct(self) -> int:
        return 1 + int(np.count_nonzero(np.diff(self.values))) if len(self.values) else 0

    @property
    def whole(self) -> bool:
        """Whether all are whole numbers; asked only of columns with few distinct values."""
        return bool(np.all(np.mod(self.values, 1) == 0))

    def categories(self) -> Categories:
        """The same values told apart instead of put in order."""
        values, counts = np.unique(self.values, return_counts=True)
        labels = tuple(f"{value:.12g}" for value in values.tolist())
        return Categories(dict(zip(labels, counts.tolist(), strict=True)), self.missing + self.infinite)


@dataclass(frozen=True)
class Categories:
    """How often each category occurs, and how many rows have none."""

    counts: dict[str, int]
    missing: int

    @property
    def rows(self) -> int:
        return sum(self.counts.values()) + self.missing


Column = Numbers | Categories


def names(table: Any) -> list[str]:
    """The names of the table's columns, in its order."""
    if hasattr(table, "column_names"):
        return [str(name) for name in table.column_names]
    return [str(name) for name in (table.keys() if isinstance(table, Mapping) else table.columns)]


def rows(table: Any) -> int:
    """How many rows the table has."""
    if hasattr(table, "num_rows"):
        return int(table.num_rows)
    if isinstance(table, Mapping):
        return len(next(iter(table.values()), ()))
    return len(table)


def values(table: Any, name: str) -> Any:
    """One column as it is held: a pandas series, an Arrow array or a NumPy array."""
    if hasattr(table, "column_names"):
        return table.column(name)
    if isinstance(table, Mapping):
        return table[name]
    place = [str(label) for label in table.columns].index(name)
    return table.iloc[:, place]


def kind(held: Any) -> Kind:
    """What a column's type says, before its values are looked at."""
    import pyarrow as pa

    type_ = getattr(held, "type", None)
    if isinstance(type_, pa.DataType):
        value = type_.value_type if pa.types.is_dictionary(type_) else type_
        if pa.types.is_null(value):
            return "nothing"
        if pa.types.is_dictionary(type_) or pa.types.is_boolean(value):
            return "category"
        if pa.types.is_temporal(value):
            return "time"
        numeric = pa.types.is_integer(value) or pa.types.is_floating(value) or pa.types.is_decimal(value)
        return "number" if numeric else "category"
    import pandas as pd

    dtype = getattr(held, "dtype", np.dtype(object))
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(dtype):
        return "category"
    if pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        return "time"
    return "number" if pd.api.types.is_numeric_dtype(dtype) else "category"


def numbers(held: Any) -> Numbers:
    """A column of numbers. Raises ``ValueError`` where it holds something else."""
    array = floats(held)
    finite = np.isfinite(array)
    if finite.all():
        return Numbers(np.sort(array), 0, 0)
    missing = int(np.isnan(array).sum())
    kept = array[finite]
    kept.sort()
    return Numbers(kept, missing, len(array) - missing - len(kept))


def floats(held: Any) -> NDArray[np.float64]:
    """A column of numbers in the order of its rows, NaN where there is none. Raises ``ValueError``, ``TypeError``."""
    import pyarrow as pa

    if isinstance(getattr(held, "type", None), pa.DataType):
        if pa.types.is_decimal(held.type):
            held = held.cast(pa.float64())
        return np.asarray(held.to_numpy(zero_copy_only=False) if isinstance(held, pa.Array) else held.to_numpy(),
                          dtype=np.float64)  # fmt: skip
    if hasattr(held, "to_numpy"):
        return np.asarray(held.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(held, dtype=np.float64)


def categories(held: Any) -> Categories:
    """A column as counted labels; anything can be one."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(getattr(held, "dtype", None), pd.CategoricalDtype):
        codes = np.asarray(held.cat.codes)
        counts = np.bincount(codes[codes >= 0], minlength=len(held.cat.categories))
        labels = [_label(label) for label in held.cat.categories]
        return Categories(_counted(labels, counts.tolist()), int((codes < 0).sum()))
    try:
        array = (
            held if isinstance(getattr(held, "type", None), pa.DataType) else pa.array(held, from_pandas=True)
        )
        found = pc.value_counts(array)
        labels, counts = found.field("values").to_pylist(), found.field("counts").to_pylist()
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        # Mixed types: each value as text.
        found = pd.Series([None if _is_missing(value) else _label(value) for value in held], dtype=object)
        counted = found.value_counts()
        return Categories(
            {str(label): int(count) for label, count in counted.items()}, int(found.isna().sum())
        )
    missing = sum(count for label, count in zip(labels, counts, strict=True) if _is_missing(label))
    kept = [(label, count) for label, count in zip(labels, counts, strict=True) if not _is_missing(label)]
    return Categories(_counted([_label(label) for label, _ in kept], [count for _, count in kept]), missing)


def labels(held: Any) -> NDArray[Any]:
    """A column in the order of its rows as the labels that :func:`categories` counts; None where there is none."""
    found = held.to_pylist() if hasattr(held, "to_pylist") else list(held)
    made = np.empty(len(found), dtype=object)
    made[:] = [None if _is_missing(value) else _label(value) for value in found]
    return made


def _counted(labels: list[str], counts: list[int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for label, count in zip(labels, counts, strict=True):
        if count:
            found[label] = found.get(label, 0) + int(count)
    return found


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _label(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float) and value.is_integer():
        return f"{value:.12g}"
    return str(value)


def together(reference: Categories, current: Categories) -> tuple[list[str], NDArray[Any], NDArray[Any]]:
    """Both sides' counts over the same categories, the most frequent first; past ``MANY`` the rest is one."""
    labels = sorted(
        reference.counts.keys() | current.counts.keys(),
        key=lambda label: (-(reference.counts.get(label, 0) + current.counts.get(label, 0)), label),
    )
    kept, rest = labels[:MANY], labels[MANY:]
    one = [reference.counts.get(label, 0) for label in kept]
    other = [current.counts.get(label, 0) for label in kept]
    if rest:
        kept = [*kept, OTHERS]
        one.append(sum(reference.counts.get(label, 0) for label in rest))
        other.append(sum(current.counts.get(label, 0) for label in rest))
    return kept, np.array(one, dtype=np.int64), np.array(other, dtype=np.int64)
