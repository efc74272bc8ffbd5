"""``[gate]`` in ``mlgov.toml``: each setting changes what the gate asks, each mistake is told in one line."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.governance.gate_files import junit, markdown
from jupyter_mlgov.governance.policy import Policy, read_policy
from jupyter_mlgov.records.annotations import Charter, Check, Risk
from jupyter_mlgov.records.manifest import Code
from jupyter_mlgov.records.verdict import GateDecision, GateRule
from jupyter_mlgov.store import Store, ledger
from tests.store.making import add_snapshot


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / ".mlgov")


def risk(severity: Any, passed: bool | None = None, **fields: Any) -> Risk:
    check = Check(expression="a > 1", passed=passed)
    return Risk(
        **{
            "id": severity,
            "situation": "x",
            "severity": severity,
            "likelihood": "low",
            "check": check,
            **fields,
        }
    )


def policy(folder: Path, text: str) -> Policy:
    (folder / "mlgov.toml").write_text(text)
    return read_policy(folder)


def failing(store: Store, snapshot: str, asked: Policy, **options: Any) -> dict[str, str]:
    return {
        rule.rule: rule.reason for rule in decide(store, snapshot, asked, **options).rules if not rule.passed
    }


def test_without_a_file_the_default_holds_and_has_a_digest(tmp_path: Path, store: Store) -> None:
    assert read_policy(tmp_path) == Policy()
    decision = decide(store, add_snapshot(store))
    assert decision.policy == Policy().digest
    assert decision.policy.startswith("blake3:")
    assert policy(tmp_path, '[gate]\nseverities = ["critical", "high"]\n').digest == Policy().digest
    assert policy(tmp_path, "[gate]\nrerun = false\n").digest != Policy().digest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("severties = ['high']", "severties"),
        ("severities = ['hgih']", "hgih"),
        ("kpis = ['auc > > 1']", "kpis: KPI"),
        ("charter = ['ownr']", "did you mean owner?"),
        ("roles = {validator = 0}", "'validator' needs 0 people"),
        ("approvers = [{name = 'Ada', key = 'x'}]", "approvers: Ada: 'x' is no public key"),
        ("approvers = [{name = 'Ada'}]", "key"),
        ("rerun_within_days = -1", "write more than 0"),
        ("acceptance = 'maybe'", "maybe"),
    ],
)
def test_a_mistake_in_the_policy_is_one_line_that_names_it(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        policy(tmp_path, f"[gate]\n{text}\n")
    assert says in str(error.value)
    assert "mlgov.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_target_of_the_policy_is_asked_of_every_snapshot(store: Store) -> None:
    made = add_snapshot(store, metrics={"auc": 0.7})
    asked = Policy(kpis=("auc >= 0.8", "gap <= 0.1"), rerun=False)
    assert failing(store, made, asked) == {
        "kpi auc >= 0.8": "not met: auc is 0.7, and >= 0.8 was asked",
        "kpi gap <= 0.1": "not measured: the run has no metric gap; compute it in the experiment's cell",
    }


def test_what_is_needed_but_absent_closes_the_gate(store: Store) -> None:
    made = add_snapshot(store)
    asked = Policy(kpis_needed=True, risks_needed=True, rerun=False, charter=("owner",), committed=True)
    assert set(failing(store, made, asked)) == {"kpi", "risk", "charter", "code"}
    assert failing(store, made, Policy(rerun=False)) == {}
    whole = add_snapshot(
        store, message="whole", charter=Charter(title="x", owner="y"), code=Code(commit="a" * 40)
    )
    assert failing(store, whole, Policy(rerun=False, charter=("owner",), committed=True)) == {}
    dirty = add_snapshot(store, message="dirty", code=Code(commit="a" * 40, dirty=True))
    assert "uncommitted changes" in failing(store, dirty, Policy(rerun=False, committed=True))["code"]


def test_the_policy_says_which_severities_are_gated(store: Store) -> None:
    made = add_snapshot(store, risks=(risk("medium", False), risk("high", False), risk("critical", None)))
    assert set(failing(store, made, Policy(rerun=False))) == {"risk high", "risk critical"}
    assert set(failing(store, made, Policy(rerun=False, severities=("medium",)))) == {"risk medium"}
    assert failing(store, made, Policy(rerun=False, severities=())) == {}


def test_an_acceptance_that_is_only_written_may_not_be_enough(store: Store) -> None:
    made = add_snapshot(store, risks=(risk("high", False, status="accepted", owner="Ada"),))
    assert failing(store, made, Policy(rerun=False)) == {}
    assert (
        "'accepted' in a cell is not enough"
        in failing(store, made, Policy(rerun=False, acceptance="signed"))["risk high"]
    )
    assert failing(store, made, Policy(rerun=False, acceptance="never")) != {}


def test_a_rerun_may_be_too_old_and_which_verdicts_pass_is_set(store: Store) -> None:
    made = add_snapshot(store)
    entry = store.append("rerun", made, {"verdict": "equivalent", "candidate": None, "comparison": None})
    at = datetime.fromisoformat(entry.at)
    asked = Policy(rerun_within_days=30)
    assert failing(store, made, asked, now=at) == {}
    late = failing(store, made, asked, now=datetime(2999, 1, 1, tzinfo=UTC))["rerun"]
    assert "days ago, and at most 30 are allowed: run mlgov rerun baseline@1" in late
    assert "was equivalent" in failing(store, made, Policy(verdicts=("reproduced",)))["rerun"]


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("yesterday", "which is no time that can be read"),
        ("", "which is no time that can be read"),
        ("0001-01-01T00:00:00+23:59", "which is no time that can be read"),
        ("2026-11-20T10:00:00", "20 days ago"),
        ("2026-12-10T10:04:00Z", None),
        ("2026-12-10T10:06:00Z", "which is still to come"),
        ("9999-12-31T00:00:00Z", "which is still to come"),
    ],
)
def test_a_rerun_whose_time_is_no_recent_one_is_not_recent(
    monkeypatch: pytest.MonkeyPatch, store: Store, at: str, says: str | None
) -> None:
    made = add_snapshot(store)
    monkeypatch.setattr(ledger, "now", lambda: at)
    store.append("rerun", made, {"verdict": "reproduced", "candidate": None, "comparison": None})
    now = datetime(2026, 12, 10, 10, tzinfo=UTC)
    found = failing(store, made, Policy(rerun_within_days=7), now=now)
    assert list(found) == ([] if says is None else ["rerun"])
    assert says is None or says in found["rerun"]
    assert failing(store, made, Policy(), now=now) == {}


EVIL = '<script>alert(1)</script>|`x`\x00\x1b[31m"&'


def test_ci_files_hold_every_rule_and_none_of_the_records_markup() -> None:
    decision = GateDecision(
        open=False,
        rules=(GateRule(rule="run", passed=True, reason="fine"), GateRule(rule=f"kpi {EVIL}", passed=False, reason=EVIL)),
        snapshot="a" * 64,
        policy="blake3:" + "b" * 64,
    )  # fmt: skip
    suite = ET.fromstring(junit(decision, EVIL)).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failures = suite.findall("testcase/failure")
    assert [failure.get("message") for failure in failures] == [
        EVIL.replace("\x00", "\ufffd").replace("\x1b", "\ufffd")
    ]
    text = markdown(decision, "base@1")
    assert text.startswith("## Gate closed: base@1\n")
    assert "<script" not in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 4 for line in table)
    assert decision.policy in text
