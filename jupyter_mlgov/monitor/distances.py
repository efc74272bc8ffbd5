"""How far two samples of one column are apart, and how surely they differ.

Numbers come sorted: everything here is read off two sorted arrays, so a column is sorted once and never again. Past
``EXACT`` values the distances are taken at ``GRID`` quantiles of each side.

- Wasserstein-1 distance, the area between the two quantile functions (Ramdas, García Trillos & Cuturi 2017), divided by
  the reference's standard deviation: a shift of the mean by d standard deviations has distance d.
- Kolmogorov-Smirnov: the greatest vertical distance between the two distribution functions, with Smirnov's one-sample
  distribution at the effective number of rows n m / (n + m), as in Hodges (1958).
- Jensen-Shannon distance: the square root of the divergence to base 2 (Lin 1991; a metric: Endres & Schindelin 2003).
- Pearson's chi-squared test of homogeneity; where an expected count is below 5, its distribution under random
  exchange of the rows is simulated and a gamma distribution with the same mean and variance gives the tail.
- Cramér's V of the 2 x k table (Cramér 1946).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

EXACT = 50_000
"""Values of both sides together up to which distances of numbers are exact."""
GRID = 4096
"""Quantiles of each side at which larger samples are compared: the KS distance is then too small by at most 1 / GRID."""
DRAWS = 2000
SMALL = 5.0
"""An expected count below which the chi-squared distribution itself is not relied on (Cochran 1954)."""


def wasserstein(one: Floats, other: Floats) -> float:
    """The Wasserstein-1 distance of two sorted arrays, in their own unit. NaN where one is empty."""
    n, m = len(one), len(other)
    if not n or not m:
        return float("nan")
    if n == m:
        return float(np.abs(one - other).mean())
    if n + m <= EXACT:
        levels = np.union1d(np.arange(1, n + 1) / n, np.arange(1, m + 1) / m)
        middles = levels - np.diff(levels, prepend=0.0) / 2
        widths = np.diff(levels, prepend=0.0)
        left = one[np.minimum((middles * n).astype(np.int64), n - 1)]
        right = other[np.minimum((middles * m).astype(np.int64), m - 1)]
        return float(np.abs(left - right) @ widths)
    size = max(n, m)
    middles = (np.arange(size) + 0.5) / size
    left = one if n == size else one[(middles * n).astype(np.int64)]
    right = other if m == size else other[(middles * m).astype(np.int64)]
    return float(np.abs(left - right).mean())


def kolmogorov_smirnov(one: Floats, other: Floats) -> float:
    """The greatest distance of the distribution functions of two sorted arrays. NaN where one is empty."""
    n, m = len(one), len(other)
    if not n or not m:
        return float("nan")
    points = np.concatenate([one, other] if n + m <= EXACT else [_grid(one), _grid(other)])
    apart = 0.0
    sides: tuple[Literal["left", "right"], ...] = ("left", "right")
    for side in sides:
        left = np.searchsorted(one, points, side=side) / n
        right = np.searchsorted(other, points, side=side) / m
        apart = max(apart, float(np.abs(left - right).max()))
    return apart


def _grid(values: Floats) -> Floats:
    """The quantiles of a sorted array in increasing order: sorted keys make a search in it quick."""
    return values[np.linspace(0, len(values) - 1, min(GRID, len(values))).astype(np.int64)]


def kolmogorov_smirnov_p(apart: float, n: int, m: int) -> float:
    """The chance of a KS distance of at least ``apart`` between samples of one continuous distribution; with ties
    the true chance is smaller."""
    if not n or not m or np.isnan(apart):
        return float("nan")
    from scipy.stats import kstwo

    return float(kstwo.sf(apart, max(round(n * m / (n + m)), 1)))


def jensen_shannon(one: Counts, other: Counts) -> float:
    """The Jensen-Shannon distance (0 to 1) of two tables of counts over the same categories. NaN where one is empty."""
    n, m = one.sum(), other.sum()
    if not n or not m:
        return float("nan")
    p, q = one / n, other / m
    middle = (p + q) / 2
    divergence = 0.0
    for part in (p, q):
        there = part > 0
        divergence += float(part[there] @ np.log2(part[there] / middle[there])) / 2
    return float(np.sqrt(min(max(divergence, 0.0), 1.0)))


def chi_squared(one: Counts, other: Counts) -> float:
    """Pearson's statistic of the 2 x k table of homogeneity."""
    return float(_statistics(one[None, :], one + other, int(one.sum()))[0])


def _statistics(first: Any, totals: Counts, n: int) -> Floats:
    """Pearson's statistic for several tables: ``first`` holds their first rows, the margins are the same."""
    whole = totals.sum()
    expected = totals * (n / whole)
    # Both rows of a column are off by the same number.
    weights = 1 / expected + 1 / (totals - expected)
    result: Floats = ((first - expected) ** 2 * weights).sum(axis=1)
    return result


def chi_squared_p(one: Counts, other: Counts) -> float:
    """The chance of a table at least this uneven where both rows come from one distribution. NaN where one is empty.

    Categories that are expected less than once are counted as one. The draws have a fixed seed.
    """
    n, m = int(one.sum()), int(other.sum())
    if not n or not m:
        return float("nan")
    there = (one + other) > 0
    one, other = one[there], other[there]
    totals = one + other
    rare = totals * (min(n, m) / (n + m)) < 1
    if rare.sum() > 1:
        one = np.append(one[~rare], one[rare].sum())
        other = np.append(other[~rare], other[rare].sum())
        totals = one + other
    if len(totals) < 2:
        return 1.0
    statistic = chi_squared(one, other)
    from scipy.stats import chi2, gamma

    if (totals * (min(n, m) / (n + m))).min() >= SMALL:
        return float(chi2.sf(statistic, len(totals) - 1))
    random = np.random.default_rng(20_26)
    drawn = random.multivariate_hypergeometric(totals, n, size=DRAWS, method="marginals")
    simulated = _statistics(drawn, totals, n)
    mean, variance = float(simulated.mean()), float(simulated.var())
    if variance == 0:
        return 1.0
    # Never below what the draws themselves show.
    exceeded = float((simulated >= statistic * (1 - 1e-9)).mean())
    return min(max(float(gamma.sf(statistic, mean**2 / variance, scale=variance / mean)), exceeded), 1.0)


def cramers_v(one: Counts, other: Counts) -> float:
    """Cramér's V of the 2 x k table: 0 where both rows have the same shares, 1 where they share no category."""
    n, m = int(one.sum()), int(other.sum())
    if not n or not m:
        return float("nan")
    there = (one + other) > 0
    if there.sum() < 2:
        return 0.0
    return float(np.sqrt(chi_squared(one[there], other[there]) / (n + m)))


def two_shares_p(hits: int, n: int, other_hits: int, m: int) -> float:
    """The chance that two shares differ at least this much where they are one: the test of the 2 x 2 table."""
    if not n or not m:
        return float("nan")
    return chi_squared_p(np.array([hits, n - hits]), np.array([other_hits, m - other_hits]))
