"""Which cells and names a change can have reached.

Followed through the journal: a step that uses a reached name is reached, and so is all that it sets. What a
cell may change without binding it (a method called for its effect, an object handed to a function) counts as
set. The answer errs on the side of reaching too much: it is used to leave out what cannot be the cause.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from jupyter_mlgov.rerun.code_form import python_of
from jupyter_mlgov.rerun.side import Side


@dataclass(frozen=True)
class Step:
    """One execution: the cell's index, what it binds afresh, what it changes, what it reads."""

    cell: int | None
    binds: frozenset[str]
    changes: frozenset[str]
    uses: frozenset[str]


@dataclass(frozen=True)
class Reach:
    """What a change can have reached."""

    cells: frozenset[int]
    names: frozenset[str]


class Flow:
    """The steps of one recorded session, in order."""

    def __init__(self, side: Side) -> None:
        self.steps = [
            Step(
                entry.index,
                frozenset(entry.sets) - frozenset(entry.uses),
                frozenset(entry.sets) & frozenset(entry.uses) | changed_by(side.source(entry)),
                frozenset(entry.uses),
            )
            for entry in side.journal
        ]

    def reach(self, cells: Iterable[int] = (), names: Iterable[str] = ()) -> Reach:
        """What is downstream of some cells, and of some names wherever they are used."""
        start, reached = set(cells), set(names)
        everywhere = frozenset(reached)
        found: set[int] = set()
        for step in self.steps:
            if step.cell in start or step.uses & (reached | everywhere):
                if step.cell is not None:
                    found.add(step.cell)
                reached |= step.binds | step.changes
            else:
                reached -= step.binds
        return Reach(frozenset(found), frozenset(reached | everywhere))

    def setters(self, name: str) -> list[int]:
        """The cells that bind or change a name, in order."""
        return [
            step.cell for step in self.steps if step.cell is not None and name in step.binds | step.changes
        ]

    def users(self, name: str) -> list[int]:
        """The cells that read a name, in order."""
        return [step.cell for step in self.steps if step.cell is not None and name in step.uses]


@lru_cache(maxsize=4096)
def changed_by(source: str) -> frozenset[str]:
    """Names of objects that a cell may change in place."""
    try:
        tree = ast.parse(python_of(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    imported = _imported(tree)
    found: set[str] = _changed_in_turn(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            found |= _names(call.func)
            for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
                if isinstance(argument, ast.Name) and not _is_shown(call):
                    found.add(argument.id)
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FITTING
        ):
            found |= _names(node.func)
    return frozenset(found - imported)


def _changed_in_turn(tree: ast.AST) -> set[str]:
    """Names of objects that a loop changes one after the other: ``for df in (train, test): df["x"] = 1``."""
    found: set[str] = set()
    for loop in ast.walk(tree):
        match loop:
            case ast.For(target=ast.Name(id=name), iter=ast.Tuple(elts=items) | ast.List(elts=items)):
                stored = [
                    node.value
                    for node in ast.walk(loop)
                    if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)
                ]
                if any(name in _names(node) | _own_name(node) for node in stored):
                    found |= {item.id for item in items if isinstance(item, ast.Name)}
    return found


def _own_name(node: ast.AST) -> set[str]:
    return {node.id} if isinstance(node, ast.Name) else set()


@lru_cache(maxsize=4096)
def imported_by(source: str) -> frozenset[str]:
    """Names that a cell's imports bind."""
    try:
        return frozenset(_imported(ast.parse(python_of(source))))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()


def _imported(tree: ast.AST) -> set[str]:
    return {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


@lru_cache(maxsize=4096)
def shown_by(source: str) -> frozenset[str]:
    """Names of objects that a cell only asks for what it shows: ``df.describe()`` as its last line changes nothing."""
    try:
        body = ast.parse(python_of(source)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    last = body[-1] if body else None
    if not isinstance(last, ast.Expr) or not isinstance(last.value, ast.Call):
        return frozenset()
    call = last.value
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if not method or method in _FITTING | _IN_PLACE or any(word.arg == "inplace" for word in call.keywords):
        return frozenset()
    before = "\n".join(ast.unparse(node) for node in body[:-1])
    return frozenset(_names(call.func) - changed_by(before))


@lru_cache(maxsize=4096)
def read_into(source: str, file: str) -> frozenset[str]:
    """Names that a cell binds to what it reads from a file, where a statement says its name."""
    try:
        body = ast.parse(python_of(source)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    found: set[str] = set()
    for statement in (node for top in body for node in ast.walk(top) if isinstance(node, ast.Assign)):
        for target in statement.targets:
            pairs = [(target, statement.value)]
            match target, statement.value:
                case ast.Tuple(elts=names), ast.Tuple(elts=values) if len(names) == len(values):
                    pairs = list(zip(names, values, strict=True))
            for name, value in pairs:
                if isinstance(name, ast.Name) and any(_says(node, file) for node in ast.walk(value)):
                    found.add(name.id)
    return frozenset(found)


def _says(node: ast.AST, file: str) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    return PurePosixPath(node.value).name == PurePosixPath(file).name != ""


_IN_PLACE = frozenset(
    {"add", "clear", "discard", "extend", "fill", "insert", "intersection_update", "popitem", "remove", "reverse",
     "shuffle", "sort", "symmetric_difference_update", "difference_update", "put", "resize", "partition"}
)  # fmt: skip
"""Methods that change what they are called on, and give nothing that would be shown."""
_FITTING = frozenset(
    {"fit", "fit_transform", "fit_predict", "partial_fit", "pop", "update", "append", "setdefault"}
)
_SHOWING = frozenset({"print", "display", "len", "repr", "str"})


def _is_shown(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in _SHOWING


def _names(node: ast.AST) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
        if isinstance(node, ast.Name):
            return {node.id}
    return set()
