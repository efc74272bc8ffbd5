"""The explorer over a real store."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlgov as mlgov
from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.project import Project
from jupyter_mlgov.widgets.explore import ROWS, Explore
from jupyter_mlgov.widgets.lines import line_chart
from tests.server.made import HOSTILE, snapshot

AUC = (0.7, 0.9, 0.8)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.open(tmp_path, create=True)
    for value in AUC:
        snapshot(
            made, metrics={"auc": value, "label": "text"}, parameters={"C": value}, message=f"try {value}"
        )
    snapshot(made, experiment="other", metrics={"loss": 3}, message=HOSTILE, notebook="b.ipynb")
    return made


def test_it_sorts_by_any_column_and_what_lacks_it_comes_last(project: Project) -> None:
    explorer = mlgov.explore(project.root)
    assert [entry.metrics.get("auc") for entry in explorer.rows()] == [None, 0.8, 0.9, 0.7]
    for descending, order in ((True, [0.9, 0.8, 0.7, None]), (False, [0.7, 0.8, 0.9, None])):
        assert [one.metrics.get("auc") for one in explorer.rows(sort="auc", descending=descending)] == order
    assert [entry.experiment for entry in explorer.rows(sort="experiment", descending=False)][-1] == "other"
    assert explorer.metrics == ("auc", "loss")
    with pytest.raises(UsageError, match="give one of number"):
        explorer.rows(sort="label")


def test_a_search_narrows_the_table_as_everywhere_else(project: Project) -> None:
    explorer = mlgov.explore(project.root, experiment="baseline")
    assert len(explorer.entries) == 3
    assert [entry.metrics["auc"] for entry in explorer.rows(search="auc>=0.8", sort="auc")] == [0.9, 0.8]
    assert explorer.rows(search="nothing-like-it") == []


def test_pages_cut_the_table_and_what_came_from_a_notebook_stays_text(tmp_path: Path) -> None:
    project = Project.open(tmp_path, create=True)
    for number in range(ROWS + 2):
        snapshot(project, message=HOSTILE if number == 0 else f"try {number}", metrics={"auc": number / 100})
    explorer = Explore(project)
    rows = explorer.rows()
    assert explorer.page(rows).count("<tr>") == ROWS + 1
    second = explorer.page(rows, 1)
    assert second.count("<tr>") == 3
    assert f"{ROWS + 1} to {ROWS + 2} of {ROWS + 2} snapshots" in second
    assert "<img" not in second
    assert "&lt;img" in second


def test_the_plot_has_a_point_for_each_snapshot_of_each_experiment(project: Project) -> None:
    svg = mlgov.explore(project.root).plot("auc")
    drawing = ElementTree.fromstring(svg[svg.index("<svg") : svg.index("</svg>") + 6])
    heights = [float(circle.get("cy", "")) for circle in drawing.iter("circle")]
    assert len(heights) == 3
    assert heights[1] < heights[2] < heights[0], "0.9 stands above 0.8, above 0.7"
    assert "baseline #2: 0.9" in svg
    assert "no value yet" in mlgov.explore(project.root).plot("absent")


def test_a_chart_of_one_value_or_of_none_is_drawn_all_the_same() -> None:
    assert "<circle" in line_chart({"a": [("a #1", 0.0)]}, title="x")
    assert "no value yet" in line_chart({"a": [("a #1", float("nan"))]}, title="x")


def test_two_are_compared_with_findings_and_differences(project: Project) -> None:
    page = mlgov.explore(project.root).compare("baseline@1", "baseline@2")
    assert "+0.2" in page
    assert "baseline #1" in page
    with pytest.raises(NotFound):
        mlgov.explore(project.root).compare("baseline@1", "baseline@99")


def test_the_widgets_follow_their_controls(project: Project) -> None:
    tab = mlgov.explore(project.root).widget
    assert list(tab.titles) == ["Snapshots", "Over time", "Compare"]
    (controls, rows), (metric, chart), (pair, said) = (part.children for part in tab.children)
    search, sort, down, page = controls.children
    sort.value, down.value = "auc", False
    assert rows.value.index("try 0.7") < rows.value.index("try 0.8") < rows.value.index("try 0.9")
    search.value = "auc>=0.85"
    assert "1 to 1 of 1" in rows.value
    search.value = "nothing-like-it"
    assert "No snapshot" in rows.value
    assert page.max == 1
    before = chart.value
    metric.value = "loss"
    assert chart.value != before
    pair.children[2].click()
    assert "other #1" in said.value


def test_without_ipywidgets_it_is_tables(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    shown: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda page: shown.append(page.data))
    mlgov.explore(project.root)._ipython_display_()
    (page,) = shown
    assert page.count("<table") >= 2
    assert "<svg" in page
    assert "<script" not in page
    assert "4 snapshots" in repr(mlgov.explore(project.root))


def test_a_saved_notebook_has_the_tables_beside_the_widget(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    mlgov.explore(project.root)._ipython_display_()
    (bundle,) = shown
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert bundle["text/html"].count("<table") >= 2
    assert bundle["text/plain"].startswith("Explore(4 snapshots")


def test_where_there_is_no_project_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no project"):
        mlgov.explore(tmp_path)
