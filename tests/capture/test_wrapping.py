"""A wrapped reader cannot be told from the original: not in a traceback, a warning, a pickle or its signature."""

from __future__ import annotations

import inspect
import pickle
import traceback
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.capture import audit, readers
from jupyter_mlgov.capture.listening import Listening
from jupyter_mlgov.capture.reads import Reads
from jupyter_mlgov.capture.wrapping import FAILED, looking_on, wrap


@pytest.fixture
def listening() -> Iterator[Listening]:
    """Hears what this process reads, without watching folders."""
    one = Listening(Reads())
    audit.listen(one)
    yield one
    audit.listen(None)


def fails(number: int) -> int:
    """Raises, or warns."""
    if number:
        raise ValueError(number)
    warnings.warn("careful", UserWarning, stacklevel=2)
    return number


def test_the_wrapper_is_in_no_traceback() -> None:
    seen: list[Any] = []
    wrapped = looking_on(fails, lambda args, kwargs: seen.append)
    with pytest.raises(ValueError, match="3") as raised:
        wrapped(3)
    assert [frame.name for frame in traceback.extract_tb(raised.tb)] == [
        "test_the_wrapper_is_in_no_traceback",
        "fails",
    ]
    assert seen == [FAILED]


def test_a_warning_is_put_down_to_the_caller() -> None:
    wrapped = looking_on(fails, lambda args, kwargs: None)
    with pytest.warns(UserWarning) as caught:
        wrapped(0)
    assert caught[0].filename == __file__


def test_duckdb_finds_the_variables_of_the_frame_that_calls_it(
    listening: Listening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    duckdb = pytest.importorskip("duckdb")
    pd = pytest.importorskip("pandas")
    (tmp_path / "a.csv").write_text("b,w\n1,2\n")
    monkeypatch.chdir(tmp_path)
    readers.wrap_module("duckdb", duckdb)

    def inside() -> Any:
        local = pd.DataFrame({"b": [1]})
        connection = duckdb.connect()
        joined = duckdb.sql("select w from local join 'a.csv' using (b)").fetchall()
        return [*joined, *connection.execute("select b from local").fetchall(), len(local)]

    assert inside() == [(2,), (1,), 1]
    assert "a.csv" in {Path(path).name for path in listening.reads.read}
    names = {"duckdb": duckdb, "of_the_module": pd.DataFrame({"b": [7]})}
    exec("found = duckdb.query('select b from of_the_module').fetchall()", names)
    assert names["found"] == [(7,)]
    assert not [name for name in names if "mlgov" in name]
    with pytest.raises(duckdb.CatalogException) as raised:
        duckdb.sql("select * from nowhere")
    assert "<mlgov" not in "".join(traceback.format_tb(raised.tb))


def test_a_wrapped_function_looks_the_same_and_is_wrapped_once() -> None:
    module = types.ModuleType("m")
    module.fails = fails  # type: ignore[attr-defined]
    assert wrap(module, "fails", lambda args, kwargs: None)
    assert not wrap(module, "fails", lambda args, kwargs: None)
    assert (module.fails.__name__, module.fails.__doc__) == ("fails", "Raises, or warns.")
    assert inspect.signature(module.fails) == inspect.signature(fails)
    assert not wrap(module, "missing", lambda args, kwargs: None)


@pytest.mark.parametrize(
    "library", ["pandas", "polars", "pyarrow.parquet", "cv2", "duckdb", "xarray", "zarr"]
)
def test_every_reader_can_still_be_pickled(library: str) -> None:
    module = pytest.importorskip(library)
    readers.wrap_module(library, module)
    for before, names in readers.READERS[library]:
        assert before is not None
        for name in names:
            function = getattr(module, name, None) if "." not in name else None
            if function is not None:
                assert pickle.loads(pickle.dumps(function)) is function, name


def test_what_a_reader_is_given_is_heard_and_its_errors_are_its_own(
    listening: Listening, tmp_path: Path
) -> None:
    pandas = pytest.importorskip("pandas")
    readers.wrap_module("pandas", pandas)
    path = tmp_path / "x.parquet"
    pandas.DataFrame({"a": [1]}).to_parquet(path)
    assert str(path) in listening.reads.written
    pandas.read_parquet(path=path)
    assert "reader" in listening.reads.read[str(path)].seen_by
    with pytest.raises(FileNotFoundError):
        pandas.read_parquet(tmp_path / "missing.parquet")
    with pytest.raises((TypeError, ValueError, OSError)):
        pandas.read_parquet(object())
    assert set(listening.reads.read) == {str(path)}
