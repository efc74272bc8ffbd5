"""A colleague has the bundle and the product, and nothing else: no repository, another environment, an empty home."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import papermill
import pytest

from jupyter_mlgov.project import Project
from jupyter_mlgov.rerun.engine import Recording
from tests.conftest import notebook_json
from tests.kernel import ROOT
from tests.rerun.small import small_python

OLD = "inflection==0.3.1"
"""A package that the notebook uses, in a version that the colleague does not have."""

CELLS = [
    "import inflection, numpy as np\nfrom lib.steps import scaled\nversion = inflection.__version__",
    "rows = [float(line) for line in open('../data/loans.csv').read().split()[1:]]\nrate = float(open('../rate.txt').read())",
    "%%experiment loans\nmean = float(np.mean(scaled(rows))) * rate + len(inflection.pluralize('loan'))\nprint(version, mean)",
]


@pytest.fixture(scope="module")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own, with few packages."""
    return small_python(tmp_path_factory.mktemp("old") / "env", OLD)


@pytest.fixture
def recorded(
    tmp_path: Path, git: Callable[..., str], old_python: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A bundle of a notebook in a repository, recorded in the old environment; the repository is gone."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    top = tmp_path / "ada" / "work"
    for name, text in {
        "notebooks/n.ipynb": json.dumps(notebook_json(list(CELLS))),
        "notebooks/lib/__init__.py": "",
        "notebooks/lib/steps.py": "def scaled(rows):\n    return [row / 2 for row in rows]\n",
        "data/loans.csv": "income\n1\n2\n6\n",
        "rate.txt": "2.5\n",
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    git("init", "-q", folder=top)
    git("add", "-A", folder=top)
    git("commit", "-qm", "one", folder=top)
    (top / "notebooks" / "lib" / "steps.py").write_text(
        "def scaled(rows):\n    return [row / 4 for row in rows]\n"
    )
    notebook = top / "notebooks" / "n.ipynb"
    recording = Recording(name="n", notebook=str(notebook), python=str(old_python))
    papermill.execute_notebook(
        str(notebook), str(tmp_path / "out.ipynb"), engine_name="mlgov", progress_bar=False,
        mlgov_recording=recording, mlgov_kernel={"cwd": str(notebook.parent)},
    )  # fmt: skip
    project = Project.open(top)
    bundle = tmp_path / "loans.mlgov"
    told = project.export("loans", bundle)
    assert (told.missing, told.left_out) == ((), ())
    shutil.rmtree(top.parent)
    return bundle


class Colleague:
    """Another machine, as far as one machine can be two."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.work = folder / "somewhere"
        for path in (self.home, self.work):
            path.mkdir(parents=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
        self.python = folder / "env" / "bin" / "python"
        site = next((folder / "env" / "lib").glob("python*/site-packages"))
        # The product and what it needs are installed here: as in a virtual environment with system packages.
        (site / "product.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")

    def mlgov(self, *words: str, **variables: str) -> tuple[int, Any]:
        """Status and JSON document of a call; nothing of this process's environment but the way to the indexes."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "UV_", "SSL_")) or name == "PATH"
        }
        kept.setdefault("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
        done = subprocess.run(
            [str(self.python), "-m", "jupyter_mlgov.cli", *words, "--json"],
            cwd=self.work, env={**kept, "HOME": str(self.home), **variables}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode in (0, 1, 3), done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.mark.timeout(900)
def test_a_colleague_reproduces_it_from_the_bundle_alone(recorded: Path, tmp_path: Path) -> None:
    colleague = Colleague(tmp_path / "colleague")
    status, imported = colleague.mlgov("import", str(recorded))
    assert (status, imported["experiment"], imported["new"]) == (0, "loans", True)
    status, comparison = colleague.mlgov("rerun", "loans", "--as-recorded")
    assert comparison["verdict"] == "reproduced", comparison
    assert (status, comparison["findings"]) == (0, [])
    _, candidate = colleague.mlgov("show", comparison["candidate"])
    assert candidate["environment"]["packages"]["inflection"] == "0.3.1"
    assert candidate["environment"]["packages"].keys() & {"jupyterlab", "scikit-learn"} == set()
    built = list((colleague.home / ".cache" / "mlgov" / "environments").glob("*/complete"))
    assert len(built) == 1
    changed = built[0].stat().st_mtime_ns
    status, comparison = colleague.mlgov("rerun", "loans", "--as-recorded")
    assert comparison["verdict"] == "reproduced"
    assert [path.stat().st_mtime_ns for path in built] == [changed], "the environment was there already"
    assert colleague.mlgov("fsck") == (0, {"ok": True, "problems": []})


@pytest.mark.timeout(900)
def test_what_cannot_be_had_is_named_and_blocks(recorded: Path, tmp_path: Path) -> None:
    colleague = Colleague(tmp_path / "colleague")
    colleague.mlgov("import", str(recorded))
    nothing = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "empty"), "PIP_NO_INDEX": "1"}
    status, comparison = colleague.mlgov("rerun", "loans", "--as-recorded", **nothing)
    assert (status, comparison["verdict"], comparison["runs"]) == (3, "blocked", 0)
    named = {finding["subject"] for finding in comparison["findings"]}
    assert {"inflection", "numpy", "ipykernel"} <= named
    assert {finding["cause"] for finding in comparison["findings"]} == {"environment.package"}
