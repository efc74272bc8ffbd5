"""Rows and columns of inputs whose format is not read again: those of the table that the reader gave."""

from __future__ import annotations

import importlib.util
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mlgov.project import Project
from tests.kernel import Kernel

Start = Callable[..., Kernel]
FRAME = pd.DataFrame({"a": [1, 2, 3, 4], "b": [0.5, 1.5, 2.5, 3.5]})


def inputs(folder: Path, ref: str) -> dict[str, dict[str, Any]]:
    return {item["uri"]: item for item in Project.open(folder).show(ref)["inputs"]}


def shape(item: dict[str, Any]) -> tuple[int | None, list[str] | None]:
    return item["rows"], [column["name"] for column in item["columns"]] if item["columns"] else None


def test_what_a_reader_gave_says_rows_and_columns(kernel: Start, tmp_path: Path) -> None:
    FRAME.to_stata(tmp_path / "f.dta", write_index=False)
    FRAME.to_orc(tmp_path / "f.orc")
    FRAME.to_hdf(tmp_path / "f.h5", key="t")
    FRAME.to_pickle(tmp_path / "f.pkl")
    FRAME.to_csv(tmp_path / "adult.data", index=False)
    FRAME.to_csv(tmp_path / "twice.txt", index=False)
    FRAME.to_csv(tmp_path / "chunks.txt", index=False)
    FRAME.to_csv(tmp_path / "polars.txt", index=False)
    FRAME.to_csv(tmp_path / "f.csv", index=False)
    connection = sqlite3.connect(tmp_path / "f.db")
    FRAME.to_sql("t", connection, index=False)
    connection.close()
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd, polars, sqlite3")
    one.must(
        "pd.read_stata('f.dta'); pd.read_orc('f.orc'); pd.read_hdf('f.h5'); pd.read_csv('adult.data'); "
        "df = pd.read_pickle('f.pkl'); df['c'] = 1; pd.read_csv('f.csv', usecols=['a']); polars.read_csv('polars.txt')"
    )
    one.must("pd.read_csv('twice.txt'); pd.read_csv('twice.txt', nrows=2)")
    one.must("[len(part) for part in pd.read_csv('chunks.txt', chunksize=2)]")
    one.must("pd.read_sql('select a from t where a > 2', sqlite3.connect('f.db'))")
    one.must("%%experiment gave\nn = 1")
    found = inputs(tmp_path, "gave")
    both = (4, ["a", "b"])
    for name in ("f.dta", "f.orc", "f.h5", "f.pkl", "adult.data", "f.csv", "polars.txt"):
        assert shape(found[name]) == both, name
        assert all(column["digest"].startswith("blake3:") for column in found[name]["columns"])
    assert shape(found["f.db"]) == (2, ["a"])
    assert shape(found["twice.txt"]) == shape(found["chunks.txt"]) == (None, None)


def test_the_columns_are_the_same_in_another_session_and_tell_what_changed(
    kernel: Start, tmp_path: Path
) -> None:
    seen = []
    for value in (2.5, 2.5, 7.5):
        FRAME.replace({"b": {2.5: value}}).to_stata(tmp_path / "f.dta", write_index=False)
        one = kernel()
        one.must("%load_ext jupyter_mlgov\nimport pandas as pd")
        one.must("%%experiment told\nn = len(pd.read_stata('f.dta'))")
        seen.append({c["name"]: c["digest"] for c in inputs(tmp_path, "told")["f.dta"]["columns"]})
    assert seen[0] == seen[1]
    assert [name for name in seen[0] if seen[0][name] != seen[2][name]] == ["b"]


@pytest.mark.skipif(importlib.util.find_spec("pyreadstat") is None, reason="pyreadstat is not installed")
def test_pyreadstat_gives_its_table_beside_what_it_knows_of_it(kernel: Start, tmp_path: Path) -> None:
    import pyreadstat

    pyreadstat.write_sav(FRAME, str(tmp_path / "f.sav"))
    pyreadstat.write_sav(FRAME, str(tmp_path / "pandas.sav"), variable_value_labels={"a": {1: "one"}})
    pyreadstat.write_xport(FRAME, str(tmp_path / "f.xpt"), file_format_version=5)
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport pandas as pd, pyreadstat")
    one.must("pyreadstat.read_sav('f.sav'); pd.read_spss('pandas.sav'); pd.read_sas('f.xpt')")
    one.must("%%experiment stat\nn = 1")
    found = inputs(tmp_path, "stat")
    assert set(found) == {"f.sav", "pandas.sav", "f.xpt"}
    for item in found.values():
        assert (item["rows"], [column["name"].lower() for column in item["columns"]]) == (4, ["a", "b"])


@pytest.mark.skipif(importlib.util.find_spec("geopandas") is None, reason="geopandas is not installed")
def test_a_shapefile_has_the_rows_and_columns_of_its_table(kernel: Start, tmp_path: Path) -> None:
    import geopandas

    places = geopandas.GeoDataFrame(
        FRAME, geometry=geopandas.points_from_xy(FRAME.a, FRAME.b), crs="EPSG:4326"
    )
    places.to_file(tmp_path / "places.shp")
    places.to_file(tmp_path / "places.gpkg")
    one = kernel()
    one.must("%load_ext jupyter_mlgov\nimport geopandas")
    one.must("geopandas.read_file('places.shp'); geopandas.read_file('places.gpkg')")
    one.must("%%experiment map\nn = 1")
    found = inputs(tmp_path, "map")
    assert set(found) == {"places.shp", "places.gpkg"}
    assert len(found["places.shp"]["members"]) == 5
    for item in found.values():
        assert shape(item) == (4, ["a", "b", "geometry"])
