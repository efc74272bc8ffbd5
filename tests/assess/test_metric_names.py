"""A KPI's metric means the same wherever it is measured: in an assessment, between two models, in the monitor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from jupyter_mlgov.assess import paired
from jupyter_mlgov.assess.performance import performance
from jupyter_mlgov.assess.subject import Rows, Subject, subject_of
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance.metric_names import ALSO, MEASURES, meant
from jupyter_mlgov.monitor.performance import Answers, measure
from jupyter_mlgov.records.annotations import KpiResult
from jupyter_mlgov.records.assessment import HeldRows

SUITE = Suite()


def binary(rows: int = 600) -> Subject:
    random = np.random.default_rng(0)
    logit = random.normal(1.5, 1.5, rows)
    truth = (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)
    score = 1 / (1 + np.exp(-(logit + random.normal(0, 1, rows))))
    frame = pd.DataFrame({"truth": truth, "score": score, "said": (score >= 0.5).astype(int)})
    held = HeldRows(
        role="test", object="x", rows=rows, of_rows=rows, truth="truth", predicted="said", scores=("score",),
        classes=(0, 1),
    )  # fmt: skip
    return subject_of(Rows(held, frame))


def numbers(rows: int = 600) -> Subject:
    random = np.random.default_rng(0)
    truth = random.normal(0, 2, rows)
    frame = pd.DataFrame({"truth": truth, "said": truth + random.normal(0.2, 1, rows)})
    held = HeldRows(role="test", object="x", rows=rows, of_rows=rows, truth="truth", predicted="said")
    return subject_of(Rows(held, frame))


def several(rows: int = 600) -> Subject:
    random = np.random.default_rng(0)
    truth = random.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])
    said = np.where(random.random(rows) < 0.7, truth, random.choice(["a", "b", "c"], rows))
    frame = pd.DataFrame({"truth": truth, "said": said})
    held = HeldRows(
        role="test",
        object="x",
        rows=rows,
        of_rows=rows,
        truth="truth",
        predicted="said",
        classes=("a", "b", "c"),
    )
    return subject_of(Rows(held, frame))


def in_each_room(metric: str, subject: Subject) -> list[float | None]:
    """The metric as an assessment, a comparison of two models and the monitor measure it."""
    target = KpiResult(metric=metric, op=">=", target=0.5, value=0.9, met=True)
    (assessed, *_) = performance(subject, SUITE, [target])
    assert assessed.id == f"performance.kpi:{metric}"
    name = paired.metric_of(metric, subject, subject)
    compared = float(paired.compare(name, subject, subject, SUITE)[0]) if name is not None else None
    kind = subject.task
    truth, said = (
        (part.astype(int) if kind == "binary" else part) for part in (subject.truth, subject.predicted)
    )
    watched = measure(metric, Answers(kind, truth, said, subject.scores if kind == "binary" else None))
    value = assessed.value
    assert value is None or isinstance(value, float)
    return [value, compared, float(watched) if watched is not None else None]


@pytest.mark.parametrize("made", [binary, numbers, several])
def test_a_name_gives_one_value_in_every_room(made: Callable[[], Subject]) -> None:
    subject = made()
    for metric in (*MEASURES, "test_auc", "Test-ROC-AUC", "accuracy_test", "r2_score", "fpr"):
        values = in_each_room(metric, subject)
        if meant(metric) == "bias":
            values = [
                values[0],
                values[2],
            ]  # of two models none is better because its bias is higher or lower
        known = [value for value in values if value is not None]
        assert len(known) in (0, len(values)), (metric, values)
        assert known == pytest.approx(known[:1] * len(known), rel=1e-9), metric


def test_a_macro_f1_is_not_the_f1_of_the_positive_label() -> None:
    one = binary()
    assert in_each_room("f1_macro", one) == pytest.approx(
        [f1_score(one.truth, one.predicted, average="macro")] * 3
    )
    assert in_each_room("f1", one) == pytest.approx([f1_score(one.truth, one.predicted)] * 3)
    three = several()
    assert in_each_room("f1", three) == pytest.approx(
        [f1_score(three.truth, three.predicted, average="macro")] * 3
    )


def test_a_metric_that_is_none_of_these_is_the_notebooks_own() -> None:
    assert in_each_room("f1_weighted", binary()) == [None] * 3
    assert in_each_room("profit", numbers()) == [None] * 3
    assert meant("train_auc") is None
    assert {meant(name) for name in ALSO} <= set(MEASURES)


def test_an_assessment_grants_a_kpis_tolerance_as_the_gate_does() -> None:
    subject = binary()
    value = float(np.mean(subject.truth == subject.predicted))
    for tolerance, verdict in ((None, "fail"), (0.05, "pass")):
        target = KpiResult(metric="accuracy", op=">=", target=value + 0.03, tolerance=tolerance)
        (found, *_) = performance(subject, SUITE, [target])
        assert (found.verdict, found.op, found.threshold) == (verdict, ">=", value + 0.03)
    assert "(± 0.05)" in found.reason
    near = KpiResult(metric="accuracy", op="==", target=value + 0.03, tolerance=0.05)
    (found, *_) = performance(subject, SUITE, [near])
    assert found.verdict == "pass"
