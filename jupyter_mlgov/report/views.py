"""What each section of the report shows, as data: frozen dataclasses without markup. Those of the risk register are in
``risk_views``, those about the run and its record in ``run_views``.

All text is as it was recorded (made readable by ``wording.tidy``) and untrusted: ``render`` escapes it. The one
exception is ``Piece.markup``, which only ``sanitize`` fills.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jupyter_mlgov.report.charts import Bullet, History
from jupyter_mlgov.report.evidence import Digest, Fact, State, Tone

# -- purpose ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KpiView:
    """A KPI with what the run gave for it."""

    metric: str
    requirement: str
    value: str
    exact: str
    outcome: str
    tone: Tone
    state: State
    margin: str = ""
    split: str = ""
    description: str = ""
    bullet: Bullet | None = None
    low: str = ""
    high: str = ""
    """Ends of the chart's scale."""


@dataclass(frozen=True)
class Charter:
    """What the model is for. ``present`` is False where no charter was written."""

    present: bool
    facts: tuple[Fact, ...]
    kpis: tuple[KpiView, ...]
    note: str = ""


@dataclass(frozen=True)
class MetricView:
    """A scalar that the cell computed."""

    name: str
    value: str
    exact: str
    change: str
    requirement: str
    tone: Tone
    history: History | None = None


@dataclass(frozen=True)
class SeriesView:
    """A value that was logged step by step."""

    name: str
    history: History
    last: str
    """As logged, whether it is a number or not."""
    note: str = ""
    """How many values are no finite numbers."""


# -- data, model -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ColumnView:
    name: str
    dtype: str
    digest: Digest | None


@dataclass(frozen=True)
class TableView:
    """An input or a frame. ``reason`` says why something about it could not be recorded."""

    name: str
    kind: str
    digest: Digest | None
    state: State
    known: str
    rows: str = ""
    width: str = ""
    size: str = ""
    cell: int | None = None
    """Counted from 1, as everywhere on the page."""
    columns: tuple[ColumnView, ...] = ()
    hidden: int = 0
    """Columns past the number that a page shows."""
    members: tuple[tuple[str, Digest], ...] = ()
    query: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelView:
    name: str
    class_: str
    digest: Digest | None
    object: Digest | None
    primary: bool
    state: State
    parameters: tuple[Fact, ...]
    reason: str = ""


@dataclass(frozen=True)
class Data:
    inputs: tuple[TableView, ...]
    outputs: tuple[TableView, ...]
    """Files that the notebook itself wrote and read again."""
    frames: tuple[TableView, ...]
    graph: Graph | None


@dataclass(frozen=True)
class Node:
    """A box of the lineage picture. ``column`` counts from the left."""

    column: int
    kind: Literal["input", "frame", "model", "metric", "more"]
    label: str
    detail: str = ""


@dataclass(frozen=True)
class Graph:
    """The lineage picture. ``edges`` are pairs of places in ``nodes``; ``text`` says the same in words."""

    columns: tuple[str, ...]
    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]
    text: str
    lines: tuple[tuple[str, tuple[str, ...]], ...]
    """Each thing that has a source, with its sources: the picture as a table."""
    hidden: str = ""
    """What stands between boxes and is only in the table, in words."""


# -- results ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """One output, made safe. ``markup`` is sanitised HTML and set only for kind ``html``; ``source`` is a
    ``data:`` URI and set only for kind ``image``; everything else is text. ``rest`` is folded."""

    kind: Literal["image", "html", "text", "error", "note"]
    text: str = ""
    rest: str = ""
    markup: str = ""
    source: str = ""
    alt: str = ""
    width: int | None = None
    height: int | None = None
    folded: bool = False
    label: str = ""


@dataclass(frozen=True)
class CellOutputs:
    """What one cell showed."""

    cell: int
    title: str
    experiment: bool
    failed: bool
    pieces: tuple[Piece, ...]
    digest: Digest | None = None
    """Names the object that holds all of it."""


@dataclass(frozen=True)
class Results:
    main: tuple[CellOutputs, ...]
    others: tuple[CellOutputs, ...]
    metrics: tuple[MetricView, ...]
    series: tuple[SeriesView, ...]
    compared: str
    """Which snapshots the histories show, in words."""
