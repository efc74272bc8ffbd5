"""Bundles: one snapshot with all that it needs, in a file that another store takes in.

A bundle holds the manifest, every object that it names, the files of its commit, and the ledger from its first
entry to the newest one about the snapshot, so that each statement about it can be followed to where it was made.

Import checks everything before it writes. Then the snapshot gets an entry in this ledger, an ``import`` entry says
where it came from, and the statements about it are repeated word for word, with their times and authors. A second
import of the same file changes nothing; one of a newer file adds what was said since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from blake3 import blake3

from jupyter_mlgov.errors import Damaged, UsageError
from jupyter_mlgov.records.bundle import FORMAT, BundleIndex, Part
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import Environment, Manifest
from jupyter_mlgov.records.tree import Tree
from jupyter_mlgov.store import archive, ledger, manifests
from jupyter_mlgov.store.objects import hex_of

if TYPE_CHECKING:
    from jupyter_mlgov.store.folder import Store

_PREFIX = "blake3:"
_TOGETHER = 64 << 20
"""Bytes of objects that are put into a store in one round of flushes."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did. ``new``: the snapshot was not there before; ``entries``: statements about it that were
    not there."""

    id: str
    experiment: str
    number: int
    new: bool
    entries: int


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What an export wrote. ``left_out`` are files of the commit that are not in it; ``missing`` says what a rerun
    elsewhere will not find."""

    id: str
    path: str
    bytes: int
    objects: int
    left_out: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


# -- export --------------------------------------------------------------------------------------------------


class Packed:
    """A bundle that is about to be written: its index, and its objects by digest."""

    def __init__(self, store: Store, snapshot: str, tree: str | None) -> None:
        manifest = store.manifest(snapshot)
        number = store.number(snapshot)
        if number is None:
            raise UsageError(
                f"{snapshot[:12]} is the candidate of a rerun: export the snapshot that it reran, its verdict goes with it"
            )
        self._store = store
        self._own = {_PREFIX + snapshot: store.manifest_bytes(snapshot)}
        chain, head, about = _chain(store, snapshot)
        self._own[_digest(chain)] = chain
        named = manifest.objects() | {_PREFIX + snapshot, _digest(chain)}
        known = {
            *digests_in(msgspec.to_builtins(manifest)),
            *digests_in(msgspec.json.decode(self.get(manifest.environment))),
        }
        known |= {digest for entry in about for digest in digests_in(entry.body)}
        named |= {digest for digest in known if store.has(digest)}
        if tree is not None:
            named |= {tree} | {file.digest for file in decoded(store.get(tree), Tree).files}
        self.index = BundleIndex(
            format=FORMAT,
            snapshot=snapshot,
            experiment=manifest.experiment,
            number=number,
            chain=_digest(chain),
            head=head,
            tree=tree,
            objects=tuple(
                Part(digest=digest, bytes=size) for digest, size in archive.sizes_of(named, self.get)
            ),
        )

    def get(self, digest: str) -> bytes:
        """An object of the bundle. Raises ``Missing`` or ``Damaged``."""
        return self._own[digest] if digest in self._own else self._store.get(digest)


def _chain(store: Store, snapshot: str) -> tuple[bytes, str, list[Entry]]:
    """The ledger up to the newest entry about the snapshot, a line each; that entry; all that are about it."""
    lines: list[bytes] = []
    until, head = 0, ""
    about: list[Entry] = []
    for name, line, entry in store.ledger_lines():
        lines.append(line)
        if entry.subject == snapshot:
            until, head = len(lines), name
            about.append(entry)
    return b"".join(line + b"\n" for line in lines[:until]), head, about


def _digest(data: bytes) -> str:
    return _PREFIX + blake3(data).hexdigest()


def digests_in(value: Any) -> Iterator[str]:
    """Every text in a record that has the form of a digest."""
    if isinstance(value, str):
        if hex_of(value):
            yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from digests_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from digests_in(item)


# -- import --------------------------------------------------------------------------------------------------


class Incoming:
    """A bundle that was checked, whole: what it means, and what has to be said in the ledger that takes it in.

    Raises ``Damaged`` where it is not one snapshot with exactly what belongs to it.
    """

    def __init__(self, reader: archive.Reader) -> None:
        self._reader = reader
        self.index = reader.index
        self._sizes = {part.digest: part.bytes for part in self.index.objects}
        self.manifest = self._manifest()
        self.entries = self._entries()
        self.about = [(name, entry) for name, entry in self.entries if entry.subject == self.index.snapshot]
        self.commit: str | None = None
        self._check_made()
        self._check_objects()

    @property
    def statements(self) -> list[tuple[str, Entry]]:
        """What was said about the snapshot after it was made. A release is about the place where it was made: it stays."""
        silent = ("snapshot", "import", "release")
        return [(name, entry) for name, entry in self.about if entry.kind not in silent]

    def manifest_bytes(self) -> bytes:
        """The manifest as it was written."""
        return self._reader.get(_PREFIX + self.index.snapshot)

    def made_here(self, number: int) -> Entry:
        """The entry by which the snapshot exists in the ledger that takes it in."""
        body = {"experiment": self.index.experiment, "number": number, "imported": True}
        return Entry(
            kind="snapshot",
            subject=self.index.snapshot,
            at=ledger.now(),
            author=self.manifest.author,
            body=body,
        )

    def origin(self, names: Iterable[str]) -> Entry:
        """The entry that says where the snapshot came from and what is repeated after it."""
        index = self.index
        body = {
            "experiment": index.experiment, "number": index.number, "head": index.head, "chain": index.chain,
            "commit": self.commit, "tree": index.tree, "entries": list(names),
        }  # fmt: skip
        return Entry(kind="import", subject=index.snapshot, at=ledger.now(), body=body)

    def result(self, number: int, *, new: bool, entries: int) -> Imported:
        """What an import of it did."""
        index = self.index
        return Imported(
            id=index.snapshot, experiment=index.experiment, number=number, new=new, entries=entries
        )

    def objects(self) -> Iterator[list[bytes]]:
        """What goes into the store, some at a time: everything but the manifest, which is put when it is committed."""
        some: list[bytes] = []
        for part in self.index.objects:
            if part.digest != _PREFIX + self.index.snapshot:
                some.append(self._reader.get(part.digest))
            if sum(map(len, some)) > _TOGETHER:
                yield some
                some = []
        yield some

    def _get(self, digest: str, what: str) -> bytes:
        if digest not in self._sizes:
            raise self._reader.bad(f"{what} is not in it")
        return self._reader.get(digest)

    def _manifest(self) -> Manifest:
        name = self.index.snapshot
        try:
            manifest = manifests.decode(name, self._get(_PREFIX + name, "its manifest"))
        except Damaged as error:
            raise self._reader.bad(str(error).split("; run")[0]) from error
        if (manifest.kind, manifest.experiment) != ("snapshot", self.index.experiment):
            raise self._reader.bad("its manifest is of another experiment, or of no snapshot")
        return manifest

    def _entries(self) -> list[tuple[str, Entry]]:
        found: dict[str, Entry] = {}
        data = self._get(self.index.chain, "its ledger")
        if not data.endswith(b"\n"):
            raise self._reader.bad("its ledger was cut off")
        for line in data[:-1].split(b"\n"):
            name = blake3(line).hexdigest()
            try:
                entry = ledger.decode(line)
            except ValueError as error:
                raise self._reader.bad(f"its ledger holds something that is no entry ({error})") from error
            if name in found or any(parent not in found for parent in entry.parents):
                raise self._reader.bad(
                    f"its ledger has an entry twice, or one before its parents ({name[:12]})"
                )
            if not entry.parents and found:
                raise self._reader.bad(f"its ledger has two beginnings ({name[:12]})")
            found[name] = entry
        named = {parent for entry in found.values() for parent in entry.parents}
        if [name for name in found if name not in named] != [self.index.head]:
            raise self._reader.bad("its ledger does not lead to one newest entry")
        return list(found.items())

    def _check_made(self) -> None:
        made = [entry for _, entry in self.about if entry.kind == "snapshot"]
        facts = [(entry.body.get("experiment"), entry.body.get("number")) for entry in made]
        if facts != [(self.index.experiment, self.index.number)] or self.index.number < 1:
            raise self._reader.bad(
                "its ledger does not say that this snapshot was made, or says it otherwise"
            )
        if self.about[-1][0] != self.index.head:
            raise self._reader.bad("its ledger goes on past the last entry about the snapshot")

    def _check_objects(self) -> None:
        needed = self.manifest.objects() | {_PREFIX + self.index.snapshot, self.index.chain}
        environment = self._get(self.manifest.environment, "its environment")
        try:
            decoded(environment, Environment)
            allowed = set(digests_in(msgspec.json.decode(environment)))
            if self.index.tree is not None:
                tree = decoded(self._get(self.index.tree, "its tree"), Tree)
                if tree.commit != self.manifest.code.commit:
                    raise self._reader.bad("its files are of another commit")
                self.commit = tree.commit
                needed |= {self.index.tree} | {file.digest for file in tree.files}
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._reader.bad(f"its environment or its tree is none ({error})") from error
        allowed |= set(digests_in(msgspec.to_builtins(self.manifest)))
        allowed |= {digest for _, entry in self.about for digest in digests_in(entry.body)}
        missing = sorted(needed - set(self._sizes))
        if missing:
            raise self._reader.bad(f"object {missing[0]}, which it needs, is not in it")
        unknown = sorted(set(self._sizes) - needed - allowed)
        if unknown:
            raise self._reader.bad(f"object {unknown[0]} is in it and nothing names it")


def export(store: Store, snapshot: str, file: BinaryIO, *, tree: str | None) -> BundleIndex:
    """Writes the bundle of ``snapshot``, with the files that ``tree`` names. Equal stores give equal bytes.

    Raises ``UsageError`` (a candidate), ``Missing``, ``Damaged``, ``OSError``.
    """
    packed = Packed(store, snapshot, tree)
    archive.write(file, packed.index, packed.get)
    return packed.index


def take_in(store: Store, incoming: Incoming) -> Imported:
    """Writes a checked bundle into ``store``. Raises ``NotWritable``, ``StoreError``, and ``Damaged`` where the file
    changed meanwhile."""
    for some in incoming.objects():
        store.put_all(some)
    return store.adopt(incoming)
