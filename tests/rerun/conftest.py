"""Notebooks that are recorded and rerun with real kernels, and manifests made by hand."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.project import Project
from jupyter_mlgov.records.verdict import Comparison
from tests.conftest import notebook_json
from tests.kernel import ROOT


class Work:
    """A project folder with one notebook, as a data scientist would have it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebook = folder / "analysis.ipynb"
        (folder / ".mlgov").mkdir(exist_ok=True)
        (folder / ".mlgov").rmdir()

    def write(self, *cells: Any, name: str = "analysis.ipynb") -> Path:
        """Writes the notebook's file."""
        self.notebook = self.folder / name
        self.notebook.write_text(json.dumps(notebook_json(list(cells))), encoding="utf-8")
        return self.notebook

    def file(self, name: str, text: str) -> Path:
        """Writes a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def record(self, *cells: Any) -> str:
        """Runs the notebook from top to bottom as papermill does; gives the snapshot's id."""
        if cells:
            self.write(*cells)
        return execute(self.notebook, self.folder / "executed.ipynb")[0]["id"]

    @property
    def project(self) -> Project:
        return Project.open(self.folder)

    def rerun(self, snapshot: str, **options: Any) -> Comparison:
        """The verdict on a snapshot."""
        return self.project.rerun(snapshot, **options)


def execute(notebook: Path, output: Path, **options: Any) -> list[dict[str, str]]:
    """``papermill --engine mlgov`` in the notebook's folder; what was recorded."""
    import papermill

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = papermill.execute_notebook(
            str(notebook),
            str(output),
            engine_name="mlgov",
            progress_bar=False,
            cwd=str(notebook.parent),
            **options,
        )
    output.unlink(missing_ok=True)
    recorded: list[dict[str, str]] = done.metadata.papermill["mlgov"]
    return recorded


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """An empty project folder; kernels find the package under test and keep out of the home folder."""
    path = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(part for part in (str(ROOT), path) if part))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    yield Work(folder)


MakeWork = Callable[..., Work]
