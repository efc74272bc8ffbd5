"""Whether groups of people are treated alike: differences between the groups of each sensitive column.

Rates of each group are fairlearn's (``MetricFrame``); each has its count and interval, and a group with too few cases to
tell is named and left out of the difference. A difference is the largest of any two groups, so the p-value is multiplied
by the number of pairs that could have been it (Bonferroni), and then corrected for all sensitive columns (Holm).
"""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from jupyter_mlgov.assess.judging import corrected, not_applicable, p_past, result
from jupyter_mlgov.assess.resampling import mean, scaled
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance import estimates
from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.records.assessment import TestResult

_LEVELS = 10
"""Different values up to which numbers are groups themselves; others are cut into quarters."""

Rates = dict[str, Estimate]
"""Group -> its rate."""


def fairness(subject: Subject, suite: Suite) -> list[TestResult]:
    """Results for each sensitive column, and for the groups that two of them make together."""
    if not suite.sensitive:
        reason = "no sensitive column is declared: name them in [assess] sensitive"
        return [not_applicable("fairness.equalized_odds", reason)]
    results: list[TestResult] = []
    groups: dict[str, Any] = {}
    for name in suite.sensitive:
        if name not in subject.table.columns:
            reason = (
                f"the test rows have no column {name}: keep the table that holds it in the session (with the rows' index), "
                "or give it as the third name of --test"
            )
            results.append(not_applicable("fairness.equalized_odds", reason, subject=name))
            continue
        groups[name] = groups_of(subject.table[name])
    both = {
        f"{one} and {other}": groups[one] + ", " + groups[other]
        for one, other in itertools.combinations(groups, 2)
    }
    for name, labels in {**groups, **both}.items():
        results += _column(name, labels, subject, suite)
    return [_with_groups(one) for one in corrected(results, suite, "fairness")]


def _with_groups(one: TestResult) -> TestResult:
    """The reason with the two groups that differ most, and those that are too small to tell."""
    if "largest" not in one.details:
        return one
    left_out = f"; too small to tell: {one.details['left_out']}" if one.details["left_out"] else ""
    return msgspec.structs.replace(one, reason=f"{one.details['largest']}; {one.reason}{left_out}")


def groups_of(values: pd.Series[Any]) -> Any:
    """The group of each row, as text."""
    if pd.api.types.is_numeric_dtype(values.dtype) and values.nunique() > _LEVELS:
        edges = np.unique(np.quantile(values.dropna(), [0, 0.25, 0.5, 0.75, 1]))
        values = pd.cut(values, edges.tolist(), include_lowest=True, precision=6)
    name = str(values.name)
    shown = values.astype(object).map(lambda one: f"{name}={_plain(one)}", na_action="ignore")
    return shown.where(shown.notna(), f"{name} missing").astype(str).reset_index(drop=True)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _column(name: str, labels: Any, subject: Subject, suite: Suite) -> list[TestResult]:
    if labels.nunique() < 2:
        return [not_applicable("fairness.equalized_odds", "all test rows are in one group", subject=name)]
    counts = labels.value_counts()
    if len(counts) > 50:
        return [not_applicable("fairness.equalized_odds", f"it makes {len(counts)} groups: no more than 50 are compared",
                               subject=name)]  # fmt: skip
    if subject.task == "regression":
        off = subject.predicted - subject.truth
        spread = float(subject.truth.std()) or 1.0
        rates = {
            group: scaled(mean(off[(labels == group).to_numpy()], suite), spread) for group in counts.index
        }
        return [_gap("fairness.error_rate", name, {"mean error": rates}, counts, subject, suite)]
    wrong = _rates(labels, subject.losses() > 0, np.ones(subject.rows, dtype=bool), suite)
    errors = _gap("fairness.error_rate", name, {"error rate": wrong}, counts, subject, suite)
    if subject.task == "multiclass":
        return [errors]
    every = np.ones(subject.rows, dtype=bool)
    selected = _rates(labels, subject.predicted, every, suite)
    right = _rates(labels, subject.predicted, subject.truth, suite)
    false = _rates(labels, subject.predicted, ~subject.truth, suite)
    _check_against_fairlearn(labels, subject, selected)
    odds = {"true positive rate": right, "false positive rate": false}
    return [
        _gap("fairness.demographic_parity", name, {"selection rate": selected}, counts, subject, suite),
        _gap("fairness.equalized_odds", name, odds, counts, subject, suite),
        errors,
    ]


def _rates(labels: Any, hits: Any, among: Any, suite: Suite) -> Rates:
    found = {}
    for group in sorted(labels.unique()):
        rows = (labels == group).to_numpy() & among
        found[group] = estimates.rate(int((hits & rows).sum()), int(rows.sum()), suite.min_cases)
    return found


def _check_against_fairlearn(labels: Any, subject: Subject, selected: Rates) -> None:
    """The groups' rates are fairlearn's own; a disagreement would be a fault here, and is one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fairlearn.metrics import MetricFrame, selection_rate

        frame = MetricFrame(
            metrics=selection_rate,
            y_true=subject.truth.astype(int),
            y_pred=subject.predicted.astype(int),
            sensitive_features=labels,
        )
    for group, value in frame.by_group.items():
        if abs(float(selected[str(group)]) - float(value)) > 1e-9:
            raise AssertionError(
                f"fairlearn's selection rate of {group} is {value}, ours {float(selected[str(group)])}"
            )


def _gap(
    test: str, name: str, measured: dict[str, Rates], counts: Any, subject: Subject, suite: Suite
) -> TestResult:
    """The largest difference of any two groups that are large enough, over each of the rates."""
    largest: tuple[float, Estimate, str] | None = None
    pairs = 0
    small: dict[str, int] = {}
    for what, rates in measured.items():
        enough = {group: rate for group, rate in rates.items() if rate.enough}
        small |= {group: rate.cases for group, rate in rates.items() if not rate.enough}
        for one, other in itertools.combinations(enough, 2):
            pairs += 1
            high, low = (one, other) if enough[one] >= enough[other] else (other, one)
            value = enough[high] - enough[low]
            if largest is None or float(value) > largest[0]:
                assert isinstance(value, Estimate)
                largest = (
                    float(value),
                    value,
                    f"{what}: {high} {float(enough[high]):.3g}, {low} {float(enough[low]):.3g}",
                )
    table = tuple(
        {"group": group, "rate": what, "value": float(rate), "low": rate.low, "high": rate.high, "cases": rate.cases,
         "rows": int(counts[group]), "enough": rate.enough}
        for what, rates in measured.items()
        for group, rate in rates.items()
    )  # fmt: skip
    left_out = ", ".join(f"{group} ({cases} cases)" for group, cases in small.items())
    if largest is None:
        found = result(
            test, suite, Estimate(float("nan"), 0.0, 1.0, min(small.values()), suite.min_cases), subject=name,
            rows=subject.rows, table=table,
            reason=f"fewer than two groups have {suite.min_cases} cases; too small to tell: {left_out}",
        )  # fmt: skip
        return msgspec.structs.replace(found, verdict="too-small", value=None)
    threshold = suite.limit(test)
    op = "<="
    p = p_past(largest[1], op, threshold, suite.level) if threshold is not None else None
    return result(
        test, suite, largest[1], subject=name, rows=subject.rows, table=table,
        p_value=min(1.0, p * pairs) if p is not None else None,
        details={"largest": largest[2], "pairs": pairs, "left_out": left_out},
    )  # fmt: skip
