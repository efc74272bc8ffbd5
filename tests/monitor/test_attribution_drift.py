"""Attribution drift on real models: which features a model rests on can change while no column does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_mlgov.assess.run import reference_attributions
from jupyter_mlgov.hashing.estimators import save_model
from jupyter_mlgov.operate.log import PredictionLog
from jupyter_mlgov.operate.segments import Answered, Header
from jupyter_mlgov.operate.settings import Settings
from jupyter_mlgov.project import FOLDER, Project
from jupyter_mlgov.records.assessment import HeldRows
from jupyter_mlgov.records.manifest import Model
from jupyter_mlgov.store import Store
from tests.monitor.making import AT, parquet
from tests.operate.making import add_model

FEATURES = ("income", "debt", "salaried")
QUICK = '[assess]\ntests = ["explanations"]\n'


def people(seed: int, rows: int, *, paired: bool = False) -> pd.DataFrame:
    """Whether a loan is paid back depends on the income of who is salaried, and on the debt of who is not. ``paired``: the
    same columns put together otherwise, so that those who are salaried have the unusual incomes, and those who are not the
    usual debts. No column's distribution changes."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "income": rng.normal(0, 1, rows), "debt": rng.normal(0, 1, rows), "salaried": rng.integers(0, 2, rows).astype(float)
    })  # fmt: skip
    if paired:
        table = table.sort_values("salaried", ascending=False).reset_index(drop=True)
        for name in ("income", "debt"):
            table[name] = sorted(table[name], key=abs, reverse=True)
        table = table.sample(frac=1, random_state=seed).reset_index(drop=True)
    signal = np.where(table["salaried"] == 1, table["income"], -table["debt"])
    table["paid"] = (rng.random(rows) < 1 / (1 + np.exp(-3 * signal))).astype(int)
    return table


def fitted(kind: str) -> Any:
    table = people(0, 2000)
    model = (
        GradientBoostingClassifier(max_depth=3, n_estimators=60, random_state=0)
        if kind == "trees"
        else make_pipeline(StandardScaler(), LogisticRegression())
    )
    return model.fit(table[list(FEATURES)], table["paid"])


def released(folder: Path, model: Any, *, out_of_fold: bool = False) -> Project:
    """``credit:production`` is ``model``, assessed: its attributions are signed off."""
    store = Store.create(folder / FOLDER)
    (folder / "mlgov.toml").write_text(QUICK)
    data, reason = save_model(model)
    assert data is not None, reason
    held = []
    for role, seed in (("train", 0), ("test", 1)):
        table = people(seed, 800)
        predicted: dict[str, Any] = {}
        if out_of_fold and role == "test":
            table["score"] = model.predict_proba(table[list(FEATURES)])[:, 1]
            predicted = {"scores": ("score",), "out_of_fold": True}
        held.append(
            HeldRows(role=role, object=store.put(parquet(table)), rows=800, of_rows=800, features=FEATURES, truth="paid",
                     classes=(0, 1), model="clf", **predicted)
        )  # fmt: skip
    kept = Model(name="clf", class_=type(model).__name__, parameters={}, digest=store.put(data), object=store.put(data),
                 primary=True)  # fmt: skip
    add_model(store, models=(kept,), rows=tuple(held), inputs_schema=None)
    project = Project.open(folder)
    project.assess("baseline")
    assert project.release("baseline", "credit", "production").release is not None
    return project


def log(project: Project, model: Any, table: pd.DataFrame, start: int) -> None:
    """Predicts and logs each row as the service does."""
    release = project.released("credit:production")
    scores = model.predict_proba(table[list(FEATURES)])
    header = Header(
        model="credit", stage="production", version=release.number, snapshot=release.snapshot,
        inputs=tuple((name, "double") for name in FEATURES),
        outputs=(("prediction", "int64"), ("probability.0", "double"), ("probability.1", "double")),
    )  # fmt: skip
    writer = PredictionLog(project.predictions_folder, Settings())
    rows = []
    for place in range(len(table)):
        at = AT + timedelta(seconds=start + place)
        rows.append(
            Answered(
                id=f"r{start + place:07d}", at=int(at.timestamp() * 1e6), latency=0.001, rows=1,
                inputs={name: [float(table[name].iloc[place])] for name in FEATURES},
                outputs={"prediction": [int(scores[place, 1] >= 0.5)], "probability.0": [float(scores[place, 0])],
                         "probability.1": [float(scores[place, 1])]},
            )
        )  # fmt: skip
    writer.write(header, rows)
    writer.close()


@pytest.mark.parametrize("out_of_fold", [False, True])
def test_a_model_that_rests_on_other_features_is_found_though_no_column_moved(
    tmp_path: Path, out_of_fold: bool
) -> None:
    model = fitted("trees")
    project = released(tmp_path, model, out_of_fold=out_of_fold)
    found = reference_attributions(project.store, project.resolve("baseline"))
    assert found is not None and found.explainer == "Tree"
    log(project, model, people(7, 800, paired=True), 0)
    told = project.monitor("credit:production")
    (drift,) = told.attributions
    assert drift.tell == "drift"
    assert drift.current_rows == 200
    assert {one.tell for one in told.columns if one.role == "feature"} <= {"steady", "unknown"}
    assert told.decision == "watch"
    assert any("rests on other features" in reason for reason in told.reasons)


@pytest.mark.parametrize("kind", ["trees", "linear"])
def test_rows_like_those_before_give_no_alarm(tmp_path: Path, kind: str) -> None:
    model = fitted(kind)
    project = released(tmp_path, model)
    alarms = 0
    for run in range(8):
        log(project, model, people(100 + run, 300), run * 1000)
        since = (AT + timedelta(seconds=run * 1000)).isoformat()
        (drift,) = project.monitor("credit:production", since=since, record=False).attributions
        alarms += drift.tell == "drift"
    assert alarms == 0


def test_what_is_not_explained_is_said(tmp_path: Path) -> None:
    model = fitted("linear")
    project = released(tmp_path, model)
    log(project, model, people(7, 300), 0)
    (tmp_path / "mlgov.toml").write_text(QUICK + "[monitor]\nexplained_rows = 0\n")
    told = project.monitor("credit:production", record=False)
    assert told.attributions == ()
    assert any("explain the log-odds" in note for note in told.notes)


def test_predictions_out_of_fold_are_tested_and_the_kept_model_is_explained(tmp_path: Path) -> None:
    project = released(tmp_path, fitted("linear"), out_of_fold=True)
    made = project.assess("baseline")
    assert made.from_predictions
    assert made.attributions is not None
    assert any("what is explained is the kept model" in note for note in made.notes)
    assert [one.verdict for one in made.results if one.id == "explanations.additivity"] == ["pass"]
