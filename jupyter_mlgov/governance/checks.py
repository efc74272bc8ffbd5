"""A risk's check: one Python expression, evaluated in the notebook's namespace and recorded with its values.

Every operand is evaluated once and kept as a term, so that a reader sees the numbers and not only the answer.
A check never changes the namespace, the random state or the outputs of the notebook, and never raises: what
goes wrong is its ``error``, and then it is neither passed nor failed.
"""

from __future__ import annotations

import ast
import contextlib
import io
import operator
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from jupyter_mlgov.records.annotations import Check, CheckTerm, Risk
from jupyter_mlgov.records.canonical import Scalar

TIME_LIMIT_S = 30.0
"""Seconds that a check may take."""

TEXT_LIMIT = 120

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda one, many: one in many, ast.NotIn: lambda one, many: one not in many,
}  # fmt: skip


class _NoAnswer(Exception):
    """The check gives no truth value; the message says why."""


def evaluate(risk: Risk, namespace: dict[str, Any]) -> Risk:
    """``risk`` with its check evaluated in ``namespace``. Without a check it comes back as it is."""
    if risk.check is None:
        return risk
    return msgspec.structs.replace(risk, check=evaluate_check(risk.check.expression, namespace))


def evaluate_check(expression: str, namespace: dict[str, Any]) -> Check:
    """The check with its answer, its terms, or its error. Never raises but for ``KeyboardInterrupt``."""
    terms: list[CheckTerm] = []
    started = time.perf_counter()
    passed: bool | None = None
    error: str | None = None
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        with _untouched(), _time_limit(TIME_LIMIT_S), contextlib.redirect_stdout(io.StringIO()):
            passed = _truth(_Evaluation(expression.strip(), dict(namespace), terms).value(tree.body))
    except SyntaxError as failure:
        error = f"not one Python expression: {failure.msg}"
    except _NoAnswer as failure:
        error = str(failure)
    except NameError as failure:
        error = f"{failure}: run the cell that defines it, then this one again"
    except Exception as failure:  # noqa: BLE001 - the user's expression may fail at anything
        error = _one_line(failure)
    duration = round(time.perf_counter() - started, 6)
    return Check(expression=expression, passed=passed, terms=tuple(terms), error=error, duration_s=duration)


def names_read(expression: str) -> set[str]:
    """Names that the expression takes from the namespace. Empty for what does not parse."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return set()
    stored = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    stored |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    loaded = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return {name for name in loaded - stored if not hasattr(_BUILTINS, name)}


_BUILTINS = sys.modules["builtins"]


class _Evaluation:
    """Evaluates logic and comparisons by itself, so that each operand is evaluated once and can be shown."""

    def __init__(self, source: str, scope: dict[str, Any], terms: list[CheckTerm]) -> None:
        self.source = source
        self.scope = scope
        self.terms = terms

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.BoolOp):
            answer: Any = None
            for part in node.values:
                answer = self.value(part)
                if _truth(answer) is isinstance(node.op, ast.Or):
                    return answer
            return answer
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return not _truth(self.value(node.operand))
        if isinstance(node, ast.Compare):
            left = self.operand(node.left)
            answer = True
            for op, right_node in zip(node.ops, node.comparators, strict=True):
                right = self.operand(right_node)
                answer = _COMPARE[type(op)](left, right)
                if not _truth(answer):
                    return answer
                left = right
            return answer
        return self.operand(node)

    def operand(self, node: ast.expr) -> Any:
        code = compile(ast.Expression(node), "<check>", "eval")
        value = eval(code, self.scope)  # noqa: S307 - the user's own expression in the user's own kernel
        if not isinstance(node, ast.Constant) and not (
            isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
        ):
            text = ast.get_source_segment(self.source, node) or ast.unparse(node)
            self.terms.append(CheckTerm(expression=" ".join(text.split()), value=_shown(value)))
        return value


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.bool_):
        return bool(value)
    shown = type(value).__name__
    hint = "compare it with a threshold"
    if hasattr(type(value), "__len__") and not isinstance(value, str | bytes):
        hint = "reduce it with .all(), .any(), .max() or the like"
    raise _NoAnswer(f"the check gives a {shown}, not true or false: {hint}")


def _shown(value: Any) -> Scalar:
    """A number as a number; anything else as a short text that is cheap and safe to make."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= TEXT_LIMIT else value[: TEXT_LIMIT - 1] + "…"
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        item = value.item()
        return item if isinstance(item, bool | int | float) else str(item)[:TEXT_LIMIT]
    if isinstance(value, list | tuple | set | frozenset | dict):
        return f"{type(value).__name__} of {len(value)}"
    return f"<{type(value).__name__}>"


def _one_line(error: BaseException) -> str:
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an exception whose message raises
        text = type(error).__name__
    return " ".join(text.split())[:300]


@contextlib.contextmanager
def _untouched() -> Iterator[None]:
    """Puts the global generators of random numbers back as they were."""
    import random

    state = random.getstate()
    numpy = sys.modules.get("numpy")
    numpy_state = numpy.random.get_state() if numpy is not None else None
    try:
        yield
    finally:
        random.setstate(state)
        if numpy is not None and numpy_state is not None:
            numpy.random.set_state(numpy_state)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raises in the code below after ``seconds``; only in the main thread, where signals are delivered, and
    only while nobody else uses the alarm."""
    usable = hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()
    if not usable or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        yield
        return

    def stop(_signal: int, _frame: Any) -> None:
        raise _NoAnswer(f"the check took more than {seconds:g} s and was stopped")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
