"""Which rows a model was fitted on and which it is tested with: read from what a cell passes on, never by running it.

``model.fit(X_train, y_train)``, ``model.score(X_test, y_test)``, ``accuracy_score(y_test, model.predict(X_test))`` and
``(predicted == y_test).mean()`` say it; so does a metric of what ``cross_val_predict`` gave. What stands there is then
looked up in the session: a name, columns of a table (``test[features]``, ``test.drop(columns="y")``), or the array of
either; anything else is not followed. Predictions may be in a variable or in a column (``test["score"] = ...``).
"""

from __future__ import annotations

import ast
import contextlib
import copy
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from jupyter_mlgov.capture.looked_up import is_indexer

Kind = Literal["labels", "scores"]

_PREDICTS: dict[str, Kind] = {"predict": "labels", "predict_proba": "scores", "decision_function": "scores"}
_ENDS = ("_score", "_error", "_loss", "_matrix", "_report", "_curve", "_deviance")
_OWN = frozenset({"cross_val_score", "z_score", "standard_error", "train_loss"})
"""Names that end like a metric's and take something else first."""
_DEPTH = 6


class Fitted(Struct, frozen=True):
    """``model.fit(features, truth)``."""

    model: str | None
    features: ast.expr
    truth: ast.expr | None
    made: int = 0
    """How many columns had been written before (``Passed.written``)."""


class Tested(Struct, frozen=True):
    """Predictions of ``model`` for ``features`` are compared with ``truth``. What holds them may be there: a variable, or
    the text of a column (``test['score']``)."""

    model: str | None
    features: ast.expr | None
    truth: ast.expr
    predicted: str | None = None
    score: str | None = None
    folds: bool = False
    """Each row was predicted by a copy of the model that was fitted without it (``cross_val_predict``)."""
    made: int = 0
    """How many columns had been written when the model answered (``Passed.written``)."""

    @property
    def key(self) -> tuple[str, str]:
        """What the rows are, as text."""
        return _text(self.features), _text(self.truth)


class Passed(Struct):
    """What the code of a cell passes on, in order."""

    fits: list[Fitted] = field(default_factory=list)
    tests: list[Tested] = field(default_factory=list)
    written: list[tuple[str, str | None]] = field(default_factory=list)
    """Tables and the columns that were assigned to them, in order; no column where its name is not literal."""


class _Prediction(Struct, frozen=True):
    kind: Kind
    model: str | None
    features: ast.expr | None
    folds: bool = False
    made: int | None = None
    """How many columns had been written when it was made; None for now."""


def passed_on(*codes: str) -> Passed:
    """What cells (Python, after IPython's transformation, in the order in which they ran) pass to ``fit``, and what the
    last of them passes to metrics. A cell that does not parse counts as empty."""
    reader = _Reader()
    for code in codes:
        reader.found.tests.clear()
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            reader.visit(ast.parse(code))
    return reader.found


class _Reader(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found = Passed()
        self._assigned: dict[str, ast.expr] = {}
        self._made: dict[str, int] = {}
        self._target: str | None = None

    @property
    def _now(self) -> int:
        return len(self.found.written)

    def visit_Assign(self, node: ast.Assign) -> None:
        if len(node.targets) == 1 and (answered := _by_assign(node.value)):
            self._assign_columns(node.targets[0], node.value, answered)
            return
        single = node.targets[0] if len(node.targets) == 1 else None
        self._target = single.id if isinstance(single, ast.Name) else None
        self.visit(node.value)
        made = len(self.found.written)
        for target in node.targets:
            self._written(target)
        place = _place(single) if single is not None else None
        if place is not None:
            self._assigned[place], self._made[place] = node.value, made
        self._target = None

    def _assign_columns(self, target: ast.expr, value: ast.expr, columns: dict[str, ast.expr]) -> None:
        """``test = test.assign(score=model.predict(...))``: its columns are those of ``test`` then."""
        self.visit(value)
        made = self._now
        self._written(target)
        if isinstance(target, ast.Name):
            for column, answer in columns.items():
                place = f"{target.id}[{column!r}]"
                self.found.written.append((target.id, column))
                self._assigned[place], self._made[place] = answer, made

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        if isinstance(node.target, ast.Subscript | ast.Attribute):
            self._written(node.target)

    def _written(self, target: ast.expr) -> None:
        """Notes which column is another one now, and forgets what was known of it, or of the table's columns."""
        if isinstance(target, ast.Subscript | ast.Attribute) and (part := _columns_of(target)) is not None:
            table, named = part
            every = named.elts if isinstance(named, ast.List | ast.Tuple) else [named]
            self.found.written += [(table, _column(one)) for one in every]
        place = _place(target)
        if isinstance(target, ast.Subscript | ast.Attribute) and place is not None:
            self._assigned.pop(place, None)
            return
        tables = tuple(f"{name}[" for name in names_in(target))
        self._assigned = {key: value for key, value in self._assigned.items() if not key.startswith(tables)}

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        named = {word.arg: word.value for word in node.keywords if word.arg}
        if isinstance(node.func, ast.Attribute) and node.func.attr == "fit":
            features = named.get("X", node.args[0] if node.args else None)
            if features is not None:
                truth = named.get("y", node.args[1] if len(node.args) > 1 else None)
                self.found.fits.append(Fitted(self._model(node.func.value), features, truth, self._now))
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "score":
            features = named.get("X", node.args[0] if node.args else None)
            truth = named.get("y", node.args[1] if len(node.args) > 1 else None)
            if features is not None and truth is not None:
                self.found.tests.append(Tested(self._model(node.func.value), features, truth, made=self._now))
        elif (
            isinstance(node.func, ast.Attribute) and node.func.attr == "from_estimator" and len(node.args) > 2
        ):
            self.found.tests.append(Tested(_name(node.args[0]), node.args[1], node.args[2], made=self._now))
        elif _last(node.func).endswith(_ENDS) and _last(node.func) not in _OWN:
            self._metric(node, named)

    def visit_Compare(self, node: ast.Compare) -> None:
        self.generic_visit(node)
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            one, other = node.left, node.comparators[0]
            for predicted, truth in ((one, other), (other, one)):
                if self._prediction(predicted) is not None and self._prediction(truth) is None:
                    if _traceable(truth):
                        self._add(predicted, truth)
                    return

    def _metric(self, node: ast.Call, named: Mapping[str, ast.expr]) -> None:
        truth = named.get("y_true", node.args[0] if node.args else None)
        given = (named.get(word) for word in ("y_pred", "y_score", "y_prob", "y_proba"))
        predicted = next(
            (one for one in given if one is not None), node.args[1] if len(node.args) > 1 else None
        )
        if truth is not None and predicted is not None:
            self._add(predicted, truth)

    def _add(self, predicted: ast.expr, truth: ast.expr) -> None:
        found = self._prediction(predicted)
        name = _name(predicted)
        if name is None and _place(predicted) in self._assigned:
            name = _place(predicted)
        if found is None:
            if isinstance(predicted, ast.Name) and name is not None and _traceable(truth):
                # Made in another cell, or by something else than a model: what it is shows when it is looked at.
                self.found.tests.append(Tested(None, None, truth, predicted=name))
            return
        made = self._now if found.made is None else found.made
        test = Tested(found.model, found.features, truth, folds=found.folds, made=made)
        if found.folds and name is None:
            return  # what was predicted is all that can be tested, and it is in no variable
        if name is not None:
            test = replace(test, predicted=name) if found.kind == "labels" else replace(test, score=name)
        self.found.tests.append(test)

    def _prediction(self, node: ast.expr, depth: int = 0) -> _Prediction | None:
        if depth > _DEPTH:
            return None
        if isinstance(node, ast.Call) and _last(node.func) == "cross_val_predict" and len(node.args) > 1:
            method = next((word.value for word in node.keywords if word.arg == "method"), None)
            how = method.value if isinstance(method, ast.Constant) else "predict"
            kind = _PREDICTS.get(str(how))
            return _Prediction(kind, _name(node.args[0]), node.args[1], folds=True) if kind else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _PREDICTS and (node.args or node.keywords):
                features = node.args[0] if node.args else node.keywords[0].value
                return _Prediction(_PREDICTS[node.func.attr], self._model(node.func.value), features)
            return self._prediction(node.func.value, depth + 1)  # (p > 0.5).astype(int)
        place = _place(node)
        if place is not None and place in self._assigned:
            inner = self._prediction(self._assigned[place], depth + 1)
            if inner is None or inner.made is not None:
                return inner
            return replace(inner, made=self._made[place])
        if isinstance(node, ast.Subscript):
            return self._prediction(node.value, depth + 1)
        if isinstance(node, ast.Compare) and not isinstance(node.ops[0], ast.Eq | ast.NotEq):
            inner = self._prediction(node.left, depth + 1)
            return replace(inner, kind="labels") if inner is not None else None
        return None

    def _model(self, node: ast.expr) -> str | None:
        """The variable that holds the model whose method is called; of a constructor, the one it is assigned to."""
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "fit":
            node = node.func.value
        return (
            _name(node)
            if isinstance(node, ast.Name)
            else self._target
            if isinstance(node, ast.Call)
            else None
        )


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _column(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _place(node: ast.expr) -> str | None:
    """What can be assigned and looked up again, as text: a variable, or a table's column with a literal name."""
    if isinstance(node, ast.Subscript | ast.Attribute):
        table, named = _columns_of(node) or (None, None)
        whole = not is_indexer(node) or (isinstance(node.slice, ast.Tuple) and _is_all(node.slice.elts[0]))
        column = _column(named) if named is not None and whole else None
        return f"{table}[{column!r}]" if column is not None else None
    return _name(node)


def _columns_of(node: ast.Subscript | ast.Attribute) -> tuple[str, ast.expr] | None:
    """The table and the columns that ``test["x"]``, ``test.loc[rows, "x"]`` or ``test.x`` stands for."""
    if isinstance(node, ast.Attribute):
        return (node.value.id, ast.Constant(node.attr)) if isinstance(node.value, ast.Name) else None
    if is_indexer(node):
        assert isinstance(node.value, ast.Attribute)
        table = _name(node.value.value)
        pair = node.slice.elts if isinstance(node.slice, ast.Tuple) else ()
        named = pair[1] if len(pair) == 2 and node.value.attr in ("loc", "at") else ast.Name("?")
        return (table, named) if table is not None else None
    return (node.value.id, node.slice) if isinstance(node.value, ast.Name) else None


def _is_all(node: ast.expr) -> bool:
    return isinstance(node, ast.Slice) and node.lower is None and node.upper is None and node.step is None


def _by_assign(node: ast.expr) -> dict[str, ast.expr]:
    """The columns that ``table.assign(name=...)`` sets; of a lambda what it gives for that table."""
    if not (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "assign"
    ):
        return {}
    table = node.func.value
    columns = {}
    for word in node.keywords:
        value = word.value
        if isinstance(value, ast.Lambda) and len(value.args.args) == 1:
            value = _Named(value.args.args[0].arg, table).visit(copy.deepcopy(value.body))
        if word.arg is not None:
            columns[word.arg] = value
    return columns


class _Named(ast.NodeTransformer):
    """Puts an expression in the place of a name."""

    def __init__(self, name: str, stands_for: ast.expr) -> None:
        self._name, self._stands_for = name, stands_for

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._stands_for if node.id == self._name else node


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr | None) -> str:
    return ast.unparse(node) if node is not None else ""


def names_in(node: ast.expr | None) -> Iterator[str]:
    """The names that stand in an expression."""
    if node is not None:
        yield from (part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _traceable(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Subscript | ast.Attribute)
