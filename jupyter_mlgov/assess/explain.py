"""SHAP values of sampled rows: the snapshot's reference attributions.

The explainer is the one that fits the model: ``Linear`` for linear models, ``Tree`` for trees and forests, also behind steps
that change columns one by one; ``Permutation`` for everything else. How many rows are explained follows from a budget of
rows that the model may be asked about, never from a clock, so the same model and data give the same values.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from jupyter_mlgov.assess.figures import Bar, bars, steps
from jupyter_mlgov.assess.subject import Subject
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.records.assessment import Attributions, FeatureAttribution, Figure
from jupyter_mlgov.records.canonical import canonical, digest

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

Link = Literal["identity", "logit"]

SHOWN = 15
"""Features that a picture has."""
_EACH_BY_ITSELF = frozenset(
    {
        "StandardScaler",
        "MinMaxScaler",
        "MaxAbsScaler",
        "RobustScaler",
        "QuantileTransformer",
        "PowerTransformer",
        "SimpleImputer",
    }
)
"""Steps of a pipeline that give each column back in its place."""
_RESERVED = ("__row__", "__base__", "__output__")


@dataclass(frozen=True)
class RowValues:
    """SHAP values of rows, and what they explain."""

    explainer: str
    output: str
    link: Link
    values: Any
    """Rows x features."""
    base: Any
    outputs: Any
    evaluations: int
    exact: bool


def key_of(subject: Subject, suite: Suite, model: str) -> str:
    """Equal for equal models, rows and settings."""
    facts = {
        "model": model,
        "test": subject.test.held.object,
        "train": subject.train.held.object if subject.train is not None else None,
        "positive": str(subject.positive),
        "settings": [suite.seed, suite.explained_rows, suite.background_rows, suite.explain_budget],
        "versions": versions(),
        "form": 1,
    }
    return digest(canonical(facts))


def versions() -> dict[str, str]:
    """The libraries that the values are computed with."""
    from importlib.metadata import version

    return {name: version(name) for name in ("shap", "scikit-learn", "numpy")}


def explain(subject: Subject, suite: Suite, store: Store, model: str) -> Attributions:
    """Explains sampled test rows and keeps the values and pictures. Raises what the model raises when it is asked."""
    features = subject.test.features
    background, generator = _background(subject, suite)
    wanted = _affordable(features.shape[1], len(background), suite)
    rows = _some(len(features), min(suite.explained_rows, wanted), generator)
    chosen = features.iloc[rows].reset_index(drop=True)
    made = _quietly_explained(subject, chosen, background, suite)
    names = [str(name) for name in features.columns]
    table = _ranking(names, made.values, suite)
    size = max((one.mean_abs for one in table), default=0.0)
    sampling = max((max(one.high - one.mean_abs, one.mean_abs - one.low) for one in table), default=0.0)
    spread = float(np.std(made.outputs)) or 1.0
    off = np.abs(made.values.sum(axis=1) + made.base - made.outputs)
    values = _parquet(names, made, rows)
    return Attributions(
        key=key_of(subject, suite, model),
        model=model,
        data=str(subject.test.held.object),
        explainer=made.explainer,
        output=made.output,
        link=made.link,
        features=tuple(table),
        base=float(np.mean(made.base)),
        rows=len(rows),
        of_rows=len(features),
        background=len(background),
        budget=suite.explain_budget,
        evaluations=made.evaluations,
        additivity_error=float(off.max() / spread),
        sampling_error=sampling / size if size else 0.0,
        exact=made.exact,
        seed=suite.seed,
        values=store.put(values),
        figures=tuple(_figures(table, made, chosen, rows, store)),
        versions=versions(),
    )


def explain_rows(subject: Subject, rows: pd.DataFrame, suite: Suite) -> RowValues:
    """SHAP values of other rows than the test rows, relative to the same background as those of :func:`explain`."""
    return _quietly_explained(subject, rows, _background(subject, suite)[0], suite)


def _background(subject: Subject, suite: Suite) -> tuple[pd.DataFrame, np.random.Generator]:
    generator = np.random.default_rng(suite.seed)
    source = subject.train.features if subject.train is not None else subject.test.features
    rows = _some(len(source), suite.background_rows, generator)
    return source.iloc[rows].reset_index(drop=True), generator


def _quietly_explained(
    subject: Subject, chosen: pd.DataFrame, background: pd.DataFrame, suite: Suite
) -> RowValues:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = np.random.get_state()
        try:
            return _explained(subject, chosen, background, suite)
        finally:
            np.random.set_state(state)


def _some(rows: int, wanted: int, generator: Any) -> Any:
    """Row numbers, sorted: all of them, or ``wanted`` drawn without replacement."""
    if rows <= wanted:
        return np.arange(rows)
    return np.sort(generator.choice(rows, wanted, replace=False))


def _affordable(features: int, background: int, suite: Suite) -> int:
    """Rows that the dearest explainer can explain within the budget."""
    return max(suite.explain_budget // ((2 * features + 1) * background), 1)


def _ranking(names: Sequence[str], values: Any, suite: Suite) -> list[FeatureAttribution]:
    """Mean absolute values with percentile bootstrap intervals over rows."""
    count = len(values)
    generator = np.random.default_rng(suite.seed)
    weights = generator.multinomial(count, np.full(count, 1 / count), size=suite.resamples) / count
    absolute = np.abs(values)
    low, high = np.quantile(weights @ absolute, [(1 - suite.level) / 2, (1 + suite.level) / 2], axis=0)
    means, signed = absolute.mean(axis=0), values.mean(axis=0)
    made = [
        FeatureAttribution(
            feature=name,
            mean_abs=float(means[place]),
            low=float(min(low[place], means[place])),
            high=float(max(high[place], means[place])),
            mean=float(signed[place]),
        )
        for place, name in enumerate(names)
    ]
    return sorted(made, key=lambda one: (-one.mean_abs, one.feature))


# -- explainers ------------------------------------------------------------------------------------------------


def _explained(subject: Subject, chosen: pd.DataFrame, background: pd.DataFrame, suite: Suite) -> RowValues:
    prepared = _behind_steps(subject, chosen, background)
    if prepared is not None:
        last, rows, ground = prepared
        if _is_linear(last):
            return _linear(subject, last, rows, ground)
        if _is_tree(last):
            try:
                made = _tree(subject, last, rows, ground)
            except Exception:  # noqa: BLE001 - a tree that SHAP does not read: any model can be asked
                made = None
            if made is not None and _adds_up(made):
                return made
    return _permutation(subject, chosen, background, suite)


def _adds_up(made: RowValues) -> bool:
    near = 1e-3 * (float(np.std(made.outputs)) + 1e-9)
    return bool(np.allclose(made.values.sum(axis=1) + made.base, made.outputs, atol=near))


def _behind_steps(
    subject: Subject, chosen: pd.DataFrame, background: pd.DataFrame
) -> tuple[Any, Any, Any] | None:
    """The last estimator with what it is given, where every column of that is one feature; None otherwise."""
    model = subject.model
    steps_ = getattr(model, "steps", None)
    if not isinstance(steps_, list):
        return model, subject.given(chosen), subject.given(background)
    before = [step for _, step in steps_[:-1] if step is not None and step != "passthrough"]
    if any(
        type(step).__name__ not in _EACH_BY_ITSELF or not type(step).__module__.startswith("sklearn.")
        for step in before
    ):
        return None
    rows, ground = subject.given(chosen), subject.given(background)
    for step in before:
        rows, ground = step.transform(rows), step.transform(ground)
    if np.shape(rows)[1] != chosen.shape[1]:
        return None
    return steps_[-1][1], rows, ground


def _is_linear(model: Any) -> bool:
    known = type(model).__module__.startswith(("sklearn.linear_model.", "sklearn.svm._classes"))
    coefficients = getattr(model, "coef_", None)
    return bool(
        known
        and isinstance(coefficients, np.ndarray)
        and type(model).__name__ not in ("PoissonRegressor", "GammaRegressor", "TweedieRegressor")
        and (coefficients.ndim == 1 or coefficients.shape[0] == 1)
    )


def _is_tree(model: Any) -> bool:
    module, name = type(model).__module__, type(model).__name__
    if module.startswith(("lightgbm.", "xgboost.", "catboost.")):
        return True
    return module.startswith(("sklearn.tree.", "sklearn.ensemble.")) and any(
        word in name for word in ("DecisionTree", "ExtraTree", "RandomForest", "GradientBoosting")
    )


def _linear(subject: Subject, model: Any, rows: Any, ground: Any) -> RowValues:
    """Exact for independent features: coefficient times distance from the background's mean."""
    import shap

    rows, ground = (np.asarray(part, dtype=float) for part in (rows, ground))
    explainer = shap.LinearExplainer(model, shap.maskers.Independent(ground, max_samples=len(ground)))
    values = np.asarray(explainer.shap_values(rows)).reshape(rows.shape)
    base = float(np.ravel(explainer.expected_value)[0])
    if subject.task == "regression":
        outputs, output = np.asarray(model.predict(rows), dtype=float).ravel(), "prediction"
    else:
        outputs = np.asarray(model.decision_function(rows), dtype=float).ravel()
        output = (
            f"log-odds of {subject.classes[-1]}"
            if hasattr(model, "predict_proba")
            else f"score of {subject.classes[-1]}"
        )
        if subject.positive == subject.classes[0] and len(subject.classes) == 2:
            values, base, outputs = -values, -base, -outputs
    logit: Link = "logit" if output.startswith("log-odds") else "identity"
    return RowValues(
        "Linear", output, logit, values, np.full(len(rows), base), outputs, len(rows) + len(ground), True
    )


def _tree(subject: Subject, model: Any, rows: Any, ground: Any) -> RowValues | None:
    """Exact interventional values over the background (Lundberg et al. 2020)."""
    import shap

    classifies = subject.task != "regression"
    explainer = shap.TreeExplainer(
        model, np.asarray(ground, dtype=float), feature_perturbation="interventional",
        model_output="probability" if classifies else "raw",
    )  # fmt: skip
    values = np.asarray(explainer.shap_values(np.asarray(rows, dtype=float), check_additivity=False))
    base = np.ravel(explainer.expected_value).astype(float)
    asked = len(values) * len(ground)
    if not classifies:
        outputs = np.asarray(model.predict(rows), dtype=float).ravel()
        return RowValues(
            "Tree",
            "prediction",
            "identity",
            values,
            np.full(len(values), base[0]),
            outputs,
            asked,
            True,
        )
    table = np.asarray(model.predict_proba(rows), dtype=float)
    if values.ndim == 2:  # of the second class
        values = np.stack([-values, values], axis=2)
        base = np.array([1 - base[-1], base[-1]])
    if values.shape[2] != table.shape[1]:
        return None
    picked, output = _picked(subject, table)
    places = np.arange(len(values))
    return RowValues(
        "Tree",
        output,
        "identity",
        values[places, :, picked],
        base[picked],
        table[places, picked],
        asked,
        True,
    )


def _picked(subject: Subject, table: Any) -> tuple[Any, str]:
    """Which column of the probabilities is explained for each row."""
    if subject.task == "binary":
        place = list(subject.classes).index(subject.positive) if table.shape[1] > 1 else 0
        return np.full(len(table), place), f"probability of {subject.positive}"
    return table.argmax(axis=1), "probability of the predicted class"


def _permutation(subject: Subject, chosen: pd.DataFrame, background: pd.DataFrame, suite: Suite) -> RowValues:
    """Sampled values for any model: features are switched from background to row in random orders, forth and back."""
    import shap

    codes = Codes(pd.concat([chosen, background], ignore_index=True))
    rows, ground = codes.of(chosen), codes.of(background)
    ask, output, picked = _asked(subject, chosen)
    count = chosen.shape[1]
    each = (2 * count + 1) * len(ground) * len(rows)
    orders = int(np.clip(suite.explain_budget // max(each, 1), 1, 10))
    evaluations = 0

    def function(values: Any) -> Any:
        nonlocal evaluations
        evaluations += len(values)
        return ask(codes.back(values))

    masker = shap.maskers.Independent(ground, max_samples=len(ground))
    explainer = shap.explainers.Permutation(function, masker, seed=suite.seed)
    found = explainer(rows, max_evals=orders * (2 * count + 1), silent=True)
    values, base = np.asarray(found.values, dtype=float), np.asarray(found.base_values, dtype=float)
    outputs = np.asarray(ask(chosen), dtype=float)
    if values.ndim == 3:
        places = np.arange(len(rows))
        values, outputs = values[places, :, picked], outputs[places, picked]
        base = np.broadcast_to(base, (len(rows), base.shape[-1]))[places, picked]
    return RowValues(
        "Permutation",
        output,
        "identity",
        values,
        np.broadcast_to(base, (len(rows),)),
        outputs,
        evaluations,
        False,
    )


def _asked(subject: Subject, chosen: pd.DataFrame) -> tuple[Callable[[pd.DataFrame], Any], str, Any]:
    """What the model is asked for, what that is called, and which of several columns each row is about."""
    model = subject.model
    if subject.task == "regression":
        return (lambda frame: np.asarray(subject.predict(frame), dtype=float)), "prediction", None
    if not hasattr(model, "predict_proba"):
        if subject.task == "binary" and hasattr(model, "decision_function"):
            return subject.score, f"score of {subject.positive}", None
        places = {label: place for place, label in enumerate(subject.classes)}

        def one_hot(frame: pd.DataFrame) -> Any:
            said = subject.predict(frame)
            if subject.task == "binary":
                return said.astype(float)
            return np.eye(len(places))[[places[label] for label in said]]

        picked = None if subject.task == "binary" else one_hot(chosen).argmax(axis=1)
        return one_hot, "decision", picked
    if subject.task == "binary":
        return subject.score, f"probability of {subject.positive}", None
    return subject.score, "probability of the predicted class", subject.score(chosen).argmax(axis=1)


class Codes:
    """A table as numbers and back: columns that are none are numbered by their values."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._dtypes = frame.dtypes
        self._columns = frame.columns
        self._values: dict[int, pd.Series[Any]] = {}
        for place, name in enumerate(frame.columns):
            dtype = frame[name].dtype
            if not pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
                self._values[place] = frame[name].drop_duplicates().reset_index(drop=True)

    def of(self, frame: pd.DataFrame) -> Any:
        """Rows as floats."""
        made = np.empty(frame.shape)
        for place, name in enumerate(self._columns):
            if place in self._values:
                known = {_hashable(value): code for code, value in enumerate(self._values[place])}
                made[:, place] = [known[_hashable(value)] for value in frame[name]]
            else:
                made[:, place] = frame[name].to_numpy(dtype=float, na_value=np.nan)
        return made

    def back(self, values: Any) -> pd.DataFrame:
        """The rows that floats stand for."""
        columns = {}
        for place, name in enumerate(self._columns):
            if place in self._values:
                columns[name] = self._values[place].iloc[values[:, place].astype(int)].array
            else:
                columns[name] = _as_dtype(values[:, place], self._dtypes.iloc[place])
        return pd.DataFrame(columns)


def _hashable(value: Any) -> Any:
    return "\0missing" if value is None or value is pd.NA or value != value else value


def _as_dtype(values: Any, dtype: Any) -> Any:
    if pd.api.types.is_extension_array_dtype(dtype):
        return pd.array(values).astype(dtype)
    return values.astype(dtype) if dtype.kind in "iub" else values.astype(dtype, copy=False)


# -- what is kept ------------------------------------------------------------------------------------------------


def _parquet(names: Sequence[str], made: RowValues, rows: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        name if name not in _RESERVED else f"{name}_": made.values[:, place]
        for place, name in enumerate(names)
    }
    columns |= {"__row__": rows, "__base__": np.asarray(made.base), "__output__": np.asarray(made.outputs)}
    out = io.BytesIO()
    pq.write_table(pa.table({name: pa.array(np.ascontiguousarray(column)) for name, column in columns.items()}), out,
                   compression="none", use_dictionary=False)  # fmt: skip
    return out.getvalue()


def _figures(
    table: Sequence[FeatureAttribution], made: RowValues, chosen: pd.DataFrame, rows: Any, store: Store
) -> list[Figure]:
    """What moves the predictions in all, and of the highest, the middle and the lowest row."""
    shown = table[:SHOWN]
    title = f"Mean effect of each feature on the {made.output}"
    pictures = [
        (title, bars(title, [Bar(one.feature, one.mean_abs, one.low, one.high) for one in shown], "mean |SHAP value|"),
         "; ".join(f"{one.feature} {one.mean_abs:.3g}" for one in shown[:5]))
    ]  # fmt: skip
    order = np.argsort(made.outputs, kind="stable")
    for words, place in (("highest", order[-1]), ("middle", order[len(order) // 2]), ("lowest", order[0])):
        pictures.append(_one_row(words, int(place), made, chosen, rows))
    digests = store.put_all([picture for _, picture, _ in pictures])
    return [
        Figure(title=name, object=digest_, text=text)
        for (name, _, text), digest_ in zip(pictures, digests, strict=True)
    ]


def _one_row(
    words: str, place: int, made: RowValues, chosen: pd.DataFrame, rows: Any
) -> tuple[str, bytes, str]:
    values = made.values[place]
    order = np.argsort(-np.abs(values), kind="stable")
    effects = [
        Bar(f"{chosen.columns[at]} = {_shown(chosen.iloc[place, at])}", float(values[at]))
        for at in order[:10]
    ]
    rest = float(values[order[10:]].sum())
    if len(order) > 10:
        effects.append(Bar(f"{len(order) - 10} other features", rest))
    base = float(np.asarray(made.base)[place])
    output = float(made.outputs[place])
    title = f"Row {int(rows[place])}, the {words} {made.output}: {output:.3g}"
    return (
        title,
        steps(title, base, effects, made.output),
        "; ".join(f"{one.label}: {one.value:+.3g}" for one in effects[:4]),
    )


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)[:40]
