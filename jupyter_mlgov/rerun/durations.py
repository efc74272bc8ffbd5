"""Which values in a notebook's code are readings of the clock, and which are durations made of them.

A duration (one reading less another, and what arithmetic makes of it) says how fast the machine was: it is no
result. A reading of the clock names the moment of the run. What is computed from a reading and anything else
(a person's age, the days since an event) is a result, and not followed here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Literal

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
    {"round", "int", "float", "str", "abs", "min", "max", "sum", "sorted", "list", "len", "format", "divmod", "repr",
     "numpy.round", "numpy.mean", "numpy.sum", "numpy.std", "numpy.median", "numpy.array", "numpy.min", "numpy.max",
     "statistics.mean", "statistics.median", "datetime.timedelta", "pandas.Timedelta", "time.strftime", "time.gmtime",
     "math.floor", "math.ceil", "timedelta"}
)  # fmt: skip
_SPELLING = frozenset({"isoformat", "strftime", "timestamp", "replace", "astimezone", "ctime"})


class Durations:
    """What the names of a session hold, statement by statement. ``resolve`` gives a function's whole name."""

    def __init__(self, resolve: Callable[[ast.AST], str]) -> None:
        self.kinds: dict[str, Kind] = {}
        self._resolve = resolve

    def names(self) -> set[str]:
        """Names that hold a reading or a duration now."""
        return {name for name, kind in self.kinds.items() if kind != "empty"}

    def assigned(self, names: tuple[str, ...], value: ast.expr, *, added: bool = False) -> None:
        """Follows ``names = value``, or ``+=`` where it is ``added``."""
        kind = self.kind(value)
        for name in names:
            if (added and (kind not in ("duration", "empty") or name not in self.kinds)) or kind is None:
                self.kinds.pop(name, None)
            elif not (added and kind == "empty"):
                self.kinds[name] = kind

    def called(self, call: ast.Call) -> None:
        """Follows ``times.append(duration)``."""
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        if (
            isinstance(owner, ast.Name)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "append"
        ):
            fits = len(call.args) == 1 and self.is_duration(call.args[0])
            if fits and self.kinds.get(owner.id) in ("empty", "duration"):
                self.kinds[owner.id] = "duration"
            else:
                self.kinds.pop(owner.id, None)

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
            case ast.Attribute(value=owner) | ast.Subscript(value=owner) | ast.UnaryOp(operand=owner):
                return "duration" if self.kind(owner) == "duration" else None
            case ast.JoinedStr(values=pieces):
                held = [self.kind(piece.value) for piece in pieces if isinstance(piece, ast.FormattedValue)]
                return "duration" if held and all(kind == "duration" for kind in held) else None
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return "duration" if all(self.is_duration(item) for item in items) else None
            case _:
                return None

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
        if name in _KEEPING and any(self.is_duration(argument) for argument in given):
            return "duration"
        if name in READINGS:
            return "instant" if len(call.args) < 2 else None
        if isinstance(call.func, ast.Attribute):
            owner = self.kind(call.func.value)
            if owner == "duration" or (owner == "instant" and call.func.attr in _SPELLING):
                return owner
        if name in ("round", "int", "float", "str") and len(given) >= 1 and self.kind(given[0]) == "instant":
            return "instant"
        return None
