"""``mlgov.explore()``: the snapshots of a project as a table that sorts and searches, a metric over time, two compared.

Everything shown is what ``Project`` says; nothing is executed and nothing written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.errors import MlgovError, UsageError
from jupyter_mlgov.widgets.lines import line_chart
from jupyter_mlgov.widgets.shown import Shown
from jupyter_mlgov.widgets.tables import table

if TYPE_CHECKING:
    from jupyter_mlgov.project import Project
    from jupyter_mlgov.store import LogEntry

ROWS = 20
"""Rows of one page of the table."""
METRICS = 6
"""Metrics that the table has columns for: those that most snapshots have."""
CHOICES = 500
"""Snapshots, the newest, that can be chosen for a comparison from a list."""
POINTS = 2000
"""Snapshots, the newest, that a plot draws."""

_FIXED = ("number", "experiment", "created", "author", "message", "KPIs", "verdict")


class Explore(Shown):
    """The explorer. ``widget`` is an ipywidgets box; without ipywidgets its ``_repr_html_`` is the same as tables."""

    def __init__(
        self, project: Project, *, experiment: str | None = None, notebook: str | None = None
    ) -> None:
        self.project = project
        self.experiment, self.notebook = experiment, notebook
        self.entries = project.log(experiment=experiment, notebook=notebook)
        counts: dict[str, int] = {}
        for entry in self.entries:
            for name, value in entry.metrics.items():
                if _is_number(value):
                    counts[name] = counts.get(name, 0) + 1
        self.metrics = tuple(sorted(counts, key=lambda name: (-counts[name], name)))
        """Names of the metrics, the most common first."""

    # -- the table ---------------------------------------------------------------------------------------

    @property
    def columns(self) -> tuple[str, ...]:
        """What the table can be sorted by."""
        metrics = [name for name in self.metrics if name not in _FIXED][:METRICS]
        return (*_FIXED[:3], *metrics, *_FIXED[3:])

    def rows(self, *, sort: str = "created", descending: bool = True, search: str = "") -> list[LogEntry]:
        """The snapshots that ``search`` selects, sorted by a column; those that lack it come last.

        Raises ``UsageError`` for a column or a search that cannot be understood.
        """
        if sort not in self.columns:
            raise UsageError(f"sort {sort[:80]!r}: give one of {', '.join(self.columns)}")
        found = (
            self.project.search(search, experiment=self.experiment, notebook=self.notebook)
            if search.strip()
            else self.entries
        )
        if sort == "created":  # the log's own order: by the ledger, not by clocks
            return list(found) if descending else list(reversed(found))
        known = [entry for entry in found if _value(entry, sort) is not None]
        missing = [entry for entry in found if _value(entry, sort) is None]
        return sorted(known, key=lambda entry: _key(_value(entry, sort)), reverse=descending) + missing

    def page(self, rows: Sequence[LogEntry], page: int = 0) -> str:
        """``ROWS`` of ``rows`` as an HTML table."""
        shown = rows[page * ROWS : (page + 1) * ROWS]
        last = page * ROWS + len(shown)
        caption = f"{page * ROWS + 1:,} to {last:,} of {len(rows):,} snapshots" if shown else "No snapshot"
        body = [[_value(entry, name) for name in self.columns] for entry in shown]
        return table(self.columns, body, caption=caption)

    # -- a metric over time ------------------------------------------------------------------------------

    def plot(self, metric: str) -> str:
        """A metric over the snapshots of each experiment, oldest first, as an HTML page with one SVG."""
        series: dict[str, list[tuple[str, float]]] = {}
        for entry in reversed(self.entries[:POINTS]):
            value = entry.metrics.get(metric)
            if _is_number(value):
                series.setdefault(entry.experiment, []).append((_name(entry), float(value)))  # type: ignore[arg-type]
        return line_chart(series, title=metric)

    # -- two compared ------------------------------------------------------------------------------------

    def compare(self, one: str, other: str) -> str:
        """What differs between two snapshots (REFs), findings first, as HTML. Raises ``MlgovError``."""
        both = self.project.side_by_side(one, other)
        names = [f"{side.experiment} #{side.number}" for side in (both.baseline, both.candidate)]
        parts = [
            f"<p>{escape(names[0])} and {escape(names[1])}: <b>{escape(both.comparison.verdict)}</b></p>"
        ]
        findings = [(one.cause, one.subject, one.message) for one in both.comparison.findings]
        if findings:
            parts.append(table(("cause", "subject", "what differs"), findings, caption="Findings"))
        for title, rows in (("Metrics", both.metrics), ("Parameters", both.parameters)):
            if rows:
                values = [
                    (row.name, row.before, row.after, _difference(row.before, row.after)) for row in rows
                ]
                parts.append(table(("", *names, "difference"), values, caption=title))
        packages = [(row.name, row.before, row.after) for row in both.packages if row.change != "same"]
        if packages:
            parts.append(table(("", *names), packages, caption="Packages"))
        return "".join(f"<div style='margin-bottom:12px'>{part}</div>" for part in parts)

    # -- showing -----------------------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        parts = [self.page(self.rows())]
        parts += [self.plot(metric) for metric in self.metrics[:1]]
        if len(self.entries) > 1:
            try:
                parts.append(self.compare(self.entries[1].id, self.entries[0].id))
            except MlgovError as error:
                parts.append(f"<p>{escape(str(error))}</p>")
        return "".join(f"<div style='margin-bottom:16px'>{part}</div>" for part in parts)

    def __repr__(self) -> str:
        names = sorted({entry.experiment for entry in self.entries})
        return f"Explore({len(self.entries)} snapshots of {', '.join(names) or 'no experiment'})"

    @property
    def widget(self) -> Any:
        """The explorer as an ipywidgets box. Raises ``ImportError`` where ipywidgets is not installed."""
        import ipywidgets as w

        search = w.Text(
            placeholder="auc>=0.8 author:anna",
            description="Search",
            continuous_update=False,
            layout=w.Layout(width="340px"),
        )
        sort = w.Dropdown(options=self.columns, value="created", description="Sort by")
        down = w.ToggleButton(value=True, description="descending", layout=w.Layout(width="110px"))
        page = w.BoundedIntText(value=1, min=1, max=1, description="Page", layout=w.Layout(width="160px"))
        rows = w.HTML()

        def list_again(change: Any = None) -> None:
            try:
                found = self.rows(sort=sort.value, descending=down.value, search=search.value)
            except MlgovError as error:
                rows.value = f"<p>{escape(str(error))}</p>"
                return
            if change is not None and change["owner"] is not page:
                page.value = 1
            page.max = max(1, -(-len(found) // ROWS))
            rows.value = self.page(found, page.value - 1)

        for control in (search, sort, down, page):
            control.observe(list_again, names="value")
        list_again()
        parts = [w.VBox([w.HBox([search, sort, down, page]), rows])]
        titles = ["Snapshots"]
        if self.metrics:
            metric = w.Dropdown(options=self.metrics, description="Metric")
            chart = w.HTML(self.plot(metric.value))
            metric.observe(lambda change: setattr(chart, "value", self.plot(change["new"])), names="value")
            parts.append(w.VBox([metric, chart]))
            titles.append("Over time")
        if len(self.entries) > 1:
            parts.append(self._comparison(w))
            titles.append("Compare")
        return w.Tab(children=parts, titles=titles)

    def _comparison(self, w: Any) -> Any:
        choices = [(_name(entry), entry.id) for entry in self.entries[:CHOICES]]
        one = w.Dropdown(options=choices, value=choices[1][1], description="One")
        other = w.Dropdown(options=choices, value=choices[0][1], description="The other")
        button = w.Button(description="Compare")
        said = w.HTML()

        def asked(_: Any) -> None:
            button.disabled = True
            try:
                said.value = self.compare(one.value, other.value)
            except MlgovError as error:
                said.value = f"<p>{escape(str(error))}</p>"
            finally:
                button.disabled = False

        button.on_click(asked)
        return w.VBox([w.HBox([one, other, button]), said])


def _name(entry: LogEntry) -> str:
    return f"{entry.experiment} #{entry.number}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(entry: LogEntry, column: str) -> object:
    """What the table shows of a snapshot in a column; None where it has no such thing."""
    fixed: dict[str, object] = {
        "number": entry.number,
        "experiment": entry.experiment,
        "created": entry.created_at.replace("T", " ").removesuffix("Z"),
        "author": entry.author or None,
        "message": entry.message or None,
        "KPIs": {True: "met", False: "not met", None: None}[entry.kpis_met],
        "verdict": entry.verdict,
    }
    return fixed[column] if column in fixed else entry.metrics.get(column)


def _key(value: object) -> tuple[int, float, str]:
    """Numbers before texts, each in its own order."""
    if _is_number(value):
        number = float(value)  # type: ignore[arg-type]
        return (1, 0.0, "") if number != number else (0, number, "")
    return (2, 0.0, str(value).lower())


def _difference(before: object, after: object) -> object:
    if _is_number(before) and _is_number(after):
        return f"{float(after) - float(before):+.4g}"  # type: ignore[arg-type]
    return "" if before == after else "changed"


def explore(path: str | Path = ".", *, experiment: str | None = None, notebook: str | None = None) -> Explore:
    """The explorer of the project that ``path`` lies in; ``experiment`` and ``notebook`` narrow it.

    Raises ``NotFound`` where there is no project.
    """
    from jupyter_mlgov.project import Project

    return Explore(Project.open(path), experiment=experiment, notebook=notebook)
