from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from jupyter_mlgov.governance import estimates
from jupyter_mlgov.governance.checks import evaluate, reads
from jupyter_mlgov.governance.slices import MEASURES
from jupyter_mlgov.records.annotations import Charter, Check, DeclaredData, Risk, Threshold
from jupyter_mlgov.records.assessment import Assessment, TestResult
from jupyter_mlgov.records.canonical import canonical

DECLARED = DeclaredData(frame="loans", truth="denied", predicted="flagged", score="p")


def session(rows: int = 400) -> dict[str, Any]:
    """``rows`` applications: every fourth denied; the score finds all denied but the large loans among them."""
    place = np.arange(rows)
    loans = pd.DataFrame({"amount": place % 100, "group": np.where(place % 2, "a", "b")})
    denied = pd.Series((place % 4 == 0).astype(int))
    p = np.where((denied == 1) & (loans["amount"] < 90), 0.9, 0.1)
    return {"loans": loans, "denied": denied, "p": p, "flagged": p >= 0.5, "np": np}


def checked(expression: str, names: dict[str, Any] | None = None, **fields: Any) -> Check:
    risk = Risk(
        id="r", situation="x", severity="high", likelihood="low", check=Check(expression=expression),
        **{"test_data": DECLARED, **fields},
    )  # fmt: skip
    made = evaluate(risk, session() if names is None else names).check
    assert made is not None
    canonical(made)
    return made


def test_a_measure_over_a_slice_is_recorded_with_its_rows_and_interval() -> None:
    check = checked('recall(slice="amount < 90") >= 0.9')
    assert (check.passed, check.error) == (True, None)
    (one,) = check.slices
    assert (one.measure, one.where, one.value) == ("recall", "amount < 90", 1.0)
    assert (one.rows, one.cases, one.enough) == (360, 92, True)
    expected = binomtest(92, 92).proportion_ci(method="wilson")
    assert one.low == pytest.approx(expected.low)
    assert one.high == pytest.approx(expected.high)
    (condition,) = check.conditions
    assert (condition.value, condition.op, condition.threshold) == (1.0, ">=", 0.9)


def test_a_slice_that_is_too_small_gives_no_answer_and_says_so() -> None:
    names = session(60)
    names["flagged"] = np.asarray(names["flagged"]) ^ (np.arange(60) % 20 == 0)
    check = checked('recall(slice="amount < 30") >= 0.7', names)
    assert check.passed is None
    assert check.error is not None
    assert check.error.startswith("too small to tell: recall over amount < 30 rests on 8 of the 30 cases")
    assert "95 % interval" in check.error
    together = checked('all([recall(slice="amount < 30") >= 0.7])', names)
    assert (together.error or "").endswith(
        "(30 rows); compare it by itself, and join the comparisons with and, or, not"
    )
    assert check.slices[0].enough is False
    assert check.conditions[0].passed is None


def test_a_small_slice_whose_whole_interval_lies_on_one_side_is_an_answer() -> None:
    names = session(60)
    names["flagged"] = np.zeros(60, dtype=bool)
    assert checked('recall(slice="amount < 30") >= 0.7', names).passed is False
    assert checked('recall(slice="amount < 30", min_rows=5) >= 0.7', session(60)).passed is True


@pytest.mark.parametrize(
    ("expression", "passed"),
    [
        ("recall('amount > 97') >= 0.5 or ok", True),
        ("recall('amount > 97') >= 0.5 and not ok", False),
        ("recall('amount > 97') >= 0.5 and ok", None),
        ("recall('amount > 97') >= 0.5 or not ok", None),
        ("not recall('amount > 97') >= 0.5", None),
    ],
)
def test_what_cannot_be_told_is_neither_true_nor_false(expression: str, passed: bool | None) -> None:
    names = session() | {"ok": True}
    names["flagged"] = np.arange(400) % 8 == 0
    assert checked(expression, names).passed is passed


@pytest.mark.parametrize(
    "expression",
    [
        "min(recall('amount < 90'), recall('amount > 1000')) >= 0.6",
        "max(recall('amount < 90'), recall('amount > 95')) >= 0.6",
        "all(recall(f'amount > {least}') >= 0 for least in (10, 95))",
        "any(recall(f'amount > {least}') >= 0 for least in (95, 10))",
        "(recall('amount > 95') >= 0) & (recall() >= 0.5)",
        "(recall('amount > 95') >= 0) * recall() >= 0.5",
        "True if recall('amount > 95') >= 0 else False",
        "(recall() if recall('amount > 95') >= 0 else 0) >= 0.5",
        "bool(recall('amount > 95') >= 0)",
        "(lambda: recall('amount > 95'))() + recall() >= 0.5",
        "float(recall('amount > 95')) >= 0",
        "sorted([recall('amount > 95'), recall()])[1] >= 0.5",
        "np.mean([recall('amount > 95'), recall()]) >= 0",
        "recall('amount > 95') and recall() >= 0.5",
        "(r := recall('amount > 95')) >= -1 and float(r) >= 0",
        "(r := recall('amount > 95')) >= -1 and (s := float(r) + 1) >= -1 and s >= 0.5",
        "max(assess('small'), assess('large')) > 0.1",
    ],
)
def test_a_slice_that_is_too_small_has_no_answer_however_its_measure_is_used(expression: str) -> None:
    both = (assessed("small", 0.05, cases=5, half=0.3), assessed("large", 0.2, cases=500, half=0.01))
    risk = Risk(
        id="r", situation="x", severity="high", likelihood="low", check=Check(expression=expression),
        test_data=DECLARED,
    )  # fmt: skip
    check = evaluate(risk, session(), None, Assessment(
        snapshot="0" * 64, suite="s", task="binary", data="d", rows=500, results=both)).check  # fmt: skip
    assert check is not None
    assert check.passed is None
    assert check.error is not None
    assert check.error.startswith("too small to tell: ")
    assert "cases that are needed" in check.error


def assessed(name: str, value: float, *, cases: int, half: float) -> TestResult:
    return TestResult(
        id=name, group=name, question="?", value=value, low=value - half, high=value + half, op="<=",
        threshold=0.1, verdict="pass", rows=500, cases=cases, needed=30,
    )  # fmt: skip


@pytest.mark.parametrize(
    "expression",
    [
        "min(recall('amount < 90'), recall()) >= 0.6",
        "all(recall(f'amount < {most}') >= 0.6 for most in (80, 90))",
        "(recall() >= 0.5) & (recall('amount < 90') >= 0.5)",
        "-1 <= recall('amount > 95') <= 1.5",
        "recall() > recall('amount > 95') - 0.6 > -1",
        "2 * abs(recall('amount > 95') - recall()) + 1 < 9",
        "(r := recall('amount > 95')) >= -1 and (s := recall()) > 0.5 and s <= 1 and r < 1.5",
        "recall('amount > 95') >= -1 and (s := recall()) > 0.5 and float(s) > 0.5",
    ],
)
def test_what_can_be_told_is_told_however_it_is_written(expression: str) -> None:
    check = checked(expression)
    assert (check.passed, check.error) == (True, None)


def test_groups_can_be_compared_as_difference_and_as_ratio() -> None:
    names = session(4000)
    names["group_a"] = names["loans"]["group"] == "a"
    gap = checked("abs(selection_rate(slice=group_a) - selection_rate(slice=~group_a)) <= 0.05", names)
    assert gap.passed is False
    assert [one.rows for one in gap.slices] == [2000, 2000]
    ratio = checked("selection_rate(\"group == 'a'\") / selection_rate(\"group == 'b'\") >= 0.8", names)
    assert ratio.passed is False
    assert ratio.conditions[0].value == 0


@pytest.mark.timeout(60, method="thread")  # the other method keeps the alarm clock for itself
def test_several_expressions_are_evaluated_each_for_itself() -> None:
    risk = Risk(
        id="r", situation="x", severity="high", likelihood="low", test_data=DECLARED, time_limit=5.0,
        check=Check(expression="", parts=(Check(expression="recall() >= 0.99"), Check(expression="1 / zero > 1"), Check(expression="auc() > 0.5"))),
    )  # fmt: skip
    check = evaluate(risk, session() | {"zero": 0}).check
    assert check is not None
    assert [part.passed for part in check.parts] == [False, None, True]
    assert check.passed is False, "one that fails outweighs one without an answer"
    assert check.error is not None
    assert "ZeroDivisionError" in check.error
    assert check.time_limit_s == 5.0
    assert [condition.expression for condition in check.conditions] == ["recall() >= 0.99", "auc() > 0.5"]


def test_a_score_and_the_charters_threshold_stand_in_for_predictions() -> None:
    charter = Charter(
        title="x", threshold=Threshold(value=0.5), test_data=DeclaredData(truth="denied", score="p")
    )
    risk = Risk(
        id="r", situation="x", severity="high", likelihood="low", check=Check(expression="recall() > 0.8")
    )
    assert evaluate(risk, session(), charter).check.passed is True  # type: ignore[union-attr]
    without = evaluate(risk, session(), Charter(title="x", test_data=charter.test_data)).check
    assert without is not None
    assert "charter's threshold" in (without.error or "")


def test_the_sessions_own_names_keep_their_meaning() -> None:
    names = session() | {"recall": 0.5, "accuracy": lambda part: 0.25}
    check = checked("recall(slice='amount < 90') >= recall + 0.1 and accuracy('x') == 0.25", names)
    assert check.passed is True
    assert checked("np.array(recall) == 0.5 and recall == 0.5", names).slices == ()


@pytest.mark.parametrize(
    ("names", "declared", "expression", "says"),
    [
        ({}, None, "recall() > 0.5", "no test data is declared"),
        ({}, DeclaredData(truth="y"), "base_rate() > 0.5", "'y' is no variable and no column"),
        ({}, DeclaredData(truth="denied"), "recall('amount > 1') > 0.5", "set test_data.frame"),
        ({}, DeclaredData(truth="denied"), "auc() > 0.5", "needs test_data.score"),
        ({}, DECLARED, "recall('amout > 1') > 0.5", "amout"),
        ({}, DECLARED, "recall('amount') > 0.5", "no yes or no for each of the 400 rows"),
        ({"p": np.zeros(3)}, DECLARED, "auc() > 0.5", "3 values for 400 rows"),
        ({"loans": np.zeros((4, 2))}, DECLARED, "recall() > 0.5", "not a table"),
        ({"denied": np.array(["yes", "no"] * 200)}, DECLARED, "base_rate() > 0.5", "set test_data.positive"),
        ({"denied": session()["denied"][::-1]}, DECLARED, "base_rate() > 0.5", "in another order"),
    ],
)
def test_data_that_cannot_be_measured_is_told_in_one_line(
    names: dict[str, Any], declared: DeclaredData | None, expression: str, says: str
) -> None:
    check = checked(expression, session() | names, test_data=declared)
    assert check.passed is None
    assert check.error is not None
    assert says in check.error
    assert "\n" not in check.error


def test_labels_may_be_words_and_the_table_a_polars_frame() -> None:
    names = session()
    names["loans"] = polars.DataFrame(names["loans"])
    names["denied"] = np.where(names["denied"] == 1, "no", "yes")
    names["flagged"] = np.where(names["flagged"], "no", "yes")
    declared = DeclaredData(frame="loans", truth="denied", predicted="flagged", positive="no")
    assert checked("recall(\"group == 'b'\") > 0.8", names, test_data=declared).passed is True


def test_errors_of_a_regression_have_intervals_too() -> None:
    rng = np.random.default_rng(0)
    names: dict[str, Any] = {"y": np.arange(200.0), "predicted": np.arange(200.0) + rng.normal(0, 1, 200)}
    declared = DeclaredData(truth="y", predicted="predicted")
    check = checked("mae() < 1 and rmse() < 1.2 and abs(bias()) < 0.3", names, test_data=declared)
    assert check.passed is True
    assert all(float(one.low or 0) <= float(one.value or 0) <= float(one.high or 0) for one in check.slices)


def test_a_check_reads_results_not_the_rows_that_it_measures() -> None:
    risk = Risk(
        id="r", situation="x", severity="high", likelihood="low", test_data=DECLARED,
        check=Check(expression="recall(slice=large) >= limit"),
    )  # fmt: skip
    assert reads(risk, session()) == {"flagged", "p", "large", "limit"}


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_rates_interval_is_wilsons(hits: int, misses: int) -> None:
    value = estimates.rate(hits, hits + misses)
    assert value.low <= value.high
    if hits + misses:
        expected = binomtest(hits, hits + misses).proportion_ci(method="wilson")
        assert (value.low, value.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
        assert value.low <= value <= value.high


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
def test_intervals_of_differences_and_ratios_hold_their_value(a: int, n: int, b: int, m: int) -> None:
    one, two = estimates.rate(min(a, n), n), estimates.rate(min(b, m), m)
    gap = one - two
    assert isinstance(gap, estimates.Estimate)
    assert gap.low <= gap <= gap.high
    assert gap.cases == min(n, m)
    if two > 0:
        ratio = one / two
        assert isinstance(ratio, estimates.Estimate)
        assert ratio.low - 1e-9 <= ratio <= ratio.high + 1e-9


def test_the_interval_of_a_difference_is_newcombes() -> None:
    # Newcombe (1998), table II, method 10: 56/70 and 48/80.
    gap = estimates.rate(56, 70) - estimates.rate(48, 80)
    assert isinstance(gap, estimates.Estimate)
    assert (round(gap.low, 4), round(gap.high, 4)) == (0.0524, 0.3339)


def test_delongs_interval_covers_the_true_area() -> None:
    rng = np.random.default_rng(1)
    true = 0.5 * (1 + math.erf(1 / math.sqrt(2) / math.sqrt(2)))
    hits = 0
    for _ in range(300):
        value = estimates.auc(rng.normal(1, 1, 60), rng.normal(0, 1, 80))
        hits += value.low <= true <= value.high
    assert 0.90 <= hits / 300 <= 0.985


def test_no_measure_breaks_on_an_empty_slice() -> None:
    for name in MEASURES:
        check = checked(f"{name}(slice='amount > 1000') >= 0.5")
        assert check.passed is None
        assert "too small to tell" in (check.error or ""), (name, check.error)
