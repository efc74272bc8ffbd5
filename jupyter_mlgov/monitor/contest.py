"""Champion and challenger: which of two snapshots' models is better on rows that neither was fitted on.

The rows are those that the challenger was tested on, without those that the champion's snapshot knew (was fitted on or
tested on): what came with the new data, which is what the model meets now. By ``row_keys`` it is told which rows these are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jupyter_mlgov.assess import paired
from jupyter_mlgov.assess.row_keys import keys
from jupyter_mlgov.assess.run import held, model_of, positive_of
from jupyter_mlgov.assess.subject import Rows, Subject, read_rows, subject_of
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.errors import Blocked, MlgovError, UsageError
from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.governance.register import charter
from jupyter_mlgov.hashing.trusted_models import load_model, trusted_types
from jupyter_mlgov.monitor.retrain_settings import RetrainSettings
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.retraining import Contest, Measured, Standing

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def contest(
    root: Path,
    store: Store,
    champion: str,
    challenger: str,
    suite: Suite,
    settings: RetrainSettings,
    *,
    trusted: Sequence[str] = (),
) -> Contest:
    """Compares the models of two snapshots (ids). What makes that impossible is the verdict ``not comparable``."""
    notes: list[str] = []
    try:
        rows = _rows(store, store.manifest(champion), store.manifest(challenger), notes)
        one = _champion(root, store, champion, rows, suite, trusted)
        other = _challenger(root, store, challenger, rows, suite, trusted, notes)
        if (one.task, one.classes) != (other.task, other.classes):
            raise UsageError("the two models do not know the same labels")
        metric = _metric(store, challenger, settings, one, other)
        return _judged(metric, one, other, suite, settings, notes)
    except MlgovError as error:
        return _not_comparable(str(error), notes)
    except Exception as error:  # noqa: BLE001 - what a model does with rows that it has never seen is its own
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return _not_comparable(f"a model could not answer the rows: {said}", notes)


def _not_comparable(reason: str, notes: Sequence[str], metric: str = "", rows: int = 0) -> Contest:
    return Contest(metric=metric, rows=rows, verdict="not comparable", reason=reason, notes=tuple(notes))


# -- rows and models -------------------------------------------------------------------------------------------


def _rows(store: Store, champion: Manifest, challenger: Manifest, notes: list[str]) -> Rows:
    """The challenger's test rows that the champion's snapshot did not know. Raises ``Blocked``."""
    test = held(challenger, "test")
    if test is None:
        raise Blocked("the retrained snapshot has no test rows: name them with --test X_test,y_test")
    rows = read_rows(store, test)
    if test.truth is None:
        raise Blocked("the retrained snapshot's test rows have no truth: name them with --test X_test,y_test")
    columns = [*test.features, test.truth]
    known: list[Any] = []
    for role in ("train", "test"):
        kept = held(champion, role)
        if kept is None or kept.object is None:
            if role == "train":
                notes.append(
                    "the rows that the champion was fitted on were not kept: it may have seen some of these"
                )
            continue
        if kept.truth is None or list(kept.features) != list(test.features):
            raise Blocked("the champion's model takes other columns: the two are not compared")
        if kept.rows < kept.of_rows:
            notes.append(
                f"of the champion's {kept.of_rows:,} {role} rows a sample of {kept.rows:,} was kept: "
                "it may have seen some of these"
            )
        frame = read_rows(store, kept).frame
        known.append(keys(frame, [*kept.features, kept.truth]))
    seen = np.concatenate(known) if known else np.empty(0, dtype="uint64")
    fresh = ~np.isin(keys(rows.frame, columns), seen)
    if not fresh.any():
        raise Blocked("none of the rows that the challenger was tested on is new to the champion")
    return Rows(test, rows.frame.loc[fresh].reset_index(drop=True))


def _champion(
    root: Path, store: Store, snapshot: str, rows: Rows, suite: Suite, trusted: Sequence[str]
) -> Subject:
    manifest = store.manifest(snapshot)
    primary = next((model for model in manifest.models if model.primary and model.object), None)
    if primary is None or primary.object is None:
        raise Blocked("the released model is not in the store: it cannot be asked")
    allowed = trusted_types(root, trusted, recorded_here=store.recorded_here(snapshot))
    return _subject(store, snapshot, rows, load_model(store.get(primary.object), trusted=allowed), suite)


def _challenger(
    root: Path,
    store: Store,
    snapshot: str,
    rows: Rows,
    suite: Suite,
    trusted: Sequence[str],
    notes: list[str],
) -> Subject:
    """The challenger as it may be asked: by the predictions that were made out of fold, where it has seen every row."""
    model, _ = model_of(root, store, snapshot, store.manifest(snapshot), trusted, notes)
    return _subject(store, snapshot, rows, model, suite)


def _subject(store: Store, snapshot: str, rows: Rows, model: Any, suite: Suite) -> Subject:
    written = charter(store, snapshot)
    return subject_of(
        rows,
        model=model,
        positive=positive_of(suite, written),
        threshold=written.threshold if written else None,
    )


# -- the verdict -----------------------------------------------------------------------------------------------


def _metric(store: Store, challenger: str, settings: RetrainSettings, one: Subject, other: Subject) -> str:
    if settings.metric:
        found = paired.metric_of(settings.metric, one, other)
        if found is None:
            raise UsageError(
                f"[retrain] metric is {settings.metric!r}, which cannot be computed for these predictions ({one.task})"
            )
        return found
    for kpi in store.manifest(challenger).kpis:
        found = paired.metric_of(kpi.metric, one, other)
        if found is not None:
            return found
    return paired.usual_metric(one, other)


def _judged(
    metric: str, one: Subject, other: Subject, suite: Suite, settings: RetrainSettings, notes: Sequence[str]
) -> Contest:
    before, after, gain = paired.compare(metric, one, other, suite)
    margin = settings.margin * (1.0 if metric in paired.SHARES else abs(float(before)))
    verdict, reason = _standing(metric, before, after, gain, one.rows, margin, settings)
    return Contest(
        metric=metric, higher_is_better=metric not in paired.LOWER, rows=one.rows, champion=_measured(before),
        challenger=_measured(after), gain=_measured(gain), level=suite.level, margin=margin, verdict=verdict,
        reason=reason, notes=tuple(notes),
    )  # fmt: skip


def _standing(
    metric: str,
    before: Estimate,
    after: Estimate,
    gain: Estimate,
    rows: int,
    margin: float,
    settings: RetrainSettings,
) -> tuple[Standing, str]:
    word = "lower" if metric in paired.LOWER else "higher"
    if math.isnan(gain):
        return "too few rows to tell", f"{metric} has no value over these {rows:,} rows"
    said = (
        f"{metric} {float(before):.4g} before, {float(after):.4g} now on {rows:,} rows that are new to both; "
        f"{word} is better, and the gain is {float(gain):.3g} (95 % interval {gain.low:.3g} to {gain.high:.3g})"
    )
    if rows < settings.min_compared:
        return "too few rows to tell", f"{said}; [retrain] min_compared asks for {settings.min_compared} rows"
    if gain.low > 0:
        return "better", said
    if gain.low >= -margin:
        return "no worse", f"{said}; {margin:.3g} worse would still be no worse"
    if gain.high < 0:
        return "worse", said
    return "too few rows to tell", f"{said}: it reaches from worse to better"


def _measured(value: Estimate) -> Measured:
    def plain(part: float) -> float | None:
        return float(part) if math.isfinite(part) else None

    return Measured(value=plain(value), low=plain(value.low), high=plain(value.high))
