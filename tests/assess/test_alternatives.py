"""What would change a decision: the nearest values that the data hold, in what can be changed."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.assess.alternatives import Alternative, alternatives
from jupyter_mlgov.errors import UsageError

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "income": RANDOM.normal(50, 10, 400).round(1),
        "debt": RANDOM.normal(20, 5, 400).round(1),
        "age": RANDOM.integers(20, 70, 400),
        "kind": RANDOM.choice(["fixed", "open"], 400),
        "member": RANDOM.choice([True, False], 400),
    }
)


def score(rows: pd.DataFrame) -> np.ndarray:
    raw = (
        (rows["income"] - 50) / 10
        - (rows["debt"] - 20) / 5
        + 0.3 * (rows["kind"] == "fixed")
        + 0.2 * rows["member"]
    )
    return (1 / (1 + np.exp(-raw))).to_numpy()


def after(row: int, one: Alternative) -> pd.DataFrame:
    case = FRAME.iloc[[row]].copy()
    for change in one.changes:
        assert case[change.feature].iloc[0] == change.now
        case[change.feature] = pd.Series([change.then], index=case.index).astype(case[change.feature].dtype)
    return case


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(FRAME) - 1), st.floats(0.05, 0.95))
def test_each_alternative_is_decided_otherwise_by_the_model_itself_with_values_that_the_data_hold(
    row: int, threshold: float
) -> None:
    decided = score(FRAME.iloc[[row]])[0] >= threshold
    found = alternatives(score, FRAME, row, threshold)
    assert [one.moved for one in found] == sorted(one.moved for one in found)
    for one in found:
        made = score(after(row, one))[0]
        assert made == pytest.approx(one.score)
        assert (made >= threshold) != decided
        assert all(change.then in set(FRAME[change.feature]) for change in one.changes)
        assert not {change.feature for change in one.changes} & {"age"}, "which changes nothing"


def test_only_what_can_be_changed_is_changed_and_the_nearest_value_is_named() -> None:
    row = int(np.argmin(np.abs(score(FRAME) - 0.45)))
    (one,) = alternatives(score, FRAME, row, 0.5, changeable=["income"])
    (change,) = one.changes
    assert change.feature == "income"
    assert float(str(change.then)) - float(str(change.now)) < 6, "and not the highest income there is"
    assert 0 < one.moved < 0.3


def test_where_no_single_change_is_enough_several_are_named_together() -> None:
    row = int(score(FRAME).argmin())
    (one,) = alternatives(score, FRAME, row, 0.97)
    assert len(one.changes) in (2, 3)
    assert score(after(row, one))[0] >= 0.97


def test_where_nothing_changes_it_there_is_no_alternative() -> None:
    assert alternatives(score, FRAME, 0, 2.0) == []
    assert alternatives(score, FRAME, 0, 0.5, changeable=["age"]) == []


def test_a_feature_that_is_none_is_named_with_those_that_are() -> None:
    with pytest.raises(
        UsageError, match=re.escape("changeable: 'incom' is no feature; there are income, debt")
    ):
        alternatives(score, FRAME, 0, 0.5, changeable=["incom"])


def test_missing_values_are_never_proposed_and_can_be_filled() -> None:
    frame = FRAME.assign(income=FRAME["income"].where(FRAME.index != 3))

    def filled(rows: pd.DataFrame) -> np.ndarray:
        return score(rows.fillna({"income": 0.0}))

    found = alternatives(filled, frame, 3, 0.5)
    assert all(change.then == change.then for one in found for change in one.changes)
