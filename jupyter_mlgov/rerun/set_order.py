"""Where code depends on the order of a set, which changes with Python's hash seed.

A set that is asked for membership, sorted, counted or joined with another has no order; one that is iterated,
made a list or handed to a function may give its order away. Names that hold sets are followed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_ORDERLESS = frozenset(
    {"sorted", "len", "set", "frozenset", "min", "max", "any", "all", "sum", "isinstance", "print", "display", "repr",
     "str", "type", "id", "bool", "Counter", "update", "union", "intersection", "difference", "symmetric_difference",
     "issubset", "issuperset", "isdisjoint", "isin", "add", "discard", "remove", "difference_update", "copy",
     "intersection_update", "drop", "fsum"}
)  # fmt: skip
_SETS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
_JOINING = ast.BitAnd | ast.BitOr | ast.BitXor | ast.Sub


class Sets:
    """The names of a session that hold sets, and where their order is used."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def uses(self, statement: ast.stmt) -> Iterator[str]:
        """How each use of a set's order in a statement reads; then the statement's own names are followed."""
        above: dict[ast.AST, ast.AST] = {
            child: node for node in ast.walk(statement) for child in ast.iter_child_nodes(node)
        }
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hash":
                yield "hash()"
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "pop"
            ):
                if self.is_set(node.func.value) and not node.args:
                    yield f"{_said(node.func.value)}.pop()"
            elif isinstance(node, ast.expr) and self.is_set(node) and _ordered(node, above):
                yield _said(node)
            if isinstance(node, ast.Assign):
                self._bind(node.targets, node.value)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                self._bind([node.target], node.value)

    def _bind(self, targets: list[ast.expr], value: ast.expr) -> None:
        holds = self.is_set(value)
        for target in targets:
            if isinstance(target, ast.Name):
                (self.names.add if holds else self.names.discard)(target.id)

    def is_set(self, node: ast.AST) -> bool:
        """True for an expression that gives a set, as far as its form says it."""
        match node:
            case ast.Set() | ast.SetComp():
                return True
            case ast.Name(id=name, ctx=ast.Load()):
                return name in self.names
            case ast.Call(func=ast.Name(id="set" | "frozenset"), args=[_, *_]):
                return True
            case ast.Call(func=ast.Attribute(value=owner, attr=name)):
                return name in _SETS and self.is_set(owner)
            case ast.BinOp(left=left, op=operator, right=right):
                return isinstance(operator, _JOINING) and (self.is_set(left) or self.is_set(right))
            case _:
                return False


def _ordered(node: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    """True where what stands around a set uses its order."""
    parent = above.get(node)
    match parent:
        case ast.Call():
            return node is not parent.func and _function(parent) not in _ORDERLESS
        case ast.For() | ast.AsyncFor():
            return node is parent.iter
        case ast.comprehension():
            made = above.get(parent)
            if node is not parent.iter or isinstance(made, ast.SetComp):
                return False
            around = above.get(made) if made is not None else None
            return not (isinstance(around, ast.Call) and _function(around) in _ORDERLESS)
        case ast.Starred() | ast.YieldFrom() | ast.Tuple() | ast.List():
            return isinstance(parent, ast.Starred | ast.YieldFrom)
        case ast.Assign(targets=[ast.Tuple() | ast.List(), *_]):
            return True
        case _:
            return False


def _function(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _said(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return f"the set {node.id}"
    return "set()" if isinstance(node, ast.Call) else "a set"
