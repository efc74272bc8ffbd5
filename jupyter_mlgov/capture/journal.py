"""The journal: what the kernel session has executed so far, cell by cell, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_mlgov.capture.names import Names, names_of


@dataclass
class Execution:
    """One execution of one cell."""

    source: str
    """The cell as it stands in the notebook, magics and all."""
    code: str
    """The same after IPython's transformation: plain Python."""
    cell_id: str | None
    execution_count: int | None
    started_at: float
    """Seconds since the epoch."""
    duration_s: float | None = None
    status: Literal["ok", "error"] = "ok"
    error: str | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    outputs_object: str | None = None
    """The digest of ``outputs`` once a snapshot has put them into the store."""
    seen: bool = True
    """False for cells that ran before the extension was loaded."""

    @property
    def names(self) -> Names:
        """What the cell's code binds and reads."""
        return names_of(self.code)
