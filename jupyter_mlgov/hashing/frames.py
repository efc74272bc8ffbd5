"""Tables and arrays in memory: one digest for the whole and one for each column.

Content counts, layout does not: chunks, slices, memory order and byte order are nothing; values, dtypes, names
and the order of rows, columns and categories are everything. A default index (0, 1, 2, ...) is nothing. A text
column is the same whether pandas keeps it as ``object`` or as ``str``: Parquet gives one back for the other.

Only libraries that the session has loaded are looked at, and an object is recognised by its type alone.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.hashing.arrays import BLOCK, array_digest, content_digest, dtype_label, encode_block
from jupyter_mlgov.hashing.arrow import chunks_digest
from jupyter_mlgov.hashing.digest import Limits, Unhashable, combine, hasher, named
from jupyter_mlgov.hashing.values import Encoder
from jupyter_mlgov.records.manifest import Column

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class FrameDescription:
    """``shape`` is as NumPy has it; ``columns`` is None for arrays. Without ``digest`` there is a ``reason``."""

    type: str
    digest: str | None
    rows: int | None
    columns: tuple[Column, ...] | None
    shape: tuple[int, ...]
    reason: str | None = None


def describe_frame(value: Any, *, limits: Limits | None = None) -> FrameDescription | None:
    """What ``value`` holds, or None when it is no table and no array. Never raises for its content."""
    reader = _reader(value)
    if reader is None:
        return None
    try:
        return reader(value, limits or Limits())
    except Unhashable as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - a broken frame is recorded as such, it is not our failure
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return FrameDescription(_type_name(value), None, None, None, (), reason)


def _reader(value: Any) -> Any:
    kind = type(value)
    for library, name, reader in _KINDS:
        module = sys.modules.get(library)
        wanted = getattr(module, name, None) if module is not None else None
        if isinstance(wanted, type) and issubclass(kind, wanted):
            return reader
    return None


def _type_name(value: Any) -> str:
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    return f"{package}.{kind.__qualname__}"


# -- pandas ----------------------------------------------------------------------------------------------------


def _pandas_frame(frame: pd.DataFrame, limits: Limits) -> FrameDescription:
    columns = []
    parts: list[bytes | str] = [_index_digest(frame.index, limits), _index_digest(frame.columns, limits)]
    for place, name in enumerate(frame.columns):
        label, digest = _series(frame.iloc[:, place], limits)
        columns.append(Column(name=str(name), dtype=label, digest=named(digest)))
        parts += [label, digest]
    whole = combine("frame", *parts)
    return FrameDescription(_type_name(frame), named(whole), len(frame), tuple(columns), tuple(frame.shape))


def _pandas_series(series: pd.Series[Any], limits: Limits) -> FrameDescription:
    label, digest = _series(series, limits)
    whole = combine("series", _index_digest(series.index, limits), str(series.name), label, digest)
    column = Column(name=str(series.name), dtype=label, digest=named(digest))
    return FrameDescription(_type_name(series), named(whole), len(series), (column,), (len(series),))


def _index_digest(index: pd.Index[Any], limits: Limits) -> bytes:
    import pandas as pd

    names = [str(name) for name in index.names]
    if isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1:
        return combine("default index", len(index), *names)
    if isinstance(index, pd.MultiIndex):
        levels = [
            _series(index.get_level_values(level).to_series(index=None), limits)
            for level in range(index.nlevels)
        ]
        return combine("multi index", *names, *(part for level in levels for part in level))
    if index.dtype.kind == "i" and len(index) and index[0] == 0 and index[-1] == len(index) - 1:
        import numpy as np

        if np.array_equal(index.to_numpy(), np.arange(len(index))):
            return combine("default index", len(index), *names)
    label, digest = _series(index.to_series(), limits)
    return combine("index", *names, label, digest)


def _series(series: pd.Series[Any], limits: Limits) -> tuple[str, bytes]:
    """``(dtype, 32 bytes)`` of one column."""
    import numpy as np
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind != "O":
            return dtype_label(dtype), content_digest(series.to_numpy(), limits)
        values = series.to_numpy()
        if len(values) and pd.api.types.infer_dtype(values, skipna=True) == "string":
            return "str", _arrow_digest(series, limits)
        return "object", _objects(values, limits)
    if isinstance(dtype, pd.StringDtype):
        return "str", _arrow_digest(series, limits)
    if isinstance(dtype, pd.CategoricalDtype):
        categories = _series(dtype.categories.to_series(), limits)
        codes = content_digest(series.cat.codes.to_numpy().astype("int32"), limits)
        label = "category[ordered]" if dtype.ordered else "category"
        return label, combine("category", *categories, codes)
    if isinstance(dtype, pd.DatetimeTZDtype):
        moments = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return str(dtype), content_digest(moments, limits)
    if isinstance(dtype, pd.PeriodDtype):
        return str(dtype), content_digest(series.array.asi8, limits)  # type: ignore[attr-defined]
    if isinstance(dtype, pd.IntervalDtype):
        left, right = series.array.left.to_series(), series.array.right.to_series()  # type: ignore[attr-defined]
        return str(dtype), combine("interval", *_series(left, limits), *_series(right, limits))
    if isinstance(dtype, pd.SparseDtype):
        return str(dtype), _series(series.sparse.to_dense(), limits)[1]
    if hasattr(series.array, "_mask") or isinstance(dtype, pd.ArrowDtype):
        return str(dtype), _arrow_digest(series, limits)
    return str(dtype), _objects(series.astype(object).to_numpy(), limits)


def _arrow_digest(series: pd.Series[Any], limits: Limits) -> bytes:
    import pyarrow as pa

    values = pa.array(series, from_pandas=True)
    chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
    kind = values.type
    if pa.types.is_string(kind):
        chunks, kind = [chunk.cast(pa.large_string()) for chunk in chunks], pa.large_string()
    return chunks_digest(kind, chunks, limits, size=values.nbytes)


def _objects(values: Any, limits: Limits) -> bytes:
    state = hasher(len(values) * 16)
    encoder = Encoder(limits)
    for start in range(0, len(values), BLOCK):
        state.update(encode_block(list(values[start : start + BLOCK]), encoder))
    return state.digest()


# -- Arrow, polars, arrays ---------------------------------------------------------------------------------------


def arrow_columns(table: pa.Table, *, limits: Limits | None = None) -> tuple[Column, ...]:
    """The columns of an Arrow table, each with a digest of its values."""
    limits = limits or Limits()
    found = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        digest = chunks_digest(column.type, column.chunks, limits, size=column.nbytes)
        found.append(Column(name=str(name), dtype=str(column.type), digest=named(digest)))
    return tuple(found)


def _arrow_table(table: pa.Table, limits: Limits) -> FrameDescription:
    columns = arrow_columns(table, limits=limits)
    parts = [part for column in columns for part in (column.name, column.dtype, column.digest)]
    whole = named(combine("table", table.num_rows, *parts))
    return FrameDescription(
        _type_name(table), whole, table.num_rows, columns, (table.num_rows, table.num_columns)
    )


def _arrow_array(array: Any, limits: Limits) -> FrameDescription:
    chunks = array.chunks if hasattr(array, "chunks") else [array]
    digest = combine("array", str(array.type), chunks_digest(array.type, chunks, limits, size=array.nbytes))
    return FrameDescription(_type_name(array), named(digest), len(array), None, (len(array),))


def _polars_frame(frame: Any, limits: Limits) -> FrameDescription:
    described = _arrow_table(frame.to_arrow(), limits)
    labels = [str(kind) for kind in frame.dtypes]
    columns = tuple(
        Column(name=column.name, dtype=label, digest=column.digest)
        for column, label in zip(described.columns or (), labels, strict=True)
    )
    return FrameDescription(_type_name(frame), described.digest, described.rows, columns, described.shape)


def _polars_series(series: Any, limits: Limits) -> FrameDescription:
    described = _arrow_array(series.to_arrow(), limits)
    digest = named(combine("series", series.name, described.digest or ""))
    return FrameDescription(_type_name(series), digest, described.rows, None, described.shape)


def _numpy_array(array: Any, limits: Limits) -> FrameDescription | None:
    import numpy as np

    if array.ndim == 0:
        return None
    if isinstance(array, np.ma.MaskedArray):
        filled = array_digest(np.asarray(array.filled(0)), limits)
        digest = combine("masked", filled, array_digest(np.ma.getmaskarray(array), limits))
    else:
        digest = array_digest(np.asarray(array), limits)
    return FrameDescription(_type_name(array), named(digest), len(array), None, tuple(array.shape))


def _sparse(matrix: Any, limits: Limits) -> FrameDescription:
    rows = matrix.tocsr().copy()
    rows.sum_duplicates()
    parts = [
        array_digest(part, limits)
        for part in (rows.indptr.astype("i8"), rows.indices.astype("i8"), rows.data)
    ]
    digest = combine("sparse", ",".join(map(str, matrix.shape)), *parts)
    return FrameDescription(_type_name(matrix), named(digest), matrix.shape[0], None, tuple(matrix.shape))


def _tensor(tensor: Any, limits: Limits) -> FrameDescription:
    import numpy as np

    plain = tensor.detach().cpu()
    try:
        array = plain.numpy()
    except TypeError:  # bfloat16 and other types that NumPy lacks: their bytes
        array = plain.contiguous().view(sys.modules["torch"].uint8).numpy()
    digest = combine("tensor", str(tensor.dtype), array_digest(np.asarray(array), limits))
    shape = tuple(tensor.shape)
    return FrameDescription(_type_name(tensor), named(digest), shape[0] if shape else None, None, shape)


_KINDS: tuple[tuple[str, str, Any], ...] = (
    ("pandas", "DataFrame", _pandas_frame),
    ("pandas", "Series", _pandas_series),
    ("polars", "DataFrame", _polars_frame),
    ("polars", "Series", _polars_series),
    ("pyarrow", "Table", _arrow_table),
    ("pyarrow", "Array", _arrow_array),
    ("pyarrow", "ChunkedArray", _arrow_array),
    ("numpy", "ndarray", _numpy_array),
    ("scipy.sparse", "spmatrix", _sparse),
    ("scipy.sparse", "sparray", _sparse),
    ("torch", "Tensor", _tensor),
)
