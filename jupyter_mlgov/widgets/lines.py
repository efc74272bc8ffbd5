"""A line chart as an SVG that follows the front end's theme: no library, no script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 28
_COLOURS = ("#1f77b4", "#d95f02", "#2ca02c", "#9467bd", "#c2185b", "#7a5c4f", "#17889a", "#8a8a1f")
"""Each has a contrast of 3 and more to white and to JupyterLab's dark background."""
DOTS = 120
"""Points of a line up to which each is drawn, with its name and value as a tooltip."""


def line_chart(series: Mapping[str, Sequence[tuple[str, float]]], *, title: str) -> str:
    """``series`` are named lines of ``(name of the point, value)``, oldest first. Values that are no numbers are gaps."""
    known = {
        name: [(label, value) for label, value in line if math.isfinite(value)]
        for name, line in series.items()
    }
    known = {name: line for name, line in known.items() if line}
    if not known:
        return f"<p>{escape(title)}: no value yet</p>"
    values = [value for line in known.values() for _, value in line]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - abs(low or 1) * 0.05, high + abs(high or 1) * 0.05
    most = max(len(line) for line in known.values())

    def x(place: int) -> float:
        span = WIDTH - _LEFT - _RIGHT
        return _LEFT + (span / 2 if most == 1 else span * place / (most - 1))

    def y(value: float) -> float:
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / (high - low))

    parts = [
        f"<line x1='{_LEFT}' x2='{WIDTH - _RIGHT}' y1='{y(tick):.1f}' y2='{y(tick):.1f}' stroke='currentColor' "
        f"stroke-opacity='.15'/><text x='{_LEFT - 8}' y='{y(tick) + 4:.1f}' text-anchor='end'>{tick:.4g}</text>"
        for tick in _ticks(low, high)
    ]
    for place, (_, line) in enumerate(known.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        # Lines end at the right: the newest stand above each other.
        points = [(x(most - len(line) + at), y(value)) for at, (_, value) in enumerate(line)]
        path = " ".join(f"{one:.1f},{other:.1f}" for one, other in points)
        parts.append(f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='1.8'/>")
        dots = list(zip(points, line, strict=True))
        for (one, other), (label, value) in dots if len(dots) <= DOTS else dots[-1:]:
            parts.append(
                f"<circle cx='{one:.1f}' cy='{other:.1f}' r='3' fill='{colour}'>"
                f"<title>{escape(label)}: {value:.6g}</title></circle>"
            )
    parts.append(f"<text x='{_LEFT}' y='{HEIGHT - 6}'>older</text>")
    parts.append(f"<text x='{WIDTH - _RIGHT}' y='{HEIGHT - 6}' text-anchor='end'>newest</text>")
    dot = "<span aria-hidden='true' style='color:{}'>●</span>"
    legend = "".join(
        f"<span style='white-space:nowrap'>{dot.format(_COLOURS[place % len(_COLOURS)])} {escape(name)}</span>"
        for place, name in enumerate(known)
    )
    said = f"{title}: {len(values)} values from {min(values):.4g} to {max(values):.4g}"
    return (
        f"<div style='max-width:{WIDTH}px'><div><b>{escape(title)}</b></div>"
        f"<svg role='img' aria-label='{escape(said, quote=True)}' viewBox='0 0 {WIDTH} {HEIGHT}' width='100%' "
        "style='font-size:11px;fill:var(--jp-ui-font-color2,#57606a);color:var(--jp-ui-font-color1,#1f2328)'>"
        f"{''.join(parts)}</svg><div style='display:flex;flex-wrap:wrap;gap:2px 16px'>{legend}</div></div>"
    )


def _ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers between ``low`` and ``high``."""
    raw = (high - low) / count
    scale = 10.0 ** math.floor(math.log10(raw))
    step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= raw)
    first = math.ceil(low / step)
    return [round(place * step, 12) for place in range(first, math.floor(high / step) + 1)]
