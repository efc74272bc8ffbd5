"""A measured rate or mean with its confidence interval, and what can be told from it.

An ``Estimate`` is a float, so a check reads like arithmetic. Differences, quotients and ``abs`` of two of them keep
an interval (MOVER: Zou & Donner 2008, Donner & Zou 2012); any other arithmetic gives a plain number.
A rate's interval is Wilson's score interval, a mean's is Student's, an AUC's is DeLong's.
"""

from __future__ import annotations

import math
from typing import Any

NEEDED = 30
"""Cases below which a value alone proves nothing."""
LEVEL = 0.95
_Z = 1.959963984540054


class Estimate(float):
    """A value from ``cases`` cases, with the ends of its interval. ``of`` are the measured ones that it was reckoned
    from; none where it was measured itself."""

    __slots__ = ("cases", "high", "low", "needed", "of")

    def __new__(
        cls,
        value: float,
        low: float,
        high: float,
        cases: int,
        needed: int = NEEDED,
        of: tuple[Estimate, ...] = (),
    ) -> Estimate:
        made = super().__new__(cls, value)
        made.low, made.high, made.cases, made.needed, made.of = low, high, cases, needed, of
        return made

    low: float
    high: float
    cases: int
    needed: int
    of: tuple[Estimate, ...]

    @property
    def sources(self) -> tuple[Estimate, ...]:
        """The measured ones that its interval speaks of."""
        return self.of or (self,)

    @property
    def enough(self) -> bool:
        """Whether there are as many cases as are needed to speak of the value at all."""
        return self.cases >= self.needed

    def tells(self, threshold: float) -> bool:
        """Whether the value can be compared with ``threshold``: enough cases, or an interval that lies on one side."""
        if self.enough:
            return True
        return not (math.isnan(self) or self.low <= threshold <= self.high)

    def __sub__(self, other: Any) -> float:
        if isinstance(other, Estimate):
            value = float(self) - float(other)
            below = math.hypot(self - self.low, other.high - float(other))
            above = math.hypot(self.high - float(self), float(other) - other.low)
            return self._with(value, value - below, value + above, other)
        return self._moved(float(self) - other, -other) if _plain(other) else NotImplemented

    def __rsub__(self, other: Any) -> float:
        if not _plain(other):
            return NotImplemented
        return (-self)._moved(other - float(self), other)

    def __add__(self, other: Any) -> float:
        if isinstance(other, Estimate):
            return float(self) + float(other)
        return self._moved(float(self) + other, other) if _plain(other) else NotImplemented

    __radd__ = __add__

    def __truediv__(self, other: Any) -> float:
        if isinstance(other, Estimate):
            return self._ratio(other)
        if not _plain(other):
            return NotImplemented
        return self._scaled(float(self) / other, self.low / other, self.high / other)

    def __mul__(self, other: Any) -> float:
        if not _plain(other):
            return NotImplemented if not isinstance(other, Estimate) else float(self) * float(other)
        return self._scaled(float(self) * other, self.low * other, self.high * other)

    __rmul__ = __mul__

    def __neg__(self) -> Estimate:
        return self._alone(-float(self), -self.high, -self.low)

    def __abs__(self) -> float:
        ends = sorted((abs(self.low), abs(self.high)))
        low = 0.0 if self.low <= 0 <= self.high else ends[0]
        return self._alone(abs(float(self)), low, ends[1])

    def _moved(self, value: float, by: float) -> Estimate:
        return self._alone(value, self.low + by, self.high + by)

    def _scaled(self, value: float, one: float, other: float) -> Estimate:
        return self._alone(value, min(one, other), max(one, other))

    def _alone(self, value: float, low: float, high: float) -> Estimate:
        """The result of this one and of plain numbers."""
        return Estimate(value, low, high, self.cases, self.needed, self.sources)

    def _with(self, value: float, low: float, high: float, other: Estimate) -> Estimate:
        """The result of two: as much is known as about the one that is known least."""
        least = min(self, other, key=lambda one: one.cases / max(one.needed, 1))
        return Estimate(value, low, high, least.cases, least.needed, (*self.sources, *other.sources))

    def _ratio(self, other: Estimate) -> float:
        one, two = float(self), float(other)
        if two == 0:
            raise ZeroDivisionError("the slice below the line has a value of 0")
        low = high = math.nan
        if one >= 0 and two > 0 and self.low >= 0 and other.low >= 0:
            product = one * two
            left = self.low * other.high * (2 * one - self.low) * (2 * two - other.high)
            right = self.high * other.low * (2 * one - self.high) * (2 * two - other.low)
            below, above = other.high * (2 * two - other.high), other.low * (2 * two - other.low)
            low = (product - math.sqrt(max(product**2 - left, 0.0))) / below if below > 0 else 0.0
            high = (product + math.sqrt(max(product**2 - right, 0.0))) / above if above > 0 else math.inf
        return self._with(one / two, low, high, other)


def _plain(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, Estimate)


def rate(hits: int, cases: int, needed: int = NEEDED) -> Estimate:
    """``hits`` of ``cases`` with Wilson's interval; NaN between 0 and 1 where there is no case."""
    if cases == 0:
        return Estimate(math.nan, 0.0, 1.0, 0, needed)
    share, square = hits / cases, _Z**2
    middle = (share + square / (2 * cases)) / (1 + square / cases)
    half = _Z * math.sqrt(share * (1 - share) / cases + square / (4 * cases**2)) / (1 + square / cases)
    # Exactly 0 or 1 where nothing or everything hit: rounding must not put an end past the value.
    low = 0.0 if hits == 0 else middle - half
    high = 1.0 if hits == cases else middle + half
    return Estimate(share, low, high, cases, needed)


def mean(values: Any, needed: int = NEEDED) -> Estimate:
    """The mean of a NumPy array with Student's interval; unbounded below two values."""
    cases = len(values)
    if cases < 2:
        value = float(values[0]) if cases else math.nan
        return Estimate(value, -math.inf, math.inf, cases, needed)
    from scipy.stats import t

    value = float(values.mean())
    half = float(t.ppf((1 + LEVEL) / 2, cases - 1)) * float(values.std(ddof=1)) / math.sqrt(cases)
    return Estimate(value, value - half, value + half, cases, needed)


def auc(positives: Any, negatives: Any, needed: int = NEEDED) -> Estimate:
    """The area under the ROC curve from the scores of both classes, with DeLong's interval."""
    import numpy as np
    from scipy.stats import rankdata

    m, n = len(positives), len(negatives)
    cases = min(m, n)
    if cases == 0:
        return Estimate(math.nan, 0.0, 1.0, 0, needed)
    together = rankdata(np.concatenate([positives, negatives]))
    above = (together[:m] - rankdata(positives)) / n
    below = 1 - (together[m:] - rankdata(negatives)) / m
    value = float(above.mean())
    if cases < 2:
        return Estimate(value, 0.0, 1.0, cases, needed)
    half = _Z * math.sqrt(float(above.var(ddof=1)) / m + float(below.var(ddof=1)) / n)
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0), cases, needed)
