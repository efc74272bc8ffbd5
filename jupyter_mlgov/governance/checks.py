"""A risk's ``check``: an expression that is evaluated where the user just worked, and leaves no trace there.

Whatever happens in it becomes part of the record and never an exception: a check that raises, takes too long or
gives no clear yes or no has ``passed`` None and an ``error`` that says why.

What a check cannot change: the session's names (it sees a copy, and what its calls rebind is put back), the
random state of ``random`` and NumPy and of generators in the session, the printed output. What it can still
do is what any Python call can: change an object in place, or write a file.

The time limit works in the main thread of a Unix process, between two steps of Python; elsewhere, and inside
one long call into compiled code, there is none.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import operator
import symtable
import time
import warnings
from collections.abc import Callable
from typing import Any

import msgspec

from jupyter_mlgov.governance.quiet import TimeOut, state_kept, time_limited
from jupyter_mlgov.governance.values import as_plain, one_line, truth
from jupyter_mlgov.records.annotations import Check, CheckTerm, Risk

TIME_LIMIT = 30.0
"""Seconds that one check may take."""
TERMS_LIMIT = 50

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}


def evaluate(risk: Risk, namespace: dict[str, Any], *, time_limit: float = TIME_LIMIT) -> Risk:
    """``risk`` with its check evaluated in ``namespace``. Unchanged where it has none. Never raises."""
    if risk.check is None:
        return risk
    return msgspec.structs.replace(risk, check=run(risk.check.expression, namespace, time_limit=time_limit))


def run(expression: str, namespace: dict[str, Any], *, time_limit: float = TIME_LIMIT) -> Check:
    """``expression`` evaluated: its answer, the value of every operand, and how long it took. Never raises."""
    evaluation = _Evaluation(namespace)
    passed, error = None, None
    start = time.perf_counter()
    try:
        # The outermost ``try`` also meets an alarm that goes off while the guards are being taken down.
        with _undisturbed(namespace), time_limited(time_limit):
            evaluation.text, tree = _parse(expression)
            passed = truth(evaluation.value_of(tree))
    except TimeOut:
        error = f"stopped after {time_limit:g} seconds: a check has to be quick; compute its values in a cell"
    except KeyboardInterrupt:
        error = "interrupted before it had an answer"
    except SyntaxError as problem:
        error = f"not one Python expression: {one_line(problem.msg or problem)}"
    except NameError as problem:
        error = f"NameError: {one_line(problem)}: run the cell that defines it, then this one again"
    except BaseException as problem:  # noqa: BLE001 - a check may raise anything, and none of it may get out
        error = f"{type(problem).__name__}: {one_line(problem)}"
    if error is not None:
        passed = None
    return Check(
        expression=expression,
        passed=passed,
        terms=tuple(evaluation.terms.values()),
        error=error,
        duration_s=round(time.perf_counter() - start, 6),
    )


def names_read(expression: str) -> set[str]:
    """The names that ``expression`` takes from the session: when one changes, its answer is out of date.

    A builtin that is only called (``abs(gap)``) is left out; what a called function reads by itself is not
    known here. Empty for what does not parse.
    """
    try:
        _, tree = _parse(expression)
        table = symtable.symtable(ast.unparse(tree), "<check>", "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    free: set[str] = set()
    tables = [table]
    while tables:
        scope = tables.pop()
        free |= {
            symbol.get_name()
            for symbol in scope.get_symbols()
            if symbol.is_global() and symbol.is_referenced()
        }
        if scope is table:
            free |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_referenced()}
        tables.extend(scope.get_children())
    assigned = {node.target.id for node in ast.walk(tree) if isinstance(node, ast.NamedExpr)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    as_values = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
    return {name for name in free - assigned if name in as_values or not hasattr(builtins, name)}


class _Evaluation:
    """Python's own evaluation of ``and``, ``or``, ``not`` and comparisons, with each operand written down."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self.globals = dict(namespace)
        self.globals.setdefault("__builtins__", builtins)
        self.terms: dict[str, CheckTerm] = {}
        self.text = ""

    def value_of(self, tree: ast.Expression) -> Any:
        return self._logic(tree.body)

    def _logic(self, node: ast.expr) -> Any:
        if isinstance(node, ast.BoolOp):
            wanted = isinstance(node.op, ast.Or)
            value: Any = None
            for part in node.values:
                value = self._logic(part)
                if _bool(value) is wanted:
                    break
            return value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return not _bool(self._logic(node.operand))
        if isinstance(node, ast.Compare):
            return self._compare(node)
        return self._operand(node)

    def _compare(self, node: ast.Compare) -> Any:
        left = self._operand(node.left)
        result: Any = True
        for index, (sign, part) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = self._operand(part)
            result = _COMPARE[type(sign)](left, right)
            if index < len(node.ops) - 1 and not _bool(result):
                return result
            left = right
        return result

    def _operand(self, node: ast.expr) -> Any:
        value = eval(compile(ast.Expression(node), "<check>", "eval"), self.globals)  # noqa: S307 - the user's own cell
        if isinstance(node, ast.Constant) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
        ):
            return value
        self._note(" ".join((ast.get_source_segment(self.text, node) or ast.unparse(node)).split()), value)
        if not isinstance(node, ast.Name):
            for name in sorted(names_read(ast.unparse(node))):
                if type(self.globals.get(name)) in (bool, int, float, str):
                    self._note(name, self.globals[name])
        return value

    def _note(self, expression: str, value: Any) -> None:
        if len(self.terms) < TERMS_LIMIT:
            self.terms.setdefault(
                expression, CheckTerm(expression=one_line(expression, 200), value=as_plain(value))
            )


def _bool(value: Any) -> bool:
    """Python's truth of ``value``, an array's refusal turned into the sentence of ``truth``."""
    try:
        return bool(value)
    except (ValueError, TypeError):
        return truth(value)


def _parse(expression: str) -> tuple[str, ast.Expression]:
    """The text that was parsed, and its tree; an expression that goes over several lines needs no brackets of its own."""
    text = expression.strip()
    try:
        return text, ast.parse(text, "<check>", "eval")
    except SyntaxError:
        if "\n" not in text:
            raise
        text = f"(\n{text}\n)"
        return text, ast.parse(text, "<check>", "eval")


@contextlib.contextmanager
def _undisturbed(namespace: dict[str, Any]) -> Any:
    """What a check prints, warns, draws from a random generator or rebinds is as if it had not been."""
    with (
        state_kept(namespace),
        contextlib.redirect_stdout(_Nowhere()),
        contextlib.redirect_stderr(_Nowhere()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


class _Nowhere(io.TextIOBase):
    """Accepts text and keeps none of it."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)
