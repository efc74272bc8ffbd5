"""Where nobody reads what ``mlgov`` prints, its exit status is the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import KpiResult
from tests.kernel import ROOT
from tests.store.making import add_snapshot


def unread(folder: Path, *words: str, stream: str) -> tuple[int, str]:
    """Status and the other stream's text of a call whose ``stream`` (stdout, stderr) has lost its reader."""
    read, write = os.pipe()
    os.close(read)
    other = "stdout" if stream == "stderr" else "stderr"
    try:
        done = subprocess.run(
            [sys.executable, "-m", "jupyter_mlgov.cli", *words],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL, text=True, timeout=120,
            **{stream: write, other: subprocess.PIPE},
        )  # fmt: skip
    finally:
        os.close(write)
    return done.returncode, str(getattr(done, other))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.open(tmp_path, create=True)
    missed = KpiResult(metric="auc", op=">=", target=0.9, value=0.8, met=False)
    add_snapshot(project.store, kpis=(missed,))
    return project


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_closed_gate_is_closed(project: Project, options: tuple[str, ...]) -> None:
    assert unread(project.root, "gate", "baseline", *options, stream="stdout") == (1, "")


def test_a_listing_is_a_listing(project: Project) -> None:
    assert unread(project.root, "log", stream="stdout") == (0, "")
    assert unread(project.root, "--version", stream="stdout") == (0, "")


def test_a_wrong_call_is_a_wrong_call(project: Project) -> None:
    assert unread(project.root, "show", "nothing", stream="stderr") == (2, "")


@pytest.mark.parametrize("options", [("--progress-json",), ()])
def test_a_rerun_whose_progress_nobody_reads_gives_its_verdict(
    project: Project, write_notebook: Callable[..., Path], options: tuple[str, ...]
) -> None:
    notebook = write_notebook("n.ipynb", ["print(1)"])
    snapshot = project.snapshot(notebook)
    status, output = unread(project.root, "rerun", snapshot, "--json", *options, stream="stderr")
    assert (json.loads(output)["verdict"], status) == ("reproduced", 0)
