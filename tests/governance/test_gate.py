from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_mlgov.governance.gate import decide, register
from jupyter_mlgov.governance.kpis import judge, parse_kpi
from jupyter_mlgov.governance.register import charter, kpis
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Charter, Check, CheckTerm, Risk
from jupyter_mlgov.records.canonical import plain
from jupyter_mlgov.records.verdict import GateRule
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot

GOOD = {"kpis": judge([parse_kpi("auc >= 0.8")], {"auc": 0.8})}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / ".mlgov")


def risk(name: str = "gap", **fields: Any) -> Risk:
    return Risk(**{"id": name, "situation": "x", "severity": "high", "likelihood": "low", **fields})


def check(passed: bool | None, error: str | None = None) -> Check:
    return Check(
        expression="gap < 1", passed=passed, terms=(CheckTerm(expression="gap", value=0.25),), error=error
    )


def rerun(store: Store, snapshot: str, verdict: str = "reproduced") -> None:
    store.append("rerun", snapshot, {"verdict": verdict, "candidate": None, "comparison": None})


def rules(store: Store, snapshot: str) -> dict[str, GateRule]:
    decision = decide(store, snapshot)
    assert decision.snapshot == snapshot
    assert decision.open == all(rule.passed for rule in decision.rules)
    assert all("\n" not in rule.reason and rule.reason for rule in decision.rules)
    return {rule.rule: rule for rule in decision.rules}


def test_the_gate_opens_when_every_rule_passes(store: Store) -> None:
    snapshot = add_snapshot(store, **GOOD, risks=(risk(check=check(True)), risk("small", severity="low")))
    rerun(store, snapshot)
    assert decide(store, snapshot).open
    assert list(rules(store, snapshot)) == ["run", "kpi auc >= 0.8", "risk gap", "rerun", "rejection"]


def test_a_run_that_raised_never_passes(store: Store) -> None:
    snapshot = add_snapshot(store, **GOOD, status="error", error="ValueError: no")
    rerun(store, snapshot)
    answer = rules(store, snapshot)["run"]
    assert not answer.passed
    assert "ValueError: no" in answer.reason


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ({"auc": 0.7}, "not met: auc is 0.7"),
        ({}, "not measured"),
        ({"auc": float("nan")}, "not met: auc is NaN"),
    ],
)
def test_a_kpi_that_is_not_met_closes_it(store: Store, metrics: dict[str, Any], says: str) -> None:
    snapshot = add_snapshot(store, kpis=judge([parse_kpi("auc >= 0.8")], metrics), metrics=metrics)
    answer = rules(store, snapshot)["kpi auc >= 0.8"]
    assert not answer.passed
    assert says in answer.reason


def test_without_any_kpi_the_rule_says_that_nothing_was_asked(store: Store) -> None:
    answer = rules(store, add_snapshot(store))["kpi"]
    assert answer.passed
    assert "nothing was asked" in answer.reason


@pytest.mark.parametrize(
    ("fields", "passed", "says"),
    [
        ({"check": check(True)}, True, "passed (gap = 0.25)"),
        ({"check": check(False)}, False, "failed (gap = 0.25)"),
        ({"check": check(None, "NameError: gap")}, False, "NameError: gap"),
        ({}, False, "it has no check"),
        ({"status": "closed"}, False, "'closed' alone is no evidence"),
        ({"status": "mitigated", "check": check(True)}, True, "passed"),
        (
            {"status": "accepted", "owner": "J. Doe", "check": check(False)},
            True,
            "accepted by J. Doe; its check gap < 1 failed",
        ),
        ({"status": "accepted"}, True, "no owner named"),
        ({"severity": "critical", "check": check(False)}, False, "critical risk"),
    ],
)
def test_a_grave_risk_needs_a_passing_check_or_an_acceptance(
    store: Store, fields: dict[str, Any], passed: bool, says: str
) -> None:
    answer = rules(store, add_snapshot(store, risks=(risk(**fields),)))["risk gap"]
    assert answer.passed is passed
    assert says in answer.reason


def test_small_risks_and_no_risks_are_said_apart(store: Store) -> None:
    small = add_snapshot(store, risks=(risk(severity="medium", check=check(False)),))
    assert "among the 1 annotated" in rules(store, small)["risk"].reason
    assert "does not mean that there is none" in rules(store, add_snapshot(store))["risk"].reason


def test_the_newest_evaluation_of_exactly_this_snapshot_counts(store: Store) -> None:
    snapshot = add_snapshot(store, risks=(risk(check=check(False)),))
    other = add_snapshot(store, message="another", risks=(risk(check=check(False)),))
    store.append("risk", snapshot, msgspec.to_builtins(risk(check=check(False))))
    store.append("risk", snapshot, msgspec.to_builtins(risk(check=check(True))))
    store.append("risk", snapshot, msgspec.to_builtins(risk("late", check=check(True))))
    store.append("risk", snapshot, {"id": "gap", "severity": "no risk at all"})
    assert rules(store, snapshot)["risk gap"].passed
    assert [one.id for one in register(store, snapshot)] == ["gap", "late"]
    assert not rules(store, other)["risk gap"].passed


@pytest.mark.parametrize(
    ("verdict", "passed"),
    [("reproduced", True), ("equivalent", True), ("diverged", False), ("failed", False), ("blocked", False)],
)
def test_the_verdict_decides(store: Store, verdict: str, passed: bool) -> None:
    snapshot = add_snapshot(store)
    rerun(store, snapshot, verdict)
    answer = rules(store, snapshot)["rerun"]
    assert answer.passed is passed
    assert verdict in answer.reason


def test_the_newest_verdict_of_exactly_this_snapshot_counts(store: Store) -> None:
    snapshot, other = add_snapshot(store), add_snapshot(store, message="another")
    rerun(store, other)
    answer = rules(store, snapshot)["rerun"]
    assert not answer.passed
    assert "mlgov rerun baseline@1" in answer.reason
    rerun(store, snapshot)
    rerun(store, snapshot, "diverged")
    assert not rules(store, snapshot)["rerun"].passed


def decision(store: Store, snapshot: str, name: str, word: str) -> None:
    store.append(
        "approval", snapshot, {"name": name, "role": "validator", "decision": word, "message": "not yet"}
    )


def test_a_rejection_closes_it_until_the_same_person_approves(store: Store) -> None:
    snapshot = add_snapshot(store)
    decision(store, snapshot, "Bo", "rejected")
    decision(store, snapshot, "Ada", "approved")
    answer = rules(store, snapshot)["rejection"]
    assert not answer.passed
    assert answer.reason == "rejected by Bo (validator): not yet"
    decision(store, snapshot, "Bo", "approved")
    assert rules(store, snapshot)["rejection"].passed


def test_a_later_charter_adds_targets_and_takes_none_back(store: Store) -> None:
    first = Charter(title="a", kpis=(parse_kpi("auc >= 0.9"),))
    snapshot = add_snapshot(store, charter=first, kpis=judge(first.kpis, {"auc": 0.8}))
    later = Charter(title="b", kpis=(parse_kpi("auc >= 0.7"), parse_kpi("gap < 1")))
    store.append("charter", snapshot, msgspec.to_builtins(later))
    assert charter(store, snapshot) == later
    assert [(kpi.target, kpi.met) for kpi in kpis(store, snapshot)] == [
        (0.9, False),
        (0.7, True),
        (1.0, None),
    ]


def test_every_door_passes_over_a_charter_that_is_none(store: Store) -> None:
    written = Charter(title="Loans", owner="Ada")
    snapshot = add_snapshot(store, charter=written)
    project = Project(store.folder.parent, store)
    store.append("charter", snapshot, {"title": 5, "owner": "Mallory"})
    assert charter(store, snapshot) == written
    assert project.show(snapshot)["charter"] == plain(msgspec.to_builtins(written))
    store.append("charter", snapshot, {"title": "Mortgages"})
    assert project.show(snapshot)["charter"] == plain(msgspec.to_builtins(Charter(title="Mortgages")))


def test_the_newest_of_each_experiment_is_the_same_everywhere(store: Store) -> None:
    project = Project(store.folder.parent, store)
    add_snapshot(store, risks=(risk("old"),))
    forest = add_snapshot(store, experiment="forest", risks=(risk("deep"),), path="b.ipynb")
    newest = add_snapshot(store, message="again", risks=(risk("new"), risk("other")))
    add_snapshot(store, message="candidate", kind="candidate", baseline=newest)
    assert list(project.newest_of_each().items()) == [("baseline", newest), ("forest", forest)]
    assert [(one.snapshot, one.number, one.notebook, one.risk.id) for one in project.risks()] == [
        (newest, 2, "notebook.ipynb", "new"), (newest, 2, "notebook.ipynb", "other"), (forest, 1, "b.ipynb", "deep"),
    ]  # fmt: skip
    assert [row.id for row in project.models().rows] == [newest, forest]
