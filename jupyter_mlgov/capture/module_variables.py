"""Environment variables that the project's own modules name: the notebook's result depends on them as on its own."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from jupyter_mlgov.capture.names import names_of
from jupyter_mlgov.records.manifest import Module

LARGEST = 1 << 20
"""Bytes of a module past which it is not read for them."""


def variables_of(modules: Iterable[Module], root: Path) -> set[str]:
    """The variables that the code of local modules names as it is now."""
    return {name for module in modules for name in _variables(str(root / module.path), module.digest)}


@lru_cache(maxsize=1024)
def _variables(path: str, digest: str) -> tuple[str, ...]:
    """Of one version (``digest``) of a module's file."""
    try:
        data = Path(path).read_bytes() if path.endswith(".py") else b""
    except OSError:
        return ()
    if len(data) > LARGEST or not (b"environ" in data or b"getenv" in data):
        return ()
    return names_of(data.decode("utf-8", "replace")).variables
