"""A check's expression as text: which names it takes from the session, and which of its calls measure a slice."""

from __future__ import annotations

import ast
import builtins
import inspect
import symtable
from collections.abc import Mapping
from typing import Any

from jupyter_mlgov.governance.slices import MEASURES

ASSESS = "assess"
"""What a check calls to have the value of a test of the snapshot's assessment."""
FIGURES_LIMIT = 2_000
"""Characters of an expression that is evaluated outside the session in which it was typed."""


def parse(expression: str) -> tuple[str, ast.Expression]:
    """The text that was parsed, and its tree; an expression that goes over several lines needs no brackets of its own."""
    text = expression.strip()
    try:
        return text, ast.parse(text, "<check>", "eval")
    except SyntaxError:
        if "\n" not in text:
            raise
        text = f"(\n{text}\n)"
        return text, ast.parse(text, "<check>", "eval")


def names_read(expression: str) -> set[str]:
    """The names that ``expression`` takes from the session: when one changes, its answer is out of date.

    A builtin that is only called (``abs(gap)``) is left out; what a called function reads by itself is not
    known here. Empty for what does not parse.
    """
    try:
        _, tree = parse(expression)
        table = symtable.symtable(ast.unparse(tree), "<check>", "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    free: set[str] = set()
    tables = [table]
    while tables:
        scope = tables.pop()
        free |= {
            symbol.get_name()
            for symbol in scope.get_symbols()
            if symbol.is_global() and symbol.is_referenced()
        }
        if scope is table:
            free |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_referenced()}
        tables.extend(scope.get_children())
    assigned = {node.target.id for node in ast.walk(tree) if isinstance(node, ast.NamedExpr)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    as_values = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
    return {name for name in free - assigned if name in as_values or not hasattr(builtins, name)}


def is_measure(expression: str, name: str, namespace: Mapping[str, Any]) -> bool:
    """Whether ``name`` is only ever called as a measure in ``expression``."""
    try:
        _, tree = parse(expression)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    called = {
        id(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and calls_measure(node, namespace)
    }
    places = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
    return bool(places) and all(id(place) in called for place in places)


def asks_assessment(expression: str) -> bool:
    """Whether a check rests on the snapshot's assessment."""
    try:
        _, tree = parse(expression)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(
        isinstance(node, ast.Call) and getattr(node.func, "id", None) == ASSESS for node in ast.walk(tree)
    )


_OF_FIGURES = (
    ast.Expression, ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop, ast.Compare, ast.BinOp, ast.Load,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
)  # fmt: skip
_PLAIN_CALLS = ("abs", "max", "min", "round")


def beyond_figures(expression: str) -> str | None:
    """The first part of ``expression`` that does more than compare and reckon with numbers and ``assess("...")``; None
    where there is no such part. Only what has none is evaluated outside the session in which it was typed: a record may
    come from anybody, and a check is Python."""
    if len(expression) > FIGURES_LIMIT:
        return "its length"
    try:
        text, tree = parse(expression)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return expression
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
            if node.func.id == ASSESS and len(node.args) == 1 and _is_text(node.args[0]):
                continue
            if node.func.id in _PLAIN_CALLS and node.args:
                nodes += node.args
                continue
        if isinstance(node, ast.Constant) and type(node.value) in (bool, int, float):
            continue
        if not isinstance(node, _OF_FIGURES):
            # An operator has no place of its own in the text.
            return (isinstance(node, ast.expr) and ast.get_source_segment(text, node)) or text
        nodes += ast.iter_child_nodes(node)
    return None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def calls_measure(node: ast.Call, namespace: Mapping[str, Any]) -> bool:
    """Whether a call means a measure of ``slices``: the session has no function of that name, or one that knows
    no ``slice``."""
    if not isinstance(node.func, ast.Name) or node.func.id not in (*MEASURES, ASSESS):
        return False
    held = namespace.get(node.func.id)
    if node.func.id == ASSESS:
        return not callable(held)
    if not callable(held):
        return True
    if not any(keyword.arg == "slice" for keyword in node.keywords):
        return False
    try:
        return "slice" not in inspect.signature(held).parameters
    except (TypeError, ValueError):
        return True
