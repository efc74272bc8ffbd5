"""What a controlled run needs of the rerun that it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mlgov.records.manifest import Manifest
    from jupyter_mlgov.rerun.execute import Outcome
    from jupyter_mlgov.rerun.place import Place
    from jupyter_mlgov.store import Store


class Runner(Protocol):
    """A rerun, as its controlled runs see it."""

    root: Path
    store: Store
    baseline: str
    manifest: Manifest
    last_run_s: float
    parameters: dict[str, object] | None
    as_recorded: bool

    def restored(self, manifest: Manifest) -> Place: ...

    def run(self, stage: str, place: Place, *, why: str) -> Outcome: ...

    def plan(self, message: str) -> None: ...

    def building(self, message: str) -> None: ...
