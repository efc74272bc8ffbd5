"""``mlgov.watch_rerun(REF)``: a rerun with its progress, a button that cancels it, and at last its verdict.

The cell that starts it ends at once; the notebook can be worked on meanwhile.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.widgets.running import Running
from jupyter_mlgov.widgets.shown import Shown
from jupyter_mlgov.widgets.tables import table

if TYPE_CHECKING:
    from jupyter_mlgov.project import Project
    from jupyter_mlgov.records.verdict import Comparison

STAGES = {
    "environment": "making the recorded environment",
    "rerun": "executing the notebook again",
    "plan": "it differs: looking for the cause",
    "again": "executing it once more unchanged, to see whether it is random",
    "confirm": "executing it with one change taken back, to confirm the cause",
}
_GOOD, _BAD = "var(--jp-success-color1,#1a7f37)", "var(--jp-error-color1,#c62828)"
_COLOURS = {"reproduced": _GOOD, "equivalent": _GOOD, "blocked": "var(--jp-warn-color1,#7d5500)"}


class WatchRerun(Shown):
    """A rerun under way. ``widget`` is an ipywidgets box that follows it; ``_repr_html_`` is how it stands now."""

    def __init__(self, project: Project, ref: str, *, as_recorded: bool = False) -> None:
        snapshot = project.resolve(ref)
        self.name = project.reference(snapshot)
        self.rerun = Running(project.root, snapshot, as_recorded=as_recorded)

    def wait(self, timeout: float | None = None) -> Comparison:
        """The verdict, once there is one: blocks until then. Raises ``MlgovError``, ``TimeoutError``."""
        return self.rerun.wait(timeout)

    def cancel(self) -> None:
        """Ends the rerun; nothing is written down."""
        self.rerun.cancel()

    # -- what is shown -----------------------------------------------------------------------------------

    def line(self) -> str:
        """How it stands, in one line."""
        run, progress = self.rerun, self.rerun.progress
        minutes, seconds = divmod(int(run.elapsed_s), 60)
        took = f"{minutes}:{seconds:02d}"
        if run.state != "running":
            said = f"rerun of {self.name}: {run.comparison.verdict if run.comparison else run.error}"
            return f"{said} ({took})"
        if progress is None or not progress.cells:
            return f"rerun of {self.name}: starting ({took})"
        why = STAGES.get(progress.stage, progress.stage)
        more = f": {progress.message}" if progress.stage in ("confirm", "environment", "plan") else ""
        return f"rerun of {self.name}: cell {progress.cell} of {progress.cells} ({took}), {why}{more}"

    def verdict(self) -> str:
        """The verdict with its findings, the main cause first, as HTML; empty while there is none."""
        found = self.rerun.comparison
        if found is None:
            return ""
        word = f"<b style='color:{_COLOURS.get(found.verdict, _BAD)}'>{escape(found.verdict)}</b>"
        said = f"<p>{escape(self.name)}: {word}{escape(f' ({found.summary})' if found.summary else '')}</p>"
        rows = [
            (
                one.cause,
                one.subject,
                "" if one.cell is None else cell_name(one.cell),
                one.message,
                one.remedy,
                "confirmed" if one.confirmed else "best explanation",
            )
            for one in found.findings
        ]
        if rows:
            said += table(("cause", "subject", "where", "what differs", "what to do", ""), rows)
        return said

    def _repr_html_(self) -> str:
        again = " Show it again to see how it goes on." if self.rerun.state == "running" else ""
        return self.verdict() or f"<p>{escape(self.line())}.{again}</p>"

    def __repr__(self) -> str:
        return f"<{self.line()}>"

    @property
    def widget(self) -> Any:
        """The rerun as an ipywidgets box. Raises ``ImportError`` where ipywidgets is not installed."""
        import ipywidgets as w

        line = w.HTML(escape(self.line()))
        bar = w.IntProgress(value=0, min=0, max=1, layout=w.Layout(width="300px"))
        button = w.Button(description="Cancel", tooltip=f"End the rerun of {self.name}")
        verdict = w.HTML(self.verdict())
        row = w.HBox([bar, button])
        box = w.VBox([line, row, verdict])

        def look() -> None:
            progress = self.rerun.progress
            line.value = escape(self.line())
            if progress is not None and progress.cells:
                bar.max, bar.value = progress.cells, progress.cell
            if self.rerun.state != "running":
                if look in self.rerun.listeners:
                    self.rerun.listeners.remove(look)
                verdict.value = self.verdict()
                box.children = [line, verdict]

        def asked(_: Any) -> None:
            button.disabled, button.description = True, "Cancelling"
            self.cancel()

        button.on_click(asked)
        self.rerun.listeners.append(look)
        look()
        return box


def watch_rerun(ref: str, path: str | Path = ".", *, as_recorded: bool = False) -> WatchRerun:
    """Reruns a snapshot beside the notebook and shows how it goes: ``mlgov.watch_rerun("baseline")``.

    ``ref`` as for ``mlgov rerun``; ``path`` lies in the project. Raises ``NotFound``, ``UsageError``.
    """
    from jupyter_mlgov.project import Project

    return WatchRerun(Project.open(path), ref, as_recorded=as_recorded)
