"""Whether another seed, or other training rows, would have given another result: the model is fitted anew.

Fitting runs the estimator's own code, from trusted types only. It has a budget of seconds; what does not fit in is not
tried, and the result says how many fits it rests on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from jupyter_mlgov.assess.judging import corrected, not_applicable, result
from jupyter_mlgov.assess.resampling import deviation
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.records.assessment import TestResult

_LEAST = 3
"""Fits below which a spread means nothing."""
_NAMES = ("stability.seeds", "stability.resamples")


def stability(subject: Subject, suite: Suite) -> list[TestResult]:
    """The spread of the mean loss over seeds and over bootstrap samples of the training rows."""
    missing = _what_is_missing(subject, suite)
    if missing:
        return [not_applicable(name, missing) for name in _NAMES]
    assert subject.train is not None
    until = time.monotonic() + suite.refit_budget_s / 2
    seeds = _seeds(subject, suite, until)
    until = time.monotonic() + suite.refit_budget_s / 2
    generator = np.random.default_rng(suite.seed)
    count = len(subject.train.frame)
    resampled = _spread(
        "stability.resamples",
        subject,
        suite,
        lambda place: (None, generator.integers(0, count, count)),
        until,
    )
    return corrected([seeds, resampled], suite, "stability")


def _what_is_missing(subject: Subject, suite: Suite) -> str:
    if suite.refits < _LEAST:
        return "[assess] refits is below 3, so nothing is fitted anew"
    if subject.model is None:
        return "the model is not there to be fitted anew: only its predictions were kept"
    if subject.train is None:
        return subject.why_no_train
    if subject.train.truth is None:
        return "the truth of the training rows is not known"
    if not hasattr(subject.model, "get_params"):
        return "the model has no parameters to be made anew from"
    return ""


def seeds_of(model: Any) -> list[str]:
    """The parameters of a model that are seeds."""
    return [name for name in model.get_params(deep=True) if name.rpartition("__")[2] == "random_state"]


def _seeds(subject: Subject, suite: Suite, until: float) -> TestResult:
    if not seeds_of(subject.model):
        return not_applicable("stability.seeds", "the model has no random_state: fitting it is not random")
    return _spread("stability.seeds", subject, suite, lambda place: (suite.seed + 1 + place, None), until)


def _spread(
    test: str, subject: Subject, suite: Suite, choose: Callable[[int], tuple[int | None, Any]], until: float
) -> TestResult:
    assert subject.train is not None
    losses: list[float] = []
    first = 0.0
    for place in range(suite.refits):
        if place and time.monotonic() + first > until:
            break
        seed, rows = choose(place)
        started = time.monotonic()
        try:
            model = refitted(subject, seed, rows)
            losses.append(
                float(subject.losses(subject.predict(subject.test.features, model)).mean()) / subject.scale
            )
        except Exception as error:  # noqa: BLE001 - an estimator may fail to fit on a resample
            said = " ".join(f"{type(error).__name__}: {error}".split())[:120]
            return not_applicable(test, f"it could not be fitted anew ({said})")
        first = max(first, time.monotonic() - started)
    if len(losses) < _LEAST:
        return not_applicable(
            test, f"one fit takes {first:.0f} s: [assess] refit_budget_s allows for {len(losses)} only"
        )
    held = subject.train.held
    sampled = held.rows < held.of_rows
    return result(
        test, suite, deviation(losses, suite), rows=subject.rows,
        table=tuple({"fit": place, "mean_loss": value} for place, value in enumerate(losses)),
        details={"fits": len(losses), "training_rows": held.rows, "of_training_rows": held.of_rows, "sampled": sampled},
    )  # fmt: skip


def refitted(subject: Subject, seed: int | None, rows: Any) -> Any:
    """The same model fitted again, with another seed or on ``rows`` (numbers of training rows)."""
    import warnings

    from sklearn.base import clone

    assert subject.train is not None
    model = clone(subject.model)
    seeds = seeds_of(model)
    if seeds:
        model.set_params(**dict.fromkeys(seeds, seed if seed is not None else 0))
    features, truth = subject.train.features, subject.train.truth
    if rows is not None:
        features, truth = features.iloc[rows].reset_index(drop=True), truth[rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = np.random.get_state()
        try:
            np.random.seed(0 if seed is None else seed)
            return model.fit(subject.given(features), truth)
        finally:
            np.random.set_state(state)
