"""Where the truth is known, the tests find it; where there is nothing to find, they find nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlgov.assess import calibration, fairness, shift, slices
from jupyter_mlgov.assess.subject import Rows, Subject, subject_of
from jupyter_mlgov.records.assessment import HeldRows
from tests.assess.making import with_suite


def predictions(
    truth: Any,
    score: Any,
    features: pd.DataFrame,
    *,
    train: pd.DataFrame | None = None,
    extra: tuple[str, ...] = (),
) -> Subject:
    """Stored predictions of a binary model: positive from 0.5 on."""
    names = tuple(name for name in features.columns if name not in extra)
    held = HeldRows(
        role="test", object="blake3:0", rows=len(features), of_rows=len(features), features=names, truth="y", scores=("p",),
        classes=(0, 1), extra=extra,
    )  # fmt: skip
    known = None
    if train is not None:
        known = Rows(HeldRows(role="train", object="blake3:1", features=names, rows=len(train)), train)
    return subject_of(Rows(held, features.assign(y=np.asarray(truth).astype(int), p=score)), train=known)


def verdicts(results: list[Any]) -> dict[str, str]:
    return {one.id: one.verdict for one in results}


def no_figure(*_: Any) -> None:
    return None


def test_calibrated_probabilities_pass_and_overconfident_ones_fail():
    rng = np.random.default_rng(3)
    p = rng.beta(2, 2, 3000)
    truth = rng.random(3000) < p
    table = pd.DataFrame({"x": p})
    good = calibration.calibration(predictions(truth, p, table), with_suite(), no_figure)
    assert set(verdicts(good).values()) == {"pass"}
    sure = np.clip(0.5 + 2.2 * (p - 0.5), 0.001, 0.999)
    bad = calibration.calibration(predictions(truth, sure, table), with_suite(), no_figure)
    assert verdicts(bad)["calibration.error"] == "fail"


def test_a_calibration_error_of_fifty_rows_is_no_failure_where_chance_gives_it():
    rng = np.random.default_rng(4)
    p = rng.beta(2, 2, 50)
    made = calibration.calibration(
        predictions(rng.random(50) < p, p, pd.DataFrame({"x": p})), with_suite(), no_figure
    )
    error = next(one for one in made if one.id == "calibration.error")
    assert error.value > error.threshold  # of ten bins of five rows
    assert error.verdict == "too-small"


def planted(rate: float, rows: int = 3000) -> Subject:
    """Wrong in 10 % of the rows, in ``rate`` of those with b == 'k' and a > 0.75."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        {"a": rng.random(rows), "b": rng.choice(list("klm"), rows), "c": rng.normal(size=rows)}
    )
    truth = rng.random(rows) < 0.5
    wrong = rng.random(rows) < np.where((table.b == "k") & (table.a > 0.75), rate, 0.1)
    return predictions(truth, np.where(truth ^ wrong, 0.9, 0.1), table)


def test_a_planted_slice_is_found_and_measured_on_other_rows():
    made = [one for one in slices.slices(planted(0.6), with_suite()) if one.verdict == "fail"]
    assert made
    assert any("b == 'k'" in one.id and "a >=" in one.id for one in made)
    assert all(one.correction == "Holm" for one in made)


def test_where_no_slice_is_worse_none_fails():
    assert "fail" not in verdicts(slices.slices(planted(0.1), with_suite())).values()


def test_a_declared_slice_that_is_too_small_says_so_and_one_that_cannot_be_cut_says_why():
    suite = with_suite(slices=("a < 0.004", "b == 'k'", "nowhere > 1"))
    made = {one.id.partition(":")[2]: one for one in slices.slices(planted(0.1), suite)}
    assert made["a < 0.004"].verdict == "too-small"
    assert "30 are needed" in made["a < 0.004"].reason
    assert made["b == 'k'"].verdict == "pass"
    assert made["nowhere > 1"].verdict == "not-applicable"


def unequal(gap: float, rows: int = 4000) -> Subject:
    """Positives of group f are recognised ``gap`` less often; group x has few rows."""
    rng = np.random.default_rng(6)
    group = rng.choice(["f", "m", "x"], rows, p=[0.48, 0.515, 0.005])
    truth = rng.random(rows) < 0.5
    said = np.where(truth, rng.random(rows) < np.where(group == "f", 0.9 - gap, 0.9), rng.random(rows) < 0.1)
    return predictions(
        truth, np.where(said, 0.9, 0.1), pd.DataFrame({"v": rng.random(rows), "sex": group}), extra=("sex",)
    )


def test_unequal_odds_are_found_with_counts_and_the_small_group_is_named():
    suite = with_suite(sensitive=("sex",))
    odds = next(
        one for one in fairness.fairness(unequal(0.3), suite) if one.id == "fairness.equalized_odds:sex"
    )
    assert odds.verdict == "fail"
    assert odds.low < 0.3 < odds.high
    assert "sex=x" in odds.reason
    assert {row["group"] for row in odds.table} == {"sex=f", "sex=m", "sex=x"}
    fair = fairness.fairness(unequal(0.0), suite)
    assert "fail" not in verdicts(fair).values()


def test_the_differences_are_fairlearns():
    from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference

    subject = unequal(0.2)
    big = subject.table["sex"] != "x"
    made = {one.id: one for one in fairness.fairness(subject, with_suite(sensitive=("sex",)))}
    given = {
        "y_true": subject.truth[big].astype(int),
        "y_pred": subject.predicted[big].astype(int),
        "sensitive_features": subject.table["sex"][big],
    }
    assert made["fairness.equalized_odds:sex"].value == pytest.approx(equalized_odds_difference(**given))
    assert made["fairness.demographic_parity:sex"].value == pytest.approx(
        demographic_parity_difference(**given)
    )


def test_a_sensitive_column_that_is_nowhere_says_what_to_do():
    made = fairness.fairness(unequal(0.0), with_suite(sensitive=("race",)))
    assert verdicts(made) == {"fairness.equalized_odds:race": "not-applicable"}
    assert "--test" in made[0].reason


def test_a_shifted_feature_is_named_and_the_others_are_not():
    rng = np.random.default_rng(7)
    train = pd.DataFrame(
        {"a": rng.normal(size=800), "b": rng.normal(size=800), "c": rng.choice(list("kl"), 800)}
    )
    test = pd.DataFrame(
        {"a": rng.normal(1, 1, 400), "b": rng.normal(size=400), "c": rng.choice(list("kl"), 400)}
    )
    made = shift.shift(predictions(rng.random(400) < 0.5, rng.random(400), test, train=train), with_suite())
    found = verdicts(made)
    assert found["shift.feature:a"] == "fail"
    assert found["shift.feature:b"] == found["shift.feature:c"] == "pass"
    assert found["shift.domain"] == "fail"
