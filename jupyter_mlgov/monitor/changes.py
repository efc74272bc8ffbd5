"""Where a series of numbers changed its mean: CUSUM with binary segmentation.

The CUSUM of n values is S_k = sum over i <= k of (x_i - mean). Without a change max |S_k| / (s sqrt(n)) has, for many
values, the law of the greatest absolute value of a Brownian bridge: Kolmogorov's distribution (Ploberger & Krämer 1992;
Page 1954 for the CUSUM). A series is split at its change, and each part looked at again (Vostrikova 1981), at a level that
halves with every split. Up to ``PERMUTED`` values the law is doubtful, and the values are put in random order instead
(Antoch & Hušková 2001).

Values that depend on the ones before them make sums vary more: s is then larger by Bartlett's long-run variance of what is
left when the two means of the best split are taken off (Newey & West 1987).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST = 30
"""Values that a part needs to be looked at."""
EDGE = 10
"""Values at each end of a part in which no change is looked for."""
PERMUTED = 400
"""Values up to which random orders decide."""
DRAWS = 1999
MOST = 8


@dataclass(frozen=True)
class Split:
    """A change of mean between ``row - 1`` and ``row``; ``before`` and ``after`` are the means up to the next change."""

    row: int
    before: float
    after: float
    spread: float
    p: float

    @property
    def effect(self) -> float:
        """The change in standard deviations."""
        moved = self.after - self.before
        if self.spread > 0:
            return moved / self.spread
        return math.copysign(math.inf, moved) if moved else 0.0


@dataclass(frozen=True)
class Changes:
    """What a series did. ``p`` is that of the first split of the whole: whether there is any change."""

    splits: tuple[Split, ...]
    p: float


def find(values: Floats, alpha: float = 0.01, *, least: float = 0.0, seed: int = 0) -> Changes:
    """The changes of mean of ``values`` (in the order of time), the earliest first.

    A change counts where it is significant at ``alpha`` and at least ``least`` standard deviations large. With fewer than
    ``LEAST`` values nothing can be told and ``p`` is NaN. Values that are not finite are not looked at by the caller's
    choice: raises ``ValueError``.
    """
    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a series with values that are not finite")
    if len(values) < LEAST:
        return Changes((), math.nan)
    random = np.random.default_rng(seed)
    first = _one(values, random)
    waiting = [(0, len(values), first, alpha)]
    places: list[tuple[int, float]] = []
    while waiting and len(places) < MOST:
        start, stop, (row, p, effect), level = waiting.pop(0)
        if not p <= level or abs(effect) < least:
            continue
        places.append((start + row, p))
        for left, right in ((start, start + row), (start + row, stop)):
            if right - left >= LEAST:
                waiting.append((left, right, _one(values[left:right], random), level / 2))
    return Changes(_described(values, sorted(places)), first[1])


def _described(values: Floats, places: list[tuple[int, float]]) -> tuple[Split, ...]:
    edges = [0, *(row for row, _ in places), len(values)]
    parts = [values[left:right] for left, right in itertools.pairwise(edges)]
    spread = math.sqrt(sum(float(((part - part.mean()) ** 2).sum()) for part in parts) / max(len(values), 1))
    return tuple(
        Split(row, float(one.mean()), float(other.mean()), spread, p)
        for (row, p), one, other in zip(places, parts, parts[1:], strict=False)
    )


def _one(values: Floats, random: np.random.Generator) -> tuple[int, float, float]:
    """The best place of one change, the p-value that there is one, and its size in standard deviations."""
    n = len(values)
    centred = values - values.mean()
    sums = np.cumsum(centred)[:-1]
    if not np.any(np.abs(centred) > 1e-12 * max(1.0, float(np.abs(values).max()))):
        return n // 2, 1.0, 0.0
    counts = np.arange(1, n)
    edge = min(EDGE, n // 4)
    # The likelihood's place: the sums weighted by what they vary by; the ends, where that is little, are left out.
    weighted = np.abs(sums) / np.sqrt(counts * (n - counts))
    row = edge + int(np.argmax(weighted[edge - 1 : n - edge])) if edge else 1 + int(np.argmax(weighted))
    one, other = values[:row], values[row:]
    within = math.sqrt(
        max((float(((one - one.mean()) ** 2).sum()) + float(((other - other.mean()) ** 2).sum())) / n, 0.0)
    )
    moved = float(other.mean() - one.mean())
    effect = moved / within if within > 0 else math.copysign(math.inf, moved)
    if n <= PERMUTED:
        return row, _permuted(centred, float(np.abs(sums).max()), random), effect
    # The spread under the null is about the one mean; what follows itself in time makes it larger.
    spread = math.sqrt(
        float((centred**2).mean()) * _inflation(np.concatenate([one - one.mean(), other - other.mean()]))
    )
    from scipy.special import kolmogorov

    return row, float(kolmogorov(float(np.abs(sums).max()) / (spread * math.sqrt(n)))), effect


def _inflation(residuals: Floats) -> float:
    """How much more means vary than those of independent values: Bartlett's long-run variance over the variance
    (Newey & West 1987), never below 1."""
    n = len(residuals)
    variance = float((residuals**2).mean())
    if variance <= 0:
        return 1.0
    lags = int(4 * (n / 100) ** (2 / 9))
    total = 1.0
    for lag in range(1, lags + 1):
        total += 2 * (1 - lag / (lags + 1)) * float((residuals[lag:] * residuals[:-lag]).sum() / n) / variance
    return max(total, 1.0)


def _permuted(centred: Floats, greatest: float, random: np.random.Generator) -> float:
    orders = random.permuted(np.broadcast_to(centred, (DRAWS, len(centred))), axis=1)
    drawn = np.abs(np.cumsum(orders, axis=1)).max(axis=1)
    return (1 + int((drawn >= greatest * (1 - 1e-9)).sum())) / (DRAWS + 1)
