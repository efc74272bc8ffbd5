"""The rows that a model is fitted on and tested with are found in what the cells pass on, and kept."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from jupyter_mlgov.capture.looked_up import Unfollowed, value_of
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.capture.tested import passed_on
from jupyter_mlgov.records.annotations import Charter, DeclaredData
from jupyter_mlgov.records.assessment import HeldRows
from jupyter_mlgov.store import Store
from tests.assess.making import record

FIT = "model.fit(X_train, y_train)\n"


@pytest.fixture
def space() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    loans = pd.DataFrame({
        "income": rng.normal(50, 10, 200).round(2),
        "rate": rng.integers(1, 9, 200),
        "sex": rng.choice(["f", "m"], 200),
        "approve": rng.integers(0, 2, 200),
    })  # fmt: skip
    train, test = loans.iloc[:140], loans.iloc[140:]
    features = ["income", "rate"]
    model = LogisticRegression().fit(train[features], train["approve"])
    return {
        "loans": loans,
        "train": train,
        "test": test,
        "features": features,
        "model": model,
        "X_train": train[features],
        "y_train": train["approve"],
        "X_test": test[features],
        "y_test": test["approve"],
        "proba": model.predict_proba(test[features]),
        "said": model.predict(test[features]),
    }


def rows_of(
    tmp_path: Path, space: dict[str, Any], *codes: str, **options: Any
) -> tuple[dict[str, HeldRows], Store, list[Any]]:
    store = Store.create(tmp_path / ".mlgov")
    manifest, lost = record(store, space, *codes, **options)
    return {one.role: one for one in manifest.rows}, store, lost


def table(store: Store, held: HeldRows) -> pd.DataFrame:
    assert held.object is not None
    return pq.read_table(io.BytesIO(store.get(held.object))).to_pandas()


@pytest.mark.parametrize(
    "code",
    [
        "accuracy = model.score(X_test, y_test)",
        "auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])",
        "p = model.predict_proba(X_test)[:, 1]\nauc = metrics.roc_auc_score(y_true=y_test, y_score=p)",
        "said = model.predict(X_test)\naccuracy = (said == y_test).mean()",
        "print(classification_report(y_test, (model.predict_proba(X_test)[:, 1] > 0.3).astype(int)))",
        "model.fit(X_train, y_train).score(X_test, y_test)",
        "RocCurveDisplay.from_estimator(model, X_test, y_test)",
        "train_accuracy = model.score(X_train, y_train)\naccuracy = model.score(X_test, y_test)",
        "accuracy = model.score(X_test, y_test)\ntrain_accuracy = model.score(X_train, y_train)",
        "accuracy = model.score(test[features], test['approve'])",
        "accuracy = model.score(test.drop(columns=['sex', 'approve']), test.approve.values if False else test['approve'])",
    ],
)
def test_the_test_rows_are_found(tmp_path: Path, space: dict[str, Any], code: str):
    held, store, lost = rows_of(tmp_path, space, FIT + code)
    if "if False" in code:
        assert "test" not in held  # more than a name or columns: not followed
        return
    assert lost == []
    assert held["test"].features == ("income", "rate")
    assert held["test"].rows == 60
    kept = table(store, held["test"])
    assert kept["income"].tolist() == space["X_test"]["income"].tolist()
    assert kept[held["test"].truth].tolist() == space["y_test"].tolist()
    assert held["train"].rows == 140
    assert held["test"].classes == (0, 1)


@pytest.mark.parametrize(
    "code",
    [
        "accuracy = other.score(X_test, y_test)",
        "accuracy = model.score(load(), y_test)",
        "scores = cross_val_score(model, X_test, y_test)",
        "accuracy = model.score(X_train, y_train)",
        "this is no python",
    ],
)
def test_what_is_not_the_models_test_is_not_taken_for_it(tmp_path: Path, space: dict[str, Any], code: str):
    held, _, _ = rows_of(tmp_path, space, FIT.strip(), code)
    assert "test" not in held


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_predictions_of_a_cross_validation_are_kept_with_their_rows(
    tmp_path: Path, space: dict[str, Any], method: str
):
    said = cross_val_predict(space["model"], space["X_train"], space["y_train"], method=method)
    space["folded"] = said[:, 1] if said.ndim == 2 else said
    code = (
        f"folded = cross_val_predict(model, X_train, y_train, method={method!r})[..., -1]\n"
        f"{FIT}loss = brier_score_loss(y_train, folded)"
    )
    held, store, lost = rows_of(tmp_path, space, code)
    test = held["test"]
    assert (lost, test.out_of_fold, test.rows, test.model) == ([], True, 140, "model")
    column = test.scores[0] if method == "predict_proba" else test.predicted
    assert table(store, test)[column].tolist() == space["folded"].tolist()


def test_rows_of_a_test_set_are_preferred_where_the_last_metric_is_of_them(
    tmp_path: Path, space: dict[str, Any]
):
    code = "inside = cross_val_predict(model, X_train, y_train)\na = accuracy_score(y_train, inside)\n"
    space["inside"] = space["y_train"].to_numpy()
    held, _, _ = rows_of(tmp_path, space, FIT + code + "b = model.score(X_test, y_test)")
    assert (held["test"].out_of_fold, held["test"].rows) == (False, 60)


def test_the_model_may_be_fitted_in_an_earlier_cell(tmp_path: Path, space: dict[str, Any]):
    held, _, _ = rows_of(tmp_path, space, FIT, "accuracy = model.score(X_test, y_test)")
    assert held["train"].rows == 140
    assert held["test"].evidence == "inferred"


def test_predictions_and_scores_in_variables_are_kept_too(tmp_path: Path, space: dict[str, Any]):
    code = (
        "said = model.predict(X_test)\nproba = model.predict_proba(X_test)\n"
        "accuracy = accuracy_score(y_test, said)\nloss = log_loss(y_test, proba)"
    )
    held, store, _ = rows_of(tmp_path, space, FIT + code)
    kept = table(store, held["test"])
    assert kept[held["test"].predicted].tolist() == space["said"].tolist()
    assert kept[list(held["test"].scores)].to_numpy() == pytest.approx(space["proba"])


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (
            "test['out'] = model.predict_proba(test[features])[:, 1]\nauc = roc_auc_score(test['approve'], test['out'])",
            "score",
        ),
        (
            "test['out'] = model.predict(test[features])\nerror = mean_absolute_error(test['approve'], test['out'])",
            "predicted",
        ),
        (
            'test["out"] = model.predict(test[features])\naccuracy = (test["out"] == test["approve"]).mean()',
            "predicted",
        ),
        (
            "test.loc[:, 'out'] = model.predict_proba(test[features])[:, 1]\nauc = roc_auc_score(test['approve'], test.loc[:, 'out'])",
            "score",
        ),
        (
            "test = test.assign(out=model.predict_proba(test[features])[:, 1])\nauc = roc_auc_score(test.approve, test.out)",
            "score",
        ),
        (
            "test = test.assign(out=lambda d: model.predict(d[features]))\nerror = mean_absolute_error(test['approve'], test['out'])",
            "predicted",
        ),
        (
            "judged = test.assign(seen=1, out=model.predict(test[features]))\naccuracy = accuracy_score(judged.approve, judged.out)",
            "predicted",
        ),
        (
            "test['out'] = model.predict(test.loc[:, features])\naccuracy = (test.out == test.approve).mean()",
            "predicted",
        ),
    ],
)
def test_the_models_answer_may_be_a_column_of_the_test_table(
    tmp_path: Path, space: dict[str, Any], code: str, kind: str
):
    answer = space["proba"][:, 1] if kind == "score" else space["said"]
    space["test"] = space["judged"] = space["test"].assign(out=answer)
    charter = Charter(title="t", test_data=DeclaredData(truth="approve", frame="test", score="out"))
    held, store, lost = rows_of(tmp_path, space, FIT + code, charter=charter)
    test = held["test"]
    assert (lost, test.features, test.rows) == ([], ("income", "rate"), 60)
    kept = table(store, test)
    assert kept["income"].tolist() == space["X_test"]["income"].tolist()
    assert kept[test.scores[0] if kind == "score" else test.predicted].tolist() == answer.tolist()


@pytest.mark.parametrize(
    "code",
    [
        "test['out'] = model.predict(test)\na = accuracy_score(test['approve'], test['out'])",
        "test['rate'] = model.predict(test[features])\na = accuracy_score(test['approve'], test['rate'])",
        "test['out'] = model.predict(test[features])\ntest['rate'] *= 2\na = accuracy_score(test['approve'], test['out'])",
        "out = model.predict(test[features])\na = accuracy_score(test['approve'], out)\ntest[['rate']] = 0",
        "test['out'] = model.predict(test[features])\ntest = load()\na = accuracy_score(test['approve'], test['out'])",
        "test['out'] = model.predict(test[features])\ntest['out'] = 1\na = accuracy_score(test['approve'], test['out'])",
        "test = test.assign(rate=model.predict(test[features]))\na = accuracy_score(test['approve'], test['rate'])",
        "test = test.assign(out=model.predict(test[features]), rate=0)\na = accuracy_score(test['approve'], test['out'])",
        "test.loc[:, 'rate'] = model.predict(test[features])\na = accuracy_score(test['approve'], test['rate'])",
        "test['out'] = model.predict(test[features])\ntest.loc[test.rate > 3, 'rate'] = 0\na = accuracy_score(test['approve'], test['out'])",
        "test['out'] = model.predict(test[features])\ntest.rate = 1\na = accuracy_score(test['approve'], test['out'])",
        "test['out'] = model.predict(test[features])\ntest.loc[3] = 0\na = accuracy_score(test['approve'], test['out'])",
    ],
)
def test_a_table_that_is_not_what_the_model_saw_any_more_is_not_kept(
    tmp_path: Path, space: dict[str, Any], code: str
):
    space["test"] = space["test"].assign(out=space["said"])
    space["out"] = space["said"]
    assert "test" not in rows_of(tmp_path, space, FIT + code)[0]


def test_training_rows_that_were_written_after_the_fit_are_not_kept(tmp_path: Path, space: dict[str, Any]):
    code = "model.fit(train[features], train['approve'])\ntrain['{}'] = 1"
    assert "train" in rows_of(tmp_path / "a", space, code.format("flag"))[0]
    assert "train" not in rows_of(tmp_path / "b", space, code.format("rate"))[0]
    text = code.replace("[features]", "['sex']")
    assert "train" in rows_of(tmp_path / "c", space, text.format("flag"))[0]
    assert "train" not in rows_of(tmp_path / "d", space, text.format("sex"))[0]


def test_the_column_may_be_written_in_an_earlier_cell(tmp_path: Path, space: dict[str, Any]):
    space["test"] = space["test"].assign(out=space["said"])
    cells = (
        FIT,
        "test['out'] = model.predict(test[features])",
        "a = accuracy_score(test['approve'], test['out'])",
    )
    held, store, _ = rows_of(tmp_path, space, *cells)
    assert table(store, held["test"])[held["test"].predicted].tolist() == space["said"].tolist()


def test_columns_may_be_named_by_lists_that_are_joined(tmp_path: Path, space: dict[str, Any]):
    space |= {"num": ["income"], "cat": ["rate"], "shuffled": space["loans"].sample(frac=0.9, random_state=0)}
    code = "model.fit(shuffled[num + cat], shuffled['approve'])\nmodel.score(test[num + ['rate']], test['approve'])"
    held, store, lost = rows_of(tmp_path, space, code)
    assert (lost, held["train"].features, held["train"].rows) == ([], ("income", "rate"), 180)
    assert table(store, held["train"])["income"].tolist() == space["shuffled"]["income"].tolist()
    assert held["test"].features == ("income", "rate")


@pytest.mark.parametrize(
    ("features", "truth"),
    [
        ("loans[[*num, *cat]]", "loans['approve']"),
        ("loans[[*num, 'rate']]", "loans.approve"),
        ("loans[[*numbers, 'rate']]", "loans.approve"),
        ("loans.loc[:, ['income', 'rate']]", "loans.loc[:, 'approve']"),
        ("loans.iloc[:, :2]", "loans.iloc[:, -1]"),
        ("loans.iloc[:, [0, 1]].values", "loans.approve.to_numpy()"),
        ("loans[num + cat].copy()", "loans.pop"),
    ],
)
def test_features_and_truth_are_columns_as_pandas_takes_them(
    tmp_path: Path, space: dict[str, Any], features: str, truth: str
):
    space |= {"num": ["income"], "cat": ("rate",), "numbers": space["loans"][["income"]].columns}
    if truth.endswith("pop"):
        space["cat"], truth = ["rate"], "y_all"
        space["y_all"] = space["loans"]["approve"].copy()
    held, store, lost = rows_of(tmp_path, space, f"model.fit({features}, {truth})")
    assert (lost, held["train"].rows) == ([], 200)
    kept = table(store, held["train"])
    assert kept.iloc[:, :2].to_numpy().tolist() == space["loans"][["income", "rate"]].to_numpy().tolist()


def test_a_column_that_is_called_like_a_method_is_not_taken_for_it(space: dict[str, Any]):
    import ast

    frame = pd.DataFrame({"count": [1], "ok": [2]})
    with pytest.raises(Unfollowed):
        value_of(ast.parse("frame.count", mode="eval").body, {"frame": frame})
    assert value_of(ast.parse("frame.ok", mode="eval").body, {"frame": frame}).tolist() == [2]


def test_named_rows_are_declared_and_a_wrong_name_is_told(tmp_path: Path, space: dict[str, Any]):
    held, _, _ = rows_of(tmp_path, space, "pass", test=("X_test", "y_test", "test"))
    assert held["test"].evidence == "declared"
    assert held["test"].extra == ("sex", "approve")
    _, _, lost = rows_of(tmp_path / "b", space, "pass", test=("X_tset", "y_test"))
    assert "`X_tset` does not exist" in lost[0].message
    _, _, lost = rows_of(tmp_path / "c", space, "pass", test=("X_test", "y_train"))
    assert "140 truth for 60 rows" in lost[0].message


def test_sensitive_columns_come_from_the_table_with_the_same_rows(tmp_path: Path, space: dict[str, Any]):
    held, store, _ = rows_of(tmp_path, space, FIT + "model.score(X_test, y_test)", columns=("sex", "nowhere"))
    assert held["test"].extra == ("sex",)
    assert table(store, held["test"])["sex"].tolist() == space["test"]["sex"].tolist()


def test_the_charters_table_stands_beside_the_rows(tmp_path: Path, space: dict[str, Any]):
    charter = Charter(title="t", test_data=DeclaredData(truth="y_test", frame="test"))
    held, _, _ = rows_of(tmp_path, space, FIT + "model.score(X_test, y_test)", charter=charter)
    assert "sex" in held["test"].extra


def test_of_many_rows_a_sample_is_kept_that_is_the_same_again(tmp_path: Path, space: dict[str, Any]):
    code = FIT + "model.score(X_test, y_test)"
    one, store, _ = rows_of(tmp_path / "a", space, code, limit=600)
    other, _, _ = rows_of(tmp_path / "b", space, code, limit=600)
    assert 0 < one["test"].rows < one["test"].of_rows == 60
    assert one["test"].object == other["test"].object
    assert set(table(store, one["test"])["income"]) < set(space["X_test"]["income"])


def test_rows_with_a_secret_are_not_kept(tmp_path: Path, space: dict[str, Any]):
    space["X_test"] = space["X_test"].assign(note="token ghp_" + "a1B2" * 9)
    held, _, lost = rows_of(tmp_path / "a", space, FIT + "model.score(X_test, y_test)", secrets=Secrets())
    assert held["test"].object is None
    assert "holds a secret" in (held["test"].reason or "")
    assert lost == []  # nobody asked for them: the record says so, and the cell prints nothing
    _, _, lost = rows_of(tmp_path / "b", space, "pass", test=("X_test", "y_test"))
    assert "holds a secret" in lost[0].message


def test_what_the_inputs_look_like_is_learnt_from_the_training_rows(tmp_path: Path, space: dict[str, Any]):
    space["X_train"] = space["X_train"].assign(sex=space["train"]["sex"])
    space["X_train"].iloc[0, 0] = np.nan
    store = Store.create(tmp_path / ".mlgov")
    schema = record(store, space, FIT + "model.score(X_test, y_test)")[0].inputs_schema
    assert schema is not None
    assert schema.role == "train"
    income, rate, sex = schema.features
    assert (income.kind, rate.kind, sex.kind) == ("number", "integer", "category")
    assert income.low == space["X_train"]["income"].min()
    assert income.missing == pytest.approx(1 / 140)
    assert sex.categories == ("f", "m")


def test_nothing_of_the_users_is_called_to_look_something_up(space: dict[str, Any]):
    class Trap:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

        def __getitem__(self, key: object) -> Any:
            raise AssertionError("asked for a part")

    import ast

    for text in ("trap['x']", "trap.drop(columns='x')", "trap.values", "load()"):
        with pytest.raises(Unfollowed):
            value_of(ast.parse(text, mode="eval").body, {**space, "trap": Trap()})


def test_a_cell_that_does_not_parse_counts_as_empty():
    assert passed_on("model.fit(", "x = ").tests == []
