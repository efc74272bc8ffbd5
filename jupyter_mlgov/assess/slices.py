"""Slices of the rows: those that were declared, and those where the model turns out to be worst."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from jupyter_mlgov.assess.judging import corrected, not_applicable, result
from jupyter_mlgov.assess.resampling import scaled, welch
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.records.assessment import TestResult

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5
"""Slices that are reported of those found."""
_BINS = 4
_LEVELS = 12
"""Categories of a column that are looked at, the most frequent."""
_PAIRED = 12
"""The worst slices of one feature that are combined with each other."""
_SEARCH = 100
"""Rows below which no slice is searched for."""


@dataclass(frozen=True)
class Slice:
    """A condition on columns, and which rows satisfy it."""

    where: str
    columns: tuple[str, ...]
    mask: Any


def slices(subject: Subject, suite: Suite) -> list[TestResult]:
    """A result for each declared slice, and for the worst that were found."""
    declared = corrected([_declared(text, subject, suite) for text in suite.slices], suite, "slices.declared")
    return [*declared, *_worst(subject, suite)]


def _declared(text: str, subject: Subject, suite: Suite) -> TestResult:
    try:
        mask = np.asarray(subject.table.eval(text, engine="python"))
    except Exception as error:  # noqa: BLE001 - the condition is the user's text
        why = " ".join(str(error).split())[:150]
        columns = ", ".join(map(str, subject.table.columns[:8]))
        return not_applicable(
            "slices.declared",
            f"it cannot be cut from the test rows ({why}); their columns are {columns}",
            subject=text,
        )
    if mask.dtype != bool or mask.shape != (subject.rows,):
        return not_applicable("slices.declared", "it is no yes or no for each row", subject=text)
    return _result("slices.declared", text, subject.losses(), mask, subject, suite)


def _result(
    test: str, name: str, losses: Any, mask: Any, subject: Subject, suite: Suite, **facts: Any
) -> TestResult:
    value = scaled(welch(losses[mask], losses[~mask], suite), subject.scale)
    details = {
        "rows_in_slice": int(mask.sum()),
        "loss_in_slice": float(losses[mask].mean()) if mask.any() else None,
        "loss_elsewhere": float(losses[~mask].mean()) if (~mask).any() else None,
        "loss": subject.unit,
        **facts,
    }
    reason = ""
    if mask.sum() < suite.min_cases:
        reason = f"too small to tell: {int(mask.sum())} rows are in the slice, {suite.min_cases} are needed"
        value = Estimate(float(value), -np.inf, np.inf, int(mask.sum()), suite.min_cases)
    return result(test, suite, value, subject=name, rows=len(losses), reason=reason, details=details)


def _worst(subject: Subject, suite: Suite) -> list[TestResult]:
    """Found in one half of the rows, measured in the other, so that what is reported is no luck of the search."""
    if subject.rows < _SEARCH:
        reason = f"{subject.rows} rows are too few to search for slices: {_SEARCH} are needed"
        return [not_applicable("slices.worst", reason, rows=subject.rows)]
    losses = subject.losses()
    half = np.zeros(subject.rows, dtype=bool)
    half[np.random.default_rng(suite.seed).permutation(subject.rows)[: subject.rows // 2]] = True
    found = search(candidates(_searched(subject)), losses, half, suite)
    if not found:
        return [
            not_applicable(
                "slices.worst", "the search found no slice that is worse than the rest", rows=subject.rows
            )
        ]
    made = [
        _result(
            "slices.worst",
            one.where,
            losses[~half],
            one.mask[~half],
            subject,
            suite,
            found_as=float(
                (losses[half & one.mask].mean() - losses[half & ~one.mask].mean()) / subject.scale
            ),
        )
        for one in found
    ]
    return corrected(made, suite, "slices.worst")


def search(offered: list[Slice], losses: Any, half: Any, suite: Suite) -> list[Slice]:
    """The slices that are worst in ``half`` of the rows by their effect size's lower end; none overlaps another by more
    than three quarters."""
    least = max(suite.min_cases // 2, 10)

    def badness(one: Slice) -> float:
        inside = half & one.mask
        if inside.sum() < least or (half & ~one.mask).sum() < least:
            return -np.inf
        return welch(losses[inside], losses[half & ~one.mask], suite).low

    single = sorted(((badness(one), place) for place, one in enumerate(offered)), reverse=True)
    best = [offered[place] for score, place in single[:_PAIRED] if score > -np.inf]
    paired = [
        Slice(f"{a.where} and {b.where}", (*a.columns, *b.columns), a.mask & b.mask)
        for a, b in combinations(best, 2)
        if not set(a.columns) & set(b.columns)
    ]
    ranked = sorted(
        ((badness(one), -len(one.columns), -place, one) for place, one in enumerate([*offered, *paired])),
        key=lambda item: item[:3],
        reverse=True,
    )
    chosen: list[Slice] = []
    for score, _, _, one in ranked:
        if score <= 0 or len(chosen) == SHOWN:
            break
        if all(_overlap(one.mask & half, other.mask & half) < 0.75 for other in chosen):
            chosen.append(one)
    return chosen


def _searched(subject: Subject) -> pd.DataFrame:
    """The columns whose slices are looked through: the model's features, and of those beside them what describes a row
    before the answer is known. The answer itself, what was predicted, and names of single rows do not."""
    features = set(subject.test.held.features)
    known = [subject.test.truth, subject.truth, subject.predicted]
    if subject.scores is not None and subject.scores.ndim == 1:
        known.append(subject.scores)
    table = subject.table
    return table[
        [
            name
            for name in table.columns
            if name in features
            or not (table[name].is_unique or any(_tell_each_other(table[name], one) for one in known))
        ]
    ]


def _tell_each_other(values: Any, others: Any) -> bool:
    """Whether each of two columns says what the other is: they are one, in other words."""
    import pandas as pd

    one, other = pd.factorize(values)[0], pd.factorize(pd.Series(others))[0]
    pairs = len(np.unique(np.stack([one, other]), axis=1)[0])
    return pairs == len(np.unique(one)) == len(np.unique(other))


def _overlap(one: Any, other: Any) -> float:
    return float((one & other).sum() / max(min(one.sum(), other.sum()), 1))


def candidates(table: pd.DataFrame) -> list[Slice]:
    """Slices of one column: quarters of numbers, categories, missing values."""
    found: list[Slice] = []
    for name in table.columns:
        values = table[name]
        column = str(name) if str(name).isidentifier() else f"`{name}`"
        empty = values.isna().to_numpy()
        if empty.any() and not empty.all():
            found.append(Slice(f"{column} is missing", (name,), empty))
        found += _of_column(column, name, values, ~empty)
    return found


def _of_column(column: str, name: str, values: Any, present: Any) -> list[Slice]:
    import pandas as pd

    kinds = values.nunique()
    if pd.api.types.is_numeric_dtype(values.dtype) and kinds > _LEVELS:
        numbers = values.to_numpy(dtype=float)
        edges = np.unique(np.quantile(numbers[present], np.linspace(0, 1, _BINS + 1)))
        made = []
        for place, (low, high) in enumerate(pairwise(edges)):
            last = place == len(edges) - 2
            mask = present & (numbers >= low) & ((numbers <= high) if last else (numbers < high))
            words = (
                f"{column} >= {low:.6g}"
                if last
                else f"{column} < {high:.6g}"
                if place == 0
                else (f"{low:.6g} <= {column} < {high:.6g}")
            )
            made.append(Slice(words, (name,), mask))
        return made
    try:
        common = values.value_counts().index[:_LEVELS]
    except TypeError:
        return []
    if kinds < 2 or (not pd.api.types.is_numeric_dtype(values.dtype) and kinds > len(values) / 2):
        return []
    return [
        Slice(f"{column} == {_shown(value)}", (name,), (values == value).fillna(False).to_numpy(dtype=bool))
        for value in common
    ]


def _shown(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    return f"{value:g}" if isinstance(value, float) else repr(value)
