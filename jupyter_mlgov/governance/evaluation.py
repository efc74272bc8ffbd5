"""One evaluation of a check's expression: Python's own answer, with every operand and comparison written down."""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable
from typing import Any

from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.governance.expressions import ASSESS, calls_measure, names_read
from jupyter_mlgov.governance.slices import MEASURES, Slices
from jupyter_mlgov.governance.values import as_plain, one_line, truth
from jupyter_mlgov.records.annotations import CheckTerm, Condition

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
_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MEASURE = "__mlgov_"
"""What a measure is called inside an evaluation, so that it hides no name of the session."""


class _Undecided:
    """The answer of a comparison whose slice is too small to tell."""


UNDECIDED = _Undecided()


class Evaluation:
    """Python's own evaluation of ``and``, ``or``, ``not`` and comparisons, with each operand written down.

    A comparison that cannot be told is neither true nor false: ``or`` goes on to look for a true one, ``and`` for
    a false one. It can be told of measures whose intervals it compares; whatever else becomes of a measure inside an
    operand (``min``, ``all``, ``&``, ``if``) needs as many cases as a value alone needs.
    """

    def __init__(self, namespace: dict[str, Any], slices: Slices) -> None:
        self.namespace = namespace
        self.globals = dict(namespace)
        self.globals.setdefault("__builtins__", builtins)
        self.globals |= {_MEASURE + name: slices.measure(name) for name in MEASURES}
        self.globals[_MEASURE + ASSESS] = slices.assess
        self.slices = slices
        self.terms: dict[str, CheckTerm] = {}
        self.conditions: list[Condition] = []
        self.text = ""
        self.undecided = ""
        self._kept: dict[str, list[Estimate]] = {}
        """What ``:=`` keeps, by its name: the measures that it was made from."""

    def value_of(self, tree: ast.Expression) -> Any:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and calls_measure(node, self.namespace):
                assert isinstance(node.func, ast.Name)
                node.func.id = _MEASURE + node.func.id
        return self._logic(tree.body)

    def _logic(self, node: ast.expr) -> Any:
        if isinstance(node, ast.BoolOp):
            wanted = isinstance(node.op, ast.Or)
            value: Any = None
            unsure = False
            for part in node.values:
                value = self._logic(part)
                if value is UNDECIDED:
                    unsure = True
                elif _bool(value) is wanted:
                    return value
            return UNDECIDED if unsure else value
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            value = self._logic(node.operand)
            return UNDECIDED if value is UNDECIDED else not _bool(value)
        if isinstance(node, ast.Compare):
            return self._compare(node)
        before = len(self.slices.estimates)
        value = self._operand(node)
        if self._too_small(self._rests_on(node, before), value):
            self._condition(node, value)
            return UNDECIDED
        self._condition(node, value, passed=value if value is True or value is False else None)
        return value

    def _compare(self, node: ast.Compare) -> Any:
        before = len(self.slices.estimates)
        compared: list[Estimate] = []
        left = self._operand(node.left)
        place = node.left
        result: Any = True
        unsure = False
        for index, (sign, part) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = self._operand(part)
            result = _COMPARE[type(sign)](left, right)
            value, other = _measured(left, right)
            if isinstance(value, Estimate) and isinstance(other, int | float) and value.tells(float(other)):
                compared += value.sources
            made = self._rests_on(node, before)
            rest = [one for one in made if not any(one is known for known in compared)]
            if self._too_small(rest, value):
                unsure = True
                self._condition(node, left, sign, right, flipped=_is_literal(place))
            else:
                passed = bool(result) if type(result).__name__ in ("bool", "bool_") else None
                self._condition(node, left, sign, right, flipped=_is_literal(place), passed=passed)
                if index < len(node.ops) - 1 and not _bool(result):
                    return result
            left, place = right, part
        return UNDECIDED if unsure else result

    def _rests_on(self, node: ast.expr, before: int) -> list[Estimate]:
        """The measures that ``node`` made, and those behind the names kept by ``:=`` that it reads."""
        read = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        kept = [one for name in read & set(self._kept) for one in self._kept[name]]
        return [*kept, *self.slices.estimates[before:]]

    def _too_small(self, made: list[Estimate], value: Any) -> bool:
        """Whether one of these measures rests on too few cases; says so in ``undecided``."""
        small = [one for one in made if not one.enough]
        if not small:
            return False
        least = min(small, key=lambda one: one.cases)
        place = next(place for place, one in enumerate(self.slices.estimates) if one is least)
        found = self.slices.found[place]
        spans = isinstance(value, Estimate) and any(one is least for one in value.sources)
        how = (
            f"; its 95 % interval reaches from {value.low:.3g} to {value.high:.3g}"
            if spans
            else "; compare it by itself, and join the comparisons with and, or, not"
        )
        self.undecided = self.undecided or (
            f"too small to tell: {found.measure} over {found.where} rests on {found.cases} of the {found.needed} cases "
            f"that are needed ({found.rows} rows){how}"
        )
        return True

    def _condition(
        self, node: ast.expr, value: Any, sign: ast.cmpop | None = None, threshold: Any = None, *,
        flipped: bool = False, passed: bool | None = None,
    ) -> None:  # fmt: skip
        """One comparison, the measured side as its value whichever side it was typed on."""
        op = _SIGNS[type(sign)] if sign is not None else None
        if flipped and op is not None:
            value, threshold, op = threshold, value, _FLIPPED.get(op, op)
        self.conditions.append(
            Condition(
                expression=one_line(self._source(node), 400),
                value=as_plain(value),
                op=op,
                threshold=as_plain(threshold) if op is not None else None,
                passed=passed,
            )
        )

    def _operand(self, node: ast.expr) -> Any:
        before = len(self.slices.estimates)
        value = eval(compile(ast.Expression(node), "<check>", "eval"), self.globals)  # noqa: S307 - the user's own cell
        for one in ast.walk(node):
            if isinstance(one, ast.NamedExpr):
                self._kept[one.target.id] = self._rests_on(one.value, before)
        if _is_literal(node):
            return value
        self._note(self._source(node), value)
        if not isinstance(node, ast.Name):
            for name in sorted(names_read(ast.unparse(node))):
                if type(self.globals.get(name)) in (bool, int, float, str):
                    self._note(name, self.globals[name])
        return value

    def _source(self, node: ast.expr) -> str:
        return " ".join((ast.get_source_segment(self.text, node) or ast.unparse(node)).split())

    def _note(self, expression: str, value: Any) -> None:
        if len(self.terms) < TERMS_LIMIT:
            self.terms.setdefault(
                expression, CheckTerm(expression=one_line(expression, 200), value=as_plain(value))
            )


def _measured(left: Any, right: Any) -> tuple[Any, Any]:
    """The measured side of a comparison and what it is compared with; of two measures their difference, and 0."""
    value, other = (left, right) if isinstance(left, Estimate) else (right, left)
    return (
        (value - other, 0.0)
        if isinstance(value, Estimate) and isinstance(other, Estimate)
        else (value, other)
    )


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
    )


def _bool(value: Any) -> bool:
    """Python's truth of ``value``, an array's refusal turned into the sentence of ``truth``."""
    try:
        return bool(value)
    except (ValueError, TypeError):
        return truth(value)
