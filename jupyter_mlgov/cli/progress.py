"""Progress on stderr: live bars in a terminal, plain lines elsewhere.

One rerun is a bar of cells. Many are a bar of notebooks with one below it for each that runs now; where nobody
watches, a line for each that is finished.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.cli.streams import say

if TYPE_CHECKING:
    from jupyter_mlgov.rerun.progress import FleetStep, Progress


class ProgressLine:
    """Shows what a long call is doing. Safe to be told from several threads."""

    def __init__(self) -> None:
        self._live: Any = None
        self._stage = ""
        self._tasks: dict[str, Any] = {}
        self._guard = threading.Lock()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, progress: Progress) -> None:
        """One step further."""
        with self._guard:
            if not sys.stderr.isatty():
                self._plain(progress)
            elif progress.fleet is not None:
                self._many(progress, progress.fleet)
            else:
                self._one(progress)

    def _plain(self, progress: Progress) -> None:
        fleet = progress.fleet
        if fleet is not None:
            if fleet.verdict is not None:
                took = "proven before" if fleet.proven else f"{progress.elapsed_s:.1f} s"
                say(f"{fleet.done}/{fleet.total} {_clean(fleet.name)}: {fleet.verdict} ({took})", sys.stderr)
        elif progress.stage != self._stage:
            self._stage = progress.stage
            say(f"{progress.stage}: {_clean(progress.message)}", sys.stderr)

    def _one(self, progress: Progress) -> None:
        live = self._started()
        if progress.stage != self._stage:
            self._stage = progress.stage
            for task in list(live.task_ids):
                live.remove_task(task)
            live.add_task(progress.stage, total=max(progress.cells, 1))
        text = _clean(progress.message or progress.stage)
        live.update(
            live.task_ids[-1], completed=progress.cell, total=max(progress.cells, 1), description=text
        )

    def _many(self, progress: Progress, fleet: FleetStep) -> None:
        live = self._started()
        if "" not in self._tasks:
            self._tasks[""] = live.add_task("notebooks", total=fleet.total)
        if fleet.verdict is None:
            if fleet.name not in self._tasks:
                self._tasks[fleet.name] = live.add_task("", total=max(progress.cells, 1))
            text = f"  {_clean(fleet.name)}: {progress.stage}"
            live.update(
                self._tasks[fleet.name],
                completed=progress.cell,
                total=max(progress.cells, 1),
                description=text,
            )
            return
        live.update(self._tasks[""], completed=fleet.done, total=fleet.total)
        if fleet.name in self._tasks:
            live.remove_task(self._tasks.pop(fleet.name))
        live.console.print(f"{_clean(fleet.name)}: {fleet.verdict}", markup=False, highlight=False)

    def _started(self) -> Any:
        if self._live is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            self._live = Bar(
                TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                console=Console(stderr=True), transient=True,
            )  # fmt: skip
            self._live.start()
        return self._live


def _clean(text: str) -> str:
    """Names come from records: nothing in them is for the terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
