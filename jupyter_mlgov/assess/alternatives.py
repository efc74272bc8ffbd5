"""What would have had to be otherwise for another decision: counterfactual explanations of one case.

Wachter, Mittelstadt and Russell (2017) ask for the nearest case that is decided otherwise. Near is counted here in
cases, not in units: a number has moved by the share of the data's rows that lie between its old and its new value, a
category by the share that have another than the new one. Only values that the data hold are tried, so nobody is told of
a value that nobody has; and only in features that can be changed at all, which the caller names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from jupyter_mlgov.assess.judging import SIGNS
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.annotations import Operator

TRIED = 100
"""Values of one feature that are tried: of a number its percentiles, of a category the most frequent."""
TOGETHER = 3
"""Features that are changed together at most."""


@dataclass(frozen=True)
class Change:
    """One feature's value now and in the alternative."""

    feature: str
    now: object
    then: object


@dataclass(frozen=True)
class Alternative:
    """Changes that together lead to the other decision. ``moved`` is their distance: 0 is no change, 1 is from one end of
    the data to the other."""

    changes: tuple[Change, ...]
    score: float
    moved: float


def alternatives(
    score: Callable[[pd.DataFrame], npt.NDArray[np.float64]],
    frame: pd.DataFrame,
    row: int,
    threshold: float,
    *,
    op: Operator = ">=",
    changeable: Sequence[str] | None = None,
    most: int = 5,
) -> list[Alternative]:
    """The nearest alternatives for row ``row`` of ``frame``, each feature's own first; empty where there is none.

    ``score`` gives one number a row, and a row is decided by ``score op threshold``. ``changeable`` None: every feature.
    Where no single feature is enough, up to ``TOGETHER`` are changed, the one that moves the score furthest first.
    Raises ``UsageError`` for a feature that ``frame`` lacks.
    """
    names = list(frame.columns) if changeable is None else list(changeable)
    for name in names:
        if name not in frame.columns:
            raise UsageError(
                f"changeable: {name!r} is no feature; there are {', '.join(map(str, frame.columns))}"
            )
    case = frame.iloc[[row]]
    line = _Line(op, threshold)
    positive = line.over(score(case)[0])
    tried = {name: _tried(frame[name], case[name].iloc[0]) for name in names}
    found = _singles(score, case, line, positive, tried)
    if not found:
        together = _together(score, case, line, positive, tried)
        found = [together] if together is not None else []
    return sorted(found, key=lambda one: one.moved)[:most]


@dataclass(frozen=True)
class _Line:
    """What decides: a score is over the line, and so positive, where ``score op threshold``."""

    op: Operator
    threshold: float

    def over(self, score: float) -> bool:
        return bool(SIGNS[self.op](score, self.threshold))

    @property
    def upwards(self) -> bool:
        """Whether the higher scores are the positive ones."""
        return self.op.startswith(">")


@dataclass(frozen=True)
class _Tried:
    """Values of one feature, and how far each is from the case's."""

    values: list[Any]
    distances: list[float]


def _tried(column: pd.Series[Any], now: Any) -> _Tried:
    known = column.dropna()
    if (
        pd.api.types.is_numeric_dtype(column)
        and not pd.api.types.is_bool_dtype(column)
        and known.nunique() > 2
    ):
        ordered = np.sort(known.to_numpy(dtype=float))
        places = np.unique(np.linspace(0, len(ordered) - 1, TRIED).round().astype(int))
        values = known.sort_values().iloc[places].unique().tolist()
        here = (
            0.5 if pd.isna(now) else float(np.searchsorted(ordered, float(now), side="left")) / len(ordered)
        )
        distances = [
            abs(float(np.searchsorted(ordered, float(one), side="left")) / len(ordered) - here)
            for one in values
        ]
    else:
        shares = known.value_counts(normalize=True).head(TRIED)
        values, distances = shares.index.tolist(), (1.0 - shares).tolist()
    kept = [(value, max(distance, 1 / max(len(known), 1))) for value, distance in zip(values, distances, strict=True)
            if pd.isna(now) or value != now]  # fmt: skip
    return _Tried([value for value, _ in kept], [distance for _, distance in kept])


def _scored(
    score: Callable[[pd.DataFrame], npt.NDArray[np.float64]], case: pd.DataFrame, name: str, values: list[Any]
) -> npt.NDArray[np.float64]:
    made = pd.concat([case] * len(values), ignore_index=True)
    made[name] = pd.Series(values).astype(case[name].dtype)
    return np.asarray(score(made), dtype=float)


def _singles(
    score: Callable[[pd.DataFrame], npt.NDArray[np.float64]],
    case: pd.DataFrame,
    line: _Line,
    positive: bool,
    tried: dict[str, _Tried],
) -> list[Alternative]:
    found = []
    for name, one in tried.items():
        if not one.values:
            continue
        scores = _scored(score, case, name, one.values)
        other = [place for place in range(len(scores)) if line.over(scores[place]) != positive]
        if other:
            best = min(other, key=lambda place: one.distances[place])
            change = Change(name, case[name].iloc[0], one.values[best])
            found.append(Alternative((change,), float(scores[best]), one.distances[best]))
    return found


def _together(
    score: Callable[[pd.DataFrame], npt.NDArray[np.float64]],
    case: pd.DataFrame,
    line: _Line,
    positive: bool,
    tried: dict[str, _Tried],
) -> Alternative | None:
    changes: list[Change] = []
    moved = 0.0
    down = positive is line.upwards
    case = case.copy()
    left = dict(tried)
    for _ in range(TOGETHER):
        steps = []
        for name, one in left.items():
            if one.values:
                scores = _scored(score, case, name, one.values)
                best = int(scores.argmin() if down else scores.argmax())
                steps.append((float(scores[best]), name, one.values[best], one.distances[best]))
        if not steps:
            return None
        reached, name, value, distance = (min if down else max)(steps, key=lambda step: step[0])
        changes.append(Change(name, case[name].iloc[0], value))
        case[name] = pd.Series([value], index=case.index).astype(case[name].dtype)
        moved += distance
        del left[name]
        if line.over(reached) != positive:
            return Alternative(tuple(changes), reached, moved)
    return None
