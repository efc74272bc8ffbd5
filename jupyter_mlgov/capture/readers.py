"""Readers that open files outside Python, where no audit event fires: they are wrapped to say what they read.

pyarrow, polars, DuckDB and HDF5 open files in native code. When such a library is imported, the functions of
the table below are replaced by ones that note the path and then call the original. A library that the user
never imports is never touched, and a wrapper passes everything through, exceptions included.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from jupyter_mlgov.capture import reads

READERS: dict[str, tuple[str, ...]] = {
    "pandas": ("read_parquet", "read_orc", "read_hdf", "read_feather"),
    "pyarrow": ("memory_map", "OSFile"),
    "pyarrow.parquet": ("read_table", "read_pandas", "ParquetFile.__init__", "ParquetDataset.__init__"),
    "pyarrow.dataset": ("dataset",),
    "pyarrow.csv": ("read_csv", "open_csv"),
    "pyarrow.json": ("read_json",),
    "pyarrow.feather": ("read_table", "read_feather"),
    "pyarrow.orc": ("read_table", "ORCFile.__init__"),
    "polars": ("read_csv", "read_parquet", "read_ipc", "read_ipc_stream", "read_json", "read_ndjson", "read_avro",
               "read_excel", "read_ods", "read_delta", "scan_csv", "scan_parquet", "scan_ipc", "scan_ndjson",
               "scan_delta"),
    "duckdb": ("read_csv", "read_parquet", "read_json", "from_csv_auto", "from_parquet", "connect"),
    "h5py": ("File.__init__",),
    "xarray": ("open_dataset", "open_dataarray", "load_dataset", "open_zarr", "open_mfdataset"),
    "cv2": ("imread",),
    "geopandas": ("read_file", "read_parquet"),
    "lightgbm": ("Dataset.__init__", "Booster.__init__"),
    "deltalake": ("DeltaTable.__init__",),
    "pyreadstat": ("read_sav", "read_dta", "read_sas7bdat"),
}  # fmt: skip
"""Module -> its readers. The first argument that is a path, or a list of paths, is what is read."""

_WRAPPED = "__mlgov_wrapped__"


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
    for reader in READERS[name]:
        owner: Any = module
        *outer, last = reader.split(".")
        try:
            for part in outer:
                owner = getattr(owner, part)
            original = getattr(owner, last)
            if callable(original) and not isinstance(original, type) and not hasattr(original, _WRAPPED):
                setattr(owner, last, _noting(original, skip_self=bool(outer)))
        except (AttributeError, TypeError):
            continue


def _noting(original: Callable[..., Any], *, skip_self: bool) -> Callable[..., Any]:
    @functools.wraps(original)
    def reader(*args: Any, **kwargs: Any) -> Any:
        reads.note(lambda: _paths(args[1:] if skip_self else args, kwargs))
        return original(*args, **kwargs)

    setattr(reader, _WRAPPED, True)
    return reader


def _paths(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[str]:
    if args:
        yield from _as_paths(args[0])
    elif kwargs:
        yield from _as_paths(next(iter(kwargs.values())))


def _as_paths(value: Any) -> Iterable[str]:
    if isinstance(value, str | bytes | os.PathLike):
        text = os.fsdecode(value)
        if text and "://" not in text and "\n" not in text and text != ":memory:":
            yield text
    elif isinstance(value, list | tuple):
        for item in value[:10_000]:
            yield from _as_paths(item) if isinstance(item, str | bytes | os.PathLike) else ()
