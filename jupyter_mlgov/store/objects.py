"""Objects: bytes named by their own BLAKE3 digest, compressed with zstd, written once and never changed.

Whatever :meth:`Objects.get` returns has the digest that it was asked for. Equal bytes are one object, however
often and from however many processes they are put.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import zstandard
from blake3 import blake3

from jupyter_mlgov.errors import Damaged, Missing, UsageError
from jupyter_mlgov.store import files

LIMIT = 1 << 30
"""The largest object, in bytes before compression: what an untrusted object may expand to in memory."""

_HEX = re.compile(r"[0-9a-f]{64}")
_PREFIX = "blake3:"
_CHUNK = 1 << 20
_AT_ONCE = 1 << 26
_FILES_AT_ONCE = 128


def is_identity(name: object) -> bool:
    """Whether ``name`` is 64 lower-case hex digits."""
    return isinstance(name, str) and _HEX.fullmatch(name) is not None


def hex_of(digest: str) -> str | None:
    """The 64 hex digits of ``blake3:<hex>``, or None for anything else (a path, say)."""
    bare = digest.removeprefix(_PREFIX) if isinstance(digest, str) else ""
    return bare if bare != digest and is_identity(bare) else None


def compress(data: bytes, *, base: bytes | None = None) -> bytes:
    """One zstd frame that says how long its content is. What ``base`` has too costs next to nothing in it."""
    return zstandard.ZstdCompressor(level=3, dict_data=_dictionary(base)).compress(data)


def _dictionary(base: bytes | None) -> zstandard.ZstdCompressionDict | None:
    if base is None:
        return None
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def expand(packed: bytes, *, limit: int = LIMIT, base: bytes | None = None) -> bytes:
    """What zstd packed. Memory grows with what comes out, never with what the frame's header claims.

    ``base`` is what it was packed with. Raises ``ValueError`` when it is no zstd or holds more than ``limit`` bytes.
    """
    parts = []
    size = 0
    try:
        unpacking = zstandard.ZstdDecompressor(dict_data=_dictionary(base))
        with unpacking.stream_reader(packed, read_across_frames=True) as reader:
            while part := reader.read(_CHUNK):
                size += len(part)
                if size > limit:
                    raise ValueError(f"it holds more than {limit} bytes")
                parts.append(part)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
    return b"".join(parts)


class Named:
    """A folder of compressed files, each named by the digest of its content.

    ``fan`` is the number of leading digits that make a subfolder (0: none); ``noun`` is for messages.
    """

    def __init__(self, folder: Path, temporary: Path, *, noun: str, fan: int = 0, limit: int = LIMIT) -> None:
        self.folder = folder
        self.noun = noun
        self.limit = limit
        self._temporary = temporary
        self._fan = fan
        self._text = f"{folder}{os.sep}"

    def put(self, data: bytes) -> str:
        """Stores ``data``; its name. Raises as :meth:`put_all`."""
        return self.put_all([data])[0]

    def path(self, name: str) -> Path:
        """Where the file named by 64 hex digits lies."""
        return Path(self._place(name))

    def _place(self, name: str) -> str:
        return (
            f"{self._text}{name[: self._fan]}{os.sep}{name[self._fan :]}" if self._fan else self._text + name
        )

    def put_all(self, datas: Iterable[bytes]) -> list[str]:
        """Stores each of ``datas`` and returns their names (64 hex digits), in order. Raises ``OSError``.

        All are flushed before any folder is, and each folder is flushed once. A file that is there already
        is checked, and written anew when its bytes are damaged.
        """
        names: list[str] = []
        waiting: dict[str, files.New] = {}
        held = 0
        for data in datas:
            name = self.name_of(data)
            names.append(name)
            if name not in waiting and (new := self.new(name, data)) is not None:
                waiting[name] = new
                held += len(new.data)
            if held > _AT_ONCE or len(waiting) >= _FILES_AT_ONCE:
                files.write_together(self._temporary, list(waiting.values()), durably=False)
                waiting.clear()
                held = 0
        if names:
            files.write_together(self._temporary, list(waiting.values()), also=self.folders(names))
        return names

    def name_of(self, data: bytes) -> str:
        """The name of ``data``. Raises ``UsageError`` where it is too large."""
        self._fits(data)
        return blake3(data).hexdigest()

    def new(self, name: str, data: bytes) -> files.New | None:
        """What has to be written so that ``data`` is there under its ``name``; None where it is there and whole."""
        try:
            self.get(name)
        except Missing:
            return self.written(name, data)
        except Damaged:
            return self.written(name, data, anew=True)
        return None

    def written(self, name: str, data: bytes, *, anew: bool = False) -> files.New:
        """The file of that name with ``data``; ``anew``: in place of one that is there."""
        return files.New(self.path(name), compress(data), anew=anew)

    def folders(self, names: Iterable[str]) -> set[Path]:
        """The folders of ``names``. They are flushed also where the file was there: who put it may not have yet."""
        return {self.folder, *(self.path(name).parent for name in names)}

    def _fits(self, data: bytes) -> None:
        if len(data) > self.limit:
            raise UsageError(
                f"a {self.noun} of {len(data)} bytes is too large for the store (at most {self.limit}): "
                "keep the file outside and name it as an input"
            )

    def get(self, name: str) -> bytes:
        """The content named by 64 hex digits. Raises ``Missing`` or ``Damaged``."""
        data = self.unverified(name)
        if blake3(data).hexdigest() != name:
            raise Damaged(f"{self.noun} {name} is damaged (its bytes have another digest); run `mlgov fsck`")
        return data

    def unverified(self, name: str) -> bytes:
        """What the file of that name holds. Raises ``Missing``, and ``Damaged`` where it cannot be expanded."""
        try:
            packed = files.read(self._place(name), limit=self.limit + (self.limit >> 7) + 1024)
        except FileNotFoundError as error:
            raise Missing(f"{self.noun} {name} is not in the store; run `mlgov fsck`") from error
        try:
            return expand(packed, limit=self.limit)
        except ValueError as error:
            raise Damaged(f"{self.noun} {name} is damaged ({error}); run `mlgov fsck`") from error

    def has(self, name: str) -> bool:
        """Whether a file of that name is there; its bytes are not looked at."""
        try:
            return stat.S_ISREG(os.stat(self._place(name)).st_mode)  # noqa: PTH116 - it is asked thousands of times
        except OSError:
            return False

    def names(self) -> Iterator[str]:
        """Every name in the folder, in no order; files whose name is no digest are passed over."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if not self._fan:
                if is_identity(path.name):
                    yield path.name
            elif len(path.name) == self._fan and path.is_dir():
                yield from (
                    path.name + inner.name for inner in path.iterdir() if is_identity(path.name + inner.name)
                )


class Objects:
    """The store's objects, by ``blake3:<hex>``. Put-if-absent, get and list: nothing else is asked of the disk."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self._named = Named(folder, temporary, noun="object", fan=2)

    def put_all(self, datas: Iterable[bytes]) -> list[str]:
        """Stores each of ``datas``; their digests, in order. Raises ``OSError`` and ``UsageError``."""
        return [_PREFIX + name for name in self._named.put_all(datas)]

    def name_of(self, data: bytes) -> str:
        """The digest of ``data``. Raises ``UsageError`` where it is too large."""
        return _PREFIX + self._named.name_of(data)

    def new(self, digest: str, data: bytes) -> files.New | None:
        """What has to be written so that ``data`` is there; None where it is."""
        return self._named.new(digest.removeprefix(_PREFIX), data)

    def folders(self, digests: Iterable[str]) -> set[Path]:
        """The folders that the objects lie in."""
        return self._named.folders(digest.removeprefix(_PREFIX) for digest in digests)

    def get(self, digest: str) -> bytes:
        """The bytes that ``digest`` names, verified. Raises ``Missing`` or ``Damaged``."""
        name = hex_of(digest)
        if name is None:
            raise Missing(
                f"object {digest!r} is not in the store: that is no digest (blake3:<64 hex digits>)"
            )
        return self._named.get(name)

    def has(self, digest: str) -> bool:
        """Whether the object is there. Its bytes are not looked at."""
        name = hex_of(digest)
        return name is not None and self._named.has(name)

    def path(self, digest: str) -> Path:
        """Where the object lies."""
        return self._named.path(digest.removeprefix(_PREFIX))

    def digests(self) -> Iterator[str]:
        """The digest of every object in the store, in no order."""
        return (_PREFIX + name for name in self._named.names())
