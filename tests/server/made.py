"""Snapshots that are written straight through the store: no kernel is needed to try the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Charter, Check, KpiResult, Risk
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import (
    Caution,
    CellRecord,
    Code,
    Column,
    Environment,
    Input,
    Manifest,
    Model,
    Notebook,
)
from jupyter_mlgov.records.verdict import CellComparison, Comparison, Finding

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


def snapshot(
    project: Project, *, experiment: str = "baseline", notebook: str = "loans.ipynb", **facts: Any
) -> str:
    """Commits one snapshot with something in every part; ``facts`` replace fields. Gives its id."""
    store = project.store
    environment = Environment(
        python="3.11.7", platform="Linux-x86_64", packages={"numpy": "2.4.6", "pandas": "3.1.1"}
    )
    names = store.put_all([canonical(environment), b"x = 1", b"{}"])
    manifest = Manifest(
        experiment=experiment,
        created_at="2026-11-23T10:00:00Z",
        environment=names[0],
        notebook=Notebook(
            path=notebook,
            order="linear",
            document=names[2],
            cells=(
                CellRecord(
                    index=0, id="a", type="code", source=names[1], execution_count=1, runs=1, status="ok"
                ),
            ),
        ),
        message="first try",
        parameters={"C": 0.1},
        metrics={"auc": 0.8312, "accuracy": 0.79},
        inputs=(
            Input(
                uri="data/loans.csv",
                digest="blake3:" + "ab" * 32,
                bytes=120_000,
                rows=1989,
                columns=(Column(name="income", dtype="float64", digest="blake3:" + "cd" * 32),),
                cell=0,
            ),
            Input(uri="data/secret.bin", digest=None, evidence="observed", reason="permission denied"),
        ),
        models=(
            Model(
                name="clf",
                class_="sklearn.linear_model.LogisticRegression",
                parameters={"C": 0.1},
                digest=None,
            ),
        ),
        code=Code(commit="1" * 40, branch="main", dirty=True),
        charter=Charter(title="Mortgage approval"),
        kpis=(
            KpiResult(metric="auc", op=">=", target=0.8, value=0.8312, met=True),
            KpiResult(metric="accuracy", op=">=", target=0.85, value=0.79, met=False),
            KpiResult(metric="recall", op=">=", target=0.5),
        ),
        risks=(
            Risk(
                id="unequal-error",
                situation="Approval errors differ between groups",
                severity="high",
                likelihood="medium",
                check=Check(expression="gap < 0.05", passed=False),
            ),
            Risk(
                id="thin-slice",
                situation="Few large loans in the data",
                severity="medium",
                likelihood="low",
                status="mitigated",
                check=Check(expression="n_large > 30", passed=True),
            ),
            Risk(id="drift", situation="Rates change", severity="low", likelihood="high"),
        ),
        warnings=(Caution(code="hidden-state.order", message="cell 4 ran before cell 3"),),
    )
    if (record := facts.pop("notebook_record", None)) is not None:
        facts["notebook"] = record
    manifest = msgspec.structs.replace(manifest, **facts)
    return store.commit(manifest).subject


def comparison(baseline: str, candidate: str | None = None) -> Comparison:
    """A verdict with one finding."""
    return Comparison(
        baseline=baseline,
        candidate=candidate,
        verdict="diverged",
        findings=(
            Finding(
                cause="data.values",
                subject="data/loans.csv",
                columns=("income",),
                cell=0,
                message="3 values of income in data/loans.csv are not what they were.",
                remedy="Restore the file, or take a new snapshot.",
                confirmed=True,
            ),
        ),
        cells=(CellComparison(index=0, status="different"),),
        runs=2,
        duration_s=4.2,
    )


def reran(project: Project, baseline: str) -> None:
    """Writes a rerun's verdict on the ledger."""
    told = comparison(baseline)
    digest = project.store.put(canonical(told))
    project.store.append(
        "rerun", baseline, {"verdict": told.verdict, "candidate": told.candidate, "comparison": digest}
    )


def project_at(root: Path) -> Project:
    """A project in ``root`` with a notebook in it."""
    (root / "loans.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    return Project.open(root, create=True)
