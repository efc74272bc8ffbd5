"""How good a model is: measures with their intervals, the charter's targets, and a dummy that looks at nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jupyter_mlgov.assess.judging import not_applicable, result
from jupyter_mlgov.assess.resampling import bootstrap, mean, mean_loss, scaled
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance import estimates
from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.governance.kpis import asked, is_met, told
from jupyter_mlgov.governance.metric_names import LEAST, meant
from jupyter_mlgov.records.annotations import KpiResult
from jupyter_mlgov.records.assessment import TestResult

Measure = Callable[[Subject, Suite], Estimate | None]


def measures(subject: Subject, suite: Suite) -> dict[str, Estimate]:
    """Every measure that this task has, with its interval."""
    found = {}
    for name, measure in _MEASURES[subject.task].items():
        value = measure(subject, suite)
        if value is not None:
            found[name] = value
    return found


def performance(subject: Subject, suite: Suite, kpis: Sequence[KpiResult]) -> list[TestResult]:
    """Measures, targets, and the comparison with a dummy."""
    found = measures(subject, suite)
    results = [_kpi(kpi, _measured(kpi.metric, found, subject, suite), subject, suite) for kpi in kpis]
    followed = {meant(kpi.metric) for kpi in kpis}
    for name, value in found.items():
        if name not in followed:
            results.append(
                result(
                    "performance.measure",
                    suite,
                    value,
                    subject=name,
                    rows=subject.rows,
                    question=f"How good is it: {name}?",
                )
            )
    results.append(_baseline(subject, suite))
    if subject.model is not None:
        results.append(_same(subject, suite))
    return results


def _measured(metric: str, found: dict[str, Estimate], subject: Subject, suite: Suite) -> Estimate | None:
    """What a KPI's metric means, of those that were found or that only a KPI asks for."""
    name = meant(metric)
    if name is None or name in found:
        return found.get(name) if name is not None else None
    measure = _ON_REQUEST[subject.task].get(name)
    return measure(subject, suite) if measure is not None else None


def _kpi(kpi: KpiResult, value: Estimate | None, subject: Subject, suite: Suite) -> TestResult:
    if value is None:
        recorded = {True: "met in the run", False: "not met in the run", None: "not measured in the run"}[
            kpi.met
        ]
        return not_applicable(
            "performance.kpi",
            f"{kpi.metric} is the notebook's own metric ({recorded}); it cannot be computed here",
            subject=kpi.metric,
            rows=subject.rows,
        )
    details = {"recorded": kpi.value} if kpi.value is not None else {}
    one = result(
        "performance.kpi",
        suite,
        value,
        subject=kpi.metric,
        op=kpi.op,
        threshold=kpi.target,
        rows=subject.rows,
        question=f"Is {kpi.metric} {asked(kpi)} on the test rows?",
        details=details,
    )
    return one if math.isnan(value) else _by_target(one, kpi, value)


def _by_target(one: TestResult, kpi: KpiResult, value: Estimate) -> TestResult:
    """The result, judged as the gate judges the KPI: its tolerance is granted."""
    import msgspec

    span = f"interval {value.low:.3g} to {value.high:.3g}"
    if not value.enough and told(kpi, value.low, value.high) is None:
        reason = (
            f"{float(value):.3g} from {value.cases} cases, {value.needed} are needed, and the {span} does not tell "
            f"whether it is {asked(kpi)}"
        )
        return msgspec.structs.replace(one, verdict="too-small", reason=reason)
    return msgspec.structs.replace(
        one,
        verdict="pass" if is_met(kpi, float(value)) else "fail",
        reason=f"{float(value):.3g}, asked was {asked(kpi)}; {span}",
    )


def _same(subject: Subject, suite: Suite) -> TestResult:
    """The kept model against the predictions of the notebook."""
    held = subject.test.held.predicted
    if held is None:
        return not_applicable("performance.same_predictions", "the notebook's predictions were not kept")
    kept = subject.test.frame[held].to_numpy()
    given = subject.model.predict(subject.given(subject.test.features))
    if subject.task == "regression":
        same = np.isclose(np.asarray(given, dtype=float).ravel(), kept.astype(float), rtol=1e-6, atol=1e-9)
    else:
        same = np.asarray(given).ravel() == kept
    value = estimates.rate(int(same.sum()), len(same), suite.min_cases)
    return result(
        "performance.same_predictions",
        suite,
        value,
        rows=subject.rows,
        reason=""
        if same.all()
        else f"{int((~same).sum())} of {len(same)} predictions differ: another threshold, or another model",
    )


def _baseline(subject: Subject, suite: Suite) -> TestResult:
    """Skill: the share of the dummy's loss that is saved."""
    known = subject.train is not None and subject.train.truth is not None
    source = subject.train.truth if subject.train is not None and known else subject.test.truth
    if subject.task == "regression":
        own = (subject.predicted - subject.truth) ** 2
        dummy = (float(np.mean(source)) - subject.truth) ** 2
        what = "the mean"
    elif subject.has_probabilities:
        own, dummy = _log_losses(subject, subject.scores), _log_losses(subject, _prior(subject, source))
        what = "the share of each class"
    else:
        labels, counts = np.unique(source, return_counts=True)
        common = labels[counts.argmax()]
        answer = common == subject.positive if subject.task == "binary" else common
        own, dummy = subject.losses(), (subject.truth != answer).astype(float)
        what = "the most frequent class"
    base = float(dummy.mean())
    if base <= 0:
        return not_applicable(
            "performance.baseline", "the dummy is right about every row: all test rows have one truth"
        )
    value = scaled(mean(dummy - own, suite), base)
    clear = value.low > 0
    one = result(
        "performance.baseline",
        suite,
        value,
        rows=subject.rows,
        details={
            "dummy": what,
            "mean_loss": float(own.mean()),
            "dummy_loss": base,
            "from_training_rows": bool(known),
        },
    )
    if one.verdict == "pass" and not clear:
        import msgspec

        small = subject.rows < suite.min_cases
        return msgspec.structs.replace(
            one,
            verdict="too-small" if small else "fail",
            reason=f"it saves {float(value):.1%} of the loss of {what}, and the interval ({value.low:.3g} to "
            f"{value.high:.3g}) reaches to none",
        )
    return one


def _prior(subject: Subject, source: Any) -> Any:
    if subject.task == "binary":
        share = float(np.mean(np.asarray(source) == subject.positive))
        return np.full(subject.rows, share)
    shares = np.array([float(np.mean(np.asarray(source) == label)) for label in subject.classes])
    return np.tile(shares, (subject.rows, 1))


def _log_losses(subject: Subject, probabilities: Any) -> Any:
    """Minus the log of the probability of what came true, no less likely than ``LEAST``."""
    if subject.task == "binary":
        given = np.where(subject.truth, probabilities, 1 - probabilities)
    else:
        places = {label: place for place, label in enumerate(subject.classes)}
        given = probabilities[np.arange(subject.rows), [places[label] for label in subject.truth]]
    return -np.log(np.clip(given, LEAST, 1.0))


# -- measures ------------------------------------------------------------------------------------------------


def _share(hits: Callable[[Subject], Any], among: Callable[[Subject], Any] | None = None) -> Measure:
    def measure(subject: Subject, suite: Suite) -> Estimate:
        hit = hits(subject)
        if among is None:
            return estimates.rate(int(hit.sum()), len(hit), suite.min_cases)
        of = among(subject)
        return estimates.rate(int((hit & of).sum()), int(of.sum()), suite.min_cases)

    return measure


def _auc(subject: Subject, suite: Suite) -> Estimate | None:
    scores = subject.scores
    if scores is None:
        return None
    return estimates.auc(scores[subject.truth], scores[~subject.truth], suite.min_cases)


def _macro_auc(subject: Subject, suite: Suite) -> Estimate | None:
    """The mean over classes of the AUC of one against the rest."""
    from sklearn.metrics import roc_auc_score

    if not subject.has_probabilities or len(np.unique(subject.truth)) != len(subject.classes):
        return None

    def statistic(rows: Any) -> float:
        truth = subject.truth[rows]
        if len(np.unique(truth)) != len(subject.classes):
            return math.nan
        return float(
            roc_auc_score(truth, subject.scores[rows], multi_class="ovr", labels=list(subject.classes))
        )

    return bootstrap(subject.rows, statistic, suite)


def _brier(subject: Subject, suite: Suite) -> Estimate | None:
    if not subject.has_probabilities:
        return None
    return mean_loss((subject.scores - subject.truth) ** 2, suite)


def _log_loss(subject: Subject, suite: Suite) -> Estimate | None:
    return mean_loss(_log_losses(subject, subject.scores), suite) if subject.has_probabilities else None


def _f1(subject: Subject, suite: Suite) -> Estimate:
    """F1 of the positive class; the mean over classes where there are several."""
    if subject.task != "binary":
        return _macro_f1(subject, suite)
    return _f1_of(subject, suite, [True], cases=int(subject.truth.sum()))


def _macro_f1(subject: Subject, suite: Suite) -> Estimate:
    labels = [False, True] if subject.task == "binary" else list(subject.classes)
    return _f1_of(subject, suite, labels)


def _f1_of(subject: Subject, suite: Suite, labels: Sequence[Any], cases: int | None = None) -> Estimate:
    truth, predicted = subject.truth, subject.predicted

    def statistic(rows: Any) -> float:
        values = []
        for label in labels:
            right, said = truth[rows] == label, predicted[rows] == label
            both = float(right.sum() + said.sum())
            if both:
                values.append(2 * float((right & said).sum()) / both)
        return float(np.mean(values)) if values else math.nan

    return bootstrap(subject.rows, statistic, suite, cases=cases)


def _r2(subject: Subject, suite: Suite) -> Estimate | None:
    truth, errors = subject.truth, (subject.predicted - subject.truth) ** 2
    if subject.rows < 2 or float(truth.var()) == 0:
        return None

    def statistic(rows: Any) -> float:
        spread = float(truth[rows].var())
        return 1 - float(errors[rows].mean()) / spread if spread else math.nan

    return bootstrap(subject.rows, statistic, suite)


def _rmse(subject: Subject, suite: Suite) -> Estimate:
    squares = mean((subject.predicted - subject.truth) ** 2, suite)
    low, value, high = (math.sqrt(max(part, 0.0)) for part in (squares.low, float(squares), squares.high))
    return Estimate(value, low, high, squares.cases, squares.needed)


_MEASURES: dict[str, dict[str, Measure]] = {
    "binary": {
        "accuracy": _share(lambda one: one.predicted == one.truth),
        "recall": _share(lambda one: one.predicted, lambda one: one.truth),
        "precision": _share(lambda one: one.truth, lambda one: one.predicted),
        "specificity": _share(lambda one: ~one.predicted, lambda one: ~one.truth),
        "f1": _f1,
        "auc": _auc,
        "brier": _brier,
        "log_loss": _log_loss,
    },
    "multiclass": {
        "accuracy": _share(lambda one: one.predicted == one.truth),
        "f1": _f1,
        "auc": _macro_auc,
        "log_loss": _log_loss,
    },
    "regression": {
        "mae": lambda one, suite: mean_loss(np.abs(one.predicted - one.truth), suite),
        "rmse": _rmse,
        "mse": lambda one, suite: mean_loss((one.predicted - one.truth) ** 2, suite),
        "r2": _r2,
        "bias": lambda one, suite: mean(one.predicted - one.truth, suite),
    },
}

_ERRORS: dict[str, Measure] = {"error_rate": _share(lambda one: one.predicted != one.truth)}
_ON_REQUEST: dict[str, dict[str, Measure]] = {
    "binary": {
        **_ERRORS,
        "false_positive_rate": _share(lambda one: one.predicted, lambda one: ~one.truth),
        "false_negative_rate": _share(lambda one: ~one.predicted, lambda one: one.truth),
        "f1_macro": _macro_f1,
    },
    "multiclass": {**_ERRORS, "f1_macro": _macro_f1},
    "regression": {},
}
"""Measures that say nothing new beside those that are always there: only where a KPI names them."""
