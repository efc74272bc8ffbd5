"""Two snapshots laid out side by side."""

from __future__ import annotations

from pathlib import Path

from jupyter_mlgov.rerun.side_by_side import side_by_side
from tests.rerun.making import Maker, printed

OLD = ["import pandas as pd", 'loans = pd.read_csv("loans.csv")', ("print(len(loans))", [printed("2\n")])]
NEW = [
    "import pandas as pd",
    "import numpy as np",
    'loans = pd.read_csv("loans.csv")',
    ("print(len(loans))", [printed("3\n")]),
]


def test_values_inputs_cells_and_packages_are_rows_with_their_change(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    one = maker.baseline(
        OLD,
        parameters={"C": 0.1, "gone": 1},
        metrics={"auc": 0.8, "loss": float("nan")},
        inputs=(maker.table("loans.csv", "income,age\n1,2\n3,4\n"),),
        packages={"numpy": "2.0", "pandas": "3.0"},
    )
    other = maker.baseline(
        NEW,
        parameters={"C": 0.2, "new": "x"},
        metrics={"auc": 0.9, "loss": float("nan")},
        inputs=(maker.table("loans.csv", "income,years\n1,2\n9,4\n5,6\n"),),
        packages={"numpy": "2.1", "pandas": "3.0"},
    )
    told = side_by_side(maker.store, one, other)
    assert (told.baseline.number, told.candidate.number) == (1, 2)
    assert {row.name: row.change for row in told.parameters} == {
        "C": "changed",
        "gone": "removed",
        "new": "added",
    }
    assert {row.name: row.change for row in told.metrics} == {"auc": "changed", "loss": "same"}
    assert {row.name: row.change for row in told.packages} == {"numpy": "changed", "pandas": "same"}
    (data,) = told.inputs
    assert (data.change, data.rows) == ("changed", (2, 3))
    assert {column.name: column.change for column in data.columns} == {
        "income": "changed",
        "age": "removed",
        "years": "added",
    }
    assert [(cell.change, cell.indices) for cell in told.cells] == [
        ("same", (0, 0)),
        ("added", (None, 1)),
        ("same", (1, 2)),
        ("same", (2, 3)),
    ]
    last = told.cells[-1]
    assert (last.result, last.outputs) == ("different", (True, True))
    assert told.comparison.verdict == "diverged"
    assert told.comparison.findings


def test_a_snapshot_beside_itself_has_no_change(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    one = maker.baseline(OLD, metrics={"auc": 0.8})
    told = side_by_side(maker.store, one, one)
    assert told.comparison.verdict == "reproduced"
    assert {row.change for row in (*told.metrics, *told.packages)} == {"same"}
    assert {cell.change for cell in told.cells} == {"same"}
