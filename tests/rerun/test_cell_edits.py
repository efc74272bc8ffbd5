"""How an edit of a cell is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.project import FOLDER, Project
from jupyter_mlgov.rerun.cell_edits import edit
from jupyter_mlgov.rerun.compare import compare
from jupyter_mlgov.store import Store
from tests.rerun.making import Maker
from tests.store.making import add_snapshot


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("a = 1\nb = 2", "a = 1\nb = 3", "`b = 2` is `b = 3` now"),
        ("a = 1", "a = 1\nb = 2", "`b = 2` was added"),
        ("a = 1\nb = 2", "b = 2\na = 1", "its lines stand in another order"),
        ("if a:\n    b = 1\n    c = 2", "if a:\n    b = 1\nc = 2", "the indentation of `c = 2` is another"),
        ("a += 1\na += 1", "a += 1", "a line stands there more often, or less"),
        ("%%experiment x --seed 1\na = 1", "%%experiment x --seed 2\na = 1",
         "`%%experiment x --seed 1` is `%%experiment x --seed 2` now"),
    ],
)  # fmt: skip
def test_what_differs_is_named(old: str, new: str, says: str) -> None:
    assert edit(old, new) == says


def test_a_diff_tells_the_lines_that_change_no_result(tmp_path: Path) -> None:
    store = Store.create(tmp_path / FOLDER)
    add_snapshot(store, source="%%experiment base --model a -m 'first try'\nauc = 0.8")
    add_snapshot(store, source="%%experiment base --model b -m 'second'\nauc = 0.8", message="another")
    add_snapshot(store, source="%%experiment base --model b -m 'third'\nauc = 0.8", message="third")
    project = Project.open(tmp_path)
    found = project.diff("baseline@1", "baseline@2")
    assert (found.verdict, found.findings) == ("reproduced", ())
    assert found.caution == (
        "On top of cell 1, `%%experiment base --model a` is `%%experiment base --model b` now."
    )
    assert project.diff("baseline@2", "baseline@3").caution == ""


def test_a_charter_that_was_edited_is_told(tmp_path: Path) -> None:
    store = Store.create(tmp_path / FOLDER)
    add_snapshot(store, source="%%charter\ntitle: A\nowner: B")
    add_snapshot(store, source="%%charter\ntitle: A\nowner: C", message="another")
    assert Project.open(tmp_path).diff("baseline@1", "baseline@2").caution == (
        "In cell 1, %%charter: `owner: B` is `owner: C` now."
    )


def test_an_added_cell_that_looks_like_a_removed_one_says_where_they_differ(tmp_path: Path) -> None:
    make = Maker(tmp_path)
    old = ["x = 1\n" + "\n".join(f"a{i} = {i}" for i in range(9)), "auc = 5"]
    new = ["auc = 5", "x = 1\n" + "\n".join(f"some_other_thing(z{i}, [])" for i in range(9))]
    found = compare(
        make.store, make.baseline(old, metrics={"auc": 0.8}), make.run(new, metrics={"auc": 0.7})
    ).findings
    (added,) = [one for one in found if "was added" in one.message]
    assert "it begins as cell 1 did, which was removed, and differs: `a0 = 0` is" in added.message
