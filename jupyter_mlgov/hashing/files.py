"""A file is its bytes; a folder is its files' paths and bytes.

A digest is only evidence when the file held still while it was read: ``stable`` says so, from its size, times
and identity before and after.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from io import FileIO
from queue import SimpleQueue

from msgspec import Struct

from jupyter_mlgov.hashing.digest import combine, hasher, named
from jupyter_mlgov.hashing.mapped import hash_mapped
from jupyter_mlgov.records.manifest import Member

CHUNK = 1 << 22
AHEAD_FROM = 1 << 26
"""Bytes from which the next piece is read while the one before it is hashed."""
AHEAD_CHUNK = 1 << 23

PathLike = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class FileDigest(Struct, frozen=True):
    """``digest`` of the ``bytes`` that were read; not ``stable`` when the file changed meanwhile."""

    digest: str
    bytes: int
    stable: bool


class FolderDigest(Struct, frozen=True):
    """``members`` are sorted by path, with ``/``; ``skipped`` pairs paths that have no digest with the reason."""

    digest: str
    bytes: int
    members: tuple[Member, ...]
    stable: bool
    skipped: tuple[tuple[str, str], ...] = ()


def hash_file(path: PathLike) -> FileDigest:
    """The digest of a regular file's bytes.

    Raises ``OSError`` as ``open`` does, and for what is no regular file (a FIFO is never waited for).
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fsdecode(path))
        digest, total = hash_mapped(descriptor, before.st_size) or _read(descriptor, before.st_size)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    try:
        there = os.stat(path)  # noqa: PTH116 - bytes paths
    except OSError:
        stable = False
    else:
        stable = _identity(before) == _identity(after) == _identity(there) and total == after.st_size
    return FileDigest(named(digest), total, stable)


def _read(descriptor: int, size: int) -> tuple[bytes, int]:
    state = hasher(size)
    total = 0
    for piece in _pieces(descriptor, size):
        state.update(piece)
        total += len(piece)
    return state.digest(), total


def _pieces(descriptor: int, size: int) -> Iterator[memoryview]:
    """A file's bytes in pieces, each valid until the next one is asked for."""
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
        if size >= AHEAD_FROM:
            with _ReadAhead(file) as ahead:
                yield from ahead.pieces()
            return
        buffer = memoryview(bytearray(min(CHUNK, max(size, 1 << 12))))
        while count := file.readinto(buffer):
            yield buffer[:count]


class _ReadAhead:
    """Reads a file in a thread, one piece ahead of who takes them."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._free: SimpleQueue[memoryview | None] = SimpleQueue()
        self._full: SimpleQueue[memoryview | BaseException] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="mlgov-read-ahead", daemon=True)
        for _ in range(2):
            self._free.put(memoryview(bytearray(AHEAD_CHUNK)))

    def __enter__(self) -> _ReadAhead:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._free.put(None)
        while self._reader.is_alive():  # it holds a buffer at most once more
            self._reader.join(0.1)

    def pieces(self) -> Iterator[memoryview]:
        while True:
            piece = self._full.get()
            if isinstance(piece, BaseException):
                raise piece
            if not len(piece):
                return
            yield piece
            self._free.put(memoryview(piece.obj))

    def _read(self) -> None:
        try:
            while (buffer := self._free.get()) is not None:
                count = self._file.readinto(buffer)
                self._full.put(buffer[: count or 0])
                if not count:
                    return
        except BaseException as error:  # noqa: BLE001 - raised where the pieces are taken
            self._full.put(error)


def hash_folder(path: PathLike) -> FolderDigest:
    """Every regular file below ``path``, symbolic links followed once.

    Raises ``OSError`` when ``path`` itself cannot be listed; what fails below it is in ``skipped``.
    """
    root = os.fsdecode(path)
    members: list[Member] = []
    skipped: list[tuple[str, str]] = []
    total = 0
    stable = True
    pending = [(root, "", frozenset({_place(os.stat(root))}))]  # noqa: PTH116
    while pending:
        folder, prefix, above = pending.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            if not prefix:
                raise
            skipped.append((prefix.rstrip("/"), _why(error)))
            continue
        for entry in entries:
            name = prefix + entry.name
            try:
                found = entry.stat()
                if stat.S_ISDIR(found.st_mode):
                    if _place(found) in above:
                        skipped.append((name, "a link to a folder above it"))
                    else:
                        pending.append((entry.path, name + "/", above | {_place(found)}))
                    continue
                file = hash_file(entry.path)
            except OSError as error:
                skipped.append((name, _why(error)))
                continue
            members.append(Member(path=name, digest=file.digest))
            total += file.bytes
            stable &= file.stable
    members.sort(key=lambda member: member.path)
    return FolderDigest(digest_of_members(members), total, tuple(members), stable, tuple(sorted(skipped)))


def digest_of_members(members: Iterable[Member]) -> str:
    """One digest for several files (a folder, a glob, a partitioned data set). Their order does not matter."""
    pairs = sorted((member.path, member.digest) for member in members)
    return named(combine("mlgov.members.1", *(part for pair in pairs for part in pair)))


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _place(found: os.stat_result) -> tuple[int, int]:
    return (found.st_dev, found.st_ino)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
