"""What an expression of a cell stands for now, looked up and never run.

A name, columns of a table (``test[features]``, ``test.loc[:, "y"]``, ``test.drop(columns="y")``) or the array of either:
only pandas' own code is called for it. Anything else is not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, TypeGuard


class Unfollowed(Exception):
    """An expression that is not looked up: its value would have to be computed by the user's code."""


def value_of(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """What an expression means now, where that takes no code but pandas' own. Raises ``Unfollowed``."""
    if isinstance(node, ast.Name):
        if node.id not in namespace:
            raise Unfollowed(f"`{node.id}` is not there after the cell")
        return namespace[node.id]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        pass
    if isinstance(node, ast.List | ast.Tuple):
        return [one for part in node.elts for one in _elements(part, namespace)]
    if isinstance(node, ast.Slice):
        parts = (node.lower, node.upper, node.step)
        return slice(*(value_of(part, namespace) if part is not None else None for part in parts))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        one, other = value_of(node.left, namespace), value_of(node.right, namespace)
        if type(one) is list and type(other) is list:  # names of columns; `+` of anything else is computing
            return one + other
    try:
        return _table_part(node, namespace)
    except Unfollowed:
        raise
    except Exception as error:
        raise Unfollowed(f"`{ast.unparse(node)}` cannot be looked up ({type(error).__name__})") from error


def _elements(node: ast.expr, namespace: Mapping[str, Any]) -> list[Any]:
    """An element of a list; of ``*names`` those that it stands for."""
    if not isinstance(node, ast.Starred):
        return [value_of(node, namespace)]
    names = value_of(node.value, namespace)
    if type(names) in (list, tuple) or type(names).__module__.partition(".")[0] in ("pandas", "numpy"):
        return list(names)
    raise Unfollowed(f"`{ast.unparse(node)}` stands for something else than a list")


def _table_part(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    if is_indexer(node) and isinstance(node.value, ast.Attribute):
        base = _table(value_of(node.value.value, namespace), node)
        slices = node.slice
        asked: Any = (
            tuple(value_of(part, namespace) for part in slices.elts)
            if isinstance(slices, ast.Tuple)
            else value_of(slices, namespace)
        )
        return getattr(base, node.value.attr)[asked]
    if isinstance(node, ast.Subscript):
        base = _table(value_of(node.value, namespace), node)
        return base[value_of(node.slice, namespace)]
    if isinstance(node, ast.Attribute):
        base = _table(value_of(node.value, namespace), node)
        if node.attr == "values":
            return base.to_numpy()
        if type(base).__name__ == "DataFrame" and not hasattr(type(base), node.attr):
            return base[node.attr]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        words = {word.arg: value_of(word.value, namespace) for word in node.keywords if word.arg}
        given = [value_of(part, namespace) for part in node.args]
        base = _table(value_of(node.func.value, namespace), node)
        if node.func.attr == "drop" and not words.get("inplace"):
            return base.drop(*given, **words)
        if node.func.attr == "to_numpy" and not given:
            return base.to_numpy(**words)
        if node.func.attr == "copy":
            return base
    raise Unfollowed(f"`{ast.unparse(node)}` is more than a name or columns of a table")


def _table(value: Any, node: ast.expr) -> Any:
    """``value`` where it is pandas' own table, so that asking for a part of it runs nobody else's code."""
    kind = type(value)
    if kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in ("DataFrame", "Series"):
        return value
    raise Unfollowed(f"`{ast.unparse(node)}` is a part of something that is no pandas table")


def is_indexer(node: ast.expr) -> TypeGuard[ast.Subscript]:
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in ("loc", "iloc", "at", "iat")
    )
