"""A project whose released model was made by a real notebook, so that it can be retrained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat.v4 as nb
import pandas as pd

from jupyter_mlgov.project import Project
from tests.kernel import ROOT
from tests.monitor.making import applications

CELLS = (
    "%load_ext jupyter_mlgov",
    """%%charter
title: Who pays back
kpis: ["accuracy >= 0.7"]""",
    """import pandas as pd
loans = pd.read_csv("data/loans.csv")""",
    """%%experiment credit --model model
from sklearn.compose import make_column_transformer
from sklearn.metrics import accuracy_score
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
X = loans.drop(columns="paid")
y = loans["paid"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
prepare = make_column_transformer((StandardScaler(), ["income", "debt", "children"]), (OneHotEncoder(), ["region"]))
model = make_pipeline(prepare, LogisticRegression())
model.fit(X_train, y_train)
accuracy = accuracy_score(y_test, model.predict(X_test))""",
    """%%risk wrong
situation: It is wrong about somebody
severity: high
likelihood: low
check: accuracy > 0.6""",
)


def notebook(*cells: str) -> dict[str, Any]:
    made = nb.new_notebook(
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    )
    made.cells = [nb.new_code_cell(source, id=f"cell-{place}") for place, source in enumerate(cells)]
    return dict(made)


def trained_project(folder: Path, *, rows: int = 600, cells: tuple[str, ...] = CELLS, table: pd.DataFrame | None = None,
                    release: bool = True) -> Project:  # fmt: skip
    """``credit:production`` is version 1, fitted on ``data/loans.csv``; its rerun reproduced."""
    (folder / "data").mkdir(parents=True)
    (applications(1, rows) if table is None else table).to_csv(folder / "data" / "loans.csv", index=False)
    (folder / "credit.ipynb").write_text(json.dumps(notebook(*cells)))
    words = ["-m", "papermill", "--engine", "mlgov", "--no-progress-bar", "credit.ipynb", "/dev/null"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder.parent / "ipython")}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    project = Project.open(folder)
    if release:
        assert project.rerun("credit", as_recorded=True).verdict == "reproduced"
        assert project.release("credit", "credit", "production").release is not None
    return project
