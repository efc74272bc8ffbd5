"""The page of what capture costs says what was measured."""

from __future__ import annotations

import importlib

import msgspec
import pytest

from tests.benchmarks import page
from tests.benchmarks.__main__ import NAMES
from tests.benchmarks.measuring import Figure, in_turns, percentile


def test_the_page_is_made_of_the_figures_that_were_kept() -> None:
    kept = page.load()
    figures = {name: msgspec.convert(one["figure"], Figure) for name, one in kept.items()}
    assert page.PAGE.read_text(encoding="utf-8") == page.page(kept, figures)
    assert list(kept) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_a_benchmark(name: str) -> None:
    assert callable(importlib.import_module(f"tests.benchmarks.{name}").measure)


def test_ways_take_turns_and_each_is_first_every_second_time() -> None:
    order: list[str] = []
    found = in_turns({name: lambda name=name: float(order.append(name) or 1) for name in "ab"}, 2)  # type: ignore[misc]
    assert order == ["b", "a", "a", "b"]
    assert found == {"a": [1.0, 1.0], "b": [1.0, 1.0]}


def test_the_95th_percentile_is_what_five_in_a_hundred_exceed() -> None:
    assert percentile(range(100), 0.95) == 95
    assert percentile([7], 0.95) == 7
