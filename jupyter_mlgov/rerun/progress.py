"""How far a rerun is, as every door shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """``cell`` of ``cells`` code cells are done in this ``stage`` (``rerun``, ``again``, ``confirm``)."""

    stage: str
    cell: int
    cells: int
    elapsed_s: float
    message: str


Report = Callable[[Progress], None]
