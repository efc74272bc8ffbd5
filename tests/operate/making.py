"""A project with a model that may be released: a real classifier, fitted on a table that the store keeps."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jupyter_mlgov.hashing.estimators import save_model
from jupyter_mlgov.hashing.frames import describe_frame
from jupyter_mlgov.project import FOLDER, Project
from jupyter_mlgov.records.assessment import Feature, HeldRows, InputSchema
from jupyter_mlgov.records.manifest import Column, Frame, Input, Manifest, Model
from jupyter_mlgov.store import Store
from tests.store.making import make_manifest


@cache
def loans(rows: int = 400) -> pd.DataFrame:
    """Loan applications: two numbers, a whole number, a category, and whether the loan was paid back."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "income": rng.normal(50.0, 10.0, rows).round(3),
            "debt": rng.gamma(2.0, 5.0, rows).round(3),
            "children": rng.integers(0, 5, rows),
            "region": rng.choice(["north", "south", "east"], rows),
        }
    )
    table["paid"] = (table["income"] - table["debt"] + rng.normal(0, 5, rows) > 38).astype(int)
    return table


@cache
def fitted(c: float = 1.0) -> Any:
    """A pipeline on the four columns of :func:`loans`."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    prepare = make_column_transformer(
        (StandardScaler(), ["income", "debt", "children"]), (OneHotEncoder(), ["region"])
    )
    table = loans()
    return make_pipeline(prepare, LogisticRegression(C=c)).fit(table.drop(columns="paid"), table["paid"])


@cache
def saved(c: float = 1.0) -> bytes:
    data, reason = save_model(fitted(c))
    assert data is not None, reason
    return data


SCHEMA = InputSchema(
    layout="table",
    features=(
        Feature(name="income", kind="number", dtype="float64", low=20.0, high=80.0),
        Feature(name="debt", kind="number", dtype="float64", low=0.0, high=60.0, missing=0.0),
        Feature(name="children", kind="integer", dtype="int64", low=0.0, high=4.0),
        Feature(name="region", kind="category", dtype="str", categories=("east", "north", "south")),
    ),
    rows=400,
    role="train",
)
"""What the model learnt of its inputs."""


def held_rows(store: Store) -> HeldRows:
    """Test rows, kept in the store as an assessment keeps them."""
    rows = io.BytesIO()
    table = loans()
    table.to_parquet(rows, index=False)
    return HeldRows(
        role="test", object=store.put(rows.getvalue()), rows=len(table), of_rows=len(table),
        features=tuple(table.columns[:-1]), truth="paid", model="clf",
    )  # fmt: skip


def model_manifest(store: Store, *, c: float = 1.0, **fields: Any) -> Manifest:
    """The manifest of an experiment that fitted :func:`fitted` on ``loans.csv``."""
    table = loans()
    csv = table.to_csv(index=False).encode()
    model, data = store.put_all([saved(c), csv])
    features = table.drop(columns="paid")
    one = describe_frame(features)
    assert one is not None and one.columns is not None
    columns = tuple(
        Column(name=column.name, dtype=column.dtype, digest=column.digest) for column in one.columns
    )
    standard: dict[str, Any] = {
        "rows": (held_rows(store),),
        "inputs_schema": SCHEMA,
        "message": f"C={c}",
        "models": (
            Model(name="clf", class_="sklearn.pipeline.Pipeline", parameters={"C": c}, digest=model, object=model,
                  primary=True),
        ),
        "frames": (
            Frame(name="X", type="pandas.DataFrame", digest=one.digest, rows=len(features), columns=columns),
        ),
        "inputs": (
            Input(uri="loans.csv", digest=data, bytes=len(csv), rows=len(table), columns=columns, kept=True),
        ),
    }  # fmt: skip
    return make_manifest(store, **{**standard, **fields})


def add_model(store: Store, *, reproduced: bool = True, **fields: Any) -> str:
    """Commits :func:`model_manifest`; its id. With ``reproduced`` the gate is open."""
    made = store.commit(model_manifest(store, **fields)).subject
    if reproduced:
        store.append("rerun", made, {"verdict": "reproduced", "candidate": None, "comparison": None})
    return made


def make_project(folder: Path, **fields: Any) -> Project:
    """A project in ``folder`` with one snapshot whose gate is open."""
    add_model(Store.create(folder / FOLDER), **fields)
    return Project.open(folder)
