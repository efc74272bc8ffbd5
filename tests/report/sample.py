"""A rich record to report on, made through the store: four snapshots of a mortgage model, with plausible numbers.

The record is data only: nothing here trains a model.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mlgov.records.annotations import Charter, Check, CheckTerm, Kpi, Risk
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

COLUMNS = (
    ("occ", "int64"), ("loanamt", "int64"), ("action", "int64"), ("msa", "int64"), ("suffolk", "int64"),
    ("appinc", "int64"), ("typur", "int64"), ("unit", "float64"), ("married", "float64"), ("dep", "float64"),
    ("emp", "float64"), ("yjob", "float64"), ("obrat", "float64"), ("hrat", "float64"), ("cons", "int64"),
    ("black", "int64"), ("hispan", "int64"), ("male", "float64"), ("approve", "int64"), ("loanprc", "float64"),
)  # fmt: skip

CELLS: list[tuple[str, str]] = [
    ("markdown", "# Mortgage approval\n\nWho is declined, and why?"),
    ("code", "%load_ext jupyter_mlgov\nimport pandas as pd\nfrom sklearn.linear_model import LogisticRegression"),
    ("code", "# %%charter\ntitle: Mortgage pre-approval"),
    ("code", 'df = pd.read_csv("data/loanapp.csv")\nbranches = pd.read_parquet("data/branches/")\n'
             'df = df.dropna(subset=features)\ndf.head()'),
    ("code", 'features = ["obrat", "loanprc", "cons", "hrat", "unem"]\nX = df[features]\ny = df["approve"]\n'
             "X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)"),
    ("code", "# %%experiment mortgage-baseline --seed 0 --kpi \"auc >= 0.80\"\nC = 0.5\nthreshold = 0.62\n"
             'clf = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=500))\n'
             "clf.fit(X_train, y_train)\n"
             "scores = clf.predict_proba(X_test)[:, 1]\n"
             "auc = roc_auc_score(y_test, scores)\n"
             "recall_declined = recall_score(y_test, scores > threshold, pos_label=0)\n"
             "brier = brier_score_loss(y_test, scores)\n"
             "approval_gap = (scores[white] > threshold).mean() - (scores[~white] > threshold).mean()\n"
             "roc_curve(y_test, scores)"),
    ("code", "import shap\nshap.plots.beeswarm(explanation)"),
    ("code", "# %%risk unequal-approval\nsituation: ..."),
]  # fmt: skip

DIFF = """diff --git a/mortgage/features.py b/mortgage/features.py
index 3f2a1c0..9b7e4d2 100644
--- a/mortgage/features.py
+++ b/mortgage/features.py
@@ -8,7 +8,8 @@ def ratios(df):
     df = df.copy()
-    df["loan_to_income"] = df.loanamt / df.appinc
+    # appinc is zero for two applications
+    df["loan_to_income"] = df.loanamt / df.appinc.clip(lower=1)
     return df
"""


@cache
def png() -> str:
    """A ROC curve drawn with matplotlib, base64."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained", dpi=110)
    steps = [i / 60 for i in range(61)]
    axes[0].plot(steps, [1 - (1 - x) ** 3.6 for x in steps], color="#0b57a4", lw=2)
    axes[0].plot([0, 1], [0, 1], color="#999", lw=1, ls="--")
    axes[0].set(title="ROC curve, AUC = 0.784", xlabel="False positive rate", ylabel="True positive rate")
    axes[1].hist(
        [0.6 + 0.35 * (1 - (i / 400) ** 2) for i in range(400)], bins=24, color="#0b57a4", alpha=0.75
    )
    axes[1].axvline(0.62, color="#a61b1b", lw=1.5)
    axes[1].set(title="Scores and threshold", xlabel="P(approve)")
    data = io.BytesIO()
    figure.savefig(data, format="png")
    plt.close(figure)
    return base64.b64encode(data.getvalue()).decode("ascii")


def table_html() -> str:
    rows = "".join(
        f"<tr><th>{i}</th><td>{30 + i * 3.7:.1f}</td><td>{0.61 + i * 0.07:.3f}</td><td>{i % 3 + 1}</td><td>1</td></tr>"
        for i in range(5)
    )
    head = "".join(f"<th>{name}</th>" for name in ("", "obrat", "loanprc", "cons", "approve"))
    style = "<style scoped>.dataframe tbody tr th {vertical-align: top;}</style>"
    return f'<div>{style}<table border="1" class="dataframe"><thead><tr style="text-align: right;">{head}</tr></thead><tbody>{rows}</tbody></table><p>5 rows × 5 columns</p></div>'


def outputs() -> dict[int, list[dict[str, Any]]]:
    progress = "".join(f"\rfold {i}/5" for i in range(1, 6))
    return {
        3: [{"output_type": "execute_result", "execution_count": 3, "metadata": {},
             "data": {"text/html": table_html(), "text/plain": "   obrat  loanprc\n0   30.0    0.610"}}],
        5: [
            {"output_type": "stream", "name": "stdout", "text": f"{progress}\nfitted on 1,380 applications, tested on 592\n"},
            {"output_type": "display_data", "metadata": {},
             "data": {"image/png": png(), "text/plain": "<Figure size 880x374 with 2 Axes>"}},
        ],
        6: [{"output_type": "display_data", "metadata": {},
             "data": {"image/png": png(), "text/plain": "SHAP values of the five features, most important first"}},
            {"output_type": "stream", "name": "stderr", "text": "\x1b[33mUserWarning: 17 rows were dropped\x1b[0m\n"}],
    }  # fmt: skip


CHARTER = Charter(
    title="Mortgage pre-approval",
    owner="Credit risk, retail lending (Ada Lovelace)",
    business_case="A correct early decision saves 45 minutes of an underwriter's time (about 60 €). An applicant "
    "who is wrongly declined is lost to a competitor (about 2,400 € of margin); one who is wrongly approved costs "
    "more only later, because an underwriter looks at every approval.",
    intended_use="Sorts mortgage applications of private persons into 'likely to be approved' and 'needs an "
    "underwriter'. It declines nobody.",
    users="Underwriters of the Boston branches",
    out_of_scope="Commercial property, refinancing, and applicants outside Massachusetts.",
    feasibility="1,989 decided applications with income ratios and credit history are at hand.",
    kpis=(
        Kpi(metric="auc", op=">=", target=0.75, split="test"),
        Kpi(metric="recall_declined", op=">=", target=0.6, split="test",
            description="Declined applications that the model sends to an underwriter"),
        Kpi(metric="approval_gap", op="<=", target=0.05,
            description="Difference of approval rates between white and non-white applicants"),
        Kpi(metric="latency_ms", op="<=", target=50),
    ),
)  # fmt: skip

RISKS = (
    Risk(
        id="unequal-approval", severity="critical", likelihood="medium", status="open", cell=7,
        situation="Credit-worthy applicants of a minority are sent to an underwriter more often than others with the same figures.",
        effect="Unequal treatment, which the Equal Credit Opportunity Act forbids; loss of trust.",
        mitigation="Compare approval errors between the groups before every release, and adjust the threshold.",
        owner="Fair lending office", review_by="2027-03-31", tags=("fairness", "legal"),
        detection="Monthly comparison of approval rates by group",
        check=Check(
            expression="approval_gap <= 0.05", passed=False, duration_s=0.004,
            terms=(CheckTerm(expression="approval_gap", value=0.0871934), CheckTerm(expression="n_minority", value=117)),
        ),
    ),
    Risk(
        id="thin-slice", severity="high", likelihood="medium", status="mitigated", cell=7,
        situation="Loans above 300,000 $ are rare in the training data, so their scores say little.",
        effect="Wrong decisions for the largest loans.", mitigation="Every loan above 300,000 $ goes to an underwriter.",
        owner="Credit risk", tags=("data",), review_by="2026-06-30",
        check=Check(expression="(X_test.loanamt > 300).sum() < 30 or recall_large > 0.5", passed=True, duration_s=0.012,
                    terms=(CheckTerm(expression="(X_test.loanamt > 300).sum()", value=22),)),
    ),
    Risk(
        id="stale-economy", severity="high", likelihood="high", status="accepted", cell=7,
        situation="The applications are from 1990; interest rates and incomes have changed since.",
        effect="The scores are systematically too high or too low.",
        mitigation=None, owner="Head of lending", tags=("data", "operation"),
    ),
    Risk(
        id="proxy-for-race", severity="medium", likelihood="medium", status="open", cell=7, source="markdown",
        situation="The neighbourhood's share of vacant houses stands in for race.",
        effect="Indirect discrimination.", mitigation="Leave the feature out", owner=None,
        check=Check(expression="abs(corr('vacant', 'black')) < 0.2", error="NameError: name 'corr' is not defined"),
    ),
    Risk(
        id="threshold-copied", severity="low", likelihood="low", status="closed", cell=7,
        situation="Somebody copies the threshold 0.62 into another system.", effect="Drifts apart.",
        mitigation="The threshold is read from the model", owner="Platform",
        check=Check(expression="threshold == 0.62", passed=True, terms=(CheckTerm(expression="threshold", value=0.62),)),
    ),
)  # fmt: skip

PACKAGES = {
    "blake3": "1.0.8", "certifi": "2026.10.5", "joblib": "1.5.2", "jupyterlab": "4.6.6", "matplotlib": "3.10.8", "numpy": "2.4.6",
    "pandas": "3.1.0", "pyarrow": "22.0.0", "scikit-learn": "1.9.0", "scipy": "1.17.1", "shap": "0.51.0", "tornado": "6.5.5",
    "traitlets": "5.14.3", "urllib3": "2.6.1",
}  # fmt: skip


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
            index=index, id=f"cell-{index}", type=kind, source=sources[index],  # type: ignore[arg-type]
            execution_count=index if kind == "code" else None, runs=1 if kind == "code" else 0,
            duration_s=0.02 * (index + 1) if kind == "code" else None,
            status="ok" if kind == "code" else "not-run",
            outputs=put_json(store, shown[index]) if index in shown else None,
        )
        for index, (kind, _) in enumerate(CELLS)
    )  # fmt: skip
    journal = tuple(
        JournalEntry(index=index, source=sources[index], execution_count=index, status="ok")
        for index, (kind, _) in enumerate(CELLS)
        if kind == "code"
    )
    columns = tuple(Column(name=one, dtype=dtype, digest=name(one)) for one, dtype in COLUMNS)
    five = columns[12:17]
    environment = Environment(
        python="3.11.7", platform="Linux-6.1.0-amd64-x86_64-with-glibc2.36", packages=PACKAGES,
        imported=("joblib", "matplotlib", "numpy", "pandas", "scikit-learn", "scipy", "shap"),
        variables={"TZ": "UTC", "PYTHONHASHSEED": "0", "LOAN_DATA": None}, details={"implementation": "CPython", "cpus": 2},
    )  # fmt: skip
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
            path="notebooks/mortgage.ipynb", order="linear", document=store.put(b'{"cells": []}'),
            cells=cells, journal=journal,
        ),
        "parameters": {"C": 0.5, "threshold": 0.62},
        "metrics": metrics,
        "series": {"loss": tuple((float(i), 0.7 * 0.9**i + 0.31) for i in range(40))},
        "tolerances": {"auc": 0.001},
        "seed": 0,
        "inputs": (
            Input(uri="data/loanapp.csv", digest=store.put(b"the bytes of loanapp.csv"), bytes=212_442, rows=1989, columns=columns, cell=3, kept=True),
            Input(uri="data/branches/", digest=name("branches"), bytes=8_211, rows=41, evidence="observed", cell=3,
                  columns=columns[:3], members=tuple(Member(path=f"part-{i}.parquet", digest=name(f"part-{i}")) for i in range(2))),
            Input(uri="postgresql://credit/rates", digest=None, evidence="observed", cell=3,
                  query="select day, rate from rates where day > '1990-01-01'", reason="the server gives no stable bytes"),
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
            Model(name="clf", class_="sklearn.pipeline.Pipeline", digest=name("clf"), object=None, primary=True,
                  parameters={"logisticregression__C": 0.5, "logisticregression__max_iter": 500,
                              "logisticregression__class_weight": None, "standardscaler__with_mean": True}),
        ),
        "code": Code(
            commit="4be19d0c2c3f7a5d8e1b6a90f2d7c4e5a6b7c8d9", branch="main", dirty=True, remote="git@example.org:credit/mortgage.git",
            diff=store.put(DIFF.encode()), modules=(Module(path="mortgage/features.py", digest=name("features")),),
        ),
        "environment": store.put(canonical(environment)),
        "charter": CHARTER,
        "kpis": judge(CHARTER.kpis, metrics),
        "risks": RISKS,
        "warnings": (
            Caution(code="hidden-state.repeated-run", cell=3, message="cell 3 changes `df` and ran 2 times: a run from top to bottom changes it once"),
        ),
    }  # fmt: skip
    return Manifest(**{**fields, **changes})


def add_rerun(store: Store, id: str, comparison: Comparison) -> None:
    body = {
        "verdict": comparison.verdict,
        "candidate": comparison.candidate,
        "comparison": store.put(canonical(comparison)),
    }
    store.append("rerun", id, body, author="Ada Lovelace")


def comparison(id: str, **changes: Any) -> Comparison:
    fields: dict[str, Any] = {
        "baseline": id,
        "candidate": name("candidate").removeprefix("blake3:"),
        "verdict": "diverged",
        "runs": 2,
        "duration_s": 41.7,
        "findings": (
            Finding(cause="data.values", subject="data/loanapp.csv", columns=("appinc", "obrat"), cell=3, variable="df",
                    message="data/loanapp.csv has other values than at the snapshot: 14 of 1,989 rows differ in appinc and obrat.",
                    remedy="restore the recorded file (mlgov show names its digest), or accept the new data with a new snapshot", confirmed=True),
            Finding(cause="environment.package", subject="scikit-learn",
                    message="scikit-learn is 1.9.1 and was 1.9.0 at the snapshot.",
                    remedy="pip install scikit-learn==1.9.0, or rerun --as-recorded", confirmed=False),
        ),
        "cells": (
            *(CellComparison(index=i, status="same") for i in (1, 2, 4, 7)),
            CellComparison(index=3, status="different", note="the table shows other values in 2 columns"),
            CellComparison(index=5, status="different", note="auc differs; the image differs in 3 % of its pixels"),
            CellComparison(index=6, status="noise", note="a memory address in the text"),
        ),
        "values": (
            ValueComparison(kind="metric", name="auc", baseline=0.7841573, candidate=0.7799021, status="different", tolerance=0.001),
            ValueComparison(kind="metric", name="brier", baseline=0.0923018, candidate=0.0923018, status="same"),
            ValueComparison(kind="metric", name="recall_declined", baseline=0.6411, candidate=0.6389, status="different"),
            ValueComparison(kind="frame", name="df", baseline=name("df"), candidate=name("df2"), status="different"),
            ValueComparison(kind="model", name="clf", baseline=name("clf"), candidate=name("clf2"), status="different"),
        ),
    }  # fmt: skip
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
    body = {"name": "Grace Hopper", "role": "model validator", "decision": "approved",
            "message": "Approved for the pilot in two branches, until the gap between groups is below 5 points."}  # fmt: skip
    store.append("approval", ids[-1], body)
    return Sample(store, ids[-1], ids)


def good(folder: Path) -> Sample:
    """One snapshot with nothing wrong: every KPI met, every check passing, reproduced, approved, clean."""
    store = Store.create(folder)
    risks = tuple(
        msgspec.structs.replace(
            one,
            check=Check(expression="approval_gap <= 0.05", passed=True, terms=(CheckTerm(expression="approval_gap", value=0.031),)),
            mitigation=one.mitigation or "Retrained every quarter", owner=one.owner or "Credit risk", review_by="2999-01-01",
        )
        for one in RISKS
    )  # fmt: skip
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
    id = store.commit(made).subject
    add_rerun(store, id, comparison(id, verdict="reproduced", findings=(), values=(), cells=tuple(
        CellComparison(index=i, status="same") for i in range(1, 8))))  # fmt: skip
    store.append(
        "approval",
        id,
        {"name": "Grace Hopper", "role": "validator", "decision": "approved", "message": "Good."},
    )
    return Sample(store, id, [id])


def bare(folder: Path) -> Sample:
    """A snapshot of a cell that computed nothing, with no annotation, outside git."""
    store = Store.create(folder)
    source = store.put(b"x = 1")
    environment = store.put(canonical(Environment(python="3.11.7", platform="Linux", packages={})))
    made = Manifest(
        experiment="try", created_at=ago(minutes=3), environment=environment, cell=0,
        notebook=Notebook(path="try.ipynb", order="linear", document=store.put(b"{}"),
                          cells=(CellRecord(index=0, id="a", type="code", source=source, runs=1, status="ok"),)),
    )  # fmt: skip
    id = store.commit(made).subject
    return Sample(store, id, [id])
