"""A released model in memory: it predicts many rows at once.

It was loaded from a skops file whose digest the manifest names, from types that the operator trusts
(``hashing.trusted_models``); nothing in the file widens that list.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from jupyter_mlgov.errors import Blocked
from jupyter_mlgov.operate.accepted import Accepted, Column
from jupyter_mlgov.operate.segments import Header
from jupyter_mlgov.records.release import Release

_BY_PROBABILITY = frozenset(
    {
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.ensemble._forest.ExtraTreesClassifier",
        "sklearn.tree._classes.DecisionTreeClassifier",
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
        "sklearn.naive_bayes.GaussianNB",
        "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
    }
)
"""Classifiers that predict the class of the highest probability, so that one call gives both. Others are asked twice:
a tuned threshold, say, is not in the probabilities."""


class Predicted(NamedTuple):
    """Outputs as columns: ``prediction``, and ``probability.CLASS`` for each class where there are probabilities."""

    columns: dict[str, list[Any]]


class Served:
    """One version of a model, ready to answer."""

    def __init__(self, release: Release, model: Any, accepted: Accepted, background: Any = None) -> None:
        self.release = release
        self.model = model
        self.accepted = accepted
        self.background = background
        """Rows to explain against, as a DataFrame; None where the snapshot has none."""
        self.classes = _classes(model)
        self._once = self.classes is not None and _class_of(_last(model)) in _BY_PROBABILITY
        self.outputs = self._outputs()
        self.header = Header(
            model=release.model,
            stage=release.stage,
            version=release.number,
            snapshot=release.snapshot,
            inputs=tuple((column.name, column.arrow) for column in accepted.columns),
            outputs=self.outputs,
        )
        """How the log is told of what this version answers."""

    def frame(self, columns: Mapping[str, list[Any]]) -> Any:
        """Checked columns as what the model takes: a DataFrame, an array or a Series."""
        import numpy as np
        import pandas as pd

        if self.accepted.layout == "array":
            kinds = {column.dtype for column in self.accepted.columns}
            dtype = kinds.pop() if len(kinds) == 1 else "float64"
            values = [np.asarray(columns[name], dtype=dtype or "float64") for name in self.accepted.names]
            return np.column_stack(values)
        made = {column.name: _series(column, columns[column.name]) for column in self.accepted.columns}
        table = pd.DataFrame(made, copy=False)
        return table[self.accepted.names[0]] if self.accepted.layout == "series" else table

    def predict(self, columns: Mapping[str, list[Any]]) -> Predicted:
        """Predicts every row of checked columns in one call. Raises what the model raises."""
        return self.predict_frame(self.frame(columns))

    def predict_frame(self, rows: Any) -> Predicted:
        """:meth:`predict` for what :meth:`frame` made."""
        import numpy as np

        if self.classes is None:
            values = np.asarray(self.model.predict(rows))
            if values.ndim == 2 and values.shape[1] > 1:
                return Predicted(
                    {f"prediction.{place}": values[:, place].tolist() for place in range(values.shape[1])}
                )
            return Predicted({"prediction": values.reshape(len(values)).tolist()})
        scores = np.asarray(self.model.predict_proba(rows))
        chosen = self.classes[scores.argmax(axis=1)] if self._once else np.asarray(self.model.predict(rows))
        found = {"prediction": chosen.tolist()}
        for place, name in enumerate(self.classes.tolist()):
            found[f"probability.{name}"] = scores[:, place].tolist()
        return Predicted(found)

    def _outputs(self) -> tuple[tuple[str, str], ...]:
        if self.classes is None:
            return (("prediction", "double"),)
        kind = {"i": "int64", "u": "int64", "b": "bool", "f": "double"}.get(self.classes.dtype.kind, "string")
        return (("prediction", kind), *((f"probability.{name}", "double") for name in self.classes.tolist()))


def _series(column: Column, values: list[Any]) -> Any:
    import numpy as np
    import pandas as pd

    if column.kind == "number":
        return np.asarray(values, dtype=column.dtype if column.dtype in ("float32", "float16") else "float64")
    if column.kind == "integer":
        if None in values:
            return np.asarray(values, dtype="float64")
        return np.asarray(values, dtype=column.dtype if column.dtype.startswith(("int", "uint")) else "int64")
    if column.kind == "boolean":
        return np.asarray(values, dtype="bool" if None not in values else "object")
    if column.kind == "time":
        moments = [None if value is None else datetime.fromtimestamp(value / 1e6, UTC) for value in values]
        made = pd.to_datetime(pd.Series(moments), utc=True)
        return made if "tz" in column.dtype or "," in column.dtype else made.dt.tz_localize(None)
    if column.dtype.startswith("category") and column.categories is not None:
        return pd.Categorical(values, categories=sorted(column.categories, key=_order))
    if column.dtype.startswith(("int", "uint", "float", "bool")) and None not in values:
        return np.asarray(values, dtype=column.dtype)
    return pd.Series(values, dtype="object" if column.dtype == "object" else None)


def _order(value: Any) -> tuple[str, Any]:
    return ("" if isinstance(value, int | float) else type(value).__name__, value)


def _last(model: Any) -> Any:
    steps = getattr(model, "steps", None)
    return _last(steps[-1][1]) if isinstance(steps, list) and steps else model


def _class_of(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _classes(model: Any) -> Any:
    """The classes of a classifier that gives probabilities, else None."""
    try:
        return model.classes_ if callable(getattr(model, "predict_proba", None)) else None
    except AttributeError:
        return None


def warm(served: Served) -> None:
    """Has the model predict a row of what it was fitted on, where there is one. Raises ``Blocked``."""
    sklearn = sys.modules.get("sklearn")
    if sklearn is not None:  # they were validated when it was fitted; a tenth of a small prediction's time
        sklearn.set_config(skip_parameter_validation=True)
    if served.background is None or not len(served.background):
        return
    try:
        served.predict_frame(served.background[:1])
    except Exception as error:
        raise Blocked(
            f"{served.release.name} does not predict a row of its own test data here ({type(error).__name__}: {error}): "
            "its environment is in mlgov show"
        ) from error
