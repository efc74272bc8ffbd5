"""Pictures as SVG: the same bytes for the same numbers, no scripts, no fonts to load."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_INK, _QUIET, _UP, _DOWN = "#1f2933", "#9aa5b1", "#c2410c", "#1d4ed8"
_SETTINGS = {
    "svg.hashsalt": "mlgov",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": _QUIET,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Curve:
    """Points against the diagonal; ``sizes`` are the rows behind each."""

    title: str
    x: Sequence[float]
    y: Sequence[float]
    sizes: Sequence[int]
    x_label: str
    y_label: str


@dataclass(frozen=True)
class Bar:
    """One labelled value; ``low`` and ``high`` where it has an interval."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None


def curve(chart: Curve) -> bytes:
    """A reliability diagram."""

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=_QUIET, linewidth=1, linestyle=(0, (4, 3)))
        most = max(chart.sizes)
        areas = [20 + 60 * size / most for size in chart.sizes]
        axes.plot(chart.x, chart.y, color=_DOWN, linewidth=1.2)
        axes.scatter(chart.x, chart.y, s=areas, color=_DOWN)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_xlabel(chart.x_label)
        axes.set_ylabel(chart.y_label)

    return _svg(draw, 4.2, 3.6, chart.title)


def bars(title: str, chart: Sequence[Bar], x_label: str) -> bytes:
    """Horizontal bars, the first on top, with their intervals."""

    def draw(axes: Any) -> None:
        places = list(range(len(chart)))[::-1]
        axes.barh(places, [one.value for one in chart], color=_DOWN, height=0.62)
        for place, one in zip(places, chart, strict=True):
            if one.low is not None and one.high is not None:
                axes.plot([one.low, one.high], [place, place], color=_INK, linewidth=1.2)
        axes.set_yticks(places, [shortened(one.label) for one in chart])
        axes.set_xlabel(x_label)

    return _svg(draw, 6.2, 0.9 + 0.26 * len(chart), title)


def steps(title: str, base: float, chart: Sequence[Bar], x_label: str) -> bytes:
    """From ``base`` to the output of one row, effect by effect, the largest on top."""

    def draw(axes: Any) -> None:
        at = base
        places = list(range(len(chart)))[::-1]
        ends = []
        for one in reversed(chart):
            ends.append((at, at + one.value))
            at += one.value
        for place, one, (start, end) in zip(places, chart, reversed(ends), strict=True):
            axes.barh(place, end - start, left=start, color=_UP if one.value > 0 else _DOWN, height=0.62)
            axes.text(max(start, end), place, f" {one.value:+.3g}", va="center", fontsize=8)
        axes.axvline(base, color=_QUIET, linewidth=1, linestyle=(0, (4, 3)))
        axes.axvline(at, color=_INK, linewidth=1)
        axes.set_yticks(places, [shortened(one.label, 44) for one in chart])
        axes.margins(x=0.12)
        axes.set_xlabel(x_label)

    return _svg(draw, 6.4, 1.0 + 0.28 * len(chart), title)


def shortened(text: str, most: int = 34) -> str:
    """A label that fits beside its bar."""
    text = " ".join(str(text).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _svg(draw: Any, width: float, height: float, title: str) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.set_title(shortened(title, 90), fontsize=10, loc="left")
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()
