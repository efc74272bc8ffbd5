"""What is wrong with rows whatever their distribution: columns, types, missing values, ranges, categories, duplicates.

Where n rows are compared with N, some lie outside of the range of the N without anything being wrong. Where all n + N
are exchangeable, the chance that the k most extreme of them are all among the n is the product over i < k of
(n - i) / (n + N - i); a range, a new category and a first missing value are told where that is below the level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jupyter_mlgov.monitor import columns
from jupyter_mlgov.monitor.columns import Categories, Numbers
from jupyter_mlgov.monitor.features import Pair
from jupyter_mlgov.records.assessment import InputSchema
from jupyter_mlgov.records.monitoring import QualityProblem

BEYOND = 0.001
"""Share of rows outside of the reference's range, or with a category that it lacks, below which nothing is told."""
ALL_GONE = 0.999


def examine(
    reference: Any,
    current: Any,
    pairs: Sequence[Pair],
    schema: InputSchema | None = None,
    request_ids: Any = None,
    alpha: float = 0.01,
) -> list[QualityProblem]:
    """What is wrong with the current rows, the broken things first. ``schema`` is what the model's inputs looked like
    when it was fitted; ``request_ids`` name the rows, and no name should be there twice. All columns share ``alpha``."""
    total = columns.rows(current)
    found = _columns(reference, current, total)
    level = alpha / max(3 * len(pairs), 1)
    for pair in pairs:
        found += _values(pair, total, schema, level)
    found += _duplicates(request_ids, total)
    return sorted(found, key=lambda one: (not one.broken, -one.share, one.column))


def _columns(reference: Any, current: Any, total: int) -> list[QualityProblem]:
    expected, there = columns.names(reference), columns.names(current)
    found = [
        QualityProblem(column=name, kind="missing column", rows=total, share=1.0, broken=True,
                       message=f"the column {name} is gone: the model was fitted with it")
        for name in expected if name not in there
    ]  # fmt: skip
    found += [
        QualityProblem(column=name, kind="new column", rows=total, share=1.0, broken=False,
                       message=f"the column {name} was not there when the model was fitted: it is not used")
        for name in there if name not in expected
    ]  # fmt: skip
    for name in expected:
        if name not in there:
            continue
        before = columns.kind(columns.values(reference, name))
        now = columns.kind(columns.values(current, name))
        if before == "number" and now not in ("number", "nothing"):
            found.append(
                QualityProblem(column=name, kind="type", rows=total, share=1.0, broken=True,
                               message=f"{name} held numbers, and now {_KINDS[now]}")
            )  # fmt: skip
    return found


_KINDS = {"category": "text or categories", "time": "times", "number": "numbers", "nothing": "nothing"}


def _values(pair: Pair, total: int, schema: InputSchema | None, level: float) -> list[QualityProblem]:
    one, other = pair.reference, pair.current
    found: list[QualityProblem] = []
    if not total:
        return found
    if other.missing >= ALL_GONE * total and one.missing < ALL_GONE * one.rows:
        found.append(
            QualityProblem(column=pair.name, kind="missing values", rows=other.missing, share=other.missing / total,
                           broken=True, message=f"{pair.name} has no value any more in {other.missing:,} of {total:,} rows")
        )  # fmt: skip
    elif other.missing and not one.missing and chance(other.missing, total, one.rows) <= level:
        found.append(
            QualityProblem(column=pair.name, kind="missing values", rows=other.missing, share=other.missing / total,
                           broken=False, message=f"{pair.name} had a value in every row, and now has none in "
                           f"{other.missing:,} of {total:,}")
        )  # fmt: skip
    if isinstance(one, Numbers) and isinstance(other, Numbers):
        found += _range(pair.name, one, other, total, schema, level)
    if isinstance(one, Categories) and isinstance(other, Categories):
        new = {label: count for label, count in other.counts.items() if label not in one.counts}
        rows = sum(new.values())
        most = max(new.values(), default=0)
        if rows > BEYOND * total and chance(most, total, one.rows) <= level:
            named = ", ".join(repr(label[:40]) for label in sorted(new, key=lambda label: -new[label])[:3])
            more = f" and {len(new) - 3} more" if len(new) > 3 else ""
            found.append(
                QualityProblem(column=pair.name, kind="new category", rows=rows, share=rows / total, broken=False,
                               message=f"{pair.name} has values that the reference lacks in {rows:,} rows: {named}{more}")
            )  # fmt: skip
    filled = other.rows - other.missing
    if filled > 1 and _distinct(other) == 1 < _distinct(one):
        found.append(
            QualityProblem(column=pair.name, kind="constant", rows=filled, share=filled / total, broken=False,
                           message=f"{pair.name} has one value only, where the reference has {_distinct(one):,}")
        )  # fmt: skip
    return found


def _distinct(column: Numbers | Categories) -> int:
    return column.distinct if isinstance(column, Numbers) else len(column.counts)


def _range(
    name: str, one: Numbers, other: Numbers, total: int, schema: InputSchema | None, level: float
) -> list[QualityProblem]:
    found = []
    if other.infinite and not one.infinite:
        found.append(
            QualityProblem(column=name, kind="not finite", rows=other.infinite, share=other.infinite / total, broken=False,
                           message=f"{name} is infinite in {other.infinite:,} rows")
        )  # fmt: skip
    if not len(one.values) or not len(other.values):
        return found
    low, high = float(one.values[0]), float(one.values[-1])
    learnt = next((known for known in schema.features if known.name == name), None) if schema else None
    if learnt is not None and learnt.low is not None and learnt.high is not None:
        low, high = min(low, learnt.low), max(high, learnt.high)
    below = int(other.values.searchsorted(low, "left"))
    above = len(other.values) - int(other.values.searchsorted(high, "right"))
    rows_before = max(len(one.values), schema.rows if learnt is not None and schema is not None else 0)
    surely = chance(max(below, above), len(other.values), rows_before) <= level
    if surely and below + above > BEYOND * total:
        found.append(
            QualityProblem(column=name, kind="range", rows=below + above, share=(below + above) / total, broken=False,
                           message=f"{name} lies outside of {low:.6g} to {high:.6g}, where the model was fitted and tested, "
                           f"in {below + above:,} rows")
        )  # fmt: skip
    return found


def chance(k: int, n: int, before: int) -> float:
    """The chance that the ``k`` most extreme of ``n + before`` exchangeable rows are all among the ``n``."""
    if k > n:
        return 0.0
    lost = math.lgamma(n + 1) - math.lgamma(n - k + 1)
    whole = math.lgamma(n + before + 1) - math.lgamma(n + before - k + 1)
    return math.exp(lost - whole)


def _duplicates(request_ids: Any, total: int) -> list[QualityProblem]:
    if request_ids is None or not total:
        return []
    import pandas as pd

    twice = int(pd.Series(request_ids).duplicated().sum())
    if not twice:
        return []
    return [
        QualityProblem(column="", kind="duplicates", rows=twice, share=twice / total, broken=False,
                       message=f"{twice:,} rows have an id that an earlier row has: a feed may have been played twice")
    ]  # fmt: skip
