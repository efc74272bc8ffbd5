"""The suite run with the experiment, where ``[assess] with_experiment`` asks for it: in a process of its own.

The kernel imports nothing for it and computes nothing: its random state, its modules and its memory stay the user's.
``beside``: the cell ends as it would, and the assessment is on the ledger some time later; what went wrong is told with the
next experiment. ``wait``: the cell ends when the assessment has.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from jupyter_mlgov.assess.suite import read_suite
from jupyter_mlgov.capture import audit
from jupyter_mlgov.capture.children import VARIABLE
from jupyter_mlgov.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

_NO_KERNEL = (VARIABLE, "JPY_PARENT_PID", "MPLBACKEND", "PYDEVD_USE_FRAME_EVAL")
"""Variables that are about the kernel, not about what it starts."""


@dataclass(frozen=True)
class _Assessing:
    """A process that assesses a snapshot, and the file that it says on stderr what went wrong in."""

    snapshot: str
    process: subprocess.Popen[bytes]
    said: IO[bytes]

    def fault(self) -> str | None:
        """Waits for its end; what went wrong, in one line."""
        status = self.process.wait()
        self.said.seek(0)
        with self.said:
            lines = self.said.read().decode("utf-8", "replace").strip().splitlines()
        if status in (0, 1):
            return None
        return (lines[-1] if lines else f"status {status}").removeprefix("mlgov: ")


_under_way: list[_Assessing] = []
"""Those that nobody waits for."""


def after_experiment(root: Path, store: Store, snapshot: str) -> str | None:
    """Assesses a snapshot that was just made, where its test rows are known and the settings ask for it. Gives one line
    where something went wrong that the user has to know."""
    try:
        wanted = read_suite(root).with_experiment
    except UsageError:
        return None  # the record says so already
    if wanted == "no" or not _has_test_rows(store, snapshot):
        return None
    ended = [one for one in _under_way if one.process.poll() is not None]
    _under_way[:] = [one for one in _under_way if one not in ended]
    told = [f"{one.snapshot[:12]} was not assessed: {fault}" for one in ended if (fault := one.fault())]
    started = _start(root, snapshot)
    if wanted == "beside":
        _under_way.append(started)
    elif fault := started.fault():
        told.append(f"the model was not assessed: {fault}")
    return "; ".join(told) or None


def _has_test_rows(store: Store, snapshot: str) -> bool:
    return any(held.role == "test" and held.object is not None for held in store.manifest(snapshot).rows)


def _start(root: Path, snapshot: str) -> _Assessing:
    environment = {name: value for name, value in os.environ.items() if name not in _NO_KERNEL}
    package = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [package, environment.get("PYTHONPATH")]))
    with audit.unseen():
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process has ended
        # -P: a file called json.py in the project's folder is not imported.
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", "jupyter_mlgov.cli", "assess", snapshot, "--json"],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
    return _Assessing(snapshot, process, said)
