"""``papermill --engine mlgov`` and ``mlgov://``: papermill as it is, and a record beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from jupyter_mlgov.errors import MlgovError, NotFound
from jupyter_mlgov.rerun.handler import MlgovHandler
from tests.conftest import notebook_json
from tests.rerun.conftest import Work, execute


def tagged(source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": list(tags)},
        "execution_count": None,
        "outputs": [],
    }


def test_each_experiment_cell_leaves_one_snapshot(work: Work) -> None:
    notebook = work.write(
        "a = 1",
        "%%experiment one\nscore = a + 0.5",
        ("markdown", "# two"),
        "%%experiment two\nscore = a + 1.5",
    )
    recorded = execute(notebook, work.folder / "out.ipynb")
    assert [(r["experiment"], r["kind"]) for r in recorded] == [("one", "snapshot"), ("two", "snapshot")]
    assert {entry.id for entry in work.project.log()} == {r["id"] for r in recorded}
    manifest = work.project.store.manifest(recorded[0]["id"])
    assert manifest.notebook.path == "analysis.ipynb"
    assert [(c.id, c.type, c.status) for c in manifest.notebook.cells] == [
        ("c0", "code", "ok"), ("c1", "code", "ok"), ("c2", "markdown", "not-run"), ("c3", "code", "not-run"),
    ]  # fmt: skip


def test_a_notebook_without_an_experiment_is_recorded_under_its_name(work: Work) -> None:
    notebook = work.write("a = 1", "score = a + 0.5", name="monthly report.ipynb")
    (recorded,) = execute(notebook, work.folder / "out.ipynb")
    assert recorded["experiment"] == "monthly-report"
    assert work.project.store.manifest(recorded["id"]).metrics == {"score": 1.5}


def test_notebooks_from_before_cells_had_ids_run_too(work: Work) -> None:
    document = notebook_json(["a = 1", "%%experiment one\nscore = a + 0.5"])
    for cell in document["cells"]:
        del cell["id"]
    document["nbformat_minor"] = 2
    notebook = work.folder / "old.ipynb"
    notebook.write_text(json.dumps(document))
    (recorded,) = execute(notebook, work.folder / "out.ipynb")
    assert work.project.store.manifest(recorded["id"]).metrics == {"score": 1.5}


def test_the_outputs_are_those_of_papermills_own_engine(work: Work) -> None:
    notebook = work.write("print('hi')\n1 + 1", "import sys\nprint('err', file=sys.stderr)", "x = 1")
    shown = []
    for engine in (None, "mlgov"):
        done = papermill.execute_notebook(
            str(notebook),
            str(work.folder / "out.ipynb"),
            engine_name=engine,
            progress_bar=False,
            cwd=str(work.folder),
        )
        shown.append([(cell.execution_count, cell.outputs) for cell in done.cells])
    assert shown[0] == shown[1]


def test_a_tagged_error_does_not_end_the_run(work: Work) -> None:
    notebook = work.write(tagged("1 / 0", "raises-exception"), "%%experiment one\nscore = 0.5")
    done = papermill.execute_notebook(
        str(notebook),
        str(work.folder / "out.ipynb"),
        engine_name="mlgov",
        progress_bar=False,
        cwd=str(work.folder),
    )
    assert done.cells[0].outputs[0].ename == "ZeroDivisionError"
    written = nbformat.read(work.folder / "out.ipynb", 4)
    assert written.cells[0].outputs[0].ename == "ZeroDivisionError"
    assert len(work.project.log()) == 1


def test_any_other_error_ends_the_run_as_papermill_does_and_is_recorded(work: Work) -> None:
    notebook = work.write(
        tagged("1 / 0", "raises-exception"), "%%experiment one\nscore = {}['x']", "never = 1"
    )
    with pytest.raises(PapermillExecutionError, match="KeyError"):
        papermill.execute_notebook(
            str(notebook),
            str(work.folder / "out.ipynb"),
            engine_name="mlgov",
            progress_bar=False,
            cwd=str(work.folder),
        )
    errors = [
        o.ename for c in nbformat.read(work.folder / "out.ipynb", 4).cells for o in c.get("outputs", [])
    ]
    assert errors == ["ZeroDivisionError", "KeyError"]
    (entry,) = work.project.log()
    assert entry.status == "error"


def test_papermills_own_engine_is_left_as_it_is(work: Work) -> None:
    execute(work.write("%%experiment one\nscore = 0.5"), work.folder / "out.ipynb")
    notebook = work.write(tagged("1 / 0", "raises-exception"))
    with pytest.raises(PapermillExecutionError):
        papermill.execute_notebook(
            str(notebook), str(work.folder / "out.ipynb"), progress_bar=False, cwd=str(work.folder)
        )


def test_a_kernel_without_the_package_runs_with_one_warning(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hidden = tmp_path / "hidden" / "jupyter_mlgov"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'jupyter_mlgov'\")")
    monkeypatch.setenv("PYTHONPATH", str(hidden.parent))
    notebook = work.write("a = 1", "print(a)")
    done = papermill.execute_notebook(
        str(notebook),
        str(work.folder / "out.ipynb"),
        engine_name="mlgov",
        progress_bar=False,
        cwd=str(work.folder),
    )
    assert done.cells[1].outputs[0].text == "1\n"
    said = [record.getMessage() for record in caplog.records if "not recorded" in record.getMessage()]
    assert len(said) == 1
    assert "jupyter_mlgov is not installed for this kernel" in said[0]


def test_the_handler_gives_the_recorded_notebook(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = work.record("a = 1", "%%experiment one\nscore = a + 0.5")
    work.write("something = 'else'")
    monkeypatch.chdir(work.folder)
    for ref in ("one", "one@1", snapshot[:12]):
        document = nbformat.reads(MlgovHandler.read(f"mlgov://{ref}"), 4)
        assert [cell.source for cell in document.cells] == ["a = 1", "%%experiment one\nscore = a + 0.5"]


def test_the_handler_refuses_what_it_cannot_do_in_one_line(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.record("%%experiment one\nscore = 0.5")
    monkeypatch.chdir(work.folder)
    for call in (
        lambda: MlgovHandler.read("mlgov://nobody@3"),
        lambda: MlgovHandler.write("{}", "mlgov://one"),
        lambda: MlgovHandler.listdir("mlgov://"),
    ):
        with pytest.raises(MlgovError) as caught:
            call()
        assert "\n" not in str(caught.value)
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    with pytest.raises(NotFound):
        MlgovHandler.read("mlgov://one")


@pytest.mark.filterwarnings("ignore:the file is not specified with any extension")  # papermill's, of an id
def test_the_call_of_airflows_operator_runs_a_recorded_notebook_with_other_parameters(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = work.record(tagged("scale = 2.0", "parameters"), "%%experiment one\nscore = 3 * scale")
    elsewhere = tmp_path / "scheduler"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("MLGOV_PROJECT", str(work.folder))
    # The keywords that PapermillOperator.execute passes, when no kernel connection is given.
    done = papermill.execute_notebook(
        f"mlgov://{snapshot[:10]}", str(elsewhere / "out.ipynb"), parameters={"scale": 5.0}, progress_bar=False,
        report_mode=True, log_output=False, kernel_name=None, language=None, engine_name=None,
    )  # fmt: skip
    assert [cell.metadata.get("tags") for cell in done.cells][1] == ["injected-parameters"]
    written = nbformat.read(elsewhere / "out.ipynb", 4)
    assert written.cells[0].metadata.jupyter.source_hidden is True
    (recorded,) = done.metadata.papermill["mlgov"]
    assert recorded["experiment"] == "one"
    work.write("x = 1", name="other.ipynb")
    other = papermill.execute_notebook(str(work.notebook), str(elsewhere / "other.ipynb"), progress_bar=False)
    assert "mlgov" not in other.metadata.papermill, (
        "papermill's own engine still executes every other notebook"
    )
