"""A rerun beside the notebook, on real projects with real processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import psutil
import pytest

import jupyter_mlgov as mlgov
from jupyter_mlgov.errors import MlgovError, NotFound
from jupyter_mlgov.project import Project
from tests.cli.test_main_job import make_project

MEAN = "%%experiment mean\nimport pandas as pd\nincome = float(pd.read_csv('data/loans.csv').income.mean())"
SLOW = "import os, time\nif os.path.exists('slow'):\n    time.sleep(600)"


def until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("mean")
    make_project(folder, ["%load_ext jupyter_mlgov", SLOW, MEAN])
    return Project.open(folder)


def test_the_widget_follows_the_rerun_to_its_verdict_and_names_the_cause(project: Project) -> None:
    data = project.root / "data" / "loans.csv"
    before = data.read_text()
    data.write_text(before.replace("39,1", "99,1"))
    try:
        watched = mlgov.watch_rerun("mean", project.root)
        box = watched.widget
        line, row, _ = box.children
        bar, _ = row.children
        said, lengths = set(), set()
        while watched.rerun.state == "running":
            said.add(line.value)
            lengths.add(bar.max)
            time.sleep(0.02)
        found = watched.wait(60)
    finally:
        data.write_text(before)
    assert found.verdict == "diverged"
    assert any("executing the notebook again" in one for one in said), said
    assert any("to confirm the cause" in one for one in said), said
    assert 3 in lengths
    until(lambda: len(box.children) == 2, 10)
    assert line.value.startswith("rerun of mean@1: diverged (0:")
    page = box.children[1].value
    assert "data.values" in page and "data/loans.csv" in page and "confirmed" in page
    assert watched._repr_html_() == page
    shown = Project.open(project.root).show("mean")
    assert [rerun["verdict"] for rerun in shown["reruns"]] == ["diverged"], "it is on the ledger as any other"


def test_cancelling_ends_everything_that_it_started(project: Project) -> None:
    reruns = len(project.show("mean")["reruns"])
    (project.root / "slow").touch()
    try:
        watched = mlgov.watch_rerun("mean", project.root)
        box = watched.widget
        leader = psutil.Process(watched.rerun._process.pid)
        until(lambda: watched.rerun.progress is not None and watched.rerun.progress.cell >= 1)
        family = leader.children(recursive=True)
        assert family, "a kernel runs"
        box.children[1].children[1].click()
    finally:
        (project.root / "slow").unlink()
    assert watched.rerun.state == "cancelled"
    assert "cancelled" in box.children[0].value
    until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family), 10)
    with pytest.raises(MlgovError, match="was cancelled"):
        watched.wait(10)
    watched.cancel()
    assert len(project.show("mean")["reruns"]) == reruns, "nothing was written down"


def test_what_goes_wrong_is_one_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound):
        mlgov.watch_rerun("nobody", project.root)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    watched = mlgov.watch_rerun("mean", project.root)
    with pytest.raises(MlgovError, match="ended without an answer"):
        watched.wait(20)
    assert "ended without an answer" in repr(watched)


def test_without_ipywidgets_it_says_how_it_stands(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    shown: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda page: shown.append(page.data))
    watched = mlgov.watch_rerun("mean", project.root)
    watched._ipython_display_()
    assert "rerun of mean@1" in shown[0] and "Show it again" in shown[0]
    assert watched.wait(120).verdict == "reproduced"
    watched._ipython_display_()
    assert "reproduced" in shown[1]
