"""A tabular competition: LightGBM with early stopping, categories, a dumped encoder, a submission file."""

from __future__ import annotations

from tests.faults.reproducibility.fault import Fault, Folder, Subject, drawn

CELLS = (
    "import warnings\nwarnings.filterwarnings('ignore')\nimport joblib\nimport lightgbm as lgb\nimport numpy as np\nimport pandas as pd\n"
    "from sklearn.metrics import roc_auc_score\nfrom sklearn.model_selection import train_test_split",
    "class CFG:\n    seed = 42\n    rounds = 60\n    features = ['age', 'fee', 'calls', 'plan']",
    "train = pd.read_csv('input/train.csv')\ntest = pd.read_csv('input/test.csv')\nfor df in (train, test):\n    df['plan'] = df['plan'].astype('category')\n"
    "print(train.shape, test.shape)\ntrain.head()",
    "scaler = joblib.load('input/scaler.joblib')\nfor df in (train, test):\n    df['fee'] = (df['fee'] - scaler['mean']) / scaler['std']",
    "train.groupby('plan', observed=True)['churn'].agg(['mean', 'count'])",
    "X_tr, X_va, y_tr, y_va = train_test_split(train[CFG.features], train['churn'], test_size=0.25, random_state=CFG.seed, stratify=train['churn'])",
    "%%experiment churn -m 'leaves 7' --kpi \"auc >= 0.6\"\nmodel = lgb.LGBMClassifier(n_estimators=CFG.rounds, num_leaves=7, learning_rate=0.1, subsample=0.8, subsample_freq=1, random_state=CFG.seed, n_jobs=1)\n"
    "model.fit(X_tr, y_tr, eval_set=[(X_va, y_va)], eval_metric='auc', callbacks=[lgb.early_stopping(10), lgb.log_evaluation(10)])\n"
    "auc = roc_auc_score(y_va, model.predict_proba(X_va)[:, 1])\nprint(f'valid auc: {auc:.5f} at {model.best_iteration_}')",
    "submission = pd.DataFrame({'id': test['id'], 'churn': model.predict_proba(test[CFG.features])[:, 1]})\nsubmission.to_csv('submission.csv', index=False)\nsubmission.head()",
    "ax = lgb.plot_importance(model, figsize=(4, 2))",
)
PLANS = ("basic", "family", "pro")


def make(folder: Folder) -> None:
    def row(number: int, n: list[float]) -> str:
        plan = PLANS[int(3 * n[3])]
        churn = int(0.5 * n[1] + 0.3 * n[2] + 0.2 * n[4] + 0.1 * (plan == "basic") > 0.55)
        return f"{number},{18 + int(60 * n[0])},{round(10 + 50 * n[1], 2)},{int(9 * n[2])},{plan},{churn}"

    def rows(seed: int, count: int) -> list[str]:
        return [
            line.rpartition(";")[2]
            for line in drawn(seed, count, *([lambda *_: ""] * 4), lambda r, n: f";{row(r, n)}")
        ]

    folder.write("input/train.csv", "\n".join(["id,age,fee,calls,plan,churn", *rows(21, 300)]) + "\n")
    test = [line.rpartition(",")[0] for line in rows(22, 40)]
    folder.write("input/test.csv", "\n".join(["id,age,fee,calls,plan", *test]) + "\n")
    _dump(folder, 35.0)


def _dump(folder: Folder, mean: float) -> None:
    import joblib

    joblib.dump({"mean": mean, "std": 14.5}, folder.path / "input/scaler.joblib")


def _ages(rows: list[str]) -> list[str]:
    for place in range(0, len(rows), 9):
        number, age, rest = rows[place].split(",", 2)
        rows[place] = f"{number},{100 - int(age)},{rest}"
    return rows


TRAIN, TEST = "input/train.csv", "input/test.csv"
SUBJECT = Subject(
    name="churn",
    what="a competition with boosting",
    make=make,
    cells=CELLS,
    general=("every cell formatted",),
    faults=(
        Fault("value in the test set", "data.values", TEST, after=lambda f: f.lines(TEST, _ages), columns=("age",), cell=2, variable="test"),
        Fault("dumped model changed", "data.values", "input/scaler.joblib", after=lambda f: _dump(f, 33.0), cell=3),
        Fault("dumped model written anew", after=lambda f: _dump(f, 35.0)),
        Fault("boosting without a seed", written=lambda f: (f.edit(", random_state=CFG.seed, n_jobs=1", ", n_jobs=1"))),
        Fault("configuration edited", "code.cell", "analysis.ipynb", after=lambda f: f.edit("rounds = 60", "rounds = 5"), cell=1),
        Fault("uuid in the output", written=lambda f: f.edit("train.groupby", "import uuid\nprint('run', uuid.uuid4())\nprint(f'short {uuid.uuid4().hex}')\ntrain.groupby")),
        Fault("cell run twice", "hidden-state.repeated-run", "train", session=(0, 1, 2, 3, 3, 4, 5, 6, 7, 8), cell=3),
    ),
)  # fmt: skip
