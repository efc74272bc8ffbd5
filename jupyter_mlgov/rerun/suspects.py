"""What a notebook's code does that can give another result without any change: read from its syntax, not run.

Draws from generators that nobody seeded, readings of the clock, the order of sets and of directories, parallel
sums. A suspect proves nothing; it says where to look once two runs of the same thing have disagreed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from jupyter_mlgov.rerun.code_form import python_of
from jupyter_mlgov.rerun.durations import READINGS, STOPWATCHES, Durations
from jupyter_mlgov.rerun.generators import ENTROPY, NOT_DRAWN, OWN, SEED_WORDS, SEEDABLE, SEEDING, SHUFFLED
from jupyter_mlgov.rerun.log_lines import template_of_log
from jupyter_mlgov.rerun.parallel import in_parallel
from jupyter_mlgov.rerun.printed_timings import Template, template_of, template_of_print
from jupyter_mlgov.rerun.set_order import Sets

Kind = Literal["random", "clock", "hash", "listing", "threads", "listed"]

_CLOCKS = READINGS | STOPWATCHES
_SPOKEN_CLOCKS = ("pandas.to_datetime", "pandas.Timestamp", "numpy.datetime64")
_LISTINGS = frozenset({"os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob"})
_SQL_RANDOM = re.compile(
    r"(?is)\bselect\b.*\b(?:random|rand|newid|gen_random_uuid)\s*\(\s*\)|\bselect\b.*\b(?:using sample|tablesample)\b"
)
_SLEEPING = frozenset({"time.sleep", "asyncio.sleep"})
_ORDERLESS = frozenset({"sorted", "len", "set", "frozenset", "min", "max", "any", "all", "isinstance"})
_COMMON = {"np": "numpy", "pd": "pandas", "tf": "tensorflow", "dt": "datetime"}


@dataclass(frozen=True)
class Suspect:
    """One call. ``names`` are what its statement binds; ``generator`` is whose seed it would need, or the folder that it
    lists."""

    kind: Kind
    call: str
    cell: int
    names: tuple[str, ...] = ()
    generator: str = ""
    deferred: bool = False
    """In a function or a class: it happens where that is called."""


@dataclass
class Reading:
    """A notebook's code read from top to bottom."""

    suspects: list[Suspect] = field(default_factory=list)
    seeded: set[str] = field(default_factory=set)
    draws: dict[int, set[str]] = field(default_factory=dict)
    """Cells that draw random numbers, seeded or not, with the generators (or names that hold one)."""
    printed: list[Template] = field(default_factory=list)
    """What the cells print, as far as their code says it."""
    data: frozenset[str] | None = None
    """Columns of what the notebook reads; None where not all of them are known."""
    _aliases: dict[str, str] = field(default_factory=lambda: dict(_COMMON))
    _generators: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._settled: set[ast.AST] = set()
        self._durations = Durations(self._resolved, self.data)
        self._sets = Sets()

    @property
    def timings(self) -> set[str]:
        """Names that hold nothing but readings of the clock and what is computed from those alone."""
        return self._durations.names()

    @property
    def timed_columns(self) -> frozenset[str]:
        """Keys and columns that are given measured time only."""
        return self._durations.columns()

    def unseeded(self) -> list[Suspect]:
        """Draws that no seed governs, in order."""
        return [one for one in self.suspects if one.kind == "random"]

    def of(self, kind: Kind) -> list[Suspect]:
        """The suspects of one kind, in order."""
        return [one for one in self.suspects if one.kind == kind]

    def cell(self, index: int, source: str) -> None:
        """Reads one more cell."""
        header = re.match(r"%%experiment\b.*--seed[ =]\d", source)
        if header:
            self.seeded |= {"numpy", "python", "torch"}
        try:
            tree = ast.parse(python_of(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        for statement in tree.body:
            try:
                self._statement(index, statement)
            except RecursionError:
                continue
        for node in ast.walk(tree) if "%(" in source else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.printed += filter(None, [template_of_log(node.value)])
        last = tree.body[-1] if tree.body else None
        if isinstance(last, ast.Expr) and not (isinstance(last.value, ast.Call) and _prints(last.value)):
            self.printed.append(template_of(last.value, self._durations.measured, index))

    def _statement(self, index: int, statement: ast.stmt) -> None:
        self._imports(statement)
        names = _bound(statement)
        slept = self._slept(statement)
        known = len(self.suspects)
        self._settled = _settled(statement)
        for node, parent in _walk(statement):
            if isinstance(node, ast.Call) and node not in slept:
                self._call(index, node, parent, names)
            elif isinstance(node, ast.Constant) and _SQL_RANDOM.search(str(node.value)):
                self.suspects.append(Suspect("random", "random() in SQL", index, names, "own"))
        self.suspects += [Suspect("hash", said, index, names) for said in self._sets.uses(statement)]
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.suspects[known:] = [replace(one, deferred=True) for one in self.suspects[known:]]
        self._timing(index, statement)

    def _imports(self, statement: ast.stmt) -> None:
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.split(".")[0]
                    self._aliases[name] = alias.name if alias.asname else name
                    self._durations.cross_validates |= alias.name.startswith("sklearn.model_selection")
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                    self._durations.cross_validates |= node.module.startswith("sklearn.model_selection") or (
                        node.module == "sklearn" and alias.name == "model_selection"
                    )

    def _resolved(self, node: ast.AST) -> str:
        name = _dotted(node)
        root, dot, rest = name.partition(".")
        return self._aliases.get(root, root) + dot + rest

    def _call(self, index: int, node: ast.Call, parent: ast.AST | None, names: tuple[str, ...]) -> None:
        name = self._resolved(node.func)
        last = name.rpartition(".")[2] or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
        said = (_dotted(node.func) or f"….{last}") + "()"
        if name in SEEDING:
            if node.args or node.keywords:
                owner = SEEDING[name]
                self.seeded |= {"numpy", "python", "torch", "tensorflow"} if owner == "all" else {owner}
            return
        given = [argument.id for argument in node.args if isinstance(argument, ast.Name)]
        for passed in self._generators.intersection(given):
            self.draws.setdefault(index, set()).add(f"name:{passed}")
        generator = self._generator(node, name, last, names)
        if generator is not None:
            if last == "shuffle" and given:
                names = (given[0], *names)  # what it shuffles in place
            self.draws.setdefault(index, set()).add(generator)
            if generator == "own" or (generator in _GLOBAL and generator not in self.seeded):
                self.suspects.append(Suspect("random", said, index, names, generator))
        if name in _CLOCKS or (name in _SPOKEN_CLOCKS and _says(node, "now", "today")):
            self.suspects.append(Suspect("clock", said, index, names))
        elif name in _LISTINGS or last in ("iterdir", "rglob") or (last == "glob" and "." in said):
            self.suspects.append(Suspect("listed", said, index, names, _folder_of(node)))
            if not _orderless(parent) and node not in self._settled:
                self.suspects.append(Suspect("listing", said, index, names))
        elif in_parallel(name, node):
            self.suspects.append(Suspect("threads", said, index, names))

    def _slept(self, statement: ast.stmt) -> set[ast.AST]:
        """The calls that only say how long to sleep: a result does not come from them, its order may."""
        sleeps = [
            node
            for node in ast.walk(statement)
            if isinstance(node, ast.Call) and self._resolved(node.func) in _SLEEPING
        ]
        inside = {part for sleep in sleeps for argument in sleep.args for part in ast.walk(argument)}
        if not inside:
            return inside
        named = {part.id for part in inside if isinstance(part, ast.Name)}
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node not in inside:
                named.discard(node.id)
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and named.issuperset(_bound(node)):
                inside |= set(ast.walk(node.value))
        return inside

    def _generator(self, node: ast.Call, name: str, last: str, names: tuple[str, ...]) -> str | None:
        """Whose random numbers a call draws: a global generator, ``own`` for one that cannot be seeded from
        outside, a variable that holds a seeded one; None for a call that draws nothing."""
        root = name.partition(".")[0]
        if name in OWN:
            if _unseeded_arguments(node):
                return "own"
            self._generators.update(names)
            return None
        if name.startswith(ENTROPY):
            return "own"
        if name.startswith("numpy.random.") and last not in NOT_DRAWN:
            return "numpy"
        if name.startswith("random.") and name.count(".") == 1 and last not in NOT_DRAWN:
            return "python"
        if root == "torch" and (
            last.startswith("rand") or (name.startswith("torch.nn.") and last[:1].isupper())
        ):
            return "torch"
        if root in self._generators:
            return f"name:{root}"
        if SEEDABLE.fullmatch(last) and root not in ("random", "torch") and _unseeded_keywords(node):
            if SHUFFLED.fullmatch(last) and not _keyword_is(node, "shuffle", True):
                return None
            if last == "train_test_split" and _keyword_is(node, "shuffle", False):
                return None
            return (
                "numpy"
                if last[:1].islower() or not last.startswith(("XGB", "LGBM", "CatBoost"))
                else "python"
            )
        if last == "sample" and (node.args or node.keywords) and _unseeded_keywords(node):
            return "numpy"
        return None

    def _timing(self, index: int, statement: ast.stmt, *, straight: bool = True) -> None:
        """Follows readings of the clock through the statements, in the order in which they stand."""
        if isinstance(statement, ast.For | ast.AsyncFor):
            self._durations.looped(statement.target, statement.iter)
        elif isinstance(statement, ast.With | ast.AsyncWith):
            self._durations.entered(statement)
        inner = [part for name in ("body", "orelse", "finalbody") for part in getattr(statement, name, ())]
        inner += [part for handler in getattr(statement, "handlers", ()) for part in handler.body]
        inner += [part for case in getattr(statement, "cases", ()) for part in case.body]
        if inner:
            for part in inner:
                self._timing(index, part, straight=straight and isinstance(statement, ast.With | ast.Try))
            self._durations.defined(statement)
            return
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and _prints(node):
                self.printed.append(
                    template_of_print(node, self._durations.measured, index, straight=straight)
                )
            elif isinstance(node, ast.Call):
                self._durations.called(node)
            self._durations.made(node)
        if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign) and statement.value is not None:
            added = isinstance(statement, ast.AugAssign)
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            self._durations.assigned(targets, statement.value, added=added)


_GLOBAL = frozenset({"numpy", "python", "torch", "tensorflow"})


def read_code(cells: Iterable[tuple[int, str]], *, data: frozenset[str] | None = None) -> Reading:
    """Reads ``(index, source)`` of the cells in their order. ``data``: the columns of what they read; None where not all
    of them are known."""
    reading = Reading(data=data)
    for index, source in cells:
        reading.cell(index, source)
    return reading


def _walk(node: ast.AST, parent: ast.AST | None = None) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    stack: list[tuple[ast.AST, ast.AST | None]] = [(node, parent)]
    while stack:
        one, above = stack.pop()
        yield one, above
        stack.extend((child, one) for child in reversed(list(ast.iter_child_nodes(one))))


def _bound(statement: ast.stmt) -> tuple[str, ...]:
    """Names that a statement binds or changes, in order."""
    names: dict[str, None] = {}
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return (statement.name,)
    # The variable of a comprehension is bound in the comprehension only.
    own = statement.targets if isinstance(statement, ast.Assign) else [statement]
    for node in (node for part in own for node in ast.walk(part)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.setdefault(node.id)
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            root = _dotted(node).partition(".")[0] or _root(node)
            if root:
                names.setdefault(root)
    return tuple(names)


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _dotted(node: ast.AST) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _settled(statement: ast.stmt) -> set[ast.AST]:
    """What is gone through by ``sorted(p.name for p in ...)`` and its like: in no order that shows."""
    found: set[ast.AST] = set()
    for node in ast.walk(statement):
        match node:
            case ast.Call(args=[ast.GeneratorExp() | ast.ListComp() as made, *_]):
                if _dotted(node.func).rpartition(".")[2] in _ORDERLESS:
                    found.add(made.generators[0].iter)
            case ast.SetComp():
                found.add(node.generators[0].iter)
    return found


def _orderless(parent: ast.AST | None) -> bool:
    if isinstance(parent, ast.Compare):
        return True
    return isinstance(parent, ast.Call) and _dotted(parent.func).rpartition(".")[2] in _ORDERLESS


def _folder_of(call: ast.Call) -> str:
    """The folder that a call lists, where it says its name."""
    texts = [n.value for n in ast.walk(call) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return next(filter(None, (re.sub(r"/?[^/]*[*?\[].*", "", text) for text in texts)), "")


def _prints(call: ast.Call) -> bool:
    aside = any(keyword.arg == "file" for keyword in call.keywords)
    return isinstance(call.func, ast.Name) and call.func.id == "print" and not aside


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _unseeded_arguments(node: ast.Call) -> bool:
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    return all(_is_none(value) for value in given)


def _unseeded_keywords(node: ast.Call) -> bool:
    if any(keyword.arg is None for keyword in node.keywords):
        return False  # ``**options`` may hold it
    return all(_is_none(k.value) for k in node.keywords if k.arg in SEED_WORDS)


def _keyword_is(node: ast.Call, name: str, value: object) -> bool:
    return any(
        k.arg == name and isinstance(k.value, ast.Constant) and k.value.value is value for k in node.keywords
    )


def _says(node: ast.Call, *words: str) -> bool:
    return bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value in words
