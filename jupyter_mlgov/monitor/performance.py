"""How good the predictions were, row by row and over time, once it is known what really happened.

The loss of a row: for a probability the squared error (Brier 1950), for a label 1 where it is wrong, for a number the
absolute error. The residual is what really happened minus what was predicted: it moves where the relation moves, also when
gains and losses cancel in the loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from jupyter_mlgov.assess.corrections import adjusted
from jupyter_mlgov.governance.estimates import Estimate, auc, mean, rate
from jupyter_mlgov.governance.kpis import asked, is_met, told
from jupyter_mlgov.governance.metric_names import LEAST, meant
from jupyter_mlgov.monitor import changes, detectable
from jupyter_mlgov.monitor.settings import Settings
from jupyter_mlgov.records.annotations import Kpi
from jupyter_mlgov.records.monitoring import ChangePoint, KpiOverTime, KpiWindow, SeriesDrift

Floats = NDArray[np.float64]
Task = Literal["binary", "multiclass", "regression"]
WINDOWS = 20
WINDOW_ROWS = 50
"""Rows that a window has at least."""
DRAWS = 300


@dataclass(frozen=True)
class Answers:
    """What was predicted and what happened, row by row. ``truth`` and ``predicted`` are 0 and 1 for two classes (1 is the
    positive one), labels for more, numbers for regression; ``score`` is the probability of the positive class."""

    task: Task
    truth: NDArray[Any]
    predicted: NDArray[Any]
    score: Floats | None = None

    @property
    def loss_name(self) -> str:
        if self.task == "regression":
            return "absolute error"
        return "squared error of the probability" if self._scored else "share of errors"

    @property
    def _scored(self) -> bool:
        return self.task == "binary" and self.score is not None

    def losses(self) -> Floats:
        """Each row's loss."""
        if self.task == "regression":
            errors: Floats = np.abs(self.truth.astype(float) - self.predicted.astype(float))
            return errors
        if self._scored:
            assert self.score is not None
            result: Floats = (self.truth.astype(float) - self.score) ** 2
            return result
        wrong: Floats = np.asarray(self.truth != self.predicted, dtype=float)
        return wrong

    def residuals(self) -> Floats | None:
        """Each row's outcome minus its prediction; None where labels cannot be subtracted."""
        if self.task == "multiclass":
            return None
        expected = self.score if self._scored else self.predicted
        assert expected is not None
        result: Floats = self.truth.astype(float) - np.asarray(expected, dtype=float)
        return result

    def take(self, rows: Any) -> Answers:
        """Some of the rows."""
        return Answers(
            self.task,
            self.truth[rows],
            self.predicted[rows],
            None if self.score is None else self.score[rows],
        )


# -- metrics ------------------------------------------------------------------------------------------------


def measure(metric: str, answers: Answers) -> Estimate | None:
    """A metric over all rows with its 95 % interval; None for a name that is not known or does not fit the task.

    Shares have Wilson's interval, means Student's, an AUC DeLong's, everything else a percentile bootstrap's.
    """
    measured = METRICS.get(meant(metric) or "")
    return measured(answers) if measured is not None else None


def _accuracy(answers: Answers) -> Estimate | None:
    if answers.task == "regression":
        return None
    return rate(int((answers.truth == answers.predicted).sum()), len(answers.truth))


def _error_rate(answers: Answers) -> Estimate | None:
    if answers.task == "regression":
        return None
    return rate(int((answers.truth != answers.predicted).sum()), len(answers.truth))


def _of_binary(given: str, wanted: str) -> Callable[[Answers], Estimate | None]:
    """A share among the rows for which the first holds."""

    def measured(answers: Answers) -> Estimate | None:
        if answers.task != "binary":
            return None
        sides = {
            "true": answers.truth == 1, "false": answers.truth != 1,
            "said": answers.predicted == 1, "denied": answers.predicted != 1,
        }  # fmt: skip
        base = sides[given]
        return rate(int((base & sides[wanted]).sum()), int(base.sum()))

    return measured


def _auc(answers: Answers) -> Estimate | None:
    if answers.task != "binary" or answers.score is None:
        return None
    return auc(answers.score[answers.truth == 1], answers.score[answers.truth != 1])


def _brier(answers: Answers) -> Estimate | None:
    return mean(answers.losses()) if answers.task == "binary" and answers.score is not None else None


def _log_loss(answers: Answers) -> Estimate | None:
    if answers.task != "binary" or answers.score is None:
        return None
    score = np.clip(answers.score, LEAST, 1 - LEAST)
    return mean(-np.where(answers.truth == 1, np.log(score), np.log(1 - score)))


def _mae(answers: Answers) -> Estimate | None:
    return mean(answers.losses()) if answers.task == "regression" else None


def _mse(answers: Answers) -> Estimate | None:
    return mean(answers.losses() ** 2) if answers.task == "regression" else None


def _rmse(answers: Answers) -> Estimate | None:
    squared = _mse(answers)
    if squared is None:
        return None
    value, low, high = (math.sqrt(max(end, 0.0)) for end in (float(squared), squared.low, squared.high))
    return Estimate(value, low, high, squared.cases, squared.needed)


def _f1(answers: Answers) -> Estimate | None:
    if answers.task != "binary":
        return _macro_f1(answers)
    return _bootstrap(answers, lambda some: _f1_value(some, [1]))


def _macro_f1(answers: Answers) -> Estimate | None:
    if answers.task == "regression":
        return None
    labels = np.union1d(answers.truth, answers.predicted).tolist()
    return _bootstrap(answers, lambda some: _f1_value(some, labels))


def _f1_value(answers: Answers, labels: Sequence[Any]) -> float:
    """The mean over ``labels`` of the F1 of each that is there."""
    found = []
    for label in labels:
        right, said = answers.truth == label, answers.predicted == label
        whole = int(right.sum() + said.sum())
        if whole:
            found.append(2 * int((right & said).sum()) / whole)
    return float(np.mean(found)) if found else math.nan


def _bias(answers: Answers) -> Estimate | None:
    if answers.task != "regression":
        return None
    return mean(answers.predicted.astype(float) - answers.truth.astype(float))


def _r2(answers: Answers) -> Estimate | None:
    return _bootstrap(answers, _r2_value) if answers.task == "regression" else None


def _r2_value(answers: Answers) -> float:
    truth = answers.truth.astype(float)
    whole = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - answers.predicted.astype(float)) ** 2).sum()) / whole if whole else math.nan


def _bootstrap(answers: Answers, statistic: Callable[[Answers], float]) -> Estimate:
    rows, random = len(answers.truth), np.random.default_rng(0)
    value = statistic(answers) if rows else math.nan
    drawn = np.array(
        [statistic(answers.take(random.integers(0, rows, rows))) for _ in range(DRAWS if rows else 0)]
    )
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) > 1 else (-math.inf, math.inf)
    return Estimate(value, float(low), float(high), rows)


METRICS: dict[str, Callable[[Answers], Estimate | None]] = {
    "accuracy": _accuracy, "error_rate": _error_rate, "recall": _of_binary("true", "said"),
    "precision": _of_binary("said", "true"), "specificity": _of_binary("false", "denied"),
    "false_positive_rate": _of_binary("false", "said"), "false_negative_rate": _of_binary("true", "denied"),
    "auc": _auc, "brier": _brier, "log_loss": _log_loss, "f1": _f1, "f1_macro": _macro_f1, "mae": _mae, "mse": _mse,
    "rmse": _rmse, "r2": _r2, "bias": _bias,
}  # fmt: skip


# -- over time ----------------------------------------------------------------------------------------------


def kpi_over_time(
    kpi: Kpi, answers: Answers, times: Sequence[str] | None = None, reference: Any = None
) -> KpiOverTime | None:
    """A KPI over all rows and over windows of equally many, in the order given (of time). None where the metric cannot be
    computed from predictions and outcomes."""
    whole = measure(kpi.metric, answers)
    if whole is None:
        return None
    rows = len(answers.truth)
    count = max(1, min(WINDOWS, rows // WINDOW_ROWS))
    edges = np.linspace(0, rows, count + 1).astype(int)
    windows = []
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        one = measure(kpi.metric, answers.take(slice(start, stop)))
        assert one is not None
        at = times[start] if times else None
        windows.append(
            KpiWindow(start=start, rows=stop - start, at=at, value=float(one), low=one.low, high=one.high)
        )
    met = None if math.isnan(whole) else is_met(kpi, float(whole))
    sure = met is not None and whole.enough and told(kpi, whole.low, whole.high) is met
    span = f"{float(whole):.3g} (95 % interval {whole.low:.3g} to {whole.high:.3g}, {rows:,} rows)"
    if met is None:
        said = f"{kpi.metric} has no value over these {rows:,} rows"
    elif sure:
        said = f"{kpi.metric} is {span}: {asked(kpi)} is {'met' if met else 'missed'}"
    else:
        said = f"{kpi.metric} is {span}: too few rows to tell whether {asked(kpi)} is met"
    return KpiOverTime(
        metric=kpi.metric, op=kpi.op, target=kpi.target, tolerance=kpi.tolerance, value=float(whole), low=whole.low,
        high=whole.high, rows=rows, met=met, sure=sure, reference=reference, windows=tuple(windows), message=said,
    )  # fmt: skip


def concept(
    answers: Answers, settings: Settings, times: Sequence[str] | None = None, reference: Answers | None = None
) -> list[SeriesDrift]:
    """Whether the loss, and the residual, changed over time, and where. The rows are in the order of time; where the
    model's test rows are given they stand before them, so that a change at the release is seen too."""
    series: list[tuple[Literal["loss", "residual"], Floats, Floats | None]] = [
        ("loss", answers.losses(), reference.losses() if reference is not None else None)
    ]
    residuals = answers.residuals()
    if residuals is not None:
        series.append(("residual", residuals, reference.residuals() if reference is not None else None))
    drawn = [
        _series(values, before, settings.alpha / len(series), settings) for kind, values, before in series
    ]
    corrected = adjusted([p for _, p in drawn], settings.correction)
    return [
        _described(
            kind, values, before, found, p, corrected_p, settings, answers.loss_name, times, len(series)
        )
        for (kind, values, before), (found, p), corrected_p in zip(series, drawn, corrected, strict=True)
    ]


def _series(
    values: Floats, before: Floats | None, alpha: float, settings: Settings
) -> tuple[list[changes.Split], float]:
    """The changes among ``values``, with rows counted among them: one at the release itself is at row 0."""
    lead = _lead(before, len(values))
    found = changes.find(np.concatenate([lead, values]), alpha, least=settings.loss)
    return _shifted(found.splits, len(lead)), found.p


def _lead(before: Floats | None, rows: int) -> Floats:
    """As many of the reference's losses as there are rows, or all: more would not tell more. They have no time, so they
    are put in a random order that their own order plays no part in."""
    if before is None or not len(before):
        return np.empty(0)
    size = min(len(before), max(rows, changes.LEAST))
    chosen: Floats = np.random.default_rng(0).permutation(np.sort(before))[:size]
    return chosen


def _shifted(splits: Sequence[changes.Split], lead: int) -> list[changes.Split]:
    return [
        changes.Split(max(split.row - lead, 0), split.before, split.after, split.spread, split.p)
        for split in splits
        if split.row > lead // 2 or lead == 0
    ]


def _described(
    kind: Literal["loss", "residual"], values: Floats, before: Floats | None, splits: list[changes.Split], p: float,
    p_adjusted: float, settings: Settings, loss: str, times: Sequence[str] | None, tests: int,
) -> SeriesDrift:  # fmt: skip
    least = detectable.change(len(values), settings.alpha / tests)
    points = tuple(
        ChangePoint(
            row=split.row, at=times[split.row] if times and split.row < len(times) else None, before=split.before,
            after=split.after, effect=split.effect, p=split.p,
        )
        for split in splits
    )  # fmt: skip
    name = loss if kind == "loss" else "outcome minus prediction"
    tell: Literal["drift", "steady", "unknown"]
    if points and p_adjusted <= settings.alpha:
        worst = max(points, key=lambda point: abs(point.effect))
        when = f"at row {worst.row:,}" if worst.row else "with the first row here"
        when += f" ({worst.at})" if worst.at else ""
        tell = "drift"
        said = f"the mean {name} went from {worst.before:.3g} to {worst.after:.3g} {when}"
    elif not least <= settings.seen:
        tell, said = (
            "unknown",
            f"too few rows to tell: with {len(values):,} only a change by {least:.2g} standard deviations would be found",
        )
    else:
        tell = "steady"
        said = f"no change of the mean {name} seen; one by {least:.2g} standard deviations would have been"
    return SeriesDrift(
        series=kind, loss=name, rows=len(values), mean=float(values.mean()) if len(values) else math.nan,
        reference=float(before.mean()) if before is not None and len(before) else None, changes=points, p=p,
        p_adjusted=p_adjusted, threshold=settings.loss, detectable=least, tell=tell, message=said,
    )  # fmt: skip
