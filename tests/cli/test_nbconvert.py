"""``jupyter nbconvert --to mlgov_report``: a notebook's newest snapshot as its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from jupyter_mlgov.project import Project
from jupyter_mlgov.report.check import check_report
from jupyter_mlgov.store import Store
from tests.conftest import notebook_json
from tests.kernel import ROOT
from tests.store.making import add_snapshot


def nbconvert(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "mlgov_report", *words],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_a_notebook_becomes_the_report_of_its_newest_snapshot(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "n.ipynb").write_text(json.dumps(notebook_json(["auc = 0.8"])))
    add_snapshot(store, path="deep/n.ipynb", message="old")
    newest = add_snapshot(store, path="deep/n.ipynb", message="new")
    add_snapshot(store, path="other.ipynb")
    done = nbconvert(tmp_path, "deep/n.ipynb")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "deep" / "n.html").read_text(encoding="utf-8")
    assert page == Project.open(tmp_path).report_html(newest)
    assert check_report(tmp_path / "deep" / "n.html").ok


def test_a_notebook_without_a_record_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text(json.dumps(notebook_json(["1"])))
    done = nbconvert(tmp_path, "n.ipynb")
    assert done.returncode == 1
    assert "no project at or above" in done.stderr
    assert not (tmp_path / "n.html").exists()
