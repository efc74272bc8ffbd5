"""The suite run with the experiment, where ``[assess] with_experiment`` asks for it: in a process of its own.

The kernel imports nothing for it and computes nothing: its random state, its modules and its memory stay the user's.
``beside``: the cell ends as it would, and the assessment is on the ledger some time later. ``wait``: the cell ends when the
assessment has.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.assess.suite import read_suite
from jupyter_mlgov.capture.children import VARIABLE
from jupyter_mlgov.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

_NO_KERNEL = (VARIABLE, "JPY_PARENT_PID", "MPLBACKEND", "PYDEVD_USE_FRAME_EVAL")
"""Variables that are about the kernel, not about what it starts."""
_under_way: list[subprocess.Popen[bytes]] = []
"""Processes that nobody waits for: Python warns of one that is forgotten."""


def after_experiment(root: Path, store: Store, snapshot: str) -> str | None:
    """Assesses a snapshot that was just made, where its test rows are known and the settings ask for it. Gives one line
    where something went wrong that the user has to know."""
    try:
        wanted = read_suite(root).with_experiment
    except UsageError:
        return None  # the record says so already
    if wanted == "no" or not _has_test_rows(store, snapshot):
        return None
    process = _start(root, snapshot, keep=wanted == "wait")
    if wanted == "beside":
        _under_way[:] = [*(one for one in _under_way if one.poll() is None), process]
        return None
    _, said = process.communicate()
    if process.returncode in (0, 1):
        return None
    line = said.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"status {process.returncode}"]
    return f"the model was not assessed: {line[0].removeprefix('mlgov: ')}"


def _has_test_rows(store: Store, snapshot: str) -> bool:
    return any(held.role == "test" and held.object is not None for held in store.manifest(snapshot).rows)


def _start(root: Path, snapshot: str, *, keep: bool) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in _NO_KERNEL}
    package = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [package, environment.get("PYTHONPATH")]))
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "jupyter_mlgov.cli", "assess", snapshot, "--json"],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if keep else subprocess.DEVNULL,
        start_new_session=True,
    )
