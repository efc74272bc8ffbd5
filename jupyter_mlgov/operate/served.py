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
    """Outputs as columns: ``prediction``, and ``probability.CLASS`` for each class where there are probabilities;
    ``prediction.0``, ``prediction.1``, ... of a model that gives several values for a row."""

    columns: dict[str, list[Any]]


class Served:
    """One version of a model, ready to answer.

    It is asked for one row when it is made: that warms it, and says what it answers with. Raises ``Blocked`` where it does
    not predict a row of its own test data.
    """

    def __init__(self, release: Release, model: Any, accepted: Accepted, background: Any = None) -> None:
        self.release = release
        self.model = model
        self.accepted = accepted
        self.background = background
        """Rows to explain against, as a DataFrame; None where the snapshot has none."""
        said = self._tried()
        self._several = said.shape[1] if said is not None and said.ndim == 2 and said.shape[1] > 1 else 0
        self.classes = None if self._several else _classes(model)
        self._once = self.classes is not None and _class_of(_last(model)) in _BY_PROBABILITY
        self.outputs = self._outputs(said)
        """Names of the outputs, each with the type that it has in the log."""
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
            values = values.reshape(len(values), -1)
            if values.shape[1] != len(self.outputs):
                raise ValueError(
                    f"it gave {values.shape[1]} outputs for a row, and {len(self.outputs)} before"
                )
            return Predicted(
                {name: values[:, place].tolist() for place, (name, _) in enumerate(self.outputs)}
            )
        scores = np.asarray(self.model.predict_proba(rows))
        chosen = self.classes[scores.argmax(axis=1)] if self._once else np.asarray(self.model.predict(rows))
        found = {"prediction": chosen.tolist()}
        for place, name in enumerate(self.classes.tolist()):
            found[f"probability.{name}"] = scores[:, place].tolist()
        return Predicted(found)

    def _tried(self) -> Any:
        """What the model says about one row: of its own test data, else of what it accepts, if it takes that; None else."""
        import numpy as np

        sklearn = sys.modules.get("sklearn")
        if (
            sklearn is not None
        ):  # they were validated when it was fitted; a tenth of a small prediction's time
            sklearn.set_config(skip_parameter_validation=True)
        own = self.background is not None and len(self.background) > 0
        try:
            rows = self.background[:1] if own else self.frame(self.accepted.example())
            if callable(getattr(self.model, "predict_proba", None)):
                self.model.predict_proba(rows)
            return np.asarray(self.model.predict(rows))
        except Exception as error:
            if not own:
                return None
            raise Blocked(
                f"{self.release.name} does not predict a row of its own test data here ({type(error).__name__}: {error}): "
                "its environment is in mlgov show"
            ) from error

    def _outputs(self, said: Any) -> tuple[tuple[str, str], ...]:
        if self._several:
            return tuple((f"prediction.{place}", _type(said.dtype)) for place in range(self._several))
        if self.classes is None:
            return (("prediction", "double" if said is None else _type(said.dtype)),)
        scores = ((f"probability.{name}", "double") for name in self.classes.tolist())
        return (("prediction", _type(self.classes.dtype)), *scores)


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


def _type(dtype: Any) -> str:
    return {"i": "int64", "u": "int64", "b": "bool", "f": "double"}.get(dtype.kind, "string")


def _classes(model: Any) -> Any:
    """The classes of a classifier that gives probabilities, else None."""
    try:
        return model.classes_ if callable(getattr(model, "predict_proba", None)) else None
    except AttributeError:
        return None
