"""Drift of columns: a trifle in a million rows is none, a shift in few rows is found or said to be out of reach."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.assess import corrections
from jupyter_mlgov.monitor import detectable, features
from jupyter_mlgov.monitor.settings import Settings
from jupyter_mlgov.records.monitoring import ColumnDrift

SETTINGS = Settings()


def _drift(reference: object, current: object) -> dict[tuple[str, str], ColumnDrift]:
    pairs, _ = features.read_pairs(reference, current)
    found = features.settle(features.compare(pairs, "feature", SETTINGS), SETTINGS)
    return {(one.name, one.role): one for one in found}


def _table(random: np.random.Generator, rows: int, **moved: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "income": random.lognormal(10, 0.5, rows) * (1 + moved.get("income", 0)),
            "age": random.normal(40 + 12 * moved.get("age", 0), 12, rows),
            "children": random.poisson(1.2, rows),
            "region": random.choice(["north", "south", "east"], rows, p=[0.5, 0.3, 0.2]),
            "owner": random.random(rows) < 0.4,
        }
    )


def test_a_trifle_in_a_million_rows_is_significant_and_no_alarm() -> None:
    random = np.random.default_rng(1)
    one = pd.DataFrame({"x": random.normal(size=500_000)})
    other = pd.DataFrame({"x": random.normal(0.02, 1, 500_000)})
    found = _drift(one, other)[("x", "feature")]
    assert found.p_adjusted < 1e-6
    assert found.tell == "steady"
    assert "below the threshold" in found.message


def test_few_rows_say_what_they_could_have_shown_and_still_show_a_large_shift() -> None:
    random = np.random.default_rng(2)
    reference = _table(random, 5000)
    few = _drift(reference, _table(random, 40, age=0.3))[("age", "feature")]
    assert few.tell == "unknown"
    assert "too few rows to tell" in few.message
    assert few.detectable > 0.5
    large = _drift(reference, _table(random, 100, age=1.2))[("age", "feature")]
    assert large.tell == "drift"


def test_what_is_said_to_be_detectable_is_found_four_times_out_of_five_and_much_less_is_not() -> None:
    random = np.random.default_rng(3)
    one = pd.DataFrame({"x": random.normal(size=4000)})
    least = detectable.shift(4000, 300, SETTINGS.alpha)

    def found(shift: float, runs: int) -> float:
        drawn = [pd.DataFrame({"x": random.normal(shift, 1, 300)}) for _ in range(runs)]
        return float(np.mean([_drift(one, table)[("x", "feature")].tell == "drift" for table in drawn]))

    assert found(least, 60) > 0.7
    assert found(0.6 * least, 60) < 0.7
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.35, 0.35])
    from jupyter_mlgov.monitor.distances import jensen_shannon

    apart = jensen_shannon((p * 10**6).astype(int), (q * 10**6).astype(int))
    rows = next(
        rows for rows in range(20, 4000) if detectable.divergence(4000, rows, 3, SETTINGS.alpha) <= apart
    )
    drawn = []
    for _ in range(60):
        before = pd.DataFrame({"c": random.choice(list("abc"), 4000, p=p)})
        drawn.append(
            _drift(before, pd.DataFrame({"c": random.choice(list("abc"), rows, p=q)}))[("c", "feature")].tell
            == "drift"
        )
    assert 0.68 < np.mean(drawn) < 0.95


def test_without_drift_a_run_over_many_columns_raises_a_false_alarm_no_oftener_than_alpha() -> None:
    random = np.random.default_rng(4)
    loose = Settings(alpha=0.2, shift=0.0, categories=0.0)
    alarms, runs = 0, 120
    for _ in range(runs):
        make = lambda rows: pd.DataFrame(  # noqa: E731
            {f"x{i}": random.normal(size=rows) for i in range(8)}
            | {f"c{i}": random.choice(list("abcd"), rows) for i in range(4)}
        )
        pairs, _ = features.read_pairs(make(800), make(300))
        found = features.settle(features.compare(pairs, "feature", loose), loose)
        alarms += any(one.p_adjusted <= loose.alpha for one in found)
    # 0.2 and what 120 runs scatter about it; not nothing, or the test would be blind.
    assert 0.05 < alarms / runs < 0.2 + 3 * np.sqrt(0.2 * 0.8 / runs)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_plays_no_part_and_the_same_rows_are_the_same(seed: int) -> None:
    random = np.random.default_rng(seed)
    one, other = _table(random, 120, age=0.5), _table(random, 90)
    assert _drift(one, other) == _drift(one.sample(frac=1, random_state=seed % 1000), other.iloc[::-1])
    for same in _drift(one, one).values():
        assert same.effect == 0
        assert same.p == pytest.approx(1)


def test_pandas_arrow_and_arrays_give_the_same_answer() -> None:
    random = np.random.default_rng(5)
    one, other = _table(random, 300), _table(random, 200, income=0.4)
    expected = _drift(one, other)
    assert _drift(pa.Table.from_pandas(one), pa.Table.from_pandas(other)) == expected
    assert (
        _drift({name: one[name].to_numpy() for name in one}, {name: other[name].to_numpy() for name in other})
        == expected
    )
    as_categories = other.assign(region=other["region"].astype("category"))
    assert _drift(one, as_categories) == expected


def test_missing_values_are_compared_by_themselves() -> None:
    random = np.random.default_rng(6)
    one, other = _table(random, 2000), _table(random, 1000)
    other.loc[random.random(1000) < 0.2, "income"] = np.nan
    found = _drift(one, other)
    assert found[("income", "missing")].tell == "drift"
    assert found[("income", "feature")].tell == "steady"
    assert ("age", "missing") not in found


def test_times_and_names_of_rows_are_not_compared() -> None:
    one = pd.DataFrame(
        {"at": pd.date_range("2026-01-01", periods=300), "id": [f"r{i}" for i in range(300)], "x": range(300)}
    )
    pairs, left_out = features.read_pairs(one, one)
    assert [pair.name for pair in pairs] == ["x"]
    assert set(left_out) == {"at", "id"}


def test_corrections_are_holms_and_benjamini_hochbergs() -> None:
    assert corrections.adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    by_rate = corrections.adjusted([0.01, 0.04, 0.03, 0.005], "benjamini-hochberg")
    assert by_rate == pytest.approx([0.02, 0.04, 0.04, 0.02])
    with_gap = corrections.adjusted([0.01, float("nan"), 0.02])
    assert with_gap[0] == pytest.approx(0.02)
    assert np.isnan(with_gap[1])
