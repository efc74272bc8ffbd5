"""Whether the rows that the model was fitted on are like those that it is tested on."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlgov.assess.judging import corrected, not_applicable, result
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance import estimates
from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.records.assessment import TestResult

_MOST = 5000
"""Rows of each side that the classifier is shown."""
_FEATURES = 200
_SHOWN = 10


def shift(subject: Subject, suite: Suite) -> list[TestResult]:
    """A classifier that tells the two apart, and each feature's distribution."""
    if subject.train is None:
        reason = subject.why_no_train
        return [not_applicable(name, reason, rows=subject.rows) for name in ("shift.domain", "shift.feature")]
    if tuple(subject.train.held.features) != tuple(subject.test.held.features):
        return [
            not_applicable("shift.domain", "training and test rows have other columns", rows=subject.rows)
        ]
    train, test = subject.train.features, subject.test.features
    domain = corrected([_domain(train, test, suite)], suite, "shift.domain")
    asked = (_feature(name, train[name], test[name], suite) for name in train.columns[:_FEATURES])
    each = corrected([one for one in asked if one is not None], suite, "shift.feature")
    rank = {"fail": 0, "too-small": 1}
    each.sort(
        key=lambda one: (rank.get(one.verdict, 2), -float(one.value if isinstance(one.value, float) else 0))
    )
    return [*domain, *each[:_SHOWN], *(one for one in each[_SHOWN:] if one.verdict == "fail")]


def encoded(frame: pd.DataFrame) -> pd.DataFrame:
    """Every column as numbers: categories by their code, missing as NaN."""
    columns = {}
    for place, name in enumerate(frame.columns):
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
            columns[place] = values.to_numpy(dtype=float, na_value=np.nan)
        elif pd.api.types.is_datetime64_any_dtype(values.dtype):
            columns[place] = values.astype("int64").to_numpy(dtype=float)
        else:
            codes = pd.factorize(values.astype(str), sort=True)[0].astype(float)
            columns[place] = np.where(values.isna(), np.nan, codes)
    return pd.DataFrame(columns)


def _domain(train: pd.DataFrame, test: pd.DataFrame, suite: Suite) -> TestResult:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    generator = np.random.default_rng(suite.seed)
    parts = [
        part.iloc[np.sort(generator.choice(len(part), min(len(part), _MOST), replace=False))]
        for part in (train, test)
    ]
    least = min(map(len, parts))
    if least < max(suite.min_cases, 10):
        return not_applicable("shift.domain", f"{least} rows on one side are too few to tell them apart")
    whole = encoded(pd.concat(parts, ignore_index=True)).fillna(-1e9)
    side = np.repeat([0, 1], [len(part) for part in parts])
    folds = StratifiedKFold(5, shuffle=True, random_state=suite.seed)
    forest = RandomForestClassifier(60, min_samples_leaf=5, random_state=suite.seed, n_jobs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = cross_val_predict(forest, whole, side, cv=folds, method="predict_proba")[:, 1]
    value = estimates.auc(scores[side == 1], scores[side == 0], suite.min_cases)
    return result(
        "shift.domain", suite, value, rows=len(whole), details={"train": len(parts[0]), "test": len(parts[1])}
    )


def _feature(name: str, train: pd.Series[Any], test: pd.Series[Any], suite: Suite) -> TestResult | None:
    from scipy.stats import chi2_contingency, ks_2samp

    one, other = train.dropna(), test.dropna()
    if one.empty or other.empty:
        return None
    number = pd.api.types.is_numeric_dtype(train.dtype) and not pd.api.types.is_bool_dtype(train.dtype)
    if number and train.nunique() > 10:
        found = ks_2samp(one.to_numpy(dtype=float), other.to_numpy(dtype=float), method="asymp")
        value, p, test_name = float(found.statistic), float(found.pvalue), "Kolmogorov-Smirnov"
    else:
        counts = pd.DataFrame(
            {"a": one.astype(str).value_counts(), "b": other.astype(str).value_counts()}
        ).fillna(0)
        if len(counts) < 2 or len(counts) > 1000:
            return None
        p = float(chi2_contingency(counts.to_numpy()).pvalue)
        shares = counts / counts.sum()
        value, test_name = float((shares["a"] - shares["b"]).abs().sum() / 2), "chi-squared"
    cases = min(len(one), len(other))
    estimate = Estimate(value, float("nan"), float("nan"), cases, suite.min_cases)
    return result("shift.feature", suite, estimate, subject=name, rows=len(one) + len(other), p_value=p,
                  reason=f"{value:.3g}, p = {p:.2g} ({test_name})", details={"test": test_name})  # fmt: skip
