"""JSON to records, in any number of threads.

msgspec works out a struct's types when it first meets it, and a second thread that meets it meanwhile reads what is half
made: the process dies of a segmentation fault (msgspec 0.22; seen in the first requests of a Jupyter server). So types are
worked out here, one after the other, and everything that decodes records goes through here.
"""

from __future__ import annotations

import os
import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_guard = threading.Lock()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """The decoder of one kind of record."""
    found = _decoders.get(kind)
    if found is None:
        with _guard:
            found = _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    return found


def decoded(data: bytes | bytearray | memoryview | str, kind: type[T]) -> T:
    """The record that ``data`` is. Raises ``msgspec.MsgspecError``, ``UnicodeDecodeError``, ``RecursionError``."""
    return decoder(kind).decode(data)


def converted(document: Any, kind: type[T]) -> T:
    """The record that builtin values are. Raises ``msgspec.ValidationError``."""
    decoder(kind)
    return msgspec.convert(document, kind)


def _forked() -> None:
    # A thread that is not in the child may have held it.
    global _guard
    _guard = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
