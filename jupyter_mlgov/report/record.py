"""All that is known about one snapshot, read from the store once.

What the manifest names and the store no longer has (or has damaged) is None here, and ``lost`` says so: a
report of a damaged record is made, and shows the damage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.errors import Damaged, Missing
from jupyter_mlgov.records.annotations import Charter, KpiResult, Risk
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import Environment, Input, Manifest
from jupyter_mlgov.records.moments import moment
from jupyter_mlgov.records.verdict import Comparison
from jupyter_mlgov.report.evidence import State

if TYPE_CHECKING:
    from jupyter_mlgov.governance.approvals import Decision
    from jupyter_mlgov.governance.risk_history import RiskEvent
    from jupyter_mlgov.store import Evidence, LogEntry, Store

HISTORY = 60
"""Snapshots before this one that its histories reach back to."""


@dataclass(frozen=True)
class Rerun:
    """A rerun of this snapshot. ``comparison`` is None where its document cannot be read any more; ``imported``: it was made
    elsewhere, and came in a bundle."""

    entry: Entry
    id: str
    comparison: Comparison | None
    imported: bool

    @property
    def verdict(self) -> str:
        return self.comparison.verdict if self.comparison else str(self.entry.body.get("verdict", "unknown"))

    @property
    def told(self) -> bool:
        """Whether it says anything about the result: one that was blocked does not."""
        return tells(self.verdict)


def tells(verdict: str | None) -> bool:
    """True for a verdict on a result: the notebook was executed again, whatever came of it."""
    return verdict in ("reproduced", "equivalent", "diverged", "failed")


@dataclass(frozen=True)
class Record:
    """One snapshot with everything that was learnt about it. ``past`` is the experiment's line up to and with
    this snapshot, oldest first; ``newer`` are the numbers of snapshots made after it."""

    store: Store
    id: str
    number: int | None
    manifest: Manifest
    environment: Environment | None
    entries: tuple[Entry, ...]
    reruns: tuple[Rerun, ...]
    kpis: tuple[KpiResult, ...]
    risks: tuple[Risk, ...]
    risk_history: dict[str, tuple[RiskEvent, ...]]
    decisions: tuple[Decision, ...]
    charter: Charter | None
    charter_later: bool
    """True where the charter was written or changed after the run."""
    past: tuple[LogEntry, ...]
    newer: tuple[int, ...]
    lost: list[str] = field(default_factory=list)

    @property
    def reference(self) -> str:
        """``NAME@N``; a candidate has no number."""
        name = self.manifest.experiment
        return f"{name}@{self.number}" if self.number is not None else f"{name} (candidate)"

    @cached_property
    def as_of(self) -> str:
        """When the newest thing in this record happened: the report knows nothing later."""
        known = [(found, text) for text in self.times() if (found := moment(text)) is not None]
        return max(known)[1] if known else self.manifest.created_at

    @cached_property
    def standing(self) -> tuple[Decision, ...]:
        """Its decisions that nobody took back."""
        from jupyter_mlgov.governance.approvals import standing

        return standing(self.decisions)

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """What was read, without the files that the notebook itself made."""
        return tuple(one for one in self.manifest.inputs if not one.derived)

    @cached_property
    def rerun_state(self) -> State:
        """How it is known whether the result comes back: *measured* by the newest rerun of exactly this snapshot; *stale*
        where that was blocked, or only another snapshot was executed again."""
        if self.reruns and self.reruns[-1].told:
            return "measured"
        others = (one.verdict for one in self.past if one.id != self.id)
        return "stale" if any(map(tells, [*others, *(one.verdict for one in self.reruns)])) else "missing"

    def times(self) -> list[str]:
        return [self.manifest.created_at, *(entry.at for entry in self.entries)]

    def bytes(self, digest: str | None) -> bytes | None:
        """An object, or None where nothing is named or it cannot be read."""
        if digest is None:
            return None
        try:
            return self.store.get(digest)
        except (Missing, Damaged) as error:
            if (told := str(error)) not in self.lost:
                self.lost.append(told)
            return None

    def text(self, digest: str | None) -> str | None:
        """An object that holds text."""
        data = self.bytes(digest)
        return None if data is None else data.decode("utf-8", "replace")


def read(store: Store, snapshot: str) -> Record:
    """The record of a snapshot or candidate. Raises ``NotFound``, ``Missing`` or ``Damaged`` for its manifest."""
    from jupyter_mlgov.governance import register
    from jupyter_mlgov.governance.approvals import decisions
    from jupyter_mlgov.governance.risk_history import risk_history

    manifest = store.manifest(snapshot)
    entries = tuple(store.entries(subject=snapshot))
    lost: list[str] = []
    environment = None
    try:
        environment = store.environment(manifest)
    except (Missing, Damaged) as error:
        lost.append(str(error))
    number = store.number(snapshot)
    line = [one for one in store.log(experiment=manifest.experiment) if one.number is not None]
    line.sort(key=lambda one: one.number or 0)
    return Record(
        store=store,
        id=snapshot,
        number=number,
        manifest=manifest,
        environment=environment,
        entries=entries,
        reruns=tuple(_rerun(store, one, lost) for one in store.evidence(snapshot, "rerun")),
        kpis=register.kpis(store, snapshot),
        risks=register.register(store, snapshot),
        risk_history=risk_history(store, manifest.experiment, until=snapshot) if number is not None else {},
        decisions=decisions(store, snapshot),
        charter=register.charter(store, snapshot),
        charter_later=any(entry.kind == "charter" for entry in entries),
        past=tuple(one for one in line if number is not None and (one.number or 0) <= number)[-HISTORY:],
        newer=tuple(one.number or 0 for one in line if number is not None and (one.number or 0) > number),
        lost=lost,
    )


def _rerun(store: Store, found: Evidence, lost: list[str]) -> Rerun:
    entry, imported = found
    digest = entry.body.get("comparison")
    comparison = None
    if isinstance(digest, str):
        try:
            comparison = decoded(store.get(digest), Comparison)
        except (Missing, Damaged) as error:
            lost.append(str(error))
        except msgspec.MsgspecError as error:
            lost.append(f"comparison {digest[:19]} cannot be read: {error}")
    return Rerun(entry=entry, id=identity_of(entry), comparison=comparison, imported=imported)


def identity_of(entry: Entry) -> str:
    """The entry's id, computed from its content."""
    from jupyter_mlgov.records.canonical import identity

    return identity(entry)
