"""What a score decides at a threshold, and what that is worth: counts, rates and amounts, for any threshold at once.

A case is called positive where ``score op threshold``, ``>=`` unless the charter says otherwise, and is positive in truth
where it has the label that counts as positive: as in the checks of risks and in an assessment. Amounts are the charter's:
each right decision brings ``value_of_right``, each wrong one takes ``cost_of_wrong``, in whatever unit they are stated. An
amount may be for one kind of decision only (``false positive``, ``false negative``, ``true positive``, ``true negative``).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.annotations import Amount, Operator

_KINDS = {
    "true positive": "tp", "true positives": "tp", "tp": "tp",
    "false positive": "fp", "false positives": "fp", "fp": "fp", "false alarm": "fp",
    "false negative": "fn", "false negatives": "fn", "fn": "fn", "miss": "fn",
    "true negative": "tn", "true negatives": "tn", "tn": "tn",
}  # fmt: skip
_CALLS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
_SIDES = {"right": ("tp", "tn"), "wrong": ("fp", "fn")}


@dataclass(frozen=True)
class Worth:
    """The sum of all amounts in one unit, and its share per case."""

    unit: str
    total: float
    per_case: float


@dataclass(frozen=True)
class Outcome:
    """All decisions at one threshold. Rates are NaN where nothing was counted that they are a share of."""

    threshold: float
    tp: int
    fp: int
    fn: int
    tn: int
    worth: tuple[Worth, ...] = ()

    @property
    def cases(self) -> int:
        """How many were decided."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def metrics(self) -> dict[str, float]:
        """The rates by the names that KPIs give them."""
        precision = _share(self.tp, self.tp + self.fp)
        recall = _share(self.tp, self.tp + self.fn)
        return {
            "accuracy": _share(self.tp + self.tn, self.cases),
            "precision": precision,
            "recall": recall,
            "specificity": _share(self.tn, self.tn + self.fp),
            "f1": _share(2 * self.tp, 2 * self.tp + self.fp + self.fn),
            "positive_rate": _share(self.tp + self.fp, self.cases),
        }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


class Decisions:
    """Scores and truths, sorted once: an outcome costs a binary search. Raises ``UsageError`` for what is none."""

    def __init__(
        self,
        scores: Any,
        truth: Any,
        *,
        op: Operator = ">=",
        positive: Any = None,
        value_of_right: Iterable[Amount] = (),
        cost_of_wrong: Iterable[Amount] = (),
    ) -> None:
        if op not in _CALLS:
            raise UsageError(
                f"threshold: {op} decides nothing between two labels: write one of {', '.join(_CALLS)}"
            )
        self.op = op
        self.scores = _numbers(scores, "the scores")
        self.truth = _labels(truth, positive)
        if len(self.scores) != len(self.truth):
            raise UsageError(
                f"{len(self.scores)} scores for {len(self.truth)} labels: give one of each a case"
            )
        if not len(self.scores):
            raise UsageError("there is no case to decide: give X and y with at least one row")
        self.unknown: list[str] = []
        """Kinds of decisions that an amount is stated for and that are not among the four."""
        self._amounts = [*self._read(value_of_right, "right", 1.0), *self._read(cost_of_wrong, "wrong", -1.0)]
        order = np.argsort(self.scores, kind="stable")
        self._sorted = self.scores[order]
        self._positives_below = np.concatenate([[0], np.cumsum(self.truth[order])])

    def _read(self, amounts: Iterable[Amount], side: str, sign: float) -> list[tuple[str, str, float]]:
        """``(count, unit, value)`` of each amount; those of no known kind are told in ``unknown``."""
        read: list[tuple[str, str, float]] = []
        for amount in amounts:
            kind = _KINDS.get(re.sub(r"[\s_-]+", " ", amount.when.strip().lower()))
            if amount.when and kind is None:
                self.unknown.append(amount.when)
                continue
            read += [
                (one, amount.unit, sign * abs(amount.value)) for one in ([kind] if kind else _SIDES[side])
            ]
        return read

    def at(self, threshold: float) -> Outcome:
        """What is decided at ``threshold``."""
        below = int(
            np.searchsorted(self._sorted, threshold, side="left" if self.op in (">=", "<") else "right")
        )
        positives, under = int(self._positives_below[-1]), int(self._positives_below[below])
        called = below if self.op.startswith("<") else len(self.scores) - below
        tp = under if self.op.startswith("<") else positives - under
        fp, fn = called - tp, positives - tp
        tn = len(self.scores) - called - fn
        counts = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
        totals: dict[str, float] = {}
        for kind, unit, value in self._amounts:
            totals[unit] = totals.get(unit, 0.0) + counts[kind] * value
        cases = len(self.scores)
        worth = tuple(Worth(unit, total, total / cases) for unit, total in totals.items())
        return Outcome(threshold=float(threshold), **counts, worth=worth)

    def calls(self, scores: Any, threshold: float) -> Any:
        """Which ``scores`` are called positive at ``threshold``."""
        return _CALLS[self.op](scores, threshold)

    def worth_of(self, positive: bool) -> tuple[dict[str, float], dict[str, float]]:
        """What one case that is called positive, or negative, brings by unit: where that is right, and where it is wrong."""
        right, wrong = ("tp", "fp") if positive else ("tn", "fn")
        made: tuple[dict[str, float], dict[str, float]] = ({}, {})
        for kind, unit, value in self._amounts:
            for totals, wanted in zip(made, (right, wrong), strict=True):
                if kind == wanted:
                    totals[unit] = totals.get(unit, 0.0) + value
        return made

    @cached_property
    def thresholds(self) -> npt.NDArray[np.float64]:
        """At most 201 thresholds that decide differently, lowest first."""
        distinct = np.unique(self.scores)
        if len(distinct) > 201:
            distinct = np.unique(np.quantile(self.scores, np.linspace(0, 1, 201)))
        return distinct

    def best(self) -> Outcome | None:
        """The outcome that is worth most, where all amounts are in one unit; None where there is no amount."""
        if len({unit for _, unit, _ in self._amounts}) != 1:
            return None
        ends = np.nextafter(self.scores.min(), -np.inf), np.nextafter(self.scores.max(), np.inf)
        outcomes = [self.at(value) for value in (*self.thresholds, *ends)]
        return max(outcomes, key=lambda outcome: outcome.worth[0].total)


def _numbers(values: Any, what: str) -> npt.NDArray[np.float64]:
    try:
        numbers = np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what} are no numbers ({error}): give one number a case") from error
    if np.isnan(numbers).any():
        raise UsageError(f"{what} have {int(np.isnan(numbers).sum())} missing values: leave those cases out")
    return numbers


def same_label(one: Any, other: Any) -> bool:
    """Whether two labels are the same: a charter's text is a label by what it says."""
    return bool(one == other) or str(one) == str(other)


def _labels(values: Any, wanted: Any) -> npt.NDArray[np.int64]:
    labels = np.asarray(values).ravel()
    kinds = np.unique(labels)
    if len(kinds) > 2:
        raise UsageError(f"y has {len(kinds)} different labels: a threshold decides between two")
    if wanted is not None:
        chosen = [kind for kind in kinds if same_label(kind, wanted)]
        if len(kinds) == 2 and not chosen:
            raise UsageError(f"the positive label {wanted!r} is none of y's: {', '.join(map(str, kinds))}")
        return np.isin(labels, chosen).astype(np.int64) if chosen else np.zeros(len(labels), np.int64)
    positive = kinds[-1] if len(kinds) == 2 else (kinds[0] if len(kinds) and kinds[0] in (1, True) else None)
    return (labels == positive).astype(np.int64) if positive is not None else np.zeros(len(labels), np.int64)
