"""Some rows as one table: what the model is given, the truth, what it said, and what tests need beside them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from jupyter_mlgov.capture.found_rows import FoundRows

if TYPE_CHECKING:
    import pandas as pd

Layout = Literal["table", "array", "series"]

_TEXT_BYTES = 64
"""What a Python string is taken for in the estimate of a table's size."""


class NotKept(Exception):
    """Rows are not kept; ``str(error)`` says why."""


class RowTable(Struct, frozen=True):
    """Everything about some rows in one table."""

    frame: pd.DataFrame
    of_rows: int
    layout: Layout
    features: tuple[str, ...]
    truth: str | None
    predicted: str | None
    scores: tuple[str, ...]
    extra: tuple[str, ...]

    @classmethod
    def of(
        cls, found: FoundRows, namespace: Mapping[str, Any], columns: Sequence[str], limit: int
    ) -> RowTable:
        import numpy as np
        import pandas as pd

        parts: dict[str, Any] = {}

        def add(name: str, values: Any) -> str:
            while name in parts:
                name += "_"
            parts[name] = values
            return name

        layout: Layout = "table"
        features: list[str] = []
        if found.features is not None:
            frame, layout = _features(found.features)
            features = [add(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
            rows = len(frame)
        else:
            rows = len(found.truth)
        truth = None if found.truth is None else add("truth", _column(found.truth, rows, "truth"))
        predicted = (
            None
            if found.predicted is None
            else add("predicted", _column(found.predicted, rows, "predictions"))
        )
        scores: list[str] = []
        if found.score is not None:
            values = np.asarray(found.score)
            if values.ndim == 1:
                scores.append(add("score", _column(values, rows, "scores")))
            elif values.ndim == 2 and values.shape[0] == rows and values.shape[1] <= 100:
                scores += [add(f"score {place}", values[:, place]) for place in range(values.shape[1])]
        extra = [add(name, values) for name, values in _beside(found, namespace, columns, rows, features)]
        pick = _sample(parts, rows, limit)
        table = pd.DataFrame(
            {
                name: _plain(values)[pick] if pick is not None else _plain(values)
                for name, values in parts.items()
            }
        )
        return cls(table, rows, layout, tuple(features), truth, predicted, tuple(scores), tuple(extra))


def _plain(values: Any) -> Any:
    """A column without its index, so that columns stand beside each other in the order of their rows."""
    return values.array if hasattr(values, "array") else values


def _features(value: Any) -> tuple[pd.DataFrame, Layout]:
    """A model's inputs as a table."""
    import numpy as np
    import pandas as pd

    kind = type(value)
    library = kind.__module__.partition(".")[0]
    if library == "pandas" and kind.__name__ == "DataFrame":
        if value.columns.nlevels > 1 or not value.columns.is_unique:
            raise NotKept("its columns have no single names")
        named = all(isinstance(name, str) for name in value.columns)
        return value, "table" if named else "array"
    if library == "pandas" and kind.__name__ == "Series":
        return value.to_frame("text" if value.name is None else str(value.name)), "series"
    if library == "polars" and kind.__name__ == "DataFrame":
        return value.to_pandas(), "table"
    if library == "scipy" and hasattr(value, "toarray"):
        if value.shape[0] * value.shape[1] > 10_000_000:
            raise NotKept(f"it is a sparse matrix of {value.shape[0]} x {value.shape[1]}")
        value = value.toarray()
    elif kind is list and value and all(type(item) is str for item in value):
        return pd.Series(value, name="text").to_frame(), "series"
    if type(value) is not np.ndarray:
        raise NotKept(f"it is a {kind.__module__}.{kind.__name__}, which is not read")
    if value.ndim == 1:
        return pd.DataFrame({"0": value}), "series"
    if value.ndim != 2 or value.shape[1] > 10_000:
        raise NotKept(f"it has the shape {value.shape}")
    return pd.DataFrame(value, columns=[str(place) for place in range(value.shape[1])]), "array"


def _column(value: Any, rows: int, what: str) -> Any:
    """One value a row. pandas' own series stay what they are, so that categories and dates do."""
    import numpy as np

    if type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "columns"):
        value = value.iloc[:, 0] if value.shape[1] == 1 else value.to_numpy()
    if not hasattr(value, "array"):
        value = np.asarray(value)
        if value.ndim == 2 and value.shape[1] == 1:
            value = value[:, 0]
        if value.ndim != 1:
            raise NotKept(f"the {what} have the shape {value.shape}, one value a row is expected")
    if len(value) != rows:
        raise NotKept(f"there are {len(value)} {what} for {rows} rows")
    return value


def _beside(
    found: FoundRows, namespace: Mapping[str, Any], columns: Sequence[str], rows: int, features: Sequence[str]
) -> Iterable[tuple[str, Any]]:
    """Columns that tests need and the model is not given: of the table that was declared, or of one that has these rows."""
    import pandas as pd

    if found.beside is not None:
        table = found.beside
        if type(table) is not pd.DataFrame or len(table) != rows:
            raise NotKept(f"the table with further columns has to be a DataFrame with {rows} rows")
        yield from ((str(name), table[name]) for name in table.columns if str(name) not in features)
        return
    index = getattr(found.features, "index", None)
    if not isinstance(index, pd.Index):
        return
    if isinstance(index, pd.DatetimeIndex):
        yield "time", index.to_series()
    for wanted in columns:
        if wanted in features or (wanted == "time" and isinstance(index, pd.DatetimeIndex)):
            continue
        for name, table in namespace.items():
            if name.startswith("_") or type(table) is not pd.DataFrame or wanted not in table.columns:
                continue
            if len(table) >= rows and table.index.is_unique and index.isin(table.index).all():
                yield wanted, table.loc[index, wanted]
                break


def _sample(parts: Mapping[str, Any], rows: int, limit: int) -> Any:
    """Which rows are kept, sorted; None for all."""
    import numpy as np

    size = sum(_bytes(values) for values in parts.values())
    if size <= limit or not rows:
        return None
    wanted = max(int(rows * limit / size), 1)
    return np.sort(np.random.default_rng(0).choice(rows, size=wanted, replace=False))


def _bytes(values: Any) -> int:
    dtype = getattr(values, "dtype", None)
    if dtype is not None and is_text(dtype):
        return len(values) * _TEXT_BYTES
    array = getattr(values, "array", values)
    return int(getattr(array, "nbytes", len(values) * 8))


def is_text(dtype: Any) -> bool:
    return dtype.kind in "OUS" or str(dtype) in ("str", "string") or str(dtype).startswith("string")


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """A table as Parquet, the same bytes for the same table; objects are compressed by the store.

    Raises ``NotKept`` for values that Parquet has no type for.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise NotKept(f"Parquet cannot hold them ({' '.join(str(error).split())[:150]})") from error
    out = io.BytesIO()
    texts = [f.name for f in table.schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    pq.write_table(table, out, compression="none", use_dictionary=texts, store_schema=True)
    return out.getvalue()
