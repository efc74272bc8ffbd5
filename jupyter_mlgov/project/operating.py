"""A model in use: releases, predictions, monitors, retraining."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov import written
from jupyter_mlgov.errors import MlgovError, UsageError
from jupyter_mlgov.project.governing import Governing
from jupyter_mlgov.project.keeping import LOCK_S

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from jupyter_mlgov.operate.outcomes import Added
    from jupyter_mlgov.operate.predictions import Logged
    from jupyter_mlgov.records.monitoring import Monitored, Monitoring
    from jupyter_mlgov.records.release import Release, ReleaseAnswer
    from jupyter_mlgov.records.retraining import Retraining
    from jupyter_mlgov.records.verdict import GateDecision
    from jupyter_mlgov.rerun.limits import Limits
    from jupyter_mlgov.rerun.progress import Progress


class Operating(Governing):
    """Models released, asked, watched and retrained."""

    def release(self, ref: str, model: str, stage: str, *, by: str = "", message: str = "") -> ReleaseAnswer:
        """Puts a snapshot's model on a stage, where the gate is open: the release, or None with the gate's reasons.

        ``by`` is who does it (:meth:`author` unless told). Going back is a release of an earlier version
        (``MODEL:STAGE@N``). Raises ``UsageError``, ``NotFound``, ``StoreError``.
        """
        from jupyter_mlgov.operate.releases import put_on_stage
        from jupyter_mlgov.operate.settings import read_settings

        snapshot = self.resolve(ref)
        return put_on_stage(
            self.store,
            snapshot,
            model=model,
            stage=stage,
            by=by or self.author(),
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

    def decided(self, release: Release) -> GateDecision | None:
        """What the gate said when it let a release through; None where that cannot be read any more."""
        from jupyter_mlgov.records.decoding import decoded
        from jupyter_mlgov.records.verdict import GateDecision as Decision

        try:
            return decoded(self.store.get(release.gate), Decision)
        except (MlgovError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

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
        snapshot: str | None = None,
    ) -> pa.Table:
        """What ``MODEL:STAGE`` predicted from ``since`` and before ``until``, oldest first, with the outcomes that are
        known: a row for each predicted row, columns as docs/reference/prediction-log.md says. ``snapshot`` (an id): only
        what its version predicted, so that columns and types are those of that version.

        Times are dates, times (UTC unless they say otherwise) or how long ago (``24h``, ``7d``). An empty log is an empty
        table. ``operate.predictions.problems(table)`` says what could not be read. Raises ``NotFound`` for what was never
        released, ``UsageError``, ``StoreError`` (a log of a newer version).
        """
        from jupyter_mlgov.operate import outcomes, predictions

        release = self.released(model_stage)
        folder = self.predictions_folder
        start, end = predictions.moment(since), predictions.moment(until)
        table = predictions.read(
            folder, release.model, release.stage, since=start, until=end, snapshot=snapshot
        )
        return outcomes.joined(table, folder)

    def write_predictions(self, table: pa.Table, output: str | Path) -> Path:
        """Writes a table of :meth:`predictions` to a Parquet or CSV file. Raises ``NotWritable``."""
        from jupyter_mlgov.operate.predictions import write_file

        path = Path(output).absolute()
        write_file(table, path)
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

    @property
    def predictions_folder(self) -> Path:
        """Where the prediction log lies: ``[operate] predictions``, or ``.mlgov/predictions``. Raises ``UsageError``."""
        from jupyter_mlgov.operate.predictions import folder_of
        from jupyter_mlgov.operate.settings import read_settings

        return folder_of(self.root, self.store.folder, read_settings(self.root))

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
        from jupyter_mlgov.monitor import files
        from jupyter_mlgov.monitor.settings import read_settings
        from jupyter_mlgov.monitor.watch import tell, watch
        from jupyter_mlgov.operate.predictions import problems
        from jupyter_mlgov.operate.settings import read_settings as read_operate
        from jupyter_mlgov.report import render_monitoring

        settings = read_settings(self.root)
        release = self.released(model_stage)
        log = self.predictions(model_stage, since=since, snapshot=release.snapshot)
        found = watch(
            self.root,
            self.store,
            release,
            log,
            settings,
            since=since,
            never_logged=read_operate(self.root).never_log,
            problems=problems(log),
        )
        if record:
            tell(self.store, found, self.author())
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
        by = self.author()
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
