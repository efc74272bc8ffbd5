"""What has no digest, with the reason that is recorded."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from tests.hashing.digest_table import NoDigest


class Unknown:
    """A class that nobody has heard of; whoever asks its objects anything fails."""

    def __repr__(self) -> str:
        raise AssertionError("repr was called")

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("== was called")

    __hash__ = None  # type: ignore[assignment]


class Tagged(np.ndarray):  # type: ignore[type-arg]
    """An array with an attribute that says what its numbers mean."""


def _tagged() -> Any:
    array = np.zeros(3).view(Tagged)
    array.unit = "m"  # type: ignore[attr-defined]
    return array


def _circular() -> Any:
    circle: list[Any] = []
    circle.append(circle)
    return pd.Series([circle, 1])


def _union() -> Any:
    return pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])


def _objects() -> Any:
    return pd.DataFrame({"a": [1, 2], "b": pd.Series([Unknown(), None], dtype=object)})


NO_DIGEST = [
    NoDigest("an object column with objects of unknown classes", _objects,
             "column 'b': holds an object of type tests.hashing.rows_reasons.Unknown"),
    NoDigest("a circular list in an object column", _circular,
             "column 'None': nested more than 64 deep, or circular"),
    NoDigest("a polars LazyFrame, a Dask collection", lambda: pl.LazyFrame({"a": [1]}),
             "it is lazy: nothing has been computed yet"),
    NoDigest("an Arrow union", _union, "Arrow type sparse_union<0: int64=0, 1: string=1> has no canonical form"),
    NoDigest("an array of a class that adds attributes (units, for example)", _tagged,
             "its class adds attributes to NumPy's array"),
    NoDigest("masked arrays of records or objects", lambda: np.ma.array([object()], mask=[True]),
             "masked arrays of records and objects have no canonical form"),
    NoDigest("sparse, quantized and meta tensors", lambda: importlib.import_module("torch").zeros(2, device="meta"),
             "only dense tensors that hold data have a canonical form", needs="torch"),
]  # fmt: skip
