"""Manifests on disk: what a snapshot shares with others is kept once.

The snapshots of one notebook differ in a few values, and repeat the rest: the frames, the inputs, the cells that ran
before. The parts of a manifest that seldom change are objects of their own, *pieces*; its file is a *recipe*, the
text between them and their digests in order. Joined they are the manifest's canonical JSON byte for byte, and the
digest of that is the manifest's name: how it is kept has no part in what it is. The journal, which grows with every
cell that runs, is cut after each ``RUN`` entries, so a snapshot costs what it adds, not all that went before.

Most of a recipe is digests, which do not compress, and most of those are in the recipe of the snapshot before it too.
So it is written as what it differs in from that one's, its *base*, up to ``DEEPEST`` times in a row: so many more files
are read for a manifest, at most, and so many snapshots are lost with one that is.

A short manifest is its own recipe.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from blake3 import blake3
from msgspec import Raw, Struct

from jupyter_mlgov.errors import Damaged, Missing
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.store import files
from jupyter_mlgov.store.objects import Named, Objects, compress, expand, is_identity

RUN = 16
"""Entries of the journal that make one piece."""
SHORTEST = 250
"""Bytes from which a part is worth a piece. This and ``RUN`` belong to the format: a recipe that others rest on is the
same whenever it is made."""
_REMEMBERED = 256
"""Pieces, and recipes, that are held in memory: the next manifest that is read has most of them too."""
_START = b"pieces\n"
DEEPEST = 8
"""How many bases a manifest may rest on, one upon the other. Measured: twice as many save a sixth of what this saves."""
_BASED = b"based\n"
"""After it: 32 bytes, the name of the base, and the zstd frame of the recipe with the base's recipe as its dictionary."""
_HEAD = len(_BASED) + 32


class _Notebook(Struct, frozen=True):
    journal: tuple[Raw, ...] = ()


class _Parts(Struct):
    """The parts of a manifest that are pieces, in the order in which canonical JSON has them."""

    charter: Raw = Raw()
    code: Raw = Raw()
    frames: Raw = Raw()
    inputs: Raw = Raw()
    inputs_schema: Raw = Raw()
    notebook: _Notebook = _Notebook()
    randomness: Raw = Raw()
    risks: Raw = Raw()
    rows: Raw = Raw()
    series: Raw = Raw()


def cut(data: bytes) -> tuple[bytes, dict[str, bytes]]:
    """The recipe of a manifest's bytes, and its pieces by digest. Bytes that are no manifest are their own recipe."""
    try:
        parts = decoded(data, _Parts)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return data, {}
    recipe: list[bytes] = []
    pieces: dict[str, bytes] = {}
    done = 0
    for part in _worth(parts):
        at = data.find(part, done)
        if at < 0:
            continue
        digest = "blake3:" + blake3(part).hexdigest()
        recipe += [data[done:at], digest.encode()]
        pieces[digest] = part
        done = at + len(part)
    if not pieces or b"\n" in data:  # which canonical JSON has nowhere
        return data, {}
    return _START + b"\n".join([*recipe, data[done:]]), pieces


class _Before(Struct):
    baseline: str | None = None
    parent: str | None = None


def _before(data: bytes) -> str | None:
    """The manifest that one says it comes after."""
    try:
        said = decoded(data, _Before)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    before = said.parent or said.baseline
    return before if is_identity(before) else None


def _worth(parts: _Parts) -> Iterator[bytes]:
    for name in parts.__struct_fields__:
        part: Any = getattr(parts, name)
        if isinstance(part, _Notebook):
            journal = part.journal
            for start in range(0, len(journal) - RUN + 1, RUN):
                # Canonical JSON has nothing but a comma between two entries.
                yield b",".join(map(bytes, journal[start : start + RUN]))
        elif len(part) >= SHORTEST:
            yield bytes(part)


class Manifests:
    """The manifests of a store, by their names (64 hex digits), for which it does not matter that they lie in pieces."""

    def __init__(self, folder: Path, temporary: Path, objects: Objects, *, limit: int) -> None:
        self._recipes = Named(folder, temporary, noun="manifest", limit=limit)
        self._limit = limit
        self._objects = objects
        self._temporary = temporary
        self._held_pieces: dict[str, bytes] = {}
        self._held_recipes: dict[str, bytes] = {}
        self._guard = threading.Lock()

    def afresh(self) -> Manifests:
        """The same manifests with nothing held in memory: what is read is what lies on the disk."""
        return Manifests(self._recipes.folder, self._temporary, self._objects, limit=self._limit)

    def name_of(self, data: bytes) -> str:
        """The name of a manifest's bytes. Raises ``UsageError`` where it is too large."""
        return self._recipes.name_of(data)

    def get(self, name: str) -> bytes:
        """The canonical JSON of a manifest, verified. Raises ``Missing`` (also where a piece is), or ``Damaged``."""
        return self._whole(name)[1]

    def _whole(self, name: str) -> tuple[bytes, bytes]:
        """The recipe of a manifest and its canonical JSON, verified. Raises as :meth:`get`."""
        written = self._recipes.unverified(name)
        try:
            recipe = self._recipe(written)
            data = self._joined(recipe)
        except (Missing, Damaged) as error:
            raise type(error)(f"manifest {name} is not whole: {error}") from error
        if blake3(data).hexdigest() != name:
            raise Damaged(f"manifest {name} is damaged (its bytes have another digest); run `mlgov fsck`")
        _remember(self._held_recipes, name, recipe, self._guard)
        return recipe, data

    def pieces(self, name: str) -> list[str]:
        """The digests of the pieces that a manifest's recipe names; none where it cannot be read."""
        try:
            recipe = self._recipe(self._recipes.unverified(name))
            return [part.decode("ascii", "replace") for part in _parts(recipe)[1::2]]
        except (Missing, Damaged):
            return []

    def bases(self, name: str) -> list[str]:
        """The manifests that a manifest's recipe rests on, the nearest first, as far as they can be read."""
        found: list[str] = []
        with contextlib.suppress(Missing, Damaged):
            while len(found) <= DEEPEST and (based := _base(self._recipes.unverified(name))):
                name = based.name
                found.append(name)
        return found

    def has(self, name: str) -> bool:
        """Whether a manifest of that name is there; its bytes are not looked at."""
        return self._recipes.has(name)

    def path(self, name: str) -> Path:
        """Where the file of that name lies."""
        return self._recipes.path(name)

    def names(self) -> Iterator[str]:
        """Every name, in no order."""
        return self._recipes.names()

    def new(self, name: str, data: bytes, *, based: bool = True) -> tuple[dict[str, files.New], set[Path]]:
        """What has to be written so that the manifest is there, by name, and the folders that have to be flushed. The
        manifest itself is among it unless it is there and whole. ``based``: it may rest on the one before it; the caller
        holds the ledger's lock, so that nothing is dropped meanwhile."""
        recipe, pieces = cut(data)
        made: dict[str, files.New] = {}
        try:
            self.get(name)
        except (Missing, Damaged) as error:
            written = self._shortened(recipe, _before(data)) if based else recipe
            made[name] = self._recipes.written(name, written, anew=isinstance(error, Damaged))
        for digest, piece in pieces.items():
            if (one := self._objects.new(digest, piece)) is not None:
                made[digest] = one
        return made, self._recipes.folders([name]) | self._objects.folders(pieces)

    def put(self, data: bytes) -> str:
        """Keeps a manifest; its name. Raises ``OSError``, ``UsageError`` (too large)."""
        name = self.name_of(data)
        new, folders = self.new(name, data, based=False)
        files.write_together(self._temporary, list(new.values()), also=folders)
        return name

    def _shortened(self, recipe: bytes, before: str | None) -> bytes:
        """What is written of ``recipe``: what it differs in from the recipe of the manifest ``before``; all of it, where
        there is none, or enough bases are under that one."""
        if before is None or not self._recipes.has(before):
            return recipe
        try:
            if len(self.bases(before)) >= DEEPEST:
                return recipe
            earlier, _ = self._whole(before)
        except (Missing, Damaged):
            return recipe
        packed = compress(recipe, base=earlier)
        if _HEAD + len(packed) >= len(compress(recipe)):
            return recipe
        return _BASED + bytes.fromhex(before) + packed

    def _recipe(self, written: bytes) -> bytes:
        """The recipe that a manifest's file holds. Raises ``Missing`` and ``Damaged``."""
        frames: list[bytes] = []
        held: bytes | None = None
        while held is None and (based := _base(written)) is not None:
            if len(frames) == DEEPEST:
                raise Damaged(f"it rests on more than {DEEPEST} others; run `mlgov fsck`")
            frames.append(based.packed)
            held = self._held_recipes.get(based.name)
            if held is None:
                written = self._recipes.unverified(based.name)
        recipe = written if held is None else held
        try:
            for packed in reversed(frames):
                recipe = expand(packed, limit=self._limit, base=recipe)
        except ValueError as error:
            raise Damaged(f"its recipe is damaged ({error}); run `mlgov fsck`") from error
        return recipe

    def _joined(self, recipe: bytes) -> bytes:
        data: list[bytes] = []
        size = 0
        for place, part in enumerate(_parts(recipe)):
            data.append(self._piece(part.decode("ascii", "replace")) if place % 2 else part)
            size += len(data[-1])
            if size > self._limit:
                raise Damaged(f"its pieces are more than {self._limit} bytes; run `mlgov fsck`")
        return b"".join(data)

    def _piece(self, digest: str) -> bytes:
        held = self._held_pieces.get(digest)
        if held is None:
            held = self._objects.get(digest)
            _remember(self._held_pieces, digest, held, self._guard)
        return held


def _remember(held: dict[str, bytes], name: str, data: bytes, guard: threading.Lock) -> None:
    with guard:
        while len(held) >= _REMEMBERED:
            held.pop(next(iter(held)))
        held[name] = data


class _Based(NamedTuple):
    name: str
    packed: bytes


def _base(written: bytes) -> _Based | None:
    """What a recipe is written on; None where it stands by itself. Raises ``Damaged``."""
    if not written.startswith(_BASED):
        return None
    if len(written) < _HEAD:
        raise Damaged("its recipe is cut short; run `mlgov fsck`")
    return _Based(written[len(_BASED) : _HEAD].hex(), written[_HEAD:])


def _parts(recipe: bytes) -> list[bytes]:
    """Texts and digests in turns: the first and the last are texts."""
    return recipe.removeprefix(_START).split(b"\n") if recipe.startswith(_START) else [recipe]
