"""Tabular machine learning: a CSV file, a split, a forest, a table of results."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Fault, Folder, Subject, drawn

CELLS = (
    "import numpy as np\nimport pandas as pd\nfrom sklearn.ensemble import RandomForestClassifier\n"
    "from sklearn.model_selection import KFold, cross_val_score, train_test_split",
    "df = pd.read_csv('data/loans.csv')\ndf.describe()",
    "df['ratio'] = df['debt'] / df['income']\nX = df[['income', 'debt', 'ratio', 'age']]\ny = df['default']",
    "X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)\nlen(X_train)",
    "%%experiment loans\ntrees = 25\nmodel = RandomForestClassifier(n_estimators=trees, max_depth=4, random_state=0)\n"
    "model.fit(X_train, y_train)\naccuracy = model.score(X_test, y_test)\nprint(f'accuracy {accuracy:.4f}')\nmodel",
    "pd.DataFrame({'feature': X.columns, 'importance': model.feature_importances_}).round(4)",
)


def make(folder: Folder) -> None:
    rows = drawn(
        7, 160,
        lambda _, n: round(20 + 60 * n[0], 1),
        lambda _, n: round(30 * n[1], 1),
        lambda _, n: 20 + int(45 * n[2]),
        lambda _, n: int(30 * n[1] / (20 + 60 * n[0]) + 0.3 * n[3] > 0.5),
    )  # fmt: skip
    folder.write("data/loans.csv", "\n".join(["income,debt,age,default", *rows]) + "\n")
    folder.write("README.md", "# Loans\n")


def _value(folder: Folder) -> None:
    def change(rows: list[str]) -> list[str]:
        for place in (3, 40, 90):
            income, rest = rows[place].split(",", 1)
            rows[place] = f"{float(income) * 10:.1f},{rest}"
        return rows

    folder.lines("data/loans.csv", change)


def _dtype(folder: Folder) -> None:
    def change(rows: list[str]) -> list[str]:
        parts = [row.split(",") for row in rows]
        return [f"{a},{b},{int(c) + 0.5},{d}" for a, b, c, d in parts]

    folder.lines("data/loans.csv", change)


def _absolute(folder: Folder) -> None:
    text = folder.read("data/loans.csv")
    (folder.elsewhere / "loans.csv").write_text(text, encoding="utf-8")
    folder.edit("'data/loans.csv'", repr(str(folder.elsewhere / "loans.csv")))


def _gone(folder: Folder) -> None:
    (folder.elsewhere / "loans.csv").unlink()
    folder.elsewhere.rmdir()


LOANS = "data/loans.csv"
SUBJECT = Subject(
    name="loans",
    what="tabular machine learning",
    make=make,
    cells=CELLS,
    faults=(
        Fault("value in a CSV", "data.values", LOANS, after=_value, columns=("income",), cell=1, variable="df"),
        Fault("rows added", "data.rows", LOANS, after=lambda f: f.lines(LOANS, lambda r: [*r, "30.5,12.5,44,1", "22.1,20.0,31,1"]), cell=1),
        Fault("rows deleted", "data.rows", LOANS, after=lambda f: f.lines(LOANS, lambda r: r[:20] + r[32:]), cell=1),
        Fault("rows reordered", "data.order", LOANS, after=lambda f: f.lines(LOANS, lambda r: r[::-1]), cell=1),
        Fault("column renamed", "data.schema", LOANS, after=lambda f: f.replace(LOANS, "debt", "liabilities"), cell=1),
        Fault("column's type changed", "data.schema", LOANS, after=_dtype, also=("data.values",), cell=1),
        Fault("file missing", "data.missing", LOANS, after=lambda f: (f.path / LOANS).unlink()),
        Fault("absolute path that exists nowhere else", "path", written=_absolute, after=_gone),
        Fault("cell edited after the run", "code.cell", "analysis.ipynb", after=lambda f: f.edit("max_depth=4", "max_depth=2"), cell=4),
        Fault("comment or format edit", after=lambda f: f.edit("trees = 25\n", "# how many\ntrees   =  25\n\n")),
        Fault("comment in the data's cell", after=lambda f: f.edit("df.describe()", "df.describe()  # a first look")),
        Fault("estimator without random_state", "randomness.unseeded", "model", written=lambda f: f.edit("max_depth=4, random_state=0", "max_depth=4"), cell=4, variable="model"),
        Fault(
            "split without random_state", "randomness.unseeded",
            written=lambda f: f.edit("test_size=0.3, random_state=0", "test_size=0.3"), cell=3,
        ),
        Fault("sample without random_state", "randomness.unseeded", written=lambda f: f.edit("df.describe()", "df = df.sample(frac=0.8)\ndf.describe()"), cell=1),
        Fault(
            "shuffled folds without random_state", "randomness.unseeded",
            written=lambda f: f.edit("print(f'accuracy", "accuracy = cross_val_score(model, X, y, cv=KFold(4, shuffle=True)).mean()\nprint(f'accuracy"),
            cell=4,
        ),
        Fault("global seed set", written=lambda f: (f.edit("max_depth=4, random_state=0", "max_depth=4"), f.edit("import numpy as np", "import numpy as np\nnp.random.seed(1)"))[0]),
        Fault("timing text", written=lambda f: f.edit("model.fit(X_train, y_train)", "import time\nstart = time.time()\nmodel.fit(X_train, y_train)\nprint('--- %s seconds ---' % (time.time() - start))")),
        Fault("%time and %timeit", written=lambda f: f.edit("len(X_train)", "%timeit -n 2 -r 2 X.sum()\n%time total = X.sum().sum()")),
        Fault("addresses and ids", written=lambda f: f.edit("len(X_train)", "print(id(X_train), object(), lambda x: x)\nlen(X_train)")),
        Fault("warning on stderr", written=lambda f: f.edit("len(X_train)", "import warnings, os\nwarnings.warn(f'process {os.getpid()} is slow')\nlen(X_train)")),
        Fault("unchanged"),
    ),
    pairs=(
        ("value in a CSV", "comment or format edit"),
        ("cell edited after the run", "rows added"),
        ("estimator without random_state", "value in a CSV"),
        ("rows reordered", "timing text"),
    ),
)  # fmt: skip
