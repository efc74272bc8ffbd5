"""Readers that open files outside Python, where no audit event fires: they are wrapped to say what they read.

pyarrow, polars, DuckDB and HDF5 open files in native code; pandas asks databases and the network. When such a
library is imported, the functions of the table below are replaced by ones that look on (``wrapping``). A library that
the user never imports is never touched.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from jupyter_mlgov.capture import calls
from jupyter_mlgov.capture.wrapping import Before, wrap

_PANDAS = ("read_csv", "read_table", "read_fwf", "read_json", "read_excel", "read_parquet", "read_feather", "read_orc",
           "read_hdf", "read_pickle", "read_stata", "read_sas", "read_spss", "read_xml", "read_html")  # fmt: skip
_POLARS = (
    *(
        f"read_{kind}"
        for kind in ("csv", "parquet", "ipc", "ipc_stream", "json", "ndjson", "avro", "excel", "ods", "delta")
    ),
    *(f"scan_{kind}" for kind in ("csv", "parquet", "ipc", "ndjson", "delta", "iceberg", "lines")),
)
_DUCKDB_FILES = ("read_csv", "read_parquet", "read_json", "from_csv_auto", "from_parquet")
_DUCKDB_SQL = ("sql", "query", "execute", "executemany", "from_query")

READERS: dict[str, tuple[tuple[Before, tuple[str, ...]], ...]] = {
    "pandas": (
        (calls.read_table, _PANDAS),
        (calls.asked, ("read_sql", "read_sql_query", "read_sql_table")),
        (calls.written_by, tuple(f"DataFrame.to_{kind}" for kind in ("parquet", "feather", "orc", "hdf"))),
    ),
    "pyarrow": ((calls.read, ("memory_map", "OSFile")),),
    "pyarrow.parquet": (
        (calls.read, ("read_table", "read_pandas", "read_schema", "read_metadata")),
        (calls.read_by, ("ParquetFile.__init__", "ParquetDataset.__init__")),
        (calls.written_at(1), ("write_table",)),
    ),
    "pyarrow.dataset": ((calls.read, ("dataset",)),),
    "pyarrow.csv": ((calls.read, ("read_csv", "open_csv")),),
    "pyarrow.json": ((calls.read, ("read_json", "open_json")),),
    "pyarrow.feather": ((calls.read, ("read_table", "read_feather")), (calls.written_at(1), ("write_feather",))),
    "pyarrow.orc": ((calls.read, ("read_table",)), (calls.read_by, ("ORCFile.__init__",))),
    "polars": (
        (calls.read_table, tuple(name for name in _POLARS if name.startswith("read_"))),
        (calls.read, tuple(name for name in _POLARS if name.startswith("scan_"))),
        (calls.asked, ("read_database", "read_database_uri")),
        (calls.written_by, tuple(f"DataFrame.write_{kind}" for kind in ("csv", "parquet", "ipc", "json", "ndjson", "avro"))),
        (calls.written_by, tuple(f"LazyFrame.sink_{kind}" for kind in ("csv", "parquet", "ipc", "ndjson"))),
    ),
    "duckdb": (
        (calls.read, _DUCKDB_FILES),
        (calls.sql, _DUCKDB_SQL),
        (calls.opened, ("connect",)),
        (calls.read_by, tuple(f"DuckDBPyConnection.{name}" for name in _DUCKDB_FILES)),
        (calls.sql_of, tuple(f"DuckDBPyConnection.{name}" for name in _DUCKDB_SQL)),
    ),
    "h5py": ((calls.opened_by, ("File.__init__",)),),
    "netCDF4": ((calls.opened_by, ("Dataset.__init__",)), (calls.read_by, ("MFDataset.__init__",))),
    "tables": ((calls.opened, ("open_file",)),),
    "xarray": ((calls.read, ("open_dataset", "open_dataarray", "load_dataset", "load_dataarray", "open_zarr",
                             "open_mfdataset", "open_datatree")),),
    "zarr": ((calls.opened, ("open", "open_array", "open_group", "open_consolidated", "load")),),
    "cv2": ((calls.read, ("imread", "imreadmulti")), (calls.written_at(0), ("imwrite",))),
    "geopandas": ((calls.read_table, ("read_file", "read_parquet", "read_feather")),),
    "lightgbm": (
        (calls.read_by, ("Dataset.__init__",)),
        (calls.model_file, ("Booster.__init__",)),
        (calls.written_by, ("Booster.save_model", "Dataset.save_binary")),
    ),
    "xgboost": (
        (calls.read_by, ("DMatrix.__init__", "Booster.load_model", "XGBModel.load_model")),
        (calls.written_by, ("Booster.save_model", "XGBModel.save_model")),
    ),
    "deltalake": ((calls.read_by, ("DeltaTable.__init__",)),),
    "pyreadstat": ((calls.read_table, ("read_sav", "read_dta", "read_sas7bdat", "read_xport", "read_por")),),
    "soundfile": ((calls.read, ("read",)),),
    "rasterio": ((calls.read, ("open",)),),
    "dask.dataframe": ((calls.read, ("read_csv", "read_table", "read_parquet", "read_json", "read_orc", "read_hdf")),),
    "dask.bag": ((calls.read, ("read_text", "read_avro")),),
    "urllib.request": ((calls.urlopen, ("OpenerDirector.open",)),),
    "requests": ((calls.requests_send, ("Session.send",)),),
    "httpx": ((calls.httpx_send, ("Client.send",)), (calls.httpx_send_async, ("AsyncClient.send",))),
    "aiohttp": ((calls.aiohttp_read, ("ClientResponse.read",)),),
}  # fmt: skip
"""Module -> what looks on at which of its functions."""

_ASK_THEIR_CALLER = frozenset({"duckdb"})
"""Libraries whose functions take the variables of the frame that calls them for tables."""


class _Finder(importlib.abc.MetaPathFinder):
    """Notices when one of the libraries is imported; finds nothing by itself."""

    def __init__(self) -> None:
        self._asking: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in READERS or name in self._asking:
            return None
        self._asking.add(name)
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        finally:
            self._asking.discard(name)
        if spec is not None and spec.loader is not None:
            _after_exec(spec.loader, name)
        return spec


def _after_exec(loader: Any, name: str) -> None:
    run = getattr(loader, "exec_module", None)
    if run is None:
        return

    @functools.wraps(run)
    def exec_module(module: ModuleType) -> Any:
        result = run(module)
        wrap_module(name, module)
        return result

    try:
        loader.exec_module = exec_module
    except AttributeError:
        return


_finder = _Finder()


def watch() -> None:
    """Wraps the readers of what is imported already and of what will be."""
    for name in READERS:
        module = sys.modules.get(name)
        if module is not None:
            wrap_module(name, module)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def unwatch() -> None:
    """Stops to notice imports; readers that are wrapped stay so, and note nothing while nobody listens."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)


def wrap_module(name: str, module: ModuleType) -> None:
    """Wraps the readers of one module, each once; what this version of it does not have is passed over."""
    for before, functions in READERS[name]:
        for function in functions:
            wrap(module, function, before, asks_its_caller=name in _ASK_THEIR_CALLER)
