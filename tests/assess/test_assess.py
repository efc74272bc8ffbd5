"""A snapshot's model is tested and explained on the rows that were kept with it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from jupyter_mlgov.assess.junit import junit
from jupyter_mlgov.assess.run import assess, reference_attributions
from jupyter_mlgov.errors import Blocked, UsageError
from jupyter_mlgov.governance.assessed import newest_assessment
from jupyter_mlgov.governance.kpis import parse_kpi
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Charter
from jupyter_mlgov.records.assessment import Assessment
from jupyter_mlgov.verbs import Answer, call
from tests.assess.making import find, project, record, with_suite

CANCER = load_breast_cancer(return_X_y=True, as_frame=True)


def split(X: Any, y: Any, model: Any) -> dict[str, Any]:
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    return {
        "model": model.fit(X_train, y_train),
        "X_train": X_train,
        "X_test": X_test,
        "y_train": y_train,
        "y_test": y_test,
    }


def assessed(
    folder: Path, namespace: dict[str, Any], *codes: str, suite: Any = None, **options: Any
) -> Assessment:
    held = project(folder)
    manifest, lost = record(held.store, namespace, *codes, **options)
    assert lost == []
    snapshot = held.store.commit(manifest).subject
    made = assess(held.root, held.store, snapshot, suite or with_suite())
    assert held.store.fsck() == []
    assert newest_assessment(held.store, snapshot) == made
    return made


@pytest.fixture(scope="module")
def cancer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, str, Assessment]:
    held = project(tmp_path_factory.mktemp("cancer"))
    model = make_pipeline(StandardScaler(), LogisticRegression())
    charter = Charter(
        title="t", kpis=(parse_kpi("auc >= 0.95"), parse_kpi("recall >= 0.999"), parse_kpi("profit > 1"))
    )
    manifest, _ = record(held.store, split(*CANCER, model), charter=charter)
    snapshot = held.store.commit(manifest).subject
    return held, snapshot, assess(held.root, held.store, snapshot, with_suite())


def test_kpis_are_judged_on_the_kept_rows_with_an_interval(cancer):
    _, _, made = cancer
    X_train, X_test, y_train, y_test = train_test_split(*CANCER, random_state=0)
    from sklearn.metrics import roc_auc_score

    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)
    auc = find(made, "performance.kpi:auc")
    assert auc.value == pytest.approx(roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]))
    assert auc.verdict == "pass"
    assert auc.low < auc.value < auc.high
    assert auc.rows == len(y_test)
    assert find(made, "performance.kpi:recall").verdict == "fail"
    own = find(made, "performance.kpi:profit")
    assert own.verdict == "not-applicable"
    assert "notebook's own metric" in own.reason


def test_every_group_of_tests_has_an_answer(cancer):
    _, _, made = cancer
    from jupyter_mlgov.assess.catalogue import GROUPS

    assert {one.group for one in made.results} == set(GROUPS)
    assert made.notes == ()
    assert all(one.reason for one in made.results if one.verdict == "not-applicable")


def test_the_same_model_rows_and_settings_are_not_computed_again(cancer, monkeypatch):
    held, snapshot, made = cancer
    monkeypatch.setattr("jupyter_mlgov.assess.run._assessed", lambda *_: pytest.fail("computed again"))
    again = assess(held.root, held.store, snapshot, with_suite())
    assert again == made


def test_show_gives_the_assessment_beside_the_manifest(cancer):
    held, snapshot, made = cancer
    shown = held.show(snapshot)["assessment"]
    assert shown["counts"] == made.counts()
    assert shown["counts"]["fail"] >= 1
    assert len(shown["results"]) == len(made.results)
    json.dumps(shown, allow_nan=False)


def test_junit_has_a_case_for_each_test_and_never_passes_what_could_not_be_told(cancer):
    _, _, made = cancer
    suite = ET.fromstring(junit(made, "cancer@1"))[0]
    assert suite.get("failures") == str(made.counts()["fail"])
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert len(cases) == len(made.results)
    assert cases["performance.kpi:recall"].find("failure") is not None
    assert cases["performance.kpi:profit"].find("skipped") is not None


@pytest.mark.parametrize("group", ["shift", "explanations"])
def test_a_group_of_tests_that_raises_is_an_answer_and_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("no\nrows")

    held = project(tmp_path, f"[gate]\nassess = ['all']\n[assess]\ntests = ['{group}', 'leakage']\n")
    manifest, _ = record(held.store, split(*CANCER, make_pipeline(StandardScaler(), LogisticRegression())))
    snapshot = held.store.commit(manifest).subject
    where = "shift.shift" if group == "shift" else "explain.explain"
    monkeypatch.setattr(f"jupyter_mlgov.assess.{where}", fails)
    answer = call(["assess", snapshot], folder=held.root)
    assert isinstance(answer, Answer)
    assert answer.status == 1
    one = find(answer.value, group)
    assert (one.verdict, one.reason) == ("error", "it raised ZeroDivisionError: no rows")
    suite = ET.fromstring(junit(answer.value, "cancer@1"))[0]
    assert suite.get("errors") == "1"
    assert suite.find(f"testcase[@name='{group}']/error") is not None
    rule = next(rule for rule in held.gate(snapshot).rules if rule.rule == "assess all")
    assert not rule.passed
    assert f"{group}: could not be tested: it raised ZeroDivisionError" in rule.reason
    assert "could not be tested" in held.report_html(snapshot)
    (held.root / "mlgov.toml").write_text("[gate]\nassess = ['leakage']\n")
    rule = next(rule for rule in held.gate(snapshot).rules if rule.rule == "assess leakage")
    assert "by other settings than [assess] has now" in rule.reason


def test_results_that_a_bundle_brought_are_not_taken_for_results_of_here(
    cancer: tuple[Project, str, Assessment], tmp_path: Path
) -> None:
    held, snapshot, made = cancer
    held.export(snapshot, tmp_path / "x.mlgov")
    there = project(tmp_path / "there")
    there.import_bundle(tmp_path / "x.mlgov", there.root)
    assert newest_assessment(there.store, snapshot) is not None
    again = assess(there.root, there.store, snapshot, with_suite(), trusted=["sklearn.pipeline.Pipeline"])
    assert again.duration_s != made.duration_s
    assert again.results[0].value == made.results[0].value
    once_more = assess(there.root, there.store, snapshot, with_suite())
    assert once_more == again


def test_other_settings_keep_the_explanations(cancer, monkeypatch):
    held, snapshot, made = cancer
    monkeypatch.setattr("jupyter_mlgov.assess.explain.explain", lambda *_: pytest.fail("explained again"))
    again = assess(held.root, held.store, snapshot, with_suite(tests=("explanations",), slices=("1 > 0",)))
    assert again.attributions == made.attributions
    assert again.suite != made.suite


def test_several_classes_from_an_array(tmp_path: Path):
    suite = with_suite(tests=("performance", "robustness", "shift"))
    made = assessed(
        tmp_path, split(*load_iris(return_X_y=True), LogisticRegression(max_iter=1000)), suite=suite
    )
    assert made.task == "multiclass"
    assert find(made, "performance.baseline").verdict == "pass"
    columns = find(made, "robustness.columns")
    assert columns.verdict == "fail"
    assert "knows no names" in columns.reason


def test_numbers(tmp_path: Path):
    made = assessed(tmp_path, split(*load_diabetes(return_X_y=True, as_frame=True), Ridge(0.1)))
    assert made.task == "regression"
    assert find(made, "performance.measure:mae").verdict == "measured"
    assert find(made, "performance.baseline").verdict == "pass"
    assert find(made, "calibration.mean").value >= 0


def test_what_a_cross_validation_predicted_is_tested_and_not_what_the_model_says_of_rows_it_has_seen(
    tmp_path: Path,
):
    X, y = CANCER
    model = DecisionTreeClassifier(random_state=0)
    proba = cross_val_predict(model, X, y, method="predict_proba")[:, 1]
    space = {"model": model.fit(X, y), "X": X, "y": y, "proba": proba}
    code = (
        "proba = cross_val_predict(model, X, y, method='predict_proba')[:, 1]\nmodel.fit(X, y)\n"
        "auc = roc_auc_score(y, proba)"
    )
    made = assessed(tmp_path, space, code)
    assert made.from_predictions and "cross-validation" in made.notes[0]
    assert find(made, "performance.measure:auc").value == pytest.approx(roc_auc_score(y, proba))
    shared = find(made, "leakage.shared_rows")
    assert shared.verdict == "not-applicable" and "fitted on the others" in shared.reason


def test_stored_predictions_are_enough(tmp_path: Path):
    space = split(*CANCER, make_pipeline(StandardScaler(), LogisticRegression()))
    space["proba"] = space["model"].predict_proba(space["X_test"])[:, 1]
    space["said"] = space["model"].predict(space["X_test"])
    code = (
        "model.fit(X_train, y_train)\nproba = model.predict_proba(X_test)[:, 1]\nsaid = model.predict(X_test)\n"
        "auc = roc_auc_score(y_test, proba)\naccuracy = accuracy_score(y_test, said)"
    )
    made = assessed(tmp_path, space, code, kept_model=False)
    assert made.from_predictions
    assert made.model is None
    assert "stored predictions" in made.notes[0]
    assert find(made, "performance.measure:accuracy").value == pytest.approx(
        (space["said"] == space["y_test"]).mean()
    )
    assert find(made, "performance.measure:auc").value > 0.98
    assert find(made, "robustness.noise").verdict == "not-applicable"
    assert made.attributions is None


def test_a_model_that_differs_from_what_the_notebook_predicted_is_found(tmp_path: Path):
    space = split(*CANCER, make_pipeline(StandardScaler(), LogisticRegression()))
    space["said"] = space["model"].predict(space["X_test"])
    space["said"][:20] = 1 - space["said"][:20]
    code = (
        "model.fit(X_train, y_train)\nsaid = model.predict(X_test)\naccuracy = accuracy_score(y_test, said)"
    )
    made = assessed(tmp_path, space, code, suite=with_suite(tests=("performance",)))
    same = find(made, "performance.same_predictions")
    assert same.verdict == "fail"
    assert "20 of 143" in same.reason


def test_an_untrusted_model_without_predictions_is_blocked_and_names_the_types(tmp_path: Path):
    class Own(LogisticRegression):
        pass

    Own.__qualname__ = "Own"
    globals()["Own"] = Own
    held = project(tmp_path)
    manifest, _ = record(held.store, split(*CANCER, Own(max_iter=5000)))
    snapshot = held.store.commit(manifest).subject
    with pytest.raises(Blocked, match=r"not trusted.*test_assess\.Own"):
        held.assess(snapshot)
    (tmp_path / "mlgov.toml").write_text(
        f'[models]\ntrusted = ["{__name__}.Own"]\n[assess]\ntests = ["performance"]\n', encoding="utf-8"
    )
    assert held.assess(snapshot).model is not None


def test_a_snapshot_without_test_rows_is_blocked_and_says_what_to_do(tmp_path: Path):
    held = project(tmp_path)
    manifest, _ = record(
        held.store, split(*CANCER, LogisticRegression(max_iter=5000)), "model.fit(X_train, y_train)"
    )
    with pytest.raises(Blocked, match="--test X_test,y_test"):
        held.assess(held.store.commit(manifest).subject)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('[assess]\ntests = ["fairnes"]', "did you mean fairness"),
        ('[assess]\nlimits = {"calibration.eror" = 1.0}', "did you mean calibration.error"),
        ("[assess]\nalpha = 2", "alpha"),
        ("[assess]\nsensitiv = []", "sensitiv"),
    ],
)
def test_wrong_settings_are_told_in_one_line(tmp_path: Path, settings: str, said: str):
    held = project(tmp_path, settings)
    manifest, _ = record(held.store, split(*CANCER, LogisticRegression(max_iter=5000)))
    with pytest.raises(UsageError, match=said):
        held.assess(held.store.commit(manifest).subject)


def test_labels_that_the_model_does_not_know_are_told(tmp_path: Path):
    held = project(tmp_path)
    space = split(*CANCER, LogisticRegression(max_iter=5000))
    space["y_test"] = space["y_test"].astype(str).str.replace("1", "benign")
    manifest, _ = record(held.store, space)
    with pytest.raises(UsageError, match="label"):
        held.assess(held.store.commit(manifest).subject)


def test_rows_without_a_truth_are_left_out(tmp_path: Path):
    space = split(*CANCER, make_pipeline(StandardScaler(), LogisticRegression()))
    space["y_test"] = space["y_test"].astype(float)
    space["y_test"].iloc[:40] = np.nan
    made = assessed(tmp_path, space, suite=with_suite(tests=("performance",)))
    assert made.rows == 103


def test_shared_rows_are_found_by_their_digests(tmp_path: Path):
    space = split(*CANCER, make_pipeline(StandardScaler(), LogisticRegression()))
    space["X_test"] = pd.concat([space["X_test"], space["X_train"].head(30)], ignore_index=True)
    space["y_test"] = pd.concat([space["y_test"], space["y_train"].head(30)], ignore_index=True)
    made = assessed(tmp_path, space, suite=with_suite(tests=("leakage",)))
    shared = find(made, "leakage.shared_rows")
    assert shared.verdict == "fail"
    assert shared.details["shared"] == 30


def test_a_feature_that_gives_the_answer_away_is_named(tmp_path: Path):
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = X.assign(outcome_code=np.where(y == 1, "paid", "written off"))
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    columns = make_column_transformer((OneHotEncoder(), ["outcome_code"]), remainder=StandardScaler())
    made = assessed(tmp_path, split(X, y, make_pipeline(columns, LogisticRegression())),
                    suite=with_suite(tests=("leakage", "dependence")))  # fmt: skip
    single = find(made, "leakage.single_feature")
    assert single.verdict == "fail"
    assert single.details["feature"] == "outcome_code"


def test_the_reference_attributions_can_be_read_without_the_model(cancer):
    held, snapshot, _ = cancer
    reference = reference_attributions(held.store, snapshot)
    assert reference is not None
    import io

    import pyarrow.parquet as pq

    values = pq.read_table(io.BytesIO(held.store.get(reference.values))).to_pandas()
    names = [one.feature for one in reference.features]
    assert len(values) == reference.rows
    together = values[names].sum(axis=1) + values["__base__"]
    assert together.to_numpy() == pytest.approx(values["__output__"].to_numpy(), abs=1e-6)
    first = reference.features[0]
    assert values[first.feature].abs().mean() == pytest.approx(first.mean_abs)
    assert first.low <= first.mean_abs <= first.high
    assert reference.explainer == "Linear"
    assert all(b"<script" not in held.store.get(figure.object) for figure in reference.figures)


def test_worst_slices_are_of_what_is_known_before_the_answer(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    X = pd.DataFrame(random.normal(size=(1200, 2)), columns=["a", "b"])
    region = random.choice(["north", "south", "west"], 1200)
    y = ((X["a"] > 0) ^ ((region == "west") & (random.random(1200) < 0.6))).astype(int)
    space = split(X, y, LogisticRegression())
    rows = space["X_test"].index
    people = pd.DataFrame({"region": region[rows], "customer_id": rows + 14000.5}, index=rows)
    people["cancelled"] = np.where(space["y_test"] == 1, "yes", "no")
    people["guess"] = space["model"].predict(space["X_test"])
    people["score"] = space["model"].predict_proba(space["X_test"])[:, 1]
    made = assessed(
        tmp_path / "p", {**space, "people": people}, test=["X_test", "y_test", "people"], columns=list(people)
    )
    worst = [one.id for one in made.results if one.id.startswith("slices.worst")]
    assert any("region == 'west'" in one for one in worst)
    assert not any(name in one for one in worst for name in ("customer_id", "cancelled", "guess", "score"))
