"""The rows of the digest table for fitted estimators."""

from __future__ import annotations

import pickle
import time
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from tests.hashing.digest_table import Pair, changes, nothing

MODELS = "Models"


@cache
def data() -> tuple[pd.DataFrame, Any]:
    """A hundred rows with numbers, a word and gaps, and a class for each."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.standard_normal((100, 3)), columns=list("abc"))
    frame["word"] = random.choice(["x", "y", "z"], 100)
    return frame, (frame.a + random.standard_normal(100) > 0).to_numpy()


def _columns() -> ColumnTransformer:
    return ColumnTransformer(
        [("numbers", StandardScaler(), ["a", "b"]), ("words", OneHotEncoder(), ["word"])]
    )


MAKERS: dict[str, Callable[[], Any]] = {
    "logistic regression": lambda: LogisticRegression(),
    "tree": lambda: DecisionTreeClassifier(max_depth=3, random_state=0),
    "forest": lambda: RandomForestClassifier(5, random_state=0),
    "gradient boosting": lambda: GradientBoostingClassifier(n_estimators=5, random_state=0),
    "histogram boosting": lambda: HistGradientBoostingClassifier(
        max_iter=3, random_state=0, early_stopping=False
    ),
    "neighbours": lambda: KNeighborsClassifier(3, algorithm="kd_tree"),
    "network": lambda: MLPClassifier((4,), max_iter=5, random_state=0),
    "support vectors": lambda: SVC(),
    "clusters": lambda: KMeans(3, n_init=1, random_state=0),
    "pipeline": lambda: Pipeline([("columns", _columns()), ("model", LogisticRegression())]),
    "search": lambda: GridSearchCV(
        Pipeline([("columns", _columns()), ("model", LogisticRegression())]), {"model__C": [0.1, 1.0]}, cv=2
    ),
}


def fitted(name: str, rows: int = 100) -> Any:
    """A fresh fit of one of ``MAKERS``."""
    frame, y = data()
    X = frame if name in ("pipeline", "search") else frame[["a", "b", "c"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MAKERS[name]().fit(X.iloc[:rows], y[:rows])


NAMES = st.sampled_from(list(MAKERS))


@changes(MODELS, "the data it was fitted on")
def _(draw: st.DrawFn) -> Pair:
    name = draw(NAMES)
    return fitted(name), fitted(name, rows=draw(st.integers(40, 98)))


@changes(MODELS, "any hyper-parameter")
def _(draw: st.DrawFn) -> Pair:
    model = fitted(draw(NAMES))
    other = pickle.loads(pickle.dumps(model))
    own = {n: v for n, v in other.get_params().items() if isinstance(v, bool | int | float) or v is None}
    name = draw(st.sampled_from(sorted(own)))
    other.set_params(**{name: (own[name] or 0) + 7})
    return model, other


@changes(MODELS, "any number in a fitted array")
def _(draw: st.DrawFn) -> Pair:
    name = draw(st.sampled_from(["logistic regression", "clusters", "network", "support vectors"]))
    model, other = fitted(name), fitted(name)
    arrays = [
        a
        for n, a in vars(other).items()
        if n.endswith("_") and isinstance(a, np.ndarray) and a.dtype.kind == "f"
    ]
    arrays += [a for n, found in vars(other).items() if n == "coefs_" for a in found]
    array = draw(st.sampled_from(arrays))
    array.flags.writeable = True
    array.reshape(-1)[draw(st.integers(0, array.size - 1))] += 0.5
    return model, other


@changes(MODELS, "a node of a tree, a step's name, an encoder's category")
def _(draw: st.DrawFn) -> Pair:
    which = draw(st.sampled_from(["node", "step", "category"]))
    name = "forest" if which == "node" else "pipeline"
    model, other = fitted(name), fitted(name)
    if which == "node":
        other.estimators_[draw(st.integers(0, 4))].tree_.value[0, 0, 0] += 0.25
    elif which == "step":
        other.steps[1] = ("other", other.steps[1][1])
    else:
        other.named_steps["columns"].named_transformers_["words"].categories_[0][1] = "q"
    return model, other


@changes(MODELS, "the state of a random generator given as a parameter, and what a lambda says")
def _(draw: st.DrawFn) -> Pair:
    frame, y = data()

    def forest(seed: int) -> Any:
        return DecisionTreeClassifier(max_depth=1, random_state=np.random.RandomState(seed)).fit(
            frame[["a"]], y
        )

    def piped(function: Any) -> Any:
        return Pipeline([("f", FunctionTransformer(function)), ("m", LogisticRegression())]).fit(
            frame[["a"]] * 0, y
        )

    return draw(st.sampled_from([(forest(0), forest(1)), (piped(lambda x: x * 2), piped(lambda x: x * 3))]))


@nothing(MODELS, "fitting it again, in the same or another process")
def _(draw: st.DrawFn) -> Pair:
    name = draw(NAMES)
    return fitted(name), fitted(name)


@changes(MODELS, "a number under a key of a dict in it, whatever the key is called")
def _(draw: st.DrawFn) -> Pair:
    key = draw(st.sampled_from(["word", "timestamp", "time", "fit_time", "build_duration"]))
    first, second = draw(st.permutations([0, 1]))

    def vectorizer(place: int) -> Any:
        return CountVectorizer(vocabulary={key: place, "other": 1 - place}).fit(["a word"])

    def weighted(weight: int) -> Any:
        classes = np.array([key, "other"])
        return LogisticRegression(class_weight={key: weight + 1, "other": 1}).fit([[0.0], [1.0]], classes)

    make = draw(st.sampled_from([vectorizer, weighted]))
    return make(first), make(second)


@nothing(MODELS, "how long fitting took")
def _(draw: st.DrawFn) -> Pair:
    model, other = fitted("search"), fitted("search")
    other.refit_time_ = time.monotonic()
    other.cv_results_["mean_fit_time"] = other.cv_results_["mean_fit_time"] + draw(st.floats(0, 9))
    return model, other


@nothing(MODELS, "having predicted with it, and having been pickled or kept by skops")
def _(draw: st.DrawFn) -> Pair:
    from skops import io

    name = draw(NAMES)
    model, other = fitted(name), fitted(name)
    how = draw(st.sampled_from(["predict", "pickle", "skops"]))
    if how == "predict":
        frame, _ = data()
        other.predict(frame if name in ("pipeline", "search") else frame[["a", "b", "c"]])
    elif how == "pickle":
        other = pickle.loads(pickle.dumps(other))
    else:
        dumped = io.dumps(other)
        other = io.loads(dumped, trusted=io.get_untrusted_types(data=dumped))
    return model, other


@nothing(MODELS, "the order of its attributes, the layout of its arrays, and parts that are shared or copied")
def _(draw: st.DrawFn) -> Pair:
    model, other = fitted("logistic regression"), fitted("logistic regression")
    other.coef_ = np.asfortranarray(np.repeat(other.coef_, 2, axis=0))[::2]
    state = {name: vars(other)[name] for name in draw(st.permutations(sorted(vars(other))))}
    vars(other).clear()
    vars(other).update(state)
    return model, other


def _network() -> Any:
    from torch import manual_seed, nn

    manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 3))


@changes(
    MODELS, "torch: a weight, a running mean, the order of layers, what a layer was made with", needs="torch"
)
def _(draw: st.DrawFn) -> Pair:
    from torch import nn, no_grad

    model, other = _network(), _network()
    which = draw(st.sampled_from(["weight", "mean", "order", "made with"]))
    with no_grad():
        if which == "weight":
            other[0].weight[draw(st.integers(0, 2)), draw(st.integers(0, 2))] += 0.25
        elif which == "mean":
            other[1].running_mean[draw(st.integers(0, 2))] += 0.25
        elif which == "order":
            other = nn.Sequential(*reversed(list(other)))
        else:
            other[2].p = 0.25
    return model, other


@nothing(MODELS, "torch: training it alike, whether it trains or evaluates, gradients, hooks", needs="torch")
def _(draw: st.DrawFn) -> Pair:
    model, other = _network(), _network()
    which = draw(st.sampled_from(["alike", "eval", "gradients", "hooks"]))
    if which == "eval":
        other.eval()
    elif which == "gradients":
        other[3](other[0].weight).sum().backward()
    elif which == "hooks":
        other.register_forward_hook(lambda *_: None)
    return model, other


def _result(formula: str = "a ~ b + c", rows: int = 100, **how: Any) -> Any:
    from statsmodels.formula import api

    return api.ols(formula, data()[0].iloc[:rows]).fit(**how)


@changes(MODELS, "statsmodels: the data, the formula, how the covariance is estimated", needs="statsmodels")
def _(draw: st.DrawFn) -> Pair:
    rows = draw(st.integers(40, 99))
    other = draw(
        st.sampled_from([{"rows": rows}, {"formula": "a ~ b"}, {"formula": "a ~ c + b"}, {"cov_type": "HC1"}])
    )
    return _result(), _result(**other)


@nothing(
    MODELS,
    "statsmodels: fitting it again, having been asked for a summary or predictions",
    needs="statsmodels",
)
def _(draw: st.DrawFn) -> Pair:
    model, other = _result(), _result()
    asked = draw(st.sampled_from(["summary", "predict", "conf_int", "get_influence", "nothing"]))
    if asked != "nothing":
        getattr(other, asked)()
    return model, other
