"""Where a set's order is used, and where it is not."""

from __future__ import annotations

import ast

import pytest

from jupyter_mlgov.rerun.replay import recorded_order
from jupyter_mlgov.rerun.set_order import Sets
from jupyter_mlgov.rerun.side import Side
from tests.rerun.making import Maker


def uses(code: str) -> list[str]:
    sets = Sets()
    return [said for statement in ast.parse(code).body for said in sets.uses(statement)]


@pytest.mark.parametrize(
    "code",
    [
        "names = list({'a', 'b'})",
        "for name in set(words): f(name)",
        "stop = {'a', 'b'}\nrows = [f(word) for word in stop]",
        "first, second = {'a', 'b'}",
        "known = set(a) & set(b)\nframe = pd.Series(tuple(known))",
        "' '.join(set(words) - {'a'})",
        "left = {'a', 'b'}\nleft.pop()",
        "key = hash('a')",
        "print(*{'a', 'b'})",
    ],
)
def test_an_order_that_is_used_is_found(code: str) -> None:
    assert uses(code)


@pytest.mark.parametrize(
    "code",
    [
        "stop = {'a', 'b'}\nwords = [word for word in text if word not in stop]",
        "names = sorted(set(words))",
        "count = len({word for word in set(words)})",
        "stop = {'a'}\nstop.update({'b'})\nprint(stop)",
        "total = sum(len(word) for word in set(words))",
        "rows = df[df.name.isin({'a', 'b'})]",
        "names = {'a'}\nnames = ['a']\nlist(names)",
    ],
)
def test_a_set_without_order_is_no_suspect(code: str) -> None:
    assert uses(code) == []


def test_a_session_is_followed_with_what_was_deleted_and_what_ran_twice(tmp_path: object) -> None:
    make = Maker(tmp_path)  # type: ignore[arg-type]
    cells = ["a = 1", "b = a", "%%experiment base\nc = b"]
    order = lambda steps: recorded_order(Side(make.store, make.baseline(cells, order=steps)))  # noqa: E731
    assert order([0, 1, 2]) is None
    assert order([0, "a = 7", 1, 2]) == (0, "a = 7", 1, 2)
    assert order([1, 0, 2]) == (1, 0, 2)
    assert order([0, 1, 1, 2]) == (0, 1, 1, 2)
    assert order([0, 2]) == (0, 2)
