"""Which columns of a table a notebook's code names: a new row that lacks one of these would change what the code does.

Read from the syntax trees, never by running them. A column that is only dropped is not needed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

_LEAVES_OUT = frozenset({"drop", "pop"})


def named_columns(sources: Iterable[str], columns: Iterable[str]) -> set[str]:
    """Those of ``columns`` that stand in the ``sources`` (Python) as a text, an attribute or a name in a query."""
    wanted = set(columns)
    found: set[str] = set()
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            found |= {name for name in wanted if name in source}
            continue
        found |= wanted & _said(tree)
    return found


def _said(tree: ast.AST) -> set[str]:
    said: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _LEAVES_OUT
        ):
            waiting.append(node.func.value)
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            said.add(node.value)
            said |= _words(node.value)
        elif isinstance(node, ast.Attribute):
            said.add(node.attr)
        waiting.extend(ast.iter_child_nodes(node))
    return said


def _words(text: str) -> set[str]:
    """The names in a short expression such as ``income < 40``, as ``query`` and ``eval`` take it."""
    if len(text) > 500 or "\n" in text:
        return set()
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return set()
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
