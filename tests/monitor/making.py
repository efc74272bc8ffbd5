"""A released model with the rows that it was tested on, and a prediction log that the log's own writer wrote."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from jupyter_mlgov.operate.log import PredictionLog
from jupyter_mlgov.operate.segments import Answered, Header
from jupyter_mlgov.operate.settings import Settings
from jupyter_mlgov.project import FOLDER, Project
from jupyter_mlgov.records.annotations import KpiResult
from jupyter_mlgov.records.assessment import HeldRows
from jupyter_mlgov.store import Store
from tests.operate.making import add_model, fitted

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)
FEATURES = ("income", "debt", "children", "region")


@cache
def _applications(seed: int, rows: int, income: float, rule: str) -> pd.DataFrame:
    """As ``tests.operate.making.loans`` makes them, with incomes moved and, from ``rule``, another relation."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "income": rng.normal(50.0 + income, 10.0, rows).round(3),
            "debt": rng.gamma(2.0, 5.0, rows).round(3),
            "children": rng.integers(0, 5, rows),
            "region": rng.choice(["north", "south", "east"], rows),
        }
    )
    score = table["income"] - table["debt"] + rng.normal(0, 5, rows)
    if rule == "turned":
        score = score - 14 * (table["region"] == "north")
    table["paid"] = (score > 38).astype(int)
    return table


def applications(seed: int, rows: int, *, income: float = 0.0, rule: str = "as before") -> pd.DataFrame:
    return _applications(seed, rows, income, rule).copy()


def parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), buffer)
    return buffer.getvalue()


def released_project(
    folder: Path,
    *,
    kpi: float = 0.8,
    tolerance: float | None = None,
    test_rows: int = 1500,
    metric: str = "accuracy",
    **fields: Any,
) -> Project:
    """A project whose ``credit:production`` is version 1."""
    store = Store.create(folder / FOLDER)
    tested = applications(100, test_rows)
    held = HeldRows(
        role="test", object=store.put(parquet(tested)), rows=test_rows, of_rows=test_rows, layout="table",
        features=FEATURES, truth="paid", classes=(0, 1),
    )  # fmt: skip
    target = KpiResult(metric=metric, op=">=", target=kpi, tolerance=tolerance, value=0.85, met=True)
    add_model(store, rows=(held,), kpis=(target,), metrics={metric: 0.85}, **fields)
    project = Project.open(folder)
    assert project.release("baseline", "credit", "production").release is not None
    return project


def serve(project: Project, table: pd.DataFrame, *, start: int = 0, drop: tuple[str, ...] = ()) -> list[str]:
    """Predicts each row and logs it as the service does, a second apart; the ids of the requests."""
    model = fitted()
    release = project.released("credit:production")
    features = table.drop(columns="paid")
    predicted, scores = model.predict(features), model.predict_proba(features)
    kinds = {"income": "double", "debt": "double", "children": "int64", "region": "string"}
    header = Header(
        model="credit", stage="production", version=release.number, snapshot=release.snapshot,
        inputs=tuple((name, kinds[name]) for name in FEATURES if name not in drop),
        outputs=(("prediction", "int64"), ("probability.0", "double"), ("probability.1", "double")),
    )  # fmt: skip
    log = PredictionLog(project.predictions_folder, Settings())
    rows = []
    for place in range(len(table)):
        at = AT + timedelta(seconds=start + place)
        inputs = {name: [features[name].iloc[place].item() if name != "region" else features[name].iloc[place]]
                  for name in FEATURES if name not in drop}  # fmt: skip
        outputs = {"prediction": [int(predicted[place])], "probability.0": [float(scores[place, 0])],
                   "probability.1": [float(scores[place, 1])]}  # fmt: skip
        rows.append(Answered(id=f"r{start + place:07d}", at=int(at.timestamp() * 1e6), latency=0.001, rows=1, inputs=inputs,
                             outputs=outputs))  # fmt: skip
    log.write(header, rows)
    log.close()
    return [row.id for row in rows]


def add_outcomes(project: Project, ids: list[str], table: pd.DataFrame, folder: Path) -> None:
    file = folder / f"outcomes-{ids[0]}.csv"
    pd.DataFrame({"request_id": ids, "outcome": table["paid"].to_numpy()}).to_csv(file, index=False)
    project.add_outcomes(file)
