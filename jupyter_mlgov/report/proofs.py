"""What the proof inside a sealed file says, and whether it holds: the record of one snapshot, or the rows of an inventory.

``findings`` are answered from the file alone. ``project`` asks a store that is at hand, too: whether the snapshots are
there, whole, and what has happened to them since.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from blake3 import blake3
from msgspec import Struct

from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.governance import signing
from jupyter_mlgov.governance.approvals import PREDICATE_TYPE as APPROVAL
from jupyter_mlgov.records.canonical import identity
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.report.seal import Sealed, rows_of
from jupyter_mlgov.report.wording import counted

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

_SNAPSHOT = re.compile(rb'<meta name="mlgov-snapshot" content="([0-9a-f]{64})">')
_SHORT = 12
"""Digits of an id that a page shows."""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was checked. ``passed`` is None where it could not be."""

    check: str
    passed: bool | None
    reason: str


class Proof(ABC):
    """What a sealed file was made from."""

    snapshot: str | None
    """The id of the snapshot that the file is about; None for an inventory, and where it is no snapshot."""
    reference: str
    """What the file is about, in words."""

    def __init__(self, sealed: Sealed) -> None:
        self.sealed = sealed

    @abstractmethod
    def findings(self, data: bytes) -> list[Finding]:
        """Whether it fits ``data``, the bytes of the file, and holds in itself."""

    @abstractmethod
    def project(self, store: Store) -> Finding:
        """What ``store`` says about it."""


def proof_of(sealed: Sealed) -> Proof:
    """The proof of a sealed file, as the kind of file that it is."""
    return InventoryProof(sealed) if "inventory" in sealed.proof else RecordProof(sealed)


def names(statement: dict[str, Any], digest: Any) -> bool:
    """Whether an in-toto statement is about ``digest``."""
    subjects = statement.get("subject")
    return any(
        isinstance(one, dict)
        and isinstance(one.get("digest"), dict)
        and one["digest"].get("blake3") == digest
        for one in (subjects if isinstance(subjects, list) else [])
    )


class RecordProof(Proof):
    """Of a report: a snapshot's manifest and the ledger entries about it, as the texts that were hashed."""

    @cached_property
    def manifest(self) -> Manifest | None:
        try:
            return decoded(self.sealed.proof.get("manifest") or "", Manifest)
        except (msgspec.MsgspecError, TypeError, UnicodeError):
            return None

    @cached_property
    def entries(self) -> list[tuple[str, Entry | None]]:
        """Each entry with its id, computed from its content; None for what is no entry."""
        texts = self.sealed.proof.get("entries")
        found: list[tuple[str, Entry | None]] = []
        for text in texts if isinstance(texts, list) else []:
            data = str(text).encode("utf-8", "backslashreplace")
            try:
                found.append((blake3(data).hexdigest(), decoded(data, Entry)))
            except msgspec.MsgspecError:
                found.append((blake3(data).hexdigest(), None))
        return found

    @cached_property
    def snapshot(self) -> str | None:  # type: ignore[override]
        return self.sealed.proof.get("snapshot") if self.manifest is not None else None

    @cached_property
    def reference(self) -> str:  # type: ignore[override]
        if self.manifest is None:
            return ""
        for _, entry in self.entries:
            if entry is not None and entry.kind == "snapshot":
                return f"{self.manifest.experiment}@{entry.body.get('number')}"
        return self.manifest.experiment

    def findings(self, data: bytes) -> list[Finding]:
        return [self._snapshot(data), self._ledger(data), *self._approvals()]

    def _snapshot(self, data: bytes) -> Finding:
        """The manifest hashes to the name that the page shows."""
        text = self.sealed.proof.get("manifest")
        made = blake3(str(text).encode("utf-8", "backslashreplace")).hexdigest()
        found = _SNAPSHOT.search(data[:20_000])
        shown = found[1].decode("ascii") if found else None
        holds = self.manifest is not None and made == self.snapshot == shown
        if self.manifest is None:
            reason = "the record in the file is no snapshot"
        elif holds:
            reason = f"the record in the file is {made}, whole"
        else:
            reason = f"the record in the file is {made[:12]}, and the page is about {str(shown)[:12]}"
        return Finding(check="snapshot", passed=holds, reason=reason)

    def _ledger(self, data: bytes) -> Finding:
        subject = self.sealed.proof.get("snapshot")
        wrong = sum(entry is None or entry.subject != subject for _, entry in self.entries)
        unseen = sum(name.encode()[:_SHORT] not in data for name, _ in self.entries)
        number = len(self.entries)
        if not number:
            reason = "no ledger entry"
        elif wrong:
            reason = f"{wrong} of {number} entries are not about this snapshot"
        elif unseen:
            reason = f"{unseen} ledger entries are not on the page"
        else:
            reason = f"{number} ledger entries about it, each with the name that the page shows"
        return Finding(check="ledger", passed=bool(number) and not wrong and not unseen, reason=reason)

    def _approvals(self) -> list[Finding]:
        return [_approval(entry, self.sealed.proof.get("snapshot")) for _, entry in self.entries
                if entry is not None and entry.kind == "approval"]  # fmt: skip

    def project(self, store: Store) -> Finding:
        snapshot = str(self.sealed.proof.get("snapshot"))
        try:
            entries = store.entries(subject=snapshot)
            if not entries:
                reason = "the project here does not hold this snapshot; only the file was checked"
                return Finding(check="project", passed=None, reason=reason)
            lost = _lost(store, snapshot)
        except MlgovError as error:
            return Finding(check="project", passed=False, reason=f"the snapshot does not hold: {error}")
        if lost:
            reason = f"{lost} objects of the snapshot are lost or damaged in the project: run mlgov fsck"
            return Finding(check="project", passed=False, reason=reason)
        gone, later = _since(entries, {name for name, _ in self.entries})
        if gone:
            reason = f"{gone} ledger entries of this report are not on the project's ledger"
            return Finding(check="project", passed=False, reason=reason)
        reason = "the project holds the snapshot, whole; " + _later(later, "report")
        return Finding(check="project", passed=True, reason=reason)


class InventoryProof(Proof):
    """Of an inventory: each snapshot that it lists, with the names of the ledger entries about it."""

    snapshot = None

    @cached_property
    def rows(self) -> list[tuple[str, list[str]]]:
        """Each snapshot's id with the ids of its entries. Empty where the proof is no list of rows."""
        return rows_of(self.sealed.proof)

    @cached_property
    def reference(self) -> str:  # type: ignore[override]
        return f"inventory of {counted(len(self.rows), 'model')}"

    def findings(self, data: bytes) -> list[Finding]:
        unseen = sum(snapshot.encode() not in data for snapshot, _ in self.rows)
        number = counted(len(self.rows), "snapshot")
        if not self.rows:
            reason = "the proof lists no snapshot"
        elif unseen:
            reason = f"{unseen} of {number} in the proof are not on the page"
        else:
            reason = f"{number}, each with the name that the page shows"
        return [Finding(check="snapshots", passed=bool(self.rows) and not unseen, reason=reason)]

    def project(self, store: Store) -> Finding:
        absent = lost = gone = 0
        later: Counter[str] = Counter()
        for snapshot, known in self.rows:
            try:
                entries = store.entries(subject=snapshot)
                if not entries:
                    absent += 1
                    continue
                lost += bool(_lost(store, snapshot))
            except MlgovError:
                lost += 1
                continue
            missing, since = _since(entries, set(known))
            gone += missing
            later += since
        held = len(self.rows) - absent
        if not held:
            reason = "the project here holds none of these snapshots; only the file was checked"
            return Finding(check="project", passed=None, reason=reason)
        faults = [
            f"{absent} of {counted(len(self.rows), 'snapshot')} are not in the project" if absent else "",
            f"{counted(lost, 'snapshot')} lost or damaged in the project: run mlgov fsck" if lost else "",
            f"{gone} ledger entries of this inventory are not on the project's ledger" if gone else "",
        ]
        if any(faults):
            reason = "; ".join(fault for fault in faults if fault)
            return Finding(check="project", passed=False, reason=reason)
        reason = f"the project holds {counted(held, 'snapshot')}, whole; " + _later(later, "inventory")
        return Finding(check="project", passed=True, reason=reason)


def _approval(entry: Entry, snapshot: Any) -> Finding:
    """Whether the signature under a decision holds, and is about this snapshot."""
    envelope = entry.body.get("envelope")
    who = " ".join(str(entry.body.get("name"))[:80].split())
    if envelope is None:
        return Finding(check="approval", passed=None, reason=f"{who}'s decision is not signed")
    key = signing.signer(envelope)
    statement = signing.verify(envelope, key) if key else None
    holds = (
        statement is not None and statement.get("predicateType") == APPROVAL and names(statement, snapshot)
    )
    reason = f"{who}'s decision is signed by {key}" if holds else f"the signature of {who} does not hold"
    return Finding(check="approval", passed=holds, reason=reason)


def _lost(store: Store, snapshot: str) -> int:
    """How many objects of a snapshot cannot be read. Raises ``MlgovError`` for its manifest."""
    lost = 0
    for name in sorted(store.manifest(snapshot).objects()):
        try:
            store.get(name)
        except MlgovError:
            lost += 1
    return lost


def _since(entries: list[Entry], known: set[str]) -> tuple[int, Counter[str]]:
    """How many of the ``known`` entries are gone, and what kinds of entries there are beside them."""
    held = {identity(entry): entry.kind for entry in entries}
    return len(known - set(held)), Counter(kind for name, kind in held.items() if name not in known)


def _later(later: Counter[str], what: str) -> str:
    since = ", ".join(f"{number} {kind}" for kind, number in later.items())
    return f"since this {what}: {since} (make a new one)" if since else "nothing has happened to it since"
