"""*Snapshot now*: the session is recorded as it stands, without a cell being run, as JupyterLab asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlgov.project import Project
from tests.conftest import notebook_json
from tests.kernel import Kernel

Start = Callable[..., Kernel]

DATA = "from pathlib import Path\nrows = Path('rows.csv').read_text().split()"
EXPERIMENT = """%%experiment count --kpi "size >= 2" -m first
import jupyter_mlgov as mlgov
size = len(rows)
mlgov.log_metric("logged", 7)"""


def now(kernel: Kernel, folder: Path, cells: list[Any], experiment: str, message: str = "") -> dict[str, Any]:
    """What the front end gets back; the request is the one that it sends."""
    call = (
        'getattr(__import__("jupyter_mlgov.magics.kernel", fromlist=["snapshot"]), "snapshot")'
        f"({json.dumps(experiment)}, {json.dumps(message)})"
    )
    live = {**notebook_json(cells), "path": "n.ipynb", "root": str(folder)}
    ran = kernel.run("", metadata={"mlgov": live}, expressions={"mlgov": call})
    answer = ran.reply["user_expressions"]["mlgov"]
    assert answer["status"] == "ok", answer
    assert ran.outputs == []
    told: dict[str, Any] = answer["data"]["application/json"]
    return told


def test_what_the_newest_run_gave_is_recorded_with_the_notebook_as_it_stands(
    kernel: Start, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    (tmp_path / "rows.csv").write_text("1\n2\n3\n")
    path = write_notebook("n.ipynb", ["%load_ext jupyter_mlgov", DATA, EXPERIMENT])
    one = kernel(notebook=path)
    for number, source in enumerate(["%load_ext jupyter_mlgov", DATA, EXPERIMENT]):
        one.must(source, cell_id=f"c{number}")
    unsaved = ["%load_ext jupyter_mlgov", DATA + "[:2]", EXPERIMENT, ("markdown", "# Not saved yet")]
    told = now(one, tmp_path, unsaved, "count", "before the change")
    first, second = (Project.open(tmp_path).show(f"count@{number}") for number in (1, 2))
    assert (told["id"], told["lost"]) == (second["id"], [])
    assert (first["message"], second["message"]) == ("first", "before the change")
    for part in ("metrics", "parameters", "kpis", "inputs", "frames"):
        assert second[part] == first[part], part
    assert second["environment"]["packages"] == first["environment"]["packages"]
    assert second["metrics"] == {"size": 3, "logged": 7}
    cells = second["notebook"]["cells"]
    assert [cell["status"] for cell in cells] == ["ok", "ok", "ok", "not-run"]
    assert [bool(cell["edited"]) for cell in cells] == [False, True, False, False]
    assert "hidden-state.edited-cell" in [warning["code"] for warning in second["warnings"]]
    assert one.must("len(In)").result == "5", "the request is no cell of the session"


def test_a_kernel_that_never_loaded_the_extension_is_recorded_from_its_history(
    kernel: Start, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    path = write_notebook("n.ipynb", ["x = 41", "x += 1"])
    one = kernel(notebook=path)
    one.must("x = 41", cell_id="c0")
    one.must("x += 1", cell_id="c1")
    now(one, tmp_path, ["x = 41", "x += 1"], "plain")
    shown = Project.open(tmp_path).show("plain")
    assert [cell["status"] for cell in shown["notebook"]["cells"]] == ["ok", "ok"]
    assert shown["environment"]["packages"]
    refused = now(one, tmp_path, ["x = 41", "x += 1"], "../no name")
    assert refused["error"].startswith("experiment name")


def test_the_verb_records_what_the_kernel_holds_from_a_cell(
    kernel: Start, tmp_path: Path, write_notebook: Callable[..., Path]
) -> None:
    (tmp_path / "rows.csv").write_text("1\n2\n3\n")
    cells = ["%load_ext jupyter_mlgov", DATA, EXPERIMENT, "%mlgov snapshot -m later"]
    one = kernel(notebook=write_notebook("n.ipynb", cells))
    for number, source in enumerate(cells):
        ran = one.must(source, cell_id=f"c{number}")
    assert "count@2" in ran.outputs[0]["data"]["text/plain"]
    first, second = (Project.open(tmp_path).show(f"count@{number}") for number in (1, 2))
    assert (first["message"], second["message"]) == ("first", "later")
    for part in ("metrics", "parameters", "kpis", "inputs", "frames"):
        assert second[part] == first[part], part
    assert [cell["status"] for cell in second["notebook"]["cells"]] == ["ok", "ok", "ok", "not-run"]
    one.must("rows = []")
    assert Project.open(tmp_path).log()[0].number == 2, "the cell after is no part of it"
