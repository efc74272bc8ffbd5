"""Progress on stderr: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlgov.rerun.progress import Progress


class ProgressLine:
    """Shows what a long call is doing."""

    def __init__(self) -> None:
        self._live: Any = None
        self._stage = ""

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, progress: Progress) -> None:
        """One step further."""
        if not sys.stderr.isatty():
            if progress.stage != self._stage:
                self._stage = progress.stage
                print(f"{progress.stage}: {progress.message}", file=sys.stderr, flush=True)
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        if self._live is None:
            self._live = Bar(
                TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                console=Console(stderr=True), transient=True,
            )  # fmt: skip
            self._live.start()
        if progress.stage != self._stage:
            self._stage = progress.stage
            for task in list(self._live.task_ids):
                self._live.remove_task(task)
            self._live.add_task(progress.stage, total=max(progress.cells, 1))
        task = self._live.task_ids[-1]
        self._live.update(
            task,
            completed=progress.cell,
            total=max(progress.cells, 1),
            description=progress.message or progress.stage,
        )
