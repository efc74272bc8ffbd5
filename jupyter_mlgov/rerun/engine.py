"""papermill's engine ``mlgov``: executes a notebook as papermill does, and records it.

Each experiment cell that runs leaves a snapshot; a notebook without one is recorded whole, under its file's
name. The engine tells the kernel what papermill does not: the notebook's path and the id of each cell. A
kernel in which the package cannot be imported runs all the same, and one warning says that nothing is recorded.

Beside that it differs from papermill's own engine in one thing: the tag ``raises-exception`` is respected to
the end (see ``expected_errors``).
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from nbclient.exceptions import CellExecutionError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine
from papermill.log import logger
from papermill.utils import merge_kwargs, remove_args

from jupyter_mlgov.rerun import expected_errors
from jupyter_mlgov.rerun.held import Held
from jupyter_mlgov.rerun.kernels import manager_of
from jupyter_mlgov.rerun.replay import Order

_KERNEL = "__import__('jupyter_mlgov.magics.kernel', fromlist=['attach'])"
_HELD = "__import__('jupyter_mlgov.rerun.held', fromlist=['hold'])"

OnCell = Callable[[int, int, float], None]

STARTS = 3
"""How often a kernel is started before it counts as one that cannot be."""


class Recording(msgspec.Struct, kw_only=True, eq=False):
    """What one run is told, and what came of it."""

    name: str
    notebook: str | None
    baseline: str | None = None
    experiment: str | None = None
    root: str | None = None
    store: str | None = None
    sandbox: dict[str, Any] | None = None
    expected: frozenset[str] = frozenset()
    """Sources of cells whose error does not end the run."""
    on_cell: OnCell | None = None
    held: Held | None = None
    order: Order | None = None
    """What is executed, where it is not each cell from top to bottom."""
    on_kernel: Callable[[int], None] | None = None
    """Told the process id of the kernel."""
    seconds: Callable[[str], float] | None = None
    """How long the cell with a source may take."""
    python: str | None = None
    """The interpreter, where it is not the one of the kernel's name."""
    kernel: Any = None
    """The manager of a kernel that has been started already."""
    recorded: list[dict[str, str]] = []
    attached: bool = False
    problem: str = ""
    """Why the kernel does not record."""
    cell: int | None = None
    """The cell that runs, or ran last."""
    source: str = ""

    def facts(self) -> dict[str, Any]:
        """The arguments of ``magics.kernel.attach``."""
        return {
            "notebook": self.notebook,
            "baseline": self.baseline,
            "experiment": self.experiment,
            "root": self.root,
            "store": self.store,
            "sandbox": self.sandbox,
        }


class RecordingClient(PapermillNotebookClient):  # type: ignore[misc]
    """Runs the cells of one notebook in one kernel that records them."""

    def __init__(self, nb_man: Any, *, recording: Recording, **options: Any) -> None:
        super().__init__(nb_man, km=recording.kernel, **options)
        self.recording = recording
        seconds = recording.seconds
        if seconds is not None:
            self.timeout_func = lambda cell: seconds(cell.source)

    def create_kernel_manager(self) -> Any:
        """As nbclient; with an interpreter of its own where the recording names one."""
        if self.recording.python is None:
            return super().create_kernel_manager()
        self.km = manager_of(self.kernel_name, self.recording.python)
        return self.km

    @contextlib.contextmanager
    def setup_kernel(self, **kernel_options: Any) -> Iterator[None]:
        """Starts the kernel; again where it ended at once, because another process had taken its ports."""
        for attempt in range(STARTS):
            try:
                if self.km is None:
                    self.km = self.create_kernel_manager()
                if not self.km.has_kernel:
                    self.start_new_kernel(**kernel_options)
                if self.kc is None:
                    self.start_new_kernel_client()
                break
            except RuntimeError as error:
                if attempt + 1 == STARTS or "died" not in str(error):
                    raise
        if self.recording.on_kernel is not None:
            self.recording.on_kernel(self.km.provisioner.pid)
        with super().setup_kernel(cleanup_kc=True, **kernel_options):
            try:
                yield
            except BaseException:
                self.shutdown_kernel = "immediate"  # a cell may be running: it would not listen
                raise

    def papermill_execute_cells(self) -> None:
        """Papermill's loop, with the recording around it."""
        recording = self.recording
        started = time.perf_counter()
        total = sum(cell.cell_type == "code" for cell in self.nb.cells)
        done = 0
        self._attach()
        self._report(done, total, started)
        for step in recording.order or range(len(self.nb.cells)):
            if isinstance(step, str):
                self._execute_text(step)
                continue
            index, cell = step, self.nb.cells[step]
            recording.cell, recording.source = index, cell.source
            expected = cell.source.strip() in recording.expected
            allowed: bool = self.allow_errors  # type: ignore[has-type]
            self.allow_errors = allowed or expected
            self.kc.session.metadata = {"cellId": cell.get("id") or f"cell-{index}"}
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
            except CellExecutionError as error:
                self.nb_man.cell_exception(self.nb.cells[index], cell_index=index, exception=error)
                break
            finally:
                self.allow_errors = allowed
                self.kc.session.metadata = {}
                expected_errors.mark(self.nb.cells[index], expected=expected)
                self.nb_man.cell_complete(self.nb.cells[index], cell_index=index)
            done += cell.cell_type == "code"
            self._report(done, total, started)
        self._finish()

    def _execute_text(self, source: str) -> None:
        """Executes code that is in no cell any more; what it shows is dropped."""
        from nbformat.v4 import new_code_cell

        cells = list(self.nb.cells)
        allowed, self.allow_errors = self.allow_errors, True
        self.kc.session.metadata = {"cellId": f"gone-{abs(hash(source))}"}
        try:
            # nbclient puts what it has executed into its place among the cells.
            self.execute_cell(new_code_cell(source), len(cells) - 1)
        finally:
            self.nb.cells[:] = cells
            self.allow_errors = allowed
            self.kc.session.metadata = {}

    def _report(self, done: int, total: int, started: float) -> None:
        if self.recording.on_cell is not None:
            self.recording.on_cell(done, total, time.perf_counter() - started)

    def _attach(self) -> None:
        recording = self.recording
        language = self.nb.metadata.get("kernelspec", {}).get("language") or "python"
        if language.lower() != "python":
            recording.problem = f"the notebook is written in {language}"
        else:
            answer = self._ask(f"attach(**{recording.facts()!r})")
            recording.attached = answer.get("status") == "ok"
            recording.problem = _why(answer)
            if recording.attached and recording.held is not None:
                held = {k: v for k, v in msgspec.structs.asdict(recording.held).items() if v is not None}
                self._ask(f"hold(**{held!r})", _HELD)
        if not recording.attached:
            logger.warning("mlgov: this run is not recorded: %s", recording.problem)

    def _finish(self) -> None:
        recording = self.recording
        if not recording.attached:
            return
        answer = self._ask(f"finish({recording.name!r})")
        if answer.get("status") != "ok":
            recording.problem = _why(answer)
            logger.warning("mlgov: this run is not recorded: %s", recording.problem)
            return
        recording.recorded = _recorded(answer)
        if recording.sandbox is not None:
            self.shutdown_kernel = "immediate"  # nothing that it could still do would reach anybody
        self.nb.metadata.papermill["mlgov"] = recording.recorded

    def _ask(self, call: str, module: str = _KERNEL) -> dict[str, Any]:
        """The answer to a call in the kernel that leaves no trace in the session."""
        message = self.kc.execute(
            "", silent=True, store_history=False, user_expressions={"mlgov": f"{module}.{call}"}
        )
        reply = self.wait_for_reply(message)
        content = reply["content"] if reply is not None else {}
        answer = content.get("user_expressions", {}).get("mlgov", {})
        return answer if isinstance(answer, dict) else {}


def _why(answer: dict[str, Any]) -> str:
    if answer.get("ename") == "ModuleNotFoundError" and "jupyter_mlgov" in str(answer.get("evalue")):
        return "jupyter_mlgov is not installed for this kernel (pip install jupyter-mlgov there)"
    said = answer.get("evalue") or answer.get("ename") or "the kernel gave no answer"
    return " ".join(str(said).split())[:300]


def _recorded(answer: dict[str, Any]) -> list[dict[str, str]]:
    try:
        found = json.loads(ast.literal_eval(answer["data"]["text/plain"]))
    except (KeyError, TypeError, ValueError, SyntaxError):
        return []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


class MlgovEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's own way of executing a notebook, with ``RecordingClient`` as the client.

    Options beside papermill's: ``mlgov_recording`` (a ``Recording``) and ``mlgov_kernel`` (``cwd`` and ``env``
    of the kernel; papermill's own ``cwd`` changes the folder of the whole process).
    """

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
        """Executes the notebook that ``nb_man`` manages, and records it."""
        input_path = options.pop("input_path", None)
        recording = options.pop("mlgov_recording", None) or _plain_recording(input_path)
        kernel_options = options.pop("mlgov_kernel", None) or {}
        _identify(nb_man.nb)
        expected_errors.respect()
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


def _identify(notebook: Any) -> None:
    """Gives every cell an id: notebooks from before nbformat 4.5 have none."""
    if (notebook.nbformat, notebook.nbformat_minor) >= (4, 5):
        for index, cell in enumerate(notebook.cells):
            cell.setdefault("id", f"cell-{index}")
    elif any("id" in cell for cell in notebook.cells):
        notebook.nbformat_minor = 5
        _identify(notebook)


def _plain_recording(input_path: Any) -> Recording:
    """For ``papermill --engine mlgov``: the notebook is a snapshot of its own."""
    path = None
    if isinstance(input_path, str) and "://" not in input_path and "\n" not in input_path:
        path = Path(_started_in(), input_path)
    local = path is not None and path.is_file()
    return Recording(name=_name_of(input_path), notebook=str(path) if local else None)


def _started_in() -> str:
    """The folder that papermill was called in: with its option ``cwd`` it executes in another."""
    from papermill.iorw import papermill_io

    handler = papermill_io.get_handler("local")
    cwd = getattr(handler, "cwd", None)
    if cwd is None:
        return os.getcwd()  # noqa: PTH109
    known = cwd(None)
    cwd(known)
    return str(known or os.getcwd())  # noqa: PTH109


def _name_of(input_path: Any) -> str:
    """An experiment's name from a notebook's: its stem, with ``-`` for what a name cannot hold."""
    text = str(input_path or "notebook").removeprefix("mlgov://")
    stem = text.rsplit("/", 1)[-1].removesuffix(".ipynb").partition("@")[0]
    name = re.sub(r"[^\w.-]+", "-", stem).strip("-._")
    return name[:100] or "notebook"
