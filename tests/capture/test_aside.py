"""Works that are handed over together are given up one by one."""

from __future__ import annotations

import threading
import time

import pytest

from jupyter_mlgov.capture.aside import Aside, Overrun


def fail() -> None:
    raise ZeroDivisionError("by nought")


def test_each_result_stands_in_its_place_and_a_failure_ends_none_of_the_others() -> None:
    with Aside(30) as aside:
        first, failed, last = aside.in_turn([lambda: 1, fail, lambda: threading.current_thread().name])
    assert (first, last) == (1, "mlgov-capture")
    assert isinstance(failed, ZeroDivisionError)


def test_they_run_in_their_order_so_that_one_may_use_what_the_one_before_found() -> None:
    found: list[int] = []
    with Aside(30) as aside:
        lengths = aside.in_turn([lambda: found.append(1), lambda: found.append(2), lambda: tuple(found)])
    assert lengths[-1] == (1, 2)


def test_what_takes_longer_than_the_budget_is_given_up_with_all_after_it() -> None:
    def endless() -> None:
        while True:
            time.sleep(0.001)

    with Aside(0.2) as aside:
        first, second, third = aside.in_turn([lambda: "made", endless, lambda: "never"])
    assert first == "made"
    assert isinstance(second, Overrun)
    assert isinstance(third, Overrun)
    assert "0.2 s" in str(third)


def test_what_ends_the_interpreter_is_not_taken_for_a_result() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with Aside(30) as aside, pytest.raises(SystemExit):
        aside.in_turn([lambda: 1, leave, lambda: 2])
