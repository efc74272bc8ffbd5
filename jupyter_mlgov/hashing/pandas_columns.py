"""pandas columns and indexes: dtype and values, whatever array holds them.

One dtype has one digest whichever library stores it (``str`` in Python objects or in Arrow). An index counts
as its values: a ``RangeIndex`` is the ``Int64`` index with the same numbers. An object column that holds only
strings and NaN is a ``str`` column, because that is what Parquet gives back; with None in it, it is another
one. Python objects are looked at one block at a time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.hashing.arrays import BLOCK, PIECE, content_digest, dtype_label
from jupyter_mlgov.hashing.arrow import TextHasher, chunks_digest, column_hasher
from jupyter_mlgov.hashing.digest import Limits, Unhashable, combine, hasher
from jupyter_mlgov.hashing.values import Encoder, class_name

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, np.dtype[Any]]

TEXTS = 1 << 13
"""Strings that are joined at a time."""


def column_digest(values: Any, limits: Limits) -> bytes:
    """32 bytes for a pandas array (``Series.array``, ``Index.array``). Raises ``Unhashable``."""
    import numpy as np
    import pandas as pd

    dtype = values.dtype
    rows = len(values)
    plain = numpy_values(values)
    if plain is not None:
        return numpy_column(plain, limits)
    if isinstance(dtype, pd.CategoricalDtype):
        categories = index_digest(values.categories, limits)
        smallest = np.min_scalar_type(-len(values.categories) - 1)
        codes = content_digest(values.codes.astype(smallest, copy=False), limits)
        return combine("category", rows, int(bool(values.ordered)), categories, codes)
    if isinstance(dtype, pd.DatetimeTZDtype):
        unit, stamps = moments(values.view("i8"), dtype.unit)
        label = f"datetime64[{unit}, {zone_label(dtype.tz)}]"
        return combine("column", label, rows, content_digest(stamps, limits))
    if isinstance(dtype, pd.PeriodDtype):
        return combine("column", str(dtype), rows, content_digest(values.view("i8"), limits))
    if isinstance(dtype, pd.IntervalDtype):
        sides = (column_digest(side.array, limits) for side in (values.left, values.right))
        return combine("interval", str(dtype), rows, *sides)
    if isinstance(dtype, pd.SparseDtype):
        return combine("sparse", str(dtype), rows, _sparse(values, limits))
    if isinstance(dtype, pd.StringDtype):
        return _strings(values, limits)
    if isinstance(dtype, pd.ArrowDtype) or type(values).__module__.startswith("pandas."):
        return _through_arrow(str(dtype), values, limits)
    if class_name(type(dtype)) == "geopandas.array.GeometryDtype":
        return _geometries(values, limits)
    raise Unhashable(f"the extension dtype {class_name(type(dtype))} has no canonical form")


def numpy_values(values: Any) -> Array | None:
    """The NumPy array behind a pandas array, or None where there is none."""
    import numpy as np
    import pandas as pd

    if isinstance(values.dtype, pd.StringDtype):  # its Python array passes for one of NumPy's
        return None
    if isinstance(values, pd.arrays.NumpyExtensionArray) or isinstance(values.dtype, np.dtype):
        return values.to_numpy()  # type: ignore[no-any-return]
    return None


def numpy_column(values: Array, limits: Limits) -> bytes:
    """32 bytes for a column in a NumPy array of one dimension."""
    if values.dtype.kind == "O":
        return _object_column(values, limits)
    if values.dtype == "M8[s]":
        unit, stamps = moments(values.view("i8"), "s")
        values = stamps.view(f"M8[{unit}]")
    return plain_column(values, content_digest(values, limits))


def plain_column(values: Array, content: bytes) -> bytes:
    """``numpy_column`` for an array that holds no Python objects, its ``content`` digest being known."""
    return combine("column", dtype_label(values.dtype), len(values), content)


def index_digest(index: pd.Index[Any], limits: Limits) -> bytes:
    """32 bytes for an index's values and names."""
    import pandas as pd

    names = Encoder(limits).one(list(index.names))
    if isinstance(index, pd.MultiIndex):
        levels = (column_digest(index.get_level_values(i).array, limits) for i in range(index.nlevels))
        return combine("multiindex", len(index), names, *levels)
    return combine("index", names, _steps(index) or column_digest(index.array, limits))


def _steps(index: pd.Index[Any]) -> bytes | None:
    """The short form of an index of integers with equal steps: a ``RangeIndex`` is never written out."""
    import numpy as np
    import pandas as pd

    rows = len(index)
    if isinstance(index, pd.RangeIndex):
        start, step = index.start, index.step
    else:
        if index.dtype != np.dtype("int64"):
            return None
        numbers = index.to_numpy()
        start = int(numbers[0]) if rows else 0
        step = int(numbers[1]) - start if rows > 1 else 1
        if rows and int(numbers[-1]) - start != (rows - 1) * step:
            return None
        for first in range(0, rows, BLOCK):
            piece = numbers[first : first + BLOCK]
            if not np.array_equal(piece, np.arange(len(piece), dtype="i8") * step + (start + first * step)):
                return None
    return combine("steps", rows, start if rows else 0, step if rows > 1 else 1)


def zone_label(zone: Any) -> str:
    """One name for a time zone, whichever library made it: ``UTC``, ``+01:00``, ``Europe/Berlin``."""
    import pyarrow as pa

    try:
        return str(pa.lib.tzinfo_to_string(zone))
    except (ValueError, TypeError, NotImplementedError, pa.ArrowException):
        raise Unhashable(f"the time zone {class_name(type(zone))} has no name") from None


def moments(stamps: Array, unit: str) -> tuple[str, Array]:
    """Moments of whole seconds as milliseconds: Parquet has no seconds and gives milliseconds back."""
    import numpy as np

    if unit != "s":
        return unit, stamps
    known = stamps[stamps != np.iinfo("i8").min]
    if len(known) and max(abs(int(known.min())), abs(int(known.max()))) > np.iinfo("i8").max // 1000:
        return unit, stamps
    return "ms", np.where(stamps == np.iinfo("i8").min, stamps, stamps * 1000)


def _sparse(values: Any, limits: Limits) -> bytes:
    """The dense values, a block at a time."""
    import numpy as np

    state = hasher(len(values) * 8)
    for start in range(0, len(values), BLOCK):
        state.update(content_digest(np.asarray(values[start : start + BLOCK]), limits))
    return state.digest()


def _strings(values: Any, limits: Limits) -> bytes:
    import pyarrow as pa

    label = str(values.dtype.name)
    if values.dtype.storage == "pyarrow":
        array = values.__arrow_array__()
        chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
        return combine("strings", label, chunks_digest(array.type, chunks, limits, size=array.nbytes))
    objects = values.to_numpy(dtype=object)
    found = _text_digest(objects, limits)
    if found is None:
        return combine("objects", label, len(objects), content_digest(objects, limits))
    return combine("strings", label, found[0])


def _object_column(values: Array, limits: Limits) -> bytes:
    found = _text_digest(values, limits)
    if found is not None and len(found[1]) <= 1:
        missing = found[1].pop() if found[1] else float
        label = "str" if issubclass(missing, float) else f"object:{class_name(missing)}"
        return combine("strings", label, found[0])
    return combine("objects", "object", len(values), content_digest(values, limits))


def _text_digest(values: Array, limits: Limits) -> tuple[bytes, set[type]] | None:
    """Strings in Python objects as the Arrow column that they would make, and the types that stand for missing.

    None when there is anything else in it.
    """
    import pandas as pd
    import pyarrow as pa

    stream = TextHasher(pa.large_string(), limits, values.nbytes)
    kinds: set[type] = set()
    checked = False
    start, count = 0, TEXTS
    while start < len(values):
        limits.spend()
        block = values[start : start + count]
        start += count
        if size := joined(block.tolist(), stream):
            count = max(1, min(BLOCK, count * PIECE // size))
            continue
        if not checked and pd.api.types.infer_dtype(values, skipna=True) not in ("string", "empty"):
            return None
        checked = True
        try:
            array = pa.array(block, pa.large_string(), from_pandas=True)
        except (UnicodeEncodeError, pa.ArrowException):  # a lone surrogate is no UTF-8
            return None
        if array.null_count:
            kinds.update(map(type, block[array.is_null().to_numpy(zero_copy_only=False)]))
        stream.update(array)
    return stream.digest(), kinds


def joined(strings: list[Any], stream: TextHasher) -> int:
    """Appends strings to a text stream by way of one joined string, which is twice as fast as Arrow's way.

    Returns about how many bytes that was; 0, and nothing appended, when not all are strings or one of them holds
    the separator.
    """
    import numpy as np

    try:
        marked = np.frombuffer("\0".join(strings).encode(), np.uint8)
    except (TypeError, UnicodeEncodeError):
        return 0
    ends = np.flatnonzero(marked == 0)
    if len(ends) != len(strings) - 1:
        return 0
    stream.append(np.diff(ends, prepend=-1, append=len(marked)) - 1, "".join(strings).encode())
    return len(marked) + 1


def _geometries(values: Any, limits: Limits) -> bytes:
    """Shapes as their well-known bytes, with the name of their coordinates' reference system."""
    import numpy as np
    import pyarrow as pa

    shapely: Any = importlib.import_module("shapely")
    state = column_hasher(pa.large_binary(), limits, size=len(values) * 32)
    for start in range(0, len(values), BLOCK):
        limits.spend()
        shapes = np.asarray(values[start : start + BLOCK], dtype=object)
        state.update(pa.array(shapely.to_wkb(shapes, byte_order=1), type=pa.large_binary()))
    system = "" if values.crs is None else values.crs.to_string()
    return combine("geometry", system, len(values), state.digest())


def _through_arrow(label: str, values: Any, limits: Limits) -> bytes:
    """Masked and Arrow columns: pandas hands them to Arrow a slice at a time, mostly without a copy."""
    import pyarrow as pa

    state = None
    for start in range(0, len(values), BLOCK * 4):
        limits.spend()
        array = values[start : start + BLOCK * 4].__arrow_array__()
        state = state or column_hasher(array.type, limits, size=len(values) * 8)
        for chunk in array.chunks if isinstance(array, pa.ChunkedArray) else [array]:
            state.update(chunk)
    return combine("column", label, len(values), state.digest() if state else b"")
