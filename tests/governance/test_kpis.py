from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance.kpis import OPERATORS, as_text, judge, parse_kpi, told, unite
from jupyter_mlgov.records.annotations import Kpi


@pytest.mark.parametrize(
    ("text", "kpi"),
    [
        ("auc >= 0.80", Kpi(metric="auc", op=">=", target=0.8)),
        (" auc>=.8 ", Kpi(metric="auc", op=">=", target=0.8)),
        ("recall >= 80%", Kpi(metric="recall", op=">=", target=0.8)),
        ("val/loss < 1e-3", Kpi(metric="val/loss", op="<", target=0.001)),
        ("gap ≤ -1_000", Kpi(metric="gap", op="<=", target=-1000.0)),
        ("Präzision != 1", Kpi(metric="Präzision", op="!=", target=1.0)),
    ],
)
def test_a_kpi_is_read(text: str, kpi: Kpi) -> None:
    assert parse_kpi(text) == kpi


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write it like auc >= 0.80"),
        ("auc", "no comparison"),
        ("0.5 < auc < 0.9", "more than one comparison"),
        ("0.80 <= auc", "write auc >= 0.80"),
        ("auc => 0.8", "did you mean >=?"),
        ("auc = 0.8", "did you mean ==?"),
        ("auc >= high", "not a number"),
        ("auc >= 1,000", "without separators"),
        ("auc >= nan", "not a number"),
        ("auc >= 1e999", "too large"),
        ("my metric > 1", "no name"),
        (">= 1", "names no metric"),
        ("auc >=", "not a number"),
    ],
)
def test_a_wrong_kpi_is_told_in_one_line(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_kpi(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_a_kpi_or_a_usage_error(text: str) -> None:
    try:
        assert math.isfinite(parse_kpi(text).target)
    except UsageError as error:
        assert "\n" not in str(error)


@given(st.sampled_from(OPERATORS), st.floats(-1e9, 1e9).map(lambda number: float(f"{number:.9g}")))
def test_a_kpi_can_be_read_back_from_its_text(op: str, target: float) -> None:
    kpi = Kpi(metric="auc", op=op, target=target)  # type: ignore[arg-type]
    assert parse_kpi(as_text(kpi)) == kpi


@pytest.mark.parametrize(
    ("text", "value", "met"),
    [
        ("auc >= 0.8", 0.8, True), ("auc > 0.8", 0.8, False), ("auc <= 0.8", 0.81, False), ("auc < 0.8", 0.7, True),
        ("auc == 1", True, True), ("auc != 1", 1, False), ("auc >= 0", math.nan, False), ("auc != 0", "NaN", False),
        ("auc >= 0", "Infinity", True), ("auc >= 0", "high", None), ("auc >= 0", None, None),
    ],
)  # fmt: skip
def test_a_kpi_is_met_or_not_or_not_measured(text: str, value: object, met: bool | None) -> None:
    (result,) = judge([parse_kpi(text)], {"auc": value})  # type: ignore[dict-item]
    assert (result.met, result.value) == (met, value)


def test_a_metric_that_was_not_measured_is_neither_met_nor_unmet() -> None:
    (result,) = judge([parse_kpi("auc >= 0.8")], {})
    assert (result.value, result.met) == (None, None)


def test_a_tolerance_reaches_over_the_target() -> None:
    kpis = [Kpi(metric="auc", op=op, target=0.8, tolerance=0.01) for op in (">=", "<=", "==", "!=")]  # type: ignore[arg-type]
    assert [result.met for result in judge(kpis, {"auc": 0.795})] == [True, True, True, False]
    assert [result.met for result in judge(kpis, {"auc": 0.78})] == [False, True, False, True]


def test_a_target_of_charter_and_command_is_judged_once() -> None:
    one, other = parse_kpi("mae <= 5"), parse_kpi("mae <= 5.0")
    assert [kpi.met for kpi in judge((one, other, parse_kpi("mae <= 4")), {"mae": 4.5})] == [True, False]


def test_a_target_that_is_said_in_two_places_counts_once() -> None:
    one, other = parse_kpi("auc >= 0.8"), parse_kpi("gap < 0.1")
    assert unite([one], [parse_kpi("auc >= 80%"), other]) == (one, other)


@pytest.mark.parametrize(
    ("text", "tolerance", "low", "high", "says"),
    [
        ("auc >= 0.8", None, 0.81, 0.9, True),
        ("auc >= 0.8", None, 0.7, 0.9, None),
        ("auc >= 0.8", None, 0.7, 0.79, False),
        ("auc >= 0.8", 0.03, 0.78, 0.9, True),
        ("loss < 1", 0.5, 0.9, 1.4, True),
        ("loss < 1", 0.5, 0.9, 1.6, None),
        ("rows == 5", None, 4.0, 6.0, None),
        ("rows == 5", None, 6.0, 7.0, False),
        ("rows == 5", 1.0, 4.5, 5.5, True),
        ("rows != 5", None, 4.0, 6.0, None),
        ("rows != 5", None, 6.0, 7.0, True),
        ("rows != 5", 1.0, 4.5, 5.5, False),
        ("auc >= 0.8", None, math.nan, 0.9, None),
        ("auc >= 0.8", None, -math.inf, math.inf, None),
        ("auc >= 0.8", None, 0.9, "Infinity", True),
        ("auc >= 0.8", None, None, 0.9, None),
    ],
)
def test_an_interval_says_met_or_missed_only_where_all_of_it_is(
    text: str, tolerance: float | None, low: float, high: Any, says: bool | None
) -> None:
    kpi = msgspec.structs.replace(parse_kpi(text), tolerance=tolerance)
    assert told(kpi, low, high) is says
