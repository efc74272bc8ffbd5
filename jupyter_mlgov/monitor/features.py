"""Drift of each column: an effect, a test, and what these numbers of rows could have shown.

A column has drifted where the test is significant after correction for all tests of the run *and* the effect is past its
threshold: a million rows make a trifle significant, and a hundred rows make noise look like an effect.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np

from jupyter_mlgov.assess.corrections import adjusted
from jupyter_mlgov.monitor import columns, detectable, distances
from jupyter_mlgov.monitor.columns import Categories, Column, Numbers
from jupyter_mlgov.monitor.settings import Settings
from jupyter_mlgov.records.monitoring import ColumnDrift, Histogram

BINS = 24
SHOWN = 12
"""Categories that a histogram names."""
_JS_FOR_SHIFT = 0.4247
"""The Jensen-Shannon distance of two normal distributions one standard deviation apart, to first order:
1 / sqrt(8 ln 2)."""


@dataclass(frozen=True)
class Pair:
    """One column of both sides, read."""

    name: str
    reference: Column
    current: Column


def read_pairs(reference: Any, current: Any, ignore: Iterable[str] = ()) -> tuple[list[Pair], dict[str, str]]:
    """The columns that both tables have, read and sorted, in the reference's order; and those that cannot be compared,
    each with the reason. Uses the machine's cores: sorting leaves Python's lock."""
    left_out: dict[str, str] = {}
    there = set(columns.names(current))
    wanted = [name for name in columns.names(reference) if name in there and name not in set(ignore)]

    def read(name: str) -> Pair | str:
        return _pair(name, columns.values(reference, name), columns.values(current, name))

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        found = list(pool.map(read, wanted))
    pairs = []
    for name, one in zip(wanted, found, strict=True):
        if isinstance(one, str):
            left_out[name] = one
        else:
            pairs.append(one)
    return pairs, left_out


def _pair(name: str, one: Any, other: Any) -> Pair | str:
    expected, found = columns.kind(one), columns.kind(other)
    if expected == "time":
        return "a time moves on by itself"
    if expected == "nothing":
        return "the reference has no value in it"
    if expected == "number":
        if found == "time":
            return "numbers before, times now"
        try:
            left, right = columns.numbers(one), columns.numbers(other)
        except (ValueError, TypeError):
            return "numbers before, something else now"
        if left.distinct <= columns.FEW and left.whole:
            return Pair(name, left.categories(), right.categories())
        return Pair(name, left, right)
    left_c, right_c = columns.categories(one), columns.categories(other)
    filled = sum(left_c.counts.values())
    if filled > 100 and len(left_c.counts) > columns.IDENTIFIERS * filled:
        return "its values name rows: nearly each occurs once"
    return Pair(name, left_c, right_c)


def compare(
    pairs: Sequence[Pair], role: Literal["feature", "prediction"], settings: Settings
) -> list[ColumnDrift]:
    """Each column's drift, and that of its missing values, with p-values not yet corrected: see :func:`settle`."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        found = list(pool.map(lambda pair: _compared(pair, role, settings), pairs))
    return [one for several in found for one in several]


def _compared(pair: Pair, role: Literal["feature", "prediction"], settings: Settings) -> list[ColumnDrift]:
    made = []
    if isinstance(pair.reference, Numbers) and isinstance(pair.current, Numbers):
        made.append(_numbers(pair.name, pair.reference, pair.current, role, settings))
    elif isinstance(pair.reference, Categories) and isinstance(pair.current, Categories):
        made.append(_categories(pair.name, pair.reference, pair.current, role, settings))
    missing = _missing(pair, settings)
    return made if missing is None else [*made, missing]


def _numbers(
    name: str, one: Numbers, other: Numbers, role: Literal["feature", "prediction"], settings: Settings
) -> ColumnDrift:
    left, right = one.values, other.values
    scale = float(left.std()) if len(left) else float("nan")
    moved = distances.wasserstein(left, right)
    # A constant has no spread to measure by: any other value is an effect without limit.
    effect = moved / scale if scale > 0 else (0.0 if moved == 0 else float("inf"))
    apart = distances.kolmogorov_smirnov(left, right)
    return ColumnDrift(
        name=name,
        role=role,
        kind="number",
        measure="wasserstein",
        effect=float("nan") if np.isnan(moved) else effect,
        threshold=settings.shift,
        second=("Kolmogorov-Smirnov", apart),
        test="Kolmogorov-Smirnov",
        p=distances.kolmogorov_smirnov_p(apart, len(left), len(right)),
        p_adjusted=float("nan"),
        detectable=float("nan"),
        reference_rows=len(left),
        current_rows=len(right),
        tell="unknown",
        message="",
        histogram=_number_bins(left, right),
    )


def _number_bins(left: Any, right: Any) -> Histogram | None:
    """Equal bins from the lowest to the highest of both sides' inner 99 %; what lies outside is in the outer bins."""
    if not len(left) or not len(right):
        return None
    inner = [side[[int(0.005 * (len(side) - 1)), int(0.995 * (len(side) - 1))]] for side in (left, right)]
    low, high = min(float(side[0]) for side in inner), max(float(side[1]) for side in inner)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)

    def shares(values: Any) -> tuple[float, ...]:
        places = np.searchsorted(values, edges[1:-1])
        return tuple((np.diff(places, prepend=0, append=len(values)) / len(values)).tolist())

    return Histogram(
        labels=tuple(f"{edge:.4g}" for edge in edges[:-1]),
        reference=shares(left),
        current=shares(right),
        edges=tuple(edges.tolist()),
    )


def _categories(
    name: str, one: Categories, other: Categories, role: Literal["feature", "prediction"], settings: Settings
) -> ColumnDrift:
    labels, left, right = columns.together(one, other)
    n, m = int(left.sum()), int(right.sum())
    return ColumnDrift(
        name=name,
        role=role,
        kind="category",
        measure="jensen-shannon",
        effect=distances.jensen_shannon(left, right),
        threshold=settings.categories,
        second=("Cramér's V", distances.cramers_v(left, right)),
        test="chi-squared",
        p=distances.chi_squared_p(left, right),
        p_adjusted=float("nan"),
        detectable=float("nan"),
        reference_rows=n,
        current_rows=m,
        tell="unknown",
        message="",
        histogram=_category_bins(labels, left, right, n, m),
    )


def _category_bins(labels: list[str], left: Any, right: Any, n: int, m: int) -> Histogram | None:
    if not n or not m:
        return None
    one, other = left / n, right / m
    if len(labels) > SHOWN:
        labels = [*labels[: SHOWN - 1], columns.OTHERS]
        one = np.append(one[: SHOWN - 1], one[SHOWN - 1 :].sum())
        other = np.append(other[: SHOWN - 1], other[SHOWN - 1 :].sum())
    return Histogram(
        labels=tuple(label[:60] for label in labels),
        reference=tuple(one.tolist()),
        current=tuple(other.tolist()),
    )


def _missing(pair: Pair, settings: Settings) -> ColumnDrift | None:
    """The share of missing values, where there is any on either side."""
    gone = [
        side.missing + (side.infinite if isinstance(side, Numbers) else 0)
        for side in (pair.reference, pair.current)
    ]
    if not any(gone):
        return None
    n, m = pair.reference.rows, pair.current.rows
    before, after = gone[0] / n if n else float("nan"), gone[1] / m if m else float("nan")
    return ColumnDrift(
        name=pair.name,
        role="missing",
        kind="category",
        measure="difference",
        effect=abs(after - before),
        threshold=settings.missing,
        test="chi-squared",
        p=distances.two_shares_p(gone[0], n, gone[1], m),
        p_adjusted=float("nan"),
        detectable=float("nan"),
        reference_rows=n,
        current_rows=m,
        tell="unknown",
        message=f"missing in {before:.1%} of the rows before, in {after:.1%} now",
    )


def settle(found: Sequence[ColumnDrift], settings: Settings) -> list[ColumnDrift]:
    """The same with p-values corrected for all of them together, and what follows for each."""
    corrected = adjusted([one.p for one in found], settings.correction)
    level = settings.alpha / max(sum(not np.isnan(one.p) for one in found), 1)
    known: dict[tuple[Any, ...], float] = {}

    def once(*key: Any, make: Callable[[], float]) -> float:
        if key not in known:
            known[key] = make()
        return known[key]

    return [_settled(one, p, level, settings, once) for one, p in zip(found, corrected, strict=True)]


def _settled(
    one: ColumnDrift, p: float, level: float, settings: Settings, once: Callable[..., float]
) -> ColumnDrift:
    n, m = one.reference_rows, one.current_rows
    if one.measure == "wasserstein":
        least = once("shift", n, m, make=lambda: detectable.shift(n, m, level))
        limit, unit = settings.seen, "standard deviations"
    elif one.measure == "jensen-shannon":
        count = len(one.histogram.labels) if one.histogram else 2
        least = once("categories", n, m, count, make=lambda: detectable.divergence(n, m, count, level))
        limit, unit = settings.seen * _JS_FOR_SHIFT, "of the Jensen-Shannon distance"
    elif one.measure == "difference":
        least = detectable.share(n, m, 0.05, level)
        limit, unit = max(2 * settings.missing, 0.1), "of the rows"
    else:
        least, limit, unit = one.detectable, 2 * one.threshold, "of the importance"
    significant = p <= settings.alpha
    tell: Literal["drift", "steady", "unknown"]
    if significant and one.effect >= one.threshold:
        tell, said = "drift", f"{_amount(one)} (p = {p:.2g} after correction)"
    elif not significant and not least <= limit:
        tell = "unknown"
        said = f"too few rows to tell: with {m:,} of them " + (
            f"only {least:.2g} {unit} or more would be found"
            if np.isfinite(least)
            else "nothing would be found"
        )
    else:
        tell = "steady"
        said = (
            f"{_amount(one)}: real, and below the threshold of {one.threshold:.2g}"
            if significant
            else f"no change seen; one of {least:.2g} {unit} would have been"
        )
    return msgspec.structs.replace(
        one,
        p_adjusted=p,
        detectable=least,
        tell=tell,
        message=f"{one.message}; {said}" if one.message else said,
    )


def _amount(one: ColumnDrift) -> str:
    if one.measure == "wasserstein":
        return f"moved by {one.effect:.2g} standard deviations"
    if one.measure == "jensen-shannon":
        return f"the shares moved by a Jensen-Shannon distance of {one.effect:.2g}"
    if one.measure == "difference":
        return f"a difference of {one.effect:.1%}"
    return f"{one.effect:.1%} of the importance moved"
