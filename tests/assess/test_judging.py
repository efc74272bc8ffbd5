"""From values to verdicts, and the correction for many questions."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from jupyter_mlgov.assess.corrections import adjusted
from jupyter_mlgov.assess.judging import corrected, judge, p_past, result
from jupyter_mlgov.assess.resampling import bootstrap, deviation, welch
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance.estimates import Estimate

SUITE = Suite()


def past(value: float, half: float, cases: int = 100) -> Estimate:
    return Estimate(value, value - half, value + half, cases, 30)


def test_few_cases_whose_interval_reaches_over_the_threshold_tell_nothing():
    assert judge(past(0.2, 0.3, cases=5), "<=", 0.1) == "too-small"
    assert judge(past(0.05, 0.3, cases=5), "<=", 0.1) == "too-small"
    assert judge(past(0.9, 0.3, cases=5), "<=", 0.1) == "fail"
    assert judge(past(0.05, 0.3, cases=50), "<=", 0.1) == "pass"


def test_what_has_no_threshold_is_measured_and_what_has_no_value_is_neither():
    assert judge(past(0.2, 0.1), None, None) == "measured"
    assert judge(None, "<=", 0.1) == "not-applicable"
    assert judge(past(math.nan, 0.1), "<=", 0.1) == "too-small"


def test_holms_correction_is_that_of_the_textbook():
    # Holm (1979): multiply by m, m - 1, ...; never below an earlier one, never above 1.
    assert adjusted([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjusted([0.9, 0.8]) == [1.0, 1.0]
    assert adjusted([]) == []


def test_the_p_value_is_that_of_the_interval():
    from scipy.stats import norm

    half = float(norm.ppf(0.975))  # a standard error of 1
    assert p_past(past(2.0, half), "<=", 0.0, 0.95) == pytest.approx(float(norm.sf(2.0)))
    assert p_past(past(2.0, half), ">=", 0.0, 0.95) == pytest.approx(float(norm.sf(-2.0)))
    assert p_past(Estimate(1.0, 1.0, 1.0, 9), "<=", 0.5, 0.95) == 0.0


def test_one_of_many_questions_fails_only_where_chance_does_not_explain_it():
    def asked(value: float) -> object:
        return result("slices.declared", SUITE, past(value, 0.1), subject=str(value))

    alone = corrected([asked(0.2)], SUITE, "f")[0]
    assert alone.verdict == "fail"
    among = corrected([asked(0.2), *[asked(0.05 + place / 1000) for place in range(30)]], SUITE, "f")
    assert among[0].verdict == "too-small"
    assert among[0].correction == "Holm"
    assert among[0].p_adjusted > alone.p_adjusted
    assert all(one.verdict == "pass" for one in among[1:])


def test_false_alarms_of_a_whole_family_stay_within_alpha():
    """Twenty slices without any difference, five hundred times: hardly ever does one fail."""
    generator = np.random.default_rng(0)
    suite = msgspec.structs.replace(SUITE, limits={"slices.declared": 0.0})
    alarms = 0
    for _ in range(500):
        family = []
        for place in range(20):
            inside, outside = generator.random(60), generator.random(600)
            family.append(result("slices.declared", suite, welch(inside, outside, suite), subject=str(place)))
        alarms += any(one.verdict == "fail" for one in corrected(family, suite, "f"))
    assert alarms / 500 <= 0.08  # alpha is 0.05; its own chance error about 0.01


def test_welchs_interval_is_scipys():
    from scipy.stats import ttest_ind

    generator = np.random.default_rng(1)
    a, b = generator.normal(1, 2, 40), generator.normal(0, 1, 90)
    expected = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    made = welch(a, b, SUITE)
    assert (made.low, made.high) == pytest.approx((expected.low, expected.high))


def test_the_bootstrap_interval_covers_the_mean_and_is_the_same_again():
    values = np.random.default_rng(2).exponential(1, 80)
    suite = Suite(resamples=400)
    one = bootstrap(80, lambda rows: float(values[rows].mean()), suite)
    again = bootstrap(80, lambda rows: float(values[rows].mean()), suite)
    assert (one.low, one.high) == (again.low, again.high)
    half = 1.96 * values.std(ddof=1) / math.sqrt(80)
    assert one.low == pytest.approx(values.mean() - half, abs=0.08)
    assert one.high == pytest.approx(values.mean() + half, abs=0.08)


def test_a_spread_of_three_fits_has_a_wide_interval():
    made = deviation([0.1, 0.11, 0.12], SUITE)
    assert float(made) == pytest.approx(0.01)
    assert made.low < 0.0053
    assert made.high > 0.06
