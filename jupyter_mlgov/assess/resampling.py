"""Bootstrap intervals, and differences row by row."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance import estimates
from jupyter_mlgov.governance.estimates import LEVEL, Estimate


def bootstrap(
    rows: int,
    statistic: Callable[[Any], float],
    suite: Suite,
    *,
    value: float | None = None,
    cases: int | None = None,
) -> Estimate:
    """``statistic`` (a function of row numbers) with the percentile interval of ``suite.resamples`` resamples.

    Efron & Tibshirani (1993), ch. 13. Resamples for which it is no number are left out.
    """
    generator = np.random.default_rng(suite.seed)
    every = np.arange(rows)
    value = statistic(every) if value is None else value
    found = np.array([statistic(generator.integers(0, rows, rows)) for _ in range(suite.resamples)])
    found = found[np.isfinite(found)]
    low, high = (
        np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(found) > 1 else (-math.inf, math.inf)
    )
    return Estimate(
        float(value),
        min(float(low), value),
        max(float(high), value),
        rows if cases is None else cases,
        suite.min_cases,
    )


def mean(values: Any, suite: Suite) -> Estimate:
    """The mean with Student's interval."""
    return estimates.mean(np.asarray(values, dtype=float), suite.min_cases)


def mean_loss(values: Any, suite: Suite) -> Estimate:
    """The mean of values that are never below 0: nor is its interval."""
    value = mean(values, suite)
    return Estimate(float(value), max(value.low, 0.0), value.high, value.cases, value.needed)


def scaled(estimate: Estimate, by: float) -> Estimate:
    """``estimate / by``, for ``by`` above 0."""
    return Estimate(
        float(estimate) / by, estimate.low / by, estimate.high / by, estimate.cases, estimate.needed
    )


def welch(inside: Any, outside: Any, suite: Suite) -> Estimate:
    """The difference of two means with Welch's interval (1947, Biometrika 34); its cases are those inside."""
    from scipy.stats import t

    n, m = len(inside), len(outside)
    if n < 2 or m < 2:
        value = float(np.mean(inside) - np.mean(outside)) if n and m else math.nan
        return Estimate(value, -math.inf, math.inf, n, suite.min_cases)
    a, b = float(np.var(inside, ddof=1)) / n, float(np.var(outside, ddof=1)) / m
    value = float(np.mean(inside) - np.mean(outside))
    if a + b == 0:
        return Estimate(value, value, value, n, suite.min_cases)
    freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
    half = float(t.ppf((1 + LEVEL) / 2, freedom)) * math.sqrt(a + b)
    return Estimate(value, value - half, value + half, n, suite.min_cases)


def deviation(values: Any, suite: Suite) -> Estimate:
    """The standard deviation with its chi-squared interval."""
    from scipy.stats import chi2

    values = np.asarray(values, dtype=float)
    n = len(values)
    if n < 2:
        return Estimate(math.nan, 0.0, math.inf, n, 2)
    value = float(values.std(ddof=1))
    low = value * math.sqrt((n - 1) / float(chi2.ppf((1 + LEVEL) / 2, n - 1)))
    high = value * math.sqrt((n - 1) / float(chi2.ppf((1 - LEVEL) / 2, n - 1)))
    return Estimate(value, low, high, n, 2)
