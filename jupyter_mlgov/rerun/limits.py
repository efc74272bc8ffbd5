"""What a run may take.

Time counts for one cell: what was recorded says how long a cell takes, so twenty times that is far too long.
Memory counts for the kernel with everything below it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from jupyter_mlgov.configuration import section
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.manifest import Manifest

LEAST_S = 600.0
TIMES = 20.0
"""Without ``timeout`` a cell may take ``TIMES`` as long as when it was recorded, and ``LEAST_S`` in any case."""

SHARE = 0.85
"""Without ``memory`` a run may take this share of the machine's (or the container's) memory."""

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)


class RerunSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[rerun]`` of ``mlgov.toml``: ``timeout`` in seconds for one cell, ``memory`` as ``"8G"``, and how many runs
    may look for a cause, for how many seconds (rebuilding the recorded environment gets as many again, or none)."""

    timeout: float | None = None
    memory: str | int | None = None
    controlled_runs: int = 8
    controlled_seconds: float = 300.0
    controlled_environment: bool = True


class Limits(msgspec.Struct, frozen=True):
    """``timeout``: seconds for one cell, None for the default; ``memory``: bytes, None for the default."""

    timeout: float | None = None
    memory: int | None = None

    def or_of_project(self, root: Path) -> Limits:
        """These limits, and those of ``mlgov.toml`` where none is given. Raises ``UsageError``."""
        told = section(root, "rerun", RerunSettings)
        memory = parse_size(str(told.memory)) if told.memory is not None else None
        return Limits(
            self.timeout if self.timeout is not None else told.timeout,
            self.memory if self.memory is not None else memory,
        )

    def seconds(self, recorded: float | None) -> float:
        """How long a cell may take that took ``recorded`` seconds."""
        return self.timeout if self.timeout is not None else max(LEAST_S, TIMES * (recorded or 0.0))

    @property
    def bytes(self) -> int:
        """How much memory a run may take."""
        return self.memory if self.memory is not None else int(SHARE * available())


def parse_size(text: str) -> int:
    """Bytes from ``8G``, ``500M`` or a number. Raises ``UsageError``."""
    match = _SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * _UNITS[match[2].lower()]) if match else 0
    if size < 1 << 20:
        raise UsageError(f"a memory limit of {text!r}: give a size of at least 1M, for instance 8G or 500M")
    return size


def available() -> int:
    """Bytes of memory that this process may use: the container's limit, else the machine's memory."""
    import psutil

    total = int(psutil.virtual_memory().total)
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):
            return min(total, int(Path(name).read_text()))
    return total


def recorded_seconds(manifest: Manifest, sources: Callable[[str], str]) -> dict[str, float]:
    """The longest that a cell with this text took when it was recorded."""
    known: dict[str, float] = {}
    for cell in manifest.notebook.cells:
        if cell.duration_s is not None:
            text = sources(cell.source).strip()
            known[text] = max(known.get(text, 0.0), cell.duration_s)
    return known
