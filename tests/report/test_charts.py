"""Charts say in words what they draw, and draw what is so."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.report.charts import Bullet, History, Point, bullet, scale, sparkline, thinned

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def percent(text: str | None) -> float:
    assert text is not None
    assert text.endswith("%")
    return float(text[:-1])


def test_a_value_above_its_target_reaches_past_the_line() -> None:
    svg = parsed(bullet(Bullet(0.8, 0.75, 0, 1, ">=", True, "auc is 0.8")))
    bar, line = svg.find("rect[@class='c-met']"), svg.find("line[@class='c-target']")
    assert bar is not None
    assert line is not None
    assert percent(bar.get("width")) == 80
    assert percent(line.get("x1")) == 75
    wanted = svg.find("rect[@class='c-want']")
    assert wanted is not None
    assert percent(wanted.get("x")) == 75


def test_a_value_that_misses_is_marked_otherwise() -> None:
    assert "c-unmet" in bullet(Bullet(0.8, 0.9, 0, 1, ">=", False, "x"))


def test_charts_have_a_text_alternative_that_is_escaped() -> None:
    text = '"><script>alert(1)</script>'
    for svg in (
        bullet(Bullet(0.8, 0.75, 0, 1, "==", True, text)),
        sparkline(History((Point("@1", 1.0, "1"), Point("@2", 2.0, "2", current=True)), 1.5, text)),
    ):
        root = parsed(svg)
        assert root.get("role") == "img"
        assert root.get("aria-label") == text
        assert "<script" not in svg


def test_history_marks_the_current_point_and_draws_the_target() -> None:
    points = (Point("@1", 0.7, "0.7"), Point("@2", 0.8, "0.8", current=True), Point("@3", 0.75, "0.75"))
    root = parsed(sparkline(History(points, 0.75, "auc")))
    assert len(root.findall("line[@class='c-line']")) == 2
    assert len(root.findall("circle[@class='c-now']")) == 1
    goal, last = root.find("line[@class='c-goal']"), root.findall("circle[@class='c-dot']")[-1]
    assert goal is not None
    assert goal.get("y1") == last.get("cy")


@given(NUMBERS, NUMBERS)
def test_a_scale_holds_value_and_target(value: float, target: float) -> None:
    low, high = scale(value, target)
    assert low < high
    assert low <= min(value, target, 0 if low < 0 else value)
    assert max(value, target) <= high or math.isclose(max(value, target), high, abs_tol=1e-9)


@given(st.lists(NUMBERS, min_size=1, max_size=50), st.none() | NUMBERS)
def test_a_history_of_any_values_stays_inside_its_frame(values: list[float], target: float | None) -> None:
    svg = sparkline(History(tuple(Point(str(i), v, "") for i, v in enumerate(values)), target, "x"))
    assert "nan" not in svg
    heights = [float(y) for y in re.findall(r'(?:y1|y2|cy)="([^"]*)"', svg)]
    assert all(0 <= y <= 72 for y in heights)


def test_thinning_keeps_both_ends() -> None:
    kept = thinned([(float(i), float(i)) for i in range(5000)])
    assert len(kept) == 200
    assert kept[0] == (0.0, 0.0)
    assert kept[-1] == (4999.0, 4999.0)


def test_a_value_that_is_no_number_is_a_gap_and_steps_stand_where_they_are() -> None:
    values = [(0.0, 0.9), (1.0, 0.5), (50.0, math.nan), (100.0, 0.4)]
    points = tuple(Point(f"step {step}", value, str(value), place=step) for step, value in values)
    drawn = str(sparkline(History(points, None, "loss")))
    assert re.findall(r'x1="([\d.]+)%" y1="[\d.]+" x2="([\d.]+)%"', drawn) == [("2.00", "2.96")]
    assert drawn.count("<circle") == 3
    assert "nan" not in drawn
    none = tuple(Point("", math.inf, "∞", place=step) for step in (0.0, 1.0))
    assert "<circle" not in str(sparkline(History(none, None, "loss")))
