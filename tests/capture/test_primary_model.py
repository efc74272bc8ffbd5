"""Of several models in a session, the one that the experiment is about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_mlgov.capture.namespace import _primary

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def preprocessed() -> dict[str, Any]:
    pre = ColumnTransformer([("numbers", StandardScaler(), [0, 1])])
    return {"pre": pre, "model": make_pipeline(pre, LogisticRegression()).fit(X, Y)}


def searched() -> dict[str, Any]:
    model = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, Y)
    return {"best": model.best_estimator_, "model": model}


def scaled() -> dict[str, Any]:
    scaler = StandardScaler().fit(X)
    return {"scaler": scaler, "model": LogisticRegression().fit(scaler.transform(X), Y)}


def stacked() -> dict[str, Any]:
    model = StackingClassifier(
        [("forest", RandomForestClassifier(2)), ("line", LogisticRegression())], cv=2
    ).fit(X, Y)
    return {"forest": model.estimators_[0], "model": model, "same": model}


@pytest.mark.parametrize("made", [preprocessed, searched, scaled, stacked])
def test_what_a_model_is_made_of_and_what_cannot_predict_is_not_it(made: Any) -> None:
    models = made()
    assert _primary(None, models, set(models)) == "model"
    assert _primary(None, models, set()) == "model"


def test_of_two_that_could_be_it_neither_is() -> None:
    models = {"one": LogisticRegression().fit(X, Y), "other": RandomForestClassifier(2).fit(X, Y)}
    assert _primary(None, models, set(models)) is None
    assert _primary(None, models, {"other"}) == "other"
    assert _primary("one", models, {"other"}) == "one"
    assert _primary("three", models, {"other"}) is None


def test_a_model_that_holds_itself_is_looked_at_once() -> None:
    model = LogisticRegression().fit(X, Y)
    model.itself_ = [model]
    models = {"model": model, "scaler": StandardScaler().fit(X)}
    assert _primary(None, models, set(models)) == "model"
