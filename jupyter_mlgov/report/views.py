"""What each section of the report shows, as data: frozen dataclasses without markup.

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


# -- risks -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckView:
    """A risk's executed evidence, with the value that each operand had."""

    expression: str
    outcome: str
    tone: Tone
    state: State
    terms: tuple[tuple[str, str, str], ...]
    """(expression, value, value with all its digits)."""
    conditions: tuple[ConditionView, ...] = ()
    slices: tuple[SliceView, ...] = ()
    error: str = ""
    duration: str = ""
    limit: str = ""


@dataclass(frozen=True)
class ConditionView:
    """One comparison: what was measured, what was asked, and the answer."""

    expression: str
    value: str
    exact: str
    wanted: str
    outcome: str
    tone: Tone


@dataclass(frozen=True)
class SliceView:
    """A measure over a slice of the test data, with its interval in words."""

    measure: str
    where: str
    value: str
    interval: str
    cases: str
    warning: str


@dataclass(frozen=True)
class RiskView:
    """A risk. ``standing`` says in words what is known to stand against it, ``tone`` how good that is."""

    id: str
    anchor: str
    level: int
    """1 (least) to 4 (most), from severity and likelihood."""
    severity: str
    likelihood: str
    status: str
    situation: str
    known: State
    standing: str
    tone: Tone
    facts: tuple[Fact, ...]
    checks: tuple[CheckView, ...]
    """Each expression by itself; empty where there is no check."""
    tags: tuple[str, ...] = ()
    history: tuple[HistoryView, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class HistoryView:
    """Something that happened to a risk."""

    at: str
    where: str
    what: str
    detail: str


@dataclass(frozen=True)
class MatrixCell:
    """``level`` is 1 (least) to 4 (most)."""

    level: int
    likelihood: str
    risks: tuple[RiskView, ...]


@dataclass(frozen=True)
class MatrixRow:
    severity: str
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class Risks:
    risks: tuple[RiskView, ...]
    likelihoods: tuple[str, ...]
    matrix: tuple[MatrixRow, ...]


# -- reproducibility -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FindingView:
    cause: str
    subject: str
    where: str
    message: str
    remedy: str
    confirmed: bool


@dataclass(frozen=True)
class ValueView:
    """A value on both sides of a comparison."""

    kind: str
    name: str
    baseline: str
    candidate: str
    difference: str
    tolerance: str
    status: str
    tone: Tone


@dataclass(frozen=True)
class CellDifference:
    cell: int
    status: str
    note: str


@dataclass(frozen=True)
class RerunView:
    """One rerun. ``readable`` is False where its comparison is no longer in the store."""

    verdict: str
    meaning: str
    tone: Tone
    at: str
    age: str
    runs: str
    duration: str
    candidate: Digest | None
    entry: str
    findings: tuple[FindingView, ...]
    values: tuple[ValueView, ...]
    cells: tuple[CellDifference, ...]
    cell_summary: str
    readable: bool


@dataclass(frozen=True)
class Reproducibility:
    latest: RerunView | None
    earlier: tuple[RerunView, ...]
    """Older reruns of this snapshot, newest first."""
    elsewhere: str
    """A verdict on another snapshot of the experiment, which says nothing about this one."""
    conditions: tuple[Fact, ...]
    """How the run was made: order of the cells, seed, tolerances."""


# -- code, environment, ledger ---------------------------------------------------------------------------


@dataclass(frozen=True)
class DiffLine:
    kind: Literal["added", "removed", "hunk", "file", "same"]
    text: str


@dataclass(frozen=True)
class CodeCell:
    index: int
    type: str
    status: str
    experiment: bool
    facts: str
    source: str


@dataclass(frozen=True)
class Code:
    facts: tuple[Fact, ...]
    modules: tuple[tuple[str, Digest], ...]
    diff: tuple[DiffLine, ...]
    diff_note: str
    experiment: CodeCell | None
    cells: tuple[CodeCell, ...]


@dataclass(frozen=True)
class Environment:
    facts: tuple[Fact, ...]
    imported: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]
    variables: tuple[Fact, ...]


@dataclass(frozen=True)
class Approval:
    decision: str
    tone: Tone
    name: str
    role: str
    message: str
    at: str
    entry: Digest
    state: State
    signature: str
    """What the signature is worth, in words."""
    key: str
    accepts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Caution:
    """Something that the reader has to know."""

    code: str
    message: str
    cell: int | None


@dataclass(frozen=True)
class Event:
    """One entry of the ledger about this snapshot."""

    at: str
    kind: str
    what: str
    author: str
    entry: Digest


@dataclass(frozen=True)
class Digests:
    named: tuple[Fact, ...]
    events: tuple[Event, ...]
