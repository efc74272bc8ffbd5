"""``mlgov snapshot NOTEBOOK``: a saved notebook is recorded from the command line, without running it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlgov.project import Project
from tests.cli.test_main_job import document, mlgov
from tests.conftest import notebook_json


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "loans.ipynb"
    path.write_text(json.dumps(notebook_json(["%load_ext jupyter_mlgov", "%%experiment base\nauc = 0.8"])))
    return path


def test_a_saved_notebook_is_recorded_and_says_what_only_a_kernel_knows(notebook: Path) -> None:
    made = document(notebook.parent, "snapshot", "loans.ipynb", "-m", "before the holidays")
    assert (made["experiment"], made["number"]) == ("base", 1)
    assert [warning["code"] for warning in made["warnings"]] == ["kernel.not-asked"]
    shown = Project.open(notebook.parent).show("base")
    assert (shown["id"], shown["message"]) == (made["id"], "before the holidays")
    assert shown["notebook"]["path"] == "loans.ipynb"
    assert shown["metrics"] == {}
    page = mlgov(notebook.parent, "snapshot", "loans.ipynb", "--experiment", "other")
    assert page.returncode == 0, page.stderr
    assert page.stdout.startswith("other@1")
    assert "recorded without its kernel" in page.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["snapshot"], "name a notebook"),
        (["snapshot", "gone.ipynb"], "notebook gone.ipynb: there is no such file"),
        (["snapshot", "."], "notebook .: there is no such file"),
        (["snapshot", "text.ipynb"], "that is no JSON"),
        (["snapshot", "list.ipynb"], "that is no notebook in format 4"),
        (["snapshot", "loans.ipynb", "--experiment", "../up"], "experiment name"),
    ],
)
def test_what_is_no_notebook_is_one_line(notebook: Path, words: list[str], said: str) -> None:
    (notebook.parent / "text.ipynb").write_text("no notebook")
    (notebook.parent / "list.ipynb").write_text("[]")
    done = mlgov(notebook.parent, *words)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert said in line


def test_a_list_of_what_is_not_there_says_so_as_show_does(notebook: Path) -> None:
    folder = notebook.parent
    document(folder, "snapshot", "loans.ipynb")
    (folder / "new.ipynb").write_text(json.dumps(notebook_json(["1"])))
    shown = mlgov(folder, "show", "nope")
    listed = mlgov(folder, "log", "--experiment", "nope")
    assert (listed.returncode, listed.stdout, listed.stderr) == (shown.returncode, "", shown.stderr)
    assert "nothing is called 'nope'" in listed.stderr
    gone = mlgov(folder, "log", "--notebook", "nope.ipynb")
    assert (gone.returncode, gone.stderr) == (shown.returncode, mlgov(folder, "show", "nope.ipynb").stderr)
    assert document(folder, "log", "--notebook", "new.ipynb") == []
    assert len(document(folder, "log", "--notebook", "loans.ipynb", "--experiment", "base")) == 1
