"""From what the session saw to a manifest in the store.

Order of work: objects first (sources, outputs, inputs, models, the environment), the manifest last. Each part
stands alone and runs aside, within the time budget: what fails or takes too long is left out, and a warning says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from jupyter_mlgov.capture.aside import Aside, Overrun
from jupyter_mlgov.capture.code import CodeRecorder
from jupyter_mlgov.capture.document import Document, Live, overlay
from jupyter_mlgov.capture.environment import EnvironmentRecorder
from jupyter_mlgov.capture.found_rows import codes_for
from jupyter_mlgov.capture.held_rows import RowsRecorder
from jupyter_mlgov.capture.hidden_state import find_hidden_state
from jupyter_mlgov.capture.input_records import InputRecorder
from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.capture.kept import Kept
from jupyter_mlgov.capture.listening import Listening
from jupyter_mlgov.capture.mapped_arrays import MappedArrays
from jupyter_mlgov.capture.module_variables import variables_of
from jupyter_mlgov.capture.namespace import Variables, find_frames, find_models
from jupyter_mlgov.capture.notebook_record import record_notebook
from jupyter_mlgov.capture.options import Options, Rules, Settings
from jupyter_mlgov.capture.outputs import OutputListener
from jupyter_mlgov.capture.randomness import RandomStates
from jupyter_mlgov.capture.register import Register
from jupyter_mlgov.capture.scalars import find_scalars, parameters_of
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.capture.undisturbed import quiet
from jupyter_mlgov.errors import StoreError
from jupyter_mlgov.records.annotations import Charter
from jupyter_mlgov.records.assessment import HeldRows, InputSchema
from jupyter_mlgov.records.canonical import Scalar, canonical
from jupyter_mlgov.records.inventory import Inventory
from jupyter_mlgov.records.manifest import (
    Caution,
    Code,
    Environment,
    Frame,
    Input,
    Manifest,
    Model,
    Module,
    Notebook,
)
from jupyter_mlgov.store.ledger import LOCK_S

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

T = TypeVar("T")

STORE_S = 30.0
"""Seconds that the store may take to open, and again to write, beside the budget for looking."""
COMMIT_S = LOCK_S + STORE_S
"""The same for a snapshot's last step, in which it may have to wait for other writers."""

INJECTED = ("parameters", "injected-parameters")
"""Tags of the cells by which papermill sets parameters."""


class Logged(Struct):
    """What ``log_metric``, ``log_param`` and ``input`` said since the last snapshot."""

    parameters: dict[str, Scalar] = field(default_factory=dict)
    metrics: dict[str, Scalar] = field(default_factory=dict)
    series: dict[str, list[tuple[float, Scalar]]] = field(default_factory=dict)
    inputs: list[tuple[str, int | None]] = field(default_factory=list)


class Run(Struct, frozen=True):
    """What there is to record about one run."""

    options: Options
    kind: Literal["snapshot", "candidate"]
    baseline: str | None
    position: int | None
    """Position of the experiment cell in the journal; None for a whole notebook."""
    notebook: Path | None
    live: Live | None
    """The notebook as the front end sent it with the cell."""
    folder: Path
    """The working folder when the session began: where a session without a notebook belongs."""
    settings: Settings
    random: RandomStates


class Recorder:
    """Makes manifests; keeps between snapshots what need not be found out twice."""

    def __init__(self, rules: Rules, outputs: OutputListener) -> None:
        self._rules = rules
        self._outputs = outputs
        self.secrets = Secrets()
        self._inputs = InputRecorder(self.secrets)
        self._rows = RowsRecorder(self.secrets)
        self._code = CodeRecorder(self.secrets)
        self._environment = EnvironmentRecorder(self.secrets)
        self._mapped = MappedArrays()
        self._skops: dict[str, str] = {}
        self._models_of: set[str] = set()
        """Snapshots whose models are in ``_skops``."""
        self._kept: Kept | None = None
        self.place: tuple[Path, Store] | None = None
        """Root and store of the project of the last snapshot."""
        self._inventory: tuple[Inventory, bytes] | None = None
        self._environment_kept: tuple[Environment, int, bytes] | None = None
        """The newest, the secrets known then, and how it is kept."""

    def record(
        self,
        run: Run,
        *,
        journal: Sequence[Execution],
        listening: Listening,
        namespace: dict[str, Any],
        register: Register,
        logged: Logged,
    ) -> tuple[str, list[Caution]]:
        """Writes one snapshot. Gives its id and what could not be recorded. Raises ``MlgovError``."""
        with quiet(namespace), Aside(run.settings.time_budget_s) as aside:
            self._outputs.settle()
            try:
                root, store = aside.run(
                    lambda: self._rules.open_store(run.notebook or run.folder), seconds=STORE_S
                )
                kept, self._kept = self._kept, None
                if kept is None or kept.store is not store:
                    kept = Kept(store, self.secrets)
                kept.batch = store.batch()
                lost: list[Caution] = []
                manifest = self._manifest(
                    run, aside, kept, lost, root=root, journal=journal, listening=listening, namespace=namespace,
                    register=register, logged=logged,
                )  # fmt: skip
                made = aside.run(
                    lambda: kept.batch.commit(self.secrets.redact_record(manifest)).subject,
                    seconds=COMMIT_S,
                    to_the_end=True,
                )
                # Only now: what a snapshot that was given up had put is not there.
                self._kept, self.place = kept, (root, store)
                self._models_of.add(made)
            except Overrun as error:
                raise StoreError(
                    f"the store did not answer: {error}; look at its disk and at `mlgov log`, and run the cell again"
                ) from None
            finally:
                self._code.settle()
        return made, lost

    def _manifest(
        self,
        run: Run,
        aside: Aside,
        kept: Kept,
        lost: list[Caution],
        *,
        root: Path,
        journal: Sequence[Execution],
        listening: Listening,
        namespace: dict[str, Any],
        register: Register,
        logged: Logged,
    ) -> Manifest:
        store = kept.store
        folder = run.notebook.parent if run.notebook is not None else run.folder
        asked = _part(  # git answers while the rest is recorded
            aside,
            "code",
            lost,
            None,
            lambda: self._code.ask(
                root,
                folder,
                notebook=run.notebook,
                checkouts=self._environment.checkouts(),
                scripts=list(listening.reads.scripts),
            ),
        )
        document = overlay(run.notebook, journal, run.live)
        self.secrets.learn_environment()
        variables = Variables(namespace)
        self.secrets.learn_variables(variables.of_exactly(str, dict))
        self.secrets.learn([one.source for one in document.cells] + [one.source for one in journal])
        self.secrets.learn([one.edited for one in document.cells if one.edited is not None])
        cell = document.place.get(run.position) if run.position is not None else None
        last = journal[run.position] if run.position is not None else None
        names = last.names if last is not None else None
        made_here = (
            set(names.sets) if names is not None else {name for one in journal for name in one.names.sets}
        )

        parameters, metrics = _scalars(document, journal, run, namespace)
        parameters |= logged.parameters
        metrics |= logged.metrics
        failed = [one for one in (journal if last is None else [last]) if one.status == "error"]
        named = {name for one in journal for name in one.names.variables}

        def notebook_and_parent() -> tuple[Notebook, str | None]:
            parent = store.newest(run.options.name) if run.kind == "snapshot" else None
            return record_notebook(document, journal, root, cell, self._outputs, self.secrets, kept), parent

        notebook, parent = aside.run(notebook_and_parent, seconds=STORE_S)
        modules: list[Module] = []

        def record_code() -> tuple[Code, list[Caution]]:
            if asked is None:
                return Code(), []
            code, said = self._code.record(asked, root, kept.batch)
            modules.extend(code.modules)
            return code, said

        def record_environment() -> tuple[str, list[Caution]]:
            environment, said = self._environment.record(sorted(named))
            return self._keep_environment(environment, kept), said

        unknown = Environment(python="", platform="", packages={})
        (code, said), _, (environment, also), (generators, states), inventory, author, risks = _parts(
            aside,
            lost,
            ("code", (Code(), []), record_code),
            ("modules' variables", None, lambda: named.update(variables_of(modules, root))),
            ("environment", (None, []), record_environment),
            (
                "randomness",
                ((), b"{}"),
                lambda: run.random.after_cell(namespace, [one.source for one in journal]),
            ),
            ("inventory", None, lambda: self._keep_inventory(kept)),
            ("author", "", lambda: self._code.author(folder)),
            ("risks", [], lambda: register.of(run.options.name, namespace, made_here)),
        )
        lost += [*said, *also]
        if environment is None:
            environment = aside.run(lambda: self._keep_environment(unknown, kept), seconds=STORE_S)
        charter = register.charter
        tagged_charter, tagged_risks, problems = self._rules.from_markdown(document.as_notebook())
        lost += [Caution(code="annotation", message=problem) for problem in problems]
        charter = charter or tagged_charter
        declared = {risk.id for risk in risks}
        risks += [
            risk for risk in tagged_risks
            if risk.id not in declared and risk.experiment in (None, run.options.name)
        ]  # fmt: skip
        kpis = self._rules.judge((*(charter.kpis if charter else ()), *run.options.kpis), metrics)

        no_inputs: tuple[Input, ...] = ()
        known: list[Caution] = []
        """What is as it always is on this machine: recorded, and not told after every run."""
        no_frames: tuple[Frame, ...] = ()
        no_models: tuple[Model, ...] = ()
        inputs = _guarded(
            "inputs",
            lost,
            no_inputs,
            lambda: self._inputs.record(
                listening,
                journal,
                aside,
                declared=[*[(path, run.position) for path in run.options.inputs], *logged.inputs],
                notebook=run.notebook,
                place=document.place,
                root=root,
                kept=kept,
                keep=run.settings.inputs_limit,
                lost=lost,
                known=known,
            ),
        )
        frames = _guarded(
            "frames",
            lost,
            no_frames,
            lambda: find_frames(variables, aside, run.settings.object_budget_s, lost, self._mapped),
        )
        models = _guarded(
            "models",
            lost,
            no_models,
            lambda: self._record_models(run, aside, variables, made_here, kept, parent, lost),
        )
        rows, schema = self._record_rows(
            run, aside, root, journal, namespace, charter, models, frames, kept, lost
        )
        hidden = find_hidden_state(document, journal, cell, namespace)
        return Manifest(
            kind=run.kind,
            experiment=run.options.name,
            created_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            author=author,
            parent=parent,
            baseline=run.baseline,
            status="error" if failed else "ok",
            error=failed[-1].error if failed else None,
            message=run.options.message,
            cell=cell,
            notebook=notebook,
            parameters=parameters,
            metrics=metrics,
            series={name: tuple(points) for name, points in logged.series.items()},
            tolerances=dict(run.options.tolerances),
            seed=run.options.seed,
            randomness=generators,
            random_state=kept.put(states) if states != b"{}" else None,
            inputs=inputs,
            frames=frames,
            models=models,
            rows=rows,
            inputs_schema=schema,
            code=code,
            environment=environment,
            inventory=inventory,
            charter=charter,
            kpis=kpis,
            risks=tuple(risks),
            warnings=(*hidden, *known, *lost),
        )

    def _record_models(
        self,
        run: Run,
        aside: Aside,
        variables: Variables,
        made_here: set[str],
        kept: Kept,
        parent: str | None,
        lost: list[Caution],
    ) -> tuple[Model, ...]:
        def known_object(fingerprint: str) -> str | None:
            if fingerprint not in self._skops and parent is not None and parent not in self._models_of:
                self._models_of.add(parent)
                with contextlib.suppress(Exception):
                    self._skops |= {
                        m.digest: m.object
                        for m in kept.store.manifest(parent).models
                        if m.digest and m.object
                    }
            known = self._skops.get(fingerprint)
            return known if known is not None and kept.batch.has(known) else None

        models, cautions = find_models(
            variables,
            aside,
            run.settings.object_budget_s,
            wanted=run.options.model,
            made_here=made_here,
            store=kept.batch,
            known_object=known_object,
            is_secret=self.secrets.holds,
        )
        lost += cautions
        self._skops |= {model.digest: model.object for model in models if model.digest and model.object}
        return models

    def _record_rows(
        self,
        run: Run,
        aside: Aside,
        root: Path,
        journal: Sequence[Execution],
        namespace: dict[str, Any],
        charter: Charter | None,
        models: Sequence[Model],
        frames: Sequence[Frame],
        kept: Kept,
        lost: list[Caution],
    ) -> tuple[tuple[HeldRows, ...], InputSchema | None]:
        nothing: tuple[tuple[HeldRows, ...], InputSchema | None] = ((), None)
        if not run.settings.rows_limit:
            return nothing
        return _part(
            aside,
            "rows",
            lost,
            nothing,
            lambda: self._rows.record(
                run.options.test,
                charter.test_data if charter else None,
                codes_for(journal, run.position),
                namespace,
                models=models,
                frames=frames,
                columns=self._rules.test_columns(root),
                limit=run.settings.rows_limit,
                kept=kept,
                lost=lost,
            ),
        )

    def _keep_environment(self, environment: Environment, kept: Kept) -> str:
        known = self._environment_kept
        if known is None or known[:2] != (environment, self.secrets.known):
            # The names and versions of packages are the index's, as in the inventory.
            told = msgspec.structs.replace(environment, packages={}, imported=())
            clean = self.secrets.redact_record(environment) if self.secrets.holds(told) else environment
            self._environment_kept = known = (environment, self.secrets.known, canonical(clean))
        return kept.put(known[2])

    def _keep_inventory(self, kept: Kept) -> str:
        inventory = self._environment.inventory(self._code.checkout)
        if self._inventory is None or self._inventory[0] != inventory:
            # Names, versions and digests are the index's, not the user's: only where it came from may hold a secret.
            told = [(one.installer, one.origin) for one in inventory.distributions]
            clean = self.secrets.redact_record(inventory) if self.secrets.holds(told) else inventory
            self._inventory = (inventory, canonical(clean))
        return kept.put(self._inventory[1])


def _scalars(
    document: Document, journal: Sequence[Execution], run: Run, namespace: dict[str, Any]
) -> tuple[dict[str, Scalar], dict[str, Scalar]]:
    """Parameters and metrics of the experiment's cell, with the parameters that papermill can inject."""
    parameters: dict[str, Scalar] = {}
    metrics: dict[str, Scalar] = {}
    for cell in document.cells:
        if cell.runs and any(tag in INJECTED for tag in cell.tags):
            parameters |= parameters_of(journal[cell.runs[-1]].code, namespace)
    counted = [journal[run.position]] if run.position is not None else [one for one in journal if one.seen]
    for one in counted:
        set_here, computed = find_scalars(one.names, namespace)
        parameters |= set_here
        metrics |= computed
    return {name: value for name, value in parameters.items() if name not in metrics}, metrics


def _part(aside: Aside, part: str, lost: list[Caution], otherwise: T, work: Callable[[], T]) -> T:
    """One part of the record, made aside; where it fails or takes too long, it is left out and said so."""
    return _guarded(part, lost, otherwise, lambda: aside.run(work))


def _parts(aside: Aside, lost: list[Caution], *parts: tuple[str, Any, Callable[[], Any]]) -> list[Any]:
    """Several parts (name, what stands in place of one that is left out, how it is made), made aside in one go."""
    results = aside.in_turn([work for _, _, work in parts])

    def of(result: Any) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    return [
        _guarded(name, lost, otherwise, lambda result=result: of(result))  # type: ignore[misc]
        for (name, otherwise, _), result in zip(parts, results, strict=True)
    ]


def _guarded(part: str, lost: list[Caution], otherwise: T, work: Callable[[], T]) -> T:
    try:
        return work()
    except StoreError:
        raise
    except Overrun as error:
        lost.append(Caution(code=f"{part}.skipped", message=f"{part}: {error}"))
    except Exception as error:  # noqa: BLE001 - capture never breaks the cell, whatever the user's objects do
        why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        lost.append(Caution(code=f"{part}.failed", message=f"{part} could not be recorded: {why}"))
    return otherwise
