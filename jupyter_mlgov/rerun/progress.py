"""How far a rerun is, as every door shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class FleetStep:
    """Where a call that reruns many stands: ``done`` of ``total`` are finished. ``verdict`` is the one of ``name``
    where it has just been finished; ``proven``: without a run."""

    name: str
    done: int
    total: int
    verdict: str | None = None
    proven: bool = False


@dataclass(frozen=True)
class Progress:
    """``cell`` of ``cells`` code cells are done in this ``stage`` (``environment``, ``rerun``, ``again``, ``confirm``;
    ``verify`` when one of many is finished)."""

    stage: str
    cell: int
    cells: int
    elapsed_s: float
    message: str
    fleet: FleetStep | None = None


Report = Callable[[Progress], None]
