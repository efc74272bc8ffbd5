"""The contents of input files: hashed once, and kept in the store where they are small enough.

What was hashed is not hashed again while the file's time, size and identity stay the same. A small text that holds a
secret, and a file whose name says that it does, is identified and never kept.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from jupyter_mlgov.capture.kept import Kept
from jupyter_mlgov.capture.reads import State
from jupyter_mlgov.capture.secret_files import is_secret_file
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.records.manifest import Column

SECRETS_LIMIT = 1_000_000
"""Bytes up to which a text is searched for secrets: configurations are small, data is large."""
_AT_ONCE = 1 << 26
"""Bytes that are held in memory to be kept in one round of flushes."""


class Content(Struct, frozen=True):
    """One file's content. ``digest`` is None exactly when there is a ``reason``."""

    path: str
    digest: str | None
    bytes: int | None = None
    rows: int | None = None
    columns: tuple[Column, ...] | None = None
    stable: bool = True
    state: State | None = None
    """Time and size when it was hashed."""
    reason: str | None = None
    unread: str | None = None
    """Why there are no rows and columns, where there may be a table."""


class Contents:
    """What one session has hashed."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._known: dict[str, tuple[tuple[int, ...], Content]] = {}
        self._hold_secrets: set[str] = set()

    def of(self, path: str, *, deadline: float | None = None) -> Content:
        """The content of the file at ``path``; never raises. Its table, if it is one, is read until ``deadline`` (of
        ``time.monotonic()``) and not tried again while the file stays the same.
        """
        from jupyter_mlgov.hashing.digest import Limits, Unhashable
        from jupyter_mlgov.hashing.files import hash_file
        from jupyter_mlgov.hashing.tables import describe_table

        try:
            state = os.stat(path)
            if not stat.S_ISREG(state.st_mode):
                return Content(
                    path, None, reason=f"it is {_kind(state.st_mode)}: it has no content that stays"
                )
            key = _key(state)
            known = self._known.get(path)
            if known is not None and known[0] == key:
                return known[1]
            hashed = hash_file(path)
            if not hashed.stable:
                hashed = hash_file(path)
            content = Content(
                path,
                hashed.digest,
                hashed.bytes,
                stable=hashed.stable,
                state=(state.st_mtime_ns, state.st_size),
                unread="the time budget was used up",
            )
            # Already now: where the table takes too long, the digest is not lost, and the next snapshot does not try again.
            self._remember(key, content)
            try:
                table = describe_table(path, limits=Limits(deadline=deadline))
                unread = None
            except Unhashable as error:
                table, unread = None, str(error)
            if _key(os.stat(path)) != key:  # the table may be that of other bytes
                content, table = replace(content, stable=False), None
        except FileNotFoundError:
            return Content(path, None, reason="it is not there any more")
        except OSError as error:
            return Content(path, None, reason=f"it cannot be read: {error.strerror}")
        if table is not None:
            content = replace(content, rows=table.rows, columns=tuple(table.columns))
        content = replace(content, unread=unread)
        self._remember(key, content)
        return content

    def _remember(self, key: tuple[int, ...], content: Content) -> None:
        if content.stable:
            self._known[content.path] = (key, content)
        else:
            self._known.pop(content.path, None)

    def keep(self, contents: Sequence[Content], kept: Kept, limit: int) -> bool:
        """Keeps them all where they have at most ``limit`` bytes together; says whether it did."""
        if not contents or sum(one.bytes or 0 for one in contents) > limit:
            return False
        if any(
            one.digest is None or one.digest in self._hold_secrets or _has_secret_name(one.path)
            for one in contents
        ):
            return False
        waiting: list[bytes] = []
        wanted: list[str] = []
        held = 0
        try:
            for one in contents:
                if one.digest is None or kept.has(one.digest):
                    continue
                data = Path(one.path).read_bytes()
                if self._holds_secret(data):
                    self._hold_secrets.add(one.digest)
                    return False
                waiting.append(data)
                wanted.append(one.digest)
                held += len(data)
                if held > _AT_ONCE:
                    if kept.put_all(waiting) != wanted:
                        return False
                    waiting, wanted, held = [], [], 0
        except OSError:
            return False
        return not waiting or kept.put_all(waiting) == wanted

    def _holds_secret(self, data: bytes) -> bool:
        text = b"\0" not in data[:8192] or data[:2] in (b"\xff\xfe", b"\xfe\xff")
        return text and len(data) <= SECRETS_LIMIT and self._secrets.redact_bytes(data) is not data


@lru_cache(maxsize=200_000)
def _has_secret_name(path: str) -> bool:
    return is_secret_file(Path(path))


def _key(state: os.stat_result) -> tuple[int, ...]:
    return (state.st_mtime_ns, state.st_size, state.st_ino, state.st_ctime_ns)


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISDIR, "a folder"))
    return next((name for test, name in kinds if test(mode)), "a device")
