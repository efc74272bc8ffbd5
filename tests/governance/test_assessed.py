"""A risk's check and the gate rest on the assessment of exactly this snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from jupyter_mlgov.governance.assessed import asked
from jupyter_mlgov.governance.checks import after_assessment, evaluate
from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.governance.policy import Policy
from jupyter_mlgov.records.annotations import Charter, Check, DeclaredData, Kpi, Risk, Threshold
from jupyter_mlgov.records.assessment import Assessment, TestResult
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.store import Store
from tests.store.making import make_manifest


def result(
    name: str, value: float | None, verdict: str = "pass", cases: int = 200, half: float = 0.03
) -> TestResult:
    return TestResult(
        id=name,
        group=name.partition(".")[0],
        question="?",
        value=value,
        low=None if value is None else value - half,
        high=None if value is None else value + half,
        op="<=",
        threshold=0.1,
        verdict=verdict,  # type: ignore[arg-type]
        reason="because",
        rows=500,
        cases=cases,
        needed=30,
    )


def assessment(*results: TestResult, snapshot: str = "0" * 64) -> Assessment:
    return Assessment(snapshot=snapshot, suite="s", task="binary", data="d", rows=500, results=results)


def risk(check: str) -> Risk:
    return Risk(id="r", situation="s", severity="high", likelihood="low", check=Check(expression=check))


ODDS = assessment(
    result("fairness.equalized_odds:sex", 0.05),
    result("fairness.equalized_odds:black", 0.2, "fail"),
    result("fairness.demographic_parity:sex", 0.09, cases=5, half=0.2),
    result("leakage.time_order", None, "not-applicable"),
    result("shift", None, "error"),
)


def check(expression: str, made: Assessment | None = ODDS, **names: object) -> Check:
    found = evaluate(risk(expression), dict(names), None, made).check
    assert found is not None
    return found


def test_of_several_results_the_worst_counts():
    assert check('assess("fairness.equalized_odds") < 0.1').passed is False
    assert check('assess("fairness.equalized_odds") < 0.3').passed is True
    assert check('assess("fairness.equalized_odds:sex") < 0.1').passed is True


def test_the_value_is_written_down_with_its_interval_and_rows():
    made = check('assess("fairness.equalized_odds") < 0.1')
    (slice_,) = made.slices
    assert (slice_.value, slice_.rows, slice_.where) == (0.2, 500, "black")
    assert made.terms[0].value == pytest.approx(0.2)


def test_too_few_cases_are_no_answer():
    made = check('assess("fairness.demographic_parity") < 0.1')
    assert made.passed is None
    assert "too small to tell" in (made.error or "")


@pytest.mark.parametrize(
    ("expression", "given", "said"),
    [
        ('assess("fairness.equalized_odds") < 0.1', None, "not assessed yet: run mlgov assess"),
        ('assess("fairness.equalised_odds") < 0.1', ODDS, "did you mean 'fairness.equalized_odds'"),
        ('assess("leakage.time_order") <= 0', ODDS, "not-applicable: because"),
        ('assess("shift.domain") <= 0.6', ODDS, "shift: error: because"),
    ],
)
def test_what_has_no_value_has_no_answer_and_says_why(expression: str, given: Assessment | None, said: str):
    made = check(expression, given)
    assert made.passed is None
    assert said in (made.error or "")


def test_a_function_of_the_sessions_own_is_called_instead():
    assert check('assess("x") < 0.1', None, assess=lambda _: 0.05).passed is True


def test_after_an_assessment_only_checks_that_need_nothing_of_the_session_are_evaluated():
    own, mixed, other = (
        risk('assess("fairness.equalized_odds") < 0.3'),
        risk('assess("x") < limit'),
        risk("auc > 0.5"),
    )
    (made,) = after_assessment([own, mixed, other], None, ODDS)
    assert made.check is not None
    assert made.check.passed is True


@pytest.mark.parametrize(
    "expression",
    [
        'abs(assess("fairness.equalized_odds") - 0.1) <= 0.2 and not assess("fairness.equalized_odds:sex") > 1',
        'max(assess("fairness.equalized_odds:sex"), 0.01) / 2 < 0.1 or False',
        '0 <= assess("fairness.equalized_odds") < 1e3',
    ],
)
def test_figures_of_an_assessment_are_reckoned_with_outside_the_notebook(expression: str) -> None:
    (made,) = after_assessment([risk(expression)], None, ODDS)
    assert made.check is not None
    assert (made.check.passed, made.check.error) == (True, None)


@pytest.mark.parametrize(
    "code",
    [
        '__import__("pathlib").Path(r"{path}").touch() is None',
        'exec("open({path!r}, chr(119))") is None',
        'open(r"{path}", "w")',
        "[one for one in ().__class__.__base__.__subclasses__()]",
        '(lambda: open(r"{path}", "w"))()',
        'assess(open(r"{path}", "w").name) < 1',
        'assess("x", key=open(r"{path}", "w")) < 1',
        'max([open(r"{path}", "w")], key=print)',
        'f"{{open({path!r}, chr(119))}}" != ""',
        "9 ** 9 ** 9 > 1",
        "1 << 10 ** 9 > 0",
        '"x" * 10 ** 9 != ""',
        "abs(True).__class__ is not None",
        "(y := 3) > 1",
        "recall() > 0.5",
        "1 < 2" + " and 1 < 2" * 2000,
        "(" * 900 + "1" + ")" * 900,
    ],
)
def test_a_record_of_a_stranger_runs_nothing_when_its_model_is_assessed(tmp_path: Path, code: str) -> None:
    code = code.format(path=str(tmp_path / "touched"))
    hostile = [
        risk(f'{code} and assess("fairness.equalized_odds") < 1'),
        risk(f'assess("fairness.equalized_odds") < 1 and {code}'),
    ]
    for made in after_assessment(hostile, None, ODDS):
        assert made.check is not None
        assert made.check.passed is None
        assert "not evaluated outside the notebook" in (made.check.error or "")
        assert "\n" not in (made.check.error or "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "passed", "said"),
    [
        ("fairness.equalized_odds", False, "fairness.equalized_odds:black: failed"),
        ("all", False, "failed"),
        ("fairness.demographic_parity", True, "1 test passed on 500 rows"),
        ("leakage", False, "nothing of it was tested: because"),
        ("calibration", False, "the suite has no such test"),
        ("shift", False, "shift: could not be tested: because"),
        ("shift.domain", False, "shift: could not be tested: because"),
    ],
)
def test_the_gate_asks_for_tests(tmp_path: Path, name: str, passed: bool, said: str):
    store = Store.create(tmp_path / ".mlgov")
    snapshot = store.commit(make_manifest(store)).subject
    made = msgspec.structs.replace(ODDS, asked=asked(store, snapshot))
    store.append("assessment", snapshot, {"assessment": store.put(canonical(made))})
    rules = {rule.rule: rule for rule in decide(store, snapshot, Policy(assess=(name,))).rules}
    assert rules[f"assess {name}"].passed is passed
    assert said in rules[f"assess {name}"].reason


def test_an_assessment_by_other_settings_or_for_another_charter_does_not_count(tmp_path: Path):
    store = Store.create(tmp_path / ".mlgov")
    snapshot = store.commit(make_manifest(store)).subject
    policy = Policy(assess=("fairness.demographic_parity",), kpis=("auc >= 0.5",))

    def said(policy: Policy = policy, suite: str = "s") -> str:
        rules = {rule.rule: rule for rule in decide(store, snapshot, policy, suite=suite).rules}
        found = rules["assess fairness.demographic_parity"]
        return "passed" if found.passed else found.reason

    def add(targets: Sequence[Kpi]) -> None:
        made = msgspec.structs.replace(ODDS, asked=asked(store, snapshot, targets))
        store.append("assessment", snapshot, {"assessment": store.put(canonical(made))})

    store.append("assessment", snapshot, {"assessment": store.put(canonical(ODDS))})
    assert "by an earlier version of jupyter-mlgov, which did not record what" in said()
    assert said().endswith(": run mlgov assess baseline@1")
    add(())
    assert "when charter or policy asked for something else: run mlgov assess baseline@1" in said()
    add(policy.targets)
    assert said() == "passed"
    assert "by other settings than [assess] has now: run mlgov assess baseline@1" in said(suite="t")
    assert "asked for something else" in said(msgspec.structs.replace(policy, kpis=("auc >= 0.6",)))
    same = Charter(title="Only the title is another")
    store.append("charter", snapshot, msgspec.to_builtins(same))
    assert said() == "passed"
    for other in ({"kpis": policy.targets + parsed("gap <= 0.1")}, {"threshold": Threshold(value=0.4)},
                  {"test_data": DeclaredData(truth="y", positive="no")}):  # fmt: skip
        store.append("charter", snapshot, msgspec.to_builtins(msgspec.structs.replace(same, **other)))
        assert "asked for something else" in said()
        add(policy.targets)
        assert said() == "passed"


def parsed(text: str) -> tuple[Kpi, ...]:
    return Policy(kpis=(text,)).targets


def test_the_gate_does_not_take_another_snapshots_assessment(tmp_path: Path):
    store = Store.create(tmp_path / ".mlgov")
    first = store.commit(make_manifest(store)).subject
    store.append("assessment", first, {"assessment": store.put(canonical(ODDS))})
    second = store.commit(make_manifest(store, message="again", parent=first)).subject
    rules = {rule.rule: rule for rule in decide(store, second, Policy(assess=("fairness",))).rules}
    assert not rules["assess fairness"].passed
    assert "never assessed: run mlgov assess baseline@2" in rules["assess fairness"].reason
