"""Two models on the same rows: the difference of a metric with the interval of a paired bootstrap.

Each resample draws rows once and takes them for both models, so what makes rows easy or hard for both cancels
(Efron & Tibshirani 1993, ch. 13; Dietterich 1998 on comparing classifiers on one test set).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jupyter_mlgov.assess.resampling import bootstrap
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.governance.metric_names import LEAST, meant

LOWER = frozenset(
    {"brier", "log_loss", "mae", "mse", "rmse", "error_rate", "false_positive_rate", "false_negative_rate"}
)
"""Metrics that are better when they are lower."""
SHARES = frozenset(
    {
        "accuracy", "error_rate", "recall", "precision", "specificity", "false_positive_rate", "false_negative_rate",
        "f1", "f1_macro", "auc", "brier", "r2",
    }
)  # fmt: skip
"""Metrics that have the same unit whatever is predicted."""

Value = Callable[[Any, Any, Any], float]
"""A metric of truth, answers and scores, as :class:`Subject` has them."""


def metric_of(name: str, *subjects: Subject) -> str | None:
    """The metric that a KPI's name means, where it can be computed for all ``subjects``; else None."""
    plain = meant(name)
    return plain if plain is not None and all(_has(plain, one) for one in subjects) else None


def usual_metric(*subjects: Subject) -> str:
    """The metric of a task where no KPI names one."""
    first = subjects[0].task
    if first == "regression":
        return "mae"
    return "auc" if first == "binary" and all(_has("auc", one) for one in subjects) else "accuracy"


def _has(metric: str, subject: Subject) -> bool:
    if metric not in _VALUES[subject.task]:
        return False
    if metric == "auc":
        return subject.scores is not None
    return metric not in ("brier", "log_loss") or subject.has_probabilities


def compare(metric: str, one: Subject, other: Subject, suite: Suite) -> tuple[Estimate, Estimate, Estimate]:
    """The metric of ``one``, of ``other``, and by how much ``other`` is better: each with its interval. Both have the same
    rows in the same order."""
    value = _VALUES[one.task][metric]
    sides = [
        (side.truth, side.predicted, side.scores if _needs_scores(metric) else None) for side in (one, other)
    ]
    sign = -1.0 if metric in LOWER else 1.0
    rows = one.rows

    def of(side: int) -> Callable[[Any], float]:
        truth, predicted, scores = sides[side]
        return lambda chosen: value(
            truth[chosen], predicted[chosen], scores[chosen] if scores is not None else None
        )

    first, second = of(0), of(1)
    return (
        bootstrap(rows, first, suite),
        bootstrap(rows, second, suite),
        bootstrap(rows, lambda chosen: sign * (second(chosen) - first(chosen)), suite),
    )


def _needs_scores(metric: str) -> bool:
    return metric in ("auc", "brier", "log_loss")


# -- metrics of arrays -----------------------------------------------------------------------------------------


def _share(hits: Any, among: Any) -> float:
    return float(hits[among].mean()) if among.any() else math.nan


def _auc(truth: Any, _: Any, scores: Any) -> float:
    """The Mann-Whitney statistic, with ties in the middle."""
    from scipy.stats import rankdata

    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return math.nan
    ranks = rankdata(scores)
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _log_loss(truth: Any, _: Any, scores: Any) -> float:
    given = np.clip(scores, LEAST, 1 - LEAST)
    return float(-np.where(truth, np.log(given), np.log(1 - given)).mean())


def _f1(truth: Any, predicted: Any, _: Any) -> float:
    whole = float(truth.sum() + predicted.sum())
    return 2 * float((truth & predicted).sum()) / whole if whole else math.nan


def _macro_f1(truth: Any, predicted: Any, _: Any) -> float:
    found = []
    for label in np.union1d(truth, predicted):
        right, said = truth == label, predicted == label
        found.append(2 * float((right & said).sum()) / float(right.sum() + said.sum()))
    return float(np.mean(found)) if found else math.nan


def _r2(truth: Any, predicted: Any, _: Any) -> float:
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - predicted) ** 2).sum()) / spread if spread else math.nan


_OF_LABELS: dict[str, Value] = {
    "accuracy": lambda truth, predicted, _: float((truth == predicted).mean()),
    "error_rate": lambda truth, predicted, _: float((truth != predicted).mean()),
}
_VALUES: dict[str, dict[str, Value]] = {
    "binary": {
        **_OF_LABELS,
        "recall": lambda truth, predicted, _: _share(predicted, truth),
        "precision": lambda truth, predicted, _: _share(truth, predicted),
        "specificity": lambda truth, predicted, _: _share(~predicted, ~truth),
        "false_positive_rate": lambda truth, predicted, _: _share(predicted, ~truth),
        "false_negative_rate": lambda truth, predicted, _: _share(~predicted, truth),
        "f1": _f1,
        "f1_macro": _macro_f1,
        "auc": _auc,
        "brier": lambda truth, _, scores: float(((scores - truth) ** 2).mean()),
        "log_loss": _log_loss,
    },
    "multiclass": {**_OF_LABELS, "f1": _macro_f1, "f1_macro": _macro_f1},
    "regression": {
        "mae": lambda truth, predicted, _: float(np.abs(predicted - truth).mean()),
        "mse": lambda truth, predicted, _: float(((predicted - truth) ** 2).mean()),
        "rmse": lambda truth, predicted, _: math.sqrt(float(((predicted - truth) ** 2).mean())),
        "r2": _r2,
    },
}
