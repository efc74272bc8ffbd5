"""Changes of a series' mean: found where they are, seldom where there are none."""

from __future__ import annotations

import numpy as np
import pytest

from jupyter_mlgov.monitor import changes


def test_a_change_is_found_near_its_row() -> None:
    random = np.random.default_rng(1)
    for before, after in ((400, 300), (1500, 200)):
        series = np.concatenate([random.random(before) < 0.1, random.random(after) < 0.35]).astype(float)
        (found,) = changes.find(series).splits
        assert abs(found.row - before) < 40
        assert found.after - found.before == pytest.approx(0.25, abs=0.08)


def test_two_changes_are_both_found() -> None:
    random = np.random.default_rng(2)
    series = np.concatenate([random.normal(0, 1, 500), random.normal(1, 1, 400), random.normal(-0.5, 1, 600)])
    rows = [split.row for split in changes.find(series).splits]
    assert len(rows) == 2
    assert abs(rows[0] - 500) < 20
    assert abs(rows[1] - 900) < 20


@pytest.mark.parametrize("rows", [100, 1000])
def test_false_alarms_without_a_change_are_as_rare_as_alpha(rows: int) -> None:
    random = np.random.default_rng(3)
    runs = 150
    alarms = sum(
        bool(changes.find((random.random(rows) < 0.15).astype(float), alpha=0.1).splits) for _ in range(runs)
    )
    assert alarms / runs < 0.1 + 3 * np.sqrt(0.1 * 0.9 / runs)


def test_values_that_follow_the_ones_before_are_no_change() -> None:
    random = np.random.default_rng(4)
    alarms = 0
    for _ in range(60):
        noise = random.normal(size=1200)
        series = np.empty(1200)
        series[0] = noise[0]
        for i in range(1, 1200):
            series[i] = 0.4 * series[i - 1] + noise[i]
        alarms += bool(changes.find(series, alpha=0.01).splits)
    assert alarms <= 3


def test_a_constant_or_short_series_has_no_change() -> None:
    assert changes.find(np.ones(500)).splits == ()
    assert np.isnan(changes.find(np.arange(5.0)).p)
    with pytest.raises(ValueError, match="not finite"):
        changes.find(np.full(100, np.nan))


def test_a_step_without_noise_is_found_exactly() -> None:
    (found,) = changes.find(np.concatenate([np.zeros(500), np.ones(500)])).splits
    assert found.row == 500
    assert found.effect == np.inf
