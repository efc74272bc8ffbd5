"""The least effect that a number of rows would show: what a result without an alarm is worth.

Each is the effect that the test finds with a power of 80 % at level ``alpha`` (already divided by the number of tests).
"""

from __future__ import annotations

import math

POWER = 0.8


def effective(n: int, m: int) -> float:
    """n m / (n + m): two samples of these sizes tell as much as one of this size against a known distribution."""
    return n * m / (n + m) if n and m else 0.0


def shift(n: int, m: int, alpha: float) -> float:
    """A shift of a normal distribution, in its standard deviations, that Kolmogorov-Smirnov's test finds.

    The critical distance is Smirnov's asymptotic one, sqrt(-ln(alpha / 2) / 2) / sqrt(e) for e effective rows; the
    distance that is measured varies about the true one with a standard deviation of at most 1 / (2 sqrt(e)); and a
    shift by d moves the distribution function by 2 Phi(d / 2) - 1 at most. Infinite where no shift would do.
    """
    from scipy.stats import norm

    rows = effective(n, m)
    if not rows:
        return math.inf
    apart = (math.sqrt(-math.log(alpha / 2) / 2) + 0.5 * float(norm.ppf(POWER))) / math.sqrt(rows)
    return 2 * float(norm.ppf((1 + apart) / 2)) if apart < 1 else math.inf


def divergence(n: int, m: int, categories: int, alpha: float) -> float:
    """A Jensen-Shannon distance that the chi-squared test over ``categories`` finds; infinite where none would do.

    The non-centrality that gives the power is e times sum((p - q)^2 / mean), and the Jensen-Shannon divergence is that
    sum over 8 ln 2 to second order.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    rows = effective(n, m)
    if not rows:
        return math.inf
    free = max(categories - 1, 1)
    critical = float(chi2.isf(alpha, free))
    most = critical + 20 * math.sqrt(2 * (free + critical)) + 100
    needed = float(brentq(lambda value: float(ncx2.sf(critical, free, value)) - POWER, 1e-6, most))
    distance = math.sqrt(needed / rows / (8 * math.log(2)))
    return distance if distance < 1 else math.inf


def share(n: int, m: int, level: float, alpha: float) -> float:
    """A difference of two shares about ``level`` that the two-sided test of proportions finds."""
    from scipy.stats import norm

    rows = effective(n, m)
    if not rows:
        return math.inf
    # A share of exactly nothing says little about the spread where it is not: one row's worth at least.
    level = min(max(level, 1 / (n + m)), 1 - 1 / (n + m))
    reach = float(norm.isf(alpha / 2)) + float(norm.ppf(POWER))
    return reach * math.sqrt(level * (1 - level) / rows)


def change(rows: int, alpha: float) -> float:
    """A change of a series' mean at its middle, in standard deviations, that the CUSUM test finds.

    The greatest CUSUM has the law of the greatest Brownian bridge (Kolmogorov's distribution); a change of d at the
    middle of n rows adds d sqrt(n) / 4, and there the bridge has a standard deviation of one half.
    """
    from scipy.stats import norm

    if rows < 2:
        return math.inf
    critical = math.sqrt(-math.log(alpha / 2) / 2)
    return 4 * (critical + 0.5 * float(norm.ppf(POWER))) / math.sqrt(rows)
