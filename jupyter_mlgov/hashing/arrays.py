"""NumPy arrays: dtype, shape and the elements in C order, whatever their layout.

Strides, memory order and byte order are layout. Every NaN is the same NaN, padding between the fields of a
record is nothing, and ``-0.0`` is another value than ``0.0``. Arrays that are not contiguous are gathered
piece by piece: there is never a whole copy.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from jupyter_mlgov.hashing.digest import Limits, Unhashable, combine, hasher
from jupyter_mlgov.hashing.values import Encoder

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

PIECE = 1 << 21
"""Bytes that are gathered or cleaned at a time."""
STRIDE = 1 << 26
"""Bytes that are hashed between two looks at the clock (and at an interrupt)."""
TILE = 1 << 14
"""Rows of a block of columns that are gathered together."""
BLOCK = 1 << 16
"""Python objects that are encoded at a time."""


def array_digest(array: Array, limits: Limits) -> bytes:
    """32 bytes for dtype, shape and elements. Raises ``Unhashable``."""
    shape = ",".join(map(str, array.shape))
    return combine("array", dtype_label(array.dtype), shape, content_digest(array, limits))


def masked_digest(array: Array, mask: Array, limits: Limits) -> bytes:
    """32 bytes for a masked array: what lies under the mask is nothing."""
    import numpy as np

    if array.dtype.names is not None or array.dtype.kind in "OT":
        raise Unhashable("masked arrays of records and objects have no canonical form")
    state = hasher(array.nbytes)
    rows = array.reshape(1, *array.shape) if array.ndim == 0 else array
    masks = mask.reshape(rows.shape)
    step = max(1, PIECE * len(rows) // max(rows.nbytes, 1))
    for start in range(0, len(rows), step):
        piece = rows[start : start + step].copy()
        piece[masks[start : start + step]] = np.zeros((), array.dtype)
        feed(state, piece, limits)
    shape = ",".join(map(str, array.shape))
    return combine("masked", dtype_label(array.dtype), shape, content_digest(mask, limits), state.digest())


@functools.lru_cache(maxsize=512)
def dtype_label(dtype: np.dtype[Any]) -> str:
    """The dtype's name without byte order and padding: ``float64``, ``datetime64[ns]``, ``{a: int64, b: str32}``."""
    if dtype.names is not None and dtype.fields is not None:
        fields = (f"{name!r}: {dtype_label(dtype.fields[name][0])}" for name in dtype.names)
        return "{" + ", ".join(fields) + "}"
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return f"{dtype_label(base)}{list(shape)}"
    if dtype.kind == "T":
        return "StringDType" + (":missing" if hasattr(dtype, "na_object") else "")
    return str(dtype.name)


def content_digest(array: Array, limits: Limits) -> bytes:
    """32 bytes for the elements in C order."""
    dtype = array.dtype
    if dtype.names is not None:
        return combine("record", *(content_digest(array[name], limits) for name in dtype.names))
    if dtype.kind in "OT":
        return _objects_digest(array, limits)
    state = hasher(array.nbytes)
    feed(state, array, limits)
    return state.digest()


def content_digests(arrays: list[Array], limits: Limits) -> list[bytes]:
    """``content_digest`` of several plain columns of equal length that lie interleaved in memory.

    They are gathered tile by tile, so that memory is read once and not once for each of them.
    """
    import numpy as np

    states = [blake3() for _ in arrays]
    for start in range(0, len(arrays[0]), TILE):
        limits.spend()
        for state, array in zip(states, arrays, strict=True):
            feed(state, np.ascontiguousarray(array[start : start + TILE]), limits)
    return [state.digest() for state in states]


def feed(state: blake3, array: Array, limits: Limits) -> None:
    """Puts the elements of a plain (not object, not record) array into ``state``, in C order."""
    if array.nbytes == 0:
        return
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind not in "biufcmMSUV":
        raise Unhashable(f"dtype {array.dtype.name} has no canonical form")
    step = max(1, (STRIDE if array.dtype.isnative else PIECE) // size)
    for flat in pieces(array):
        for start in range(0, len(flat), step):
            limits.spend()
            piece = flat[start : start + step]
            if not piece.dtype.isnative:
                piece = piece.astype(piece.dtype.newbyteorder("="))
            if kind in "fc":
                _feed_floats(state, piece)
            else:
                state.update(_raw(piece))


def _raw(flat: Array) -> memoryview:
    import numpy as np

    return flat.view(np.uint8).data


def pieces(array: Array) -> Iterator[Array]:
    """The elements in C order as flat contiguous arrays; only what is not contiguous is copied, a piece a time."""
    import numpy as np

    if array.flags.c_contiguous:
        yield array.reshape(-1)
    elif array.nbytes <= PIECE or array.ndim == 0:
        yield np.ascontiguousarray(array).reshape(-1)
    else:
        each = array.nbytes // len(array)
        if each > PIECE and array.ndim > 1:
            for row in array:
                yield from pieces(row)
        else:
            step = max(1, PIECE // max(each, 1))
            for start in range(0, len(array), step):
                yield np.ascontiguousarray(array[start : start + step]).reshape(-1)


def _feed_floats(state: blake3, flat: Array) -> None:
    import numpy as np

    if flat.dtype.itemsize > (16 if flat.dtype.kind == "c" else 8):
        for start in range(0, len(flat), BLOCK):
            _feed_long(state, flat[start : start + BLOCK])
        return
    if flat.dtype.kind == "c":
        flat = flat.view(f"f{flat.dtype.itemsize // 2}")
    with np.errstate(all="ignore"):
        clean = not np.isnan(flat.min())
    if clean:
        state.update(_raw(flat))
        return
    step = PIECE // flat.dtype.itemsize
    for start in range(0, len(flat), step):
        piece = flat[start : start + step]
        missing = np.isnan(piece)
        bits = piece.view(f"u{piece.itemsize}")
        if np.count_nonzero(missing) != np.count_nonzero(bits == _nan_bits(bits.dtype)):
            piece = piece.copy()
            piece[missing] = np.nan
        state.update(_raw(piece))


@functools.cache
def _nan_bits(unsigned: np.dtype[Any]) -> Any:
    import numpy as np

    return np.array(np.nan, f"f{unsigned.itemsize}").view(unsigned)[()]


def _feed_long(state: blake3, flat: Array) -> None:
    """Extended precision has padding bytes: each number is written as the sum of two doubles."""
    import numpy as np

    if flat.dtype.kind == "c":
        flat = flat.view(np.longdouble)
    with np.errstate(all="ignore"):
        high = flat.astype("f8")
        rest = np.where(np.isfinite(high), flat - high, 0).astype("f8")
    _feed_floats(state, np.stack([high, rest], axis=1).reshape(-1))


def _objects_digest(array: Array, limits: Limits) -> bytes:
    state = hasher(array.nbytes * 4)
    encoder = Encoder(limits)
    flat = array.reshape(-1) if array.flags.c_contiguous else array.flat
    for start in range(0, array.size, BLOCK):
        state.update(encode_block(flat[start : start + BLOCK].tolist(), encoder))
    return state.digest()


_PACKED: dict[type, str] = {int: "q", float: "d", bool: "?"}


@functools.cache
def _numpy_numbers() -> frozenset[type]:
    """NumPy's types of numbers that count as the Python number that they hold."""
    import numpy as np

    return frozenset(np.dtype(code).type for code in "?bhilqBHILQefd")


def encode_block(values: list[Any], encoder: Encoder) -> bytes:
    """Up to ``BLOCK`` Python values; numbers of one type are packed, which is ten times faster."""
    import numpy as np

    encoder.limits.spend(len(values))
    kinds = set(map(type, values))
    if not kinds.isdisjoint(_numpy_numbers()):
        values = [value.item() if type(value) in _numpy_numbers() else value for value in values]
        kinds = set(map(type, values))
    if len(kinds) == 1 and (code := _PACKED.get(kinds.pop())) is not None:
        try:
            packed = np.array(values, dtype=code)
        except OverflowError:
            pass
        else:
            state = blake3()
            feed(state, packed, encoder.limits)
            return combine("packed", code, len(values), state.digest())
    out = bytearray()
    for value in values:
        encoder.encode(value, out)
    return combine("values", len(values), bytes(out))
