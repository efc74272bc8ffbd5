"""A pipeline over several files: local modules, a database, an intermediate file, a web service."""

from __future__ import annotations

import sqlite3

from tests.faults.reproducibility.fault import Fault, Folder, Subject, drawn

CELLS = (
    "import sqlite3\nimport pandas as pd\nfrom steps.clean import clean\nfrom steps.features import add_features",
    "connection = sqlite3.connect('shop.db')\norders = pd.read_sql('SELECT * FROM orders ORDER BY id', connection)\norders.shape",
    "rates = pd.read_csv('rates.csv')\norders = orders.merge(rates, on='currency')\norders['eur'] = orders['amount'] * orders['rate']",
    "cleaned = clean(orders)\ncleaned.to_csv('work/cleaned.csv', index=False)",
    "again = pd.read_csv('work/cleaned.csv')\nfeatures = add_features(again)\nfeatures.groupby('currency')['eur'].agg(['count', 'mean'])",
    "%%experiment pipeline\ntop = features.nlargest(10, 'weight')\nrevenue = float(features['eur'].sum())\nshare = float(top['eur'].sum() / revenue)\nprint(f'{revenue:,.2f} EUR, {share:.1%} of it in the top ten')",
)
CLEAN = '"""Takes out what is no order."""\n\nLIMIT = 900\n\n\ndef clean(orders):\n    return orders[(orders["eur"] > 0) & (orders["eur"] < LIMIT)]\n'
FEATURES = '"""Columns that are computed."""\n\nfrom steps.weights import weight\n\n\ndef add_features(orders):\n    return orders.assign(weight=weight(orders["eur"]))\n'
WEIGHTS = "import numpy as np\n\n\ndef weight(values):\n    return np.log1p(values) * 2.0\n"


def _database(folder: Folder, *statements: str) -> None:
    connection = sqlite3.connect(folder.path / "shop.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def make(folder: Folder) -> None:
    currencies = ("EUR", "USD", "CHF")
    rows = drawn(
        5,
        90,
        lambda row, _: row,
        lambda _, n: round(1000 * n[1], 2),
        lambda _, n: f"'{currencies[int(3 * n[2])]}'",
    )
    _database(
        folder,
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, amount REAL, currency TEXT)",
        *(f"INSERT INTO orders VALUES ({row})" for row in rows),
    )
    folder.write("rates.csv", "currency,rate\nEUR,1.0\nUSD,0.92\nCHF,1.04\n")
    folder.write("steps/__init__.py", "")
    folder.write("steps/clean.py", CLEAN)
    folder.write("steps/features.py", FEATURES)
    folder.write("steps/weights.py", WEIGHTS)
    folder.write("work/.keep", "")


SUBJECT = Subject(
    name="pipeline",
    what="pipeline over several files",
    make=make,
    cells=CELLS,
    faults=(
        Fault("database content changed", "data.values", "shop.db", after=lambda f: _database(f, "UPDATE orders SET amount = amount + 50 WHERE id = 17"), cell=1),
        Fault("database rows added", "data.rows", "shop.db", after=lambda f: _database(f, "INSERT INTO orders VALUES (900, 420.5, 'USD')"), cell=1),
        Fault("database column renamed", "data.schema", "shop.db", after=lambda f: _database(f, "ALTER TABLE orders RENAME amount TO total"), cell=1),
        Fault("database rewritten equal", after=lambda f: _database(f, "CREATE TABLE other (x)", "DROP TABLE other")),
        Fault("value in a CSV", "data.values", "rates.csv", after=lambda f: f.replace("rates.csv", "0.92", "0.95"), columns=("rate",), cell=2),
        Fault("rows deleted", "data.rows", "rates.csv", after=lambda f: f.replace("rates.csv", "CHF,1.04\n", ""), cell=2),
        Fault("file missing", "data.missing", "rates.csv", after=lambda f: (f.path / "rates.csv").unlink()),
        Fault("imported local module changed", "code.module", "steps/clean.py", after=lambda f: f.replace("steps/clean.py", "LIMIT = 900", "LIMIT = 500")),
        Fault("module behind a module changed", "code.module", "steps/weights.py", after=lambda f: f.replace("steps/weights.py", "np.log1p(values) * 2.0", "-values")),
        Fault("comment in a module", after=lambda f: f.replace("steps/clean.py", "LIMIT = 900", "# euros\nLIMIT = 900  # at most")),
        Fault("module missing", "code.module", "steps/weights.py", after=lambda f: (f.path / "steps/weights.py").unlink()),
        Fault("cell edited after the run", "code.cell", "analysis.ipynb", after=lambda f: f.edit("nlargest(10", "nlargest(12"), cell=5),
        Fault("unused file changed", after=lambda f: f.write("notes.txt", "changed\n")),
        Fault("unseeded generator in a module", "randomness.unseeded", written=lambda f: f.replace("steps/weights.py", "np.log1p(values) * 2.0", "np.log1p(values) + np.random.random(len(values)) * 9")),
        Fault("environment variable", "environment.variable", "REGION_RATE", written=lambda f: (f.edit("revenue = float(", "import os\nfeatures['eur'] *= float(os.environ['REGION_RATE'])\nrevenue = float("), f.variables.update(REGION_RATE="1.0"))[0], after=lambda f: f.variables.update(REGION_RATE="1.2"), cell=5),
        Fault("environment variable missing", "environment.variable", "REGION_RATE", written=lambda f: (f.edit("revenue = float(", "import os\nfeatures['eur'] *= float(os.environ['REGION_RATE'])\nrevenue = float("), f.variables.update(REGION_RATE="1.0"))[0], after=lambda f: f.variables.pop("REGION_RATE"), cell=5),
        Fault("timing text", written=lambda f: f.edit("cleaned = clean(orders)", "import time\nbegin = time.time()\ncleaned = clean(orders)\nprint('cleaned', len(cleaned), 'orders,', round(time.time() - begin, 5))")),
        Fault("logging to stderr", written=lambda f: f.edit("cleaned = clean(orders)", "import logging\nlogging.basicConfig(level='INFO', format='%(asctime)s %(process)d %(message)s')\nlogging.info('cleaning')\ncleaned = clean(orders)")),
        Fault("deleted cell that defined a name", "hidden-state.deleted-cell", "rates", written=lambda f: f.edit("rates = pd.read_csv('rates.csv')\n", ""), session=(0, "rates = pd.read_csv('rates.csv')", 1, 2, 3, 4, 5)),
        Fault("unchanged"),
        Fault("unchanged, in a session", session=tuple(range(6))),
    ),
    pairs=(
        ("database content changed", "comment in a module"),
        ("imported local module changed", "value in a CSV"),
        ("cell edited after the run", "unused file changed"),
        ("imported local module changed", "cell edited after the run"),
    ),
)  # fmt: skip
