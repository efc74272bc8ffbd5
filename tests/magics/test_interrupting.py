"""Interrupting a cell with ``%mlgov rerun`` or ``verify`` ends what it started, and nothing is made of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from jupyter_mlgov.project import Project
from tests.kernel import Kernel, Ran

WAITS = "import time\nopen({place!r}, 'w').close()\ntime.sleep(120)"


def rerun_kernels(kernel: Kernel) -> list[psutil.Process]:
    """The processes below the session's kernel that run a notebook again."""
    found = psutil.Process(int(kernel.manager.provisioner.pid)).children(recursive=True)  # type: ignore[union-attr]
    return [one for one in found if "ipykernel_launcher" in " ".join(one.cmdline())]


@pytest.mark.parametrize("words", ["rerun slow", "verify slow other --jobs 2"])
def test_what_a_verb_started_ends_with_its_cell(
    kernel: Callable[..., Kernel], tmp_path: Path, write_notebook: Callable[..., Path], words: str
) -> None:
    project = Project.open(tmp_path, create=True)
    started = tmp_path / "started"
    for name in ("slow", "other"):
        project.snapshot(write_notebook(f"{name}.ipynb", [WAITS.format(place=str(started))]), experiment=name)
    project.snapshot(write_notebook("quick.ipynb", ["print(1)"]), experiment="quick")
    session = kernel()
    session.must("%load_ext jupyter_mlgov")
    ran: list[Ran] = []
    cell = threading.Thread(target=lambda: ran.append(session.run(f"%mlgov {words}", timeout=90)))
    cell.start()
    deadline = time.monotonic() + 60
    while not started.exists():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert rerun_kernels(session)
    session.interrupt()
    cell.join(60)
    assert ran[0].status == "error"
    assert ran[0].reply["ename"] == "KeyboardInterrupt"
    assert rerun_kernels(session) == []
    time.sleep(2)
    assert project.store.entries(kind="rerun") == []
    assert project.fsck() == []
    session.must("%mlgov rerun quick")
    assert [entry.body["verdict"] for entry in project.store.entries(kind="rerun")] == ["reproduced"]
