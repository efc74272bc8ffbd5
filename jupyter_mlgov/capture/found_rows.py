"""Which rows the model was fitted on and is tested on: what the cells pass on (``tested``), or what ``--test`` names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.capture.looked_up import Unfollowed, value_of
from jupyter_mlgov.capture.tested import Fitted, Tested, names_in, passed_on
from jupyter_mlgov.records.annotations import DeclaredData
from jupyter_mlgov.records.manifest import Caution

_CELLS = 20
"""Earlier cells that are looked at for where the data come from."""


class FoundRows(Struct, frozen=True):
    """One set of rows, before anything is computed."""

    role: Literal["train", "test"]
    features: Any
    truth: Any = None
    predicted: Any = None
    score: Any = None
    beside: Any = None
    """A table with further columns of the same rows."""
    model: str | None = None
    variables: tuple[str, ...] = ()
    evidence: Literal["declared", "inferred"] = "inferred"
    out_of_fold: bool = False


def codes_for(journal: Sequence[Execution], position: int | None) -> list[str]:
    """The cells that may say where the data come from, in order, the experiment's last. Others are not parsed."""
    if position is None:
        return ["\n".join(one.code for one in journal[-_CELLS:])]
    last = journal[position]
    wanted = set(last.names.uses)
    earlier = [
        one.code
        for one in journal[max(0, position - 200) : position]
        if ".fit(" in one.code or (".predict" in one.code and wanted & set(one.names.sets))
    ]
    return [*earlier[-_CELLS:], last.code]


def find_rows(
    test: Sequence[str],
    declared: DeclaredData | None,
    codes: Sequence[str],
    namespace: Mapping[str, Any],
    primary: str | None,
    lost: list[Caution],
) -> Iterable[FoundRows]:
    """The rows of the model called ``primary``, before anything is computed. ``test`` are the names of ``--test``; ``codes``
    the cells that may say it, the experiment's last."""
    passed = passed_on(*codes)
    fitted = _last_fit(passed.fits, primary)
    if fitted is not None:
        yield from _train(fitted, namespace, primary, passed.written)
    if test:
        yield from _declared_test(test, passed.tests, namespace, primary, lost)
        return
    tests = [one for one in passed.tests if _may_be(one, primary, namespace)]
    trained = ast.unparse(fitted.features) if fitted is not None else None
    beside_training = [one for one in tests if one.key[0] != trained or one.folds]
    for one in reversed(beside_training):
        try:
            yield _test(one, tests, declared, namespace, primary, passed.written)
        except Unfollowed:
            continue
        return


def _last_fit(fits: Sequence[Fitted], primary: str | None) -> Fitted | None:
    """The last fit of the model itself."""
    own = [one for one in fits if one.model is not None and one.model == primary]
    return own[-1] if own else None


def _train(
    fitted: Fitted,
    namespace: Mapping[str, Any],
    primary: str | None,
    written: Sequence[tuple[str, str | None]],
) -> Iterable[FoundRows]:
    try:
        features = value_of(fitted.features, namespace)
        _unchanged(fitted, features, written)
        truth = value_of(fitted.truth, namespace) if fitted.truth is not None else None
    except Unfollowed:
        return
    yield FoundRows(
        "train", features, truth, model=primary, variables=_variables(fitted.features, fitted.truth)
    )


def _may_be(test: Tested, primary: str | None, namespace: Mapping[str, Any]) -> bool:
    if test.model is None:
        return primary is None and _length(namespace.get(test.predicted or "")) is not None
    return primary is None or test.model == primary


def _test(
    one: Tested,
    tests: Sequence[Tested],
    declared: DeclaredData | None,
    namespace: Mapping[str, Any],
    primary: str | None,
    written: Sequence[tuple[str, str | None]],
) -> FoundRows:
    """What one evaluation says, with the predictions and scores that others of the same rows have."""
    same = [other for other in tests if (other.key, other.folds) == (one.key, one.folds)]
    predicted = next((other.predicted for other in reversed(same) if other.predicted), None)
    score = next((other.score for other in reversed(same) if other.score), None)
    features = value_of(one.features, namespace) if one.features is not None else None
    _unchanged(one, features, written)
    beside = None
    if declared is not None and declared.frame is not None and declared.frame not in names_in(one.features):
        held = namespace.get(declared.frame)
        beside = held if _length(held) is not None and _length(held) == _length(features) else None
    return FoundRows(
        "test",
        features,
        value_of(one.truth, namespace),
        _said(predicted, namespace),
        _said(score, namespace),
        beside,
        primary or one.model,
        _variables(
            one.features,
            one.truth,
            predicted,
            score,
            declared.frame if beside is not None and declared else None,
        ),
        out_of_fold=one.folds,
    )


def _said(place: str | None, namespace: Mapping[str, Any]) -> Any:
    """What a variable or a column (``test['score']``) that holds predictions is now; None if it cannot be looked up."""
    if place is None:
        return None
    try:
        return value_of(ast.parse(place, mode="eval").body, namespace)
    except Unfollowed:
        return None


def _unchanged(one: Fitted | Tested, features: Any, written: Sequence[tuple[str, str | None]]) -> None:
    """Raises ``Unfollowed`` where a column of the features was written after the model had them: what is there now is not
    what it saw (``test["score"] = model.predict(test)``)."""
    tables = set(names_in(one.features))
    columns = getattr(features, "columns", None) if _length(features) is not None else None
    if type(features).__module__.startswith("pandas") and type(features).__name__ == "Series":
        columns = (features.name,)
    for table, column in written[one.made :]:
        if table in tables and (column is None or columns is None or column in columns):
            raise Unfollowed(f"`{table}` was changed after the model had it")


def _length(value: Any) -> int | None:
    """Rows of a table or array of a library's; None for anything else: its methods are the user's code."""
    if type(value).__module__.partition(".")[0] not in ("numpy", "pandas", "polars", "scipy"):
        return None
    shape = getattr(value, "shape", None)
    return shape[0] if isinstance(shape, tuple) and shape else None


def _declared_test(
    test: Sequence[str],
    tests: Sequence[Tested],
    namespace: Mapping[str, Any],
    primary: str | None,
    lost: list[Caution],
) -> Iterable[FoundRows]:
    absent = [name for name in test if name not in namespace]
    if absent:
        lost.append(
            Caution(code="rows.missing", message=f"--test: `{absent[0]}` does not exist after the cell")
        )
        return
    same = [one for one in tests if one.key == (test[0], test[1])]
    predicted = next((one.predicted for one in reversed(same) if one.predicted), None)
    score = next((one.score for one in reversed(same) if one.score), None)
    yield FoundRows(
        "test",
        namespace[test[0]],
        namespace[test[1]],
        _said(predicted, namespace),
        _said(score, namespace),
        namespace[test[2]] if len(test) > 2 else None,
        primary,
        tuple(dict.fromkeys([*test, *(name for name in (predicted, score) if name)])),
        "declared",
    )


def _variables(*parts: ast.expr | str | None) -> tuple[str, ...]:
    """What rows were called in the notebook: the text of each expression."""
    return tuple(
        dict.fromkeys(
            part if isinstance(part, str) else ast.unparse(part) for part in parts if part is not None
        )
    )
