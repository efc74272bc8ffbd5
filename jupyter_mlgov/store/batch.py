"""Objects that wait for the snapshot that names them, so that all of it is flushed in one round.

What is never committed is never written: a snapshot that is given up leaves nothing behind. When more waits than
memory should hold, it is written at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_mlgov.records.ledger import Entry
    from jupyter_mlgov.records.manifest import Manifest
    from jupyter_mlgov.store.folder import Store

_AT_ONCE = 1 << 25
"""Bytes that may wait."""


class Batch:
    """Takes the store's place while one snapshot is made. Make one with ``Store.batch``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, bytes] = {}
        self._size = 0

    def put(self, data: bytes) -> str:
        """As ``Store.put``; it waits."""
        return self.put_all([data])[0]

    def put_all(self, datas: Iterable[bytes]) -> list[str]:
        """As ``Store.put_all``; they wait. Raises ``UsageError`` (too large), and ``NotWritable``."""
        names = []
        for given in datas:
            data = self._store.as_kept(given)
            name = self._store.name_of(data)
            names.append(name)
            if name not in self._waiting:
                self._waiting[name] = data
                self._size += len(data)
            if self._size > _AT_ONCE:
                self.write()
        return names

    def write(self) -> None:
        """Keeps what waits, now. Raises ``NotWritable``."""
        self._store.write(self._waiting)
        self._waiting, self._size = {}, 0

    def has(self, digest: str) -> bool:
        """Whether the object is there, or waits."""
        return digest in self._waiting or self._store.has(digest)

    def commit(self, manifest: Manifest) -> Entry:
        """As ``Store.commit``, with what waits."""
        return self._store.commit(manifest, objects=dict(self._waiting))
