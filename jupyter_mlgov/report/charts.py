"""Charts as inline SVG, drawn from small dataclasses.

Positions along the width are percentages, so a chart takes the width that it is given and its lines and text
keep their size. Colours come from the page's CSS variables through classes, so they follow light and dark.
Each has a text alternative; what is drawn is also said in words beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

_HEIGHT = 72
_TOP, _BOTTOM = 10, 62


@dataclass(frozen=True)
class Bullet:
    """A value against a target on a scale from ``low`` to ``high``."""

    value: float
    target: float
    low: float
    high: float
    op: str
    met: bool
    text: str


@dataclass(frozen=True)
class Interval:
    """A value with its interval against a threshold, on a scale from ``least`` to ``most``. ``met`` is None where it
    cannot be told."""

    value: float
    low: float
    high: float
    target: float
    least: float
    most: float
    op: str
    met: bool | None
    text: str


@dataclass(frozen=True)
class Point:
    """One value of a history. ``current`` marks the snapshot that the report is about."""

    label: str
    value: float
    shown: str
    current: bool = False
    place: float | None = None
    """Where it stands along the width, its step; without it the points are spread evenly."""


@dataclass(frozen=True)
class History:
    """A value over snapshots or steps, oldest first, with the target where there is one. A value that is not finite is a
    gap in the line."""

    points: tuple[Point, ...]
    target: float | None
    text: str


def scale(value: float, target: float) -> tuple[float, float]:
    """Ends of a bullet's scale: 0 to 1 for what looks like a share, else round numbers about both."""
    if 0 <= value <= 1 and 0 <= target <= 1:
        most = max(value, target)
        return 0.0, next((end for end in (0.1, 0.2, 0.5) if most <= end * 0.7), 1.0)
    low, high = min(0.0, value, target), max(0.0, value, target)
    step = 10 ** math.floor(math.log10(high - low)) / 2 if high - low > 1e-300 else 1.0
    bottom = math.floor(low * 1.05 / step) * step if low < 0 else 0.0
    top = math.ceil(high * 1.1 / step) * step if high > 0 else 0.0
    return (bottom, top) if top > bottom else (bottom, bottom + 1)


def bullet(chart: Bullet) -> Markup:
    """The value as a bar, the target as a line, the side of the target that is wanted as a tinted ground."""
    extent = chart.high - chart.low
    value, target, zero = (
        min(100.0, max(0.0, 100 * (one - chart.low) / extent)) for one in (chart.value, chart.target, 0.0)
    )
    wanted = ""
    if chart.op in (">=", ">"):
        wanted = f'<rect class="c-want" x="{target:.2f}%" y="4" width="{100 - target:.2f}%" height="20"/>'
    elif chart.op in ("<=", "<"):
        wanted = f'<rect class="c-want" x="0" y="4" width="{target:.2f}%" height="20"/>'
    left, right = min(zero, value), max(zero, value)
    return svg(
        28,
        chart.text,
        "c-bullet",
        '<rect class="c-ground" x="0" y="4" width="100%" height="20"/>'
        f"{wanted}"
        f'<rect class="{"c-met" if chart.met else "c-unmet"}" x="{left:.2f}%" y="10" '
        f'width="{max(right - left, 0.4):.2f}%" height="8"/>'
        f'<line class="c-target" x1="{target:.2f}%" x2="{target:.2f}%" y1="0" y2="28"/>',
    )


def interval(chart: Interval) -> Markup:
    """The interval as a bar, the value as a dot, the threshold as a line, the wanted side as a tinted ground."""
    extent = chart.most - chart.least

    def x(value: float) -> float:
        return min(100.0, max(0.0, 100 * (value - chart.least) / extent))

    goal, low, high, value = (x(one) for one in (chart.target, chart.low, chart.high, chart.value))
    left, width = (0.0, goal) if chart.op in ("<", "<=") else (goal, 100 - goal)
    kind = {True: "c-met", False: "c-unmet", None: "c-unsure"}[chart.met]
    return svg(
        16,
        chart.text,
        "c-interval",
        '<rect class="c-ground" x="0" y="2" width="100%" height="12"/>'
        f'<rect class="c-want" x="{left:.2f}%" y="2" width="{width:.2f}%" height="12"/>'
        f'<rect class="{kind}" x="{low:.2f}%" y="6" width="{max(high - low, 0.4):.2f}%" height="4"/>'
        f'<circle class="{kind}" cx="{value:.2f}%" cy="8" r="4"/>'
        f'<line class="c-target" x1="{goal:.2f}%" x2="{goal:.2f}%" y1="0" y2="16"/>',
    )


def sparkline(chart: History) -> Markup:
    """Values in order with the current one marked, and the target as a dashed line."""
    values = [point.value for point in chart.points if math.isfinite(point.value)]
    if chart.target is not None:
        values.append(chart.target)
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = (high - low) or abs(high) * 0.1 or 1.0
    low, high = low - room * 0.08, high + room * 0.08

    def y(value: float) -> float:
        return (
            math.nan
            if not math.isfinite(value)
            else round(_BOTTOM - (_BOTTOM - _TOP) * (value - low) / (high - low), 2)
        )

    count = len(chart.points)
    xs = _along([point.place for point in chart.points])
    ys = [y(point.value) for point in chart.points]
    parts = []
    if chart.target is not None:
        level = y(chart.target)
        parts.append(f'<line class="c-goal" x1="0" x2="100%" y1="{level}" y2="{level}"/>')
    parts += [
        f'<line class="c-line" x1="{xs[i]:.2f}%" y1="{ys[i]}" x2="{xs[i + 1]:.2f}%" y2="{ys[i + 1]}"/>'
        for i in range(count - 1)
        if math.isfinite(ys[i]) and math.isfinite(ys[i + 1])
    ]
    alone = {
        i for i in range(count) if all(not math.isfinite(ys[j]) for j in (i - 1, i + 1) if 0 <= j < count)
    }  # no line leads there
    for i, (x, level, point) in enumerate(zip(xs, ys, chart.points, strict=True)):
        if not math.isfinite(level):
            continue
        if point.current:
            parts.append(f'<circle class="c-now" cx="{x:.2f}%" cy="{level}" r="4.5"/>')
        elif count <= 30 or i in alone:
            parts.append(f'<circle class="c-dot" cx="{x:.2f}%" cy="{level}" r="2.5"/>')
    return svg(_HEIGHT, chart.text, "c-history", "".join(parts))


def _along(places: list[float | None]) -> list[float]:
    """Positions in per cent of the width: by the step where every point has one, else evenly."""
    known = [place for place in places if place is not None]
    if len(known) < len(places) or len(set(known)) < 2:
        known = [float(place) for place in range(len(places))]
    first, last = min(known), max(known)
    return [2 + 96 * (place - first) / (last - first) if last > first else 50.0 for place in known]


def thinned(values: Iterable[tuple[float, float]], most: int = 200) -> list[tuple[float, float]]:
    """At most ``most`` of the values, the first and the last among them, evenly spread."""
    every = list(values)
    if len(every) <= most:
        return every
    return [every[round(place * (len(every) - 1) / (most - 1))] for place in range(most)]


def svg(height: int, text: str, name: str, body: str) -> Markup:
    """A chart's frame; ``body`` is markup made of numbers and class names only."""
    from markupsafe import Markup, escape

    return Markup(  # noqa: S704 - body holds numbers and class names only
        f'<svg class="{name}" role="img" aria-label="{escape(text)}" width="100%" height="{height}">{body}</svg>'
    )
