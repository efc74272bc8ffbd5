"""Which names a cell's code binds and which it needs: read from its syntax tree, never by running it."""

from __future__ import annotations

import ast
import builtins
from functools import lru_cache

from msgspec import Struct

_BUILTINS = frozenset(dir(builtins)) | {"get_ipython", "__name__", "display", "__file__"}


class Names(Struct, frozen=True):
    """What one cell does to the session's namespace.

    ``sets``: bound at the top level. ``uses``: read without having been bound earlier in the same cell.
    ``constants``: bound from a literal and from nothing else; ``computed``: bound from anything else by an
    assignment. ``variables``: environment variables that the code names. ``texts``: its string literals.
    """

    sets: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def names_of(code: str) -> Names:
    """The names of ``code`` (Python, after IPython's transformation). Nothing for code that does not parse."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names()
    reader = _Reader()
    try:
        for statement in tree.body:
            reader.visit(statement)
    except RecursionError:
        return Names()
    constants = [
        name for name in reader.constants if name not in reader.computed and name not in reader.other
    ]
    return Names(
        sets=tuple(dict.fromkeys([*reader.bound])),
        uses=tuple(reader.used),
        constants=tuple(constants),
        computed=tuple(name for name in reader.computed if name not in reader.other),
        variables=tuple(dict.fromkeys(reader.variables)),
        texts=tuple(dict.fromkeys(reader.texts)),
    )


def is_literal(node: ast.AST) -> bool:
    """True for a scalar that stands in the code as such: ``0.1``, ``-3``, ``"l2"``, ``60 * 60``."""
    if isinstance(node, ast.Constant):
        return node.value is None or isinstance(node.value, bool | int | float | str)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd | ast.Not):
        return is_literal(node.operand)
    if isinstance(node, ast.BinOp):
        return is_literal(node.left) and is_literal(node.right)
    return False


class _Reader(ast.NodeVisitor):
    """Walks the top level in order; function and class bodies count for what they read."""

    def __init__(self) -> None:
        self.bound: dict[str, None] = {}
        self.used: dict[str, None] = {}
        self.constants: dict[str, None] = {}
        self.computed: dict[str, None] = {}
        self.other: dict[str, None] = {}
        """Bound by a loop, an import, ``with`` or a definition: neither parameter nor metric."""
        self.variables: list[str] = []
        self.texts: list[str] = []
        self._local: list[set[str]] = []

    # -- binding -----------------------------------------------------------------------------------------

    def _bind(self, name: str, kind: dict[str, None]) -> None:
        if self._local:
            self._local[-1].add(name)
            return
        self.bound.setdefault(name)
        kind.setdefault(name)

    def _targets(self, target: ast.AST, value: ast.AST | None) -> None:
        if isinstance(target, ast.Name):
            literal = value is not None and is_literal(value)
            self._bind(target.id, self.constants if literal else self.computed)
        elif isinstance(target, ast.Tuple | ast.List):
            parts: list[ast.expr | None] = [None] * len(target.elts)
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
                parts = list(value.elts)
            for part, item in zip(target.elts, parts, strict=True):
                self._targets(part, item)
        elif isinstance(target, ast.Starred):
            self._targets(target.value, None)
        else:
            if (
                isinstance(target, ast.Attribute | ast.Subscript)
                and not self._local
                and (root := _root(target)) is not None
            ):
                # ``df["x"] = ...`` changes ``df``: it is read and bound again.
                self._use(root)
                self.bound.setdefault(root)
            self.visit(target)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._targets(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self._targets(node.target, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self._use(node.target.id)
            self._bind(node.target.id, self.computed)
        else:
            self._targets(node.target, None)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._targets(node.target, node.value)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._loop_target(node.target)
        for statement in [*node.body, *node.orelse]:
            self.visit(statement)

    visit_AsyncFor = visit_For  # noqa: N815 - ast's own spelling

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self._loop_target(item.optional_vars)
        for statement in node.body:
            self.visit(statement)

    visit_AsyncWith = visit_With  # noqa: N815

    def _loop_target(self, target: ast.AST) -> None:
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self._bind(part.id, self.other)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                self._bind(alias.asname or alias.name.split(".")[0], self.other)

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._bind(node.name, self.other)
        self.generic_visit(node)

    # -- inner scopes ------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name, self.other)
        for part in [*node.decorator_list, *node.args.defaults, *[d for d in node.args.kw_defaults if d]]:
            self.visit(part)
        self._inner(node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._inner(node.args, [node.body])

    def _inner(self, arguments: ast.arguments, body: list[ast.stmt] | list[ast.expr]) -> None:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [one for one in (arguments.vararg, arguments.kwarg) if one]
        local = {argument.arg for argument in every}
        for statement in body:
            local |= _stored(statement)
        self._local.append(local)
        for statement in body:
            self.visit(statement)
        self._local.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name, self.other)
        for part in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(part)
        self._local.append(set())
        for statement in node.body:
            self.visit(statement)
        self._local.pop()

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        local: set[str] = set()
        for generator in node.generators:
            local |= _stored(generator.target)
        self._local.append(local)
        self.generic_visit(node)
        self._local.pop()

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _comprehension  # noqa: N815

    # -- reading -----------------------------------------------------------------------------------------

    def _use(self, name: str) -> None:
        if name in _BUILTINS and name not in self.bound:
            return
        if any(name in scope for scope in self._local):
            return
        if name not in self.bound:
            self.used.setdefault(name)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._use(node.id)
        elif isinstance(node.ctx, ast.Store):
            self._bind(node.id, self.other)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and 0 < len(node.value) < 1000:
            self.texts.append(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if _dotted(node.value) in ("os.environ", "environ"):
            self._variable(node.slice)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = _dotted(node.func)
        if called in ("os.getenv", "getenv", "os.environ.get", "environ.get") and node.args:
            self._variable(node.args[0])
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        if isinstance(node.ops[0], ast.In | ast.NotIn) and _dotted(node.comparators[0]) in (
            "os.environ",
            "environ",
        ):
            self._variable(node.left)
        self.generic_visit(node)

    def _variable(self, node: ast.AST) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.variables.append(node.value)


def _stored(node: ast.AST) -> set[str]:
    return {
        part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }


def _root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _dotted(node: ast.AST) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
        return ".".join(reversed(parts))
    return ""
