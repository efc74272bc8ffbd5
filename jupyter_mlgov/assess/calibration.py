"""Whether predictions mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np

from jupyter_mlgov.assess.figures import Curve, curve
from jupyter_mlgov.assess.judging import corrected, not_applicable, result
from jupyter_mlgov.assess.resampling import bootstrap, mean
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.records.assessment import TestResult

BINS = 10


def calibration(subject: Subject, suite: Suite, draw: Any) -> list[TestResult]:
    """Calibration error and calibration in the large. ``draw`` keeps an SVG and gives its figure."""
    if subject.task == "regression":
        spread = float(subject.truth.std()) or 1.0
        return [_in_the_large(subject, suite, (subject.predicted - subject.truth) / spread)]
    if not subject.has_probabilities:
        reason = "the model gives no probabilities"
        return [not_applicable(name, reason) for name in ("calibration.error", "calibration.mean")]
    said, came_true = _stated(subject)
    bins = _bins(said)
    value = bootstrap(
        len(said), lambda rows: expected_error(said[rows], came_true[rows], bins[rows]), suite,
        value=expected_error(said, came_true, bins),
    )  # fmt: skip
    p = _p_of_calibrated(said, bins, float(value), suite)
    table = _table(said, came_true, bins)
    figure = draw(
        "calibration",
        curve(
            Curve(
                title="Stated and observed probability",
                x=[float(row["stated"]) for row in table],
                y=[float(row["observed"]) for row in table],
                sizes=[int(row["rows"]) for row in table],
                x_label="stated probability",
                y_label="share that came true",
            )
        ),
        "Stated probability and share that came true, in bins of equally many rows.",
    )
    error = result(
        "calibration.error", suite, value, rows=subject.rows, p_value=p, table=tuple(table), figure=figure
    )
    large = _in_the_large(subject, suite, said - came_true)
    return corrected([error, large], suite, "calibration")


def _in_the_large(subject: Subject, suite: Suite, differences: Any) -> TestResult:
    value = abs(mean(differences, suite))
    assert isinstance(value, Estimate)
    one = result(
        "calibration.mean",
        suite,
        value,
        rows=subject.rows,
        details={"mean_difference": float(np.mean(differences))},
    )
    return one if subject.task != "regression" else corrected([one], suite, "calibration")[0]


def _stated(subject: Subject) -> tuple[Any, Any]:
    """The probability that was stated for each row, and whether it came true; for several classes of the likeliest."""
    if subject.task == "binary":
        return subject.scores, subject.truth.astype(float)
    likeliest = subject.scores.argmax(axis=1)
    came_true = np.asarray(subject.classes)[likeliest] == subject.truth
    return subject.scores.max(axis=1), came_true.astype(float)


def _bins(said: Any) -> Any:
    """A bin for each row, of equally many rows; equal probabilities are in one bin."""
    edges = np.unique(np.quantile(said, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.searchsorted(edges, said, side="right")


def expected_error(said: Any, came_true: Any, bins: Any) -> float:
    """The mean over rows of the absolute difference, in the row's bin, of mean stated probability and share come true."""
    counts = np.bincount(bins, minlength=BINS)
    off = np.bincount(bins, weights=said - came_true, minlength=BINS)
    return float(np.abs(off[counts > 0]).sum() / len(said))


def _p_of_calibrated(said: Any, bins: Any, found: float, suite: Suite) -> float:
    """How often outcomes that come true with the stated probabilities give as large an error: it is never 0 for few rows."""
    generator = np.random.default_rng(suite.seed)
    drawn = [
        expected_error(said, (generator.random(len(said)) < said).astype(float), bins)
        for _ in range(suite.resamples)
    ]
    return float((1 + sum(one >= found for one in drawn)) / (1 + len(drawn)))


def _table(said: Any, came_true: Any, bins: Any) -> list[dict[str, Any]]:
    return [
        {
            "stated": round(float(said[bins == one].mean()), 6),
            "observed": round(float(came_true[bins == one].mean()), 6),
            "rows": int((bins == one).sum()),
        }
        for one in np.unique(bins)
    ]
