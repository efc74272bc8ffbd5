from __future__ import annotations

import json
import time
from pathlib import Path

from jupyter_mlgov.capture.document import overlay, read_cells
from jupyter_mlgov.capture.hidden_state import execution_order, find_hidden_state
from jupyter_mlgov.capture.journal import Execution
from tests.conftest import notebook_json


def ran(source: str, cell_id: str | None = None, at: float | None = None) -> Execution:
    return Execution(source, source, cell_id, None, at if at is not None else time.time() + 100)


def notebook(folder: Path, *cells: str) -> Path:
    path = folder / "n.ipynb"
    path.write_text(json.dumps(notebook_json(list(cells))))
    return path


def test_cells_are_matched_by_id_and_an_unsaved_edit_counts(tmp_path: Path) -> None:
    document = overlay(notebook(tmp_path, "a = 1", "b = 2"), [ran("a = 10", "c0"), ran("b = 2", "c1")])
    assert [cell.source for cell in document.cells] == ["a = 10", "b = 2"]
    assert document.place == {0: 0, 1: 1}


def test_without_ids_cells_are_matched_by_text_in_order(tmp_path: Path) -> None:
    path = notebook(tmp_path, "x += 1", "y = 1", "x += 1")
    assert overlay(path, [ran("x += 1"), ran("y = 1"), ran("x += 1")]).place == {0: 0, 1: 1, 2: 2}


def test_a_new_cell_that_is_not_saved_yet_is_put_after_the_one_that_ran_before_it(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 1", "b = 2")
    document = overlay(path, [ran("a = 1", "c0"), ran("new = 1", "fresh"), ran("b = 2", "c1")])
    assert [cell.source for cell in document.cells] == ["a = 1", "new = 1", "b = 2"]
    assert document.place == {0: 0, 1: 1, 2: 2}


def test_a_cell_that_is_gone_from_a_later_saved_file_was_deleted(tmp_path: Path) -> None:
    path = notebook(tmp_path, "print(df)")
    journal = [ran("df = 1", "gone", at=1.0), ran("print(df)", "c0")]
    document = overlay(path, journal)
    assert len(document.cells) == 1
    warnings = find_hidden_state(document, journal, 0, {"df"})
    assert [(w.code, w.message) for w in warnings] == [
        ("hidden-state.deleted-cell", "`df` was last set by a cell that is no longer in the notebook")
    ]


def test_running_from_top_to_bottom_is_linear_and_going_back_is_not(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 1", "b = a", "c = b")
    linear = [ran("a = 1", "c0"), ran("b = a", "c1"), ran("c = b", "c2")]
    assert execution_order(overlay(path, linear), linear, 2) == "linear"
    wrong = [linear[1], linear[0], linear[2]]
    document = overlay(path, wrong)
    assert execution_order(document, wrong, 2) == "out-of-order"
    assert find_hidden_state(document, wrong, 2, set())[0].code == "hidden-state.order"


def test_running_the_experiment_again_after_later_cells_is_no_disorder(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 1", "m = a", "print(m)")
    again = [ran("a = 1", "c0"), ran("m = a", "c1"), ran("print(m)", "c2"), ran("m = a", "c1")]
    assert execution_order(overlay(path, again), again, 1) == "linear"


def test_a_name_from_below_names_the_variable_and_the_cells(tmp_path: Path) -> None:
    path = notebook(tmp_path, "m = k * 2", "k = 3")
    order = [ran("k = 3", "c1"), ran("m = k * 2", "c0")]
    (warning,) = find_hidden_state(overlay(path, order), order, 0, {"k", "m"})
    assert warning.code == "hidden-state.order"
    assert "`k` in cell 0 came from cell 1" in warning.message


def test_a_cell_that_changes_its_own_name_twice_is_told(tmp_path: Path) -> None:
    path = notebook(tmp_path, "n = 1", "n = n + 1")
    twice = [ran("n = 1", "c0"), ran("n = n + 1", "c1"), ran("n = n + 1", "c1")]
    (warning,) = find_hidden_state(overlay(path, twice), twice, 1, {"n"})
    assert warning.code == "hidden-state.repeated-run"
    assert "`n`" in warning.message
    afresh = [*twice[:2], ran("n = 1", "c0"), ran("n = n + 1", "c1")]
    assert find_hidden_state(overlay(path, afresh), afresh, 1, {"n"}) == []


def test_files_that_are_no_notebooks_are_not_read_as_one(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"cells": 3}', '{"cells": [3]}', "\x00"):
        path = tmp_path / "x.ipynb"
        path.write_text(text)
        assert read_cells(path) is None
    assert read_cells(tmp_path / "none.ipynb") is None


def test_the_recorded_document_is_a_valid_notebook_without_outputs(tmp_path: Path) -> None:
    import nbformat

    document = overlay(notebook(tmp_path, "a = 1"), [ran("a = 1", "c0"), ran("b = 2", "x")])
    recorded = nbformat.reads(document.to_text(), as_version=4)
    nbformat.validate(recorded)
    assert [cell.source for cell in recorded.cells] == ["a = 1", "b = 2"]
