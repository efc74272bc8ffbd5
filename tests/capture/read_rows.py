"""The reads that are tried: each a cell of a notebook, with the file it reads made beforehand.

In a row's code ``@`` stands for the row's own folder. ``makes`` names a function that fills that folder; what it makes
is named ``f`` with the right ending unless said otherwise.
"""

from __future__ import annotations

import gzip
import json
import pickle
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": ["x", "y", "z"]})


@dataclass(frozen=True)
class Row:
    """One way to read. ``reads`` are the names, in the row's folder, that have to be inputs, and nothing else there."""

    section: str
    what: str
    code: str
    makes: Callable[[Path], object]
    reads: tuple[str, ...]
    evidence: str = "proven"
    members: int = 0
    early: bool = False
    """True where the cell runs before the extension is loaded."""
    then: str = ""
    """Code of a later cell."""

    @property
    def folder(self) -> str:
        return (
            "".join(letter if letter.isalnum() else "_" for letter in f"{self.section} {self.what}")
            .strip("_")
            .lower()
        )

    @property
    def name(self) -> str:
        return f"{self.section}: {self.what}"


def csv(folder: Path) -> None:
    FRAME.to_csv(folder / "f.csv", index=False)


def many_csv(folder: Path) -> None:
    for name in ("one", "two", "three"):
        FRAME.to_csv(folder / f"{name}.csv", index=False)


def text(folder: Path) -> None:
    (folder / "f.txt").write_text("some text\n" * 100)


def numbers(folder: Path) -> None:
    np.savetxt(folder / "f.txt", np.arange(12.0).reshape(4, 3))


def npy(folder: Path) -> None:
    np.save(folder / "f.npy", np.arange(1000))


def npz(folder: Path) -> None:
    np.savez(folder / "f.npz", a=np.arange(10))


def raw(folder: Path) -> None:
    np.arange(1000).tofile(folder / "f.dat")


def json_file(folder: Path) -> None:
    (folder / "f.json").write_text(json.dumps(FRAME.to_dict("records")))


def lines(folder: Path) -> None:
    FRAME.to_json(folder / "f.jsonl", orient="records", lines=True)


def pickled(folder: Path) -> None:
    (folder / "f.pkl").write_bytes(pickle.dumps(FRAME))


def gzipped(folder: Path) -> None:
    with gzip.open(folder / "f.csv.gz", "wt") as file:
        file.write(FRAME.to_csv(index=False))


def zipped(folder: Path) -> None:
    with zipfile.ZipFile(folder / "f.zip", "w") as archive:
        archive.writestr("f.csv", FRAME.to_csv(index=False))


def excel(folder: Path) -> None:
    FRAME.to_excel(folder / "f.xlsx", index=False)


def parquet(folder: Path) -> None:
    FRAME.to_parquet(folder / "f.parquet")


def many_parquet(folder: Path) -> None:
    for name in ("one", "two"):
        FRAME.to_parquet(folder / f"{name}.parquet")


def partitioned(folder: Path) -> None:
    FRAME.to_parquet(folder / "f", partition_cols=["c"])


def feather(folder: Path) -> None:
    FRAME.to_feather(folder / "f.feather")


def orc(folder: Path) -> None:
    FRAME.to_orc(folder / "f.orc")


def hdf(folder: Path) -> None:
    FRAME[["a", "b"]].to_hdf(folder / "f.h5", key="t")


def stata(folder: Path) -> None:
    FRAME.to_stata(folder / "f.dta")


def fixed(folder: Path) -> None:
    (folder / "f.txt").write_text(FRAME.to_string(index=False))


def database(folder: Path) -> None:
    connection = sqlite3.connect(folder / "f.db")
    FRAME.to_sql("t", connection, index=False)
    connection.close()


def joblib_file(folder: Path) -> None:
    import joblib

    joblib.dump({"a": np.arange(10)}, folder / "f.joblib")


def svm(folder: Path) -> None:
    (folder / "f.svm").write_text("1 1:0.5 2:0.25\n0 1:0.1 2:0.9\n" * 20)


def mat(folder: Path) -> None:
    from scipy.io import savemat

    savemat(folder / "f.mat", {"a": np.arange(10)})


def image(folder: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8), "red").save(folder / "f.png")


def images(folder: Path) -> None:
    from PIL import Image

    for number in range(3):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.png")


def h5(folder: Path) -> None:
    import h5py

    with h5py.File(folder / "f.h5", "w") as file:
        file["a"] = np.arange(10)


def netcdf(folder: Path) -> None:
    import netCDF4

    with netCDF4.Dataset(folder / "f.nc", "w") as file:
        file.createDimension("x", 4)
        file.createVariable("a", "f8", ("x",))[:] = np.arange(4.0)


def zarr_store(folder: Path) -> None:
    import zarr

    zarr.save_array(str(folder / "f.zarr"), np.arange(100).reshape(10, 10))


def delta(folder: Path) -> None:
    import deltalake

    deltalake.write_deltalake(str(folder / "f"), FRAME)


def booster(folder: Path) -> None:
    import lightgbm

    x = np.random.default_rng(0).normal(size=(100, 2))
    data = lightgbm.Dataset(x, (x[:, 0] > 0).astype(int))
    lightgbm.train({"objective": "binary", "verbose": -1}, data, 2).save_model(folder / "f.model")


def table_for_lightgbm(folder: Path) -> None:
    x = np.random.default_rng(0).normal(size=(100, 3))
    np.savetxt(folder / "f.csv", np.column_stack([x[:, 0] > 0, x]), delimiter=",")


def duck(folder: Path) -> None:
    import duckdb

    with duckdb.connect(str(folder / "f.duckdb")) as connection:
        connection.execute("create table t as select 1 as a")


def script(folder: Path) -> None:
    csv(folder)
    (folder / "s.py").write_text("import sys\nwith open(sys.argv[1]) as f:\n    print(len(f.read()))\n")


def linked(folder: Path) -> None:
    (folder / "there").mkdir()
    csv(folder / "there")
    (folder / "f.csv").symlink_to(folder / "there" / "f.csv")


def odd_bytes(folder: Path) -> None:
    with open(bytes(folder) + b"/caf\xe9.csv", "wb") as file:
        file.write(b"a\n1\n")


LONG = "n" * 251 + ".csv"


def long_name(folder: Path) -> None:
    FRAME.to_csv(folder / LONG, index=False)


PANDAS_PARQUET = "observed" if int(pd.__version__.partition(".")[0]) >= 3 else "proven"
"""pandas 2 opens the file in Python, pandas 3 leaves that to pyarrow."""
CHAINED = (
    "pd.read_csv('zip://f.csv::@/f.zip')"
    if PANDAS_PARQUET == "observed"
    else "import fsspec\nwith fsspec.open('zip://f.csv::@/f.zip') as file:\n    pd.read_csv(file)"
)
"""pandas 2 cannot: it closes the file before it has read it."""

F_CSV, F_TXT, F_DB = ("f.csv",), ("f.txt",), ("f.db",)
PQ = ("f.parquet",)

ROWS = [
    Row("Python", "open", "open('@/f.txt').read()", text, F_TXT),
    Row("Python", "Path.read_text", "from pathlib import Path\nPath('@/f.txt').read_text()", text, F_TXT),
    Row("Python", "os.open", "import os\nos.read(os.open('@/f.txt', os.O_RDONLY), 10)", text, F_TXT),
    Row("Python", "mmap", "import mmap\nfile = open('@/f.txt', 'rb')\nmmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)[:5]",
        text, F_TXT),
    Row("Python", "csv.reader", "import csv\nlist(csv.reader(open('@/f.csv')))", csv, F_CSV),
    Row("Python", "json.load", "import json\njson.load(open('@/f.json'))", json_file, ("f.json",)),
    Row("Python", "pickle.load", "import pickle\npickle.load(open('@/f.pkl', 'rb'))", pickled, ("f.pkl",)),
    Row("Python", "gzip.open", "import gzip\ngzip.open('@/f.csv.gz', 'rt').read()", gzipped, ("f.csv.gz",)),
    Row("Python", "zipfile", "import zipfile\nzipfile.ZipFile('@/f.zip').read('f.csv')", zipped, ("f.zip",)),
    Row("Python", "sqlite3", "import sqlite3\nbase = sqlite3.connect('@/f.db')\nbase.execute('select * from t').fetchall()", database, F_DB),
    Row("Python", "sqlite3, read-only URI",
        "import sqlite3\nread_only = sqlite3.connect('file:@/f.db?mode=ro', uri=True)\nread_only.execute('select * from t').fetchall()", database, F_DB),
    Row("pandas", "read_csv, C engine", "pd.read_csv('@/f.csv', engine='c')", csv, F_CSV),
    Row("pandas", "read_csv, Python engine", "pd.read_csv('@/f.csv', engine='python')", csv, F_CSV),
    Row("pandas", "read_csv, pyarrow engine", "pd.read_csv('@/f.csv', engine='pyarrow')", csv, F_CSV),
    Row("pandas", "read_csv in chunks", "sum(len(part) for part in pd.read_csv('@/f.csv', chunksize=2))", csv, F_CSV),
    Row("pandas", "read_csv, gzip", "pd.read_csv('@/f.csv.gz')", gzipped, ("f.csv.gz",)),
    Row("pandas", "read_csv, zip", "pd.read_csv('@/f.zip')", zipped, ("f.zip",)),
    Row("pandas", "read_csv, in a zip by fsspec", CHAINED, zipped, ("f.zip",)),
    Row("pandas", "read_fwf", "pd.read_fwf('@/f.txt')", fixed, F_TXT),
    Row("pandas", "read_json", "pd.read_json('@/f.json')", json_file, ("f.json",)),
    Row("pandas", "read_json, lines", "pd.read_json('@/f.jsonl', lines=True)", lines, ("f.jsonl",)),
    Row("pandas", "read_excel", "pd.read_excel('@/f.xlsx')", excel, ("f.xlsx",)),
    Row("pandas", "read_pickle", "pd.read_pickle('@/f.pkl')", pickled, ("f.pkl",)),
    Row("pandas", "read_stata", "pd.read_stata('@/f.dta')", stata, ("f.dta",)),
    Row("pandas", "read_feather", "pd.read_feather('@/f.feather')", feather, ("f.feather",)),
    Row("pandas", "read_parquet", "pd.read_parquet('@/f.parquet')", parquet, PQ, PANDAS_PARQUET),
    Row("pandas", "read_orc", "pd.read_orc('@/f.orc')", orc, ("f.orc",)),
    Row("pandas", "read_parquet, partitioned folder", "pd.read_parquet('@/f')", partitioned, ("f",), "observed", 3),
    Row("pandas", "read_hdf", "pd.read_hdf('@/f.h5', key='t')", hdf, ("f.h5",), "observed"),
    Row("pandas", "read_sql, sqlite3", "import sqlite3\nheld = sqlite3.connect('@/f.db')\npd.read_sql('select a from t', held)", database, F_DB),
    Row("pandas", "read_sql, SQLAlchemy",
        "import sqlalchemy\nengine = sqlalchemy.create_engine('sqlite:///@/f.db')\npd.read_sql('select a from t', engine)", database, F_DB),
    Row("NumPy", "load", "np.load('@/f.npy')", npy, ("f.npy",)),
    Row("NumPy", "load, mmap_mode", "mapped = np.load('@/f.npy', mmap_mode='r')\nmapped.sum()", npy, ("f.npy",)),
    Row("NumPy", "load, npz", "np.load('@/f.npz')['a']", npz, ("f.npz",)),
    Row("NumPy", "memmap", "np.memmap('@/f.dat', dtype='i8', mode='r').sum()", raw, ("f.dat",)),
    Row("NumPy", "loadtxt", "np.loadtxt('@/f.txt')", numbers, F_TXT),
    Row("NumPy", "genfromtxt", "np.genfromtxt('@/f.txt')", numbers, F_TXT),
    Row("NumPy", "fromfile", "np.fromfile('@/f.dat', dtype='i8')", raw, ("f.dat",)),
    Row("scikit-learn and SciPy", "joblib.load", "import joblib\njoblib.load('@/f.joblib')", joblib_file, ("f.joblib",)),
    Row("scikit-learn and SciPy", "joblib.load, mmap_mode", "import joblib\njoblib.load('@/f.joblib', mmap_mode='r')", joblib_file,
        ("f.joblib",)),
    Row("scikit-learn and SciPy", "load_svmlight_file",
        "from sklearn.datasets import load_svmlight_file\nload_svmlight_file('@/f.svm')", svm, ("f.svm",)),
    Row("scikit-learn and SciPy", "loadmat", "from scipy.io import loadmat\nloadmat('@/f.mat')", mat, ("f.mat",)),
    Row("scikit-learn and SciPy", "LightGBM Dataset from path",
        "import lightgbm\nlightgbm.Dataset('@/f.csv', params={'verbose': -1}).construct().num_data()", table_for_lightgbm, F_CSV,
        "observed"),
    Row("scikit-learn and SciPy", "LightGBM Booster from path", "import lightgbm\nlightgbm.Booster(model_file='@/f.model')", booster,
        ("f.model",)),
    Row("pyarrow", "parquet.read_table", "import pyarrow.parquet as pq\npq.read_table('@/f.parquet')", parquet, PQ, "observed"),
    Row("pyarrow", "ParquetFile", "import pyarrow.parquet as pq\npq.ParquetFile('@/f.parquet').read()", parquet, PQ, "observed"),
    Row("pyarrow", "dataset, file", "import pyarrow.dataset as ds\nds.dataset('@/f.parquet').to_table()", parquet, PQ, "observed"),
    Row("pyarrow", "dataset, folder", "import pyarrow.dataset as ds\nds.dataset('@/f', partitioning='hive').to_table()", partitioned,
        ("f",), "observed", 3),
    Row("pyarrow", "csv.read_csv", "import pyarrow.csv\npyarrow.csv.read_csv('@/f.csv')", csv, F_CSV, "observed"),
    Row("pyarrow", "memory_map", "import pyarrow as pa\npa.ipc.open_file(pa.memory_map('@/f.feather')).read_all()", feather,
        ("f.feather",), "observed"),
    Row("polars", "read_csv", "import polars\npolars.read_csv('@/f.csv')", csv, F_CSV, "observed"),
    Row("polars", "read_parquet", "import polars\npolars.read_parquet('@/f.parquet')", parquet, PQ, "observed"),
    Row("polars", "scan_csv", "import polars\npolars.scan_csv('@/f.csv').collect()", csv, F_CSV, "observed"),
    Row("polars", "scan_parquet", "import polars\npolars.scan_parquet('@/f.parquet').collect()", parquet, PQ, "observed"),
    Row("polars", "scan_parquet, pattern", "import polars\npolars.scan_parquet('@/*.parquet').collect()", many_parquet,
        ("*.parquet",), "observed", 2),
    Row("DuckDB", "sql over a file", "import duckdb\nduckdb.sql(\"select * from '@/f.parquet'\").fetchall()", parquet, PQ,
        "observed"),
    Row("DuckDB", "connection, SQL over a pattern",
        "import duckdb\nduckdb.connect().execute(\"select * from read_csv('@/*.csv')\").fetchall()", many_csv, ("*.csv",),
        "observed", 3),
    Row("DuckDB", "read_csv", "import duckdb\nduckdb.read_csv('@/f.csv').fetchall()", csv, F_CSV, "observed"),
    Row("DuckDB", "a database file",
        "import duckdb\nduckdb.connect('@/f.duckdb', read_only=True).sql('select * from t').fetchall()", duck, ("f.duckdb",),
        "observed"),
    Row("HDF5, netCDF, Zarr", "h5py", "import h5py\nh5py.File('@/f.h5')['a'][:]", h5, ("f.h5",), "observed"),
    Row("HDF5, netCDF, Zarr", "netCDF4", "import netCDF4\ngrid = netCDF4.Dataset('@/f.nc')\ngrid['a'][:]", netcdf, ("f.nc",), "observed"),
    Row("HDF5, netCDF, Zarr", "xarray", "import xarray\nxarray.open_dataset('@/f.nc').load()", netcdf, ("f.nc",)),
    Row("HDF5, netCDF, Zarr", "zarr", "import zarr\nzarr.open('@/f.zarr', mode='r')[:]", zarr_store, ("f.zarr",), "proven", 2),
    Row("Images", "PIL", "from PIL import Image\nImage.open('@/f.png').load()", image, ("f.png",)),
    Row("Images", "OpenCV", "import cv2\ncv2.imread('@/f.png')", image, ("f.png",), "observed"),
    Row("Images", "matplotlib", "import matplotlib.image\nmatplotlib.image.imread('@/f.png')", image, ("f.png",)),
    Row("Images", "a folder, file by file",
        "import os\nfrom PIL import Image\n[Image.open(os.path.join('@', name)).size for name in os.listdir('@')]", images, ("",),
        "proven", 3),
    Row("Other native readers", "Delta Lake", "import deltalake\ndeltalake.DeltaTable('@/f').to_pyarrow_table()", delta, ("f",),
        "observed", 2),
    Row("Other native readers", "apsw", "import apsw\nlist(apsw.Connection('@/f.db').execute('select * from t'))", database, F_DB,
        "observed"),
    Row("Other native readers", "C library through ctypes",
        "import ctypes\nc = ctypes.CDLL(None)\nc.open(b'@/f.txt', 0)", text, F_TXT, "observed"),
    Row("Folders and patterns", "glob.glob, file by file",
        "import glob\n[len(pd.read_csv(path)) for path in sorted(glob.glob('@/*.csv'))]", many_csv, ("*.csv",), "proven", 3),
    Row("Folders and patterns", "Path.glob, file by file",
        "from pathlib import Path\n[path.read_text() for path in Path('@').glob('*.csv')]", many_csv, ("*.csv",), "proven", 3),
    Row("Folders and patterns", "os.walk, file by file",
        "import os\n[open(os.path.join(top, name)).read() for top, _, names in os.walk('@') for name in names]", many_csv, ("",),
        "proven", 3),
    Row("Folders and patterns", "shutil.copytree", "import shutil, tempfile\nshutil.copytree('@', tempfile.mkdtemp(), dirs_exist_ok=True)",
        many_csv, ("",), "proven", 3),
    Row("Folders and patterns", "os.walk, then files that the code names",
        "import os\nlist(os.walk('@'))\npd.read_csv('@/one.csv'), pd.read_csv('@/two.csv')", many_csv, ("one.csv", "two.csv")),
    Row("Processes", "! line", "!wc -l @/f.csv", csv, F_CSV, "observed"),
    Row("Processes", "subprocess", "import subprocess\nsubprocess.run(['cat', '@/f.csv'], capture_output=True)", csv, F_CSV,
        "observed"),
    Row("Processes", "os.system", "import os\nos.system('cat @/f.csv > /dev/null')", csv, F_CSV, "observed"),
    Row("Processes", "Python script",
        "import subprocess, sys\nsubprocess.run([sys.executable, '@/s.py', '@/f.csv'], capture_output=True)", script, F_CSV),
    Row("Processes", "%run", "%run @/s.py @/f.csv", script, F_CSV),
    Row("Processes", "multiprocessing, fork",
        "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    pool.map(pd.read_csv, ['@/f.csv'])", csv, F_CSV),
    Row("Processes", "multiprocessing, spawn",
        "import multiprocessing\nwith multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "    pool.map(pd.read_csv, ['@/f.csv'])", csv, F_CSV),
    Row("Processes", "joblib (loky)", "import joblib\njoblib.Parallel(2)(joblib.delayed(pd.read_csv)(p) for p in ['@/f.csv'] * 2)",
        csv, F_CSV),
    Row("Processes", "Dask, threads", "import dask.dataframe as dd\ndd.read_csv('@/f.csv').compute(scheduler='threads')", csv, F_CSV),
    Row("Processes", "Dask, worker processes",
        "import dask.distributed as d\nwith d.LocalCluster(1, processes=True, threads_per_worker=1, dashboard_address=None) as cluster:\n"
        "    with d.Client(cluster) as client:\n        client.submit(pd.read_parquet, '@/f.parquet').result()", parquet, PQ,
        PANDAS_PARQUET),
    Row("Across cells", "opened in an earlier cell", "kept = open('@/f.csv')", csv, F_CSV, then="kept.read()"),
    Row("Across cells", "opened before the extension was loaded", "early = open('@/f.csv')", csv, F_CSV, "observed", early=True,
        then="early.read()"),
    Row("Across cells", "read before the extension was loaded", "pd.read_csv('@/f.csv')", csv, F_CSV, "inferred", early=True),
    Row("Names", "after os.chdir", "import os\nos.chdir('@')\npd.read_csv('f.csv')\nos.chdir('../..')", csv, F_CSV),
    Row("Names", "home folder, ~", "pd.read_csv('~/@/f.csv')", csv, F_CSV),
    Row("Names", "symbolic link", "import pyarrow.csv\npyarrow.csv.read_csv('@/f.csv')", linked, F_CSV, "observed"),
    Row("Names", "not UTF-8", "open(b'@/caf\\xe9.csv', 'rb').read()", odd_bytes, ("caf\\xe9.csv",)),
    Row("Names", "255 bytes", f"import polars\npolars.read_csv('@/{LONG}')", long_name, (LONG,), "observed"),
]  # fmt: skip
