"""From the store and the prediction log to the two sides that are compared."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jupyter_mlgov.errors import Blocked, UsageError
from jupyter_mlgov.monitor import columns
from jupyter_mlgov.monitor.examine import Explained, Side
from jupyter_mlgov.monitor.performance import Answers, Task
from jupyter_mlgov.records.assessment import Attributions, HeldRows
from jupyter_mlgov.records.canonical import Scalar
from jupyter_mlgov.records.manifest import Manifest

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_mlgov.store import Store

INPUT, PREDICTION, PROBABILITY = "input.", "output.prediction", "output.probability."
BASE = "(base)"


@dataclass(frozen=True)
class Meaning:
    """How predictions and outcomes are read: the labels in the order of the scores, none for numbers."""

    classes: tuple[str, ...]
    positive: str | None = None
    """The one of two that counts as positive, where somebody said it: else it is the second."""

    @property
    def place(self) -> int:
        """Where among the labels the positive one is."""
        return self.classes.index(self.positive) if self.positive in self.classes else 1

    @property
    def task(self) -> Task:
        if not self.classes:
            return "regression"
        return "binary" if len(self.classes) == 2 else "multiclass"

    def answers(self, truth: Any, predicted: Any, score: Any) -> Answers:
        """Columns as answers. Raises ``UsageError`` for a truth that is none of the labels or no number."""
        if self.task == "regression":
            try:
                return Answers("regression", columns.floats(truth), columns.floats(predicted))
            except (ValueError, TypeError):
                raise UsageError(
                    "the model predicts numbers, and there are outcomes that are none: correct what was added"
                ) from None
        said, happened = columns.labels(predicted), columns.labels(truth)
        unknown = sorted({str(label) for label in happened.tolist()} - set(self.classes))
        if unknown:
            raise UsageError(
                f"the outcome {unknown[0][:60]!r} is no label of the model, which knows {', '.join(self.classes[:5])}: "
                "correct what was added"
            )
        if self.task == "multiclass":
            return Answers("multiclass", happened, said)
        positive = self.classes[self.place]
        scored = None if score is None else columns.floats(score)
        return Answers(
            "binary", (happened == positive).astype(np.int64), (said == positive).astype(np.int64), scored
        )


def meaning(log: pa.Table, held: HeldRows | None, positive: Scalar = None) -> Meaning:
    """The labels, from the log's probabilities, or from the rows that were kept, or from text that was predicted; of two the
    ``positive`` one, where somebody said it."""
    return Meaning(_labels(log, held), label(positive) if positive is not None else None)


def _labels(log: pa.Table, held: HeldRows | None) -> tuple[str, ...]:
    named = [name.removeprefix(PROBABILITY) for name in log.column_names if name.startswith(PROBABILITY)]
    if len(named) > 1:
        return tuple(named)
    if held is not None and held.classes:
        return tuple(label(one) for one in held.classes)
    if PREDICTION in log.column_names and columns.kind(log.column(PREDICTION)) == "category":
        return tuple(sorted(columns.categories(log.column(PREDICTION)).counts))
    return ()


def several(log: pa.Table) -> bool:
    """Whether the model gives several outputs for a row: one outcome cannot be compared with them."""
    return PREDICTION not in log.column_names and f"{PREDICTION}.0" in log.column_names


def label(value: Scalar) -> str:
    """A label as it is compared: the whole number 1 and the text 1 are one."""
    return str(columns.labels([value])[0])


def held_rows(manifest: Manifest) -> HeldRows:
    """The rows of the snapshot to compare with: those that it was tested on, else those that it was fitted on.

    Raises ``Blocked`` where none were kept.
    """
    kept = {held.role: held for held in manifest.rows if held.object is not None}
    found = kept.get("test") or kept.get("train")
    if found is None:
        why = next((held.reason for held in manifest.rows if held.reason), None)
        raise Blocked(
            f"{manifest.experiment} keeps no rows to compare with{f' ({why})' if why else ''}: run its cell with "
            "--test X_test,y_test and release that snapshot"
        )
    return found


def reference_side(
    store: Store, held: HeldRows, model: Any, read_as: Meaning, explained: Explained | None
) -> Side:
    """The rows that ``held`` names. ``model`` (or None) predicts them where no prediction was kept."""
    import pyarrow.parquet as pq

    assert held.object is not None
    table = pq.read_table(io.BytesIO(store.get(held.object))).to_pandas()
    inputs = table.loc[:, list(held.features)]
    predicted, scores = _kept(table, held, read_as)
    if model is not None and predicted is None:
        given = inputs.to_numpy() if held.layout == "array" else inputs
        given = given.iloc[:, 0] if held.layout == "series" else given
        predicted = np.asarray(model.predict(given))
        if predicted.ndim == 2 and predicted.shape[1] > 1:
            predicted = None  # several outputs for a row: see ``several``
        if predicted is not None and read_as.classes and hasattr(model, "predict_proba"):
            scores = np.asarray(model.predict_proba(given), dtype=float)
    answered = None if predicted is None else _answered(predicted, scores, read_as)
    answers, places = None, None
    if held.truth is not None and predicted is not None:
        truth = table[held.truth]
        known = ~truth.isna().to_numpy()
        places = np.flatnonzero(known)
        score = scores[known][:, read_as.place] if scores is not None and read_as.task == "binary" else None
        answers = read_as.answers(truth.to_numpy()[known], np.asarray(predicted)[known], score)
    return Side(inputs, answered, answers, places, explained)


def _kept(table: Any, held: HeldRows, read_as: Meaning) -> tuple[Any, Any]:
    predicted = table[held.predicted].to_numpy() if held.predicted else None
    scores = table.loc[:, list(held.scores)].to_numpy(dtype=float) if held.scores else None
    if scores is not None and scores.shape[1] == 1 and len(read_as.classes) == 2:
        scores = np.column_stack([1 - scores[:, 0], scores[:, 0]])[:, :: 1 if read_as.place else -1]
    if scores is not None and scores.shape[1] != len(read_as.classes):
        scores = None
    return predicted, scores


def _answered(predicted: Any, scores: Any, read_as: Meaning) -> dict[str, Any]:
    """What was predicted as columns: the score of the positive one of two labels, or the labels, or the numbers."""
    if read_as.task == "binary" and scores is not None:
        place = read_as.place
        return {
            "prediction": columns.labels(predicted),
            f"probability of {read_as.classes[place]}": scores[:, place],
        }
    if read_as.task == "regression":
        return {"prediction": np.asarray(predicted, dtype=float)}
    return {"prediction": columns.labels(predicted)}


def current_side(log: pa.Table, read_as: Meaning, explained: Explained | None) -> Side:
    """The rows of the prediction log, with the outcomes that are known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names = [name for name in log.column_names if name.startswith(INPUT)]
    inputs = log.select(names).rename_columns([name.removeprefix(INPUT) for name in names])
    # A column that no row of these versions had is not there.
    inputs = inputs.select(
        [name for name in inputs.column_names if not pa.types.is_null(inputs.schema.field(name).type)]
    )
    predicted = log.column(PREDICTION) if PREDICTION in log.column_names else pa.nulls(log.num_rows)
    scores = None
    named = [f"{PROBABILITY}{one}" for one in read_as.classes]
    if named and set(named) <= set(log.column_names):
        scores = np.column_stack([columns.floats(log.column(name)) for name in named])
    known = np.asarray(pc.is_valid(log.column("outcome")).to_numpy(zero_copy_only=False), dtype=bool)
    places = np.flatnonzero(known)
    answers = None
    if len(places) and PREDICTION in log.column_names:
        score = scores[known][:, read_as.place] if scores is not None and read_as.task == "binary" else None
        answers = read_as.answers(log.column("outcome").filter(known), predicted.filter(known), score)
    times = [moment.isoformat(timespec="seconds") for moment in log.column("at").to_pylist()]
    ids = [
        f"{one}/{row}" for one, row in zip(log["request_id"].to_pylist(), log["row"].to_pylist(), strict=True)
    ]
    return Side(inputs, _answered(predicted, scores, read_as), answers, places, explained, times, ids)


def logged_explanations(log: pa.Table, features: Sequence[str]) -> Explained | None:
    """The explanations that were asked for with predictions; None where there are none."""
    texts = [text for text in log.column("explanation").to_pylist() if text]
    rows = [json.loads(text) for text in texts]
    whole = [[row[name] for name in features] for row in rows if all(name in row for name in features)]
    return Explained(tuple(features), np.array(whole, dtype=float)) if whole else None


def reference_explanations(store: Store, found: Attributions) -> Explained:
    """The SHAP values that were signed off. Raises ``Missing``, ``Damaged``."""
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(store.get(found.values)))
    names = [name for name in table.column_names if not name.startswith("__")]
    return Explained(tuple(names), np.column_stack([columns.floats(table.column(name)) for name in names]))
