"""What becomes of the predictions when the inputs are not quite as they should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlgov.assess.judging import corrected, not_applicable, result
from jupyter_mlgov.assess.resampling import mean
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance import estimates
from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.records.assessment import TestResult

NOISE = 0.1
"""Standard deviation of the noise, in standard deviations of the feature."""
MISSING = 0.1
"""Share of each feature's values that are taken away."""
UNITS = (1000.0, 100.0, 10.0, 2.54)
"""Factors between units that are mistaken for each other."""
REPEATS = 3
_UNNOTICED = 0.5
"""Share of a feature's values within the learnt range above which nobody would notice its unit."""

_NAMES = ("robustness.noise", "robustness.missing", "robustness.units", "robustness.columns")


def robustness(subject: Subject, suite: Suite) -> list[TestResult]:
    """Noise, missing values, wrong units, columns in another order."""
    if subject.model is None:
        reason = "the model is not there to be asked: only its predictions were kept"
        return [not_applicable(name, reason) for name in _NAMES]
    if subject.test.held.layout == "series" and not subject.numbers:
        reason = "the model takes texts: numbers and columns cannot be disturbed"
        return [not_applicable(name, reason) for name in _NAMES]
    generator = np.random.default_rng(suite.seed)
    made = [
        _noise(subject, suite, generator),
        _missing(subject, suite, generator),
        _units(subject, suite),
    ]
    return [*corrected(made, suite, "robustness"), _columns(subject, suite)]


def _increase(subject: Subject, disturbed: pd.DataFrame) -> Any:
    """The increase of each row's loss, in the subject's scale."""
    return (subject.losses(subject.predict(disturbed)) - subject.losses()) / subject.scale


def _noise(subject: Subject, suite: Suite, generator: Any) -> TestResult:
    numbers = [name for name in subject.numbers if subject.test.features[name].nunique() > 2]
    if not numbers:
        return not_applicable("robustness.noise", "no feature is a number with more than two values")
    total = np.zeros(subject.rows)
    for _ in range(REPEATS):
        frame = subject.test.features.copy()
        for name in numbers:
            values = frame[name].to_numpy(dtype=float)
            frame[name] = values + generator.normal(0, NOISE * float(np.nanstd(values)), subject.rows)
        total += _increase(subject, frame)
    return result("robustness.noise", suite, mean(total / REPEATS, suite), rows=subject.rows,
                  details={"features": len(numbers), "repeats": REPEATS})  # fmt: skip


def _missing(subject: Subject, suite: Suite, generator: Any) -> TestResult:
    features = subject.test.features
    total = np.zeros(subject.rows)
    try:
        for _ in range(REPEATS):
            frame = features.copy()
            for name in frame.columns:
                gone = generator.random(subject.rows) < MISSING
                frame[name] = _without(frame[name], gone)
            total += _increase(subject, frame)
    except Exception as error:  # noqa: BLE001 - a model may refuse what it does not know, in its own way
        had = bool(features.isna().any().any())
        said = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        return not_applicable(
            "robustness.missing",
            f"the model refuses missing values ({said}), and {'some' if had else 'none'} were in its test rows: "
            "whoever serves it has to refuse or fill them",
            rows=subject.rows,
        )
    return result("robustness.missing", suite, mean(total / REPEATS, suite), rows=subject.rows,
                  details={"share": MISSING, "repeats": REPEATS})  # fmt: skip


def _without(values: pd.Series[Any], gone: Any) -> pd.Series[Any]:
    if pd.api.types.is_bool_dtype(values.dtype):
        values = values.astype(object)
    elif pd.api.types.is_integer_dtype(values.dtype):
        values = values.astype(float)
    return values.mask(gone)


def _units(subject: Subject, suite: Suite) -> TestResult:
    """Only mistakes that a check of ranges would let pass are counted."""
    worst: tuple[float, Estimate, str] | None = None
    tried = noticed = 0
    rows: list[dict[str, Any]] = []
    for name in subject.numbers:
        values = subject.test.features[name].to_numpy(dtype=float)
        if len(np.unique(values[~np.isnan(values)])) <= 2:
            continue
        low, high = subject.learnt.get(name, (float(np.nanmin(values)), float(np.nanmax(values))))
        for factor in (*UNITS, *(1 / unit for unit in UNITS)):
            tried += 1
            inside = float(np.mean((values * factor >= low) & (values * factor <= high)))
            if inside < _UNNOTICED:
                noticed += 1
                continue
            frame = subject.test.features.copy()
            frame[name] = values * factor
            value = mean(_increase(subject, frame), suite)
            words = f"{name} times {factor:g}"
            rows.append({"feature": name, "factor": factor, "within_range": inside, "increase": float(value),
                         "low": value.low, "high": value.high})  # fmt: skip
            if worst is None or float(value) > worst[0]:
                worst = (float(value), value, words)
    if worst is None:
        reason = (
            f"each of the {tried} mistakes would be noticed by the learnt ranges"
            if tried
            else "no feature is a number with more than two values"
        )
        return not_applicable("robustness.units", reason, rows=subject.rows)
    rows.sort(key=lambda row: -row["increase"])
    return result(
        "robustness.units", suite, worst[1], rows=subject.rows, table=tuple(rows[:20]),
        details={"worst": worst[2], "tried": tried, "noticed_by_range": noticed},
    )  # fmt: skip


def _columns(subject: Subject, suite: Suite) -> TestResult:
    frame = subject.test.features
    if frame.shape[1] < 2:
        return not_applicable("robustness.columns", "there is one column only")
    reordered = frame.iloc[:, ::-1]
    try:
        changed = subject.predict(reordered) != subject.predicted
    except Exception as error:  # noqa: BLE001 - a refusal is the right answer
        value = estimates.rate(0, subject.rows, 0)
        said = " ".join(f"{type(error).__name__}: {error}".split())[:100]
        return result(
            "robustness.columns", suite, value, rows=subject.rows, reason=f"the model refuses them ({said})"
        )
    value = estimates.rate(int(changed.sum()), subject.rows, 0)
    reason = ""
    if subject.test.held.layout == "array":
        reason = (
            f"{float(value):.1%} of the predictions change in silence: the model was fitted on an array and knows no names; "
            "fit it on a table"
        )
    return result(
        "robustness.columns", suite, value, rows=subject.rows, reason=reason if changed.any() else ""
    )
