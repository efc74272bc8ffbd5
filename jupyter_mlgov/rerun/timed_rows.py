"""Rows of a table that the code collects, and which of their places hold measured time.

``rows.append([name, score, end - start])`` puts it at the third place, and ``DataFrame(rows, columns=[...])`` says what
that place is called.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

Mask = tuple[bool, ...]
Named = tuple[str, bool]
"""A heading, and whether what stands below it is measured time."""


class Rows:
    """What the names of a session hold in rows. ``timed`` tells measured time, ``resolve`` gives a function's whole
    name, ``given`` what a call of the notebook's own gives."""

    def __init__(
        self,
        timed: Callable[[ast.expr], bool],
        resolve: Callable[[ast.AST], str],
        given: Callable[[ast.expr], Mask | None],
    ) -> None:
        self._timed = timed
        self._given = given
        self._resolve = resolve
        self._rows: dict[str, Mask] = {}
        self._headed: dict[str, list[str]] = {}

    def assigned(self, targets: Sequence[ast.expr], value: ast.expr) -> Iterator[Named]:
        """Follows ``targets = value``; gives the headings that it says something of."""
        for target in targets:
            match target:
                case ast.Name(id=name):
                    self._rows.pop(name, None)
                    self._headed.pop(name, None)
                    mask = self.mask(value)
                    if mask is not None:
                        self._rows[name] = mask
                    columns = self._columns(value)
                    if columns and not self._data(value):
                        self._headed[name] = columns
                case ast.Attribute(value=ast.Name(id=name), attr="columns"):
                    yield from _named(_texts(value), self._rows.get(name))
                case ast.Subscript(value=ast.Attribute(value=ast.Name(id=name), attr="loc" | "iloc")):
                    row = self._row(value)
                    yield from _named(self._headed.get(name, []), row)

    def appended(self, owner: ast.expr, call: ast.Call) -> None:
        """Follows ``rows.append([...])``."""
        if not isinstance(owner, ast.Name):
            return
        row = self._row(call.args[0]) if len(call.args) == 1 else None
        known = self._rows.get(owner.id)
        if row is None or (known is not None and len(known) != len(row)):
            self._rows.pop(owner.id, None)
            return
        self._rows[owner.id] = row if known is None else _both(known, row)

    def made(self, call: ast.Call) -> Iterator[Named]:
        """The headings of ``DataFrame(rows, columns=[...])``, and the name of a ``Series`` of durations."""
        name = self._resolve(call.func)
        data = self._data(call)
        if name == "pandas.Series" and data and self._timed(data[0]):
            named = next((one.value for one in call.keywords if one.arg == "name"), None)
            if isinstance(named, ast.Constant) and isinstance(named.value, str):
                yield named.value, True
        columns = self._columns(call)
        if columns and data:
            yield from _named(columns, self.mask(data[0]))

    def _data(self, value: ast.expr) -> list[ast.expr]:
        if not isinstance(value, ast.Call):
            return []
        return [*value.args[:1], *(one.value for one in value.keywords if one.arg == "data")]

    def _columns(self, value: ast.expr) -> list[str]:
        if not isinstance(value, ast.Call) or self._resolve(value.func) not in _TABLES:
            return []
        given = [one.value for one in value.keywords if one.arg in ("columns", "schema")]
        return _texts(given[0]) if given else []

    def mask(self, value: ast.expr) -> Mask | None:
        """Which places of the rows in a list hold measured time; None where that is not known."""
        match value:
            case ast.Name(id=name):
                return self._rows.get(name)
            case ast.List(elts=[first, *more]):
                mask = self._row(first)
                for one in more:
                    other = self._row(one)
                    if mask is None or other is None or len(mask) != len(other):
                        return None
                    mask = _both(mask, other)
                return mask
            case ast.Call(args=args) if self._resolve(value.func) == "zip":
                return tuple(self._timed(one) for one in args)
            case ast.Call(args=[first, *_]) if self._resolve(value.func) in ("list", *_TABLES):
                return self.mask(first)
            case ast.ListComp(elt=row):
                return self._row(row)
            case _:
                return None

    def _row(self, value: ast.expr) -> Mask | None:
        if not isinstance(value, ast.List | ast.Tuple) or not value.elts:
            return self._given(value)
        return tuple(self._timed(one) for one in value.elts)


_TABLES = ("pandas.DataFrame", "polars.DataFrame")


def _both(one: Mask, other: Mask) -> Mask:
    return tuple(a and b for a, b in zip(one, other, strict=True))


def _texts(value: ast.expr) -> list[str]:
    if not isinstance(value, ast.List | ast.Tuple):
        return []
    texts = [one.value for one in value.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return texts if len(texts) == len(value.elts) else []


def _named(columns: Sequence[str], mask: Mask | None) -> Iterator[Named]:
    if mask is not None and len(mask) == len(columns):
        yield from zip(columns, mask, strict=True)
