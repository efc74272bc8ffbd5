"""Describing models: what counts as one, its parameters, its fingerprint in other processes, and its skops file."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skops import io

from jupyter_mlgov.hashing.digest import Limits
from jupyter_mlgov.hashing.estimators import describe_model, save_model
from tests.hashing.rows_models import MAKERS, fitted
from tests.hashing.rows_reasons import Unknown


@pytest.mark.parametrize("name", list(MAKERS))
def test_only_what_was_fitted_is_a_model(name: str) -> None:
    assert describe_model(MAKERS[name]()) is None
    found = describe_model(fitted(name))
    assert found is not None
    assert found.reason is None
    assert found.class_.startswith("sklearn.")
    assert "._" not in found.class_


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "x",
        LogisticRegression,
        StandardScaler(),
        pytest.param(Unknown(), id="unknown"),
        Unknown,
        np.ones(3),
        sys,
    ],
)
def test_anything_else_is_none(value: Any) -> None:
    assert describe_model(value) is None


def test_parameters_are_json_and_name_what_is_not() -> None:
    model = Pipeline(
        [
            ("f", FunctionTransformer(np.log1p)),
            ("s", StandardScaler()),
            ("m", LogisticRegression(C=np.float64(0.5))),
        ]
    ).fit(np.abs(np.random.default_rng(0).standard_normal((20, 2))), [0, 1] * 10)
    found = describe_model(model)
    assert found is not None
    assert found.class_ == "sklearn.pipeline.Pipeline"
    assert found.parameters["m__C"] == 0.5
    assert found.parameters["m__class_weight"] is None
    assert found.parameters["s"] == "sklearn.preprocessing.StandardScaler"
    assert found.parameters["f__func"] == "numpy.ufunc"
    assert found.parameters["steps"][1] == ["s", "sklearn.preprocessing.StandardScaler"]


def test_a_union_of_fitted_parts_is_fitted() -> None:
    union = FeatureUnion([("a", StandardScaler()), ("b", StandardScaler())])
    assert describe_model(union) is None
    assert describe_model(union.fit(np.ones((3, 2)))) is not None


class Mine(BaseEstimator):
    """An estimator as users write them."""

    def __init__(self, part: Any = None) -> None:
        self.part = part

    def fit(self, X: Any, y: Any = None) -> Mine:
        self.part_ = self.part
        return self

    @functools.cached_property
    def slow(self) -> int:
        return 7


def mine(part: Any) -> Any:
    return describe_model(Mine(part).fit(None))


class Point:
    """A plain class: its state is its attributes."""

    def __init__(self, x: int) -> None:
        self.x = x


class Slotted:
    """The same with slots."""

    __slots__ = ("x",)

    def __init__(self, x: int) -> None:
        self.x = x


@pytest.mark.parametrize(
    "kind", [Point, Slotted, lambda x: {"a": {x}}, lambda x: functools.partial(max, x), lambda x: [x, (x,)]]
)
def test_the_users_own_parts_count_by_their_state(kind: Any) -> None:
    one, same, other = mine(kind(1)), mine(kind(1)), mine(kind(2))
    assert one.reason is None
    assert one.digest == same.digest != other.digest


def test_circles_and_shared_parts_end() -> None:
    def circle(value: int) -> list[Any]:
        found: list[Any] = [value]
        found.append({"back": found})
        return found

    assert mine(circle(1)).digest == mine(circle(1)).digest != mine(circle(2)).digest
    shared: list[Any] = [1]
    for _ in range(60):
        shared = [shared, shared]
    assert mine(shared).reason is None


@pytest.mark.parametrize("part", [threading.Lock(), (k for k in [1]), pytest.param(Unknown(), id="unknown")])
def test_a_part_whose_state_cannot_be_read_is_a_reason(part: Any) -> None:
    found = mine(part)
    assert found.digest is None
    assert found.reason is not None


def test_what_is_nested_too_deep_is_a_reason() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert mine(deep).reason == "its state is nested more than 100 deep"


def test_cached_properties_do_not_count() -> None:
    one, other = Mine(1).fit(None), Mine(1).fit(None)
    assert other.slow == 7
    assert describe_model(one) == describe_model(other)


def test_the_limits_hold() -> None:
    found = describe_model(fitted("forest"), limits=Limits(objects=20))
    assert found is not None
    assert found.reason == "more Python objects than the limit allows"


class Hostile:
    """Passes for an estimator and raises at everything."""

    def fit(self) -> None: ...

    def get_params(self, deep: bool = True) -> Any:
        raise RuntimeError("get_params was called")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"{name} was asked for")

    def __repr__(self) -> str:
        raise RuntimeError("repr was called")


def test_a_hostile_estimator_is_a_reason_and_no_error() -> None:
    hostile = Hostile()
    assert describe_model(hostile) is None
    object.__setattr__(hostile, "coef_", 1)
    found = describe_model(hostile)
    assert found is not None
    assert found.reason == "RuntimeError while its fitted state was read"


def test_fingerprints_are_the_same_in_every_process_and_no_library_is_loaded() -> None:
    code = """
        import sys
        from jupyter_mlgov.hashing.estimators import describe_model
        assert describe_model(object()) is None
        assert "sklearn" not in sys.modules and "numpy" not in sys.modules
        from tests.hashing.rows_models import MAKERS, fitted
        for name in MAKERS:
            print(name, describe_model(fitted(name)).digest)
    """
    found = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1
    here = "".join(f"{name} {describe_model(fitted(name)).digest}\n" for name in MAKERS)  # type: ignore[union-attr]
    assert found == {here}


@pytest.mark.parametrize("name", ["histogram boosting", "clusters"])
def test_a_fit_on_a_machine_with_other_processors_has_the_same_fingerprint(name: str) -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")
    found = set()
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads):
            description = describe_model(fitted(name))
        assert description is not None
        found.add(description.digest)
    assert len(found) == 1


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "search"])
def test_equal_models_make_equal_skops_files_that_can_be_loaded(name: str) -> None:
    one, other = save_model(fitted(name)), save_model(fitted(name))
    assert one == other
    data, reason = one
    assert reason is None
    assert data is not None
    loaded = io.loads(data, trusted=io.get_untrusted_types(data=data))
    assert describe_model(loaded) == describe_model(fitted(name))


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ((k for k in [1]), "skops cannot store it (TypeError)"),
        (threading.Lock(), "skops could not load it again: _thread.lock cannot be found under that name"),
        (lambda x: x, f"skops could not load it again: {__name__}.<lambda> cannot be found under that name"),
    ],
)
def test_a_model_that_skops_cannot_hold_has_a_reason(part: Any, reason: str) -> None:
    assert save_model(Mine(part).fit(None)) == (None, reason)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
def test_boosters_count_by_what_their_library_writes_down(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    module: Any = importlib.import_module(library)
    X = np.random.default_rng(0).standard_normal((200, 3))
    y = (X[:, 0] > 0).astype(int)
    make, quiet = {
        "xgboost": (getattr(module, "XGBClassifier", None), {}),
        "lightgbm": (getattr(module, "LGBMClassifier", None), {"verbose": -1}),
        "catboost": (
            getattr(module, "CatBoostClassifier", None),
            {"verbose": 0, "allow_writing_files": False},
        ),
    }[library]
    assert make is not None
    assert describe_model(make(**quiet)) is None
    one, same = (describe_model(make(n_estimators=5, **quiet).fit(X, y)) for _ in range(2))
    other = describe_model(make(n_estimators=6, **quiet).fit(X, y))
    assert one is not None
    assert other is not None
    assert one.digest is not None
    assert one == same
    assert one.digest != other.digest
    assert one.class_ == f"{library}.{make.__name__}" or library == "catboost"


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_a_booster_says_what_it_was_trained_with(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    module: Any = importlib.import_module(library)
    X = np.random.default_rng(0).standard_normal((200, 3))
    y = (X[:, 0] > 0).astype(int)
    if library == "xgboost":
        asked: dict[str, Any] = {"objective": "binary:logistic", "max_depth": 3}
        booster = module.train(asked, module.DMatrix(X, y), 2)
    else:
        asked = {"objective": "binary", "max_depth": 3, "verbose": -1}
        booster = module.train(asked, module.Dataset(X, y), 2)
    found = describe_model(booster)
    assert found is not None
    assert found.digest is not None
    assert str(found.parameters["max_depth"]) == "3"
    assert found.parameters["objective"] == asked["objective"]


def test_a_vectorizer_that_was_loaded_from_a_file_is_the_one_that_was_fitted() -> None:
    """scikit-learn's notes the address of its stop words, which is another in another process."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    fitted = TfidfVectorizer().fit(["a word", "another word"])
    before = describe_model(fitted)
    assert "_stop_words_id" in vars(fitted)
    fitted._stop_words_id += 16
    after = describe_model(fitted)
    assert before is not None and after is not None
    assert before.digest == after.digest


WRITE = """
import sys
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from jupyter_mlgov.hashing.saved_models import Parts
from jupyter_mlgov.hashing.skops_writer import parts_of
X = np.random.default_rng(0).normal(size=(60, 3))
y = X[:, 0] > 0
models = [
    make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y),
    RandomForestClassifier(3, random_state=np.random.RandomState(1)).fit(X, y),
    HistGradientBoostingClassifier(max_iter=3).fit(X, y),
    SGDClassifier(loss="huber").fit(X, y),
    TfidfVectorizer().fit(["a word", "another word"]),
    FunctionTransformer(np.log1p).fit(X),
]
before = set(sys.modules)
ours = [parts_of(model).settled() for model in models]
new = {name.partition(".")[0] for name in set(sys.modules) - before}
assert new <= {"skops", "sklearn", "jupyter_mlgov", "scipy", "encodings"}, new
assert "skops.io" not in sys.modules
assert "sklearn.cluster" not in sys.modules
from sklearn.cluster import Birch
try:
    parts_of(Birch().fit(X))
except Exception as error:  # of another copy of skops
    assert type(error).__name__ == "UnsupportedTypeException"
else:
    raise AssertionError("skops cannot hold it")
import skops.io
assert ours == [Parts.read(skops.io.dumps(model)).settled() for model in models]
for data in ours:
    skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
"""


def test_a_model_is_written_as_skops_does_without_importing_what_only_reading_needs() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", WRITE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_parameter_counts_though_it_is_called_like_a_time() -> None:
    class Timed(BaseEstimator):  # type: ignore[misc]
        def __init__(self, timestamp: str = "at") -> None:
            self.timestamp = timestamp

        def fit(self, X: Any = None, y: Any = None) -> Any:
            self.fit_time_ = time.monotonic()
            self.done_ = True
            return self

    def digest(timestamp: str) -> str | None:
        described = describe_model(Timed(timestamp).fit())
        assert described is not None
        return described.digest

    assert digest("at") == digest("at")
    assert digest("at") != digest("when")
