"""No path of a client leaves the folder that the server serves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.project import Project
from jupyter_mlgov.server.paths import served_path
from tests.server.conftest import Ask
from tests.server.made import project_at, snapshot

OUT = [
    "../loans.ipynb",
    "a/../../x",
    "/etc/passwd",
    "~/x",
    "a\\..\\x",
    "a\0b",
    "a\nb",
    "//host/x",
    "x" * 5000,
]


@pytest.mark.parametrize("path", OUT)
async def test_a_path_that_leads_out_is_refused(project: Project, ask: Ask, path: str) -> None:
    for route in ("project", "snapshots", "snapshots/baseline", "snapshots/baseline/report"):
        response = await ask(route, path=path)
        assert response.code == 400, (route, response.body)
        assert "\n" not in json.loads(response.body)["message"]


async def test_a_symbolic_link_out_of_the_folder_is_refused(
    jp_root_dir: Path, tmp_path: Path, ask: Ask
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    snapshot(project_at(outside))
    (jp_root_dir / "link").symlink_to(outside)
    for path in ("link", "link/loans.ipynb"):
        response = await ask("snapshots/baseline", path=path)
        assert response.code == 400, response.body
        assert "leads out" in json.loads(response.body)["message"]


async def test_a_link_inside_the_folder_is_followed(jp_root_dir: Path, project: Project, ask: Ask) -> None:
    snapshot(project)
    (jp_root_dir / "there").symlink_to(jp_root_dir)
    response = await ask("snapshots/baseline", path="there/loans.ipynb")
    assert response.code == 200, response.body


async def test_what_is_not_there_is_not_found(project: Project, ask: Ask) -> None:
    assert (await ask("project", path="gone.ipynb")).code == 404


async def test_a_project_above_the_served_folder_is_found(jp_root_dir: Path, ask: Ask) -> None:
    project = project_at(jp_root_dir.parent)
    (jp_root_dir / "loans.ipynb").write_text("{}")
    name = snapshot(project, notebook=f"{jp_root_dir.name}/loans.ipynb")
    response = await ask("snapshots", path="loans.ipynb")
    assert [item["id"] for item in json.loads(response.body)["snapshots"]] == [name]


@given(st.text(max_size=40))
def test_any_text_is_a_path_inside_or_an_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.getbasetemp()
    try:
        found = served_path(root, text)
    except MlgovError as error:
        assert "\n" not in str(error)
    else:
        assert found.resolve().is_relative_to(root.resolve())
