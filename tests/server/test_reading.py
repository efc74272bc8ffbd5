"""The routes that read, on a real server with a real store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.project import Project
from jupyter_mlgov.server.routes import ROUTES
from tests.server.conftest import Ask
from tests.server.made import HOSTILE, reran, snapshot


def read(response: Any, status: int = 200) -> Any:
    assert response.code == status, response.body
    assert response.headers["Content-Type"] == "application/json"
    return json.loads(response.body)


async def test_a_folder_without_a_project_says_so(jp_root_dir: Path, ask: Ask) -> None:
    (jp_root_dir / "new.ipynb").write_text("{}")
    assert read(await ask("project", path="new.ipynb"))["exists"] is False
    refused = read(await ask("snapshots", path="new.ipynb"), 404)
    assert "no project" in refused["message"]


async def test_the_project_of_a_notebook_is_described(project: Project, ask: Ask) -> None:
    snapshot(project)
    snapshot(project, experiment="forest")
    told = read(await ask("project", path="loans.ipynb"))
    assert told["exists"] is True
    assert told["notebook"] == "loans.ipynb"
    assert told["snapshots"] == 2
    assert set(told["experiments"]) == {"baseline", "forest"}


async def test_a_notebook_lists_its_own_snapshots_and_the_project_lists_all(
    project: Project, ask: Ask
) -> None:
    first = snapshot(project)
    other = snapshot(project, notebook="other.ipynb", experiment="forest")
    reran(project, first)
    own = read(await ask("snapshots", path="loans.ipynb"))
    assert [item["id"] for item in own["snapshots"]] == [first]
    assert own["snapshots"][0]["verdict"] == "diverged"
    assert own["snapshots"][0]["number"] == 1
    everything = read(await ask("snapshots", path="loans.ipynb", scope="project"))
    assert [item["id"] for item in everything["snapshots"]] == [other, first]
    forest = read(await ask("snapshots", path="loans.ipynb", scope="project", experiment="forest"))
    assert [item["id"] for item in forest["snapshots"]] == [other]


async def test_a_list_is_read_page_by_page(project: Project, ask: Ask) -> None:
    made = [snapshot(project, message=f"try {number}") for number in range(5)]
    pages = [read(await ask("snapshots", path="loans.ipynb", limit=2, offset=start)) for start in (0, 2, 4)]
    assert [item["id"] for page in pages for item in page["snapshots"]] == made[::-1]
    assert [page["more"] for page in pages] == [True, True, False]


async def test_a_snapshot_is_the_document_that_show_gives(project: Project, ask: Ask) -> None:
    name = snapshot(project)
    reran(project, name)
    expected = json.loads(json.dumps(project.show(name)))
    for ref in ("baseline", "baseline@1", name, name[:8]):
        assert read(await ask(f"snapshots/{ref}", path="loans.ipynb")) == expected


async def test_numbers_that_json_lacks_are_words(project: Project, ask: Ask) -> None:
    snapshot(project, metrics={"loss": float("nan"), "top": float("inf")})
    told = read(await ask("snapshots/baseline", path="loans.ipynb"))
    assert told["metrics"] == {"loss": "NaN", "top": "Infinity"}


async def test_the_gate_gives_a_reason_for_each_rule(project: Project, ask: Ask) -> None:
    snapshot(project)
    told = read(await ask("snapshots/baseline/gate", path="loans.ipynb"))
    assert told["open"] is False
    assert all(rule["reason"] for rule in told["rules"])


async def test_the_report_can_run_nothing_and_ask_for_nothing(project: Project, ask: Ask) -> None:
    snapshot(project, message=HOSTILE, metrics={HOSTILE: 1.0})
    response = await ask("snapshots/baseline/report", path="loans.ipynb")
    assert response.code == 200, response.body
    assert response.headers["Content-Type"].startswith("text/html")
    policy = {part.strip() for part in response.headers["Content-Security-Policy"].split(";")}
    assert {"sandbox", "default-src 'none'", "base-uri 'none'", "form-action 'none'"} <= policy
    assert not any("script" in part for part in policy)
    assert HOSTILE not in response.body.decode()
    kept = await ask("snapshots/baseline/report", path="loans.ipynb", download="1")
    assert "baseline-1.html" in kept.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("route", "query", "status"),
    [
        ("snapshots/nobody", {}, 404),
        ("snapshots/baseline@7", {}, 404),
        ("snapshots/..%2F..%2Fetc%2Fpasswd", {}, 400),
        ("snapshots/%00", {}, 400),
        ("snapshots/-rf", {}, 400),
        ("snapshots/%ff", {}, 400),
        ("snapshots/" + "x" * 200, {}, 400),
        ("snapshots/nobody/gate", {}, 404),
        ("snapshots/nobody/report", {}, 404),
        ("snapshots", {"limit": "-1"}, 400),
        ("snapshots", {"limit": "501"}, 400),
        ("snapshots", {"limit": "1e3"}, 400),
        ("snapshots", {"offset": "x"}, 400),
        ("snapshots", {"scope": "world"}, 400),
        ("snapshots", {"experiment": "../x"}, 400),
        ("diff", {"a": "baseline"}, 400),
        ("diff", {"a": "baseline", "b": "nobody"}, 404),
        ("jobs/xyz", {}, 400),
        ("jobs/" + "0" * 32, {}, 404),
        ("jobs/" + "0" * 32 + "/events", {}, 404),
        ("nothing/here", {}, 404),
    ],
)
async def test_a_bad_request_is_one_line(
    project: Project, ask: Ask, route: str, query: dict[str, str], status: int
) -> None:
    snapshot(project)
    response = await ask(route, **{"path": "loans.ipynb", **query})
    assert response.code == status, response.body
    message = json.loads(response.body)["message"]
    assert message
    assert "\n" not in message
    assert "Traceback" not in message


async def test_a_damaged_manifest_is_a_conflict(project: Project, ask: Ask) -> None:
    name = snapshot(project)
    (project.store.folder / "manifests" / name).chmod(0o644)
    (project.store.folder / "manifests" / name).write_bytes(b"rubbish")
    told = read(await ask(f"snapshots/{name}", path="loans.ipynb"), 409)
    assert name[:12] in told["message"]


async def test_the_description_names_every_route_and_method(ask: Ask, jp_base_url: str) -> None:
    told = read(await ask("openapi.json"))
    assert told["openapi"].startswith("3.")
    assert told["servers"] == [{"url": f"{jp_base_url}mlgov/api"}]
    described = {(path, method) for path, methods in told["paths"].items() for method in methods}
    answered = {
        (route.path, method)
        for route in ROUTES
        for method in ("get", "post", "put", "patch", "delete")
        if method in vars(route.handler)
    }
    assert described == answered
    text = json.dumps(told)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in told["components"]["schemas"]


async def test_the_inventory_has_each_experiments_newest_snapshot_as_it_stands(
    project: Project, ask: Ask
) -> None:
    snapshot(project)
    newest = snapshot(project, message="second try")
    snapshot(project, experiment="forest", notebook="other.ipynb", charter=None, kpis=(), risks=())
    baseline, forest = read(await ask("models", path="loans.ipynb"))["models"]
    assert (baseline["id"], baseline["reference"]) == (newest, "baseline@2")
    assert baseline["title"] == "Mortgage approval"
    assert baseline["kpis"] == {"text": "1 of 3 met", "tone": "bad", "note": ""}
    assert baseline["rerun"]["text"] == "never rerun"
    assert baseline["gate"]["text"] == "closed"
    assert (forest["title"], forest["risks"]["text"]) == ("forest", "none written down")
