"""The monitor over a real log of a real model: what it says, decides, writes and refuses."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.governance.kpis import parse_kpi
from jupyter_mlgov.hashing.estimators import save_model
from jupyter_mlgov.monitor.performance import Answers, kpi_over_time
from jupyter_mlgov.operate.log import PredictionLog
from jupyter_mlgov.operate.segments import Answered
from jupyter_mlgov.operate.settings import Settings
from jupyter_mlgov.operate.sources import FromProject
from jupyter_mlgov.project import FOLDER, Project
from jupyter_mlgov.records.annotations import Charter
from jupyter_mlgov.records.assessment import HeldRows
from jupyter_mlgov.records.manifest import Model
from jupyter_mlgov.records.monitoring import KpiOverTime
from jupyter_mlgov.store import Store
from tests.monitor.making import FEATURES, add_outcomes, applications, parquet, released_project, serve
from tests.operate.making import add_model, fitted
from tests.operate.test_releases import mlgov


def test_rows_like_those_of_the_test_are_nothing_and_leave_an_entry_that_fsck_knows(tmp_path: Path) -> None:
    project = released_project(tmp_path)
    rows = applications(1, 600)
    add_outcomes(project, serve(project, rows), rows, tmp_path)
    found = project.monitor("credit:production")
    assert (found.decision, found.rows, found.outcomes, found.release) == ("nothing", 600, 600, 1)
    assert "would have been seen" in found.reasons[0]
    assert {one.name for one in found.columns if one.role == "feature"} == {
        "income",
        "debt",
        "children",
        "region",
    }
    assert [kpi.met for kpi in found.kpis] == [True]
    (entry,) = project.store.entries(kind="drift")
    assert entry.body["decision"] == "nothing"
    assert json.loads(project.store.get(entry.body["monitoring"]))["rows"] == 600
    assert project.fsck() == []


def test_a_shift_of_one_feature_is_watched_while_no_outcome_is_known(tmp_path: Path) -> None:
    project = released_project(tmp_path)
    serve(project, applications(2, 500, income=8.0))
    found = project.monitor("credit:production")
    assert found.decision == "watch"
    drifting = {(one.name, one.role) for one in found.columns if one.tell == "drift"}
    assert ("income", "feature") in drifting
    assert ("probability of 1", "prediction") in drifting
    assert not {("debt", "feature"), ("region", "feature")} & drifting
    assert "mlgov outcomes add" in found.reasons[-1]


def test_a_relation_that_changed_is_dated_placed_and_retrained(tmp_path: Path) -> None:
    project = released_project(tmp_path)
    before, after = applications(3, 700), applications(4, 500, rule="turned")
    add_outcomes(project, serve(project, before), before, tmp_path)
    add_outcomes(project, serve(project, after, start=700), after, tmp_path)
    found = project.monitor("credit:production")
    assert found.decision == "retrain"
    loss = next(one for one in found.concept if one.series == "loss")
    assert loss.tell == "drift"
    change = max(loss.changes, key=lambda one: abs(one.effect))
    assert abs(change.row - 700) < 150
    assert change.at is not None and change.at.startswith("2026-11-26T09:")
    assert found.slices[0].where == "region = north"
    assert not [one for one in found.columns if one.role == "feature" and one.tell == "drift"]


def test_a_release_that_was_bad_from_the_start_is_rolled_back_where_there_is_an_earlier_one(
    tmp_path: Path,
) -> None:
    project = released_project(tmp_path)
    bad = applications(5, 500, rule="turned")
    ids = serve(project, bad)
    add_outcomes(project, ids, bad, tmp_path)
    first = project.monitor("credit:production")
    assert first.decision == "retrain"
    assert "with the first row here" in next(one for one in first.concept if one.series == "loss").message
    manifest = project.store.manifest(project.resolve("baseline"))
    add_model(project.store, c=0.5, rows=manifest.rows, kpis=manifest.kpis, metrics=dict(manifest.metrics))
    assert project.release("baseline@2", "credit", "production").release is not None
    more = applications(6, 500, rule="turned")
    add_outcomes(project, serve(project, more, start=1000), more, tmp_path)
    found = project.monitor("credit:production")
    assert (found.decision, found.rows) == ("roll back", 500)
    assert "credit:production@1" in found.reasons[0]


def test_few_rows_are_too_few_to_tell(tmp_path: Path) -> None:
    project = released_project(tmp_path)
    serve(project, applications(7, 15))
    found = project.monitor("credit:production")
    assert found.decision == "nothing"
    assert found.reasons[0].startswith("too few rows to tell")


def test_a_lost_column_is_broken_and_never_retrained_on(tmp_path: Path) -> None:
    project = released_project(tmp_path)
    rows = applications(8, 400, rule="turned")
    add_outcomes(project, serve(project, rows, drop=("debt",)), rows, tmp_path)
    found = project.monitor("credit:production")
    assert found.decision == "watch"
    assert "mend" in found.reasons[0]
    assert [(one.column, one.kind) for one in found.quality if one.broken] == [("debt", "missing column")]


def test_the_command_line_writes_report_junit_and_metrics_and_ends_with_the_decision(tmp_path: Path) -> None:
    project = released_project(tmp_path)
    serve(project, applications(9, 500, income=8.0))
    done = mlgov(
        tmp_path,
        "monitor",
        "credit:production",
        "--json",
        "--junit",
        "m.xml",
        "--prometheus",
        "m.prom",
        "-o",
        "m.html",
    )
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["decision"] == "watch"
    page = (tmp_path / "m.html").read_text()
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert "<script" not in page
    assert "Decision: watch" in page
    suite = ET.fromstring((tmp_path / "m.xml").read_bytes())[0]
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    assert {"decision", "feature: income"} <= failed
    metrics = (tmp_path / "m.prom").read_text()
    assert (
        'mlgov_monitor_decision{model="credit",stage="production",version="1",decision="watch"} 1.0'
        in metrics
    )
    (tmp_path / "mlgov.toml").write_text('[monitor]\nfail_on = "retrain"\n')
    again = mlgov(tmp_path, "monitor", "credit:production")
    assert again.returncode == 0, again.stderr
    assert "watch" in again.stdout


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("credit:staging", NotFound, "it is on production"),
        ("credit:production", UsageError, "predicted nothing"),
    ],
)
def test_nothing_to_look_at_is_one_clear_line(
    tmp_path: Path, name: str, error: type[Exception], says: str
) -> None:
    project = released_project(tmp_path)
    with pytest.raises(error, match=says):
        project.monitor(name)


def test_outcomes_that_are_no_labels_and_misspelt_settings_are_told(tmp_path: Path) -> None:
    project = released_project(tmp_path)
    rows = applications(10, 60)
    ids = serve(project, rows)
    add_outcomes(project, ids, rows.assign(paid="late"), tmp_path)
    with pytest.raises(UsageError, match="'late' is no label"):
        project.monitor("credit:production")
    (tmp_path / "mlgov.toml").write_text("[monitor]\nalfa = 0.1\n")
    with pytest.raises(UsageError, match="alfa"):
        Project.open(tmp_path).monitor("credit:production")


def test_a_kpi_is_judged_as_the_gate_judges_it(tmp_path: Path) -> None:
    project = released_project(tmp_path, kpi=0.95, tolerance=0.2)
    later = Charter(title="later", kpis=(parse_kpi("recall >= 0.2"),))
    project.store.append("charter", project.resolve("baseline"), msgspec.to_builtins(later))
    (tmp_path / "mlgov.toml").write_text('[gate]\nkpis = ["test_auc >= 0.999"]\n')
    rows = applications(1, 600)
    add_outcomes(project, serve(project, rows), rows, tmp_path)
    found = project.monitor("credit:production")
    assert [(kpi.metric, kpi.met, kpi.sure) for kpi in found.kpis] == [
        ("accuracy", True, True),
        ("recall", True, True),
        ("test_auc", False, True),
    ]
    assert ">= 0.95 (± 0.2) is met" in found.kpis[0].message
    assert found.decision == "retrain"


def test_a_kpi_with_an_equals_sign_is_missed_for_sure_only_where_no_value_of_the_interval_is_the_target() -> (
    None
):
    kpi = parse_kpi("accuracy == 0.9")
    truth = np.ones(1000, dtype=int)

    def over(right: int) -> KpiOverTime:
        said = np.arange(1000) < right
        found = kpi_over_time(kpi, Answers("binary", truth, said.astype(int)))
        assert found is not None
        return found

    assert (over(905).met, over(905).sure) == (False, False)
    assert (over(700).met, over(700).sure) == (False, True)


def test_a_model_with_several_outputs_is_watched_by_its_inputs(tmp_path: Path) -> None:
    rows = applications(100, 300)
    features = rows[["income", "debt"]]
    model = LinearRegression().fit(features, rows[["debt", "income"]].to_numpy())
    data, _ = save_model(model)
    assert data is not None
    store = Store.create(tmp_path / FOLDER)
    kept = store.put(data)
    held = HeldRows(
        role="test", object=store.put(parquet(features)), rows=300, of_rows=300, features=("income", "debt")
    )
    clf = Model(name="clf", class_="x", parameters={}, digest=kept, object=kept, primary=True)
    add_model(store, models=(clf,), rows=(held,), inputs_schema=None, frames=())
    project = Project.open(tmp_path)
    assert project.release("baseline", "credit", "production").release
    served = FromProject(project.root, store, "credit:production").load()
    log = PredictionLog(project.predictions_folder, Settings())
    for place in range(200):
        given = {name: [float(features[name].iloc[place])] for name in features}
        outputs = served.predict(given).columns
        log.write(
            served.header,
            [Answered(id=f"r{place:04d}", at=place, latency=0.1, rows=1, inputs=given, outputs=outputs)],
        )
    log.close()
    found = project.monitor("credit:production")
    assert any("several outputs" in note for note in found.notes)
    assert {one.name for one in found.columns} >= {"income", "debt"}
    assert found.kpis == ()


def test_labels_and_types_of_other_versions_play_no_part(tmp_path: Path) -> None:
    project = released_project(tmp_path)
    serve(project, applications(1, 80))
    tested = applications(100, 600).assign(paid=lambda table: table["paid"].map({0: "no", 1: "yes"}))
    model = clone(fitted()).fit(tested[list(FEATURES)], tested["paid"])
    data, _ = save_model(model)
    assert data is not None
    kept = project.store.put(data)
    held = HeldRows(
        role="test", object=project.store.put(parquet(tested)), rows=600, of_rows=600, layout="table",
        features=FEATURES, truth="paid", classes=("no", "yes"),
    )  # fmt: skip
    clf = Model(name="clf", class_="x", parameters={}, digest=kept, object=kept, primary=True)
    add_model(project.store, models=(clf,), rows=(held,), message="words")
    assert project.release("baseline@2", "credit", "production").release
    (tmp_path / "mlgov.toml").write_text('[gate]\nkpis = ["auc >= 0.8", "precision >= 0.5"]\n')
    rows = applications(2, 400)
    served = FromProject(project.root, project.store, "credit:production").load()
    given = {name: rows[name].tolist() for name in FEATURES}
    outputs = served.predict(given).columns
    header = msgspec.structs.replace(served.header, inputs=(*served.header.inputs, ("age", "int64")))
    log = PredictionLog(project.predictions_folder, Settings())
    log.write(
        header,
        [
            Answered(
                id="all", at=5, latency=0.1, rows=400, inputs={**given, "age": [40] * 400}, outputs=outputs
            )
        ],
    )
    log.close()
    happened = tmp_path / "happened.csv"
    words = rows["paid"].map({0: "no", 1: "yes"})
    pd.DataFrame({"request_id": "all", "row": range(400), "outcome": words}).to_csv(happened, index=False)
    project.add_outcomes(happened)
    found = project.monitor("credit:production")
    assert [(kpi.metric, kpi.met) for kpi in found.kpis] == [("auc", True), ("precision", True)]
    assert {one.series for one in found.concept} == {"loss", "residual"}
    assert any(one.name == "probability of yes" for one in found.columns)
    (tmp_path / "mlgov.toml").unlink()
    assert project.release("credit:production@1", "credit", "production").release
    back = project.monitor("credit:production")
    assert any(one.name == "probability of 1" for one in back.columns)
    assert not back.quality


def test_the_label_that_the_settings_call_positive_is_the_one_that_is_judged(tmp_path: Path) -> None:
    project = released_project(tmp_path, metric="recall")
    table = applications(1, 600)
    add_outcomes(project, serve(project, table), table, tmp_path)
    predicted = fitted().predict(table.drop(columns="paid"))

    def recall() -> float:
        (kpi,) = [
            one for one in project.monitor("credit:production", record=False).kpis if one.metric == "recall"
        ]
        return float(kpi.value)

    of_paid, of_unpaid = (float((predicted == one)[table["paid"] == one].mean()) for one in (1, 0))
    assert abs(of_paid - of_unpaid) > 0.005
    assert recall() == pytest.approx(of_paid)
    (tmp_path / "mlgov.toml").write_text("[assess]\npositive = 0\n")
    assert recall() == pytest.approx(of_unpaid)
    found = project.monitor("credit:production", record=False)
    assert [one.name for one in found.columns if one.name.startswith("probability")] == ["probability of 0"]
