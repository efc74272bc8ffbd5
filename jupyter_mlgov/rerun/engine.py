"""papermill's engine ``mlgov``: executes a notebook as papermill does, and records it.

Each experiment cell that runs leaves a snapshot; a notebook without one is recorded whole, under its file's
name. The engine tells the kernel what papermill does not: the notebook's path and the id of each cell. A
kernel in which the package cannot be imported runs all the same, and one warning says that nothing is recorded.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellExecutionError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine
from papermill.log import logger
from papermill.utils import merge_kwargs, remove_args

_KERNEL = "__import__('jupyter_mlgov.magics.kernel', fromlist=['attach'])"


class RecordingClient(PapermillNotebookClient):  # type: ignore[misc]
    """Runs the cells of one notebook in one kernel that records them."""

    def __init__(self, nb_man: Any, *, recording: Recording, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self.recording = recording

    def papermill_execute_cells(self) -> None:
        recording = self.recording
        cells = self.nb.cells
        code = [index for index, cell in enumerate(cells) if cell.cell_type == "code"]
        started = time.perf_counter()
        attached = self._ask(f"attach(**{recording.facts()!r})") is not None
        if not attached:
            logger.warning("jupyter_mlgov cannot be imported in the kernel: this run is not recorded")
        done = 0
        for index, cell in enumerate(cells):
            self.kc.session.metadata = {"cellId": cell.get("id") or f"cell-{index}"}
            try:
                self.nb_man.cell_start(cell, index)
                if recording.on_cell and cell.cell_type == "code":
                    recording.on_cell(done, len(code), time.perf_counter() - started)
                self.execute_cell(cell, index)
            except CellExecutionError as error:
                self.nb_man.cell_exception(self.nb.cells[index], cell_index=index, exception=error)
                if cell.get("id") not in recording.expected_errors:
                    break
            finally:
                done += cell.cell_type == "code"
                self.nb_man.cell_complete(self.nb.cells[index], cell_index=index)
        self.kc.session.metadata = {}
        if recording.on_cell:
            recording.on_cell(done, len(code), time.perf_counter() - started)
        if attached:
            said = self._ask(f"finish({recording.name!r})")
            recording.recorded = json.loads(said) if said else []
            self.nb.metadata.papermill["mlgov"] = recording.recorded

    def _ask(self, call: str) -> str | None:
        """The value of a call in the kernel, which leaves no trace in the session. None where it fails."""
        expression = f"{_KERNEL}.{call}"
        message = self.kc.execute(
            "", silent=True, store_history=False, user_expressions={"mlgov": expression}
        )
        reply = self.wait_for_reply(message)
        if reply is None:
            return None
        answer = reply["content"].get("user_expressions", {}).get("mlgov", {})
        if answer.get("status") != "ok":
            logger.warning("jupyter_mlgov: %s", answer.get("evalue", "no answer from the kernel"))
            return None
        text = answer["data"]["text/plain"]
        import ast

        value = ast.literal_eval(text)
        return value if isinstance(value, str) else ""


class Recording:
    """What one run is told, and what it recorded."""

    def __init__(
        self,
        *,
        name: str,
        notebook: str | None,
        baseline: str | None = None,
        experiment: str | None = None,
        root: str | None = None,
        store: str | None = None,
        expected_errors: Collection[str] = (),
        on_cell: Callable[[int, int, float], None] | None = None,
    ) -> None:
        self.name = name
        self.notebook = notebook
        self.baseline = baseline
        self.experiment = experiment
        self.root = root
        self.store = store
        self.expected_errors = frozenset(expected_errors)
        """Ids of cells whose error does not end the run."""
        self.on_cell = on_cell
        self.recorded: list[dict[str, str]] = []

    def facts(self) -> dict[str, str | None]:
        """The arguments of ``magics.kernel.attach``."""
        return {
            "notebook": self.notebook,
            "baseline": self.baseline,
            "experiment": self.experiment,
            "root": self.root,
            "store": self.store,
        }


class MlgovEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's own way of executing a notebook, with ``RecordingClient`` as the client."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        **options: Any,
    ) -> Any:
        input_path = options.pop("input_path", None)
        recording = options.pop("mlgov_recording", None) or _plain_recording(input_path, nb_man.nb)
        kernel_options = options.pop("mlgov_kernel", None) or {}
        for index, cell in enumerate(nb_man.nb.cells):
            cell.setdefault("id", f"cell-{index}")
        if nb_man.nb.nbformat_minor < 5:
            nb_man.nb.nbformat_minor = 5
        final = merge_kwargs(
            remove_args(["timeout", "startup_timeout"], **options),
            timeout=execution_timeout or options.get("timeout"),
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            log=logger,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
        )
        return RecordingClient(nb_man, recording=recording, **final).execute(**kernel_options)


def _plain_recording(input_path: Any, nb: Any) -> Recording:
    """For ``papermill --engine mlgov``: the notebook is a snapshot of its own."""
    local = isinstance(input_path, str) and "://" not in input_path and Path(input_path).is_file()
    notebook = os.path.abspath(input_path) if local else None  # noqa: PTH100
    return Recording(name=_name_of(input_path), notebook=notebook)


def _name_of(input_path: Any) -> str:
    """An experiment's name from a notebook's: its stem, with ``-`` for what a name cannot hold."""
    import re

    text = str(input_path or "notebook").removeprefix("mlgov://")
    stem = text.rsplit("/", 1)[-1].removesuffix(".ipynb").partition("@")[0]
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-._")
    return name[:100] or "notebook"
