"""The threshold explorer on a real model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import ipywidgets
import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.svm import LinearSVC

import jupyter_mlgov as mlgov
from jupyter_mlgov.assess.subject import Rows, subject_of
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.annotations import Amount, Charter, DeclaredData, Kpi, Threshold
from jupyter_mlgov.records.assessment import HeldRows
from jupyter_mlgov.widgets.decide import Decide, explanation
from jupyter_mlgov.widgets.decisions import Decisions

CHARTER = Charter(
    title="Loans",
    value_of_right=(Amount(value=60, unit="USD"),),
    cost_of_wrong=(
        Amount(value=400, unit="USD", when="false negative"),
        Amount(value=20, unit="USD", when="false positive"),
    ),
    kpis=(Kpi(metric="recall", op=">=", target=0.9),),
)


@pytest.fixture(scope="module")
def loans() -> tuple[Any, pd.DataFrame, pd.Series]:
    random = np.random.default_rng(0)
    X = pd.DataFrame({"income": random.normal(size=300), "noise": random.normal(size=300)})
    y = (X["income"] + random.normal(scale=0.5, size=300) > 0).astype(int)
    return LogisticRegression().fit(X, y), X, y


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.5, 0.9, 1.0]), st.booleans()), min_size=1),
    st.floats(-0.1, 1.1),
)
def test_the_counts_are_those_of_scikit_learn(cases: list[tuple[float, bool]], threshold: float) -> None:
    scores = np.array([score for score, _ in cases])
    truth = np.array([int(label) for _, label in cases])
    outcome = Decisions(scores, truth).at(threshold)
    expected = confusion_matrix(truth, (scores >= threshold).astype(int), labels=[0, 1]).ravel()
    assert (outcome.tn, outcome.fp, outcome.fn, outcome.tp) == tuple(expected)
    assert outcome.cases == len(cases)


def test_each_decision_counts_with_its_amount() -> None:
    decisions = Decisions(
        [0.9, 0.8, 0.3, 0.1], [1, 0, 1, 0],
        value_of_right=CHARTER.value_of_right, cost_of_wrong=CHARTER.cost_of_wrong,
    )  # fmt: skip
    (worth,) = decisions.at(0.5).worth
    assert (worth.unit, worth.total, worth.per_case) == ("USD", 60 + 60 - 400 - 20, -75.0)
    best = decisions.best()
    assert best is not None
    assert best.threshold == 0.3
    assert best.worth[0].total == 3 * 60 - 20


def test_amounts_of_several_units_stand_beside_each_other_and_have_no_best() -> None:
    decisions = Decisions(
        [0.9, 0.1],
        [1, 0],
        value_of_right=[Amount(value=5, unit="minutes")],
        cost_of_wrong=[Amount(value=1, unit="USD")],
    )
    assert {worth.unit for worth in decisions.at(0.5).worth} == {"minutes", "USD"}
    assert decisions.best() is None


def test_a_kind_of_decision_that_is_not_known_is_said(loans: Any) -> None:
    charter = Charter(
        title="x", cost_of_wrong=(Amount(value=1, when="late payer"), Amount(value=2, when="miss"))
    )
    explorer = Decide(*loans, charter=charter)
    assert "not counted: late payer" in explorer.page(0.5)


def test_the_page_shows_counts_targets_and_value(loans: Any) -> None:
    explorer = mlgov.decide(*loans, charter=CHARTER)
    page = explorer.page(0.99)
    assert "not met" in page
    assert "&gt;= 0.9" in page
    assert "USD" in page
    assert "the best" in page


def test_the_first_threshold_is_the_charters_then_the_best(loans: Any) -> None:
    declared = Charter(title="x", threshold=Threshold(value=0.35))
    assert Decide(*loans, charter=declared).threshold == 0.35
    explorer = Decide(*loans, charter=CHARTER)
    best = explorer.decisions.best()
    assert best is not None
    assert explorer.threshold == best.threshold
    assert Decide(*loans).threshold == 0.5


def test_the_slider_moves_the_page(loans: Any) -> None:
    explorer = Decide(*loans, charter=CHARTER)
    box = explorer.widget
    assert isinstance(box.children[0], ipywidgets.FloatSlider)
    before = box.children[1].value
    box.children[0].value = 0.95
    assert box.children[1].value != before
    assert explorer.threshold == 0.95
    box.children[2].children[1].click()
    assert "income" in box.children[3].value


def test_an_explanation_adds_up_to_the_score_and_leaves_the_random_state(loans: Any) -> None:
    model, X, _ = loans
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    effects = explanation(model, X, 7)
    assert (np.random.get_state()[1] == before).all()
    assert effects[0][0] == "income"
    background = X.iloc[:: max(1, len(X) // 60)][:60]
    base = model.predict_proba(background)[:, 1].mean()
    score = model.predict_proba(X.iloc[[7]])[0, 1]
    assert math.isclose(base + sum(effect for *_, effect in effects), score, abs_tol=1e-6)


def test_without_widgets_it_is_a_table(loans: Any) -> None:
    explorer = Decide(*loans, charter=CHARTER)
    html = explorer._repr_html_()
    assert html.count("<tr>") >= 6
    assert "threshold" in html
    assert repr(explorer).startswith("Decide(threshold=")


@pytest.mark.parametrize(
    ("scores", "truth", "said"),
    [
        ([0.1], [1, 0], "1 scores for 2 labels"),
        ([], [], "no case"),
        ([0.1, float("nan")], [1, 0], "1 missing"),
        ([0.1, 0.2, 0.3], ["a", "b", "c"], "3 different labels"),
        (["x"], [1], "no numbers"),
    ],
)
def test_what_cannot_be_decided_is_one_line(scores: Any, truth: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Decisions(scores, truth)


def test_a_model_without_scores_is_refused() -> None:
    with pytest.raises(UsageError, match="gives no score"):
        mlgov.decide(object(), [[1]], [1])


def test_a_picked_row_is_told_what_would_change_its_decision_and_what_that_is_worth(loans: Any) -> None:
    model, X, y = loans
    decide = mlgov.decide(model, X, y, charter=CHARTER, threshold=0.5, changeable=["income"])
    row = int(np.argmin(np.abs(decide.decisions.scores - 0.4)))
    page = decide.explain(row)
    assert f"Row {row} is called negative at 0.5; it would not be with" in page
    assert "income" in page and "noise -" not in page
    assert f"What calling row {row} negative is worth" in page
    assert "+60 USD" in page and "-400 USD" in page
    none = mlgov.decide(model, X, y, threshold=0.5, changeable=["noise"])
    assert "no value in the data of noise changes that" in none.explain(row)
    arrays = mlgov.decide(LogisticRegression().fit(X.to_numpy(), y), X.to_numpy(), y, threshold=0.5)
    assert "x0 " in arrays.explain(row)
    with pytest.raises(UsageError, match="'wealth' is no feature"):
        mlgov.decide(model, X, y, changeable=["wealth"]).explain(row)


@pytest.mark.parametrize("op", [">=", ">", "<=", "<"])
@given(
    cases=st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.5, 0.9, 1.0]), st.booleans()), min_size=1),
    threshold=st.sampled_from([-0.1, 0.0, 0.2, 0.3, 0.5, 1.0, 1.1]),
)
def test_the_side_of_the_threshold_that_is_declared_decides(
    op: Any, cases: list[tuple[float, bool]], threshold: float
) -> None:
    scores = np.array([score for score, _ in cases])
    truth = np.array([int(label) for _, label in cases])
    called = {
        ">=": scores >= threshold,
        ">": scores > threshold,
        "<=": scores <= threshold,
        "<": scores < threshold,
    }[op]
    decisions = Decisions(
        scores, truth, op=op, value_of_right=CHARTER.value_of_right, cost_of_wrong=CHARTER.cost_of_wrong
    )
    outcome = decisions.at(threshold)
    expected = confusion_matrix(truth, called.astype(int), labels=[0, 1]).ravel()
    assert (outcome.tn, outcome.fp, outcome.fn, outcome.tp) == tuple(expected)
    assert (decisions.calls(scores, threshold) == called).all()
    best = decisions.best()
    assert best is not None
    assert best.worth[0].total >= outcome.worth[0].total


def words(loans: Any) -> tuple[Any, Any, Any, Any]:
    """The loans with labels of words, of which the first in the alphabet is the one that counts."""
    _, X, y = loans
    said = y.map({0: "refuse", 1: "approve"})
    return LogisticRegression().fit(X, said), X, said, LogisticRegression().fit(X, y)


def test_the_label_that_the_charter_calls_positive_is(loans: Any) -> None:
    model, X, said, plain = words(loans)
    charter = msgspec.structs.replace(CHARTER, test_data=DeclaredData(truth="y", positive="approve"))
    explorer = Decide(model, X, said, charter=charter, threshold=0.4)
    same = Decide(plain, X, (said == "approve").astype(int), charter=CHARTER, threshold=0.4)
    assert explorer.decisions.scores == pytest.approx(same.decisions.scores, abs=1e-6)
    one, other = explorer.decisions.at(0.4), same.decisions.at(0.4)
    assert (one.tp, one.fp, one.fn, one.tn) == (other.tp, other.fp, other.fn, other.tn)
    assert one.worth == other.worth
    effects = {name: effect for name, _, effect in explanation(model, X, 3, positive="approve")}
    wanted = {name: effect for name, _, effect in explanation(plain, X, 3)}
    assert effects == pytest.approx(wanted, abs=1e-6)
    without = LinearSVC().fit(X, said)
    assert (Decide(without, X, said, charter=charter).decisions.scores == -without.decision_function(X)).all()
    wrong = msgspec.structs.replace(CHARTER, test_data=DeclaredData(truth="y", positive="aprove"))
    with pytest.raises(UsageError, match="'aprove', and the model knows approve, refuse"):
        Decide(model, X, said, charter=wrong)


def test_decisions_are_those_of_an_assessment(loans: Any) -> None:
    model, X, said, _ = words(loans)
    threshold = Threshold(value=0.35, op="<=")
    charter = msgspec.structs.replace(
        CHARTER, threshold=threshold, test_data=DeclaredData(truth="y", positive="refuse")
    )
    explorer = Decide(model, X, said, charter=charter)
    assert explorer.threshold == 0.35
    held = HeldRows(
        role="test",
        object="x",
        rows=len(X),
        of_rows=len(X),
        truth="y",
        features=tuple(X.columns),
        layout="table",
    )
    subject = subject_of(Rows(held, X.assign(y=said)), model=model, positive="refuse", threshold=threshold)
    outcome = explorer.decisions.at(0.35)
    right, called = subject.truth, subject.predicted
    assert (outcome.tp, outcome.fp) == (int((right & called).sum()), int((~right & called).sum()))
    assert (outcome.fn, outcome.tn) == (int((right & ~called).sum()), int((~right & ~called).sum()))
    assert "at &lt;= 0.35" in explorer.page(0.35)
    row = int(np.argmin(np.abs(explorer.decisions.scores - 0.3)))
    assert f"Row {row} is called positive at 0.35; it would not be with" in explorer.explain(row)


def test_the_positive_label_of_the_settings_goes_before_the_charters_as_in_an_assessment(
    loans: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, X, said, _ = words(loans)
    charter = msgspec.structs.replace(CHARTER, test_data=DeclaredData(truth="y", positive="refuse"))
    monkeypatch.chdir(tmp_path)
    settings = tmp_path / "mlgov.toml"
    settings.write_text('[assess]\npositive = "approve"\n')
    assert Decide(model, X, said, charter=charter).positive == "approve"
    settings.write_text('[assess]\npositive = "aprove"\n')
    with pytest.raises(
        UsageError, match=r"\[assess\] positive is 'aprove', and the model knows approve, refuse"
    ):
        Decide(model, X, said, charter=charter)
