"""Manifests on disk: what a snapshot shares with others is kept once.

The snapshots of one notebook differ in a few values, and repeat the rest: the frames, the inputs, the cells that ran
before. The parts of a manifest that seldom change are objects of their own, *pieces*; its file is a *recipe*, the
text between them and their digests in order. Joined they are the manifest's canonical JSON byte for byte, and the
digest of that is the manifest's name: how it is kept has no part in what it is. The journal, which grows with every
cell that runs, is cut after each ``RUN`` entries, so a snapshot costs what it adds, not all that went before.

A short manifest is its own recipe.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from blake3 import blake3
from msgspec import Raw, Struct

from jupyter_mlgov.errors import Damaged, Missing
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.store import files
from jupyter_mlgov.store.objects import Named, Objects

RUN = 16
"""Entries of the journal that make one piece."""
SHORTEST = 250
"""Bytes from which a part is worth a piece."""
_REMEMBERED = 256
"""Pieces that are held in memory: the next manifest that is read has most of them too."""
_START = b"pieces\n"


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
        self._held: dict[str, bytes] = {}
        self._guard = threading.Lock()

    def name_of(self, data: bytes) -> str:
        """The name of a manifest's bytes. Raises ``UsageError`` where it is too large."""
        return self._recipes.name_of(data)

    def get(self, name: str) -> bytes:
        """The canonical JSON of a manifest, verified. Raises ``Missing`` (also where a piece is), or ``Damaged``."""
        recipe = self._recipes.unverified(name)
        try:
            data = self._joined(recipe)
        except (Missing, Damaged) as error:
            raise type(error)(f"manifest {name} is not whole: {error}") from error
        if blake3(data).hexdigest() != name:
            raise Damaged(f"manifest {name} is damaged (its bytes have another digest); run `mlgov fsck`")
        return data

    def pieces(self, name: str) -> list[str]:
        """The digests of the pieces that a manifest's recipe names; none where it cannot be read."""
        try:
            return [part.decode("ascii", "replace") for part in _parts(self._recipes.unverified(name))[1::2]]
        except (Missing, Damaged):
            return []

    def has(self, name: str) -> bool:
        """Whether a manifest of that name is there; its bytes are not looked at."""
        return self._recipes.has(name)

    def path(self, name: str) -> Path:
        """Where the file of that name lies."""
        return self._recipes.path(name)

    def names(self) -> Iterator[str]:
        """Every name, in no order."""
        return self._recipes.names()

    def new(self, name: str, data: bytes) -> tuple[dict[str, files.New], set[Path]]:
        """What has to be written so that the manifest is there, by name, and the folders that have to be flushed. The
        manifest itself is among it unless it is there and whole."""
        try:
            self.get(name)
        except (Missing, Damaged) as error:
            recipe, pieces = cut(data)
            made = {name: self._recipes.written(name, recipe, anew=isinstance(error, Damaged))}
        else:
            _, pieces = cut(data)
            made = {}
        for digest, piece in pieces.items():
            if (one := self._objects.new(digest, piece)) is not None:
                made[digest] = one
        return made, self._recipes.folders([name]) | self._objects.folders(pieces)

    def put(self, data: bytes) -> str:
        """Keeps a manifest; its name. Raises ``OSError``, ``UsageError`` (too large)."""
        name = self.name_of(data)
        new, folders = self.new(name, data)
        files.write_together(self._temporary, list(new.values()), also=folders)
        return name

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
        held = self._held.get(digest)
        if held is None:
            held = self._objects.get(digest)
            with self._guard:
                while len(self._held) >= _REMEMBERED:
                    self._held.pop(next(iter(self._held)))
                self._held[digest] = held
        return held


def _parts(recipe: bytes) -> list[bytes]:
    """Texts and digests in turns: the first and the last are texts."""
    return recipe.removeprefix(_START).split(b"\n") if recipe.startswith(_START) else [recipe]
