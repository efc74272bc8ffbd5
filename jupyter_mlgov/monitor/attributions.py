"""Attribution drift: does the model rest on other features than it did when it was signed off?

The importance of a feature is the mean of its absolute SHAP values, as a share of all features'. How far it moved:

- the total variation distance of the two lists of shares: the part of the whole importance that went from some features
  to others;
- NDCG of the current order of features with the reference's importances as gains (Järvelin & Kekäläinen 2002), the
  measure that model monitors commonly use for this.

The test exchanges rows between both sides at random; the interval draws rows with replacement. Each single feature is
also compared as a column of numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jupyter_mlgov.monitor import distances
from jupyter_mlgov.records.monitoring import ColumnDrift, Histogram

Floats = NDArray[np.float64]

ROWS = 5_000
"""Rows of each side that are used, evenly spread."""
DRAWS = 499
_BLOCK = 64


def importance(values: Floats) -> Floats:
    """Each feature's share of the importance; zeros where no feature has any. ``values`` is rows x features."""
    mean = np.abs(values).mean(axis=0)
    whole = mean.sum()
    result: Floats = mean / whole if whole > 0 else mean
    return result


def moved(one: Floats, other: Floats) -> float:
    """The total variation distance (0 to 1) of two lists of shares."""
    return float(np.abs(one - other).sum() / 2)


def ndcg(reference: Floats, current: Floats) -> float:
    """NDCG of the order by ``current`` with ``reference`` as gains: 1 where the order is the same. Features that are
    equal in ``current`` share their places, so the order of columns plays no part."""
    discounts = 1 / np.log2(np.arange(2, len(reference) + 2))
    ideal = float(np.sort(reference)[::-1] @ discounts)
    if ideal == 0:
        return 1.0
    order = np.argsort(-current, kind="stable")
    ordered, gains = current[order], reference[order]
    _, starts, counts = np.unique(-ordered, return_index=True, return_counts=True)
    gained = 0.0
    for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
        gained += float(gains[start : start + count].mean() * discounts[start : start + count].sum())
    return gained / ideal


def compare(
    names: Sequence[str], reference: Floats, current: Floats, threshold: float, *, seed: int = 0
) -> ColumnDrift:
    """How far the importance of all features together moved; ``p_adjusted`` and the verdict are not settled yet."""
    one, other = np.abs(_spread(reference)), np.abs(_spread(current))
    before, now = importance(one), importance(other)
    effect = moved(before, now)
    random = np.random.default_rng(seed)
    chance, noise = _exchanged(one, other, effect, random)
    low, high = _interval(one, other, random)
    order = np.argsort(-np.maximum(before, now))[:24]
    return ColumnDrift(
        name="attributions",
        role="attribution",
        kind="number",
        measure="importance",
        effect=effect,
        threshold=threshold,
        second=("NDCG", ndcg(before, now)),
        test="permutation",
        p=chance,
        p_adjusted=float("nan"),
        detectable=noise,
        reference_rows=len(one),
        current_rows=len(other),
        tell="unknown",
        message="",
        histogram=Histogram(
            labels=tuple(names[place] for place in order),
            reference=tuple(before[order].tolist()),
            current=tuple(now[order].tolist()),
        ),
        low=low,
        high=high,
    )


def _spread(values: Floats) -> Floats:
    if len(values) <= ROWS:
        return values
    result: Floats = values[np.linspace(0, len(values) - 1, ROWS).astype(np.int64)]
    return result


def _exchanged(one: Floats, other: Floats, effect: float, random: np.random.Generator) -> tuple[float, float]:
    """The permutation test's p-value, and the distance that random exchange alone exceeds once in a hundred: what
    has to be exceeded to be seen. A gamma distribution with the draws' mean and variance gives the tail past them."""
    from scipy.stats import gamma

    together = np.concatenate([one, other])
    total, n = together.sum(axis=0), len(one)
    drawn = np.empty(DRAWS)
    for start in range(0, DRAWS, _BLOCK):
        count = min(_BLOCK, DRAWS - start)
        keys = random.random((count, len(together)), dtype=np.float32)
        chosen = np.argpartition(keys, n - 1, axis=1)[:, :n]
        mask = np.zeros((count, len(together)), dtype=np.float64)
        np.put_along_axis(mask, chosen, 1.0, axis=1)
        left = mask @ together
        drawn[start : start + count] = _moved_rows(left / n, (total - left) / len(other))
    mean, variance = float(drawn.mean()), float(drawn.var())
    if variance == 0:
        return 1.0, float(drawn.max())
    shape, scale = mean**2 / variance, variance / mean
    counted = (1 + int((drawn >= effect - 1e-12).sum())) / (DRAWS + 1)
    chance = counted if counted > 10 / DRAWS else min(float(gamma.sf(effect, shape, scale=scale)), counted)
    return chance, float(gamma.isf(0.01, shape, scale=scale))


def _moved_rows(one: Floats, other: Floats) -> Floats:
    one = one / np.maximum(one.sum(axis=1, keepdims=True), 1e-300)
    other = other / np.maximum(other.sum(axis=1, keepdims=True), 1e-300)
    result: Floats = np.abs(one - other).sum(axis=1) / 2
    return result


def _interval(
    one: Floats, other: Floats, random: np.random.Generator, draws: int = 400
) -> tuple[float, float]:
    """The basic bootstrap's 95 % interval of the distance, within 0 and 1."""
    left = random.multinomial(len(one), np.full(len(one), 1 / len(one)), size=draws) @ one / len(one)
    right = (
        random.multinomial(len(other), np.full(len(other), 1 / len(other)), size=draws) @ other / len(other)
    )
    drawn = _moved_rows(left, right)
    effect = float(_moved_rows(one.mean(axis=0)[None], other.mean(axis=0)[None])[0])
    ends = 2 * effect - np.quantile(drawn, [0.975, 0.025])
    return float(np.clip(ends[0], 0, 1)), float(np.clip(ends[1], 0, 1))


def single(names: Sequence[str], reference: Floats, current: Floats) -> list[tuple[str, float, float, float]]:
    """Each feature's share before and now, and the Wasserstein distance of its values in the reference's standard
    deviations; the largest change of share first."""
    before, now = importance(reference), importance(current)
    found = []
    for place, name in enumerate(names):
        one, other = np.sort(reference[:, place]), np.sort(current[:, place])
        scale = float(one.std())
        apart = distances.wasserstein(one, other)
        found.append((name, float(before[place]), float(now[place]), apart / scale if scale > 0 else apart))
    return sorted(found, key=lambda row: -abs(row[2] - row[1]))
