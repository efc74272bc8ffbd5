"""Judging a snapshot: tests, the gate, approvals, reports and the shapes for other tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from jupyter_mlgov import written
from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.project.rerunning import Rerunning

if TYPE_CHECKING:
    from jupyter_mlgov.governance.policy import Policy
    from jupyter_mlgov.records.assessment import Assessment
    from jupyter_mlgov.records.verdict import GateDecision
    from jupyter_mlgov.report.inventory import Inventory
    from jupyter_mlgov.rerun.progress import Progress


class Governing(Rerunning):
    """Snapshots judged, and what is told of them."""

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

        policy = read_policy(self.root)
        return decide(self.store, snapshot, policy, suite=self._suite_asked(policy))

    def _suite_asked(self, policy: Policy) -> str | None:
        """The digest of ``[assess]``, where the gate asks for tests."""
        from jupyter_mlgov.assess.suite import read_suite

        return read_suite(self.root).digest if policy.assess else None

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
        made where there is none: then ``key_made`` is true, ``key_file`` its place, and ``key_protection`` what protects it.
        ``ask`` gives the passphrase of an encrypted or new key.
        """
        from jupyter_mlgov.governance import approvals, keys
        from jupyter_mlgov.governance.policy import read_policy
        from jupyter_mlgov.governance.signing import key_text
        from jupyter_mlgov.records.canonical import identity
        from jupyter_mlgov.store.ledger import now

        snapshot = self.resolve(ref)
        policy = read_policy(self.root)
        made = None
        if key is None and not keys.exists(keys.DEFAULT):
            approvals.check(self.store, snapshot, name=name, message=message, accepts=accepts)
            if decision == "revoked":
                raise NotFound(
                    f"nothing to revoke: there is no key {keys.DEFAULT!r} in {keys.folder()}: name yours with --key"
                )
            made = keys.first(ask)
            ask = None if made.protection == "none" else ask
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
            "key_made": made is not None,
            "key_file": made.path if made else None,
            "key_protection": made.protection if made else None,
            "entry": identity(entry),
        }

    def author(self) -> str:
        """Who works here: git's ``user.name`` as it holds in the project, else the login name. Snapshots, releases, monitor
        runs and retrainings all name this one."""
        from jupyter_mlgov.capture.code import CodeRecorder

        return CodeRecorder().author(self.root)

    def report_html(
        self, ref: str, *, key: str | None = None, ask: Callable[[str], str] | None = None
    ) -> str:
        """The governance report as one self-contained HTML page, sealed; signed with the user's key ``key`` where that
        is named (``ask`` gives the passphrase of an encrypted one)."""
        from jupyter_mlgov.governance import keys
        from jupyter_mlgov.governance.coverage import own_frameworks
        from jupyter_mlgov.report import build, render
        from jupyter_mlgov.report.coverage import EVIDENCE
        from jupyter_mlgov.report.seal import proof, seal

        snapshot = self.resolve(ref)
        private = keys.load(key, ask=ask) if key is not None else None
        frameworks = own_frameworks(self.root, EVIDENCE)
        page = render(build(self.store, snapshot, self._decide(snapshot), frameworks=frameworks))
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
        path = Path(output or self.file_name(snapshot, ".html")).absolute()
        written.file(path, page.encode("utf-8"))
        return path

    def models(self) -> Inventory:
        """The newest snapshot of each experiment, by name: what it is for and how it stands, as :meth:`inventory` writes
        it."""
        return self._models(self._by_name())

    def _by_name(self) -> list[str]:
        return [snapshot for _, snapshot in sorted(self.newest_of_each().items())]

    def _models(self, ids: Sequence[str]) -> Inventory:
        from datetime import UTC, datetime

        from jupyter_mlgov.governance.policy import read_policy
        from jupyter_mlgov.report import inventory

        policy = read_policy(self.root)
        suite = self._suite_asked(policy)
        return inventory(self.store, ids, policy, suite=suite, now=datetime.now(UTC))

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
        from jupyter_mlgov.governance import keys
        from jupyter_mlgov.report import render_inventory
        from jupyter_mlgov.report.seal import inventory_proof, seal

        ids = [self.resolve(ref) for ref in refs] if refs else self._by_name()
        if not ids:
            raise NotFound(f"no snapshot in {self.root} to list: run a cell with %%experiment first")
        private = keys.load(key, ask=ask) if key is not None else None
        ids = list(dict.fromkeys(ids))
        listed = self._models(ids)
        page, held = render_inventory(listed), inventory_proof(self.store, ids, listed.policy)
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

        return self.file_name(snapshot, shape(kind).suffix)
