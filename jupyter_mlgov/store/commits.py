"""How snapshots are made: their objects, manifests and ledger entries in one round of flushes, then ``HEAD``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from jupyter_mlgov.errors import Missing
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.store import files, ledger
from jupyter_mlgov.store.numbers import Last

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from jupyter_mlgov.store.layout import Layout
    from jupyter_mlgov.store.ledger import Ledger
    from jupyter_mlgov.store.numbers import Numbers
    from jupyter_mlgov.store.objects import Objects
    from jupyter_mlgov.store.pieces import Manifests

T = TypeVar("T")

Encoded = tuple[bytes, Manifest]
"""A manifest's canonical JSON, and the manifest as it will be read back."""

_ALONG = 1 << 22
"""Bytes of objects that are written in the round of their snapshot, while other writers wait; more are written before."""


class _Ask(Protocol):
    def __call__(self, question: Callable[[Connection], T]) -> T: ...


class Commits:
    """What makes the snapshots of one store. While the ledger's lock is held, ``ask`` asks its index and ``follow`` has it
    take up what was written."""

    def __init__(
        self,
        layout: Layout,
        objects: Objects,
        manifests: Manifests,
        entries: Ledger,
        numbers: Numbers,
        ask: _Ask,
        follow: Callable[[], None],
    ) -> None:
        self._layout = layout
        self._objects = objects
        self._manifests = manifests
        self._ledger = entries
        self._numbers = numbers
        self._ask = ask
        self._follow = follow

    def make(
        self, batch: list[Encoded], body: Mapping[str, Any], objects: Mapping[str, bytes]
    ) -> list[Entry]:
        """The entries of the snapshots in ``batch``, in its order; ``objects`` are written in their round. Raises as
        :meth:`Store.commit`."""
        there = set(objects)
        if sum(map(len, objects.values())) > _ALONG:
            with files.writing(self._layout.folder):
                self._objects.put_all(objects.values())
            # Until the lock is held, what no snapshot names yet may be dropped again: they are looked for like any other.
            objects, there = {}, set()
        named = {self._manifests.name_of(data): (data, manifest) for data, manifest in batch}
        with self._ledger.lock():
            head = self._ledger.head()
            self._check_named([manifest for _, manifest in batch], there)
            with files.writing(self._layout.folder):
                along: dict[str, files.New] = {}
                flushed = self._objects.folders(objects)
                before = {name for name in named if self._manifests.has(name)}
                for name, (data, _) in named.items():
                    new, folders = self._manifests.new(name, data)
                    along |= new
                    flushed |= folders
                for digest, data in objects.items():
                    if digest not in along and (one := self._objects.new(digest, data)) is not None:
                        along[digest] = one
            # Only a manifest that was there before can have an entry.
            known = {name: self._entry_of(name) for name in before}
            made = {name: self._ledger.read(entry) for name, entry in known.items() if entry is not None}
            fresh = [(name, manifest) for name, (_, manifest) in named.items() if name not in made]
            last = {
                manifest.experiment: self._numbers.near(manifest.experiment, head)
                or self._asked_last(manifest.experiment)
                for _, manifest in fresh
            }
            entries = []
            for name, manifest in fresh:
                facts = {**body, "experiment": manifest.experiment}
                facts.pop("number", None)
                if manifest.kind == "snapshot":
                    number = last[manifest.experiment].number + 1
                    facts["number"], last[manifest.experiment] = number, Last(number, name)
                entries.append(
                    Entry(
                        kind=manifest.kind, subject=name, at=ledger.now(), author=manifest.author, body=facts
                    )
                )
            if entries:
                written = self._ledger.append_all(
                    entries, expected=head, along=list(along.values()), flushed=flushed
                )
                made |= {entry.subject: entry for _, entry in written}
                self._numbers.note(last, head, written[-1][0])
                self._follow()
            elif along:  # a manifest or an object that was lost is there again
                with files.writing(self._layout.folder):
                    files.write_together(self._layout.temporary, list(along.values()), also=flushed)
        return [made[self._manifests.name_of(data)] for data, _ in batch]

    def _check_named(self, batch: list[Manifest], there: set[str]) -> None:
        """Raises ``Missing`` for an object that is named and is not there, or in ``there``. The caller holds the ledger's
        lock: nothing is dropped meanwhile."""
        for manifest in batch:
            for digest in sorted(manifest.objects() - there):
                if not self._objects.has(digest):
                    raise Missing(
                        f"the snapshot of {manifest.experiment!r} names object {digest}, which is not in the store: "
                        "run the cell again"
                    )
                there.add(digest)

    def _entry_of(self, snapshot: str) -> str | None:
        from jupyter_mlgov.store import tables

        return self._ask(lambda rows: tables.entry_of(rows, snapshot))

    def _asked_last(self, experiment: str) -> Last:
        from jupyter_mlgov.store import tables

        return self._ask(
            lambda rows: Last(
                tables.highest_number(rows, experiment), tables.newest(rows, experiment=experiment)
            ),
        )
