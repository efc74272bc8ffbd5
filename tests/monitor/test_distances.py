"""Distances and tests of one column: laws that they have to obey, and what other implementations say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from jupyter_mlgov.monitor import distances

numbers = st.lists(
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3)), min_size=1, max_size=60
)
counts = st.lists(st.integers(0, 500), min_size=2, max_size=12)


def _sorted(values: list[float]) -> np.ndarray:
    return np.sort(np.array(values))


@given(numbers, numbers)
@settings(max_examples=150, deadline=None)
def test_distances_of_numbers_are_symmetric_exact_and_nothing_only_for_the_same(
    one: list[float], other: list[float]
) -> None:
    left, right = _sorted(one), _sorted(other)
    apart = distances.wasserstein(left, right)
    assert apart == pytest.approx(stats.wasserstein_distance(left, right), rel=1e-9, abs=1e-6)
    assert apart == pytest.approx(distances.wasserstein(right, left), rel=1e-9, abs=1e-6)
    farthest = distances.kolmogorov_smirnov(left, right)
    assert farthest == pytest.approx(
        max(abs((left <= at).mean() - (right <= at).mean()) for at in [*one, *other])
    )
    assert farthest == pytest.approx(distances.kolmogorov_smirnov(right, left))
    assert distances.wasserstein(left, left) == distances.kolmogorov_smirnov(left, left) == 0
    assert (farthest > 0) == (apart > 0)


@given(numbers, st.floats(0.01, 100), st.floats(-100, 100))
@settings(max_examples=60, deadline=None)
def test_a_shift_moves_by_the_shift_and_a_scale_scales(
    values: list[float], scale: float, shift: float
) -> None:
    left = _sorted(values)
    assert distances.wasserstein(left, left + shift) == pytest.approx(abs(shift), rel=1e-6, abs=1e-6)
    other = left + 1.0
    assert distances.wasserstein(left * scale, other * scale) == pytest.approx(scale, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize("sizes", [(60_000, 60_000), (40_000, 90_000), (200_000, 300)])
def test_large_samples_are_compared_as_exactly_as_is_said(sizes: tuple[int, int]) -> None:
    random = np.random.default_rng(4)
    one, other = np.sort(random.normal(size=sizes[0])), np.sort(random.gamma(2.0, size=sizes[1]))
    exact = stats.wasserstein_distance(one, other)
    assert distances.wasserstein(one, other) == pytest.approx(exact, rel=2e-3)
    true = stats.ks_2samp(one, other, method="asymp").statistic
    assert true - 1 / distances.GRID <= distances.kolmogorov_smirnov(one, other) <= true + 1e-12


@given(counts, counts)
@settings(max_examples=150, deadline=None)
def test_distances_of_categories_agree_with_scipy_and_play_no_favourites(
    one: list[int], other: list[int]
) -> None:
    size = min(len(one), len(other))
    left, right = np.array(one[:size]), np.array(other[:size])
    if not left.sum() or not right.sum():
        assert math.isnan(distances.jensen_shannon(left, right))
        return
    apart = distances.jensen_shannon(left, right)
    assert apart == pytest.approx(jensenshannon(left, right, base=2), abs=1e-7)
    assert apart == pytest.approx(distances.jensen_shannon(right, left))
    order = np.random.default_rng(0).permutation(size)
    assert apart == pytest.approx(distances.jensen_shannon(left[order], right[order]))
    assert distances.jensen_shannon(left, left * 3) == pytest.approx(0, abs=1e-7)
    assert 0 <= distances.cramers_v(left, right) <= 1 + 1e-9


def test_the_test_of_large_tables_is_pearsons() -> None:
    one, other = np.array([120, 80, 300]), np.array([90, 110, 310])
    assert distances.chi_squared_p(one, other) == pytest.approx(
        stats.chi2_contingency([one, other], correction=False).pvalue
    )


def test_a_new_category_in_a_hundred_rows_is_found_against_a_million() -> None:
    before, now = np.array([500_000, 500_000, 0]), np.array([40, 30, 30])
    assert distances.chi_squared_p(before, now) < 1e-9


def test_p_values_of_small_tables_come_true_as_often_as_they_say() -> None:
    random = np.random.default_rng(7)
    shares = np.array([0.55, 0.3, 0.1, 0.03, 0.015, 0.005])
    drawn = [
        distances.chi_squared_p(random.multinomial(400, shares), random.multinomial(60, shares))
        for _ in range(250)
    ]
    for level in (0.05, 0.2):
        share = float(np.mean(np.array(drawn) <= level))
        assert abs(share - level) < 3.5 * math.sqrt(level * (1 - level) / 250), (level, share)
