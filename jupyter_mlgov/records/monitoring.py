"""What a monitor found: typed results that are printed, kept in the store and put on the ledger."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jupyter_mlgov.records.annotations import Kpi, Operator
from jupyter_mlgov.records.canonical import Scalar

Tell = Literal["drift", "steady", "unknown"]
"""``unknown``: too few rows to tell; the record says which effect could have been seen."""
Decision = Literal["nothing", "watch", "retrain", "roll back"]
DECISIONS: tuple[Decision, ...] = ("nothing", "watch", "retrain", "roll back")
Measure = Literal["wasserstein", "jensen-shannon", "importance", "difference"]


class Histogram(Struct, frozen=True, kw_only=True):
    """Shares of both sides in the same bins. ``labels`` name the bins: categories, or the lower ends of ranges."""

    labels: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    edges: tuple[float, ...] = ()
    """Of numbers: one more than there are bins. Empty for categories."""


class ColumnDrift(Struct, frozen=True, kw_only=True):
    """One column of the current rows against the reference.

    ``effect`` is in the unit of ``measure``: standard deviations of the reference (wasserstein), a distance from 0 to 1
    (jensen-shannon, importance), or a difference of shares. ``p`` is the test's, ``p_adjusted`` corrected for all tests
    of the run. ``detectable`` is the least effect that these numbers of rows show four times out of five.
    """

    name: str
    role: Literal["feature", "prediction", "missing", "attribution"]
    kind: Literal["number", "category"]
    measure: Measure
    effect: float
    threshold: float
    second: tuple[str, float] | None = None
    """Another measure by name: the Kolmogorov-Smirnov distance, Cramér's V, NDCG."""
    test: str
    p: float
    p_adjusted: float
    detectable: float
    reference_rows: int
    current_rows: int
    tell: Tell
    message: str
    histogram: Histogram | None = None
    low: float | None = None
    high: float | None = None
    """A 95 % interval of the effect, where one was resampled."""


class QualityProblem(Struct, frozen=True, kw_only=True):
    """Something about the rows that is wrong whatever their distribution. ``broken``: a model that gets these rows was
    not made for them; retraining on them would learn the fault."""

    column: str
    kind: Literal["missing column", "new column", "type", "missing values", "not finite", "range", "new category",
                  "constant", "duplicates"]  # fmt: skip
    rows: int
    share: float
    broken: bool
    message: str


class ChangePoint(Struct, frozen=True, kw_only=True):
    """Where a series changed its mean: between row ``row - 1`` and ``row``, counted from 0."""

    row: int
    at: str | None = None
    """The time of that row, where there are times."""
    before: float
    after: float
    effect: float
    """``after - before`` in standard deviations of the series about its own means."""
    p: float


class SeriesDrift(Struct, frozen=True, kw_only=True):
    """What a loss did over time: concept drift where its mean changed."""

    series: Literal["loss", "residual", "prediction"]
    loss: str
    rows: int
    mean: float
    reference: float | None
    """The same loss where the model was tested."""
    changes: tuple[ChangePoint, ...]
    p: float
    p_adjusted: float
    threshold: float
    detectable: float
    tell: Tell
    message: str


class KpiWindow(Struct, frozen=True, kw_only=True):
    """A KPI over one stretch of rows, with its 95 % interval."""

    start: int
    rows: int
    at: str | None
    value: Scalar
    low: Scalar
    high: Scalar


class KpiOverTime(Struct, frozen=True, kw_only=True):
    """One of the release's KPIs over the rows whose outcome is known. ``met`` is about ``value``, ``tolerance`` granted;
    ``sure`` is whether the same is true of the whole interval."""

    metric: str
    op: Operator
    target: float
    tolerance: float | None = None
    value: Scalar
    low: Scalar
    high: Scalar
    rows: int
    met: bool | None
    sure: bool
    reference: Scalar = None
    """What it was in the released snapshot."""
    windows: tuple[KpiWindow, ...] = ()
    message: str = ""

    @property
    def kpi(self) -> Kpi:
        """The target itself."""
        return Kpi(metric=self.metric, op=self.op, target=self.target, tolerance=self.tolerance)


class SliceDrift(Struct, frozen=True, kw_only=True):
    """A part of the rows, and how much what was measured (the loss, or the prediction) moved in it."""

    where: str
    measured: Literal["loss", "prediction"]
    before: float
    after: float
    rows_before: int
    rows_after: int
    effect: float
    contribution: float
    """The share of the whole change that this part carries."""
    p_adjusted: float
    tell: Tell


class MonitorRun(Struct, frozen=True, kw_only=True):
    """One monitor run in short, as the ledger tells it."""

    at: str
    release: int | None
    decision: Decision
    reasons: tuple[str, ...] = ()
    rows: int = 0
    outcomes: int = 0


class Monitoring(Struct, frozen=True, kw_only=True):
    """One monitor run, whole."""

    model: str = ""
    stage: str = ""
    release: int | None = None
    snapshot: str = ""
    at: str = ""
    since: str | None = None
    first: str | None = None
    last: str | None = None
    reference: str = ""
    """What the rows were compared with, in words."""
    reference_rows: int
    rows: int
    outcomes: int
    """Rows whose outcome is known."""
    alpha: float
    correction: Literal["holm", "benjamini-hochberg"]
    tests: int
    decision: Decision
    reasons: tuple[str, ...]
    quality: tuple[QualityProblem, ...] = ()
    columns: tuple[ColumnDrift, ...] = ()
    attributions: tuple[ColumnDrift, ...] = ()
    concept: tuple[SeriesDrift, ...] = ()
    kpis: tuple[KpiOverTime, ...] = ()
    slices: tuple[SliceDrift, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be looked at, and why."""


class Monitored(Struct, frozen=True, kw_only=True):
    """The newest monitor run of a model on a stage. ``experiment`` and ``number`` are the released snapshot's; ``current``
    says whether what it looked at is still on the stage; ``runs`` are the newest runs in short, newest first."""

    monitoring: Monitoring
    experiment: str
    number: int | None
    current: bool
    runs: tuple[MonitorRun, ...] = ()
