"""Which values in a notebook's code are readings of the clock, and which are durations made of them.

A duration (one reading less another, and what arithmetic makes of it) says how fast the machine was: it is no
result. A reading of the clock names the moment of the run. What is computed from a reading and anything else
(a person's age, the days since an event) is a result, and not followed here.

What is followed is a place: a name, or a constant key or attribute of one (``results["fit_time"]``). That a container
holds a duration says nothing about what else it holds.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from typing import Literal

from jupyter_mlgov.rerun.timed_calls import Calls
from jupyter_mlgov.rerun.timed_rows import Rows

Kind = Literal["instant", "duration", "empty"]
"""``empty``: nothing yet (0, []), to which durations may be added."""

READINGS = frozenset(
    {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime", "time.asctime", "time.strftime",
     "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
     "pandas.Timestamp.now", "pandas.Timestamp.today", "pandas.Timestamp.utcnow"}
)  # fmt: skip
STOPWATCHES = frozenset(
    {"time.perf_counter", "time.perf_counter_ns", "time.monotonic", "time.monotonic_ns", "time.process_time",
     "time.process_time_ns", "time.thread_time", "timeit.default_timer", "timeit.timeit", "timeit.repeat",
     "resource.getrusage", "os.times", "os.getpid", "os.getppid", "os.getloadavg", "threading.get_ident",
     "threading.get_native_id", "tracemalloc.get_traced_memory", "psutil.Process", "psutil.virtual_memory",
     "psutil.cpu_percent", "psutil.cpu_times", "psutil.getloadavg"}
)  # fmt: skip
"""Calls whose value means nothing but by its distance from another, and what they say of the machine and the process:
its memory and load, the numbers of processes and threads. None is a result, whatever is computed from it alone."""

_KEEPING = frozenset(
    {"round", "int", "float", "str", "abs", "min", "max", "sum", "sorted", "list", "format", "divmod", "repr",
     "numpy.round", "numpy.mean", "numpy.sum", "numpy.std", "numpy.median", "numpy.array", "numpy.min", "numpy.max",
     "statistics.mean", "statistics.median", "datetime.timedelta", "pandas.Timedelta", "time.strftime", "time.gmtime",
     "math.floor", "math.ceil", "timedelta", "tuple", "numpy.asarray", "numpy.cumsum", "pandas.Series"}
)  # fmt: skip
_CHOOSING = frozenset(
    {"min", "max", "sum", "divmod", "datetime.timedelta", "timedelta", "pandas.Timedelta", "time.strftime"}
)
"""Of those, the ones that may give what any of their arguments holds."""
_COUNTING = frozenset({"count", "index", "shape", "size", "ndim"})
"""What a container of durations says of itself, which is no duration."""
SCIKIT_LEARNS = frozenset(
    {"fit_time", "score_time", *(f"{a}_{b}_time" for a in ("mean", "std") for b in ("fit", "score"))}
)
"""Columns of scikit-learn's cross-validations that hold measured seconds."""
REFIT = "refit_time_"
"""What scikit-learn's searches took to fit the best once more."""
_SPELLING = frozenset({"isoformat", "strftime", "timestamp", "replace", "astimezone", "ctime"})


class Durations:
    """What the names of a session hold, statement by statement. ``resolve`` gives a function's whole name; ``data`` are
    the columns of what the notebook reads, None where not all are known: then a key tells nothing by itself."""

    def __init__(self, resolve: Callable[[ast.AST], str], data: frozenset[str] | None = None) -> None:
        self._data = data
        self.kinds: dict[str, Kind] = {}
        self._columns: dict[str, bool] = {}
        self._attributes: dict[str, bool] = {}
        self._objects: set[str] = set()
        """Names that hold an object of a class of the notebook's own."""
        self._calls = Calls(self.is_duration, resolve)
        self._rows = Rows(self.is_duration, resolve, self._calls.row)
        self._resolve = resolve
        self.cross_validates = False
        """Whether the code uses scikit-learn's cross-validation."""

    def names(self) -> set[str]:
        """Names that hold a reading or a duration now."""
        return {name for name, kind in self.kinds.items() if kind != "empty" and name.isidentifier()}

    def assigned(self, targets: Iterable[ast.expr], value: ast.expr, *, added: bool = False) -> None:
        """Follows ``targets = value``, or ``+=`` where it is ``added``."""
        targets = list(targets)
        self._headings(self._rows.assigned(targets, value))
        if isinstance(value, ast.Tuple | ast.List):
            for target in targets:
                if isinstance(target, ast.Tuple | ast.List) and len(target.elts) == len(value.elts):
                    for one, given in zip(target.elts, value.elts, strict=True):
                        self.assigned([one], given)
                    targets.remove(target)
        row = self._calls.row(value)
        if row is not None:
            targets = [target for target in targets if not self._unpacked(target, row)]
        for target in targets:
            if isinstance(target, ast.Name):
                self._calls.named_tuple(target.id, value)
                (self._objects.add if self._calls.is_object(value) else self._objects.discard)(target.id)
        kind = self.kind(value)
        pairs = [(target, kind) for target in targets]
        while pairs:
            target, held = pairs.pop()
            if isinstance(target, ast.Tuple | ast.List):
                pairs += [(one, held) for one in target.elts]
            else:
                self._stored(target.value if isinstance(target, ast.Starred) else target, held, added=added)

    def _unpacked(self, target: ast.expr, row: tuple[bool, ...]) -> bool:
        """Stores what ``row`` says of each place, where ``target`` has as many."""
        if not isinstance(target, ast.Tuple | ast.List) or len(target.elts) != len(row):
            return False
        for one, timed in zip(target.elts, row, strict=True):
            self._stored(one, "duration" if timed else None, added=False)
        return True

    def entered(self, statement: ast.With | ast.AsyncWith) -> None:
        """Follows ``with Timer() as timer``."""
        for item in statement.items:
            if isinstance(item.optional_vars, ast.Name):
                self.assigned([item.optional_vars], item.context_expr)

    def defined(self, statement: ast.stmt) -> None:
        """Follows a function or a class after what its body holds."""
        self._calls.defined(statement)

    def looped(self, target: ast.expr, over: ast.expr) -> None:
        """Follows ``for target in over``: what is gone through side by side, counted, or by key."""
        parts = target.elts if isinstance(target, ast.Tuple) else []
        name = self._resolve(over.func) if isinstance(over, ast.Call) else ""
        if isinstance(over, ast.Call) and name == "zip" and len(parts) == len(over.args):
            for one, given in zip(parts, over.args, strict=True):
                self.looped(one, given)
        elif isinstance(over, ast.Call) and name == "enumerate" and len(parts) == 2 and over.args:
            self.assigned([parts[0]], ast.Constant(None))
            self.looped(parts[1], over.args[0])
        elif (
            isinstance(over, ast.Call)
            and isinstance(over.func, ast.Attribute)
            and over.func.attr == "items"
            and len(parts) == 2
        ):
            self.assigned([parts[0]], ast.Constant(None))
            self.assigned([parts[1]], over.func.value)
        else:
            row = self._rows.mask(over)
            if row is None or not self._unpacked(target, row):
                self.assigned([target], over)

    def _stored(self, target: ast.expr, kind: Kind | None, *, added: bool) -> None:
        place = _place(target)
        if not place:
            self.forget(_root(target))
            return
        known = self.kinds.get(place)
        if isinstance(target, ast.Attribute) and _place(target.value) == "self" and kind != "empty":
            known_so = self._attributes.get(target.attr, True)
            self._attributes[target.attr] = known_so and kind == "duration"
        if not isinstance(target, ast.Name):
            self._key(target, kind)
            self.kinds.pop(_root(target), None)
        if not added:
            self.forget(place)
        if (added and (kind not in ("duration", "empty") or known is None)) or kind is None:
            self.forget(place)
        elif not (added and kind == "empty"):
            self.kinds[place] = kind

    def forget(self, name: str) -> None:
        """What ``name`` and its parts hold is not known any more."""
        for place in [one for one in self.kinds if one == name or one.startswith((f"{name}.", f"{name}["))]:
            del self.kinds[place]

    def _key(self, target: ast.expr, kind: Kind | None) -> None:
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            self._column(target.slice.value, kind)

    def _column(self, key: object, kind: Kind | None) -> None:
        if isinstance(key, str) and kind != "empty":
            self._columns[key] = self._columns.get(key, True) and kind == "duration"

    def _headings(self, headed: Iterable[tuple[str, bool]]) -> None:
        for key, timed in headed:
            self._column(key, "duration" if timed else None)

    def columns(self) -> frozenset[str]:
        """Keys and columns to which the code gives measured time, and nothing else anywhere."""
        return frozenset(key for key, timed in self._columns.items() if timed)

    def made(self, node: ast.AST) -> None:
        """Looks at the keys of a dictionary and the keywords of a call: they may become the columns of a table."""
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant):
                    self._column(key.value, self.kind(value))
        elif isinstance(node, ast.Call) and (
            (isinstance(node.func, ast.Attribute) and node.func.attr == "assign")
            or self._resolve(node.func) == "dict"
        ):
            for keyword in node.keywords:
                self._column(keyword.arg, self.kind(keyword.value))
        elif isinstance(node, ast.Call):
            self._headings([*self._rows.made(node), *self._calls.made(node)])

    def called(self, call: ast.Call) -> None:
        """Follows ``times.append(duration)``, and ``log["seconds"].append(duration)``."""
        if not (isinstance(call.func, ast.Attribute) and call.func.attr == "append"):
            return
        owner = call.func.value
        self._rows.appended(owner, call)
        fits = len(call.args) == 1 and self.is_duration(call.args[0])
        place = _place(owner)
        self._key(owner, "duration" if fits else None)
        if fits and self.kinds.get(place) in ("empty", "duration"):
            self.kinds[place] = "duration"
        elif place:
            self.forget(place)

    def is_duration(self, value: ast.expr) -> bool:
        """True for an expression that holds nothing but measured time."""
        return self.kind(value) == "duration"

    def measured(self, value: ast.expr) -> bool | None:
        """True for an expression that holds nothing but measured time, None for a reading of the clock."""
        kind = self.kind(value)
        return None if kind == "instant" else kind == "duration"

    def kind(self, value: ast.expr) -> Kind | None:
        """What an expression holds; None for anything else."""
        match value:
            case ast.Name(id=name):
                return self.kinds.get(name)
            case ast.Constant(value=0) | ast.List(elts=[]):
                return "empty"
            case ast.BinOp(left=left, op=operator, right=right):
                return self._arithmetic(self.kind(left), operator, self.kind(right), (left, right))
            case ast.Call():
                return self._call(value)
            case ast.Attribute(attr=attribute) if attribute in _COUNTING:
                return None
            case ast.Attribute(attr=attribute) if attribute == REFIT:
                return "duration"
            case ast.Subscript(slice=ast.Constant(value=key)) if (
                key in SCIKIT_LEARNS and self.cross_validates
            ):
                return "duration"
            case ast.Attribute() | ast.Subscript() if _place(value) in self.kinds:
                return self.kinds[_place(value)]
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if (
                name in self._objects and self._attributes.get(attribute)
            ):
                return "duration"
            case ast.Subscript(slice=ast.Constant(value=str(key))) | ast.Attribute(attr=key) if self._by_name(
                key
            ):
                return "duration"
            case ast.Attribute(value=owner) | ast.Subscript(value=owner) | ast.UnaryOp(operand=owner):
                return "duration" if self.kind(owner) == "duration" else None
            case ast.JoinedStr(values=pieces):
                held = [self.kind(piece.value) for piece in pieces if isinstance(piece, ast.FormattedValue)]
                return "duration" if held and all(kind == "duration" for kind in held) else None
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return "duration" if all(self.is_duration(item) for item in items) else None
            case _:
                return None

    def _by_name(self, key: str) -> bool:
        """True for a key or field to which the code gives measured time only, and which no data has."""
        return self._data is not None and key not in self._data and self._columns.get(key, False)

    def _arithmetic(
        self, left: Kind | None, operator: ast.operator, right: Kind | None, sides: tuple[ast.expr, ast.expr]
    ) -> Kind | None:
        if isinstance(operator, ast.Mult | ast.Div | ast.FloorDiv | ast.Mod):
            # Time per row, rows per second: as irreproducible as the time itself. ``"..." % time`` is a text.
            texts = any(isinstance(side, ast.Constant) and isinstance(side.value, str) for side in sides)
            return "duration" if "duration" in (left, right) and not texts else None
        if isinstance(operator, ast.Sub) and left == right == "instant":
            return "duration"
        if isinstance(operator, ast.Add | ast.Sub):
            kinds = {left, right}
            if kinds <= {"duration", "empty"} and "duration" in kinds:
                return "duration"
            if kinds == {"instant", "duration"} and left == "instant":
                return "instant"
        return None

    def _call(self, call: ast.Call) -> Kind | None:
        name = self._resolve(call.func)
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if name in STOPWATCHES:
            return "duration"
        if self._calls.is_duration(call):
            return "duration"
        if name == "__magic__":
            magic = call.args[0] if call.args else None
            said = magic.value if isinstance(magic, ast.Constant) else ""
            return "duration" if re.match(r"%timeit\s(?:.*\s)?-\w*o", str(said)) else None
        if name == "dict" and len(call.args) == 1 and not call.keywords:
            paired = call.args[0]
            if isinstance(paired, ast.Call) and self._resolve(paired.func) == "zip" and len(paired.args) == 2:
                return "duration" if self.is_duration(paired.args[1]) else None
        if name in _KEEPING and self._keeps(name, call, given):
            return "duration"
        if name in READINGS:
            return "instant" if len(call.args) < 2 else None
        if isinstance(call.func, ast.Attribute):
            owner = None if call.func.attr in _COUNTING else self.kind(call.func.value)
            if owner == "duration" or (owner == "instant" and call.func.attr in _SPELLING):
                return owner
        if name in ("round", "int", "float", "str") and len(given) >= 1 and self.kind(given[0]) == "instant":
            return "instant"
        return None

    def _keeps(self, name: str, call: ast.Call, given: list[ast.expr]) -> bool:
        if name not in _CHOOSING and call.args:
            return self.is_duration(call.args[0])  # what comes after says how: digits, an axis
        if name in ("min", "max", "sum"):
            given = list(call.args)
        timed = [self.is_duration(argument) for argument in given]
        return any(timed) and all(
            is_timed or isinstance(argument, ast.Constant)
            for is_timed, argument in zip(timed, given, strict=True)
        )


def _place(node: ast.AST) -> str:
    """How a place is called: ``name``, ``name.attribute``, ``name['key']``; empty for any other expression."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=attribute):
            return f"{above}.{attribute}" if (above := _place(owner)) else ""
        case ast.Subscript(value=owner, slice=ast.Constant(value=key)):
            return f"{above}[{key!r}]" if (above := _place(owner)) else ""
        case _:
            return ""


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call | ast.Starred):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
