"""The example of a model at work does what it tells: release, score, outcomes, monitor, retrain, release."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlgov.project import Project
from tests.kernel import ROOT

HERE = ROOT / "example-notebooks"
NAMES = ("operations.ipynb", "second-reading.ipynb")


@dataclass(frozen=True)
class Executed:
    """The notebook after one run."""

    folder: Path
    notebook: dict[str, Any]
    project: Project

    def shown(self, cell: str) -> str:
        """What a cell showed, as text."""
        (found,) = [one for one in self.notebook["cells"] if one["id"] == cell]
        parts = [output.get("data", {}).get("text/plain", "") for output in found["outputs"]]
        return "".join("".join(part) for part in parts)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    folder = tmp_path_factory.mktemp("operations")
    for name in NAMES:
        shutil.copy(HERE / name, folder)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder.parent / "ipython")}
    words = ["-m", "papermill", "--no-progress-bar", NAMES[0], "../executed.ipynb"]
    done = subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    notebook = json.loads((folder.parent / "executed.ipynb").read_text(encoding="utf-8"))
    return Executed(folder, notebook, Project.open(folder))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_kept_without_outputs_and_with_ids_that_stay(name: str) -> None:
    notebook = nbformat.read(HERE / name, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z-]+", one) for one in ids)


def test_every_cell_runs_and_only_data_is_left(example: Executed) -> None:
    code = [cell for cell in example.notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    bad = [output for cell in code for output in cell["outputs"] if output["output_type"] == "error"]
    assert bad == []
    assert sorted(path.name for path in example.folder.iterdir()) == [".mlgov", "data", *NAMES]


def test_nothing_moves_until_the_rules_change_and_then_the_monitor_says_where_and_when(
    example: Executed,
) -> None:
    assert "version 1: nothing" in example.shown("monitor-calm")
    told = example.shown("monitor")
    assert "version 1: retrain" in told
    assert "auc is" in told and "is missed" in told
    (one,) = example.project.monitored()
    found = one.monitoring
    assert (found.rows, found.outcomes) == (989, 989)
    assert not [column for column in found.columns if column.tell == "drift"]
    (loss,) = [series for series in found.concept if series.series == "loss"]
    assert abs(loss.changes[0].row - 300) < 60
    assert found.slices[0].where.startswith("loanprc >= 0.8")
    assert [run.decision for run in one.runs] == ["retrain", "nothing"]


def test_the_retrained_model_is_better_on_rows_that_neither_saw_and_goes_to_the_stage(
    example: Executed,
) -> None:
    assert "retrained as second-reading@2: ready" in example.shown("retrain")
    (made,) = example.project.retrainings()
    assert (made.rows_before, made.rows_new, made.rerun) == (1000, 989, "reproduced")
    assert made.contest is not None and made.contest.gain is not None
    assert made.contest.verdict == "better"
    assert made.contest.metric == "auc"
    assert isinstance(made.contest.gain.low, float) and made.contest.gain.low > 0.05
    assert made.outcome == "released"
    assert example.shown("answer-again") == "2"
    assert [one.number for one in example.project.releases("second-reading")] == [2, 1]
    shown = example.project.show("second-reading:production")
    assert shown["retrained"]["uri"] == "data/applications.csv"
    assert shown["parent"] == example.project.resolve("second-reading@1")
    assert example.project.fsck() == []


def test_its_report_tells_of_the_retraining(example: Executed, tmp_path: Path) -> None:
    page = example.project.report("second-reading", tmp_path / "r.html").read_text(encoding="utf-8")
    assert "released, version 1" in page
    assert "989 rows of predictions whose outcome became known" in page
