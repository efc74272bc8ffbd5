"""p-values of many tests taken together.

Holm (1979) keeps the chance of even one false alarm in a run below alpha, whatever the tests' dependence;
Benjamini and Hochberg (1995) keep the expected share of false ones among the alarms below alpha.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Correction = Literal["holm", "benjamini-hochberg"]


def adjusted(p: Sequence[float], correction: Correction = "holm") -> list[float]:
    """Each p-value as it counts among all of them, in the order given. A NaN (no test was made) stays one and counts
    for nothing."""
    values = np.asarray(p, dtype=float)
    result = np.full(len(values), np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    count = len(order)
    if not count:
        return result.tolist()
    ranks = np.arange(count)
    if correction == "holm":
        result[order] = np.maximum.accumulate(values[order] * (count - ranks))
    else:
        scaled = values[order] * count / (ranks + 1)
        result[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return [float(value) for value in np.minimum(result, 1.0)]
