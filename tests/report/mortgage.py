"""What the sample record says: cells, outputs, charter and risks of a mortgage model, with plausible numbers."""

from __future__ import annotations

import base64
import io
from functools import cache
from typing import Any

from jupyter_mlgov.records.annotations import Charter, Check, CheckTerm, Kpi, Risk

COLUMNS = (
    ("occ", "int64"),
    ("loanamt", "int64"),
    ("action", "int64"),
    ("msa", "int64"),
    ("suffolk", "int64"),
    ("appinc", "int64"),
    ("typur", "int64"),
    ("unit", "float64"),
    ("married", "float64"),
    ("dep", "float64"),
    ("emp", "float64"),
    ("yjob", "float64"),
    ("obrat", "float64"),
    ("hrat", "float64"),
    ("cons", "int64"),
    ("black", "int64"),
    ("hispan", "int64"),
    ("male", "float64"),
    ("approve", "int64"),
    ("loanprc", "float64"),
)

CELLS: list[tuple[str, str]] = [
    ("markdown", "# Mortgage approval\n\nWho is declined, and why?"),
    (
        "code",
        "%load_ext jupyter_mlgov\nimport pandas as pd\nfrom sklearn.linear_model import LogisticRegression",
    ),
    ("code", "# %%charter\ntitle: Mortgage pre-approval"),
    (
        "code",
        'df = pd.read_csv("data/loanapp.csv")\nbranches = pd.read_parquet("data/branches/")\n'
        "df = df.dropna(subset=features)\ndf.head()",
    ),
    (
        "code",
        'features = ["obrat", "loanprc", "cons", "hrat", "unem"]\nX = df[features]\ny = df["approve"]\n'
        "X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)",
    ),
    (
        "code",
        '# %%experiment mortgage-baseline --seed 0 --kpi "auc >= 0.80"\nC = 0.5\nthreshold = 0.62\n'
        "clf = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=500))\n"
        "clf.fit(X_train, y_train)\n"
        "scores = clf.predict_proba(X_test)[:, 1]\n"
        "auc = roc_auc_score(y_test, scores)\n"
        "recall_declined = recall_score(y_test, scores > threshold, pos_label=0)\n"
        "brier = brier_score_loss(y_test, scores)\n"
        "approval_gap = (scores[white] > threshold).mean() - (scores[~white] > threshold).mean()\n"
        "roc_curve(y_test, scores)",
    ),
    ("code", "import shap\nshap.plots.beeswarm(explanation)"),
    ("code", "# %%risk unequal-approval\nsituation: ..."),
]

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
    top = f'<thead><tr style="text-align: right;">{head}</tr></thead>'
    table = f'<table border="1" class="dataframe">{top}<tbody>{rows}</tbody></table>'
    return f"<div>{style}{table}<p>5 rows × 5 columns</p></div>"


def outputs() -> dict[int, list[dict[str, Any]]]:
    progress = "".join(f"\rfold {i}/5" for i in range(1, 6))
    return {
        3: [
            {
                "output_type": "execute_result",
                "execution_count": 3,
                "metadata": {},
                "data": {"text/html": table_html(), "text/plain": "   obrat  loanprc\n0   30.0    0.610"},
            }
        ],
        5: [
            {
                "output_type": "stream",
                "name": "stdout",
                "text": f"{progress}\nfitted on 1,380 applications, tested on 592\n",
            },
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {"image/png": png(), "text/plain": "<Figure size 880x374 with 2 Axes>"},
            },
        ],
        6: [
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {
                    "image/png": png(),
                    "text/plain": "SHAP values of the five features, most important first",
                },
            },
            {
                "output_type": "stream",
                "name": "stderr",
                "text": "\x1b[33mUserWarning: 17 rows were dropped\x1b[0m\n",
            },
        ],
    }


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
        Kpi(
            metric="recall_declined",
            op=">=",
            target=0.6,
            split="test",
            description="Declined applications that the model sends to an underwriter",
        ),
        Kpi(
            metric="approval_gap",
            op="<=",
            target=0.05,
            description="Difference of approval rates between white and non-white applicants",
        ),
        Kpi(metric="latency_ms", op="<=", target=50),
    ),
)

RISKS = (
    Risk(
        id="unequal-approval",
        severity="critical",
        likelihood="medium",
        status="open",
        cell=7,
        situation="Credit-worthy applicants of a minority are sent to an underwriter more often than others "
        "with the same figures.",
        effect="Unequal treatment, which the Equal Credit Opportunity Act forbids; loss of trust.",
        mitigation="Compare approval errors between the groups before every release, and adjust the threshold.",
        owner="Fair lending office",
        review_by="2027-03-31",
        tags=("fairness", "legal"),
        detection="Monthly comparison of approval rates by group",
        check=Check(
            expression="approval_gap <= 0.05",
            passed=False,
            duration_s=0.004,
            terms=(
                CheckTerm(expression="approval_gap", value=0.0871934),
                CheckTerm(expression="n_minority", value=117),
            ),
        ),
    ),
    Risk(
        id="thin-slice",
        severity="high",
        likelihood="medium",
        status="mitigated",
        cell=7,
        situation="Loans above 300,000 $ are rare in the training data, so their scores say little.",
        effect="Wrong decisions for the largest loans.",
        mitigation="Every loan above 300,000 $ goes to an underwriter.",
        owner="Credit risk",
        tags=("data",),
        review_by="2026-06-30",
        check=Check(
            expression="(X_test.loanamt > 300).sum() < 30 or recall_large > 0.5",
            passed=True,
            duration_s=0.012,
            terms=(CheckTerm(expression="(X_test.loanamt > 300).sum()", value=22),),
        ),
    ),
    Risk(
        id="stale-economy",
        severity="high",
        likelihood="high",
        status="accepted",
        cell=7,
        situation="The applications are from 1990; interest rates and incomes have changed since.",
        effect="The scores are systematically too high or too low.",
        mitigation=None,
        owner="Head of lending",
        tags=("data", "operation"),
    ),
    Risk(
        id="proxy-for-race",
        severity="medium",
        likelihood="medium",
        status="open",
        cell=7,
        source="markdown",
        situation="The neighbourhood's share of vacant houses stands in for race.",
        effect="Indirect discrimination.",
        mitigation="Leave the feature out",
        owner=None,
        check=Check(
            expression="abs(corr('vacant', 'black')) < 0.2", error="NameError: name 'corr' is not defined"
        ),
    ),
    Risk(
        id="threshold-copied",
        severity="low",
        likelihood="low",
        status="closed",
        cell=7,
        situation="Somebody copies the threshold 0.62 into another system.",
        effect="Drifts apart.",
        mitigation="The threshold is read from the model",
        owner="Platform",
        check=Check(
            expression="threshold == 0.62",
            passed=True,
            terms=(CheckTerm(expression="threshold", value=0.62),),
        ),
    ),
)

PACKAGES = {
    "blake3": "1.0.8",
    "certifi": "2026.10.5",
    "joblib": "1.5.2",
    "jupyterlab": "4.6.6",
    "matplotlib": "3.10.8",
    "numpy": "2.4.6",
    "pandas": "3.1.0",
    "pyarrow": "22.0.0",
    "scikit-learn": "1.9.0",
    "scipy": "1.17.1",
    "shap": "0.51.0",
    "tornado": "6.5.5",
    "traitlets": "5.14.3",
    "urllib3": "2.6.1",
}
