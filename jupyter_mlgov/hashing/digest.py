"""The one hash: BLAKE3 over length-prefixed parts, named ``blake3:<hex>``.

Parts are length-prefixed and start with a tag, so that no two different structures give the same bytes.
Large buffers are hashed by several threads. A forked child hashes with one thread: the thread pool does not
survive a fork.
"""

from __future__ import annotations

import os
import time

from blake3 import blake3
from msgspec import Struct

PARALLEL_FROM = 1 << 20
"""Bytes from which several threads pay for themselves."""

_threads = blake3.AUTO


def _one_thread() -> None:
    global _threads
    _threads = 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_one_thread)


class Unhashable(Exception):
    """The content cannot be put in a canonical form; ``str(error)`` is the reason, for people."""


class Limits(Struct):
    """What one description may cost: Python objects looked at, and a moment of ``time.monotonic()``."""

    objects: int = 5_000_000
    deadline: float | None = None

    def spend(self, objects: int = 0) -> None:
        """Counts ``objects``; raises ``Unhashable`` when either limit is passed."""
        self.objects -= objects
        if self.objects < 0:
            raise Unhashable("more Python objects than the limit allows")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise Unhashable("the time budget was used up")


def hasher(size: int) -> blake3:
    """A hasher that suits about ``size`` bytes."""
    return blake3(max_threads=_threads) if size >= PARALLEL_FROM else blake3()


def combine(tag: str, *parts: bytes | str | int) -> bytes:
    """32 bytes that stand for ``tag`` and the sequence of ``parts``."""
    whole = bytearray()
    for part in (tag, *parts):
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        whole += len(data).to_bytes(8, "little")
        whole += data
    return blake3(whole).digest()


def named(digest: bytes) -> str:
    """``blake3:<hex>``."""
    return "blake3:" + digest.hex()
