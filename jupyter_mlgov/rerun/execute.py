"""One run of a snapshot's notebook in a fresh kernel, through papermill.

Every run has a sandbox of its own and is held to limits. However it ends, the kernel and all that was started from
it have ended with it, and the sandbox is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.errors import Blocked
from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.rerun.ending import MARK, Watch
from jupyter_mlgov.rerun.held import Held
from jupyter_mlgov.rerun.kernels import NoKernel, Starting, kernel_of
from jupyter_mlgov.rerun.limits import Limits, recorded_seconds
from jupyter_mlgov.rerun.papermill_import import import_papermill
from jupyter_mlgov.rerun.place import Place
from jupyter_mlgov.rerun.sandbox import Sandbox, lay_out

if TYPE_CHECKING:
    from jupyter_mlgov.rerun.engine import Recording
    from jupyter_mlgov.store import Store

OnCell = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Outcome:
    """What a run gave: the candidate's id, or why there is none. A cell may have ended the run after the candidate was
    made: then there are both."""

    candidate: str | None
    error: str | None = None
    cell: int | None = None
    """The cell in which it ended, where a cell ended it."""
    executed: bytes | None = None
    remedy: str | None = None
    """What to do about the error, where the run knows."""


def run_once(
    place: Place,
    store: Store,
    baseline: str,
    *,
    parameters: dict[str, Any] | None = None,
    limits: Limits | None = None,
    on_cell: OnCell | None = None,
) -> Outcome:
    """Executes the notebook of ``place`` once.

    Raises ``NoKernel`` when no kernel can be started, ``Blocked`` when no sandbox can be made or the system breaks it off.
    """
    failed = "no sandbox could be made"
    try:
        with lay_out(place, store) as sandbox, tempfile.TemporaryDirectory(prefix="mlgov-run-") as temporary:
            failed = "the run was broken off"
            return _Run(place, store, baseline, sandbox, Path(temporary), limits or Limits()).outcome(
                parameters, on_cell
            )
    except OSError as error:
        raise Blocked(f"{failed}: {error}") from error


class _Run:
    """One run under way."""

    def __init__(
        self, place: Place, store: Store, baseline: str, sandbox: Sandbox, temporary: Path, limits: Limits
    ) -> None:
        self._place = place
        self._store = store
        self._baseline = baseline
        self._manifest = store.manifest(baseline)
        self._sandbox = sandbox
        self._limits = limits
        self._source = temporary / "in.ipynb"
        self._target = temporary / "out.ipynb"
        self._log = temporary / "kernel.log"
        self._watch = Watch(limits.bytes)

    def outcome(self, parameters: dict[str, Any] | None, on_cell: OnCell | None) -> Outcome:
        with self._watch, self._log.open("wb") as log:
            options = {"cwd": str(self._sandbox.folder), "env": self._environment(), "stderr": log}
            name = kernel_of(self._sandbox.document)
            try:
                kernel = Starting(name, self._python(), options)
            except Exception as failure:  # whatever the kernel's provisioner raises
                raise self._not_started(failure) from failure
            with contextlib.closing(kernel):
                self._watch.kernel_started(kernel.process)
                return self._execute(kernel, options, parameters, on_cell)

    def _execute(
        self,
        kernel: Starting,
        options: dict[str, Any],
        parameters: dict[str, Any] | None,
        on_cell: OnCell | None,
    ) -> Outcome:
        papermill = import_papermill()
        from papermill.engines import papermill_engines

        from jupyter_mlgov.rerun.engine import MlgovEngine

        papermill_engines.register("mlgov", MlgovEngine)
        recording = self._recording(kernel, on_cell)
        error = None
        self._source.write_bytes(self._sandbox.document)
        try:
            papermill.execute_notebook(
                str(self._source),
                str(self._target),
                parameters=parameters,
                engine_name="mlgov",
                kernel_name=kernel.name,
                language="python",
                progress_bar=False,
                mlgov_recording=recording,
                mlgov_kernel=options,
            )
        except Exception as failure:  # told as the run's outcome: a cell that raised, a dead kernel
            if recording.cell is None:
                raise self._not_started(failure) from failure
            error = failure
        executed = self._target.read_bytes() if self._target.exists() else None
        made = [one["id"] for one in recording.recorded if one.get("kind") == "candidate"]
        candidate = made[-1] if made else None
        if candidate is None and not recording.attached and recording.problem:
            raise Blocked(f"the run cannot be recorded: {recording.problem}")
        if error is not None:
            said, remedy = self._ended(error, recording)
            return Outcome(candidate, said, recording.cell, executed, remedy)
        if candidate is not None:
            return Outcome(candidate, executed=executed)
        return Outcome(None, recording.problem or "the kernel recorded nothing", recording.cell, executed)

    def _recording(self, kernel: Starting, on_cell: OnCell | None) -> Recording:
        from jupyter_mlgov.rerun.engine import Recording

        manifest, sandbox = self._manifest, self._sandbox
        took = recorded_seconds(manifest, self._text)
        return Recording(
            name=manifest.experiment,
            notebook=str(sandbox.notebook) if sandbox.notebook is not None else None,
            baseline=self._baseline,
            experiment=manifest.experiment,
            root=str(sandbox.root),
            store=str(self._store.folder.absolute()),
            sandbox={
                "prefix": str(sandbox.prefix), "root": str(sandbox.root), "real_root": str(sandbox.real_root),
                "uris": sandbox.uris, "paths": list(sandbox.paths),
                "python_path": self._variables().get("PYTHONPATH"),
            },
            expected=frozenset(
                self._text(cell.source).strip() for cell in manifest.notebook.cells if cell.status == "error"
            ),
            on_cell=on_cell,
            held=self._place.held if self._place.held != Held() else None,
            order=self._place.order,
            on_kernel=self._watch.kernel_started,
            seconds=lambda source: self._limits.seconds(took.get(source.strip())),
            python=self._python(),
            kernel=kernel.manager,
        )  # fmt: skip

    def _python(self) -> str | None:
        return str(self._place.python) if self._place.python is not None else None

    def _not_started(self, failure: Exception) -> Blocked:
        return NoKernel(f"no kernel could be started: {_last_line(self._log) or _one_line(failure)}")

    def _variables(self) -> dict[str, str]:
        """The notebook's variables: this process's, and the sandbox's over them."""
        known = {**os.environ, **self._sandbox.variables}
        return {name: value for name, value in known.items() if value is not None}

    def _environment(self) -> dict[str, str]:
        """What the kernel is started with: the mark besides, and the way to the recorder."""
        variables = {**self._variables(), MARK: self._watch.mark}
        if self._sandbox.recorder is not None:
            path = [self._sandbox.recorder, variables.get("PYTHONPATH", "")]
            variables["PYTHONPATH"] = os.pathsep.join(part for part in path if part)
        return variables

    def _text(self, digest: str) -> str:
        return self._store.get(digest).decode("utf-8", "replace")

    def _ended(self, failure: Exception, recording: Recording) -> tuple[str, str | None]:
        """What ended the run, and what to do about it."""
        kind = type(failure).__name__
        cell = "the notebook's start" if recording.cell is None else cell_name(recording.cell)
        if self._watch.over == "memory":
            size = f"{self._limits.bytes / (1 << 30):.3g} GiB"
            return (
                f"{cell} took more than {size} of memory and was stopped",
                "make the cell take less, or allow more with --memory (or memory under [rerun] in mlgov.toml)",
            )
        if kind == "DeadKernelError":
            return f"the kernel died in {cell}: it was killed, ran out of memory, or ended itself", None
        if kind == "CellTimeoutError":
            seconds = recording.seconds(recording.source) if recording.seconds is not None else 0
            return (
                f"{cell} ran longer than {seconds:g} s and was stopped",
                "make the cell end by itself, or allow more with --timeout (or timeout under [rerun] in mlgov.toml)",
            )
        return _one_line(failure), None


def _last_line(log: Path) -> str:
    """The last thing that a kernel said outside its cells."""
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return " ".join(lines[-1].split())[:300] if lines else ""


def _one_line(error: BaseException) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line for line in text.splitlines() if line.strip("- ")]
    return " ".join((lines[-1] if lines else type(error).__name__).split())[:300]
