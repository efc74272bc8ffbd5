"""What is tested: rows with their truth, and a model that is asked for predictions, or the predictions that were kept."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jupyter_mlgov.errors import Blocked, UsageError
from jupyter_mlgov.records.annotations import Threshold
from jupyter_mlgov.records.assessment import HeldRows, Task
from jupyter_mlgov.records.canonical import Scalar

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

_CLASSES = 50
"""Different whole numbers up to which a truth without a model is taken for classes."""


@dataclass(frozen=True)
class Rows:
    """One set of kept rows."""

    held: HeldRows
    frame: pd.DataFrame

    @property
    def features(self) -> pd.DataFrame:
        return self.frame.loc[:, list(self.held.features)]

    @property
    def truth(self) -> Any:
        return self.frame[self.held.truth].to_numpy() if self.held.truth else None


def read_rows(store: Store, held: HeldRows) -> Rows:
    """The rows that ``held`` names. Raises ``Missing``, ``Damaged``, ``Blocked`` (they were not kept)."""
    import pyarrow.parquet as pq

    if held.object is None:
        raise Blocked(f"the {held.role} rows were not kept: {held.reason}")
    table = pq.read_table(io.BytesIO(store.get(held.object)))
    return Rows(held, table.to_pandas())


@dataclass
class Subject:
    """A model, or stored predictions, with the rows that it is tested on.

    ``calls`` counts the rows that the model was asked about. Everything that the model says is asked for quietly.
    """

    test: Rows
    task: Task
    classes: tuple[Any, ...]
    """The labels in the order of the scores' columns; empty for numbers."""
    positive: Any = None
    """The positive one of two labels."""
    model: Any = None
    train: Rows | None = None
    threshold: Threshold | None = None
    learnt: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Ends of each number's learnt range."""
    calls: int = 0

    @property
    def why_no_train(self) -> str:
        """Why there are no training rows to compare with."""
        if self.test.held.out_of_fold:
            return "each row was predicted by a model fitted on the others: there are no training rows apart from them"
        return "the training rows were not kept"

    @property
    def rows(self) -> int:
        return len(self.test.frame)

    @cached_property
    def truth(self) -> Any:
        """The truth: positive or not for two classes, labels for more, numbers."""
        values = self.test.truth
        if self.task == "binary":
            return values == self.positive
        return values.astype(float) if self.task == "regression" else values

    @cached_property
    def has_probabilities(self) -> bool:
        scores = self.scores
        if scores is None:
            return False
        table = scores if scores.ndim == 2 else np.column_stack([1 - scores, scores])
        return bool(
            np.nanmin(table) >= 0 and np.nanmax(table) <= 1 and np.allclose(table.sum(axis=1), 1, atol=1e-3)
        )

    @cached_property
    def scores(self) -> Any:
        """One score a row of the positive class (binary), or one for each class; None where there are none."""
        if self.task == "regression":
            return None
        if self.model is not None:
            return self.score(self.test.features)
        held = self.test.held.scores
        if not held:
            return None
        values = self.test.frame.loc[:, list(held)].to_numpy(dtype=float)
        return self._of_positive(values) if self.task == "binary" else values if values.shape[1] > 1 else None

    @cached_property
    def predicted(self) -> Any:
        """Positive or not, labels, or numbers."""
        if self.model is not None:
            return self.predict(self.test.features)
        if self.task == "binary" and self.threshold is not None and self.scores is not None:
            return self._decided(self.scores)
        held = self.test.held.predicted
        if held is not None:
            values = self.test.frame[held].to_numpy()
            return self._as_answer(values)
        assert self.scores is not None
        return (
            self.scores >= 0.5
            if self.task == "binary"
            else np.asarray(self.classes)[self.scores.argmax(axis=1)]
        )

    def _as_answer(self, values: Any) -> Any:
        if self.task == "binary":
            return values == self.positive
        return values.astype(float) if self.task == "regression" else values

    def _of_positive(self, values: Any) -> Any:
        if values.shape[1] == 1:
            return values[:, 0]
        place = list(self.classes).index(self.positive) if self.positive in self.classes else 1
        return values[:, place]

    def _decided(self, scores: Any) -> Any:
        import operator

        assert self.threshold is not None
        signs = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
        return signs[self.threshold.op](scores, self.threshold.value)

    # -- asking the model ----------------------------------------------------------------------------------

    def given(self, features: pd.DataFrame) -> Any:
        """Features in the form that the model takes."""
        layout = self.test.held.layout
        if layout == "array":
            return features.to_numpy()
        return features.iloc[:, 0] if layout == "series" else features

    def predict(self, features: pd.DataFrame, model: Any = None) -> Any:
        """Answers of the model (or another of its kind) for ``features``: as ``predicted``."""
        model = self.model if model is None else model
        if self.task == "binary" and self.threshold is not None and _scores(model):
            return self._decided(self.score(features, model))
        self.calls += len(features)
        with _quietly():
            return self._as_answer(np.asarray(model.predict(self.given(features))).reshape(len(features)))

    def score(self, features: pd.DataFrame, model: Any = None) -> Any:
        """Scores as ``scores``; None where the model gives none."""
        model = self.model if model is None else model
        if not _scores(model):
            return None
        self.calls += len(features)
        with _quietly():
            if hasattr(model, "predict_proba"):
                values = np.asarray(model.predict_proba(self.given(features)), dtype=float)
                return self._of_positive(values) if self.task == "binary" else values
            values = np.asarray(model.decision_function(self.given(features)), dtype=float)
        if self.task == "binary":
            values = values.reshape(len(features))
            first = len(self.classes) == 2 and self.positive == self.classes[0]
            return -values if first else values
        return values

    # -- losses --------------------------------------------------------------------------------------------

    def losses(self, predicted: Any = None) -> Any:
        """The loss of each row: 1 for a wrong label; the absolute error of a number."""
        predicted = self.predicted if predicted is None else predicted
        if self.task == "regression":
            return np.abs(predicted - self.truth)
        return (predicted != self.truth).astype(float)

    @cached_property
    def scale(self) -> float:
        """What differences of mean losses are counted in: 1 for shares of errors, the mean absolute error for numbers."""
        return 1.0 if self.task != "regression" else max(float(self.losses().mean()), 1e-300)

    @property
    def unit(self) -> str:
        return "share of errors" if self.task != "regression" else "mean absolute error"

    @cached_property
    def table(self) -> pd.DataFrame:
        """Features and the columns beside them: what slices are cut from."""
        held = self.test.held
        return self.test.frame.loc[:, [*held.features, *held.extra]]

    @property
    def numbers(self) -> list[str]:
        """Features that are numbers and no booleans."""
        frame = self.test.features
        return [
            name
            for name in frame.columns
            if pd.api.types.is_numeric_dtype(frame[name].dtype)
            and not pd.api.types.is_bool_dtype(frame[name].dtype)
        ]


def _scores(model: Any) -> bool:
    return hasattr(model, "predict_proba") or hasattr(model, "decision_function")


class _quietly(warnings.catch_warnings):  # noqa: N801 - used as a function is
    """Without the warnings of the libraries that a model is made of."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        warnings.simplefilter("ignore")
        return entered


def subject_of(
    test: Rows,
    *,
    model: Any = None,
    train: Rows | None = None,
    positive: Scalar = None,
    threshold: Threshold | None = None,
    learnt: dict[str, tuple[float, float]] | None = None,
) -> Subject:
    """The subject that these are. Raises ``UsageError`` where the rows cannot be tested: no truth, none left, no
    predictions."""
    held = test.held
    if held.truth is None:
        raise UsageError("the test rows have no truth: give both to the experiment, --test X_test,y_test")
    missing = pd.isna(test.frame[held.truth])
    if missing.any():
        test = Rows(held, test.frame.loc[~missing.to_numpy()].reset_index(drop=True))
    if len(test.frame) == 0:
        raise UsageError("there is no test row with a truth: nothing can be told about this model")
    if model is None and held.predicted is None and not held.scores:
        raise UsageError(
            "there is neither a model that can be loaded nor a prediction that was kept: keep the model (--model) or "
            "assign its predictions to a variable and pass that to a metric"
        )
    classes = (
        tuple(np.asarray(model.classes_).tolist()) if hasattr(model, "classes_") else tuple(held.classes)
    )
    task = _task(test, model, classes)
    if task == "regression":
        if not pd.api.types.is_numeric_dtype(test.frame[held.truth].dtype):
            raise UsageError(
                f"the model predicts numbers, and the truth is of type {test.frame[held.truth].dtype}"
            )
        return Subject(test, task, (), None, model, train, None, learnt or {})
    if not classes:
        seen = [test.frame[name].dropna().unique().tolist() for name in (held.truth, held.predicted) if name]
        classes = tuple(
            sorted({item for part in seen for item in part}, key=lambda one: (str(type(one)), one))
        )
    unknown = [item for item in pd.unique(test.frame[held.truth]).tolist() if item not in classes]
    if unknown:
        raise UsageError(
            f"the test rows have the label {unknown[0]!r}, which the model does not know: it knows {list(classes)[:5]}"
        )
    chosen = _positive(positive, classes) if task == "binary" else None
    return Subject(
        test, task, classes, chosen, model, train, threshold if task == "binary" else None, learnt or {}
    )


def _task(test: Rows, model: Any, classes: tuple[Any, ...]) -> Task:
    if classes:
        return "binary" if len(classes) <= 2 else "multiclass"
    if model is not None:
        from sklearn.base import is_classifier

        if not is_classifier(model):
            return "regression"
    truth = test.frame[test.held.truth]
    kinds = truth.nunique()
    if test.held.scores:
        return "binary" if kinds <= 2 else "multiclass"
    number = pd.api.types.is_numeric_dtype(truth.dtype) and not pd.api.types.is_bool_dtype(truth.dtype)
    if number:
        answers = test.frame[test.held.predicted] if test.held.predicted else truth
        whole = bool((truth == truth.round()).all() and (answers == answers.round()).all())
        if not whole or kinds > _CLASSES or not set(answers.unique()) <= set(truth.unique()):
            return "regression"
    return "binary" if kinds <= 2 else "multiclass"


def _positive(wanted: Scalar, classes: tuple[Any, ...]) -> Any:
    if wanted is not None:
        for label in classes:
            if label == wanted or str(label) == str(wanted):
                return label
        raise UsageError(
            f"the positive label {wanted!r} is none of the model's: {list(classes)}; see [assess] positive"
        )
    return classes[-1]
