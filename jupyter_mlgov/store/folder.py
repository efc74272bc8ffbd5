"""A store is one ``.mlgov`` folder: what was recorded, by digest, and the ledger of what happened.

Order of writing: objects, manifest and ledger entry (flushed together), then ``HEAD``. A snapshot exists once ``HEAD``
leads to its entry; killed before, nothing is listed and nothing that was there is touched; killed after, it is whole.
The index follows when it is next asked: a process that only makes snapshots never loads it.
Reading never needs to write: in a read-only folder every question is still answered.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, cast

import msgspec

from jupyter_mlgov.errors import Damaged, NotFound, UsageError
from jupyter_mlgov.records.canonical import plain
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry, repeated
from jupyter_mlgov.records.manifest import Environment, Manifest
from jupyter_mlgov.records.secrets import redact_tree
from jupyter_mlgov.store import files, ledger, manifests
from jupyter_mlgov.store.batch import Batch
from jupyter_mlgov.store.commits import Commits, Encoded
from jupyter_mlgov.store.layout import Layout
from jupyter_mlgov.store.listing import LogEntry
from jupyter_mlgov.store.numbers import Numbers
from jupyter_mlgov.store.objects import Objects, is_identity
from jupyter_mlgov.store.pieces import Manifests

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from jupyter_mlgov.records.ledger import EntryKind
    from jupyter_mlgov.records.verdict import Problem
    from jupyter_mlgov.store.bundles import Imported, Incoming
    from jupyter_mlgov.store.index import Index
    from jupyter_mlgov.store.unnamed import Dropped

T = TypeVar("T")

_TOGETHER = 500
"""Snapshots that are committed in one round."""


class Evidence(NamedTuple):
    """A ledger entry about what was found out. ``imported``: elsewhere, a bundle brought it."""

    entry: Entry
    imported: bool


class Said(NamedTuple):
    """What the ledger says while its lock is held: the entries of one kind (read when called), oldest first, and the ids
    of all entries about the subject."""

    entries: Callable[[], list[Entry]]
    about: tuple[str, ...]


class Store:
    """One ``.mlgov`` folder. Make one with :meth:`open` or :meth:`create`; safe to use from several threads,
    and in several processes at once."""

    def __init__(self, layout: Layout) -> None:
        self.folder = layout.folder
        self._layout = layout
        self._objects = Objects(layout.objects, layout.temporary)
        self._manifests = Manifests(layout.manifests, layout.temporary, self._objects, limit=manifests.LIMIT)
        self._ledger = ledger.Ledger(layout)
        self._lazy_index: Index | None = None
        self._swept = False
        self._numbers = Numbers(self._ledger)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """The store at ``folder`` (the ``.mlgov`` path). Writes nothing.

        Raises ``NotFound``, ``NotWritable`` (a file in its place), ``Damaged``, ``StoreError`` (newer version).
        """
        layout = Layout(Path(folder))
        layout.check()
        return cls(layout)

    @classmethod
    def create(cls, folder: Path) -> Store:
        """The store at ``folder``, made where there is none. Raises as :meth:`open`, and ``NotWritable``."""
        layout = Layout(Path(folder))
        layout.make()
        return cls(layout)

    # -- objects -----------------------------------------------------------------------------------------

    def put(self, data: bytes) -> str:
        """Keeps ``data``; its digest (``blake3:<hex>``). Raises ``NotWritable``, ``UsageError`` (too large)."""
        return self.put_all([data])[0]

    def put_all(self, datas: Iterable[bytes]) -> list[str]:
        """Keeps many in one round of flushes; their digests, in order. Raises as :meth:`put`."""
        self._prepare()
        with files.writing(self.folder):
            return self._objects.put_all(map(self.as_kept, datas))

    def write(self, objects: Mapping[str, bytes]) -> None:
        """Keeps objects as they are, in one round of flushes. Raises ``NotWritable``."""
        self._prepare()
        with files.writing(self.folder):
            self._objects.put_all(objects.values())

    def batch(self) -> Batch:
        """Objects that wait for the snapshot that names them: see :class:`Batch`."""
        return Batch(self)

    def as_kept(self, data: bytes) -> bytes:
        """What is kept of ``data``: all of it, here."""
        return data

    def name_of(self, data: bytes) -> str:
        """The digest of ``data``, without keeping it. Raises ``UsageError`` (too large)."""
        return self._objects.name_of(data)

    def get(self, digest: str) -> bytes:
        """The bytes that ``digest`` names, verified. Raises ``Missing`` or ``Damaged``."""
        return self._objects.get(digest)

    def has(self, digest: str) -> bool:
        """Whether the object is there. Its bytes are not looked at."""
        return self._objects.has(digest)

    # -- writing -----------------------------------------------------------------------------------------

    def commit(
        self,
        manifest: Manifest,
        *,
        body: Mapping[str, Any] | None = None,
        objects: Mapping[str, bytes] | None = None,
    ) -> Entry:
        """Makes ``manifest`` a snapshot (or candidate): the ledger entry, whose ``subject`` is its id.

        Its objects have to be there already, or be among ``objects`` (digest -> bytes), which are written in the same
        round of flushes. The number is given here. ``body`` adds fields to the entry's
        body. The same manifest twice is one snapshot: its first entry is returned.

        Raises ``NotWritable``, ``Missing`` (an object is not there), ``UsageError`` (it could not be read
        back), ``Damaged``, ``StoreError``.
        """
        return self._commit([manifests.encode(manifest)], body or {}, objects or {})[0]

    def commit_all(
        self, snapshots: Iterable[Manifest], *, body: Mapping[str, Any] | None = None
    ) -> list[Entry]:
        """:meth:`commit` for many, in their order; their entries.

        Some hundred share a round of flushes: several times as fast as one by one. Where one fails, none of its round
        is made.
        """
        pending = iter(snapshots)
        made: list[Entry] = []
        while batch := list(itertools.islice(pending, _TOGETHER)):
            made += self._commit([manifests.encode(manifest) for manifest in batch], body or {}, {})
        return made

    def _commit(
        self, batch: list[Encoded], body: Mapping[str, Any], objects: Mapping[str, bytes]
    ) -> list[Entry]:
        self._prepare()
        ask = partial(self._ask, locked=True)
        commits = Commits(
            self._layout, self._objects, self._manifests, self._ledger, self._numbers, ask, self._follow
        )
        return commits.make(batch, body, objects)

    def _follow(self) -> None:
        """The index takes up what was written, in a process that uses it."""
        if self._lazy_index is not None:
            self._lazy_index.follow()

    def append(self, kind: str, subject: str, body: Mapping[str, Any], *, author: str = "") -> Entry:
        """Says on the ledger that something happened to the snapshot ``subject`` (an id).

        ``body`` is JSON: see ``records.ledger``. Raises ``UsageError`` (unknown kind, body that is not JSON),
        ``NotFound`` (no such snapshot), ``NotWritable``, ``StoreError``.
        """
        return self.append_after(kind, subject, lambda _: body, author=author)

    def append_after(
        self, kind: str, subject: str, body: Callable[[Said], Mapping[str, Any]], *, author: str = ""
    ) -> Entry:
        """:meth:`append`, with a body made from what the ledger says right then: no other writer comes between. What
        ``body`` raises is raised, and nothing is written."""
        from jupyter_mlgov.store import tables

        if kind in ("snapshot", "candidate") or kind not in ledger.KINDS:
            kinds = ", ".join(name for name in ledger.KINDS if name not in ("snapshot", "candidate"))
            raise UsageError(f"a ledger entry cannot be of kind {kind!r}: use one of {kinds}")
        self._prepare()
        with self._ledger.lock():
            if self._ask(lambda rows: tables.entry_of(rows, subject), locked=True) is None:
                raise NotFound(f"no snapshot has the id {subject!r}: see `mlgov log --all`")
            names, about = self._ask(
                lambda rows: (
                    tables.entry_names(rows, subject=None, kind=kind),
                    tables.entry_names(rows, subject=subject, kind=None),
                ),
                locked=True,
            )
            made = body(Said(lambda: [self._ledger.read(name) for name in names], tuple(about)))
            known = cast("EntryKind", kind)
            return self._append(
                Entry(
                    kind=known, subject=subject, at=ledger.now(), author=author, body=redact_tree(dict(made))
                )
            )

    def entry_names(self, snapshot: str) -> tuple[str, ...]:
        """Ids of the ledger entries about a snapshot, oldest first."""
        from jupyter_mlgov.store import tables

        return tuple(self._ask(lambda rows: tables.entry_names(rows, subject=snapshot, kind=None)))

    def adopt(self, incoming: Incoming) -> Imported:
        """Takes in the snapshot of a bundle whose objects are there already: its entry, where it came from, and
        what was said about it elsewhere and not yet here. Raises as :meth:`commit`."""
        from jupyter_mlgov.store import tables

        index, snapshot = incoming.index, incoming.index.snapshot
        with files.writing(self.folder):
            self._manifests.put(incoming.manifest_bytes())
        with self._ledger.lock():
            there = self._ask(lambda rows: tables.entry_of(rows, snapshot), locked=True)
            names = self._ask(
                lambda rows: set(tables.entry_names(rows, subject=snapshot, kind=None)), locked=True
            )
            earlier = {name for name in names for name in repeated(self._ledger.read(name))}
            todo = [(name, entry) for name, entry in incoming.statements if name not in names | earlier]
            number = self._ask(lambda rows: tables.number_of(rows, snapshot), locked=True)
            if there is not None and number is not None and not todo:
                return incoming.result(number, new=False, entries=0)
            made = []
            if there is None:
                last = self._ask(lambda rows: tables.highest_number(rows, index.experiment), locked=True)
                number = index.number if index.number > last else last + 1
                made.append(incoming.made_here(number))
            made += [incoming.origin(name for name, _ in todo), *(entry for _, entry in todo)]
            self._ledger.append_all(made, expected=self._ledger.head())
            self._index.follow()
        return incoming.result(number or index.number, new=there is None, entries=len(todo))

    def recorded_here(self, snapshot: str) -> bool:
        """Whether the snapshot or candidate was made in this project; False for one that came in a bundle, which is a
        stranger's word."""
        made = (entry for entry in self.entries(subject=snapshot) if entry.kind in ("snapshot", "candidate"))
        first = next(made, None)
        return first is not None and first.body.get("imported") is not True

    # -- reading -----------------------------------------------------------------------------------------

    def manifest_bytes(self, snapshot: str) -> bytes:
        """A manifest's canonical JSON as it was written, verified. Raises as :meth:`manifest`."""
        if not is_identity(snapshot):
            raise NotFound(f"{snapshot!r} is no snapshot's id (64 hex digits): see `mlgov log`")
        return self._manifests.get(snapshot)

    def ledger_lines(self) -> Iterator[tuple[str, bytes, Entry]]:
        """Every ledger entry, oldest first: its id, its canonical JSON and what that says. Raises as
        :meth:`entries`."""
        from jupyter_mlgov.store import tables

        for name in self._ask(lambda rows: tables.entry_names(rows, subject=None, kind=None)):
            yield name, self._ledger.raw(name), self._ledger.read(name)

    def manifest(self, snapshot: str) -> Manifest:
        """The manifest of the snapshot or candidate with that id (64 hex digits), verified.

        Raises ``NotFound`` for what is no id, ``Missing``, ``Damaged``, ``StoreError`` (a newer version's).
        """
        if not is_identity(snapshot):
            raise NotFound(f"{snapshot!r} is no snapshot's id (64 hex digits): see `mlgov log`")
        return manifests.decode(snapshot, self._manifests.get(snapshot))

    def environment(self, manifest: Manifest) -> Environment:
        """The environment that ``manifest`` names. Raises ``Missing`` or ``Damaged``."""
        try:
            return decoded(self.get(manifest.environment), Environment)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Damaged(
                f"object {manifest.environment} is no environment ({error}); run `mlgov fsck`"
            ) from error

    def entries(
        self, *, subject: str | None = None, kind: str | None = None, here: bool = False
    ) -> list[Entry]:
        """Ledger entries, oldest first, each verified; with ``here``, none that a bundle brought. Raises ``Missing``,
        ``Damaged``, ``StoreError``."""
        from jupyter_mlgov.store import tables

        names = self._ask(lambda rows: tables.entry_names(rows, subject=subject, kind=kind, here=here))
        return [self._ledger.read(name) for name in names]

    def evidence(
        self, snapshot: str, kind: Literal["rerun", "assessment", "risk", "charter"]
    ) -> list[Evidence]:
        """What was found out, or written, about a snapshot, the one that counts last: however new it is, what a bundle
        brought comes before what was found here. Raises as :meth:`entries`."""
        from jupyter_mlgov.store import tables

        every, own = self._ask(
            lambda rows: (
                tables.entry_names(rows, subject=snapshot, kind=kind),
                set(tables.entry_names(rows, subject=snapshot, kind=kind, here=True)),
            )
        )
        found = [Evidence(self._ledger.read(name), name not in own) for name in every]
        return sorted(found, key=lambda one: not one.imported)

    def risk_entries(self, experiment: str, *, until: str | None = None) -> list[tuple[Entry, int | None]]:
        """The entries at which something may have become of a risk of ``experiment``, oldest first, each with the
        number of its snapshot: snapshots that were recorded with other risks than the one before them, ``risk``
        entries, and the snapshot after each of those. Only up to the snapshot ``until`` and what was said about that.
        """
        from jupyter_mlgov.store import tables

        found = self._ask(lambda rows: tables.risk_entries(rows, plain(experiment), until=until))
        return [(self._ledger.read(name), number) for name, number in found]

    def resolve(self, ref: str) -> str:
        """The id that REF names. Raises ``NotFound`` or ``UsageError``: see :mod:`.references`."""
        from jupyter_mlgov.store import references

        root = self.folder.absolute().parent
        return self._ask(lambda rows: references.resolve(rows, ref, root=root, read=self._ledger.read))

    def check_known(self, *, experiment: str | None = None, notebook: str | None = None) -> None:
        """Raises ``NotFound`` for names that no snapshot has, where there are snapshots."""
        from jupyter_mlgov.store import references

        root = self.folder.absolute().parent
        self._ask(
            lambda rows: references.check_known(rows, experiment=experiment, notebook=notebook, root=root)
        )

    def number(self, snapshot: str) -> int | None:
        """The snapshot's number in its experiment; None for a candidate or an unknown id."""
        from jupyter_mlgov.store import tables

        return self._ask(lambda rows: tables.number_of(rows, snapshot))

    def newest(self, experiment: str) -> str | None:
        """The id of the experiment's newest snapshot (never a candidate), or None."""
        name = plain(experiment)
        near = self._numbers.near(name, self._ledger.head())
        if near is not None:
            return near.snapshot
        from jupyter_mlgov.store import tables

        return self._ask(lambda rows: tables.newest(rows, experiment=name))

    def log(
        self,
        *,
        experiment: str | None = None,
        notebook: str | None = None,
        limit: int | None = None,
        candidates: bool = False,
        offset: int = 0,
    ) -> list[LogEntry]:
        """Snapshots, newest (by the ledger) first, without the first ``offset``; with ``candidates``, those of reruns too.

        ``notebook`` is a path from the project's root or from the current folder. Raises ``UsageError`` for a
        negative ``limit``.
        """
        from jupyter_mlgov.store import references, tables

        if limit is not None and limit < 0:
            raise UsageError(f"a limit of {limit} lists nothing: give 1 or more")
        root = self.folder.absolute().parent
        places = None if notebook is None else references.spellings(notebook, root=root)
        name = None if experiment is None else plain(experiment)
        return self._ask(
            lambda rows: tables.log(
                rows, experiment=name, notebooks=places, limit=limit, candidates=candidates, offset=offset
            )
        )

    def listed(self, *, experiment: str | None = None, notebook: str | None = None) -> int:
        """How many snapshots ``log`` lists, without reading them."""
        from jupyter_mlgov.store import references, tables

        root = self.folder.absolute().parent
        places = None if notebook is None else references.spellings(notebook, root=root)
        name = None if experiment is None else plain(experiment)
        return self._ask(
            lambda rows: tables.listed(rows, experiment=name, notebooks=places, candidates=False)
        )

    def experiments(self) -> list[str]:
        """The names of all experiments, the one that was run last first."""
        from jupyter_mlgov.store import tables

        return self._ask(tables.listed_experiments)

    # -- keeping -----------------------------------------------------------------------------------------

    def fsck(self) -> list[Problem]:
        """Checks every object, manifest and ledger link; nothing is changed. Empty when all is well."""
        from jupyter_mlgov.store.fsck import Check

        return Check(self._ledger, self._manifests, self._objects, self._index).run()

    def reindex(self) -> int:
        """Makes the index anew from the ledger; the number of snapshots and candidates in it.

        Raises ``NotWritable``, and ``Missing``, ``Damaged`` or ``StoreError`` where the ledger is broken: then
        the old index stays.
        """
        self._prepare()
        return self._index.rebuild()

    def drop_unnamed(self, *, dry_run: bool = False, grace_s: float | None = None) -> Dropped:
        """Drops objects and manifests that nothing names and that are a day old (``grace_s``, in seconds).

        Raises ``Damaged`` where :meth:`fsck` finds a problem, ``NotWritable``.
        """
        from jupyter_mlgov.store import unnamed

        grace = unnamed.GRACE_S if grace_s is None else grace_s
        with contextlib.nullcontext() if dry_run else files.writing(self.folder):
            if not dry_run:
                self._prepare()
            return unnamed.drop_unnamed(
                self._ledger, self._manifests, self._objects, self._index, dry_run=dry_run, grace_s=grace
            )

    # -- inside ------------------------------------------------------------------------------------------

    @property
    def _index(self) -> Index:
        if self._lazy_index is None:
            from jupyter_mlgov.store.index import Index

            self._lazy_index = Index(self._layout, self._ledger, self._manifests)
        return self._lazy_index

    def _ask(self, question: Callable[[Connection], T], *, locked: bool = False) -> T:
        return self._index.ask(question, locked=locked)

    def _append(self, entry: Entry) -> Entry:
        head = self._ledger.head()
        _, written = self._ledger.append(entry, expected=head)
        self._follow()
        return written

    def _prepare(self) -> None:
        """Before writing: the folder may have been deleted under a running kernel."""
        self._layout.make()
        if not self._swept:
            files.sweep(self._layout.temporary)
            self._swept = True
