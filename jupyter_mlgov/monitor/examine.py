"""Everything that is asked about a model at work, over tables: one function, pure but for the clock of nobody.

All tests on columns, missing values, predictions and attributions are one family: the chance of any false alarm among them
is ``alpha``. The tests on what happened over time are another, at the same level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from jupyter_mlgov.monitor import attributions, columns, features, performance, quality, slices
from jupyter_mlgov.monitor.decision import Findings, decide
from jupyter_mlgov.monitor.performance import Answers
from jupyter_mlgov.monitor.settings import Settings
from jupyter_mlgov.records.annotations import Kpi
from jupyter_mlgov.records.assessment import InputSchema
from jupyter_mlgov.records.monitoring import ColumnDrift, Monitoring, SliceDrift


@dataclass(frozen=True)
class Explained:
    """SHAP values: ``values`` is rows x features."""

    names: Sequence[str]
    values: Any


@dataclass(frozen=True)
class Side:
    """Rows with what belongs to them, in the order of time where there is one.

    ``inputs`` is a table of what the model was given; ``predicted`` a table of what it answered (labels, numbers, scores);
    ``answers`` the rows whose outcome is known, and ``answered`` their places among ``inputs``.
    """

    inputs: Any
    predicted: Any = None
    answers: Answers | None = None
    answered: Any = None
    explained: Explained | None = None
    times: Sequence[str] | None = None
    request_ids: Any = None


@dataclass(frozen=True)
class Context:
    """What is known about the release beside its rows."""

    kpis: Sequence[Kpi] = ()
    metrics: dict[str, Any] = field(default_factory=dict)
    """The released snapshot's own."""
    schema: InputSchema | None = None
    earlier: str | None = None
    from_release: bool = True
    notes: Sequence[str] = ()
    seed: int = 0


def examine(reference: Side, current: Side, settings: Settings, context: Context | None = None) -> Monitoring:
    """Compares the current rows with the reference and says what follows. The order of the reference's rows, and of the
    columns, plays no part; that of the current rows is that of time."""
    context = context or Context()
    notes = list(context.notes)
    pairs, left_out = features.read_pairs(reference.inputs, current.inputs, settings.ignore)
    notes += [f"{name} is not compared: {reason}" for name, reason in sorted(left_out.items())]
    found = features.compare(pairs, "feature", settings)
    if reference.predicted is not None and current.predicted is not None:
        answered, skipped = features.read_pairs(reference.predicted, current.predicted)
        notes += [f"{name} is not compared: {reason}" for name, reason in sorted(skipped.items())]
        found += features.compare(answered, "prediction", settings)
    else:
        notes.append("predictions are not compared: the reference has none")
    found += _attributions(reference, current, settings, context, notes)
    settled = features.settle(found, settings)
    moved = [one for one in settled if one.role != "attribution"]
    explained = [one for one in settled if one.role == "attribution"]
    wrong = quality.examine(
        reference.inputs, current.inputs, pairs, context.schema, current.request_ids, settings.alpha
    )
    outcomes = len(current.answers.truth) if current.answers is not None else 0
    concept, kpis = [], []
    if current.answers is not None and outcomes:
        at = [current.times[place] for place in current.answered] if current.times is not None else None
        concept = performance.concept(current.answers, settings, at, reference.answers)
        for kpi in context.kpis:
            over = performance.kpi_over_time(kpi, current.answers, at, context.metrics.get(kpi.metric))
            if over is None:
                notes.append(
                    f"{kpi.metric} cannot be computed from predictions and outcomes: it is not followed"
                )
            else:
                kpis.append(over)
    elif not outcomes:
        notes.append(
            "no outcome is known: concept drift and KPIs cannot be looked at (mlgov outcomes add FILE)"
        )
    decision, reasons = decide(
        Findings(
            rows=columns.rows(current.inputs), outcomes=outcomes, quality=wrong, columns=moved, attributions=explained,
            concept=concept, kpis=kpis, earlier=context.earlier, from_release=context.from_release,
        )
    )  # fmt: skip
    return Monitoring(
        reference_rows=columns.rows(reference.inputs), rows=columns.rows(current.inputs), outcomes=outcomes,
        alpha=settings.alpha, correction=settings.correction,
        tests=sum(not math.isnan(one.p) for one in settled) + len(concept), decision=decision, reasons=reasons,
        quality=tuple(wrong), columns=tuple(moved), attributions=tuple(explained), concept=tuple(concept),
        kpis=tuple(kpis), slices=tuple(_slices(reference, current, settings, concept, settled)), notes=tuple(notes),
    )  # fmt: skip


def _attributions(
    reference: Side, current: Side, settings: Settings, context: Context, notes: list[str]
) -> list[ColumnDrift]:
    one, other = reference.explained, current.explained
    if one is None or other is None:
        notes.append(
            "attributions are not compared: "
            + (
                "the snapshot has none (mlgov assess)"
                if one is None
                else "no prediction of these rows is explained"
            )
        )
        return []
    shared = [name for name in one.names if name in set(other.names)]
    if not shared or not len(other.values) or not len(one.values):
        notes.append("attributions are not compared: they name other features than the reference's")
        return []
    left = np.asarray(one.values, dtype=float)[:, [list(one.names).index(name) for name in shared]]
    right = np.asarray(other.values, dtype=float)[:, [list(other.names).index(name) for name in shared]]
    return [attributions.compare(shared, left, right, settings.importance, seed=context.seed)]


def _slices(
    reference: Side, current: Side, settings: Settings, concept: Sequence[Any], settled: Sequence[ColumnDrift]
) -> list[SliceDrift]:
    """Where the loss moved, before against after its change; else where the prediction moved, against the reference."""
    loss = next((one for one in concept if one.series == "loss" and one.tell == "drift"), None)
    if loss is not None and current.answers is not None:
        values = current.answers.losses()
        row = max(loss.changes, key=lambda change: abs(change.effect)).row
        places = np.asarray(current.answered)
        if row >= slices.NEEDED:
            return slices.which(
                rows_of(current.inputs, places[:row]), rows_of(current.inputs, places[row:]), values[:row], values[row:],
                "loss", settings,
            )  # fmt: skip
        if reference.answers is not None:
            before = rows_of(reference.inputs, np.asarray(reference.answered))
            after = rows_of(current.inputs, places)
            return slices.which(before, after, reference.answers.losses(), values, "loss", settings)
        return []
    moved = [
        one for one in settled if one.role == "prediction" and one.kind == "number" and one.tell == "drift"
    ]
    if not moved:
        return []
    name = moved[0].name
    one = columns.floats(columns.values(reference.predicted, name))
    other = columns.floats(columns.values(current.predicted, name))
    kind: Literal["prediction"] = "prediction"
    return slices.which(reference.inputs, current.inputs, one, other, kind, settings)


def rows_of(table: Any, places: Any) -> Any:
    """Some rows of a table."""
    if hasattr(table, "take") and hasattr(table, "column_names"):
        return table.take(places)
    if hasattr(table, "iloc"):
        return table.iloc[places]
    return {name: np.asarray(values)[places] for name, values in table.items()}
