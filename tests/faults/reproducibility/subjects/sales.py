"""A time series: daily sales, resampled and rolled, a trend by least squares, dates everywhere."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Fault, Folder, Subject, drawn

CELLS = (
    "import os\nfrom datetime import datetime, timedelta\nimport numpy as np\nimport pandas as pd",
    "sales = pd.read_csv('sales.csv', parse_dates=['day'], index_col='day')\nsales.head(3)",
    "weekly = sales['units'].resample('W').sum()\nweekly.tail()",
    "smooth = sales['units'].rolling(7, min_periods=1).mean()\nprint(smooth.iloc[-5:])",
    "holidays = pd.read_parquet('holidays.parquet')\nopen_days = sales[~sales.index.isin(holidays['day'])]\nprint(len(open_days), 'open days')",
    "t = np.arange(len(open_days))\nA = np.column_stack([np.ones_like(t), t, np.sin(2 * np.pi * t / 7)])\n"
    "coefficients, *_ = np.linalg.lstsq(A, open_days['units'].to_numpy(), rcond=None)\ncoefficients",
    "horizon = 14\nfuture = np.arange(len(t), len(t) + horizon)",
    "%%experiment forecast\nforecast = coefficients[0] + coefficients[1] * future + coefficients[2] * np.sin(2 * np.pi * future / 7)\n"
    "total = float(forecast.sum())\nlast = str(sales.index.max().date())\nprint(f'next {horizon} days from {last}: {total:.2f}')",
)


def make(folder: Folder) -> None:
    import datetime

    import pandas as pd

    start = datetime.date(2025, 1, 1)
    rows = drawn(
        11, 120,
        lambda row, _: start + datetime.timedelta(days=row),
        lambda row, n: int(100 + row * 0.7 + 30 * n[1]),
        lambda _, n: round(5 + 3 * n[2], 2),
    )  # fmt: skip
    folder.write("sales.csv", "\n".join(["day,units,price", *rows]) + "\n")
    days = pd.to_datetime(["2025-01-01", "2025-04-18", "2025-04-21"])
    pd.DataFrame({"day": days, "name": ["New Year", "Good Friday", "Easter"]}).to_parquet(
        folder.path / "holidays.parquet"
    )


def _rewritten(folder: Folder) -> None:
    import pandas as pd

    table = pd.read_parquet(folder.path / "holidays.parquet")
    table.to_parquet(folder.path / "holidays.parquet", compression="zstd", row_group_size=1)


def _holiday(folder: Folder) -> None:
    import pandas as pd

    table = pd.read_parquet(folder.path / "holidays.parquet")
    table.loc[1, "day"] = pd.Timestamp("2025-03-04")
    table.to_parquet(folder.path / "holidays.parquet")


SALES = "sales.csv"
SUBJECT = Subject(
    name="sales",
    what="time series",
    make=make,
    cells=CELLS,
    faults=(
        Fault("value in a CSV", "data.values", SALES, after=lambda f: f.lines(SALES, lambda r: [*r[:50], r[50].split(",")[0] + ",900," + r[50].split(",")[2], *r[51:]]), columns=("units",), cell=1),
        Fault("rows added", "data.rows", SALES, after=lambda f: f.lines(SALES, lambda r: [*r, "2025-05-01,190,6.0"]), cell=1),
        Fault("Parquet rewritten equal", after=_rewritten),
        Fault("value in a Parquet file", "data.values", "holidays.parquet", after=_holiday, columns=("day",), cell=4),
        Fault("file missing", "data.missing", "holidays.parquet", after=lambda f: (f.path / "holidays.parquet").unlink()),
        Fault("cell edited after the run", "code.cell", "analysis.ipynb", after=lambda f: f.edit("horizon = 14", "horizon = 21"), cell=6),
        Fault("comment or format edit", after=lambda f: f.edit("rolling(7, min_periods=1)", "rolling(\n    7,  # a week\n    min_periods=1,\n)")),
        Fault("clock or date in output", written=lambda f: f.edit("print(f'next", "print('made at', datetime.now())\nprint('report of', datetime.now().strftime('%d %B %Y'))\nprint(f'next")),
        Fault(
            "result by the clock", "time",
            written=lambda f: f.edit("total = float(forecast.sum())", "total = float(forecast.sum()) + datetime.now().microsecond / 1e6"), cell=7,
        ),
        Fault(
            "age by today's date", "time",
            written=lambda f: f.edit("total = float(forecast.sum())", "total = float(forecast.sum()) * (datetime.now() - datetime(2025, 1, 1)).total_seconds()"), cell=7,
        ),
        Fault("clock as a seed", "time", written=lambda f: f.edit("total = float(forecast.sum())", "import time\nrng = np.random.default_rng(time.time_ns())\ntotal = float(forecast.sum() + rng.normal())"), also=("randomness.unseeded",), cell=7),
        Fault("unseeded generator", "randomness.unseeded", written=lambda f: f.edit("total = float(forecast.sum())", "noise = np.random.default_rng().normal(size=horizon)\ntotal = float((forecast + noise).sum())"), cell=7),
        Fault(
            "environment variable", "environment.variable", "SCALE",
            written=lambda f: (f.edit("horizon = 14", "horizon = int(os.environ.get('SCALE', '14'))"), f.variables.update(SCALE="14"))[0],
            after=lambda f: f.variables.update(SCALE="20"), cell=6,
        ),
        Fault(
            "timezone", "environment.variable", "TZ",
            written=lambda f: (f.edit("total = float(forecast.sum())", "import time\nlocal = datetime.fromtimestamp(1700000000).hour\ntotal = float(forecast.sum()) + local"), f.variables.update(TZ="UTC"))[0],
            after=lambda f: f.variables.update(TZ="Asia/Tokyo"), cell=7,
        ),
        Fault("cell run twice", "hidden-state.repeated-run", "sales", written=lambda f: f.edit("holidays = pd.read_parquet", "sales['units'] = sales['units'] * 1.1\nholidays = pd.read_parquet"), session=(0, 1, 2, 3, 4, 4, 5, 6, 7), cell=4),
        Fault("out-of-order execution", "hidden-state.order", "coefficients", written=lambda f: f.write_cells([*f.cells(), "coefficients = coefficients * 2"]), session=(0, 1, 2, 3, 4, 5, 6, 8, 7)),
        Fault("deleted cell that defined a name", "hidden-state.deleted-cell", "bonus", written=lambda f: f.edit("total = float(forecast.sum())", "total = float(forecast.sum()) + bonus"), session=("bonus = 12.5", 0, 1, 2, 3, 4, 5, 6, 7)),
        Fault("intended error", written=lambda f: f.edit("print(len(open_days), 'open days')", "print(len(open_days), 'open days')\nopen_days['nothing']"), session=tuple(range(8))),
        Fault("progress bar", written=lambda f: f.edit("smooth =", "from tqdm.auto import tqdm\nfor _ in tqdm(range(3), desc='smoothing'):\n    pass\nfrom tqdm import tqdm as plain\nimport sys\nfor _ in plain(range(3), file=sys.stdout):\n    pass\nsmooth =")),
        Fault("unchanged"),
        Fault("unchanged, in a session", session=tuple(range(8))),
    ),
    pairs=(
        ("value in a CSV", "cell edited after the run"),
        ("value in a CSV", "unseeded generator"),
        ("Parquet rewritten equal", "cell edited after the run"),
        ("value in a Parquet file", "clock or date in output"),
    ),
)  # fmt: skip
