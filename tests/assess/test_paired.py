"""Two models on the same rows: the difference is found, its interval is that of the pairs, and chance is no difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, f1_score, log_loss, r2_score, roc_auc_score

from jupyter_mlgov.assess import paired
from jupyter_mlgov.assess.subject import Rows, Subject, subject_of
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.records.assessment import HeldRows

SUITE = Suite()


def binary(seed: int, noise: float, rows: int = 1000, truth_seed: int = 0) -> Subject:
    """Stored scores of a model that is the worse, the more noise."""
    truth_of = np.random.default_rng(truth_seed)
    logit = truth_of.normal(0, 2, rows)
    truth = (truth_of.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)
    score = 1 / (1 + np.exp(-(logit + np.random.default_rng(seed).normal(0, noise, rows))))
    frame = pd.DataFrame({"truth": truth, "score": score, "said": (score >= 0.5).astype(int)})
    held = HeldRows(
        role="test",
        object="x",
        rows=rows,
        of_rows=rows,
        truth="truth",
        predicted="said",
        scores=("score",),
        classes=(0, 1),
    )
    return subject_of(Rows(held, frame))


def test_each_metric_is_that_of_the_books() -> None:
    one = binary(1, 0.5)
    truth, said, score = one.truth, one.predicted, one.scores
    for metric, value in {
        "auc": roc_auc_score(truth, score),
        "brier": brier_score_loss(truth, score),
        "log_loss": log_loss(truth, score),
        "f1": f1_score(truth, said),
        "accuracy": (truth == said).mean(),
        "recall": said[truth].mean(),
    }.items():
        found, same, gain = paired.compare(metric, one, one, SUITE)
        assert float(found) == float(same) == pytest.approx(value)
        assert (float(gain), gain.low, gain.high) == (0, 0, 0)


def test_the_better_one_gains_also_where_less_is_better_and_pairs_tell_more_than_two_samples() -> None:
    bad, good = binary(1, 3.0), binary(2, 0.5)
    for metric in ("auc", "brier", "accuracy"):
        before, after, gain = paired.compare(metric, bad, good, SUITE)
        assert gain.low > 0, metric
        back = paired.compare(metric, good, bad, SUITE)[2]
        assert back.high < 0
        assert gain.high - gain.low < (before.high - before.low) + (after.high - after.low)


def test_an_interval_of_nothing_holds_nothing_19_times_out_of_20() -> None:
    """Two equally noisy models: the interval leaves 0 out about once in 20 times."""
    out = 0
    for seed in range(60):
        pair = [binary(100 + 2 * seed + side, 1.0, 300, truth_seed=seed) for side in (0, 1)]
        gain = paired.compare("accuracy", *pair, SUITE)[2]
        out += not gain.low <= 0 <= gain.high
    assert out <= 8


def test_numbers_and_names_of_kpis() -> None:
    rows = 400
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 10, rows)
    sides = []
    for noise in (3.0, 1.0):
        frame = pd.DataFrame({"truth": truth, "said": truth + rng.normal(0, noise, rows)})
        held = HeldRows(role="test", object="x", rows=rows, of_rows=rows, truth="truth", predicted="said")
        sides.append(subject_of(Rows(held, frame)))
    one, other = sides
    assert one.task == "regression"
    for metric in ("mae", "rmse", "mse", "r2"):
        assert paired.compare(metric, one, other, SUITE)[2].low > 0
    assert float(paired.compare("r2", one, other, SUITE)[0]) == pytest.approx(r2_score(truth, one.predicted))
    assert paired.metric_of("test_rmse", one, other) == "rmse"
    assert paired.metric_of("auc", one, other) is None
    assert paired.usual_metric(one, other) == "mae"
    assert paired.metric_of("ROC-AUC", binary(1, 1)) == "auc"
    assert paired.metric_of("auc_low", binary(1, 1)) is None
