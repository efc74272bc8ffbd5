"""Stock movements: SQL over SQLite and DuckDB, Parquet parts written and read again, a package under src/."""

from __future__ import annotations

import sqlite3

from tests.faults.reproducibility.fault import Fault, Folder, Subject, drawn

CELLS = (
    "import json\nimport os\nimport sqlite3\nimport sys\nfrom pathlib import Path\nsys.path.append('src')\nimport duckdb\nimport pandas as pd\nimport polars as pl\nfrom warehouse import rules\nfrom warehouse.load import load_prices",
    "config = json.loads(Path('config/settings.json').read_text())\nOUT = Path(config['out'])\nOUT.mkdir(exist_ok=True)",
    "with sqlite3.connect('data/stock.db') as db:\n    moves = pd.read_sql_query('select item, day, count from moves where count <> 0 order by item, day', db)\nmoves.groupby('item')['count'].sum()",
    "prices = load_prices('data/prices.parquet')\nprint(prices.dtypes)",
    "for item, part in moves.groupby('item'):\n    part.to_parquet(OUT / f'{item}.parquet')\nprint(sorted(p.name for p in OUT.glob('*.parquet')))",
    "balance = duckdb.sql(f\"select item, sum(count) as total from '{OUT}/*.parquet' group by item order by item\").df()\nbalance",
    "%%experiment stock\nvalue = balance.merge(prices, on='item')\nvalue['worth'] = value['total'] * value['price'] * (1 - config['discount'])\nworth = round(float(value['worth'].sum()), 2)\nshort = rules.short(value)\nprint(f'{worth:,.2f}', short)",
    "pl.scan_parquet('data/prices.parquet').filter(pl.col('price') > 20).collect()",
)
RULES = 'LIMIT = 5\n\n\ndef short(frame):\n    """Items of which too few are there."""\n    return sorted(frame.loc[frame["total"] < LIMIT, "item"])\n'
LOAD = 'import pandas as pd\n\nfrom .rules import LIMIT  # noqa: F401\n\n\ndef load_prices(path):\n    prices = pd.read_parquet(path)\n    return prices.dropna(subset=["price"])\n'


def make(folder: Folder) -> None:
    items = ("bolt", "gear", "nut", "rod")
    rows = drawn(
        12, 80, lambda _, n: f"'{items[int(4 * n[0])]}'", lambda row, _: row, lambda _, n: int(21 * n[2]) - 8
    )
    (folder.path / "data").mkdir()
    _sql(
        folder,
        "create table moves (item text, day integer, count integer)",
        *(f"insert into moves values ({row})" for row in rows),
    )
    _prices(folder)
    folder.write("config/settings.json", '{"out": "work", "discount": 0.05}\n')
    folder.write("src/warehouse/__init__.py", "")
    folder.write("src/warehouse/rules.py", RULES)
    folder.write("src/warehouse/load.py", LOAD)


def _sql(folder: Folder, *statements: str) -> None:
    connection = sqlite3.connect(folder.path / "data/stock.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def _prices(
    folder: Folder,
    *,
    factor: float = 1.0,
    dtype: str = "float64",
    name: str = "price",
    rows: int = 4,
    **options: object,
) -> None:
    import pandas as pd

    table = pd.DataFrame({"item": ["bolt", "gear", "nut", "rod"], name: [12.0, 48.0, 3.0 * factor, 25.0]})
    table = table.astype({name: dtype})[:rows]
    table.to_parquet(folder.path / "data/prices.parquet", **options)  # type: ignore[call-overload]


PRICES, DB = "data/prices.parquet", "data/stock.db"
SUBJECT = Subject(
    name="stock",
    what="SQL and files between",
    make=make,
    cells=CELLS,
    general=("new times on all files",),
    faults=(
        Fault("column's type changed", "data.schema", PRICES, after=lambda f: _prices(f, dtype="float32"), columns=("price",), cell=3),
        Fault("database content changed", "data.values", DB, after=lambda f: _sql(f, "update moves set count = count + 30 where day = 11"), cell=2),
        Fault("database vacuumed", after=lambda f: _sql(f, "vacuum")),
        Fault("configuration file changed", "data.values", "config/settings.json", after=lambda f: f.replace("config/settings.json", "0.05", "0.15"), cell=6),
        Fault("loader changed", "code.module", "src/warehouse/load.py", after=lambda f: f.replace("src/warehouse/load.py", "dropna(subset", "head(3).dropna(subset")),
        Fault("module reformatted", after=lambda f: f.write("src/warehouse/rules.py", "# What is short.\n" + RULES.replace("LIMIT = 5\n", "LIMIT = 5  # pieces\n"))),
        Fault("sampled in SQL", "randomness.unseeded", written=lambda f: f.edit("where count <> 0 order by item, day", "where count <> 0 order by random() limit 40"), cell=2),
        Fault("run id and times in output", written=lambda f: f.edit("print(prices.dtypes)", "import time, uuid\nstarted = time.perf_counter()\nprint(prices.dtypes)\nprint(f'loaded {len(prices)} prices in {time.perf_counter() - started:.4f}s (run {uuid.uuid4()})')")),
    ),
    pairs=(("database content changed", "configuration file changed"),),
)  # fmt: skip
