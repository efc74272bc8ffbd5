"""Temporary stand-in written by the lead so that capture can be tried; the store colleague replaces it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mlgov.errors import Damaged
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import Environment, Manifest
from jupyter_mlgov.store import files
from jupyter_mlgov.store.layout import Layout
from jupyter_mlgov.store.ledger import Ledger, now
from jupyter_mlgov.store.listing import LogEntry
from jupyter_mlgov.store.objects import Named, Objects


class Store:
    def __init__(self, layout: Layout) -> None:
        from jupyter_mlgov.store.index import Index

        self.layout = layout
        self.folder = layout.folder
        self._objects = Objects(layout.objects, layout.temporary)
        self._manifests = Named(layout.manifests, layout.temporary, noun="manifest")
        self._ledger = Ledger(layout)
        self._index = Index(layout, self._ledger, self._manifests)

    @classmethod
    def open(cls, folder: Path) -> Store:
        layout = Layout(folder)
        layout.check()
        return cls(layout)

    @classmethod
    def create(cls, folder: Path) -> Store:
        layout = Layout(folder)
        layout.make()
        return cls(layout)

    def put(self, data: bytes) -> str:
        return self.put_all([data])[0]

    def put_all(self, datas: Iterable[bytes]) -> list[str]:
        with files.writing(self.folder):
            return self._objects.put_all(datas)

    def get(self, digest: str) -> bytes:
        return self._objects.get(digest)

    def has(self, digest: str) -> bool:
        return self._objects.has(digest)

    def commit(self, manifest: Manifest, *, body: dict[str, Any] | None = None) -> Entry:
        from jupyter_mlgov.store import tables

        with files.writing(self.folder):
            name = self._manifests.put_all([canonical(manifest)])[0]
        with self._ledger.lock():
            facts = {"experiment": manifest.experiment, **(body or {})}
            if manifest.kind == "snapshot":
                facts["number"] = 1 + self._index.ask(
                    lambda c: tables.highest_number(c, manifest.experiment), locked=True
                )
            return self._append(
                Entry(kind=manifest.kind, subject=name, at=now(), author=manifest.author, body=facts)
            )

    def append(self, kind: Any, subject: str, body: dict[str, Any], *, author: str = "") -> Entry:
        with self._ledger.lock():
            return self._append(Entry(kind=kind, subject=subject, at=now(), author=author, body=body))

    def _append(self, entry: Entry) -> Entry:
        _, written = self._ledger.append(entry, expected=self._ledger.head())
        self._index.follow()
        return written

    def manifest(self, id: str) -> Manifest:
        try:
            return msgspec.json.decode(self._manifests.get(id), type=Manifest)
        except msgspec.MsgspecError as error:
            raise Damaged(f"manifest {id} is damaged: {error}") from error

    def environment(self, manifest: Manifest) -> Environment:
        return msgspec.json.decode(self.get(manifest.environment), type=Environment)

    def entries(self, *, subject: str | None = None, kind: str | None = None) -> list[Entry]:
        from jupyter_mlgov.store import tables

        return [
            self._ledger.read(n)
            for n in self._index.ask(lambda c: tables.entry_names(c, subject=subject, kind=kind))
        ]

    def resolve(self, ref: str) -> str:
        from jupyter_mlgov.store import references

        return self._index.ask(lambda c: references.resolve(c, ref, root=self.folder.parent))

    def number(self, id: str) -> int | None:
        from jupyter_mlgov.store import tables

        return self._index.ask(lambda c: tables.number_of(c, id))

    def newest(self, experiment: str) -> str | None:
        from jupyter_mlgov.store import tables

        return self._index.ask(lambda c: tables.newest(c, experiment=experiment))

    def log(
        self, *, experiment: Any = None, notebook: Any = None, limit: Any = None, candidates: bool = False
    ) -> list[LogEntry]:
        from jupyter_mlgov.store import tables
        from jupyter_mlgov.store.references import spellings

        places = spellings(notebook, root=self.folder.parent) if notebook else None
        return self._index.ask(
            lambda c: tables.log(
                c, experiment=experiment, notebooks=places, limit=limit, candidates=candidates
            )
        )

    def reindex(self) -> int:
        return self._index.rebuild()
