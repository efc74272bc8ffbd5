"""Whether the test rows, or the answer, were known when the model was fitted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlgov.assess.judging import not_applicable, result
from jupyter_mlgov.assess.row_keys import keys
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance import estimates
from jupyter_mlgov.governance.estimates import LEVEL, Estimate
from jupyter_mlgov.records.assessment import TestResult

_TOP = 10


def leakage(subject: Subject, suite: Suite) -> list[TestResult]:
    """Shared rows, a feature that gives the answer away, and the order in time."""
    return [_shared(subject, suite), _single(subject, suite), _time(subject, suite)]


def _shared(subject: Subject, suite: Suite) -> TestResult:
    if subject.train is None:
        return not_applicable("leakage.shared_rows", subject.why_no_train, rows=subject.rows)
    if tuple(subject.train.held.features) != tuple(subject.test.held.features):
        return not_applicable(
            "leakage.shared_rows", "training and test rows have other columns", rows=subject.rows
        )
    train = _keys(subject.train.frame, subject)
    test = _keys(subject.test.frame, subject)
    shared = np.isin(test, train)
    value = estimates.rate(int(shared.sum()), subject.rows, suite.min_cases)
    held = subject.train.held
    partly = ""
    if held.rows < held.of_rows:
        partly = f"; only {held.rows:,} of {held.of_rows:,} training rows were kept, so there may be more"
    one = result(
        "leakage.shared_rows", suite, value, rows=subject.rows, details={"shared": int(shared.sum())}
    )
    import msgspec

    return msgspec.structs.replace(
        one, reason=f"{int(shared.sum())} of {subject.rows} test rows; {one.reason}{partly}"
    )


def _keys(frame: pd.DataFrame, subject: Subject) -> Any:
    """Keys of features and truth together."""
    held = subject.test.held
    return keys(
        frame, [*held.features, *([held.truth] if held.truth and held.truth in frame.columns else [])]
    )


def _single(subject: Subject, suite: Suite) -> TestResult:
    found: list[tuple[float, str, Estimate]] = []
    for name in subject.test.features.columns:
        value = _alone(subject.test.features[name], subject, suite)
        if value is not None and not math.isnan(value):
            found.append((float(value), str(name), value))
    if not found:
        return not_applicable(
            "leakage.single_feature", "no feature can be compared with the truth alone", rows=subject.rows
        )
    found.sort(key=lambda one: (-one[0], one[1]))
    table = tuple({"feature": name, "value": value} for value, name, _ in found[:_TOP])
    value = found[0][2]
    threshold = suite.limit("leakage.single_feature")
    one = result(
        "leakage.single_feature",
        suite,
        value,
        rows=subject.rows,
        table=table,
        details={"feature": found[0][1]},
    )
    import msgspec

    past = threshold is not None and float(value) > threshold
    words = (
        "look how it is made: it may be known only afterwards" if past else "no feature gives the answer away"
    )
    return msgspec.structs.replace(
        one, reason=f"{found[0][1]} alone: {float(value):.3g} ({one.reason}); {words}"
    )


def _alone(values: pd.Series[Any], subject: Subject, suite: Suite) -> Estimate | None:
    """How well one feature alone tells the truth: 0.5 (for numbers 0) not at all, 1 completely."""
    present = values.notna().to_numpy()
    if present.sum() < 3:
        return None
    if subject.task == "regression":
        return _rank_correlation(values, subject, present, suite)
    truth = subject.truth[present]
    labels = [True] if subject.task == "binary" else list(subject.classes)
    found: list[Estimate] = []
    for label in labels:
        hit = truth == label
        if not hit.any() or hit.all():
            continue
        scores = _as_scores(values[present], hit)
        if scores is None:
            return None
        value = estimates.auc(scores[hit], scores[~hit], suite.min_cases)
        if value < 0.5:
            value = Estimate(1 - float(value), 1 - value.high, 1 - value.low, value.cases, value.needed)
        found.append(value)
    if not found:
        return None
    # The interval of a mean is no wider than the mean of the intervals.
    mean, low, high = (
        float(np.mean([float(getattr(one, end, one)) for one in found])) for end in ("value", "low", "high")
    )
    return Estimate(mean, low, high, min(one.cases for one in found), suite.min_cases)


def _as_scores(values: pd.Series[Any], hit: Any) -> Any:
    """Numbers as they are; of a category, the share of positives in its **other** rows, so that rare ones tell nothing."""
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        return values.to_numpy(dtype=float)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.astype("int64").to_numpy(dtype=float)
    if values.nunique() > len(values) / 2:
        return None
    hits = pd.Series(hit.astype(float), index=values.index)
    groups = hits.groupby(values.astype(str))
    count, total = groups.transform("count"), groups.transform("sum")
    prior = float(hit.mean())
    return ((total - hits + prior) / count).to_numpy()


def _rank_correlation(
    values: pd.Series[Any], subject: Subject, present: Any, suite: Suite
) -> Estimate | None:
    from scipy.stats import norm, spearmanr

    if not (pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype)):
        return None
    numbers, truth = values[present].to_numpy(dtype=float), subject.truth[present]
    if len(np.unique(numbers)) < 2 or len(np.unique(truth)) < 2:
        return None
    value = abs(float(spearmanr(numbers, truth).statistic))
    n = len(numbers)
    if n <= 3 or value >= 1:
        return Estimate(value, value, value, n, suite.min_cases)
    half = float(norm.ppf((1 + LEVEL) / 2)) / math.sqrt(n - 3)
    low, high = math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half)
    return Estimate(value, max(low, 0.0), high, n, suite.min_cases)


def _time(subject: Subject, suite: Suite) -> TestResult:
    name = suite.time or "time"
    if (
        subject.train is None
        or name not in subject.test.frame.columns
        or name not in subject.train.frame.columns
    ):
        reason = "no column says when a row came to be: name it in [assess] time"
        return not_applicable("leakage.time_order", reason, rows=subject.rows)
    train, test = (
        pd.to_datetime(part.frame[name], errors="coerce").dropna() for part in (subject.train, subject.test)
    )
    if train.empty or test.empty:
        return not_applicable("leakage.time_order", f"{name} holds no times")
    first = test.min()
    late = int((train > first).sum())
    value = estimates.rate(late, len(train), suite.min_cases)
    return result("leakage.time_order", suite, value, rows=len(train) + len(test),
                  reason=f"{late} of {len(train)} training rows are later than the first test row ({first})")  # fmt: skip
