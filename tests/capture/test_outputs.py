"""What a cell showed: held within limits, up to date, and without what became known as a secret later."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from blake3 import blake3

from jupyter_mlgov.capture import outputs as module
from jupyter_mlgov.capture.outputs import OutputListener, Outputs
from jupyter_mlgov.project import Project
from tests.kernel import Kernel

Start = Callable[..., Kernel]


def shown(name: str, text: str) -> dict[str, Any]:
    return {"data": {"text/plain": text}, "transient": {"display_id": name}}


def of_cell(folder: Path, experiment: str, index: int) -> str:
    project = Project.open(folder)
    digest = project.show(experiment)["notebook"]["cells"][index]["outputs"]
    return project.store.get(digest).decode() if digest else ""


def test_a_display_that_is_shown_anew_counts_against_the_limit() -> None:
    held = Outputs(1_000)
    held.add("display_data", shown("a", "x" * 900))
    held.add("update_display_data", shown("a", "y" * 50_000))
    (output,) = held.rendered()
    digest = blake3(json.dumps({"text/plain": "y" * 50_000}, sort_keys=True).encode()).hexdigest()
    assert output["data"]["text/plain"] == f"[mlgov: 50000 characters, blake3:{digest}; past the limit]"
    held.add("update_display_data", shown("a", "z"))
    held.add("stream", {"name": "stdout", "text": "t" * 999})
    assert [one.get("text", one.get("data")) for one in held.rendered()] == [{"text/plain": "z"}, "t" * 999]
    assert held.size == 1_000


def test_a_display_of_an_earlier_cell_is_shown_anew_there(kernel: Start, tmp_path: Path) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must("from IPython.display import display\nhandle = display('first', display_id=True)")
    one.must("%%experiment before\nn = 1")
    one.must("handle.update('second')")
    one.must("%%experiment after\nn = 2")
    assert "first" in of_cell(tmp_path, "before", 1)
    assert "second" in of_cell(tmp_path, "after", 1)
    assert "first" not in of_cell(tmp_path, "after", 1)
    assert of_cell(tmp_path, "after", 3) == ""


def test_what_becomes_known_as_a_secret_is_taken_out_of_outputs_that_were_kept(
    kernel: Start, tmp_path: Path
) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov")
    one.must("word = 'tr0ub4dor' + '-and-3'\nprint(word)")
    one.must("%%experiment before\nn = 1")
    one.must("password = 'tr0ub4dor-and-3'")
    one.must("%%experiment after\nn = 2")
    assert "tr0ub4dor-and-3" in of_cell(tmp_path, "before", 1)
    assert "tr0ub4dor-and-3" not in of_cell(tmp_path, "after", 1)
    assert "<redacted>" in of_cell(tmp_path, "after", 1)


def test_the_outputs_of_a_run_are_let_go_when_the_cell_runs_again(kernel: Start, tmp_path: Path) -> None:
    one = kernel()
    one.must("%load_ext jupyter_mlgov", cell_id="load")
    for number in range(5):
        one.must(f"print({number}, 'x' * 1_000_000)", cell_id="plot")
    one.must("print('beside')", cell_id="beside")
    one.must("import gc\nfrom jupyter_mlgov.capture.outputs import Outputs", cell_id="look")
    held = "sum(one.size for one in gc.get_objects() if type(one) is Outputs)"
    assert 1_000_000 < int(str(one.must(held, cell_id="sum").result)) < 1_100_000
    one.must("%%experiment plot\nn = 1", cell_id="run")
    assert of_cell(tmp_path, "plot", 1).startswith(
        '[{"name": "stdout", "output_type": "stream", "text": "4 xx'
    )
    assert "beside" in of_cell(tmp_path, "plot", 2)


def test_past_what_may_be_held_of_all_the_oldest_are_counted_and_hashed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ALL", 400_000)
    listener = OutputListener(SimpleNamespace(history_manager=SimpleNamespace()))
    made = []
    for number in range(5):
        one = listener.begin(None, 150_000)
        one.add("stream", {"name": "stdout", "text": str(number) * 200_000})
        one.add("error", {"ename": "E", "evalue": "v", "traceback": []})
        listener.end(one, None)
        made.append(one)
    assert sum(one.size for one in made) < 3 * 131_072 + 2 * 215_536
    oldest, newest = made[0].rendered(), made[-1].rendered()
    assert newest[0]["text"].startswith("4" * 150_000)
    assert oldest[0] == {"output_type": "error", "ename": "E", "evalue": "v", "traceback": []}
    assert "200000 characters more, blake3:" in oldest[1]["text"]
    assert oldest[1]["text"].endswith("0" * 65_536)
