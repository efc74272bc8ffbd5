"""The attributions of logged predictions, found as those were that were signed off: the same model, explainer, background
and budget. So two sides that are alike look alike, whatever was asked for with each prediction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from jupyter_mlgov.assess.explain import explain_rows
from jupyter_mlgov.assess.run import held, positive_of
from jupyter_mlgov.assess.subject import Subject, read_rows, subject_of
from jupyter_mlgov.assess.suite import Suite, read_suite
from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.governance.register import charter
from jupyter_mlgov.monitor.examine import Explained
from jupyter_mlgov.monitor.sides import INPUT
from jupyter_mlgov.records.assessment import Attributions

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from jupyter_mlgov.store import Store


def explain_log(
    root: Path,
    store: Store,
    snapshot: str,
    model: Any,
    log: pa.Table,
    found: Attributions,
    rows: int,
    notes: list[str],
) -> Explained | None:
    """SHAP values of at most ``rows`` rows, evenly spread over the log. None with a note where they cannot be compared with
    ``found``, the reference attributions of ``snapshot``, whose model is ``model``."""
    try:
        suite = msgspec.structs.replace(
            read_suite(root), seed=found.seed, background_rows=max(found.background, 1)
        )
        subject = _subject(store, snapshot, model, suite)
        names = list(subject.test.held.features)
        lacking = [name for name in names if f"{INPUT}{name}" not in log.column_names]
        if lacking:
            notes.append(f"attributions are not compared: {lacking[0]} is not logged")
            return None
        made = explain_rows(subject, _rows(log, names, subject.test.features, rows), suite)
    except MlgovError as error:
        notes.append(f"attributions are not compared: {error}")
        return None
    except Exception as error:  # noqa: BLE001 - SHAP or the model may refuse rows that it has never seen
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        notes.append(f"attributions are not compared: the logged rows could not be explained ({said})")
        return None
    if (made.explainer, made.output, made.link) != (found.explainer, found.output, found.link):
        notes.append(
            f"attributions are not compared: the logged rows' explain the {made.output}, not the {found.output}"
        )
        return None
    return Explained(tuple(map(str, names)), made.values)


def _subject(store: Store, snapshot: str, model: Any, suite: Suite) -> Subject:
    manifest = store.manifest(snapshot)
    test, train = held(manifest, "test"), held(manifest, "train")
    assert test is not None
    if test.out_of_fold:
        train = None
    written = charter(store, snapshot)
    return subject_of(
        read_rows(store, test),
        model=model,
        train=read_rows(store, train) if train is not None and train.object is not None else None,
        positive=positive_of(suite, written),
        threshold=written.threshold if written else None,
    )


def _rows(log: pa.Table, names: list[str], like: pd.DataFrame, wanted: int) -> pd.DataFrame:
    """Rows of the log as the model takes them: the reference's columns with its types."""
    places = np.unique(np.linspace(0, log.num_rows - 1, min(wanted, log.num_rows)).astype(int))
    chosen = log.select([f"{INPUT}{name}" for name in names]).take(places).to_pandas()
    chosen.columns = like.columns
    made = {}
    for name in like.columns:
        values = chosen[name]
        # Whole numbers with a missing value are floats, and stay that.
        whole = like[name].dtype.kind in "iu" and values.isna().any()
        made[name] = values if whole else values.astype(like[name].dtype)
    import pandas as pd

    return pd.DataFrame(made)
