"""Texts token by token: numbers by value, clocks by their run, layout not at all."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jupyter_mlgov.rerun.clock import Moment
from jupyter_mlgov.rerun.numbers import compare_numbers
from jupyter_mlgov.rerun.texts import Context, Known, compare_texts

BEFORE = Moment(datetime(2026, 11, 21, 8, tzinfo=UTC), datetime(2026, 11, 24, 8, tzinfo=UTC), True)
AFTER = Moment(datetime(2026, 11, 24, 10, 0, tzinfo=UTC), datetime(2026, 11, 24, 10, 4, tzinfo=UTC), False)
RUNS = Context(BEFORE, AFTER)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-11-23", "2026-11-24"),
        ("trained 2026-11-24 07:00:01.123", "trained 2026-11-24 11:03:04.5"),
        ("2026-11-23T07:00:01Z", "2026-11-24T10:03:04Z"),
        ("Time: 07:00:01", "Time: 10:01:02"),
        ("Mon, 23 Nov 2026", "Tue, 24 Nov 2026"),
        ("Mon Nov 23 08:01:02 2026", "Tue Nov 24 10:03:02 2026"),
        ("Mon Nov 23 08:01:02 UTC 2026", "Tue Nov 24 10:03:02 UTC 2026"),
        ("2026-11-23 07:00:01,123 INFO [4711 MainThread] done", "2026-11-24 10:03:02,4 INFO [812 MainThread] done"),
        ("November 23, 2026", "November 24, 2026"),
        ("datetime.datetime(2026, 11, 23, 8, 1, 2, 3)", "datetime.datetime(2026, 11, 24, 10, 1, 2, 3)"),
        ("datetime.date(2026, 11, 23)", "datetime.date(2026, 11, 24)"),
        ("24/11/2026", "23/11/2026"),
        ("run_20261123_070101", "run_20261124_100101"),
        ("saved models/run_20261123_070101.bin", "saved models/run_20261124_100101.bin"),
        (str(datetime(2026, 11, 24, 7, tzinfo=UTC).timestamp()), str(datetime(2026, 11, 24, 10, 3, tzinfo=UTC).timestamp())),
    ],
)  # fmt: skip
def test_a_clock_that_reads_its_own_run_is_noise(one: str, other: str) -> None:
    assert compare_texts(one, other, RUNS).closeness == "noise"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("last payment 2019-05-01", "last payment 2019-05-02"),
        ("2026-11-23", "2019-05-01"),
        ("2019-05-01", "2026-11-24"),
        ("peak at 14:23:05", "peak at 17:23:05"),
        ("1 days 02:03:04", "1 days 02:03:05"),
        ("31/12/2018", "30/12/2018"),
        ("2026-13-45", "2026-13-46"),
        ("1795510571", "1995510571"),
        ("batch_20190501_070101", "batch_20190502_070101"),
    ],
)
def test_any_other_date_or_time_is_a_result(one: str, other: str) -> None:
    assert compare_texts(one, other, RUNS).closeness == "different"


def test_without_the_moments_of_the_runs_every_date_is_a_result() -> None:
    assert compare_texts("2026-11-23", "2026-11-24", Context()).closeness == "different"


def test_between_two_interactive_sessions_a_time_needs_a_label() -> None:
    both = Context(BEFORE, BEFORE)
    assert compare_texts("Time: 08:36:11", "Time: 09:12:13", both).closeness == "noise"
    assert compare_texts("best lap 08:36:11", "best lap 09:12:13", both).closeness == "different"


@pytest.mark.parametrize(
    ("one", "other", "closeness"),
    [
        ("[ 0.1 -0.2]", "[ 0.1  -0.2000000000001]", "equivalent"),
        ("0.1", "0.10", "noise"),
        ("a   b", "a b", "noise"),
        ("x = [1,\n 2]", "x = [1, 2]", "noise"),
        ("1,234", "1,235", "different"),
        ("10000000001", "10000000002", "different"),
        ("1,234,567,890", "1,234,567,891", "different"),
        ("9007199254740993", "9007199254740992", "different"),
        ("9,007,199,254,740,993", "9007199254740993", "noise"),
        ("x1 = 3", "x2 = 3", "different"),
        ("0.83", "0.84", "different"),
        ("0.83 good", "0.83", "different"),
        ("nan", "0.1", "different"),
        ("-0.5", "0.5", "different"),
        ("\u22120.5", "-0.5", "noise"),
    ],
)
def test_numbers_count_by_value_and_words_by_letter(one: str, other: str, closeness: str) -> None:
    assert compare_texts(one, other, RUNS).closeness == closeness


def test_a_printed_metric_differs_no_more_than_the_metric() -> None:
    known = Context(known=(Known("auc", 0.83121, 0.83161),))
    assert compare_texts("auc: 0.8312 (83.1 %)", "auc: 0.8316 (83.2 %)", known).closeness == "equivalent"
    assert compare_texts("auc: 0.8312", "auc: 0.8399", known).closeness == "different"
    assert compare_texts("f1: 0.70", "f1: 0.71", known).closeness == "different"


@pytest.mark.parametrize(
    ("one", "other", "closeness"),
    [
        ("0.834 of them", "0.836 of them", "equivalent"),  # three digits
        ("ROC-AUC: 0.83", "ROC-AUC: 0.84", "equivalent"),  # the metric's name
        ("Test AUC (in per cent): 83", "Test AUC (in per cent): 84", "equivalent"),
        ("83 customers", "84 customers", "different"),
        ("0.83 of the customers", "0.84 of the customers", "different"),
        ("auc_rank: 83", "auc_rank: 84", "different"),
        ("auc 0.8341\nclusters: 83", "auc 0.8358\nclusters: 84", "different"),
    ],
)
def test_a_number_of_two_digits_is_a_metric_only_beside_its_name(
    one: str, other: str, closeness: str
) -> None:
    known = Context(known=(Known("auc", 0.8341, 0.8358),))
    assert compare_texts(one, other, known).closeness == closeness


def test_a_bare_number_is_the_metric_that_its_cell_names() -> None:
    known = Context(known=(Known("auc", 0.8341, 0.8358),))
    printing, counting = known.of("print(round(auc, 2))"), known.of("print(share)")
    assert compare_texts("0.83", "0.84", printing).closeness == "equivalent"
    assert compare_texts("0.83", "0.84", counting).closeness == "different"
    assert compare_texts("83", "84", printing).closeness == "different"


def test_the_note_shows_the_line_that_differs() -> None:
    found = compare_texts("rows 10\nauc 0.83\nend", "rows 10\nauc 0.79\nend", RUNS, what="it printed")
    assert found.note == "it printed: `auc 0.83` before, `auc 0.79` now"


def test_a_path_in_a_sandbox_is_the_path_in_the_project() -> None:
    one, other = "reading /home/ada/work/loans.csv", "reading /tmp/mlgov-sandbox-ab12cd34/loans.csv"
    assert compare_texts(one, other, RUNS).closeness == "noise"
    assert compare_texts(one, "reading /tmp/mlgov-sandbox-ab12cd34/other.csv", RUNS).closeness == "different"


@pytest.mark.parametrize(
    ("one", "other", "tolerance", "closeness"),
    [
        (1.0, 1.0, None, "same"),
        (float("nan"), float("nan"), None, "same"),
        (float("nan"), 1.0, None, "different"),
        (float("inf"), float("inf"), None, "same"),
        (float("inf"), 1.0, 1e9, "different"),
        (0.1 + 0.2, 0.3, None, "equivalent"),
        (1e-17, -3e-17, None, "equivalent"),
        (1e-12, 2e-12, None, "different"),
        (0.830, 0.831, 1e-3, "equivalent"),
        (0.830, 0.8311, 1e-3, "different"),
        (5, 6, 0.0, "different"),
        (9007199254740993, 9007199254740992, 0.0, "different"),
        (9007199254740993, 9007199254740993, 0.0, "same"),
        (9007199254740993, 9007199254740992, 1.0, "equivalent"),
        (10**400, 10**400 + 1, 0.0, "different"),
        (10**400, 1.0, None, "different"),
    ],
)
def test_numbers_within_the_tolerance_are_equivalent(
    one: float, other: float, tolerance: float | None, closeness: str
) -> None:
    assert compare_numbers(one, other, tolerance=tolerance) == closeness
