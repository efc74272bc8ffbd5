"""The form of a bundle's file: a tar of compressed objects of which there is exactly one for a given content.

Every byte is determined: member after member in the order of the index, each with the one header that its name and
size have. So a link, an odd name, a member that is there twice or that nobody named has no place to be: the
reader compares each header with the one that it must be. Nothing is written anywhere while it reads, and memory
grows with one chunk.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import zstandard
from blake3 import blake3

from jupyter_mlgov.errors import Damaged, NotFound, StoreError
from jupyter_mlgov.records.bundle import FORMAT, BundleIndex
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.store.objects import LIMIT, compress, hex_of

INDEX = "bundle.json"
INDEX_LIMIT = 64 << 20
TOTAL_LIMIT = 64 << 30
"""Bytes that a bundle may hold before compression, in all."""
RATIO_FROM = 1 << 30
RATIO = 200
"""From ``RATIO_FROM`` bytes on, a bundle that grows more than ``RATIO`` times is refused."""

_BLOCK = 512
_CHUNK = 1 << 20
_END = b"\0" * (2 * _BLOCK)


class _Opening(msgspec.Struct):
    format: int


def header(name: str, size: int) -> bytes:
    """The tar header of a member: nothing but its name and size can differ."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def write(file: BinaryIO, index: BundleIndex, contents: Callable[[str], bytes]) -> None:
    """Writes a bundle. ``contents`` gives an object by its digest. Raises ``OSError``."""
    _member(file, INDEX, canonical(index))
    for part in index.objects:
        _member(file, _name(part.digest), compress(contents(part.digest)))
    file.write(_END)


def _member(file: BinaryIO, name: str, data: bytes) -> None:
    file.write(header(name, len(data)))
    file.write(data)
    file.write(b"\0" * (-len(data) % _BLOCK))


def _name(digest: str) -> str:
    return f"objects/{hex_of(digest)}"


class Reader:
    """A bundle that was read through once: each byte is where it must be and each object is what it is called.

    What it means (that it is one snapshot and what belongs to it) is for ``bundles`` to check. Raises ``NotFound``,
    ``Damaged``, ``StoreError`` (a newer format).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[str, tuple[int, int, int]] = {}
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise NotFound(
                f"{path} cannot be read ({error.strerror}): give the path of a .mlgov file"
            ) from error
        try:
            state = os.fstat(self._file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise self.bad("it is not a file")
            self._check_begins()
            self.index = self._read_index()
            self._check_sizes(state.st_size)
            for part in self.index.objects:
                self._read_member(part.digest, part.bytes)
            if self._file.read(len(_END) + 1) != _END:
                raise self.bad("it does not end where it should: it was cut off, or something was added")
        except OSError as error:
            self._file.close()
            raise self.bad(f"it cannot be read ({error.strerror or error})") from error
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def bad(self, why: str) -> Damaged:
        """The error for this file; nothing was imported."""
        return Damaged(
            f"{self.path} is not a sound bundle: {why}; nothing was imported, ask for the file again"
        )

    def get(self, digest: str) -> bytes:
        """An object, verified again. Raises ``Damaged``: also when the file changed meanwhile."""
        offset, packed, size = self._places[digest]
        self._file.seek(offset)
        parts: list[bytes] = []
        self._expand(digest, packed, size, parts.append)
        return b"".join(parts)

    def _check_begins(self) -> None:
        begins = self._file.read(len(INDEX))
        self._file.seek(0)
        if not INDEX.encode().startswith(begins) or not begins:
            what = "is empty" if not begins else "is no bundle"
            raise Damaged(f"{self.path} {what}: give a file that `mlgov export REF -o FILE.mlgov` wrote")

    def _read_index(self) -> BundleIndex:
        size = self._read_header(INDEX, INDEX_LIMIT)
        data = self._exactly(size)
        self._padding(size)
        try:
            found = decoded(data, _Opening).format
            if found > FORMAT:
                raise StoreError(
                    f"{self.path} has bundle format {found} and this version reads up to {FORMAT}: "
                    "upgrade jupyter-mlgov (pip install -U jupyter-mlgov)"
                )
            if found < 1:
                raise self.bad(f"there is no bundle format {found}")
            index = decoded(data, BundleIndex)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self.bad(f"its {INDEX} is not understood ({error})") from error
        if canonical(index) != data:
            raise self.bad(f"its {INDEX} is not in canonical form")
        return index

    def _check_sizes(self, packed: int) -> None:
        digests = [part.digest for part in self.index.objects]
        if digests != sorted(set(digests)) or not all(hex_of(digest) for digest in digests):
            raise self.bad("its list of objects names one twice, in another order, or by no digest")
        sizes = [part.bytes for part in self.index.objects]
        if any(not 0 <= size <= LIMIT for size in sizes):
            raise self.bad(f"it names an object of more than {LIMIT} bytes")
        total = sum(sizes)
        if total > TOTAL_LIMIT or (total > RATIO_FROM and total > RATIO * packed):
            raise self.bad(f"it would grow from {packed} to {total} bytes")

    def _read_member(self, digest: str, size: int) -> None:
        packed = self._read_header(_name(digest), LIMIT + (LIMIT >> 7) + 1024)
        self._places[digest] = (self._file.tell(), packed, size)
        self._expand(digest, packed, size, lambda _part: None)
        self._padding(packed)

    def _read_header(self, name: str, limit: int) -> int:
        block = self._exactly(_BLOCK)
        try:
            size = int(block[124:135], 8)
        except ValueError:
            size = -1
        if not 0 <= size <= limit or block != header(name, size):
            raise self.bad(
                f"the member {name!r} is not where it should be, or is no plain file of a fitting size"
            )
        return size

    def _padding(self, size: int) -> None:
        if self._exactly(-size % _BLOCK).strip(b"\0"):
            raise self.bad("something is hidden between its members")

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise self.bad("it was cut off")
        return data

    def _expand(self, digest: str, packed: int, size: int, take: Callable[[bytes], object]) -> None:
        """Expands one member, never past the size that was said."""
        hasher, found = blake3(), 0
        source = _Window(self._file, packed)
        try:
            with zstandard.ZstdDecompressor().stream_reader(
                cast("BinaryIO", source), read_across_frames=True
            ) as reader:
                while part := reader.read(_CHUNK):
                    found += len(part)
                    if found > size:
                        raise self.bad(f"object {digest} is larger than the {size} bytes that it says")
                    hasher.update(part)
                    take(part)
        except zstandard.ZstdError as error:
            raise self.bad(f"object {digest} cannot be expanded ({error})") from error
        if source.left:
            raise self.bad(f"object {digest} was cut off, or something follows it")
        if found != size or f"blake3:{hasher.hexdigest()}" != digest:
            raise self.bad(f"object {digest} has another content than its name says")


class _Window:
    """The next ``left`` bytes of a file."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file = file
        self.left = left

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self.left if size < 0 else min(size, self.left))
        self.left -= len(data)
        return data


def sizes_of(digests: Iterable[str], contents: Callable[[str], bytes]) -> list[tuple[str, int]]:
    """Each digest with the size of its object, in the order of a bundle."""
    return [(digest, len(contents(digest))) for digest in sorted(set(digests))]
