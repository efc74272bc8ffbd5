"""The routes for what stands beside a notebook: search, comparison, outputs, risks, and its own cells."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_mlgov.project import Project
from jupyter_mlgov.records.manifest import CellRecord, Notebook
from tests.server.conftest import Ask
from tests.server.made import snapshot
from tests.server.test_reading import read


def with_cell(project: Project, source: str, outputs: list[dict[str, Any]], **facts: Any) -> str:
    """A snapshot whose notebook has one cell."""
    names = project.store.put_all([source.encode(), json.dumps(outputs).encode(), b"{}"])
    cell = CellRecord(
        index=0,
        id="a",
        type="code",
        source=names[0],
        outputs=names[1],
        runs=1,
        status="ok",
        execution_count=1,
    )
    notebook = Notebook(path="loans.ipynb", order="linear", document=names[2], cells=(cell,))
    return snapshot(project, notebook_record=notebook, **facts)


async def test_a_search_selects_and_counts(project: Project, ask: Ask) -> None:
    made = [snapshot(project, metrics={"auc": value / 10}, message=f"try {value}") for value in range(10)]
    told = read(await ask("snapshots", path="loans.ipynb", q="auc>=0.5 try", limit=2))
    assert told["total"] == 5
    assert told["more"] is True
    assert [item["id"] for item in told["snapshots"]] == [made[9], made[8]]
    assert read(await ask("snapshots", path="loans.ipynb"))["total"] == 10
    assert "500" in read(await ask("snapshots", path="loans.ipynb", q="x" * 501), 400)["message"]


async def test_an_answer_that_is_known_is_not_sent_again(
    project: Project, ask: Ask, jp_auth_header: dict[str, str]
) -> None:
    snapshot(project)
    for route in ("snapshots", "snapshots/baseline", "snapshots/baseline/gate", "risks", "openapi.json"):
        first = await ask(route, path="loans.ipynb")
        tag = first.headers["Etag"]
        again = await ask(route, path="loans.ipynb", headers={**jp_auth_header, "If-None-Match": tag})
        assert (again.code, again.body) == (304, b""), route
    snapshot(project)
    changed = await ask("snapshots", path="loans.ipynb", headers={**jp_auth_header, "If-None-Match": tag})
    assert changed.code == 200


async def test_releases_are_listed_with_the_snapshot_that_they_put_on_a_stage(
    project: Project, ask: Ask
) -> None:
    assert read(await ask("releases", path="loans.ipynb"))["releases"] == []
    made = snapshot(project)
    for number in (1, 2):
        body = {"model": "credit", "stage": "staging", "number": number, "gate": "blake3:" + "0" * 64,
                "previous": number - 1 or None, "message": "go"}  # fmt: skip
        project.store.append("release", made, body, author="Ada")
    newest, oldest = read(await ask("releases", path="loans.ipynb"))["releases"]
    assert (newest["experiment"], newest["number"]) == ("baseline", 1)
    assert (newest["release"]["number"], newest["release"]["previous"], newest["release"]["by"]) == (
        2,
        1,
        "Ada",
    )
    assert oldest["release"]["number"] == 1


async def test_two_snapshots_stand_side_by_side(project: Project, ask: Ask) -> None:
    with_cell(project, "x = 1", [], metrics={"auc": 0.8})
    with_cell(project, "x = 2", [], metrics={"auc": 0.9})
    told = read(await ask("compare", path="loans.ipynb", a="baseline@1", b="baseline@2"))
    assert [told[side]["number"] for side in ("baseline", "candidate")] == [1, 2]
    assert told["metrics"] == [{"name": "auc", "before": 0.8, "after": 0.9, "change": "changed"}]
    (cell,) = told["cells"]
    assert (cell["change"], cell["before"], cell["after"]) == ("changed", "x = 1", "x = 2")
    assert told["comparison"]["verdict"] == "diverged"


async def test_what_a_cell_showed_is_given_as_it_was_recorded(project: Project, ask: Ask) -> None:
    shown = [{"output_type": "stream", "name": "stdout", "text": "<script>x</script>"}]
    with_cell(project, "print(1)", shown)
    response = await ask("snapshots/baseline/cells/0/outputs", path="loans.ipynb")
    assert read(response)["outputs"] == shown
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    for cell, status in (("1", 404), ("-1", 400), ("x", 400), ("0" * 12, 400)):
        read(await ask(f"snapshots/baseline/cells/{cell}/outputs", path="loans.ipynb"), status)


async def test_the_register_has_the_newest_risks_of_every_experiment(project: Project, ask: Ask) -> None:
    snapshot(project)
    newest = snapshot(project, message="again")
    snapshot(project, experiment="forest", risks=())
    told = read(await ask("risks", path="loans.ipynb"))["risks"]
    assert [row["risk"]["id"] for row in told] == ["unequal-error", "thin-slice", "drift"]
    assert {(row["experiment"], row["snapshot"], row["number"]) for row in told} == {("baseline", newest, 2)}


@pytest.mark.parametrize(
    ("source", "state"),
    [("%%experiment baseline\nx = 1", "current"), ("%%experiment baseline\nx = 2", "changed")],
)
async def test_unsaved_cells_are_compared_with_the_newest_snapshot(
    project: Project, ask: Ask, source: str, state: str
) -> None:
    with_cell(project, "%%experiment baseline\nx = 1", [])
    body = {"cells": [{"id": "a", "type": "code", "source": source}]}
    told = read(await ask("standing", method="POST", path="loans.ipynb", body=body))
    assert [(cell["state"], cell["number"]) for cell in told["experiments"]] == [(state, 1)]
    assert read(await ask("standing", method="POST", path="", body=body))["experiments"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"cells": 1},
        {"cells": [{"id": "a"}]},
        {"cells": [{"id": "a", "type": "x", "source": ""}]},
        {},
        [],
        {"more": 1},
    ],
)
async def test_cells_that_are_none_are_refused(project: Project, ask: Ask, body: Any) -> None:
    message = read(await ask("standing", method="POST", path="loans.ipynb", body=body), 400)["message"]
    assert "body" in message
