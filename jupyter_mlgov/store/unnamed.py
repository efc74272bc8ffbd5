"""What nothing names: objects and manifests that no ledger entry leads to, and the space that they take.

A writer that was killed leaves some, a snapshot that was given up, an index of another line. They harm nothing. They are
dropped only where the whole store is undamaged, since a manifest that cannot be read names objects that nobody then knows
of; and only when they are a day old, since a writer puts objects before it names them. A digest counts as named wherever
it stands in a record that is itself named.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.errors import Damaged, MlgovError
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.store.bundles import digests_in
from jupyter_mlgov.store.fsck import Check
from jupyter_mlgov.store.ledger import Ledger
from jupyter_mlgov.store.objects import Objects
from jupyter_mlgov.store.pieces import Manifests

if TYPE_CHECKING:
    from jupyter_mlgov.store.index import Index

GRACE_S = 24 * 3600.0
"""Age in seconds from which a file that nothing names is dropped."""
_RECORD = 1 << 26
"""Bytes up to which an object may be a record that names others."""


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """What was dropped, or would be (``dry_run``): how many objects and manifests, and the bytes that they took on disk."""

    objects: int
    manifests: int
    bytes: int
    dry_run: bool


def drop_unnamed(
    ledger: Ledger,
    manifests: Manifests,
    objects: Objects,
    index: Index,
    *,
    dry_run: bool,
    grace_s: float = GRACE_S,
) -> Dropped:
    """Drops what nothing names. Raises ``Damaged`` where ``fsck`` finds a problem: then nothing is dropped; ``OSError``."""
    head = ledger.head()
    problems = [one for one in Check(ledger, manifests, objects, index).run() if one.kind != "index.differs"]
    if problems:
        raise Damaged(
            f"nothing was dropped: the store is damaged ({problems[0].kind} {problems[0].subject}), and what a damaged "
            "record names is not known; run `mlgov fsck` and mend it first"
        )
    named = _Named(manifests, objects)
    named.add(entry for _, entry in ledger.since(head, lambda _: False))
    with ledger.lock():  # nobody names anything meanwhile
        known = {head}
        named.add(entry for _, entry in ledger.since(ledger.head(), known.__contains__))
        before = time.time() - grace_s
        old_manifests = _old(
            (manifests.path(name) for name in manifests.names() if name not in named.snapshots), before
        )
        old_objects = _old(
            (objects.path(one) for one in objects.digests() if one not in named.objects), before
        )
        if not dry_run:
            # Manifests first: one that is there has its objects.
            for path in [*old_manifests, *old_objects]:
                path.unlink(missing_ok=True)
    return Dropped(
        objects=len(old_objects),
        manifests=len(old_manifests),
        bytes=sum([*old_manifests.values(), *old_objects.values()]),
        dry_run=dry_run,
    )


class _Named:
    """Every snapshot and object that entries lead to."""

    def __init__(self, manifests: Manifests, objects: Objects) -> None:
        self._manifests = manifests
        self._objects = objects
        self.snapshots: set[str] = set()
        self.objects: set[str] = set()

    def add(self, entries: Iterable[Entry]) -> None:
        pending: list[str] = []
        for entry in entries:
            pending += digests_in(entry.body)
            if entry.subject in self.snapshots:
                continue
            for snapshot in {entry.subject, *self._manifests.bases(entry.subject)} - self.snapshots:
                self.snapshots.add(snapshot)
                with contextlib.suppress(MlgovError):  # an entry may be about what another store holds
                    pending += self._manifests.pieces(snapshot)
                    pending += digests_in(msgspec.json.decode(self._manifests.get(snapshot)))
        while pending:
            digest = pending.pop()
            if digest not in self.objects:
                self.objects.add(digest)
                pending += self._inside(digest)

    def _inside(self, digest: str) -> Iterator[str]:
        """Digests in an object that is a record."""
        try:
            data = self._objects.get(digest)
        except MlgovError:
            return
        if data[:1] not in (b"{", b"[") or len(data) > _RECORD:
            return
        found: Any = None
        with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            found = msgspec.json.decode(data)
        yield from digests_in(found)


def _old(paths: Iterable[Path], before: float) -> dict[Path, int]:
    """Those that were last written before a moment, with their sizes."""
    found: dict[Path, int] = {}
    for path in paths:
        with contextlib.suppress(OSError):
            state = path.stat()
            if state.st_mtime <= before:
                found[path] = state.st_size
    return found
