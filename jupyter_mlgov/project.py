"""The one façade that every door calls: magics, widgets, command line, server and the papermill engine.

Every verb gives the same records whichever door asks; the doors turn them into JSON or pictures. A project
is the folder that holds ``.mlgov``, found by walking up from a notebook as git does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from jupyter_mlgov import written
from jupyter_mlgov.errors import NotFound, NotWritable, UsageError
from jupyter_mlgov.records.canonical import plain

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from jupyter_mlgov.governance.register import RegisteredRisk
    from jupyter_mlgov.operate.outcomes import Added
    from jupyter_mlgov.operate.predictions import Logged
    from jupyter_mlgov.records.assessment import Assessment
    from jupyter_mlgov.records.ledger import Entry
    from jupyter_mlgov.records.manifest import Manifest
    from jupyter_mlgov.records.monitoring import Monitored, Monitoring
    from jupyter_mlgov.records.release import Release, ReleaseAnswer
    from jupyter_mlgov.records.retraining import Retraining
    from jupyter_mlgov.records.verdict import Comparison, GateDecision, Problem
    from jupyter_mlgov.rerun.fleet import Job, Orders
    from jupyter_mlgov.rerun.limits import Limits
    from jupyter_mlgov.rerun.progress import Progress
    from jupyter_mlgov.rerun.side_by_side import SideBySide
    from jupyter_mlgov.rerun.standing import LiveCell, Standing
    from jupyter_mlgov.store import LogEntry, Store
    from jupyter_mlgov.store.bundles import Exported, Imported
    from jupyter_mlgov.store.unnamed import Dropped

FOLDER = ".mlgov"
LOCK_S = 60.0
"""How long an export asks the indexes for the hashes of the recorded packages, in seconds."""


def find_root(path: Path) -> Path | None:
    """The nearest folder at or above ``path`` that holds a project, or None."""
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents):
        if (folder / FOLDER).exists():
            return folder
    return None


def default_root(path: Path) -> Path:
    """Where a new project belongs: the git root at or above ``path``, else the folder of ``path``."""
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return start


class Project:
    """A folder with its snapshots. Make one with ``Project.open``."""

    def __init__(self, root: Path, store: Store) -> None:
        self.root = root
        self.store = store

    @classmethod
    def open(cls, path: str | Path = ".", *, create: bool = False) -> Project:
        """The project that ``path`` (a folder, a notebook) lies in; with ``create``, made where there is none.

        Raises ``NotFound`` where there is none, ``StoreError`` where its store cannot be used.
        """
        from jupyter_mlgov.store import Store

        start = Path(path).absolute()
        root = find_root(start)
        if root is None:
            if not create:
                raise NotFound(
                    f"no project at or above {start}: run a cell with %%experiment there, or go to a project's folder"
                )
            root = default_root(start)
            if not root.is_dir():
                raise NotWritable(f"{root} is not a folder: a project cannot be made there")
        if create:
            return cls(root, Store.create(root / FOLDER))
        return cls(root, Store.open(root / FOLDER))

    # -- reading -----------------------------------------------------------------------------------------

    def log(
        self,
        *,
        experiment: str | None = None,
        notebook: str | None = None,
        limit: int | None = None,
        candidates: bool = False,
    ) -> list[LogEntry]:
        """Snapshots, newest first; with ``candidates``, those of reruns too."""
        if notebook is not None:
            notebook = self._notebook_uri(notebook)
        return self.store.log(experiment=experiment, notebook=notebook, limit=limit, candidates=candidates)

    def search(
        self, query: str, *, experiment: str | None = None, notebook: str | None = None
    ) -> list[LogEntry]:
        """Those snapshots of ``log`` that a search (``auc>=0.8 author:anna churn``) selects: see ``Selection``."""
        from jupyter_mlgov.store.selection import Selection

        return Selection.of(query).of_these(self.log(experiment=experiment, notebook=notebook))

    def _notebook_uri(self, notebook: str) -> str:
        path = Path(notebook)
        for candidate in (path.absolute(), self.root / path):
            if candidate.is_relative_to(self.root) and candidate.exists():
                return candidate.relative_to(self.root).as_posix()
        return notebook

    def resolve(self, ref: str) -> str:
        """The id that a REF means. Raises ``NotFound`` and ``UsageError``."""
        return self.store.resolve(ref)

    def show(self, ref: str) -> dict[str, Any]:
        """One snapshot, whole, with what was learnt about it since: the ``show`` document."""
        return self.describe(self.resolve(ref))

    def describe(self, snapshot: str) -> dict[str, Any]:
        """``show`` for an id."""
        from jupyter_mlgov.governance.gate import register
        from jupyter_mlgov.governance.risk_history import risk_history
        from jupyter_mlgov.records import release

        manifest = self.store.manifest(snapshot)
        document: dict[str, Any] = msgspec.to_builtins(manifest)
        document["id"] = snapshot
        document["number"] = self.store.number(snapshot)
        document["environment"] = msgspec.to_builtins(self.store.environment(manifest))
        history = risk_history(self.store, manifest.experiment, until=snapshot)
        document["risks"] = [
            msgspec.to_builtins(risk) | {"history": msgspec.to_builtins(history.get(risk.id, ()))}
            for risk in register(self.store, snapshot)
        ]
        entries = self.store.entries(subject=snapshot)
        document["charter"] = self._charter(manifest, entries)
        document["reruns"] = [self._rerun(entry) for entry in entries if entry.kind == "rerun"]
        document["approvals"] = self._decisions(snapshot, entries)
        document["assessment"] = self._assessment(snapshot, entries)
        document["releases"] = [
            msgspec.to_builtins(one) for entry in entries if (one := release.read(entry)) is not None
        ]
        document["retrainings"] = [msgspec.to_builtins(one) for one in self._retrainings(snapshot)]
        whole: dict[str, Any] = plain(document)
        return whole

    def _retrainings(self, snapshot: str) -> list[Retraining]:
        """What was found out when it was retrained, or, for a release, of the attempts that failed."""
        from jupyter_mlgov.monitor.history import retrainings

        return retrainings(self.store, subject=snapshot)

    def _decisions(self, snapshot: str, entries: Sequence[Entry]) -> list[dict[str, Any]]:
        """Each approval's entry with what its signature is worth: ``key``, ``applies`` and ``fault``."""
        from jupyter_mlgov.governance.approvals import decisions

        held = [entry for entry in entries if entry.kind == "approval"]
        return [
            {"at": entry.at, **entry.body}
            | {"key": one.key, "applies": one.applies, "fault": one.fault, "entry": one.entry}
            for entry, one in zip(held, decisions(self.store, snapshot), strict=True)
        ]

    def _charter(self, manifest: Manifest, entries: Sequence[Entry]) -> Any:
        later = [entry.body for entry in entries if entry.kind == "charter"]
        return later[-1] if later else msgspec.to_builtins(manifest.charter)

    def _rerun(self, entry: Entry) -> dict[str, Any]:
        comparison = self._comparison(entry)
        return {
            "at": entry.at,
            "verdict": entry.body.get("verdict"),
            "candidate": entry.body.get("candidate"),
            "findings": msgspec.to_builtins(comparison.findings) if comparison else [],
            "cells": msgspec.to_builtins(comparison.cells) if comparison else [],
        }

    def _assessment(self, snapshot: str, entries: Sequence[Entry]) -> dict[str, Any] | None:
        from jupyter_mlgov.governance.assessed import newest_assessment

        made = newest_assessment(self.store, snapshot)
        if made is None:
            return None
        said = [entry for entry in entries if entry.kind == "assessment"]
        document: dict[str, Any] = msgspec.to_builtins(made)
        return {"at": said[-1].at, "counts": made.counts(), **document}

    def _comparison(self, entry: Entry) -> Comparison | None:
        from jupyter_mlgov.errors import Missing
        from jupyter_mlgov.records.verdict import Comparison

        digest = entry.body.get("comparison")
        if not isinstance(digest, str):
            return None
        try:
            return msgspec.json.decode(self.store.get(digest), type=Comparison)
        except Missing:
            return None

    def diff(self, one: str, other: str) -> Comparison:
        """What differs between two snapshots, as findings. Nothing is executed."""
        from jupyter_mlgov.rerun.compare import compare

        return compare(self.store, self.resolve(one), self.resolve(other))

    def side_by_side(self, one: str, other: str) -> SideBySide:
        """Two snapshots whole, side by side, with the findings of ``diff``."""
        from jupyter_mlgov.rerun.side_by_side import side_by_side

        return side_by_side(self.store, self.resolve(one), self.resolve(other))

    def standing(self, notebook: str, cells: Sequence[LiveCell]) -> Standing:
        """How ``cells``, which an editor holds for ``notebook`` right now, stand to its newest snapshots."""
        from jupyter_mlgov.rerun.standing import standing

        return standing(self.store, self._notebook_uri(notebook), cells)

    def outputs(self, ref: str, cell: int) -> list[dict[str, Any]]:
        """What cell ``cell`` (counting all) of a snapshot showed, as nbformat outputs. They are untrusted.

        Raises ``NotFound`` where the notebook had no such cell.
        """
        from jupyter_mlgov.rerun.side import Side

        side = Side(self.store, self.resolve(ref))
        found = next((known for known in side.cells if known.index == cell), None)
        if found is None:
            raise NotFound(f"cell {cell}: the notebook of {ref} had {len(side.cells)} cells, counted from 0")
        return side.outputs(found)

    def risks(self) -> list[RegisteredRisk]:
        """The risk register: those of the newest snapshot of each experiment, as they are known now."""
        from jupyter_mlgov.governance.gate import register
        from jupyter_mlgov.governance.register import RegisteredRisk

        newest = {entry.experiment: entry for entry in reversed(self.log())}
        return [
            RegisteredRisk(
                experiment=entry.experiment,
                snapshot=entry.id,
                number=entry.number,
                notebook=entry.notebook,
                risk=risk,
            )
            for entry in sorted(newest.values(), key=lambda entry: entry.experiment)
            for risk in register(self.store, entry.id)
        ]

    def gate(
        self, ref: str, *, junit: str | Path | None = None, markdown: str | Path | None = None
    ) -> GateDecision:
        """Open or closed, with a reason for each rule; also written as JUnit XML and Markdown where that is asked for.

        Raises ``NotWritable``, and ``UsageError`` for a policy that cannot be read.
        """
        from jupyter_mlgov.governance import gate_files

        snapshot = self.resolve(ref)
        decision = self._decide(snapshot)
        if junit is not None:
            written.file(Path(junit).absolute(), gate_files.junit(decision, self.reference(snapshot)))
        if markdown is not None:
            text = gate_files.markdown(decision, self.reference(snapshot))
            written.file(Path(markdown).absolute(), text.encode("utf-8"))
        return decision

    def _decide(self, snapshot: str) -> GateDecision:
        from jupyter_mlgov.governance.gate import decide
        from jupyter_mlgov.governance.policy import read_policy

        return decide(self.store, snapshot, read_policy(self.root))

    def reference(self, snapshot: str) -> str:
        """``NAME@N`` for an id; a candidate's first 12 digits."""
        number = self.store.number(snapshot)
        return f"{self.store.manifest(snapshot).experiment}@{number}" if number is not None else snapshot[:12]

    def approve(
        self,
        ref: str,
        *,
        name: str,
        role: str,
        decision: Literal["approved", "rejected", "revoked"] = "approved",
        message: str = "",
        accepts: Sequence[str] = (),
        key: str | None = None,
        ask: Callable[[str], str] | None = None,
    ) -> dict[str, Any]:
        """Signs a decision about a snapshot and puts it on the ledger: the ledger entry's id, the key, the decision.

        ``accepts`` are ids of risks. ``key`` is the name of one of the user's keys; without it, the default one, which is
        made where there is none. ``ask`` gives the passphrase of an encrypted key.
        """
        from jupyter_mlgov.governance import approvals, keys
        from jupyter_mlgov.governance.policy import read_policy
        from jupyter_mlgov.governance.signing import key_text
        from jupyter_mlgov.records.canonical import identity
        from jupyter_mlgov.store.ledger import now

        snapshot = self.resolve(ref)
        policy = read_policy(self.root)
        made = key is None and not keys.exists(keys.DEFAULT)
        if made:
            keys.new(keys.DEFAULT)
        private = keys.load(key or keys.DEFAULT, ask=ask)
        entry = approvals.decide(
            self.store,
            snapshot,
            private,
            word=decision,
            name=name,
            role=role,
            message=message,
            at=now(),
            accepts=accepts,
            policy=policy.digest,
        )
        return {
            "id": snapshot,
            "decision": decision,
            "name": entry.body["name"],
            "role": entry.body["role"],
            "key": key_text(private.public_key()),
            "key_made": made,
            "entry": identity(entry),
        }

    def author(self) -> str:
        """Git's ``user.name`` in the project, else the login name."""
        from jupyter_mlgov.capture.code import CodeRecorder

        return CodeRecorder().author(self.root)

    def report_html(
        self, ref: str, *, key: str | None = None, ask: Callable[[str], str] | None = None
    ) -> str:
        """The governance report as one self-contained HTML page, sealed; signed with the user's key ``key`` where that
        is named (``ask`` gives the passphrase of an encrypted one)."""
        from jupyter_mlgov.governance import keys
        from jupyter_mlgov.report import build, render
        from jupyter_mlgov.report.seal import proof, seal

        snapshot = self.resolve(ref)
        private = keys.load(key, ask=ask) if key is not None else None
        page = render(build(self.store, snapshot, self._decide(snapshot)))
        return seal(page, proof(self.store, snapshot), name=self.reference(snapshot), key=private)

    def report(
        self,
        ref: str,
        output: str | Path | None = None,
        *,
        key: str | None = None,
        ask: Callable[[str], str] | None = None,
    ) -> Path:
        """Writes the governance report and gives its path: ``output``, or ``NAME-N.html`` in the working
        directory. Whole or not at all. ``key`` and ``ask`` as for :meth:`report_html`. Raises ``NotWritable``."""
        snapshot = self.resolve(ref)
        page = self.report_html(snapshot, key=key, ask=ask)
        if output is None:
            manifest = self.store.manifest(snapshot)
            number = self.store.number(snapshot)
            output = f"{manifest.experiment}-{number if number is not None else snapshot[:12]}.html"
        path = Path(output).absolute()
        written.file(path, page.encode("utf-8"))
        return path

    def inventory(
        self,
        refs: Sequence[str] = (),
        output: str | Path = "inventory.html",
        *,
        key: str | None = None,
        ask: Callable[[str], str] | None = None,
    ) -> Path:
        """Writes a page that lists models with the state of each, sealed, and gives its path: ``refs``, or without any
        the newest snapshot of each experiment. ``key`` and ``ask`` as for :meth:`report_html`. Raises ``NotFound`` where
        there is none, ``NotWritable``."""
        from datetime import UTC, datetime

        from jupyter_mlgov.governance import keys
        from jupyter_mlgov.governance.policy import read_policy
        from jupyter_mlgov.report import inventory, render_inventory
        from jupyter_mlgov.report.seal import inventory_proof, seal

        ids = [self.resolve(ref) for ref in refs]
        if not refs:
            names = sorted({entry.experiment for entry in self.store.log()})
            ids = [snapshot for name in names if (snapshot := self.store.newest(name)) is not None]
        if not ids:
            raise NotFound(f"no snapshot in {self.root} to list: run a cell with %%experiment first")
        private = keys.load(key, ask=ask) if key is not None else None
        ids, policy = list(dict.fromkeys(ids)), read_policy(self.root)
        page = render_inventory(inventory(self.store, ids, policy, now=datetime.now(UTC)))
        held = inventory_proof(self.store, ids, policy.digest)
        path = Path(output).absolute()
        written.file(path, seal(page, held, name="snapshot", key=private).encode("utf-8"))
        return path

    def export_as(
        self,
        ref: str,
        kind: str,
        output: str | Path | None = None,
        *,
        key: str | None = None,
        ask: Callable[[str], str] | None = None,
    ) -> Path:
        """Writes the record in another shape (``model-card``, ``cyclonedx``, ``in-toto``, ``ro-crate``, ``mlflow``,
        ``json``) and gives its path: ``output``, or a name made from the snapshot's in the working directory.

        ``ro-crate`` and ``mlflow`` are folders: new ones, or empty. ``key`` and ``ask`` as for :meth:`report_html`,
        for ``in-toto``. Raises ``UsageError``, ``NotWritable``.
        """
        from jupyter_mlgov.governance import keys
        from jupyter_mlgov.report.record import read
        from jupyter_mlgov.report.shapes import shape
        from jupyter_mlgov.report.shapes.source import Source

        made = shape(kind)
        if key is not None and kind != "in-toto":
            raise UsageError(f"--key signs an in-toto statement: leave it out for {kind}")
        snapshot = self.resolve(ref)
        private = keys.load(key, ask=ask) if key is not None else None
        path = Path(output or self.export_name(snapshot, kind)).absolute()
        source = Source(
            read(self.store, snapshot), self.describe(snapshot), self._decide(snapshot), private, path
        )
        files = made.make(source)
        if not made.folder:
            written.file(path, b"".join(data for data in files.values() if data is not None))
            return path
        written.folder(path, files)
        return path

    def export_name(self, snapshot: str, kind: str) -> str:
        """What :meth:`export_as` calls the file or folder where nobody says. Raises ``UsageError``."""
        from jupyter_mlgov.report.shapes import shape

        return f"{self.reference(snapshot).replace('@', '-')}{shape(kind).suffix}"

    # -- writing down ------------------------------------------------------------------------------------

    def snapshot(
        self, notebook: str | Path, document: Mapping[str, Any], *, experiment: str = "", message: str = ""
    ) -> str:
        """Records a notebook without its kernel and gives the snapshot's id: ``document`` is the ``.ipynb`` as a dict, as an
        editor holds it, saved or not. Without ``experiment`` it is the one of the notebook's first experiment cell, else
        the file's stem.

        What only a kernel knows (data, metrics, environment) stays unknown and is said to be. Raises ``UsageError``,
        ``StoreError``.
        """
        from jupyter_mlgov.capture.at_rest import record_at_rest
        from jupyter_mlgov.governance.kpis import judge
        from jupyter_mlgov.governance.markdown import cell_source, cells_of
        from jupyter_mlgov.governance.stated import read_stated
        from jupyter_mlgov.rerun.standing import experiment_of

        path = Path(notebook)
        path = path if path.is_absolute() else self.root / path
        named = (
            experiment_of(cell_source(cell)) for cell in cells_of(document) if cell.get("cell_type") == "code"
        )
        name = experiment or next((one for one in named if one is not None), None) or path.stem
        return record_at_rest(
            self.root,
            self.store,
            path,
            document,
            experiment=name,
            message=message,
            annotations=read_stated(document, name),
            judge=lambda charter: judge(charter.kpis if charter is not None else (), {}),
            experiment_of=experiment_of,
        )

    # -- operating ---------------------------------------------------------------------------------------

    def release(self, ref: str, model: str, stage: str, *, by: str = "", message: str = "") -> ReleaseAnswer:
        """Puts a snapshot's model on a stage, where the gate is open: the release, or None with the gate's reasons.

        ``by`` is who does it (git's ``user.name`` unless told). Going back is a release of an earlier version
        (``MODEL:STAGE@N``). Raises ``UsageError``, ``NotFound``, ``StoreError``.
        """
        from jupyter_mlgov.capture.repository import user_name
        from jupyter_mlgov.operate.releases import put_on_stage
        from jupyter_mlgov.operate.settings import read_settings

        snapshot = self.resolve(ref)
        return put_on_stage(
            self.store,
            snapshot,
            model=model,
            stage=stage,
            by=by or user_name(),
            settings=read_settings(self.root),
            gate=lambda: self._decide(snapshot),
            message=message,
        )

    def releases(self, model: str | None = None, stage: str | None = None) -> list[Release]:
        """Every release, newest first; only those of ``model`` and ``stage`` where these are given."""
        from jupyter_mlgov.operate.releases import releases

        return [
            one
            for one in reversed(releases(self.store))
            if model in (None, one.model) and stage in (None, one.stage)
        ]

    def released(self, ref: str) -> Release:
        """What ``MODEL:STAGE`` (or ``MODEL:STAGE@N``) means now. Raises ``NotFound``, ``UsageError``."""
        from jupyter_mlgov.operate.releases import releases
        from jupyter_mlgov.records.release import named

        return named(releases(self.store), ref)

    def package(
        self, model_stage: str, output: str | Path, *, image: str | None = None, trust: Sequence[str] = ()
    ) -> Path:
        """Writes a folder to deploy what ``MODEL:STAGE`` means now: model, lock, Dockerfile, Kubernetes and KServe
        manifests. A new folder, or an empty one; whole or not at all. ``image`` is what the container image will be
        called. Raises ``NotFound``, ``UsageError``, ``NotWritable``, ``Blocked``."""
        from jupyter_mlgov.operate import package

        release = self.released(model_stage)
        lock = package.lock_of(self.store, release.snapshot, LOCK_S)
        made = package.make(self.root, self.store, release, image=image, lock=lock, trust=trust)
        path = Path(output).absolute()
        written.folder(path, made)
        return path

    def serve(
        self,
        model_stage: str,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        workers: int = 1,
        trust: Sequence[str] = (),
        keys: str | Path | None = None,
        open_to_all: bool = False,
        told: Callable[[str], None] = print,
    ) -> None:
        """Serves what ``MODEL:STAGE`` means, now and after later releases, until it is stopped; ``port`` 0 takes a free one.

        ``trust`` names types that the model's file may hold, ``keys`` a file with API keys. ``told`` gets a line when it
        listens. Raises ``NotFound``, ``Blocked`` (a package or a trusted type is missing), ``UsageError``.
        """
        from jupyter_mlgov.operate.serving import serve

        self.released(model_stage)
        serve(
            self.root,
            self.store.folder,
            model_stage,
            host=host,
            port=port,
            workers=workers,
            trust=tuple(trust),
            keys=Path(keys).absolute() if keys is not None else None,
            open_to_all=open_to_all,
            told=told,
        )

    def predictions(
        self,
        model_stage: str,
        *,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
    ) -> pa.Table:
        """What ``MODEL:STAGE`` predicted from ``since`` and before ``until``, oldest first, with the outcomes that are
        known: a row for each predicted row, columns as docs/reference/prediction-log.md says.

        Times are dates, times (UTC unless they say otherwise) or how long ago (``24h``, ``7d``). An empty log is an empty
        table. ``operate.predictions.problems(table)`` says what could not be read. Raises ``NotFound`` for what was never
        released, ``UsageError``, ``StoreError`` (a log of a newer version).
        """
        from jupyter_mlgov.operate import outcomes, predictions

        release = self.released(model_stage)
        folder = self.predictions_folder
        start, end = predictions.moment(since), predictions.moment(until)
        table = predictions.read(folder, release.model, release.stage, since=start, until=end)
        return outcomes.joined(table, folder)

    def write_predictions(self, table: pa.Table, output: str | Path) -> Path:
        """Writes a table of :meth:`predictions` to a Parquet or CSV file. Raises ``NotWritable``."""
        from jupyter_mlgov.operate.predictions import write_file

        path = Path(output).absolute()
        try:
            write_file(table, path)
        except OSError as error:
            raise NotWritable(f"{path} cannot be written ({error}): choose another place with -o") from error
        return path

    def prediction_logs(self) -> list[Logged]:
        """The log of each model and stage, in short."""
        from jupyter_mlgov.operate import outcomes, predictions

        folder = self.predictions_folder
        return [
            predictions.summary(folder, *one, outcomes.read(folder)) for one in predictions.logged(folder)
        ]

    def add_outcomes(self, file: str | Path) -> Added:
        """Adds what really happened: a CSV or Parquet file with ``request_id``, ``outcome`` and, where a request had
        several rows, ``row``. All of it or nothing. Raises ``NotFound``, ``UsageError``, ``StoreError``."""
        from jupyter_mlgov.operate import outcomes

        return outcomes.add(self.predictions_folder, Path(file).absolute())

    def monitor(
        self,
        model_stage: str,
        *,
        since: str | None = None,
        junit: str | Path | None = None,
        prometheus: str | Path | None = None,
        output: str | Path | None = None,
        record: bool = True,
    ) -> Monitoring:
        """Looks at what ``MODEL:STAGE`` predicted (from ``since`` on) against the rows that its snapshot was tested on, and
        decides: nothing, watch, retrain, roll back. The run is kept and put on the ledger unless ``record`` is False.

        ``junit``, ``prometheus`` and ``output`` (an HTML report) name files. Raises ``NotFound`` (never released),
        ``UsageError`` (an empty log, outcomes that are no labels), ``Blocked`` (no rows to compare with), ``NotWritable``.
        """
        from jupyter_mlgov.capture.repository import user_name
        from jupyter_mlgov.monitor import files
        from jupyter_mlgov.monitor.settings import read_settings
        from jupyter_mlgov.monitor.watch import tell, watch
        from jupyter_mlgov.operate.predictions import problems
        from jupyter_mlgov.operate.settings import read_settings as read_operate
        from jupyter_mlgov.report import render_monitoring

        settings = read_settings(self.root)
        log = self.predictions(model_stage, since=since)
        found = watch(
            self.root,
            self.store,
            self.released(model_stage),
            log,
            settings,
            since=since,
            never_logged=read_operate(self.root).never_log,
            problems=problems(log),
        )
        if record:
            tell(self.store, found, user_name())
        if junit is not None:
            written.file(Path(junit).absolute(), files.junit(found, settings.fail_on))
        if prometheus is not None:
            written.file(Path(prometheus).absolute(), files.prometheus(found).encode("utf-8"))
        if output is not None:
            written.file(Path(output).absolute(), render_monitoring(found).encode("utf-8"))
        return found

    def retrain(
        self,
        model_stage: str,
        *,
        data: str | Path | None = None,
        replace: bool | None = None,
        uri: str | None = None,
        since: str | None = None,
        may_release: bool = True,
        trusted: Sequence[str] = (),
        limits: Limits | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Retraining:
        """Runs the snapshot behind ``MODEL:STAGE`` again on new data and releases the result where ``[retrain]`` and the
        gate allow that; otherwise the answer says what is missing.

        The new rows are those of the file ``data``, or the predictions (from ``since`` on) whose outcome is known. They are
        added to the recorded data of the input ``uri`` (the only one that fits unless told), or with ``replace`` stand in
        its place. Code, other inputs and environment are the recorded ones. Raises ``NotFound``, ``UsageError`` (data that
        do not do), ``Blocked`` (something that the run needs is not there), ``StoreError``.
        """
        from jupyter_mlgov.assess.suite import read_suite
        from jupyter_mlgov.capture.repository import user_name
        from jupyter_mlgov.governance.policy import read_policy
        from jupyter_mlgov.monitor.retrain import Orders, Steps, retrain
        from jupyter_mlgov.monitor.retrain_settings import read_retrain_settings
        from jupyter_mlgov.operate.releases import put_on_stage
        from jupyter_mlgov.operate.settings import read_settings

        if data is not None and since is not None:
            raise UsageError("since selects logged predictions: leave it out where a file is given")
        settings, operate = read_retrain_settings(self.root), read_settings(self.root)
        policy, suite = read_policy(self.root), read_suite(self.root)
        release = self.released(model_stage)
        by = user_name()
        orders = Orders(
            log=self.predictions(model_stage, since=since) if data is None else None,
            file=Path(data).absolute() if data is not None else None,
            uri=uri,
            replace=replace,
            may_release=may_release,
            never_logged=operate.never_log,
            trusted=tuple(trusted),
            limits=limits,
            by=by,
        )

        def put(snapshot: str) -> ReleaseAnswer:
            return put_on_stage(
                self.store, snapshot, model=release.model, stage=release.stage, by=by, settings=operate,
                gate=lambda: self._decide(snapshot), message=f"retrained from {release.name}",
                instead_of=release.number,
            )  # fmt: skip

        steps = Steps(
            assess=lambda snapshot: self.assess(snapshot, trusted=trusted, progress=progress),
            rerun=(lambda snapshot: self.rerun(snapshot, as_recorded=True, limits=limits, progress=progress))
            if policy.rerun
            else None,
            gate=self._decide,
            release=put,
            suite=suite,
        )
        return retrain(self.root, self.store, release, settings, orders, steps, progress)

    def monitored(self) -> list[Monitored]:
        """The newest monitor run of each model and stage, with those before it in short."""
        from jupyter_mlgov.monitor.history import monitored

        return monitored(self.store)

    def retrainings(self, ref: str | None = None) -> list[Retraining]:
        """Retrainings, newest first, each with its release where one followed; those that a snapshot came of where ``ref``
        names it."""
        from jupyter_mlgov.monitor.history import retrainings

        subject = self.resolve(ref) if ref is not None else None
        return list(reversed(retrainings(self.store, subject=subject)))

    def alarms(self, found: Monitoring) -> bool:
        """Whether a run's decision is at least what ``[monitor] fail_on`` names: the command line then ends with 1."""
        from jupyter_mlgov.monitor.files import fails
        from jupyter_mlgov.monitor.settings import read_settings

        return fails(found.decision, read_settings(self.root).fail_on)

    @property
    def predictions_folder(self) -> Path:
        """Where the prediction log lies: ``[operate] predictions``, or ``.mlgov/predictions``. Raises ``UsageError``."""
        from jupyter_mlgov.operate.predictions import folder_of
        from jupyter_mlgov.operate.settings import read_settings

        return folder_of(self.root, self.store.folder, read_settings(self.root))

    # -- sharing -----------------------------------------------------------------------------------------

    def export(self, ref: str, output: str | Path) -> Exported:
        """Writes a bundle that another machine can rerun and check. Whole or not at all. Raises ``NotWritable``,
        ``UsageError`` (a candidate), ``StoreError``."""
        from jupyter_mlgov.capture.lock import recorded_lock
        from jupyter_mlgov.rerun.code_tree import keep_tree
        from jupyter_mlgov.rerun.portable import missing_elsewhere
        from jupyter_mlgov.store import bundles

        snapshot = self.resolve(ref)
        manifest = self.store.manifest(snapshot)
        tree = keep_tree(self.root, self.store, manifest)
        if manifest.inventory is not None:
            recorded_lock(self.store, snapshot, timeout=LOCK_S)  # on the ledger, and so in the bundle
        path = Path(output).absolute()
        with written.writing(path) as file:
            index = bundles.export(self.store, snapshot, file, tree=tree)
        left_out, missing = missing_elsewhere(self.store, manifest, tree)
        return bundles.Exported(
            id=snapshot,
            path=str(path),
            bytes=path.stat().st_size,
            objects=len(index.objects),
            left_out=left_out,
            missing=missing,
        )

    @classmethod
    def import_bundle(cls, file: str | Path, path: str | Path = ".") -> Imported:
        """Takes a bundle into the project that ``path`` lies in, made where there is none. Everything is checked
        before anything is written. Raises ``NotFound``, ``Damaged``, ``StoreError``."""
        from jupyter_mlgov.store import archive, bundles

        with archive.Reader(Path(file)) as reader:
            incoming = bundles.Incoming(reader)
            return bundles.take_in(cls.open(path, create=True).store, incoming)

    # -- executing ---------------------------------------------------------------------------------------

    def rerun(
        self,
        ref: str,
        *,
        parameters: dict[str, Any] | None = None,
        as_recorded: bool = False,
        output: str | Path | None = None,
        limits: Limits | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Comparison:
        """Executes the snapshot's notebook again and compares: the verdict and its findings."""
        from jupyter_mlgov.rerun.rerun import rerun

        return rerun(
            self.root,
            self.store,
            self.resolve(ref),
            parameters=parameters,
            as_recorded=as_recorded,
            output=Path(output).absolute() if output is not None else None,
            limits=limits,
            progress=progress,
        )

    def assess(
        self,
        ref: str,
        *,
        trusted: Sequence[str] = (),
        force: bool = False,
        junit: str | Path | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Assessment:
        """Tests and explains a snapshot's model by the suite of ``[assess]``; risks whose check rests on that are evaluated.

        ``trusted`` are types that may be loaded from the kept model, beside those of ``[models] trusted``. What was found
        for the same model, rows and settings stands, unless ``force``. ``junit`` names a file for JUnit XML.
        Raises ``Blocked``, ``UsageError``, ``NotWritable``.
        """
        from jupyter_mlgov.assess.junit import junit as as_junit
        from jupyter_mlgov.assess.run import assess
        from jupyter_mlgov.assess.suite import read_suite
        from jupyter_mlgov.governance.checks import after_assessment
        from jupyter_mlgov.governance.register import charter, register

        snapshot = self.resolve(ref)
        made = assess(
            self.root,
            self.store,
            snapshot,
            read_suite(self.root),
            trusted=trusted,
            force=force,
            progress=progress,
        )
        for risk in after_assessment(register(self.store, snapshot), charter(self.store, snapshot), made):
            self.store.append("risk", snapshot, msgspec.to_builtins(risk))
        if junit is not None:
            written.file(Path(junit).absolute(), as_junit(made, self.reference(snapshot)))
        return made

    def verify(
        self,
        refs: Sequence[str] = (),
        *,
        everything: bool = False,
        orders: Orders | None = None,
        junit: str | Path | None = None,
        summary: str | Path | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> list[tuple[Job, Comparison]]:
        """Reruns many: ``refs``, or with ``everything`` the newest snapshot of each experiment; each with what it is
        called. ``junit`` and ``summary`` name files: JUnit XML, and Markdown that is added to the file's end.

        Raises ``NotFound``, ``UsageError`` (a cluster that does not answer), ``NotWritable``.
        """
        from jupyter_mlgov.rerun import summaries
        from jupyter_mlgov.rerun.fleet import Fleet, Orders, jobs_of

        ids = [self.resolve(ref) for ref in refs]
        if everything:
            names = dict.fromkeys(entry.experiment for entry in self.store.log())
            ids += [snapshot for name in names if (snapshot := self.store.newest(name)) is not None]
        jobs = jobs_of(self.store, ids)
        if not jobs:
            raise NotFound(f"no snapshot in {self.root} to verify: run a cell with %%experiment first")
        comparisons = Fleet(self.root, self.store, jobs, orders or Orders(), progress).run()
        named = list(zip(jobs, comparisons, strict=True))
        if junit is not None:
            written.file(Path(junit).absolute(), summaries.junit(named))
        if summary is not None:
            written.more(Path(summary).absolute(), summaries.markdown(named))
        return named

    # -- keeping -----------------------------------------------------------------------------------------

    def fsck(self) -> list[Problem]:
        """Checks every object, manifest and ledger link."""
        return self.store.fsck()

    def gc(self, *, dry_run: bool = False) -> Dropped:
        """Drops what nothing names: objects and manifests that killed or given-up writers left, from a day on.

        Raises ``Damaged`` where ``fsck`` finds a problem (nothing is dropped then), ``NotWritable``.
        """
        return self.store.drop_unnamed(dry_run=dry_run)

    def reindex(self) -> int:
        """Rebuilds the index from objects and ledger; gives the number of snapshots."""
        return self.store.reindex()
