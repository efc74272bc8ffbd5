"""How the cells in an editor stand to the snapshots of their notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.records.manifest import Caution
from jupyter_mlgov.rerun.standing import LiveCell, Standing, standing
from tests.rerun.making import Maker

PREPARE = "limit = 50"
EXPERIMENT = "%%experiment base\nscore = float(limit)"
AFTER = "print(score)"
RECORDED = [PREPARE, EXPERIMENT, AFTER]


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def recorded(maker: Maker, cells: list[str] = RECORDED, **facts: Any) -> str:
    """A snapshot taken when all but the last cell had run."""
    return maker.run(cells, kind="snapshot", order=list(range(len(cells) - 1)), **facts)


def now(maker: Maker, *sources: str, ids: list[str] | None = None) -> Standing:
    cells = [
        LiveCell(id=ids[place] if ids else f"id{place}", type="code", source=source)
        for place, source in enumerate(sources)
    ]
    return standing(maker.store, "analysis.ipynb", cells)


def test_an_experiment_that_was_not_recorded_is_never(maker: Maker) -> None:
    (cell,) = now(maker, EXPERIMENT).experiments
    assert (cell.experiment, cell.state, cell.number) == ("base", "never", None)


@pytest.mark.parametrize(
    "head",
    [
        "%%experiment --seed 1 base",
        "%%experiment -m 'two words' --show base",
        "%%experiment --kpi='auc >= 0.8' base",
        "%%time\n%%experiment base",
        "\n%%experiment base --seed 1",
    ],
)
def test_an_experiment_is_seen_whatever_stands_before_its_name(maker: Maker, head: str) -> None:
    (cell,) = now(maker, f"{head}\nscore = 1.0").experiments
    assert (cell.experiment, cell.state) == ("base", "never")


@pytest.mark.parametrize(
    "head", ["%%experiment", "%%experiment --seed 1", "%%experiment 'open", "%%experiments base"]
)
def test_a_line_that_names_no_experiment_is_none(maker: Maker, head: str) -> None:
    assert now(maker, f"{head}\nscore = 1.0").experiments == ()


def test_unchanged_cells_are_current(maker: Maker) -> None:
    name = recorded(maker)
    (cell,) = now(maker, *RECORDED).experiments
    assert (cell.id, cell.state, cell.snapshot, cell.number, cell.changes) == ("id1", "current", name, 1, ())


@pytest.mark.parametrize(
    "sources",
    [
        (PREPARE + "  # half", EXPERIMENT, AFTER),
        ("limit    =    50", EXPERIMENT, AFTER),
        (PREPARE, EXPERIMENT, "print('another cell that had not run')"),
        (PREPARE, EXPERIMENT, AFTER, "plot(score)"),
        (PREPARE, EXPERIMENT.replace("base", "base -m 'again'"), AFTER),
    ],
)
def test_what_cannot_change_the_result_is_no_change(maker: Maker, sources: tuple[str, ...]) -> None:
    recorded(maker)
    assert now(maker, *sources).experiments[0].state == "current"


def test_an_edited_cell_above_is_a_change_with_both_texts(maker: Maker) -> None:
    recorded(maker)
    (cell,) = now(maker, "limit = 60", EXPERIMENT, AFTER).experiments
    assert cell.state == "changed"
    (change,) = cell.changes
    assert (change.kind, change.id, change.index) == ("edited", "id0", 0)
    assert (change.before, change.after) == ("limit = 50", "limit = 60")


def test_an_edited_experiment_is_a_change(maker: Maker) -> None:
    recorded(maker)
    (cell,) = now(maker, PREPARE, EXPERIMENT + " + 1", AFTER).experiments
    assert [change.id for change in cell.changes] == ["id1"]


def test_a_cell_that_is_gone_is_a_change(maker: Maker) -> None:
    recorded(maker)
    (cell,) = now(maker, EXPERIMENT, AFTER, ids=["id1", "id2"]).experiments
    assert [(change.kind, change.before) for change in cell.changes] == [("removed", PREPARE)]


def test_a_new_cell_above_is_a_change_and_a_risk_is_not(maker: Maker) -> None:
    recorded(maker)
    risk = "%%risk thin\nsituation: x\nseverity: low\nlikelihood: low"
    ids = ["id0", "new", "id1", "id2"]
    assert now(maker, PREPARE, risk, EXPERIMENT, AFTER, ids=ids).experiments[0].state == "current"
    (cell,) = now(maker, PREPARE, "limit *= 2", EXPERIMENT, AFTER, ids=ids).experiments
    assert [(change.kind, change.id) for change in cell.changes] == [("added", "new")]


def test_a_secret_in_a_cell_is_no_change_and_is_not_sent_back(maker: Maker) -> None:
    recorded(maker, ['password = "<redacted>"', EXPERIMENT, AFTER])
    live = 'password = "hunter22-hunter22"'
    assert now(maker, live, EXPERIMENT, AFTER).experiments[0].state == "current"
    (cell,) = now(maker, live + "\nx = 1", EXPERIMENT, AFTER).experiments
    assert "hunter22" not in cell.changes[0].after


def test_a_warning_is_told_at_the_cell_where_it_is_now(maker: Maker) -> None:
    recorded(
        maker,
        warnings=(
            Caution(code="hidden-state.order", message="ran late", cell=0),
            Caution(code="x", message="y"),
        ),
    )
    told = now(maker, "import os", PREPARE, EXPERIMENT, AFTER, ids=["new", "id0", "id1", "id2"])
    assert [(warning.id, warning.code, warning.number) for warning in told.warnings] == [
        ("id0", "hidden-state.order", 1)
    ]


def test_code_that_does_not_parse_is_compared_as_text(maker: Maker) -> None:
    recorded(maker)
    (cell,) = now(maker, "limit = (", EXPERIMENT, AFTER).experiments
    assert cell.state == "changed"
