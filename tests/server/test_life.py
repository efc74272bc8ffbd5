"""A model at work, over the server: what monitors found, what was retrained, and a retraining as a job."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_mlgov.project import Project
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.retraining import Contest, Measured, Retraining
from jupyter_mlgov.server.extension import MlgovExtension
from jupyter_mlgov.server.jobs import Jobs
from tests.monitor.making import add_outcomes, applications, released_project, serve
from tests.monitor.retraining import trained_project
from tests.server.conftest import Ask
from tests.server.test_jobs import PROGRESS, finished


@pytest.fixture
def released(jp_root_dir: Path) -> Project:
    return released_project(jp_root_dir / "work")


@pytest.fixture
def program(extension: MlgovExtension, command: Callable[[str], list[str]]) -> Callable[[str], None]:
    """Sets what runs instead of the command line."""

    def use(text: str) -> None:
        extension.jobs = Jobs(at_once=1, command=command(PROGRESS + text))

    return use


def a_retraining(project: Project) -> Retraining:
    champion = project.released("credit:production").snapshot
    same = Measured(value=0.8, low=0.75, high=0.85)
    return Retraining(
        model="credit", stage="production", number=1, champion=champion, at="2026-11-26T12:00:00Z", uri="loans.csv",
        source="predictions", mode="added", rows_before=400, rows_new=300, outcome="not good enough",
        reasons=("no worse: ...",),
        contest=Contest(metric="auc", rows=150, champion=same, challenger=same, gain=Measured(value=0.0, low=-0.01, high=0.01),
                        verdict="no worse", reason="..."),
    )  # fmt: skip


async def test_monitors_tell_decision_effect_of_each_feature_and_kpis_over_time(
    released: Project, ask: Ask, tmp_path: Path
) -> None:
    assert json.loads((await ask("monitors", path="work")).body) == {"monitors": []}
    calm, moved = applications(1, 300), applications(2, 500, income=8.0)
    add_outcomes(released, serve(released, calm), calm, tmp_path)
    released.monitor("credit:production")
    add_outcomes(released, serve(released, moved, start=300), moved, tmp_path)
    released.monitor("credit:production", since="2026-11-26T09:05")
    response = await ask("monitors", path="work")
    assert response.code == 200, response.body
    (one,) = json.loads(response.body)["monitors"]
    assert (one["experiment"], one["number"], one["current"]) == ("baseline", 1, True)
    found = one["monitoring"]
    assert (found["model"], found["stage"], found["release"]) == ("credit", "production", 1)
    effects = {
        column["name"]: (column["effect"], column["tell"])
        for column in found["columns"]
        if column["role"] == "feature"
    }
    assert set(effects) == {"income", "debt", "children", "region"}
    assert effects["income"][1] == "drift"
    assert effects["income"][0] > effects["debt"][0]
    (kpi,) = found["kpis"]
    assert (kpi["metric"], kpi["rows"]) == ("accuracy", 500)
    assert len(kpi["windows"]) == 10
    assert {"start", "rows", "at", "value", "low", "high"} <= set(kpi["windows"][0])
    assert [run["decision"] for run in one["runs"]] == [found["decision"], "nothing"]
    assert [run["rows"] for run in one["runs"]] == [500, 300]


async def test_a_release_tells_what_the_gate_said_when_it_let_it_through(released: Project, ask: Ask) -> None:
    (one,) = json.loads((await ask("releases", path="work")).body)["releases"]
    assert one["gate"]["open"] is True
    assert one["gate"]["rules"]
    entry = released.store.entries(kind="release")[0]
    released.store.append("release", entry.subject, {**entry.body, "number": 1, "gate": "blake3:" + "0" * 64})
    newest, _ = json.loads((await ask("releases", path="work")).body)["releases"]
    assert newest["gate"] is None


async def test_retrainings_tell_release_data_and_both_models(released: Project, ask: Ask) -> None:
    made = a_retraining(released)
    body = {"model": "credit", "stage": "production", "number": 1, "champion": made.champion, "outcome": made.outcome,
            "retraining": released.store.put(canonical(made))}  # fmt: skip
    released.store.append("retrain", made.champion, body)
    response = await ask("retrainings", path="work")
    assert response.code == 200, response.body
    (one,) = json.loads(response.body)["retrainings"]
    assert (one["model"], one["stage"], one["number"], one["rows_new"]) == ("credit", "production", 1, 300)
    assert one["contest"]["gain"] == {"value": 0.0, "low": -0.01, "high": 0.01}
    shown = json.loads((await ask("snapshots/credit:production", path="work")).body)
    assert [told["outcome"] for told in shown["retrainings"]] == ["not good enough"]
    assert shown["retrained"] is None
    released.store.append("retrain", made.champion, {**body, "retraining": "blake3:" + "0" * 64})
    again = json.loads((await ask("retrainings", path="work")).body)["retrainings"]
    assert len(again) == 1


async def test_a_retraining_is_a_job_with_the_options_that_were_sent(
    released: Project, ask: Ask, program: Callable[[str], None], jp_root_dir: Path
) -> None:
    (jp_root_dir / "new.csv").write_text("a\n1\n")
    document = msgspec.json.encode(a_retraining(released)).decode()
    program(f"say(1, ' '.join(sys.argv[1:])); print({document!r}); sys.exit(1)")
    response = await ask(
        "retrainings", method="POST", path="work",
        body={"release": "credit:production", "data": "new.csv", "replace": True, "may_release": False},
    )  # fmt: skip
    assert response.code == 202, response.body
    job = json.loads(response.body)
    assert (job["kind"], job["release"], job["experiment"], job["number"]) == (
        "retrain",
        "credit:production",
        "baseline",
        1,
    )
    assert response.headers["Location"].endswith(job["id"])
    told = await finished(ask, job["id"])
    assert (told["state"], told["retraining"]["outcome"], told["comparison"]) == (
        "done",
        "not good enough",
        None,
    )
    assert told["progress"]["message"] == (
        f"retrain credit:production --data={jp_root_dir}/new.csv --replace --no-release --json --progress-json"
    )
    assert json.loads((await ask("jobs")).body)["jobs"] == []
    assert [one["id"] for one in json.loads((await ask("jobs", kind="retrain")).body)["jobs"]] == [job["id"]]


async def test_a_release_that_is_being_retrained_is_a_conflict_and_can_be_cancelled(
    released: Project, ask: Ask, program: Callable[[str], None]
) -> None:
    program("time.sleep(600)")
    body = {"release": "credit:production"}
    job = json.loads((await ask("retrainings", method="POST", path="work", body=body)).body)
    again = await ask("retrainings", method="POST", path="work", body=body)
    assert again.code == 409
    assert "being retrained already" in json.loads(again.body)["message"]
    ended = await ask(f"jobs/{job['id']}", method="DELETE")
    assert json.loads(ended.body)["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"release": "credit"}, 400),
        ({"release": "credit:staging"}, 404),
        ({"release": "credit:production", "data": "../etc/passwd"}, 400),
        ({"release": "credit:production", "data": "nowhere.csv"}, 404),
        ({"release": "credit:production", "data": "work"}, 400),
        ({"release": "credit:production", "since": "--help"}, 400),
        ({"release": "credit:production", "data": "work/mlgov.toml", "since": "1d"}, 400),
        ({"release": "credit:production", "replace": "yes"}, 400),
        ({"release": "credit:production", "trust": ["os.system"]}, 400),
    ],
)
async def test_a_wrong_request_is_refused(
    released: Project, ask: Ask, program: Callable[[str], None], body: Any, status: int
) -> None:
    program("sys.exit(9)")
    response = await ask("retrainings", method="POST", path="work", body=body)
    assert response.code == status, response.body
    assert json.loads((await ask("jobs", kind="all")).body)["jobs"] == []


async def test_a_real_retraining_tells_its_progress_and_its_result(
    jp_root_dir: Path, ask: Ask, tmp_path: Path
) -> None:
    project = trained_project(jp_root_dir / "work")
    (project.root / "mlgov.toml").write_text('[assess]\ntests = ["performance"]\n[gate]\nrerun = false\n')
    rows = applications(7, 400, rule="turned")
    add_outcomes(project, serve(project, rows), rows, tmp_path)
    response = await ask("retrainings", method="POST", path="work", body={"release": "credit:production"})
    job = json.loads(response.body)
    stages = set()
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        told = json.loads((await ask(f"jobs/{job['id']}")).body)
        stages.add(told["progress"]["stage"])
        if told["state"] in ("done", "failed", "cancelled"):
            break
        await asyncio.sleep(0.1)
    assert told["state"] == "done", told
    assert told["retraining"]["reference"] == "credit@2"
    assert "retrain" in stages
    listed = json.loads((await ask("retrainings", path="work")).body)["retrainings"]
    assert [one["reference"] for one in listed] == ["credit@2"]
    shown = json.loads((await ask("snapshots/credit", path="work")).body)
    assert shown["retrained"]["uri"] == "data/loans.csv"
