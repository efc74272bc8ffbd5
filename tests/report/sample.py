"""A rich record to report on, made through the store: four snapshots of a mortgage model, with plausible numbers.

The record is data only: nothing here trains a model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec

from jupyter_mlgov.records.annotations import Charter, Check, CheckTerm, Risk, SliceValue
from jupyter_mlgov.records.assessment import Assessment, TestResult
from jupyter_mlgov.records.canonical import canonical, digest
from jupyter_mlgov.records.manifest import (
    Caution,
    CellRecord,
    Code,
    Column,
    Environment,
    Frame,
    Input,
    JournalEntry,
    Manifest,
    Member,
    Model,
    Module,
    Notebook,
)
from jupyter_mlgov.records.verdict import CellComparison, Comparison, Finding, ValueComparison
from jupyter_mlgov.store import Store
from tests.report.mortgage import CELLS, CHARTER, COLUMNS, DIFF, PACKAGES, RISKS, outputs
from tests.store.making import add_snapshot


@dataclass
class Sample:
    """A store with one experiment of several snapshots; ``id`` is the newest."""

    store: Store
    id: str
    ids: list[str] = field(default_factory=list)


def name(text: str) -> str:
    """A plausible digest."""
    return digest(text.encode())


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%SZ")


def put_json(store: Store, value: Any) -> str:
    return store.put(json.dumps(value).encode())


def manifest(store: Store, *, created_at: str | None = None, **changes: Any) -> Manifest:
    """The sample's manifest with its objects in ``store``; ``changes`` replace fields."""
    shown = outputs()
    sources = [store.put(source.encode()) for _, source in CELLS]
    cells = tuple(
        CellRecord(
            index=index,
            id=f"cell-{index}",
            type=cast("Any", kind),
            source=sources[index],
            execution_count=index if kind == "code" else None,
            runs=1 if kind == "code" else 0,
            duration_s=0.02 * (index + 1) if kind == "code" else None,
            status="ok" if kind == "code" else "not-run",
            outputs=put_json(store, shown[index]) if index in shown else None,
        )
        for index, (kind, _) in enumerate(CELLS)
    )
    journal = tuple(
        JournalEntry(index=index, source=sources[index], execution_count=index, status="ok")
        for index, (kind, _) in enumerate(CELLS)
        if kind == "code"
    )
    columns = tuple(Column(name=one, dtype=dtype, digest=name(one)) for one, dtype in COLUMNS)
    five = columns[12:17]
    environment = Environment(
        python="3.11.7",
        platform="Linux-6.1.0-amd64-x86_64-with-glibc2.36",
        packages=PACKAGES,
        imported=("joblib", "matplotlib", "numpy", "pandas", "scikit-learn", "scipy", "shap"),
        variables={"TZ": "UTC", "PYTHONHASHSEED": "0", "LOAN_DATA": None},
        details={"implementation": "CPython", "cpus": 2},
    )
    from jupyter_mlgov.governance.kpis import judge

    metrics = changes.pop(
        "metrics",
        {"auc": 0.7841573, "recall_declined": 0.6411, "brier": 0.0923018, "approval_gap": 0.0871934},
    )
    fields: dict[str, Any] = {
        "experiment": "mortgage-baseline",
        "created_at": created_at or ago(hours=2),
        "author": "Ada Lovelace",
        "message": "Regularised, threshold from the business case",
        "cell": 5,
        "notebook": Notebook(
            path="notebooks/mortgage.ipynb",
            order="linear",
            document=store.put(b'{"cells": []}'),
            cells=cells,
            journal=journal,
        ),
        "parameters": {"C": 0.5, "threshold": 0.62},
        "metrics": metrics,
        "series": {"loss": tuple((float(i), 0.7 * 0.9**i + 0.31) for i in range(40))},
        "tolerances": {"auc": 0.001},
        "seed": 0,
        "inputs": (
            Input(
                uri="data/loanapp.csv",
                digest=store.put(b"the bytes of loanapp.csv"),
                bytes=212_442,
                rows=1989,
                columns=columns,
                cell=3,
                kept=True,
            ),
            Input(
                uri="data/branches/",
                digest=name("branches"),
                bytes=8_211,
                rows=41,
                evidence="observed",
                cell=3,
                columns=columns[:3],
                members=tuple(Member(path=f"part-{i}.parquet", digest=name(f"part-{i}")) for i in range(2)),
            ),
            Input(
                uri="postgresql://credit/rates",
                digest=None,
                evidence="observed",
                cell=3,
                query="select day, rate from rates where day > '1990-01-01'",
                reason="the server gives no stable bytes",
            ),
        ),
        "frames": (
            Frame(name="df", type="pandas.DataFrame", digest=name("df"), rows=1972, columns=columns),
            Frame(name="branches", type="pandas.DataFrame", digest=name("b"), rows=41, columns=columns[:3]),
            Frame(name="X", type="pandas.DataFrame", digest=name("X"), rows=1972, columns=five),
            Frame(name="y", type="pandas.Series", digest=name("y"), rows=1972, shape=(1972,)),
            Frame(name="X_train", type="pandas.DataFrame", digest=name("Xtr"), rows=1380, columns=five),
            Frame(name="X_test", type="pandas.DataFrame", digest=name("Xte"), rows=592, columns=five),
            Frame(name="y_train", type="pandas.Series", digest=name("ytr"), rows=1380, shape=(1380,)),
            Frame(name="y_test", type="pandas.Series", digest=name("yte"), rows=592, shape=(592,)),
            Frame(name="scores", type="numpy.ndarray", digest=name("s"), rows=592, shape=(592,)),
        ),
        "models": (
            Model(
                name="clf",
                class_="sklearn.pipeline.Pipeline",
                digest=name("clf"),
                object=None,
                primary=True,
                parameters={
                    "logisticregression__C": 0.5,
                    "logisticregression__max_iter": 500,
                    "logisticregression__class_weight": None,
                    "standardscaler__with_mean": True,
                },
            ),
        ),
        "code": Code(
            commit="4be19d0c2c3f7a5d8e1b6a90f2d7c4e5a6b7c8d9",
            branch="main",
            dirty=True,
            remote="git@example.org:credit/mortgage.git",
            diff=store.put(DIFF.encode()),
            modules=(Module(path="mortgage/features.py", digest=name("features")),),
        ),
        "environment": store.put(canonical(environment)),
        "charter": CHARTER,
        "kpis": judge(CHARTER.kpis, metrics),
        "risks": RISKS,
        "warnings": (
            Caution(
                code="hidden-state.repeated-run",
                cell=3,
                message="cell 4 changes `df` and ran 2 times: a run from top to bottom changes it once",
            ),
        ),
    }
    return Manifest(**{**fields, **changes})


def add_rerun(store: Store, snapshot: str, comparison: Comparison) -> None:
    body = {
        "verdict": comparison.verdict,
        "candidate": comparison.candidate,
        "comparison": store.put(canonical(comparison)),
    }
    store.append("rerun", snapshot, body, author="Ada Lovelace")


def comparison(snapshot: str, **changes: Any) -> Comparison:
    fields: dict[str, Any] = {
        "baseline": snapshot,
        "candidate": name("candidate").removeprefix("blake3:"),
        "verdict": "diverged",
        "runs": 2,
        "duration_s": 41.7,
        "findings": (
            Finding(
                cause="data.values",
                subject="data/loanapp.csv",
                columns=("appinc", "obrat"),
                cell=3,
                variable="df",
                message="data/loanapp.csv has other values than at the snapshot: 14 of 1,989 rows differ in "
                "appinc and obrat.",
                remedy="restore the recorded file (mlgov show names its digest), or accept the new data with a new snapshot",
                confirmed=True,
            ),
            Finding(
                cause="environment.package",
                subject="scikit-learn",
                message="scikit-learn is 1.9.1 and was 1.9.0 at the snapshot.",
                remedy="pip install scikit-learn==1.9.0, or rerun --as-recorded",
                confirmed=False,
            ),
        ),
        "cells": (
            *(CellComparison(index=i, status="same") for i in (1, 2, 4, 7)),
            CellComparison(index=3, status="different", note="the table shows other values in 2 columns"),
            CellComparison(
                index=5, status="different", note="auc differs; the image differs in 3 % of its pixels"
            ),
            CellComparison(index=6, status="noise", note="a memory address in the text"),
        ),
        "values": (
            ValueComparison(
                kind="metric",
                name="auc",
                baseline=0.7841573,
                candidate=0.7799021,
                status="different",
                tolerance=0.001,
            ),
            ValueComparison(
                kind="metric", name="brier", baseline=0.0923018, candidate=0.0923018, status="same"
            ),
            ValueComparison(
                kind="metric", name="recall_declined", baseline=0.6411, candidate=0.6389, status="different"
            ),
            ValueComparison(
                kind="frame", name="df", baseline=name("df"), candidate=name("df2"), status="different"
            ),
            ValueComparison(
                kind="model", name="clf", baseline=name("clf"), candidate=name("clf2"), status="different"
            ),
        ),
    }
    return Comparison(**{**fields, **changes})


def rich(folder: Path) -> Sample:
    """Four snapshots; the newest was rerun twice (diverged last) and rejected by nobody."""
    store = Store.create(folder)
    ids = []
    past = ((0.742, 0.55, 0.101, 0.121), (0.761, 0.602, 0.0962, 0.098), (0.779, 0.633, 0.0941, 0.091))
    for place, (auc, recall, brier, gap) in enumerate(past):
        metrics = {"auc": auc, "recall_declined": recall, "brier": brier, "approval_gap": gap}
        ids.append(
            store.commit(manifest(store, created_at=ago(days=20 - 6 * place), metrics=metrics)).subject
        )
    add_rerun(store, ids[-1], comparison(ids[-1], verdict="equivalent", findings=()))
    ids.append(store.commit(manifest(store, parent=ids[-1])).subject)
    first = comparison(ids[-1], verdict="equivalent", findings=(), cells=(), values=())
    add_rerun(store, ids[-1], first)
    add_rerun(store, ids[-1], comparison(ids[-1]))
    body = {
        "name": "Grace Hopper",
        "role": "model validator",
        "decision": "approved",
        "message": "Approved for the pilot in two branches, until the gap between groups is below 5 points.",
    }
    store.append("approval", ids[-1], body)
    return Sample(store, ids[-1], ids)


def good(folder: Path) -> Sample:
    """One snapshot with nothing wrong: every KPI met, every check passing, reproduced, approved, clean."""
    store = Store.create(folder)
    risks = tuple(
        msgspec.structs.replace(
            one,
            check=Check(
                expression="approval_gap <= 0.05",
                passed=True,
                terms=(CheckTerm(expression="approval_gap", value=0.031),),
            ),
            mitigation=one.mitigation or "Retrained every quarter",
            owner=one.owner or "Credit risk",
            review_by="2999-01-01",
        )
        for one in RISKS
    )
    metrics = {
        "auc": 0.8123,
        "recall_declined": 0.68,
        "brier": 0.0881,
        "approval_gap": 0.031,
        "latency_ms": 11.2,
    }
    made = manifest(store, metrics=metrics, risks=risks, warnings=())
    charter = msgspec.structs.replace(CHARTER, stop_criteria="Retire it when the gap exceeds 10 points.")
    made = msgspec.structs.replace(
        made,
        inputs=made.inputs[:1],
        code=msgspec.structs.replace(made.code, dirty=False, diff=None),
        charter=charter,
    )
    made_id = store.commit(made).subject
    add_rerun(
        store,
        made_id,
        comparison(
            made_id,
            verdict="reproduced",
            findings=(),
            values=(),
            cells=tuple(CellComparison(index=i, status="same") for i in range(1, 8)),
        ),
    )
    store.append(
        "approval",
        made_id,
        {"name": "Grace Hopper", "role": "validator", "decision": "approved", "message": "Good."},
    )
    assessed = Assessment(
        snapshot=made_id,
        suite="blake3:" + "5" * 64,
        task="binary",
        data="blake3:" + "6" * 64,
        rows=500,
        results=(
            TestResult(
                id="performance.baseline",
                group="performance",
                question="Is it better than a model that looks at nothing?",
                value=0.31,
                low=0.27,
                high=0.35,
                op=">",
                threshold=0.0,
                verdict="pass",
                rows=500,
            ),
        ),
    )
    store.append("assessment", made_id, {"assessment": store.put(canonical(assessed))})
    return Sample(store, made_id, [made_id])


def bare(folder: Path) -> Sample:
    """A snapshot of a cell that computed nothing, with no annotation, outside git."""
    store = Store.create(folder)
    source = store.put(b"x = 1")
    environment = store.put(canonical(Environment(python="3.11.7", platform="Linux", packages={})))
    made = Manifest(
        experiment="try",
        created_at=ago(minutes=3),
        environment=environment,
        cell=0,
        notebook=Notebook(
            path="try.ipynb",
            order="linear",
            document=store.put(b"{}"),
            cells=(CellRecord(index=0, id="a", type="code", source=source, runs=1, status="ok"),),
        ),
    )
    made_id = store.commit(made).subject
    return Sample(store, made_id, [made_id])


EVIL = "<script>alert(1)</script>\n---\nx: |\n`a` [b](javascript:alert(1)) ../../etc/passwd\x00\x1b[31m\ud800"


def strange(folder: Path) -> Sample:
    """Every text a stranger can write is hostile."""
    store = Store.create(folder)
    one = SliceValue(
        measure="recall", where=EVIL, value="NaN", low=0.0, high=1.0, rows=3, cases=0, needed=30, enough=False
    )
    risk = Risk(
        id=EVIL, situation=EVIL, severity="high", likelihood="low", mitigation=EVIL, effect=EVIL, residual_risk=EVIL,
        tags=("fairness",), check=Check(expression=EVIL, slices=(one,)),
    )  # fmt: skip
    made = add_snapshot(
        store,
        author=EVIL,
        path="../../x.ipynb",
        parameters={"../../up": EVIL, "..": 1, "": None, "a/b": True},
        metrics={"../../up": 0.5, "nan": float("nan"), "inf": float("inf"), "text": "x"},
        charter=Charter(title=EVIL, owner=EVIL, intended_use=EVIL, users=EVIL),
        risks=(risk,),
        inputs=(
            Input(uri=EVIL, digest=None, reason=EVIL),
            Input(uri="a.csv", digest="blake3:" + "0" * 64, rows=3),
        ),
        models=(Model(name=EVIL, class_=EVIL, parameters={}, digest=None),),
    )
    return Sample(store, made, [made])
