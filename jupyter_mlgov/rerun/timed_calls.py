"""What the notebook's own functions give, and its records hold, of measured time.

``def evaluate(m): ...; return score, end - start`` gives it at the second place. ``Result(name, score, end - start)`` puts
it into the field that a data class or a named tuple declares third.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

Mask = tuple[bool, ...]


class Calls:
    """``timed`` tells measured time where an expression stands, ``resolve`` gives a function's whole name."""

    def __init__(self, timed: Callable[[ast.expr], bool], resolve: Callable[[ast.AST], str]) -> None:
        self._timed = timed
        self._resolve = resolve
        self._given: dict[str, Mask | bool] = {}
        self._fields: dict[str, list[str]] = {}

    def defined(self, statement: ast.stmt) -> None:
        """Follows a function or a class, whose body was followed already."""
        if isinstance(statement, ast.FunctionDef):
            given = [
                node.value for node in ast.walk(statement) if isinstance(node, ast.Return) and node.value
            ]
            self._given.pop(statement.name, None)
            masks = [self._one(value) for value in given]
            if masks and all(mask == masks[0] for mask in masks):
                self._given[statement.name] = masks[0]
        elif isinstance(statement, ast.ClassDef):
            self._fields[statement.name] = [
                part.target.id
                for part in statement.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            ]

    def _one(self, value: ast.expr) -> Mask | bool:
        if isinstance(value, ast.Tuple | ast.List):
            return tuple(self._timed(part) for part in value.elts)
        return self._timed(value)

    def is_object(self, value: ast.expr) -> bool:
        """True for a call of one of the notebook's own classes."""
        return (
            isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in self._fields
        )

    def named_tuple(self, name: str, value: ast.expr) -> None:
        """Follows ``name = namedtuple(name, fields)``."""
        if not isinstance(value, ast.Call) or self._resolve(value.func) != "collections.namedtuple":
            return
        match value.args[1:]:
            case [ast.Constant(value=str(said))]:
                self._fields[name] = said.replace(",", " ").split()
            case [ast.List(elts=items) | ast.Tuple(elts=items)]:
                self._fields[name] = [str(one.value) for one in items if isinstance(one, ast.Constant)]

    def is_duration(self, call: ast.Call) -> bool:
        """True for a call of a function that gives nothing but measured time."""
        return isinstance(call.func, ast.Name) and self._given.get(call.func.id) is True

    def row(self, value: ast.expr) -> Mask | None:
        """Which places of what a call gives hold measured time."""
        if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
            return None
        given = self._given.get(value.func.id)
        return given if isinstance(given, tuple) else None

    def made(self, call: ast.Call) -> Iterator[tuple[str, bool]]:
        """The fields of a record, and whether they are given measured time."""
        fields = self._fields.get(call.func.id, []) if isinstance(call.func, ast.Name) else []
        if not fields:
            return
        for name, value in zip(fields, call.args, strict=False):
            yield name, self._timed(value)
        for keyword in call.keywords:
            if keyword.arg in fields:
                yield str(keyword.arg), self._timed(keyword.value)
