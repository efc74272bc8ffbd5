"""Charts of a monitor's report: both sides' histograms, and a KPI over time. As in ``charts``: SVG without scripts,
positions in percent of the width, colours from the page's classes."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from jupyter_mlgov.records.canonical import number
from jupyter_mlgov.records.monitoring import Histogram, KpiOverTime
from jupyter_mlgov.report.charts import svg

if TYPE_CHECKING:
    from markupsafe import Markup

_HISTOGRAM, _COURSE = 54, 96


def two_histograms(found: Histogram, name: str) -> Markup:
    """The reference as filled bars, the current rows as an outline over them. Nothing where another writer's histogram is
    none: as many shares as labels on both sides, from 0 to 1."""
    shares = (*found.reference, *found.current)
    if not len(found.labels) == len(found.reference) == len(found.current) or not all(
        0 <= one <= 1 for one in shares
    ):
        return svg(0, name, "c-two", "")
    most = max((*found.reference, *found.current), default=0.0) or 1.0
    width = 100 / max(len(found.reference), 1)
    bars = []
    for place, (before, now) in enumerate(zip(found.reference, found.current, strict=True)):
        left, high, line = place * width, 48 * before / most, 48 * now / most
        bars.append(
            f'<rect class="c-ground" x="{left:.2f}%" y="{52 - high:.1f}" width="{width * 0.9:.2f}%" height="{high:.1f}"/>'
            f'<line class="c-course" x1="{left:.2f}%" x2="{left + width * 0.9:.2f}%" y1="{52 - line:.1f}" '
            f'y2="{52 - line:.1f}"/>'
        )
    return svg(_HISTOGRAM, f"{name}: {_in_words(found)}", "c-two", "".join(bars))


def _in_words(found: Histogram) -> str:
    place = max(
        range(len(found.reference)),
        key=lambda one: abs(found.current[one] - found.reference[one]),
        default=None,
    )
    if place is None:
        return "no values"
    return f"the largest change is at {found.labels[place]}, from {found.reference[place]:.1%} to {found.current[place]:.1%}"


def course(kpi: KpiOverTime) -> Markup:
    """The KPI in windows of rows with their intervals, and the target as a dashed line."""
    finite: list[tuple[int, float, float, float]] = []
    for place, window in enumerate(kpi.windows):
        value, low, high = (number(one) for one in (window.value, window.low, window.high))
        if value is not None and math.isfinite(value):
            ends_of = [end if end is not None and math.isfinite(end) else value for end in (low, high)]
            finite.append((place, value, ends_of[0], ends_of[1]))
    ends = [end for _, value, low, high in finite for end in (value, low, high)] + [kpi.target]
    bottom, top = min(ends), max(ends)
    room = (top - bottom) or abs(top) * 0.1 or 1.0
    bottom, top = bottom - 0.06 * room, top + 0.06 * room

    def y(value: float) -> float:
        return round((_COURSE - 8) - (_COURSE - 16) * (value - bottom) / (top - bottom), 1)

    count = max(len(kpi.windows), 1)
    places = {place: 50.0 if count == 1 else 3 + 94 * place / (count - 1) for place in range(count)}
    level = y(kpi.target)
    parts = [f'<line class="c-goal" x1="0" x2="100%" y1="{level}" y2="{level}"/>']
    for (place, value, *_), (after, later, *_) in itertools.pairwise(finite):
        parts.append(
            f'<line class="c-line" x1="{places[place]:.2f}%" y1="{y(value)}" x2="{places[after]:.2f}%" y2="{y(later)}"/>'
        )
    for place, value, low, high in finite:
        x = places[place]
        parts.append(f'<line class="c-span" x1="{x:.2f}%" x2="{x:.2f}%" y1="{y(low)}" y2="{y(high)}"/>')
        parts.append(f'<circle class="c-dot" cx="{x:.2f}%" cy="{y(value)}" r="2.5"/>')
    return svg(_COURSE, f"{kpi.message}; over time in {count} windows", "c-history", "".join(parts))
