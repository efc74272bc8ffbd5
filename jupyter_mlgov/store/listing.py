"""What a listing shows of one snapshot: a row of the index, without reading its manifest."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jupyter_mlgov.records.canonical import Scalar


class LogEntry(Struct, frozen=True, kw_only=True):
    """One line of ``mlgov log``. ``number`` is None for a candidate.

    ``kpis_met`` is True when every KPI was met, False when one was not, None when there are none or one was not
    measured. ``verdict`` is the one of the newest rerun of exactly this snapshot, or None.
    ``tags`` are those that the experiment's cell has in the notebook.
    """

    id: str
    experiment: str
    number: int | None
    created_at: str
    notebook: str
    metrics: dict[str, Scalar]
    status: str
    kind: Literal["snapshot", "candidate"] = "snapshot"
    message: str = ""
    author: str = ""
    parent: str | None = None
    baseline: str | None = None
    kpis_met: bool | None = None
    verdict: str | None = None
    tags: tuple[str, ...] = ()
