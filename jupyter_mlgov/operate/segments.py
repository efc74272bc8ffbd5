"""Segments: the prediction log as it is written, one file for each process that serves.

A segment is lines of JSON, each with its CRC-32 before it. The first line, the ``Header``, says which version of the
model answered and of which columns the rest is made; every other one is an ``Answered``: one request, its rows as
columns. Whoever writes holds an exclusive lock on the file until it ends, however it ends, so the others know which
segments nobody writes any more.

:meth:`Segment.append` returns when the lines are on the disk. A process or machine that stops in the middle of a line
leaves a piece of one, which no client was ever answered for: :func:`read` tells it from what is whole.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from jupyter_mlgov.errors import StoreError
from jupyter_mlgov.records.decoding import decoded, decoder
from jupyter_mlgov.store import files

_locks: ModuleType | None
try:
    import fcntl as _locks
except ImportError:  # Windows has no such locks: segments of processes that ended are read, and never rolled
    _locks = None

SCHEMA = 1
"""Version of segments and of the Parquet files made from them: a higher one is refused."""

SUFFIX = ".segment"
LIMIT = 1 << 32
"""Bytes past which a file is no segment."""


class Header(Struct, frozen=True, kw_only=True):
    """The first line. ``inputs`` and ``outputs`` are pairs of a name and an Arrow type (``types``)."""

    schema: int = SCHEMA
    model: str
    stage: str
    version: int
    snapshot: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]
    withheld: tuple[str, ...] = ()
    """Inputs whose values are not logged."""


class Answered(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request. ``at`` is in microseconds since 1970 UTC, ``latency`` in seconds; columns have ``rows`` values."""

    id: str
    at: int
    latency: float
    rows: int
    inputs: dict[str, list[Any]]
    outputs: dict[str, list[Any]]
    explanation: list[dict[str, float]] | None = None
    client: str | None = None
    """What the client called its request."""


class Read(NamedTuple):
    """What a segment holds. ``torn`` are the bytes that are no whole line, ``places`` where they begin."""

    header: Header | None
    answered: list[Answered]
    torn: bytes
    places: tuple[int, ...]


_encode = msgspec.json.Encoder(enc_hook=str).encode
_decode = decoder(Answered).decode


def line(record: Header | Answered) -> bytes:
    """A record as a line: 8 hex digits of its CRC-32, a space, JSON, a line feed."""
    data = _encode(record)
    return b"%08x %s\n" % (zlib.crc32(data), data)


class Segment:
    """A segment that this process writes. Not for several threads at once."""

    def __init__(self, folder: Path, header: Header) -> None:
        files.make_folder(folder)
        stem = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{os.getpid()}-{secrets.token_hex(3)}"
        self.path = folder / f"{stem}{SUFFIX}"
        self.header = header
        self.began = time.monotonic()
        temporary = folder / f".{stem}.new"
        self._file = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            if _locks is not None:
                _locks.flock(self._file, _locks.LOCK_EX | _locks.LOCK_NB)
            self.bytes = 0
            self.append([line(header)])
            temporary.rename(self.path)
            files.flush([folder])
        except BaseException:
            os.close(self._file)
            files.drop(temporary)
            raise

    def append(self, lines: Sequence[bytes]) -> None:
        """Writes whole lines and waits until the disk has them. Raises ``OSError``; then none of them is there."""
        data = b"".join(lines)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
            _synchronise(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.bytes)
                os.lseek(self._file, self.bytes, os.SEEK_SET)
            raise
        self.bytes += len(data)

    def close(self) -> None:
        os.close(self._file)


_synchronise = getattr(os, "fdatasync", os.fsync)


def read(path: Path) -> Read:
    """A segment's content, whatever state it is in. Raises ``FileNotFoundError``, and ``StoreError`` for one of a newer
    version."""
    data = files.read(path, limit=LIMIT)
    header: Header | None = None
    answered: list[Answered] = []
    torn: list[bytes] = []
    places: list[int] = []
    at = 0
    for text in _lines(data):
        body = text[9:-1]
        whole = text.endswith(b"\n") and text[:9] == b"%08x " % zlib.crc32(body)
        try:
            if whole and at == 0:
                header = _header(path, body)
            elif whole:
                answered.append(_decode(body))
        except msgspec.MsgspecError:
            whole = False
        if not whole:
            torn.append(text)
            places.append(at)
        at += len(text)
    return Read(header, answered, b"".join(torn), tuple(places))


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


class _Opening(Struct):
    schema: int


def _header(path: Path, body: bytes) -> Header:
    version = decoded(body, _Opening).schema
    if version > SCHEMA:
        raise newer(path, version)
    return decoded(body, Header)


def newer(path: Path, version: int) -> StoreError:
    """The error for a part of the log that a later version of this software wrote."""
    return StoreError(
        f"{path} is of version {version} of the prediction log and this software reads up to {SCHEMA}: "
        "upgrade jupyter-mlgov (pip install -U jupyter-mlgov)"
    )


@contextlib.contextmanager
def unowned(path: Path) -> Iterator[bool]:
    """Whether nobody writes the segment any more; if so, it is held meanwhile. Raises ``FileNotFoundError``."""
    file = os.open(path, os.O_RDONLY)
    try:
        held = False
        if _locks is not None:
            with contextlib.suppress(OSError):
                _locks.flock(file, _locks.LOCK_EX | _locks.LOCK_NB)
                held = path.exists()
        yield held
    finally:
        os.close(file)
