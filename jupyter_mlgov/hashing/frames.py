"""Tables and arrays in memory, described: what they are, how large, and one digest for each column.

``describe_frame`` never raises and never changes what it looks at: what has no canonical form has ``digest``
None and a ``reason``, and a column without one says ``unhashable: reason`` in its place. An object is
recognised by its type alone, among the libraries that the session has loaded; none is imported to find out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from jupyter_mlgov.hashing.arrays import (
    BLOCK,
    PIECE,
    array_digest,
    content_digests,
    dtype_label,
    encode_block,
)
from jupyter_mlgov.hashing.arrow import chunks_digest, type_label
from jupyter_mlgov.hashing.digest import Limits, Unhashable, combine, named
from jupyter_mlgov.hashing.values import Encoder, class_name
from jupyter_mlgov.records.manifest import Column

if TYPE_CHECKING:
    import pyarrow as pa

UNHASHABLE = "unhashable: "


class FrameDescription(Struct, frozen=True):
    """A table or array. ``rows`` is its length; ``columns`` is None for arrays; ``shape`` is as NumPy has it.

    ``digest`` is None exactly when there is a ``reason``.
    """

    type: str
    digest: str | None
    rows: int | None = None
    columns: tuple[Column, ...] | None = None
    shape: tuple[int, ...] | None = None
    reason: str | None = None


Describe = Callable[[Any, str, Limits], FrameDescription]
Found = tuple[str, bytes | Unhashable]
"""A column's dtype, and its digest or the reason why it has none."""


def describe_frame(value: object, *, limits: Limits | None = None) -> FrameDescription | None:
    """What ``value`` is and holds, or None when it is no table or array of a library that is loaded.

    Past ``limits`` the digest is None and the reason says so.
    """
    describe = _describer(type(value))
    if describe is None:
        return None
    label = public_name(type(value))
    try:
        return describe(value, label, limits or Limits())
    except Unhashable as error:
        return FrameDescription(label, None, reason=str(error))
    except Exception as error:  # noqa: BLE001 - a broken or foreign array raises anything; its text is not asked for
        return FrameDescription(label, None, reason=f"{type(error).__name__} while it was read")


def is_frame(kind: type) -> bool:
    """Whether objects of the class ``kind`` are tables or arrays of a library that is loaded."""
    return _describer(kind) is not None


def _describer(kind: type) -> Describe | None:
    for base in type.mro(kind):
        library = base.__module__.partition(".")[0] if isinstance(base.__module__, str) else ""
        if library in _LIBRARIES:
            if base.__module__.startswith("scipy.sparse") and base.__name__ in (
                "_spbase",
                "spmatrix",
                "sparray",
            ):
                return _sparse
            found = _DESCRIBERS.get((library, base.__name__))
            if found is not None:
                return found
    return None


def public_name(kind: type) -> str:
    """``pandas.DataFrame`` rather than ``pandas.core.frame.DataFrame``."""
    name = class_name(kind)
    library, _, rest = name.partition(".")
    short = rest.rpartition(".")[2]
    if name.startswith("scipy.sparse."):
        return f"scipy.sparse.{short}"
    return f"{library}.{short}" if library in _LIBRARIES else name


def column_name(name: object) -> str:
    """A column's name as text. The frame's digest tells ``1`` from ``"1"``, this does not."""
    if isinstance(name, str):
        return str.__str__(name)
    if isinstance(name, tuple):
        return "(" + ", ".join(column_name(part) for part in name) + ")"
    if name is None or type(name).__module__.partition(".")[0] in ("builtins", "numpy", "pandas", "datetime"):
        return str(name)[:200]
    return f"<{class_name(type(name))}>"


def _assemble(
    label: str, family: str, shape: tuple[int, ...], names: list[Any], found: Iterable[Found],
    limits: Limits, index: bytes = b"",
) -> FrameDescription:  # fmt: skip
    encoder = Encoder(
        Limits(deadline=limits.deadline)
    )  # names are few: a column that spent it all leaves them theirs
    parts: list[bytes] = []
    columns: list[Column] = []
    reason: str | None = None
    for name, (dtype, digest) in zip(names, found, strict=True):
        text = column_name(name)
        if isinstance(digest, Unhashable):
            reason = reason or f"column {text!r}: {digest}"
            columns.append(Column(name=text, dtype=dtype, digest=f"{UNHASHABLE}{digest}"))
        else:
            columns.append(Column(name=text, dtype=dtype, digest=named(digest)))
            parts += [encoder.one(name), digest]
    whole = None if reason else named(combine(f"mlgov.{family}.1", shape[0], index, len(names), *parts))
    return FrameDescription(label, whole, shape[0], tuple(columns), shape, reason)


def _attempt(digest: Callable[[Any, Limits], bytes], value: Any, limits: Limits) -> bytes | Unhashable:
    try:
        return digest(value, limits)
    except Unhashable as error:
        return error


# -- pandas ----------------------------------------------------------------------------------------------------


def _pandas_frame(frame: Any, label: str, limits: Limits) -> FrameDescription:
    from jupyter_mlgov.hashing.pandas_columns import index_digest

    names = frame.columns.tolist()
    index = combine("axes", index_digest(frame.index, limits), Encoder(limits).one(list(frame.columns.names)))
    shape = (int(frame.shape[0]), int(frame.shape[1]))
    return _assemble(label, "frame", shape, names, _pandas_columns(frame, limits), limits, index)


def _pandas_columns(frame: Any, limits: Limits) -> Iterator[Found]:
    """Columns in their order; neighbours that lie interleaved in one block are read together."""
    from jupyter_mlgov.hashing.pandas_columns import column_digest, numpy_values, plain_column

    waiting: list[Any] = []

    def together() -> Iterator[Found]:
        for array, content in zip(waiting, content_digests(waiting, limits) if waiting else (), strict=True):
            yield dtype_label(array.dtype), plain_column(array, content)
        waiting.clear()

    for _, series in frame.items():  # noqa: PERF102 - no dict
        values = series.array
        array = numpy_values(values)
        if array is not None and _interleaved(array):
            waiting.append(array)
            continue
        yield from together()
        yield _pandas_label(values, array), _attempt(column_digest, values, limits)
    yield from together()


def _interleaved(array: Any) -> bool:
    return array.dtype.kind in "biufc" and array.strides != (array.itemsize,) and array.nbytes > PIECE // 8


def _pandas_label(values: Any, array: Any) -> str:
    return str(values.dtype) if array is None else dtype_label(array.dtype)


def _pandas_series(series: Any, label: str, limits: Limits) -> FrameDescription:
    from jupyter_mlgov.hashing.pandas_columns import column_digest, index_digest, numpy_values

    index = index_digest(series.index, limits)
    found = (
        _pandas_label(series.array, numpy_values(series.array)),
        _attempt(column_digest, series.array, limits),
    )
    described = _assemble(label, "series", (len(series), 1), [series.name], [found], limits, index)
    return FrameDescription(
        label, described.digest, described.rows, described.columns, (len(series),), described.reason
    )


def _pandas_index(index: Any, label: str, limits: Limits) -> FrameDescription:
    from jupyter_mlgov.hashing.pandas_columns import index_digest

    digest = named(combine("mlgov.index.1", index_digest(index, limits)))
    return FrameDescription(label, digest, len(index), None, (len(index),))


def _pandas_array(array: Any, label: str, limits: Limits) -> FrameDescription:
    from jupyter_mlgov.hashing.pandas_columns import column_digest

    digest = named(combine("mlgov.pandas.1", column_digest(array, limits)))
    return FrameDescription(label, digest, len(array), None, (len(array),))


# -- polars and Arrow ------------------------------------------------------------------------------------------


def _polars_frame(frame: Any, label: str, limits: Limits) -> FrameDescription:
    found = ((str(series.dtype), _attempt(_polars_column, series, limits)) for series in frame.iter_columns())
    return _assemble(label, "polars", frame.shape, frame.columns, found, limits)


def _polars_series(series: Any, label: str, limits: Limits) -> FrameDescription:
    digest = combine("mlgov.polars.series.1", series.name, _polars_column(series, limits))
    return FrameDescription(label, named(digest), len(series), None, (len(series),))


def _polars_column(series: Any, limits: Limits) -> bytes:
    polars = sys.modules["polars"]
    label = str(series.dtype)
    if series.dtype == polars.Object:
        encoder = Encoder(limits)
        blocks = (
            encode_block(series[at : at + BLOCK].to_list(), encoder) for at in range(0, len(series), BLOCK)
        )
        return combine("polars.object", len(series), *blocks)
    if series.dtype == polars.Categorical:  # its codes are those of the process, not of the data
        series = series.cast(polars.String)
    chunks = [chunk.to_arrow(compat_level=polars.CompatLevel.newest()) for chunk in series.get_chunks()]
    digest = chunks_digest(chunks[0].type, chunks, limits, size=series.estimated_size())
    return combine("polars", label, digest)


def arrow_columns(table: pa.Table, *, limits: Limits | None = None) -> tuple[Column, ...]:
    """The columns of an Arrow table, each with a digest of its values. Raises ``Unhashable``."""
    limits = limits or Limits()
    return tuple(
        Column(name=name, dtype=type_label(column.type), digest=named(arrow_column(column, limits)))
        for name, column in zip(table.column_names, table.columns, strict=True)
    )


def arrow_column(array: Any, limits: Limits) -> bytes:
    """32 bytes for type and values of a pyarrow ``Array`` or ``ChunkedArray``. Raises ``Unhashable``."""
    chunks = array.chunks if hasattr(array, "chunks") else [array]
    return combine(
        "arrow", type_label(array.type), chunks_digest(array.type, chunks, limits, size=array.nbytes)
    )


def _arrow_table(table: Any, label: str, limits: Limits) -> FrameDescription:
    found = ((type_label(column.type), _attempt(arrow_column, column, limits)) for column in table.columns)
    return _assemble(label, "arrow", tuple(table.shape), list(table.schema.names), found, limits)


def _arrow_array(array: Any, label: str, limits: Limits) -> FrameDescription:
    digest = named(combine("mlgov.arrow.array.1", arrow_column(array, limits)))
    return FrameDescription(label, digest, len(array), None, (len(array),))


# -- arrays ----------------------------------------------------------------------------------------------------


def _numpy_array(array: Any, label: str, limits: Limits) -> FrameDescription:
    from jupyter_mlgov.hashing.arrays import masked_digest

    numpy = sys.modules["numpy"]
    plain = array.view(numpy.ndarray)
    shape = tuple(int(size) for size in plain.shape)
    rows = shape[0] if shape else None
    masked = isinstance(array, numpy.ma.MaskedArray)
    if not masked and not label.startswith("numpy.") and getattr(array, "__dict__", None):
        return FrameDescription(label, None, rows, None, shape, "its class adds attributes to NumPy's array")
    digest = (
        masked_digest(plain, numpy.ma.getmaskarray(array), limits) if masked else array_digest(plain, limits)
    )
    return FrameDescription(label, named(combine("mlgov.array.1", digest)), rows, None, shape)


def _sparse(matrix: Any, label: str, limits: Limits) -> FrameDescription:
    from jupyter_mlgov.hashing.sparse import sparse_digest

    shape = tuple(int(size) for size in matrix.shape)
    return FrameDescription(label, named(sparse_digest(matrix, limits)), shape[0], None, shape)


def _torch_tensor(tensor: Any, label: str, limits: Limits) -> FrameDescription:
    from jupyter_mlgov.hashing.tensors import tensor_digest

    shape = tuple(int(size) for size in tensor.shape)
    rows = shape[0] if shape else None
    return FrameDescription(label, named(tensor_digest(tensor, limits)), rows, None, shape)


def _lazy(value: Any, label: str, limits: Limits) -> FrameDescription:
    return FrameDescription(label, None, reason="it is lazy: nothing has been computed yet")


_DESCRIBERS: dict[tuple[str, str], Describe] = {
    ("pandas", "DataFrame"): _pandas_frame, ("pandas", "Series"): _pandas_series,
    ("pandas", "Index"): _pandas_index, ("pandas", "ExtensionArray"): _pandas_array,
    ("polars", "DataFrame"): _polars_frame, ("polars", "Series"): _polars_series, ("polars", "LazyFrame"): _lazy,
    ("pyarrow", "Table"): _arrow_table, ("pyarrow", "RecordBatch"): _arrow_table,
    ("pyarrow", "Array"): _arrow_array, ("pyarrow", "ChunkedArray"): _arrow_array,
    ("numpy", "ndarray"): _numpy_array, ("torch", "Tensor"): _torch_tensor,
    ("dask", "DataFrame"): _lazy, ("dask", "Series"): _lazy, ("dask", "Array"): _lazy,
}  # fmt: skip
_LIBRARIES = frozenset({"scipy"} | {library for library, _ in _DESCRIBERS})
