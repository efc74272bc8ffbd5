"""Describing frames: what is recognised, what is said about it, and what is never done to it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from jupyter_mlgov.hashing.digest import Limits
from jupyter_mlgov.hashing.frames import describe_frame
from tests.hashing.rows_reasons import Unknown


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pd.DataFrame({"a": [1, 2]}), ("pandas.DataFrame", 2, (2, 1))),
        (pd.Series([1, 2]), ("pandas.Series", 2, (2,))),
        (pd.date_range("2020", periods=3), ("pandas.DatetimeIndex", 3, (3,))),
        (pd.array([1, None]), ("pandas.IntegerArray", 2, (2,))),
        (pl.DataFrame({"a": [1, 2]}), ("polars.DataFrame", 2, (2, 1))),
        (pl.Series([1]), ("polars.Series", 1, (1,))),
        (pa.table({"a": [1, 2], "b": [1, 2]}), ("pyarrow.Table", 2, (2, 2))),
        (pa.array([1]), ("pyarrow.Int64Array", 1, (1,))),
        (pa.chunked_array([[1]]), ("pyarrow.ChunkedArray", 1, (1,))),
        (np.zeros((3, 4)), ("numpy.ndarray", 3, (3, 4))),
        (np.array(5), ("numpy.ndarray", None, ())),
        (np.zeros((0, 4)), ("numpy.ndarray", 0, (0, 4))),
        (np.ma.array([1, 2]), ("numpy.MaskedArray", 2, (2,))),
        (sp.eye(3, format="csr"), ("scipy.sparse.csr_matrix", 3, (3, 3))),
        (sp.coo_array(np.eye(3)), ("scipy.sparse.coo_array", 3, (3, 3))),
    ],
)
def test_it_says_what_a_table_or_array_is(value: Any, expected: tuple[Any, ...]) -> None:
    found = describe_frame(value)
    assert found is not None
    assert (found.type, found.rows, found.shape) == expected
    assert found.digest is not None
    assert found.digest.startswith("blake3:")


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "text",
        [1, 2],
        {"a": [1]},
        np.float64(1),
        np.int8,
        pd.NA,
        pd.Timestamp(0),
        pytest.param(Unknown(), id="unknown"),
        Unknown,
        pd,
        print,
    ],
)
def test_anything_else_is_no_frame(value: Any) -> None:
    assert describe_frame(value) is None


def test_columns_have_names_dtypes_and_digests_of_their_own() -> None:
    frame = pd.DataFrame({"a": [1, 2], 7: ["x", None], ("t", 1): [0.5, np.nan]})
    found = describe_frame(frame)
    assert found is not None
    assert found.columns is not None
    assert [(column.name, column.dtype) for column in found.columns] == [
        ("a", "int64"),
        ("7", str(frame[7].dtype)),
        ("(t, 1)", "float64"),
    ]
    renamed = describe_frame(frame.set_axis(list("xyz"), axis=1))
    assert renamed is not None
    assert renamed.columns is not None
    assert [c.digest for c in renamed.columns] == [c.digest for c in found.columns]
    assert renamed.digest != found.digest


def test_one_column_without_a_digest_leaves_the_others_theirs() -> None:
    found = describe_frame(pd.DataFrame({"a": [1], "b": pd.Series([Unknown()], dtype=object)}))
    assert found is not None
    assert found.columns is not None
    assert found.digest is None
    assert found.columns[0].digest.startswith("blake3:")
    assert found.columns[1].digest == "unhashable: holds an object of type tests.hashing.rows_reasons.Unknown"


def test_a_frame_of_a_class_of_the_users_is_a_frame() -> None:
    class Mine(pd.DataFrame):
        @property
        def _constructor(self) -> Any:
            return Mine

        def __repr__(self) -> str:
            raise AssertionError("repr was called")

    mine, plain = describe_frame(Mine({"a": [1, 2]})), describe_frame(pd.DataFrame({"a": [1, 2]}))
    assert mine is not None
    assert plain is not None
    assert mine.type.endswith("Mine")
    assert mine.digest == plain.digest


@pytest.mark.parametrize("name", ["ndarray", "DataFrame", "Tensor"])
def test_a_class_that_only_has_the_name_is_no_frame(name: str) -> None:
    assert describe_frame(type(name, (), {"__getattr__": lambda self, n: 1 / 0})()) is None


def test_the_limit_of_python_objects_is_a_reason() -> None:
    frame = pd.DataFrame({"a": pd.Series([(k, "x") for k in range(1000)], dtype=object)})
    assert describe_frame(frame, limits=Limits(objects=5000)).reason is None  # type: ignore[union-attr]
    found = describe_frame(frame, limits=Limits(objects=1500))
    assert found is not None
    assert (found.digest, found.reason) == (None, "column 'a': more Python objects than the limit allows")


def test_the_limit_counts_what_is_nested() -> None:
    bomb: list[Any] = []
    for _ in range(30):
        bomb = [bomb, bomb]
    found = describe_frame(pd.Series([bomb, 1], dtype=object), limits=Limits(objects=10_000))
    assert found is not None
    assert found.reason == "column 'None': more Python objects than the limit allows"


def test_past_the_deadline_the_rest_is_left_out() -> None:
    found = describe_frame(pd.DataFrame({"a": np.zeros(9)}), limits=Limits(deadline=time.monotonic() - 1))
    assert found is not None
    assert found.reason == "column 'a': the time budget was used up"


def test_looking_at_a_frame_changes_nothing_in_it() -> None:
    matrix = sp.csr_matrix(
        (np.array([1.0, 0.0, 2.0]), (np.array([0, 0, 0]), np.array([2, 1, 2]))), shape=(2, 3)
    )
    before = (vars(matrix).copy(), matrix.data.copy())
    frame = pd.DataFrame({"a": [np.nan, 1.0], "b": ["x", None]})
    state = np.random.get_state()[1].tolist()  # type: ignore[index]
    describe_frame(frame)
    describe_frame(matrix)
    assert vars(matrix).keys() == before[0].keys()
    np.testing.assert_array_equal(matrix.data, before[1])
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index]


def test_there_is_no_copy_of_the_frame() -> None:
    values = np.random.default_rng(0).standard_normal((400_000, 10))
    values[::7] = np.nan
    frame = pd.DataFrame(values)
    frame["s"] = pd.Series([f"text {k}" for k in range(len(frame))], dtype=object)
    frame["c"] = frame[0].astype("complex128")
    describe_frame(frame.head(10))
    tracemalloc.start()
    describe_frame(frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < values.nbytes / 3


def test_no_library_is_loaded_to_look_for_frames() -> None:
    code = """
        import sys
        from jupyter_mlgov.hashing.frames import describe_frame
        for value in (1, "x", [1], object(), type("Frame", (), {})()):
            assert describe_frame(value) is None
        print([name for name in ("numpy", "pandas", "polars", "pyarrow", "scipy", "sklearn", "torch") if name in sys.modules])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_digests_are_the_same_in_every_process() -> None:
    code = """
        import numpy as np, pandas as pd
        from jupyter_mlgov.hashing.frames import describe_frame
        values = [1, "x", None, 2.5, {"b": 1, "a": {"x", "y", "z"}}, frozenset("abc"), ("t", [1])]
        frame = pd.DataFrame({"o": pd.Series(values, dtype=object), "c": pd.Categorical(list("abcabca"))})
        print(describe_frame(frame).digest, describe_frame(np.arange(9.0)).digest)
    """
    found = {
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_a_forked_child_can_hash_large_arrays() -> None:
    array = np.zeros(1 << 20)
    expected = describe_frame(array)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, (describe_frame(array).digest or "").encode())  # type: ignore[union-attr]
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        assert file.read() == expected.digest  # type: ignore[union-attr]
    os.waitpid(child, 0)


@pytest.mark.parametrize("layout", ["C", "F", "spread"])
def test_pieces_and_tiles_do_not_show(layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlgov.hashing import arrays

    values = np.random.default_rng(0).standard_normal((700, 9))
    values[5, 5] = np.nan
    wide = {"C": values, "F": np.asfortranarray(values), "spread": np.repeat(values, 2, axis=1)[:, ::2]}[
        layout
    ]
    expected = [describe_frame(value) for value in (values, pd.DataFrame(values.copy()), values.astype("g"))]
    for name, size in (("PIECE", 1 << 10), ("TILE", 64), ("STRIDE", 1 << 11), ("BLOCK", 100)):
        monkeypatch.setattr(arrays, name, size)
    monkeypatch.setattr("jupyter_mlgov.hashing.frames.PIECE", 1 << 10)
    assert [describe_frame(value) for value in (wide, pd.DataFrame(wide), wide.astype("g"))] == expected


def test_rows_of_arrow_columns_that_are_cleaned_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlgov.hashing import arrow

    rows = 1000
    table = pa.table({
        "i": pa.array([k if k % 3 else None for k in range(rows)]),
        "s": pa.array([f"s{k}" if k % 5 else None for k in range(rows)]),
        "v": pa.array([f"a longer string {k}" if k % 5 else None for k in range(rows)], pa.string_view()),
        "l": pa.array([[k] * (k % 4) if k % 7 else None for k in range(rows)]),
        "d": pa.array([f"{k % 4}" if k % 9 else None for k in range(rows)]).dictionary_encode(),
        "b": pa.array([bool(k % 2) if k % 4 else None for k in range(rows)]),
        "r": pa.RunEndEncodedArray.from_arrays([400, 1000], ["x", None]),
    })  # fmt: skip
    expected = describe_frame(table)
    monkeypatch.setattr(arrow, "ROWS", 37)
    assert describe_frame(table) == expected
    assert expected is not None
    assert expected.reason is None


def test_a_gap_in_text_is_the_same_whichever_float_stands_for_it() -> None:
    def digest(gap: Any) -> str | None:
        described = describe_frame(pd.Series(["x", gap, "y"], dtype=object).to_frame("a"))
        assert described is not None
        return described.digest

    assert digest(float("nan")) == digest(np.float64("nan"))
    assert digest(float("nan")) != digest(None)
