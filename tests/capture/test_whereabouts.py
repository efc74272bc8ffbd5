"""The right notebook path wherever a notebook runs: said by a front end, or found by its cells."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.capture import whereabouts
from jupyter_mlgov.capture.document import Live
from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.capture.whereabouts import notebook_path
from jupyter_mlgov.project import Project
from tests.kernel import ROOT, Kernel

Write = Callable[..., Path]

EXPERIMENT = "%%experiment e\nscore = len('ab')"
CELLS = ["%load_ext jupyter_mlgov", EXPERIMENT]


def ran(source: str, cell_id: str | None = None) -> Execution:
    return Execution(source, source, cell_id, None, 0.0)


@pytest.fixture(autouse=True)
def nobody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(whereabouts, "_named_by_parents", lambda: ())


def test_jupyterlab_tells_the_path_with_the_cell_after_a_rename_too(
    tmp_path: Path, write_notebook: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    path = write_notebook("renamed.ipynb", CELLS).rename(tmp_path / "deep" / "renamed.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "old" / "n.ipynb"))
    for root in ("", str(tmp_path)):
        live = Live("deep/renamed.ipynb", root, {"cells": []})
        assert notebook_path({}, [], tmp_path / "deep", live) == path
    assert notebook_path({}, [], tmp_path / "deep", Live("RTC:deep/renamed.ipynb", "", {"cells": []})) == path


def test_after_a_rename_that_nobody_tells_the_cells_ids_find_it(
    tmp_path: Path, write_notebook: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "before.ipynb"))
    path = write_notebook("after.ipynb", ["x = 1"])
    assert notebook_path({}, [ran("not saved yet", "c0")], tmp_path) == path
    assert notebook_path({}, [ran("not saved yet", "other")], tmp_path) is None


def test_a_console_and_a_terminal_have_no_notebook(
    tmp_path: Path, write_notebook: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook("n.ipynb", CELLS)
    journal = [ran(CELLS[0]), ran(CELLS[1])]
    assert notebook_path({}, journal, tmp_path) == tmp_path / "n.ipynb"
    assert notebook_path({}, journal, None) is None
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "console-1-abc"))
    assert notebook_path({}, journal, tmp_path) is None


def test_a_notebook_without_the_cells_that_ran_is_not_taken(tmp_path: Path, write_notebook: Write) -> None:
    write_notebook("other.ipynb", ["%load_ext jupyter_mlgov", "something = else_"])
    assert notebook_path({}, [ran(CELLS[0]), ran(CELLS[1])], tmp_path) is None


def test_vs_code_says_it_in_the_namespace(
    kernel: Callable[..., Kernel], tmp_path: Path, write_notebook: Write
) -> None:
    path = write_notebook("code.ipynb", CELLS)
    write_notebook("copy.ipynb", CELLS)
    one = kernel()
    one.must(f"__vsc_ipynb_file__ = {str(path)!r}")
    one.must(CELLS[0], cell_id="vscode-notebook-cell:/code.ipynb#W0")
    one.must(EXPERIMENT, cell_id="vscode-notebook-cell:/code.ipynb#W1")
    notebook = Project.open(tmp_path).show("e")["notebook"]
    assert notebook["path"] == "code.ipynb"
    # The first cell of this session stands for what VS Code does by itself.
    assert [cell["runs"] for cell in notebook["cells"]][-2:] == [1, 1]


def test_the_front_ends_notebook_is_what_is_recorded(
    kernel: Callable[..., Kernel], tmp_path: Path, write_notebook: Write
) -> None:
    path = write_notebook("n.ipynb", CELLS)
    one = kernel(notebook=path)
    one.must(CELLS[0], cell_id="c0")
    one.must("df = 1", cell_id="deleted")
    path.rename(tmp_path / "m.ipynb")
    cells = [
        {"id": "c0", "cell_type": "code", "source": CELLS[0], "metadata": {}},
        {"id": "note", "cell_type": "markdown", "source": "# not saved", "metadata": {}},
        {
            "id": "c1",
            "cell_type": "code",
            "source": "%%experiment e\nscore = df + 1",
            "metadata": {"tags": ["t"]},
        },
    ]
    live: dict[str, Any] = {"mlgov": {"path": "m.ipynb", "root": "", "cells": cells, "metadata": {}}}
    one.run(cells[2]["source"], cell_id="c1", metadata=live)
    document = Project.open(tmp_path).show("e")
    assert document["notebook"]["path"] == "m.ipynb"
    assert [(cell["id"], cell["type"], cell["tags"]) for cell in document["notebook"]["cells"]] == [
        ("c0", "code", []), ("note", "markdown", []), ("c1", "code", ["t"]),
    ]  # fmt: skip
    assert [warning["message"] for warning in document["warnings"]] == [
        "`df` was last set by a cell that is no longer in the notebook"
    ]


RUNNERS = {
    "nbconvert": ["jupyter", "nbconvert", "--to", "notebook", "--execute", "here.ipynb", "--output", "out"],
    "papermill": ["papermill", "here.ipynb", "out.ipynb", "-p", "k", "3"],
}


@pytest.mark.parametrize("name", RUNNERS)
def test_nbconvert_and_papermill_name_it_on_their_command_line(
    name: str, tmp_path: Path, write_notebook: Write
) -> None:
    parameters = {
        "cell_type": "code",
        "source": "k = 1",
        "metadata": {"tags": ["parameters"]},
        "outputs": [],
        "execution_count": None,
    }
    cells = [CELLS[0], parameters, "%%experiment e\nscore = k + 1"]
    write_notebook("here.ipynb", cells)
    write_notebook("a copy.ipynb", cells)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path / ".ipython")}
    environment.pop("JPY_SESSION_NAME", None)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        RUNNERS[name], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    document = Project.open(tmp_path).show("e")
    assert document["notebook"]["path"] == "here.ipynb"
    assert document["metrics"] == {"score": 4 if name == "papermill" else 2}
