from __future__ import annotations

import pytest

from jupyter_mlgov.capture.names import is_literal, names_of


def test_a_scalar_from_a_literal_is_a_constant_and_a_computed_one_is_not() -> None:
    names = names_of("C = 0.1\nn = -3\nsolver = 'lbfgs'\nauc = score(C)\n")
    assert names.constants == ("C", "n", "solver")
    assert names.computed == ("auc",)


def test_a_counter_that_starts_from_a_literal_is_computed() -> None:
    names = names_of("n = 0\nfor x in xs:\n    n += x\n")
    assert names.constants == ()
    assert names.computed == ("n",)


@pytest.mark.parametrize(
    "code",
    ["for i in range(3): pass", "import i", "with open(p) as i: pass", "def i(): pass", "class i: pass",
     "try: pass\nexcept E as i: pass", "from a import i"],
)  # fmt: skip
def test_loop_variables_imports_and_definitions_are_neither(code: str) -> None:
    names = names_of(code)
    assert "i" in names.sets
    assert "i" not in names.constants + names.computed


def test_tuples_are_taken_apart() -> None:
    names = names_of("a, b = 1, 2\ntrain, test = split(a)\n")
    assert names.constants == ("a", "b")
    assert names.computed == ("train", "test")


def test_a_name_is_used_when_it_was_not_bound_in_the_cell_before() -> None:
    names = names_of("y = x + 1\nz = y\ndf['k'] = z\n")
    assert names.uses == ("x", "df")
    assert "df" in names.sets


def test_what_a_function_reads_from_outside_is_used_and_its_own_names_are_not() -> None:
    names = names_of("def f(a, *b, **c):\n    d = a + g\n    return [e for e in d]\n")
    assert names.uses == ("g",)
    assert names.sets == ("f",)


def test_what_a_cell_binds_before_a_comprehension_or_a_function_is_not_needed_from_outside() -> None:
    names = names_of(
        "from m import score\nrows = [1]\nmade = [score(r) for r in rows]\ndef f():\n    return rows, later\nlater = 2\n"
    )
    assert names.uses == ("later",)  # a function may be called before it is set


def test_environment_variables_are_named() -> None:
    names = names_of(
        "import os\nos.environ['A']\nos.getenv('B', 'x')\nos.environ.get('C')\n'D' in os.environ\n"
    )
    assert names.variables == ("A", "B", "C", "D")


def test_code_that_does_not_parse_has_no_names() -> None:
    assert names_of("def (").sets == ()
    assert names_of("x = 1\x00").sets == ()


@pytest.mark.parametrize(("code", "literal"), [("1", True), ("-1.5", True), ("60 * 60", True), ("'a'", True),
                                               ("f(1)", False), ("[1]", False), ("x", False), ("f'{x}'", False)])  # fmt: skip
def test_literals(code: str, literal: bool) -> None:
    import ast

    assert is_literal(ast.parse(code, mode="eval").body) is literal
