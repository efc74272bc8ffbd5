"""Which rows a model was fitted on and which it is tested with: read from what a cell passes on, never by running it.

``model.fit(X_train, y_train)``, ``model.score(X_test, y_test)``, ``accuracy_score(y_test, model.predict(X_test))`` and
``(predicted == y_test).mean()`` say it; so does a metric of what ``cross_val_predict`` gave. What stands there is then
looked up in the session: a name, columns of a table (``test[features]``, ``test.drop(columns="y")``), or the array of
either; anything else is not followed.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

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


class Tested(Struct, frozen=True):
    """Predictions of ``model`` for ``features`` are compared with ``truth``. The variables that hold them may be there."""

    model: str | None
    features: ast.expr | None
    truth: ast.expr
    predicted: str | None = None
    score: str | None = None
    folds: bool = False
    """Each row was predicted by a copy of the model that was fitted without it (``cross_val_predict``)."""

    @property
    def key(self) -> tuple[str, str]:
        """What the rows are, as text."""
        return _text(self.features), _text(self.truth)


class Passed(Struct):
    """What the code of a cell passes on, in order."""

    fits: list[Fitted] = field(default_factory=list)
    tests: list[Tested] = field(default_factory=list)


class _Prediction(Struct, frozen=True):
    kind: Kind
    model: str | None
    features: ast.expr | None
    folds: bool = False


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
        self._target: str | None = None

    def visit_Assign(self, node: ast.Assign) -> None:
        single = node.targets[0] if len(node.targets) == 1 else None
        self._target = single.id if isinstance(single, ast.Name) else None
        self.visit(node.value)
        if self._target is not None:
            self._assigned[self._target] = node.value
        self._target = None

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        named = {word.arg: word.value for word in node.keywords if word.arg}
        if isinstance(node.func, ast.Attribute) and node.func.attr == "fit":
            features = named.get("X", node.args[0] if node.args else None)
            if features is not None:
                truth = named.get("y", node.args[1] if len(node.args) > 1 else None)
                self.found.fits.append(Fitted(self._model(node.func.value), features, truth))
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "score":
            features = named.get("X", node.args[0] if node.args else None)
            truth = named.get("y", node.args[1] if len(node.args) > 1 else None)
            if features is not None and truth is not None:
                self.found.tests.append(Tested(self._model(node.func.value), features, truth))
        elif (
            isinstance(node.func, ast.Attribute) and node.func.attr == "from_estimator" and len(node.args) > 2
        ):
            self.found.tests.append(Tested(_name(node.args[0]), node.args[1], node.args[2]))
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
        if found is None:
            if name is not None and _traceable(truth):
                # Made in another cell, or by something else than a model: what it is shows when it is looked at.
                self.found.tests.append(Tested(None, None, truth, predicted=name))
            return
        test = Tested(found.model, found.features, truth, folds=found.folds)
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
        if isinstance(node, ast.Name) and node.id in self._assigned:
            return self._prediction(self._assigned[node.id], depth + 1)
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


class Unfollowed(Exception):
    """An expression that is not looked up: its value would have to be computed by the user's code."""


def value_of(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """What an expression means now, where that takes no code but pandas' own. Raises ``Unfollowed``."""
    if isinstance(node, ast.Name):
        if node.id not in namespace:
            raise Unfollowed(f"`{node.id}` is not there after the cell")
        return namespace[node.id]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        pass
    if isinstance(node, ast.List | ast.Tuple):
        return [value_of(part, namespace) for part in node.elts]
    try:
        return _table_part(node, namespace)
    except Unfollowed:
        raise
    except Exception as error:
        raise Unfollowed(f"`{_text(node)}` cannot be looked up ({type(error).__name__})") from error


def _table_part(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Subscript):
        base = _table(value_of(node.value, namespace), node)
        return base[value_of(node.slice, namespace)]
    if isinstance(node, ast.Attribute) and node.attr == "values":
        return _table(value_of(node.value, namespace), node).to_numpy()
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        words = {word.arg: value_of(word.value, namespace) for word in node.keywords if word.arg}
        given = [value_of(part, namespace) for part in node.args]
        base = _table(value_of(node.func.value, namespace), node)
        if node.func.attr == "drop" and not words.get("inplace"):
            return base.drop(*given, **words)
        if node.func.attr == "to_numpy" and not given:
            return base.to_numpy(**words)
    raise Unfollowed(f"`{_text(node)}` is more than a name or columns of a table")


def _table(value: Any, node: ast.expr) -> Any:
    """``value`` where it is pandas' own table, so that asking for a part of it runs nobody else's code."""
    kind = type(value)
    if kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in ("DataFrame", "Series"):
        return value
    raise Unfollowed(f"`{_text(node)}` is a part of something that is no pandas table")
