"""Which part of the rows moved: slices of one feature, by the change of the loss (or of the prediction) within them.

A slice is one category of a column, or a quarter of a column of numbers by the reference's quartiles. In each, the mean
before and after are compared by Welch's test, corrected for all slices; a slice's contribution is its share of the rows now
times its own change, over the whole change.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from jupyter_mlgov.assess.corrections import adjusted
from jupyter_mlgov.monitor import columns
from jupyter_mlgov.monitor.settings import Settings
from jupyter_mlgov.records.monitoring import SliceDrift

Floats = NDArray[np.float64]
NEEDED = 30
CATEGORIES = 20
"""Categories past which a column makes no slices."""
SHOWN = 10


def which(
    before: Any,
    after: Any,
    values_before: Floats,
    values_after: Floats,
    measured: Literal["loss", "prediction"],
    settings: Settings,
) -> list[SliceDrift]:
    """The slices in which ``values`` (one for each row of either table) moved, the largest contribution first; those that
    moved no more than everything did are left out unless nothing else is there."""
    whole = _mean(values_after) - _mean(values_before)
    rows = []
    for where, left, right in _slices(before, after, settings):
        one, other = values_before[left], values_after[right]
        if min(len(one), len(other)) < NEEDED:
            continue
        rows.append((where, one, other))
    if not rows:
        return []
    corrected = adjusted([_welch(one, other) for _, one, other in rows], settings.correction)
    spread = math.sqrt((float(np.var(values_before)) + float(np.var(values_after))) / 2)
    found = []
    for (where, one, other), p in zip(rows, corrected, strict=True):
        moved = _mean(other) - _mean(one)
        effect = moved / spread if spread > 0 else (math.copysign(math.inf, moved) if moved else 0.0)
        tell: Literal["drift", "steady"] = (
            "drift" if p <= settings.alpha and abs(effect) >= settings.loss else "steady"
        )
        share = len(other) / max(len(values_after), 1)
        found.append(
            SliceDrift(
                where=where,
                measured=measured,
                before=_mean(one),
                after=_mean(other),
                rows_before=len(one),
                rows_after=len(other),
                effect=effect,
                contribution=share * moved / whole if whole else 0.0,
                p_adjusted=p,
                tell=tell,
            )
        )
    drifting = [one for one in found if one.tell == "drift"]
    # By the change itself, not by the rows: a large slice carries much of any change.
    return sorted(drifting, key=lambda one: -abs(one.effect))[:SHOWN]


def _slices(before: Any, after: Any, settings: Settings) -> Iterator[tuple[str, Any, Any]]:
    there = set(columns.names(after))
    for name in columns.names(before):
        if name not in there or name in settings.ignore:
            continue
        one, other = columns.values(before, name), columns.values(after, name)
        kind = columns.kind(one)
        if kind == "number":
            yield from _numbers(name, one, other)
        elif kind == "category":
            yield from _categories(name, one, other)


def _numbers(name: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    try:
        left, right = columns.floats(one), columns.floats(other)
    except (ValueError, TypeError):
        return
    known = np.unique(left[np.isfinite(left)])
    if len(known) <= columns.FEW:
        for value in known.tolist():
            yield f"{name} = {value:.12g}", left == value, right == value
        return
    edges = np.unique(np.quantile(left[np.isfinite(left)], [0.25, 0.5, 0.75]))
    ends = [-math.inf, *edges.tolist(), math.inf]
    for low, high in itertools.pairwise(ends):
        if math.isinf(low):
            where = f"{name} < {high:.4g}"
        elif math.isinf(high):
            where = f"{name} >= {low:.4g}"
        else:
            where = f"{low:.4g} <= {name} < {high:.4g}"
        yield where, (left >= low) & (left < high), (right >= low) & (right < high)


def _categories(name: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    left, right = columns.labels(one), columns.labels(other)
    known = sorted({label for label in left.tolist() if label is not None})
    if len(known) > CATEGORIES:
        return
    for label in known:
        yield f"{name} = {label}", left == label, right == label


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


def _welch(one: Floats, other: Floats) -> float:
    """Welch's test (1947) of two means; 0 or 1 where nothing varies."""
    from scipy.stats import t

    a, b = float(one.var(ddof=1)) / len(one), float(other.var(ddof=1)) / len(other)
    apart = _mean(other) - _mean(one)
    if a + b <= 0:
        return 1.0 if apart == 0 else 0.0
    freedom = (a + b) ** 2 / (a**2 / (len(one) - 1) + b**2 / (len(other) - 1))
    return float(2 * t.sf(abs(apart) / math.sqrt(a + b), freedom))
