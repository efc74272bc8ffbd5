"""Whether a model hangs on a single feature: how much worse it gets when a feature's values are shuffled."""

from __future__ import annotations

import numpy as np

from jupyter_mlgov.assess.judging import not_applicable, result
from jupyter_mlgov.assess.resampling import bootstrap
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.records.assessment import TestResult

REPEATS = 5
_FEATURES = 200


def dependence(subject: Subject, suite: Suite) -> list[TestResult]:
    """Permutation importance: the mean increase of the loss over ``REPEATS`` shuffles of each feature."""
    test = "dependence.single_feature"
    if subject.model is None:
        return [not_applicable(test, "the model is not there to be asked: only its predictions were kept")]
    features = subject.test.features
    if not 2 <= features.shape[1] <= _FEATURES:
        return [not_applicable(test, f"it has {features.shape[1]} features: 2 to {_FEATURES} are compared")]
    generator = np.random.default_rng(suite.seed)
    own = subject.losses()
    importance = np.zeros((features.shape[1], subject.rows))
    for place, name in enumerate(features.columns):
        for _ in range(REPEATS):
            frame = features.copy()
            frame[name] = frame[name].iloc[generator.permutation(subject.rows)].array
            importance[place] += subject.losses(subject.predict(frame)) - own
    importance /= REPEATS
    means = importance.mean(axis=1)
    order = np.argsort(-means, kind="stable")
    if means[order[0]] <= 0:
        return [
            not_applicable(
                test, "shuffling no feature makes it worse: it uses none of them", rows=subject.rows
            )
        ]

    def share(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        found = np.clip(importance[:, rows].mean(axis=1), 0, None)
        total = float(found.sum())
        return float(found[order[0]] / total) if total > 0 else float("nan")

    value = bootstrap(subject.rows, share, suite)
    table = tuple(
        {"feature": str(features.columns[place]), "increase": float(means[place] / subject.scale)}
        for place in order[:20]
    )
    return [
        result(
            test,
            suite,
            value,
            rows=subject.rows,
            table=table,
            details={"feature": str(features.columns[order[0]])},
        )
    ]
