"""A running service: what it answers, what it refuses, and that all it answered is logged."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlgov.project import Project
from tests.operate.making import fitted, loans, make_project
from tests.operate.server import ROW, Server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Server]]:
    project = make_project(tmp_path_factory.mktemp("served"))
    project.release("baseline", "credit", "production")
    (project.root / "mlgov.toml").write_text(
        '[operate]\nmax_rows = 500\nmax_bytes = 100_000\nnever_log = ["debt"]\n'
    )
    server = Server(project.root, "credit:production")
    yield project, server
    assert server.stop(signal.SIGTERM) == 0


def tensors(rows: int) -> list[dict[str, object]]:
    table = loans()[:rows]
    kinds = {"income": "FP64", "debt": "FP64", "children": "INT64", "region": "BYTES"}
    return [
        {"name": name, "shape": [rows], "datatype": kind, "data": table[name].tolist()}
        for name, kind in kinds.items()
    ]


def test_both_protocols_answer_what_the_model_predicts(served: tuple[Project, Server]) -> None:
    _, server = served
    table = loans()[:20]
    features = table.drop(columns="paid")
    expected = fitted().predict_proba(features)[:, 1]
    plain = server.predict(features.to_dict("records")).json()
    assert [one["probabilities"]["1"] for one in plain["predictions"]] == pytest.approx(expected)
    assert [one["prediction"] for one in plain["predictions"]] == fitted().predict(features).tolist()
    assert (plain["model"], plain["stage"], plain["version"]) == ("credit", "production", 1)
    answer = server.client.post("/v2/models/credit/infer", json={"id": "mine", "inputs": tensors(20)}).json()
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("mine", "credit", "1")
    outputs = {one["name"]: one for one in answer["outputs"]}
    assert outputs["probability.1"]["data"] == pytest.approx(expected)
    assert (outputs["prediction"]["datatype"], outputs["prediction"]["shape"]) == ("INT64", [20])
    columns = server.client.post("/predict", json={"columns": features.to_dict("list")}).json()
    assert columns["predictions"] == plain["predictions"]


def test_everything_that_was_answered_is_in_the_log(served: tuple[Project, Server]) -> None:
    project, server = served
    answers = [server.predict([ROW] * count, id=f"c{count}") for count in (1, 3)]
    names = [answer.json()["request_id"] for answer in answers]
    assert [answer.headers["x-request-id"] for answer in answers] == names
    table = project.predictions("credit:production").to_pandas()
    ours = table[table.request_id.isin(names)]
    assert ours.groupby("request_id").size().loc[names].tolist() == [1, 3]
    assert ours["client_id"].tolist() == ["c1", "c3", "c3", "c3"]
    assert ours["input.region"].tolist() == ["north"] * 4
    assert "input.debt" not in table.columns
    answer = answers[0].json()["predictions"][0]
    assert ours["output.probability.1"].iloc[0] == answer["probabilities"]["1"]
    assert ours["latency_s"].between(0, 60).all()
    assert ours["version"].eq(1).all()


@pytest.mark.parametrize(
    ("rows", "column", "says"),
    [
        ({**ROW, "income": "52"}, "income", "'52' is not a number"),
        ({**ROW, "income": True}, "income", "True is not a number"),
        ({**ROW, "income": 5e6}, "income", "outside of what the model knows"),
        ({**ROW, "income": None}, "income", "never was when the model was fitted"),
        ({**ROW, "children": 1.5}, "children", "not a whole number"),
        (
            {**ROW, "region": "nort"},
            "region",
            "not a category that the model knows ('east', 'north', 'south')",
        ),
        ({**ROW, "incme": 1.0}, "incme", "did you mean income"),
        ({"income": 52.0}, "debt", "not there"),
        ([ROW, {"income": 1.0}], "children", "not every row has it"),
        ([], "(body)", "send 1 to 500"),
        ([ROW] * 501, "(body)", "send 1 to 500"),
        ("all", "(body)", "object"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    served: tuple[Project, Server], rows: object, column: str, says: str
) -> None:
    answer = served[1].predict(rows)
    assert answer.status_code == 422
    found = answer.json()
    assert found["problems"][0]["column"] == column
    assert says in found["problems"][0]["problem"]
    assert says in found["error"]


@pytest.mark.parametrize(
    ("tensor", "says"),
    [
        ({"name": "income", "shape": [2], "datatype": "FP64", "data": [1.0]}, "does not fit its 1 values"),
        ({"name": "income", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}, "nor [rows, 4]"),
        ({"name": "income", "shape": [1], "datatype": "FP63", "data": [1.0]}, "no datatype"),
        ({"name": "income", "shape": [-1, -1], "datatype": "FP64", "data": [1.0]}, "does not fit"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(
    served: tuple[Project, Server], tensor: object, says: str
) -> None:
    answer = served[1].client.post("/v2/models/credit/infer", json={"inputs": [tensor]})
    assert answer.status_code == 422
    assert says in answer.json()["error"]


def test_a_refused_row_is_named_and_its_request_is_not_logged(served: tuple[Project, Server]) -> None:
    project, server = served
    before = project.predictions("credit:production").num_rows
    answer = server.predict([ROW, ROW, {**ROW, "children": "two"}])
    assert answer.json()["problems"] == [
        {"column": "children", "row": 2, "problem": "'two' is not a whole number"}
    ]
    assert project.predictions("credit:production").num_rows == before


def test_other_bodies_models_and_versions_are_told_apart(served: tuple[Project, Server]) -> None:
    client = served[1].client
    assert client.post("/predict", content=b"{").status_code == 422
    assert client.post("/predict", content=b"\xff\xfe").status_code == 422
    assert client.post("/predict", json={"row": ROW}).status_code == 422
    assert client.post("/predict", content=b" " * 200_000).status_code == 413
    assert (
        client.post("/v2/models/churn/infer", json={}).json()["error"]
        == "there is no model 'churn' here: it is credit"
    )
    assert client.post("/v2/models/credit/versions/7/infer", json={}).status_code == 404
    assert client.get("/v2/models/credit/versions/1/ready").json() == {"name": "credit", "ready": True}
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/nothing").status_code == 404
    described = client.get("/v2/models/credit").json()
    assert [one["name"] for one in described["inputs"]] == ["income", "debt", "children", "region"]
    assert described["inputs"][3]["parameters"]["categories"] == ["east", "north", "south"]
    assert "/predict" in client.get("/openapi.json").json()["paths"]


def test_an_explanation_adds_up_and_is_logged(served: tuple[Project, Server]) -> None:
    project, server = served
    answer = server.predict([ROW, {**ROW, "income": 30.0}], explain=True).json()
    for one in answer["predictions"]:
        said = one["explanation"]
        assert said["output"] == "probability.1"
        total = said["base"] + sum(said["contributions"].values())
        assert total == pytest.approx(one["probabilities"]["1"], abs=1e-9)
    first, second = (one["explanation"]["contributions"] for one in answer["predictions"])
    assert first["income"] > 0 > second["income"]
    table = project.predictions("credit:production").to_pandas()
    logged = table[table.request_id == answer["request_id"]]["explanation"]
    assert logged.str.contains("income").all()
    infer = server.client.post(
        "/v2/models/credit/infer", json={"inputs": tensors(1), "parameters": {"explain": True}}
    ).json()
    assert infer["outputs"][-1]["shape"] == [1, 5]


def test_measures_tell_requests_rows_and_refusals(served: tuple[Project, Server]) -> None:
    _, server = served
    server.predict([ROW] * 2)
    server.predict({**ROW, "income": "x"})
    text = server.client.get("/metrics").text
    assert 'mlgov_requests_total{endpoint="predict",status="200"}' in text
    assert 'mlgov_refused_inputs_total{input="income",model="credit"}' in text
    assert 'mlgov_model_version{model="credit",stage="production"} 1.0' in text


def test_what_cannot_be_served_is_one_line(tmp_path: Path) -> None:
    from tests.operate.test_releases import mlgov

    project = make_project(tmp_path)
    project.release("baseline", "credit", "production")
    for words, says in (
        (("credit:staging",), "it is on production"),
        ((), "name MODEL:STAGE"),
        (("--package", "nowhere"), "no packaged model"),
        (("credit:production", "--host", "0.0.0.0"), "MLGOV_API_KEYS"),
        (("credit:production", "--keys", "keys.txt"), "cannot be read"),
    ):
        done = mlgov(tmp_path, "serve", *words)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert says in done.stderr
