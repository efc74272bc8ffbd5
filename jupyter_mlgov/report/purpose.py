"""What the model is for and how good it is: charter, KPIs against their targets, metrics with their history."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jupyter_mlgov.governance.cards import amounts_text, threshold_text
from jupyter_mlgov.records.annotations import Charter as CharterRecord
from jupyter_mlgov.records.annotations import KpiResult
from jupyter_mlgov.records.canonical import Scalar, number
from jupyter_mlgov.report.charts import Bullet, History, Point, scale, thinned
from jupyter_mlgov.report.evidence import Fact, State, Tone
from jupyter_mlgov.report.views import Charter, KpiView, MetricView, SeriesView
from jupyter_mlgov.report.wording import amount, apart, counted, exactly, finite, target, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record

_SIGNS = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}
FIELDS = (
    ("owner", "Owner"),
    ("business_case", "Business case"),
    ("intended_use", "Intended use"),
    ("users", "Users"),
    ("out_of_scope", "Out of scope"),
    ("feasibility", "Feasibility"),
    ("stop_criteria", "Stop criteria"),
)


def charter(record: Record) -> Charter:
    """The charter as it stands, each field asserted or missing, with the KPIs of the run."""
    held = record.charter
    facts = tuple(
        Fact(label, tidy(value), "asserted") if value else Fact(label, "not written down", "missing")
        for name, label in FIELDS
        for value in [getattr(held, name, None)]
    )
    if held is not None:
        facts += _decisions(held)
    note = (
        "The charter was written or changed after the run; this is the newest one."
        if record.charter_later
        else ""
    )
    return Charter(
        present=held is not None,
        facts=facts if held is not None else (),
        kpis=tuple(_kpi(kpi) for kpi in record.kpis),
        note=note,
    )


def _decisions(held: CharterRecord) -> tuple[Fact, ...]:
    """What its decisions are worth and where they are made, as far as the charter says so."""
    facts = [
        Fact(label, tidy(amounts_text(amounts), 1000), "asserted")
        for label, amounts in (
            ("Value of a right decision", held.value_of_right),
            ("Cost of a wrong decision", held.cost_of_wrong),
        )
        if amounts
    ]
    if held.threshold is not None:
        facts.append(Fact("Decision threshold", tidy(threshold_text(held.threshold), 300), "asserted"))
    if held.test_data is not None:
        named = [
            f"{name} {value}"
            for name, value in (
                ("truth", held.test_data.truth),
                ("rows of", held.test_data.frame),
                ("predictions", held.test_data.predicted),
                ("score", held.test_data.score),
            )
            if value
        ]
        facts.append(Fact("Test data", tidy(", ".join(named), 500), "asserted"))
    return tuple(facts)


def requirement(kpi: KpiResult) -> str:
    """``≥ 0.80``, with the tolerance where there is one."""
    allowed = f" (± {target(kpi.tolerance)})" if kpi.tolerance else ""
    return f"{_SIGNS.get(kpi.op, kpi.op)} {target(kpi.target)}{allowed}"


def _kpi(kpi: KpiResult) -> KpiView:
    outcomes: dict[bool | None, tuple[str, Tone, State]] = {
        True: ("met", "good", "measured"),
        False: ("not met", "bad", "measured"),
        None: ("not measured", "warn", "missing"),
    }
    outcome, tone, state = outcomes[kpi.met]
    wanted, value = requirement(kpi), finite(kpi.value)
    chart, low, high = None, 0.0, 0.0
    if value is not None and kpi.met is not None and math.isfinite(kpi.target):
        low, high = scale(value, kpi.target)
        words = f"{tidy(kpi.metric, 80)} is {_told(kpi, value)}, the target is {wanted}: {outcome}"
        chart = Bullet(value, kpi.target, low, high, kpi.op, kpi.met, words)
    return KpiView(
        metric=tidy(kpi.metric, 200),
        requirement=wanted,
        value=_told(kpi, value) if kpi.value is not None else "no value",
        exact=exactly(kpi.value) if kpi.value is not None else "",
        outcome=outcome,
        tone=tone,
        state=state,
        margin=_margin(kpi, value),
        split=tidy(kpi.split or "", 200),
        description=tidy(kpi.description or ""),
        bullet=chart,
        low=target(low),
        high=target(high),
    )


def _told(kpi: KpiResult, value: float | None) -> str:
    """The value with the digits that tell it from its target."""
    if value is None or isinstance(kpi.value, bool) or not math.isfinite(kpi.target):
        return amount(_value(kpi.value))
    return apart(value, kpi.target)[0]


def _margin(kpi: KpiResult, value: float | None) -> str:
    if value is None or kpi.op in ("==", "!="):
        return ""
    gap = value - kpi.target
    if gap == 0:
        return "exactly on target"
    return f"{amount(abs(gap))} {'above' if gap > 0 else 'below'} target"


def _value(value: Scalar) -> Scalar:
    """A recorded number as a number: ``"NaN"`` too."""
    return number(value) if isinstance(value, str) and number(value) is not None else value


def metrics(record: Record) -> tuple[MetricView, ...]:
    """The run's metrics those with a target first, with their values in the snapshots before."""
    kpis = {kpi.metric: kpi for kpi in reversed(record.kpis)}
    held = record.manifest.metrics
    first = [kpi.metric for kpi in record.kpis if kpi.metric in held]
    return tuple(_metric(record, name, held[name], kpis.get(name)) for name in dict.fromkeys([*first, *held]))


def _metric(record: Record, name: str, value: Scalar, kpi: KpiResult | None) -> MetricView:
    points = [
        Point(f"@{one.number}", found, amount(one.metrics[name]), current=one.id == record.id)
        for one in record.past
        if (found := finite(one.metrics.get(name))) is not None and not isinstance(one.metrics[name], bool)
    ]
    history = None
    goal = kpi.target if kpi is not None and math.isfinite(kpi.target) else None
    shown = tidy(name, 200)
    if len(points) > 1:
        span = f"{shown} over {len(points)} snapshots: " + ", ".join(
            f"{point.label} {point.shown}" for point in points[-12:]
        )
        history = History(
            tuple(points), goal, span + (f"; target {amount(goal)}" if goal is not None else "")
        )
    tones: dict[bool | None, Tone] = {True: "good", False: "bad", None: "quiet"}
    return MetricView(
        name=shown,
        value=amount(_value(value)),
        exact=exactly(value),
        change=_change(points),
        requirement=requirement(kpi) if kpi is not None else "",
        tone=tones[kpi.met] if kpi is not None else "quiet",
        history=history,
    )


def _change(points: list[Point]) -> str:
    if len(points) < 2 or not points[-1].current:
        return ""
    step = points[-1].value - points[-2].value
    if step == 0:
        return f"as in {points[-2].label}"
    return f"{'+' if step > 0 else '−'}{amount(abs(step))} since {points[-2].label}"


def series(record: Record) -> tuple[SeriesView, ...]:
    """Values that were logged step by step."""
    made = []
    for name, steps in record.manifest.series.items():
        values = [(float(step), found) for step, value in steps if (found := number(value)) is not None]
        if not values:
            continue
        kept = thinned(values)
        points = tuple(
            Point(f"step {amount(step)}", value, amount(value), place=step if math.isfinite(step) else None)
            for step, value in kept
        )
        last = points[-1]
        known = [value for _, value in values if math.isfinite(value)]
        lost = len(values) - len(known)
        text = (
            f"{tidy(name, 200)} over {counted(len(values), 'step')}, from {points[0].shown} to {last.shown}"
        )
        if known:
            text += f"; lowest {amount(min(known))}, highest {amount(max(known))}"
        note = f"{counted(lost, 'value is', 'values are')} not finite" if lost else ""
        if lost:
            text += f"; {note}"
        made.append(SeriesView(tidy(name, 200), History(points, None, text), last.shown, note))
    return tuple(made)
