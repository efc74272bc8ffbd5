"""What a project knows: nothing here writes anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.errors import NotFound
from jupyter_mlgov.project.opened import Opened
from jupyter_mlgov.records.canonical import plain
from jupyter_mlgov.records.decoding import decoded

if TYPE_CHECKING:
    from jupyter_mlgov.governance.register import RegisteredRisk
    from jupyter_mlgov.records.ledger import Entry
    from jupyter_mlgov.records.retraining import Retraining
    from jupyter_mlgov.records.verdict import Comparison
    from jupyter_mlgov.rerun.side_by_side import SideBySide
    from jupyter_mlgov.rerun.standing import LiveCell, Standing
    from jupyter_mlgov.store import Evidence, LogEntry


class Reading(Opened):
    """Snapshots listed, shown whole and compared."""

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

    def listing(
        self,
        *,
        experiment: str | None = None,
        notebook: str | None = None,
        limit: int | None = None,
        candidates: bool = False,
    ) -> list[LogEntry]:
        """As ``log``, for names that somebody typed. Raises ``NotFound`` where nothing is called that."""
        found = self.log(experiment=experiment, notebook=notebook, limit=limit, candidates=candidates)
        if not found:
            self.store.check_known(experiment=experiment, notebook=notebook)
        return found

    def search(
        self, query: str, *, experiment: str | None = None, notebook: str | None = None
    ) -> list[LogEntry]:
        """Those snapshots of ``log`` that a search (``auc>=0.8 author:anna churn``) selects: see ``Selection``."""
        from jupyter_mlgov.store.selection import Selection

        return Selection.of(query).of_these(self.log(experiment=experiment, notebook=notebook))

    def page(
        self,
        query: str = "",
        *,
        experiment: str | None = None,
        notebook: str | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[list[LogEntry], int]:
        """``limit`` snapshots of ``search`` past the first ``offset``, and how many there are in all. Without a search only
        those are read."""
        if query.strip():
            found = self.search(query, experiment=experiment, notebook=notebook)
            return found[offset : offset + limit], len(found)
        if notebook is not None:
            notebook = self._notebook_uri(notebook)
        return (
            self.store.log(experiment=experiment, notebook=notebook, limit=limit, offset=offset),
            self.store.listed(experiment=experiment, notebook=notebook),
        )

    def show(self, ref: str) -> dict[str, Any]:
        """One snapshot, whole, with what was learnt about it since: the ``show`` document."""
        return self.describe(self.resolve(ref))

    def describe(self, snapshot: str) -> dict[str, Any]:
        """``show`` for an id."""
        from jupyter_mlgov.governance.register import charter, register
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
        document["charter"] = msgspec.to_builtins(charter(self.store, snapshot))
        document["reruns"] = [self._rerun(found) for found in self.store.evidence(snapshot, "rerun")]
        document["approvals"] = self._decisions(snapshot, entries)
        document["assessment"] = self._assessment(snapshot)
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

    def _rerun(self, found: Evidence) -> dict[str, Any]:
        entry = found.entry
        comparison = self._comparison(entry)
        return {
            "at": entry.at,
            "verdict": entry.body.get("verdict"),
            "candidate": entry.body.get("candidate"),
            "imported": found.imported,
            "caution": comparison.caution if comparison else "",
            "findings": msgspec.to_builtins(comparison.findings) if comparison else [],
            "cells": msgspec.to_builtins(comparison.cells) if comparison else [],
        }

    def _assessment(self, snapshot: str) -> dict[str, Any] | None:
        from jupyter_mlgov.governance.assessed import newest_said

        found = newest_said(self.store, snapshot)
        if found is None:
            return None
        entry, made = found
        document: dict[str, Any] = msgspec.to_builtins(made)
        return {"at": entry.at, "counts": made.counts(), **document}

    def _comparison(self, entry: Entry) -> Comparison | None:
        from jupyter_mlgov.errors import Missing
        from jupyter_mlgov.records.verdict import Comparison

        digest = entry.body.get("comparison")
        if not isinstance(digest, str):
            return None
        try:
            return decoded(self.store.get(digest), Comparison)
        except Missing:
            return None

    def diff(self, one: str, other: str) -> Comparison:
        """What differs between two snapshots, as findings; ``caution`` says which magic lines are others. Nothing is
        executed."""
        from jupyter_mlgov.rerun.cell_edits import header_changes
        from jupyter_mlgov.rerun.compare import compare

        ids = self.resolve(one), self.resolve(other)
        return msgspec.structs.replace(compare(self.store, *ids), caution=header_changes(self.store, *ids))

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
        """The risk register: those of the newest snapshot of each experiment, as they are known now; by name."""
        from jupyter_mlgov.governance.register import RegisteredRisk, register

        newest = self.newest_of_each()
        return [
            RegisteredRisk(
                experiment=name,
                snapshot=newest[name],
                number=self.store.number(newest[name]),
                notebook=self.store.manifest(newest[name]).notebook.path,
                risk=risk,
            )
            for name in sorted(newest)
            for risk in register(self.store, newest[name])
        ]

    def newest_of_each(self) -> dict[str, str]:
        """The id of each experiment's newest snapshot, the experiment that was run last first."""
        newest = {name: self.store.newest(name) for name in self.store.experiments()}
        return {name: snapshot for name, snapshot in newest.items() if snapshot is not None}
