from __future__ import annotations

import json
import time
from pathlib import Path

from jupyter_mlgov.capture.document import Live, live_notebook, overlay, read_cells
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
    assert "`k` in cell 1 came from cell 2" in warning.message


def test_a_cell_that_changes_its_own_name_twice_is_told(tmp_path: Path) -> None:
    path = notebook(tmp_path, "n = 1", "n = n + 1")
    twice = [ran("n = 1", "c0"), ran("n = n + 1", "c1"), ran("n = n + 1", "c1")]
    (warning,) = find_hidden_state(overlay(path, twice), twice, 1, {"n"})
    assert warning.code == "hidden-state.repeated-run"
    assert "`n`" in warning.message
    afresh = [*twice[:2], ran("n = 1", "c0"), ran("n = n + 1", "c1")]
    assert find_hidden_state(overlay(path, afresh), afresh, 1, {"n"}) == []


def live(*cells: tuple[str, str], path: str = "n.ipynb") -> Live:
    return Live(path, "", {"cells": [{"id": i, "cell_type": "code", "source": text} for i, text in cells]})


def test_the_front_ends_notebook_counts_before_the_file(tmp_path: Path) -> None:
    path = notebook(tmp_path, "old = 1")
    journal = [ran("a = 1", "x"), ran("gone = 1", "y"), ran("print(a, gone)", "z")]
    document = overlay(path, journal, live(("x", "a = 2"), ("new", "b = 1"), ("z", "print(a, gone)")))
    assert [(cell.source, cell.edited) for cell in document.cells] == [
        ("a = 1", "a = 2"), ("b = 1", None), ("print(a, gone)", None),
    ]  # fmt: skip
    assert document.place == {0: 0, 2: 2}
    assert [warning.message for warning in find_hidden_state(document, journal, 2, {"a", "gone"})] == [
        "`gone` was last set by a cell that is no longer in the notebook",
        "cell 1 was edited after it ran and has not been run again: `a` comes from the text that ran",
    ]


def test_a_file_that_was_saved_after_the_run_shows_what_was_edited_since(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 2", "print(a)")
    before = [ran("a = 1", "c0", at=1.0), ran("print(a)", "c1", at=2.0)]
    assert [cell.edited for cell in overlay(path, before).cells] == ["a = 2", None]
    after = [ran("a = 1", "c0"), ran("print(a)", "c1")]  # the file is older: the edit is not saved yet
    assert [cell.edited for cell in overlay(path, after).cells] == [None, None]


def test_a_name_of_an_earlier_text_of_a_cell_is_told(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 1", "print(a, b)")
    journal = [ran("a = 1\nb = 2", "c0"), ran("a = 1", "c0"), ran("print(a, b)", "c1")]
    warnings = find_hidden_state(overlay(path, journal), journal, 1, {"a", "b"})
    assert [(w.code, w.cell, w.message) for w in warnings] == [
        (
            "hidden-state.deleted-cell",
            0,
            "`b` was last set by an earlier text of cell 1, which no longer sets it",
        )
    ]


def test_ids_that_the_notebook_never_heard_of_leave_the_texts_to_decide(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 1", "b = 2")
    journal = [ran("a = 1", "vscode-notebook-cell:/n.ipynb#W0", at=1.0), ran("b = 2", "vscode#W1", at=2.0)]
    assert overlay(path, journal).place == {0: 0, 1: 1}


def test_what_claims_to_be_a_front_ends_notebook_is_checked() -> None:
    good = {"mlgov": {"path": "n.ipynb", "cells": [{"source": "x"}], "metadata": {}, "root": "~"}}
    assert live_notebook(good) is not None
    for bad in (None, [], {}, {"mlgov": 3}, {"mlgov": {"path": 3, "cells": []}}, {"mlgov": {"path": "n", "cells": "x"}},
                {"mlgov": {"path": "n", "cells": [3]}}):  # fmt: skip
        assert live_notebook(bad) is None


def test_a_large_file_is_read_without_its_outputs_and_once(tmp_path: Path) -> None:
    path = notebook(tmp_path, "a = 1")
    document = json.loads(path.read_text())
    document["cells"][0]["outputs"] = [
        {"output_type": "display_data", "data": {"x": float("nan")}, "metadata": {}}
    ]
    path.write_text(json.dumps(document))
    assert [cell.source for cell in (read_cells(path) or ([], {}))[0]] == ["a = 1"]
    first, second = read_cells(path), read_cells(path)
    assert first is not None and second is not None
    first[0][0].runs.append(1)
    assert second[0][0].runs == []  # each caller has cells of its own
    document["cells"][0]["source"] = "a = 2"
    path.write_text(json.dumps(document) + " ")
    assert [cell.source for cell in (read_cells(path) or ([], {}))[0]] == ["a = 2"]


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
