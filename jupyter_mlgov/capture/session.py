"""One kernel session: IPython's hooks, the journal, and the moment when a snapshot is made.

The experiment's body runs as the ordinary cell that it is (see ``magics.transformer``), so there is nothing
between it and IPython. This class looks on: before the cell it starts listening, after the cell it records.
No hook of it ever raises, and none of them calls anything of the user's.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from jupyter_mlgov.capture import ahead, audit
from jupyter_mlgov.capture.document import Live, live_notebook
from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.capture.listening import Listening
from jupyter_mlgov.capture.options import Options, Rules, Settings, experiment_name
from jupyter_mlgov.capture.outputs import OutputListener
from jupyter_mlgov.capture.randomness import RandomStates
from jupyter_mlgov.capture.reads import Reads
from jupyter_mlgov.capture.register import Register
from jupyter_mlgov.capture.undisturbed import untraced
from jupyter_mlgov.errors import MlgovError, UsageError
from jupyter_mlgov.records.annotations import Charter, Risk

if TYPE_CHECKING:
    from jupyter_mlgov.capture.outputs import Outputs
    from jupyter_mlgov.capture.recording import Logged, Recorder
    from jupyter_mlgov.records.manifest import Caution


Annotation = TypeVar("Annotation", Charter, Risk)

_PATIENCE = 10
"""How many times as long capture may take in a rerun."""


class Session:
    """What one kernel has done since the extension was loaded."""

    def __init__(self, shell: Any, rules: Rules) -> None:
        self.shell = shell
        self.rules = rules
        self.settings = Settings()
        self.journal: list[Execution] = []
        self.reads = Reads()
        self.listening = Listening(self.reads)
        self.outputs = OutputListener(shell)
        self.register = Register(rules)
        self.random = RandomStates()
        self.recorded: list[tuple[str, str, str]] = []
        """``(experiment, id, kind)`` of the snapshots of this session, oldest first."""
        self.notebook: Path | None = None
        """The notebook's path where the papermill engine said it."""
        self.baseline: str | None = None
        self.rerun_of: str | None = None
        """The experiment whose next run is a rerun's candidate."""
        self._folder = _working_folder()
        self._logged: Logged | None = None
        self._logged_before: dict[str, Logged] = {}
        """What was logged in the newest run of each experiment."""
        self._recorder: Recorder | None = None
        self._running: list[str] = []
        """Sources of the cell that runs and of those that it runs itself, the outermost first."""
        self._newest: dict[str, Execution] = {}
        """The newest run of each cell that has an id."""
        self._request: str | None = None
        """The message that asked for it."""
        self._current: Execution | None = None
        self._inner_error: BaseException | None = None
        self._live: Live | None = None
        """The notebook as the front end sent it with the running cell."""
        self._told: Path | None = None
        """Where the front end last said that the notebook is."""
        self._options: Options | None = None
        self._started = 0.0
        self._pid = os.getpid()
        self._thread = threading.get_ident()
        self._stderr: Any = None
        self._shown: Outputs | None = None
        """Outputs of the cell below which a warning would be shown."""

    def use_rules(self, rules: Rules) -> None:
        """Puts other rules in place, before anything is recorded."""
        self.rules = self.register.rules = rules
        self._recorder = None

    # -- attaching ---------------------------------------------------------------------------------------

    def attach(self, *, in_cell: bool) -> None:
        """Starts to listen. ``in_cell``: it is a cell of the notebook that loads the extension."""
        self._stderr = sys.stderr
        self._earlier_cells(in_cell)
        self.shell.events.register("pre_run_cell", self.pre_run_cell)
        self.shell.events.register("post_run_cell", self.post_run_cell)
        self.outputs.attach()
        self._read_settings()
        self.listening.start(self._path(), [one.code for one in self.journal])
        if in_cell and len(self.shell.user_ns.get("In", [])) > 1:
            manager = self.shell.history_manager
            raw = manager.input_hist_raw[-1]
            self._running.append(raw)
            self._request = self._parent("header", "msg_id")
            self._begin(raw, manager.input_hist_parsed[-1], self._parent("metadata", "cellId"))

    def detach(self) -> None:
        """Stops to listen."""
        with contextlib.suppress(ValueError):
            self.shell.events.unregister("pre_run_cell", self.pre_run_cell)
        with contextlib.suppress(ValueError):
            self.shell.events.unregister("post_run_cell", self.post_run_cell)
        self._current = None
        self.outputs.detach()
        self.listening.stop()

    def _earlier_cells(self, in_cell: bool) -> None:
        manager = getattr(self.shell, "history_manager", None)
        if manager is None:
            return
        raw, parsed = list(manager.input_hist_raw), list(manager.input_hist_parsed)
        for count in range(1, len(raw) - (1 if in_cell else 0)):
            if raw[count].strip():
                self.journal.append(
                    Execution(raw[count], parsed[count], None, count, time.time(), seen=False)
                )

    def _read_settings(self) -> None:
        try:
            self.settings = self.rules.settings(self.notebook or self._folder)
        except UsageError as error:
            self._tell(f"the settings are not used: {error}")
        except Exception as error:  # noqa: BLE001 - a folder that cannot be looked at is told when it matters
            self._tell(f"the settings could not be read: {_line(error)}")

    def _parent(self, part: str, field: str) -> str | None:
        """A field of the message that asked for the running cell; plain IPython has none."""
        try:
            value = self.shell.get_parent()[part].get(field)
        except Exception:  # noqa: BLE001
            return None
        return value if type(value) is str else None

    # -- IPython's hooks ---------------------------------------------------------------------------------

    def pre_run_cell(self, info: Any) -> None:
        """A cell starts. Cells that a cell runs (``%%capture``, ``%run``) are part of it."""
        if not self._is_ours():
            return
        with untraced():
            try:
                request = self._parent("header", "msg_id")
                if self._running and info.store_history and (request is None or request != self._request):
                    self._never_ended()
                self._running.append(info.raw_cell)
                if len(self._running) > 1:
                    return
                self._request = request
                raw = info.raw_cell
                self._begin(raw, getattr(info, "transformed_cell", None) or raw, info.cell_id)
                self._live = live_notebook(getattr(info, "cell_meta", None))
                self._options = self.rules.options_of(raw)
                if self._options is not None:
                    ahead.list_packages()
                    self.random.before_cell(self.shell.user_ns, self._options.seed)
            except Exception as error:  # noqa: BLE001 - a hook that raises would fail the user's cell
                self._tell(f"this cell is not recorded: {_line(error)}")

    def post_run_cell(self, result: Any) -> None:
        """A cell ended: its journal entry is closed and, for an experiment, the snapshot is made."""
        if not self._running or not self._is_ours():
            return
        with untraced():
            try:
                raw = result.info.raw_cell if result is not None and result.info is not None else None
                if raw is not None and raw != self._running[-1]:
                    return
                self._running.pop()
                if self._running or self._current is None:
                    self._note_inner(result)
                    return
                self._end(result)
            except Exception as error:  # noqa: BLE001
                self._tell(f"this cell is not recorded: {_line(error)}")
            except KeyboardInterrupt:
                self._tell("recording was interrupted: this run has no snapshot")

    def _note_inner(self, result: Any) -> None:
        """A cell that a cell runs has ended. ``%%capture`` swallows its error, yet the cell did not succeed."""
        if self._current is not None and result is not None and self._inner_error is None:
            self._inner_error = result.error_before_exec or result.error_in_exec

    def _is_ours(self) -> bool:
        """False in a forked child, and for cells that run beside the notebook's in another thread."""
        return os.getpid() == self._pid and threading.get_ident() == self._thread

    def _begin(self, raw: str, code: str, cell_id: str | None) -> None:
        shown = self.outputs.begin(self._request, self.settings.outputs_limit)
        self._current = Execution(raw, code, cell_id, None, time.time(), shown=shown)
        self._options = self._inner_error = self._live = None
        self.reads.cell_run = len(self.journal)
        with audit.unseen():
            self.listening.cell_starts(raw, code, self.shell.user_ns)
        self._started = time.perf_counter()

    def _never_ended(self) -> None:
        """IPython lost the end of the cell before: it counts as failed."""
        execution, self._current = self._current, None
        self._running.clear()
        if execution is not None:
            execution.status, execution.error = "error", "it did not end"
            self.journal.append(execution)

    def _end(self, result: Any) -> None:
        duration = time.perf_counter() - self._started
        execution, options = self._current, self._options
        self._current = self._options = None
        assert execution is not None
        with audit.unseen():
            execution.duration_s = duration
            self._shown = execution.shown
            self.listening.cell_ended()
            error = None
            if result is not None:
                execution.execution_count = result.execution_count
                error = result.error_before_exec or result.error_in_exec
            if error is None and self._inner_error is not None and execution.is_wrapped:
                error = self._inner_error
            self._inner_error = None
            self.outputs.end(execution.shown, execution.execution_count)
            if error is not None or result is None:
                execution.status = "error"
                execution.error = _shown_error(execution.shown, error)
            self.journal.append(execution)
            if execution.cell_id is not None:
                before = self._newest.get(execution.cell_id)
                self._newest[execution.cell_id] = execution
                if before is not None:
                    self.outputs.let_go(before.shown)
            if options is not None and not (result is not None and result.error_before_exec is not None):
                self._record(options, len(self.journal) - 1)
            self.listening.recorded()

    # -- making a snapshot -------------------------------------------------------------------------------

    def _record(self, options: Options, position: int | None) -> str | None:
        """As :meth:`_make`; where that fails, one line says so and the cell's result stands."""
        try:
            made = self._make(options, position)
        except MlgovError as error:
            self._tell(f"no snapshot was made: {error}")
            return None
        except Exception as error:  # noqa: BLE001 - the cell's result stands
            self._tell(f"no snapshot was made: {_line(error)}")
            return None
        if made is None:
            return None
        snapshot, lost = made
        if lost:
            told = [caution.message for caution in lost[:3]]
            if len(lost) > 3:
                told.append(f"and {len(lost) - 3} more (see `%mlgov show {options.name}`)")
            self._tell("not recorded: " + "; ".join(told))
        self._after(snapshot)
        if options.show:
            self._show(snapshot)
        return snapshot

    def _after(self, snapshot: str) -> None:
        """What the rooms above do about a new snapshot; never for the candidate of a rerun."""
        if self.baseline is not None:
            return
        try:
            assert self._recorder is not None and self._recorder.place is not None
            said = self.rules.after_experiment(*self._recorder.place, snapshot)
        except Exception as error:  # noqa: BLE001 - the cell's result and its snapshot stand
            said = _line(error)
        if said:
            self._tell(said)

    def _make(
        self, options: Options, position: int | None, logged: Logged | None = None
    ) -> tuple[str, list[Caution]] | None:
        """One snapshot with what could not be recorded; None where a rerun does not ask for it. Raises."""
        from jupyter_mlgov.capture.recording import Logged, Recorder, Run

        if self._recorder is None:
            self._recorder = Recorder(self.rules, self.outputs)
        self._read_settings()
        candidate = self.baseline is not None and self.rerun_of == options.name
        if self.baseline is not None and not candidate:
            return None
        run = Run(
            options=options,
            kind="candidate" if candidate else "snapshot",
            baseline=self.baseline if candidate else None,
            position=position,
            notebook=self._path(),
            live=self._live,
            folder=self._folder,
            settings=_patient(self.settings) if candidate else self.settings,
            random=self.random,
        )
        logged = logged or self._logged or Logged()
        made, lost = self._recorder.record(
            run,
            journal=self.journal,
            listening=self.listening,
            namespace=self.shell.user_ns,
            register=self.register,
            logged=logged,
        )
        ahead.end()
        self._logged, self._logged_before[options.name] = None, logged
        self.recorded.append((options.name, made, run.kind))
        return made, lost

    def snapshot(self, experiment: str, message: str) -> tuple[str, list[Caution]]:
        """Records the session as it stands, without a cell being run: what the newest run of ``experiment``'s cell gave,
        with the notebook as the front end sent it now. Where no such cell has run, the whole notebook is recorded.

        Called while no cell runs. Gives the id and what could not be recorded. Raises ``MlgovError``.
        """
        with untraced(), audit.unseen():
            options, position = Options(name=experiment_name(experiment)), None
            for place in range(len(self.journal) - 1, -1, -1):
                found = self.rules.options_of(self.journal[place].source)
                if found is not None and found.name == experiment:
                    options, position = found, place
                    break
            options = replace(options, message=message or options.message, show=False)
            self._live = live_notebook(self._sent())
            try:
                made = self._make(options, position, self._logged or self._logged_before.get(experiment))
            finally:
                self._live = None
            if made is None:
                raise UsageError("this kernel executes a rerun: it records nothing else")
            return made

    def _sent(self) -> Any:
        """The metadata of the message that the kernel answers."""
        try:
            return self.shell.get_parent()["metadata"]
        except Exception:  # noqa: BLE001 - plain IPython has none
            return None

    def finish(self, name: str) -> list[tuple[str, str, str]]:
        """Ends a papermill run: without any experiment so far, the whole notebook is recorded as ``name``."""
        with audit.unseen():
            wanted = self.rerun_of
            done = (
                any(experiment == wanted for experiment, _, _ in self.recorded)
                if wanted
                else bool(self.recorded)
            )
            if not done and self.journal:
                self._record(Options(name=wanted or name), None)
        return list(self.recorded)

    def last_snapshot(self, experiment: str | None) -> str | None:
        """The newest snapshot of this session, of ``experiment`` or of any."""
        for name, made, _ in reversed(self.recorded):
            if experiment is None or name == experiment:
                return made
        return None

    # -- annotations -------------------------------------------------------------------------------------

    def annotate(self, annotation: Annotation) -> Annotation:
        """Takes in what a ``%%charter`` or ``%%risk`` cell says; a risk comes back with its check evaluated.

        Where its experiment has already run, it is a ledger entry about that snapshot. Raises ``MlgovError``.
        """
        with audit.unseen():
            cell = self._cell_index()
            if isinstance(annotation, Charter):
                self.register.charter = annotation
                self._append("charter", annotation, self.last_snapshot(None))
                return annotation
            last = self.recorded[-1][0] if self.recorded else None
            risk = msgspec.structs.replace(annotation, cell=cell)
            experiment = self.register.declare(risk, last)
            about = self.last_snapshot(experiment) if experiment is not None else None
            evaluated = self._evaluated(risk, about)
            if about is None:
                self.register.belongs.pop(risk.id, None)
            self._append("risk", evaluated, about)
            return evaluated

    def _evaluated(self, risk: Risk, about: str | None) -> Risk:
        if risk.check is None:
            return risk
        if about is None:
            return self.rules.evaluate(risk, self.shell.user_ns, self.register.charter)
        _, store = self.rules.open_store(self.where())
        return self.rules.evaluate_about(risk, self.shell.user_ns, self.register.charter, store, about)

    def _append(self, kind: Any, record: Charter | Risk, about: str | None) -> None:
        if about is None:
            return
        if self._recorder is not None:
            record = self._recorder.secrets.redact_record(record)
        _, store = self.rules.open_store(self.where())
        store.append(kind, about, msgspec.to_builtins(record))

    def where(self) -> Path:
        """A path inside the project: the notebook, or the working directory."""
        return self._path() or self._folder

    def _path(self, journal: list[Execution] | None = None) -> Path | None:
        """The notebook's path, where it is known."""
        from jupyter_mlgov.capture.whereabouts import notebook_path

        if self.notebook is not None:
            return self.notebook
        if self._live is None and self._told is not None and self._told.is_file():
            return self._told
        folder = None if type(self.shell).__name__ == "TerminalInteractiveShell" else self._folder
        path = notebook_path(self.shell.user_ns, journal or self.journal, folder, self._live)
        if self._live is not None:
            self._told = path
        return path

    def _cell_index(self) -> int | None:
        """Where the running cell stands in the notebook, when that can be told."""
        from jupyter_mlgov.capture.document import overlay

        if self._current is None:
            return None
        journal = [*self.journal, self._current]
        return overlay(self._path(journal), journal, self._live).place.get(len(journal) - 1)

    # -- logging by hand ---------------------------------------------------------------------------------

    @property
    def logged(self) -> Logged:
        """What was logged since the last snapshot."""
        from jupyter_mlgov.capture.recording import Logged

        if self._logged is None:
            self._logged = Logged()
        return self._logged

    def position(self) -> int:
        """Where the running cell will stand in the journal."""
        return len(self.journal)

    def adopt(self, options: Options, code: str) -> None:
        """Makes the running cell the experiment ``options``: for a ``%%experiment`` that other code called."""
        if self._current is not None:
            self._options = options
            self._current.code = code

    # -- telling -----------------------------------------------------------------------------------------

    def _tell(self, message: str) -> None:
        """One line on the kernel's own stderr, whatever the user has put in its place."""
        text = f"mlgov: {' '.join(message.split())}\n"
        with contextlib.suppress(Exception):
            if self._shown is not None:
                self._shown.own.append(text)
            self._stderr.write(text)
            self._stderr.flush()

    def _show(self, made: str) -> None:
        with contextlib.suppress(Exception):
            self.on_show(made)

    def on_show(self, made: str) -> None:
        """Shows a card of the snapshot; the magics put their own in its place."""


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was deleted
        return Path.home()


def _shown_error(shown: Outputs, error: BaseException | None) -> str:
    """The exception that ended a cell, as IPython showed it: its ``__str__`` is the user's and not called again."""
    if shown.error is None:
        return type(error).__name__ if error is not None else "it was interrupted"
    name, text = shown.error
    return " ".join(f"{name}: {text}".split())[:300] if text else name


def _patient(settings: Settings) -> Settings:
    """The settings of a rerun: nobody waits for its cells, and what a slower machine leaves out would be compared with
    nothing."""
    return replace(
        settings,
        time_budget_s=settings.time_budget_s * _PATIENCE,
        object_budget_s=settings.object_budget_s * _PATIENCE,
    )


def _line(error: BaseException) -> str:
    """One of capture's own exceptions."""
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - it may come from an object of the user's
        text = type(error).__name__
    return " ".join(text.split())[:300]
