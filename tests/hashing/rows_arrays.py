"""The rows of the digest table for NumPy, SciPy and torch."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.hashing.digest_table import Pair, changes, nothing
from tests.hashing.strategies import FLOATS, key

NUMPY, SPARSE, TORCH = "NumPy", "SciPy sparse", "torch"
DTYPES = ["i1", "i8", "u2", "f2", "f4", "f8", "g", "c8", "c16", "?", "M8[ns]", "m8[D]", "U3", "S2", "T", "O"]


@st.composite
def arrays(draw: st.DrawFn, *, min_size: int = 0, min_dims: int = 1, dtypes: Any = DTYPES) -> Any:
    """An array of up to three dimensions and some dtype."""
    shape = draw(
        hnp.array_shapes(min_dims=min_dims, max_dims=3, min_side=0 if not min_size else 1, max_side=5)
    )
    dtype = np.dtypes.StringDType() if (code := draw(st.sampled_from(dtypes))) == "T" else np.dtype(code)
    count = int(np.prod(shape))
    numbers = draw(st.lists(st.integers(0, 99), min_size=count, max_size=count))
    if dtype.kind in "fc":
        numbers = draw(st.lists(st.floats(width=16), min_size=count, max_size=count))
    if dtype.kind in "UST":
        return np.array([str(number) for number in numbers], dtype).reshape(shape)
    if dtype.kind == "O":
        array = np.empty(count, object)
        array[:] = [number if number % 2 else str(number) for number in numbers]
        return array.reshape(shape)
    if dtype.kind in "mM":
        return np.array(numbers, "i8").view(dtype).reshape(shape)
    return np.array(numbers, "f8" if dtype.kind in "fc" else "i8").astype(dtype).reshape(shape)


@changes(NUMPY, "an element")
def _(draw: st.DrawFn) -> Pair:
    array = draw(arrays(min_size=1))
    place = draw(st.integers(0, array.size - 1))
    other = array.copy()
    if array.dtype.kind in "mM":
        other.reshape(-1).view("i8")[place] += 1
    elif array.dtype.kind == "O" or array.dtype.kind in "UST":
        other.reshape(-1)[place] = "x"
    elif array.dtype.kind == "?":
        other.reshape(-1)[place] ^= True
    elif array.dtype.kind == "b":
        other.reshape(-1)[place] = not array.reshape(-1)[place]
    else:
        new = draw(st.sampled_from([0, 1, 5]))
        assume(array.reshape(-1)[place] != new)
        other.reshape(-1)[place] = new
    return array, other


@nothing(NUMPY, "Python's numbers or NumPy's in an array of objects")
def _(draw: st.DrawFn) -> Pair:
    kind, numbers = draw(
        st.sampled_from(
            [(np.int64, st.integers(0, 99)), (np.float64, st.floats()), (np.bool_, st.booleans()), (np.uint8, st.integers(0, 9))]
        )
    )  # fmt: skip
    values = draw(st.lists(numbers | st.none() | st.text(max_size=2), max_size=5))
    array, other = np.empty(len(values), object), np.empty(len(values), object)
    array[:] = values
    for place, value in enumerate(values):
        is_number = value is not None and not isinstance(value, str)
        other[place] = kind(value) if is_number and draw(st.booleans()) else value
    return array, other


@changes(NUMPY, "the dtype, with equal elements", note="also the width of strings and the unit of moments")
def _(draw: st.DrawFn) -> Pair:
    numbers = np.array(draw(st.lists(st.integers(0, 1), max_size=5)), "i8")
    group = draw(
        st.sampled_from(
            [["i1", "u1", "i4", "i8", "f4", "f8", "c8", "?"], ["M8[D]", "M8[s]", "m8[s]"], ["U1", "U2", "S1"]]
        )
    )
    one, other = draw(st.permutations(group))[:2]
    return numbers.astype(one), numbers.astype(other)


@changes(NUMPY, "the shape, with equal elements")
def _(draw: st.DrawFn) -> Pair:
    array = draw(arrays())
    shapes = [(array.size,), (1, array.size), (array.size, 1), array.shape[::-1]]
    other = draw(st.sampled_from(shapes))
    assume(other != array.shape)
    return array, array.reshape(other)


@changes(NUMPY, "`0.0` and `-0.0`")
def _(draw: st.DrawFn) -> Pair:
    rest = draw(st.lists(FLOATS, max_size=5))
    return np.array([0.0, *rest]), np.array([-0.0, *rest])


@changes(NUMPY, "the name or order of a record's fields, and what is masked")
def _(draw: st.DrawFn) -> Pair:
    records = np.zeros(3, [("a", "i4"), ("b", "f8")])
    return draw(
        st.sampled_from(
            [
                (records, records.astype([("a", "i4"), ("c", "f8")])),
                (records, np.zeros(3, [("b", "f8"), ("a", "i4")])),
                (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
                (np.ma.array([1, 2], mask=[0, 0]), np.array([1, 2])),
            ]
        )
    )


@nothing(NUMPY, "C or Fortran order, strides, being a slice or a transposed view")
def _(draw: st.DrawFn) -> Pair:
    array = draw(arrays())
    spread = np.empty(tuple(2 * size + 1 for size in array.shape), array.dtype)
    view = spread[tuple(slice(1, None, 2) for _ in array.shape)]
    view[...] = array
    turned = np.ascontiguousarray(array.T).T
    return array, draw(st.sampled_from([np.asfortranarray(array), view, turned, array[::-1].copy()[::-1]]))


@nothing(NUMPY, "byte order, alignment, being read-only, a memory map, a matrix or a view")
def _(draw: st.DrawFn) -> Pair:
    array = draw(arrays(dtypes=["i4", "f8", "c16", "M8[ns]", "U3"], min_size=1))
    locked = array.copy()
    locked.flags.writeable = False
    shifted = np.zeros(array.nbytes + 1, "u1")[1:].view(array.dtype).reshape(array.shape)
    shifted[...] = array
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "a.npy", array)
        mapped = np.load(Path(folder) / "a.npy", mmap_mode="r")
    return array, draw(
        st.sampled_from([array.astype(array.dtype.newbyteorder(">")), locked, shifted, mapped])
    )


@nothing(NUMPY, "which NaN it is, padding between a record's fields, what lies under a mask")
def _(draw: st.DrawFn) -> Pair:
    odd = np.array([0xFFF8000000000001, 0x7FF8000000000000], "u8").view("f8")
    packed, padded = np.dtype([("a", "i1"), ("b", "f8")]), np.dtype([("a", "i1"), ("b", "f8")], align=True)
    records = np.full(padded.itemsize * 2, 7, "u1").view(padded)
    return draw(
        st.sampled_from(
            [
                (np.array([np.nan, np.nan]), odd),
                (np.array([np.nan, np.nan]).view("c16"), odd.view("c16")),
                (records.astype(packed), records),
                (np.ma.array([1, 2, 3], mask=[0, 1, 0]), np.ma.array([1, 9, 3], mask=[0, 1, 0])),
            ]
        )
    )


# -- sparse ----------------------------------------------------------------------------------------------------


@st.composite
def matrices(draw: st.DrawFn) -> Any:
    """A sparse matrix of some numbers."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    count = shape[0] * shape[1]
    values = draw(st.lists(st.sampled_from([0.0, 0.0, 1.0, -2.5, 3.0]), min_size=count, max_size=count))
    return sp.csr_matrix(np.array(values).reshape(shape))


@changes(SPARSE, "an entry, the shape, the dtype")
def _(draw: st.DrawFn) -> Pair:
    matrix = draw(matrices())
    wider = sp.hstack([matrix, sp.csr_matrix((matrix.shape[0], 1))])
    other = matrix.tolil()
    other[0, 0] = 7.0
    return matrix, draw(st.sampled_from([wider, other.tocsr(), matrix.astype("f4")]))


@nothing(SPARSE, "the format, and array or matrix")
def _(draw: st.DrawFn) -> Pair:
    matrix = draw(matrices())
    format_ = draw(st.sampled_from(["csr", "csc", "coo", "lil", "dok", "bsr", "dia"]))
    return matrix, draw(st.sampled_from([matrix.asformat(format_), sp.csr_array(matrix)]))


@nothing(
    SPARSE, "the order of entries, zeros that are stored, duplicates against their sum, the width of indices"
)
def _(draw: st.DrawFn) -> Pair:
    matrix = draw(matrices())
    coo = matrix.tocoo()
    order = draw(st.permutations(range(coo.nnz)))
    rows, columns, data = (
        np.asarray(part)[list(order)] if order else part for part in (coo.row, coo.col, coo.data)
    )
    stored = sp.coo_matrix((np.r_[data, 0.0], (np.r_[rows, 0], np.r_[columns, 0])), shape=matrix.shape)
    halves = sp.coo_matrix(
        (np.r_[data, data] / 2, (np.r_[rows, rows], np.r_[columns, columns])), shape=matrix.shape
    )
    wide = sp.csr_matrix(
        (matrix.data, matrix.indices.astype("i8"), matrix.indptr.astype("i8")), shape=matrix.shape
    )
    unsorted = sp.csr_matrix((data, (rows, columns)), shape=matrix.shape)
    return matrix, draw(st.sampled_from([stored, halves, wide, unsorted, stored.tocsr()]))


# -- torch -----------------------------------------------------------------------------------------------------


@changes(TORCH, "an element, the dtype, the shape", needs="torch")
def _(draw: st.DrawFn) -> Pair:
    torch = importlib.import_module("torch")
    tensor = torch.arange(6, dtype=torch.float32)
    return tensor, draw(
        st.sampled_from([tensor + 1, tensor.double(), tensor.bfloat16(), tensor.reshape(2, 3), -tensor])
    )


@nothing(TORCH, "strides, views, gradients, and which NaN it is", needs="torch")
def _(draw: st.DrawFn) -> Pair:
    torch = importlib.import_module("torch")
    values = draw(st.lists(st.floats(width=16), min_size=6, max_size=6))
    tensor = torch.tensor(
        values, dtype=draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
    ).reshape(2, 3)
    graded = tensor.clone().requires_grad_()
    return tensor, draw(
        st.sampled_from([tensor.T.contiguous().T, graded, torch.stack([tensor, tensor])[1], tensor.clone()])
    )


assert key
