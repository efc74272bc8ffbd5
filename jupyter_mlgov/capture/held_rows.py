"""The rows that the model was fitted on and is tested on, kept so that it can be tested later.

Which rows these are is said by ``--test``, or found in what the cells pass on (``tested``). They are kept as Parquet, up to
``rows_limit`` bytes: of more, a sample that is the same every time. Rows in whose text a secret is found are not kept.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.capture.kept import Kept
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.capture.tested import Fitted, Tested, Unfollowed, names_in, passed_on, value_of
from jupyter_mlgov.records.annotations import DeclaredData
from jupyter_mlgov.records.assessment import HeldRows, InputSchema
from jupyter_mlgov.records.manifest import Caution, Frame, Model

if TYPE_CHECKING:
    import pandas as pd

Layout = Literal["table", "array", "series"]

_CELLS = 20
"""Earlier cells that are looked at for where the data come from."""
_SECRETS_LIMIT = 1_000_000
"""Characters of a table's text up to which it is searched for secrets, as for inputs."""
_TEXT_BYTES = 64
"""What a Python string is taken for in the estimate of a table's size."""


@dataclass(frozen=True)
class _Found:
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


@dataclass
class RowsRecorder:
    """Keeps between snapshots what need not be written again."""

    secrets: Secrets
    _made: dict[tuple[object, ...], tuple[HeldRows, InputSchema | None]] = field(default_factory=dict)

    def record(
        self,
        test: Sequence[str],
        declared: DeclaredData | None,
        codes: Sequence[str],
        namespace: Mapping[str, Any],
        *,
        models: Sequence[Model],
        frames: Sequence[Frame],
        columns: Sequence[str],
        limit: int,
        kept: Kept,
        lost: list[Caution],
    ) -> tuple[tuple[HeldRows, ...], InputSchema | None]:
        """Train and test rows, as far as they are known, and what the model's inputs look like.

        ``test`` are the names of ``--test``; ``codes`` the cells that may say it, the experiment's last; ``columns`` what
        tests need beside the features (slices, sensitive columns), taken from a table with the same rows.
        """
        primary = next((model.name for model in models if model.primary), None)
        digests = {frame.name: frame.digest for frame in frames if frame.digest is not None}
        held: list[HeldRows] = []
        schema: InputSchema | None = None
        for found in _find(test, declared, codes, namespace, primary, lost):
            one, learnt = self._hold(found, namespace, digests, columns, limit, kept)
            held.append(one)
            schema = schema or learnt
            if one.reason is not None and found.evidence == "declared":
                said = f"the rows for tests ({', '.join(one.variables)}): {one.reason}"
                lost.append(Caution(code="rows.skipped", message=said))
        return tuple(held), schema

    def _hold(
        self,
        found: _Found,
        namespace: Mapping[str, Any],
        digests: Mapping[str, str],
        columns: Sequence[str],
        limit: int,
        kept: Kept,
    ) -> tuple[HeldRows, InputSchema | None]:
        key: tuple[object, ...] | None = (
            found.role, found.model, limit, *columns, *found.variables, *(digests.get(name) for name in found.variables)
        )  # fmt: skip
        if not all(name in digests for name in found.variables):
            key = None
        if key is not None and key in self._made and kept.has(str(self._made[key][0].object)):
            return self._made[key]
        made = self._make(found, namespace, digests, columns, limit, kept)
        if key is not None and made[0].object is not None:
            self._made[key] = made
        return made

    def _make(
        self,
        found: _Found,
        namespace: Mapping[str, Any],
        digests: Mapping[str, str],
        columns: Sequence[str],
        limit: int,
        kept: Kept,
    ) -> tuple[HeldRows, InputSchema | None]:
        from jupyter_mlgov.capture.learnt_inputs import learn_inputs

        facts: dict[str, Any] = {
            "role": found.role,
            "model": found.model,
            "variables": found.variables,
            "evidence": found.evidence,
            "out_of_fold": found.out_of_fold,
        }
        try:
            table = _Table.of(found, namespace, columns, limit)
            self._no_secrets(table.frame)
            data = parquet_bytes(table.frame)
        except _NotKept as error:
            return HeldRows(**facts, object=None, reason=str(error)), None
        held = HeldRows(
            **facts,
            object=kept.put(data),
            digest=digests.get(found.variables[0]) if found.variables else None,
            rows=len(table.frame),
            of_rows=table.of_rows,
            layout=table.layout,
            features=table.features,
            truth=table.truth,
            predicted=table.predicted,
            scores=table.scores,
            classes=_classes(namespace.get(found.model or "")),
            extra=table.extra,
        )
        features = table.frame.loc[:, list(table.features)]
        return held, learn_inputs(features, held) if table.features else None

    def _no_secrets(self, frame: pd.DataFrame) -> None:
        left = _SECRETS_LIMIT
        for name in frame.columns:
            values = frame[name]
            if not _is_text(values.dtype):
                continue
            texts = [value for value in values.unique().tolist() if isinstance(value, str)]
            left -= sum(map(len, texts))
            if left < 0:
                return  # as for inputs: large tables are data
            whole = "\n".join(texts)
            if self.secrets.redact(whole) != whole:
                raise _NotKept(f"column {name} holds a secret, so they are not kept")


class _NotKept(Exception):
    """Rows are not kept; ``str(error)`` says why."""


@dataclass(frozen=True)
class _Table:
    """Everything about some rows in one table."""

    frame: pd.DataFrame
    of_rows: int
    layout: Layout
    features: tuple[str, ...]
    truth: str | None
    predicted: str | None
    scores: tuple[str, ...]
    extra: tuple[str, ...]

    @classmethod
    def of(cls, found: _Found, namespace: Mapping[str, Any], columns: Sequence[str], limit: int) -> _Table:
        import numpy as np
        import pandas as pd

        parts: dict[str, Any] = {}

        def add(name: str, values: Any) -> str:
            while name in parts:
                name += "_"
            parts[name] = values
            return name

        layout: Layout = "table"
        features: list[str] = []
        if found.features is not None:
            frame, layout = _features(found.features)
            features = [add(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
            rows = len(frame)
        else:
            rows = len(found.truth)
        truth = None if found.truth is None else add("truth", _column(found.truth, rows, "truth"))
        predicted = (
            None
            if found.predicted is None
            else add("predicted", _column(found.predicted, rows, "predictions"))
        )
        scores: list[str] = []
        if found.score is not None:
            values = np.asarray(found.score)
            if values.ndim == 1:
                scores.append(add("score", _column(values, rows, "scores")))
            elif values.ndim == 2 and values.shape[0] == rows and values.shape[1] <= 100:
                scores += [add(f"score {place}", values[:, place]) for place in range(values.shape[1])]
        extra = [add(name, values) for name, values in _beside(found, namespace, columns, rows, features)]
        pick = _sample(parts, rows, limit)
        table = pd.DataFrame(
            {
                name: _plain(values)[pick] if pick is not None else _plain(values)
                for name, values in parts.items()
            }
        )
        return cls(table, rows, layout, tuple(features), truth, predicted, tuple(scores), tuple(extra))


def _plain(values: Any) -> Any:
    """A column without its index, so that columns stand beside each other in the order of their rows."""
    return values.array if hasattr(values, "array") else values


def _features(value: Any) -> tuple[pd.DataFrame, Layout]:
    """A model's inputs as a table."""
    import numpy as np
    import pandas as pd

    kind = type(value)
    library = kind.__module__.partition(".")[0]
    if library == "pandas" and kind.__name__ == "DataFrame":
        if value.columns.nlevels > 1 or not value.columns.is_unique:
            raise _NotKept("its columns have no single names")
        named = all(isinstance(name, str) for name in value.columns)
        return value, "table" if named else "array"
    if library == "pandas" and kind.__name__ == "Series":
        return value.to_frame("text" if value.name is None else str(value.name)), "series"
    if library == "polars" and kind.__name__ == "DataFrame":
        return value.to_pandas(), "table"
    if library == "scipy" and hasattr(value, "toarray"):
        if value.shape[0] * value.shape[1] > 10_000_000:
            raise _NotKept(f"it is a sparse matrix of {value.shape[0]} x {value.shape[1]}")
        value = value.toarray()
    elif kind is list and value and all(type(item) is str for item in value):
        return pd.Series(value, name="text").to_frame(), "series"
    if type(value) is not np.ndarray:
        raise _NotKept(f"it is a {kind.__module__}.{kind.__name__}, which is not read")
    if value.ndim == 1:
        return pd.DataFrame({"0": value}), "series"
    if value.ndim != 2 or value.shape[1] > 10_000:
        raise _NotKept(f"it has the shape {value.shape}")
    return pd.DataFrame(value, columns=[str(place) for place in range(value.shape[1])]), "array"


def _column(value: Any, rows: int, what: str) -> Any:
    """One value a row. pandas' own series stay what they are, so that categories and dates do."""
    import numpy as np

    if type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "columns"):
        value = value.iloc[:, 0] if value.shape[1] == 1 else value.to_numpy()
    if not hasattr(value, "array"):
        value = np.asarray(value)
        if value.ndim == 2 and value.shape[1] == 1:
            value = value[:, 0]
        if value.ndim != 1:
            raise _NotKept(f"the {what} have the shape {value.shape}, one value a row is expected")
    if len(value) != rows:
        raise _NotKept(f"there are {len(value)} {what} for {rows} rows")
    return value


def _beside(
    found: _Found, namespace: Mapping[str, Any], columns: Sequence[str], rows: int, features: Sequence[str]
) -> Iterable[tuple[str, Any]]:
    """Columns that tests need and the model is not given: of the table that was declared, or of one that has these rows."""
    import pandas as pd

    if found.beside is not None:
        table = found.beside
        if type(table) is not pd.DataFrame or len(table) != rows:
            raise _NotKept(f"the table with further columns has to be a DataFrame with {rows} rows")
        yield from ((str(name), table[name]) for name in table.columns if str(name) not in features)
        return
    index = getattr(found.features, "index", None)
    if not isinstance(index, pd.Index):
        return
    if isinstance(index, pd.DatetimeIndex):
        yield "time", index.to_series()
    for wanted in columns:
        if wanted in features or (wanted == "time" and isinstance(index, pd.DatetimeIndex)):
            continue
        for name, table in namespace.items():
            if name.startswith("_") or type(table) is not pd.DataFrame or wanted not in table.columns:
                continue
            if len(table) >= rows and table.index.is_unique and index.isin(table.index).all():
                yield wanted, table.loc[index, wanted]
                break


def _sample(parts: Mapping[str, Any], rows: int, limit: int) -> Any:
    """Which rows are kept, sorted; None for all."""
    import numpy as np

    size = sum(_bytes(values) for values in parts.values())
    if size <= limit or not rows:
        return None
    wanted = max(int(rows * limit / size), 1)
    return np.sort(np.random.default_rng(0).choice(rows, size=wanted, replace=False))


def _bytes(values: Any) -> int:
    dtype = getattr(values, "dtype", None)
    if dtype is not None and _is_text(dtype):
        return len(values) * _TEXT_BYTES
    array = getattr(values, "array", values)
    return int(getattr(array, "nbytes", len(values) * 8))


def _is_text(dtype: Any) -> bool:
    return dtype.kind in "OUS" or str(dtype) in ("str", "string") or str(dtype).startswith("string")


def _classes(model: Any) -> tuple[Any, ...]:
    """The labels that a classifier knows, in the order of its scores."""
    from jupyter_mlgov.hashing.fitted import attributes

    if model is None:
        return ()
    try:
        import numpy as np

        held = attributes(model).get("classes_")
        if held is None:
            steps = attributes(model).get("steps")
            held = attributes(steps[-1][1]).get("classes_") if isinstance(steps, list) and steps else None
        if type(held) is not np.ndarray or held.ndim != 1 or len(held) > 1000:
            return ()
        return tuple(item for item in held.tolist() if isinstance(item, bool | int | float | str))
    except Exception:  # noqa: BLE001 - a model whose state cannot be looked at says nothing
        return ()


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """A table as Parquet, the same bytes for the same table; objects are compressed by the store.

    Raises ``_NotKept`` for values that Parquet has no type for.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _NotKept(f"Parquet cannot hold them ({' '.join(str(error).split())[:150]})") from error
    out = io.BytesIO()
    texts = [f.name for f in table.schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    pq.write_table(table, out, compression="none", use_dictionary=texts, store_schema=True)
    return out.getvalue()


# -- which rows ------------------------------------------------------------------------------------------------


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


def _find(
    test: Sequence[str],
    declared: DeclaredData | None,
    codes: Sequence[str],
    namespace: Mapping[str, Any],
    primary: str | None,
    lost: list[Caution],
) -> Iterable[_Found]:
    passed = passed_on(*codes)
    fitted = _last_fit(passed.fits, primary)
    if fitted is not None:
        yield from _train(fitted, namespace, primary)
    if test:
        yield from _declared_test(test, passed.tests, namespace, primary, lost)
        return
    tests = [one for one in passed.tests if _may_be(one, primary, namespace)]
    trained = ast.unparse(fitted.features) if fitted is not None else None
    beside_training = [one for one in tests if one.key[0] != trained or one.folds]
    for one in reversed(beside_training):
        try:
            yield _test(one, tests, declared, namespace, primary)
        except Unfollowed:
            continue
        return


def _last_fit(fits: Sequence[Fitted], primary: str | None) -> Fitted | None:
    """The last fit of the model itself."""
    own = [one for one in fits if one.model is not None and one.model == primary]
    return own[-1] if own else None


def _train(fitted: Fitted, namespace: Mapping[str, Any], primary: str | None) -> Iterable[_Found]:
    try:
        features = value_of(fitted.features, namespace)
        truth = value_of(fitted.truth, namespace) if fitted.truth is not None else None
    except Unfollowed:
        return
    yield _Found("train", features, truth, model=primary, variables=_variables(fitted.features, fitted.truth))


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
) -> _Found:
    """What one evaluation says, with the predictions and scores that others of the same rows have."""
    same = [other for other in tests if (other.key, other.folds) == (one.key, one.folds)]
    predicted = next((other.predicted for other in reversed(same) if other.predicted), None)
    score = next((other.score for other in reversed(same) if other.score), None)
    features = value_of(one.features, namespace) if one.features is not None else None
    beside = None
    if declared is not None and declared.frame is not None and declared.frame not in names_in(one.features):
        held = namespace.get(declared.frame)
        beside = held if _length(held) is not None and _length(held) == _length(features) else None
    return _Found(
        "test",
        features,
        value_of(one.truth, namespace),
        namespace.get(predicted) if predicted else None,
        namespace.get(score) if score else None,
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
) -> Iterable[_Found]:
    absent = [name for name in test if name not in namespace]
    if absent:
        lost.append(
            Caution(code="rows.missing", message=f"--test: `{absent[0]}` does not exist after the cell")
        )
        return
    same = [one for one in tests if one.key == (test[0], test[1])]
    predicted = next((one.predicted for one in reversed(same) if one.predicted), None)
    score = next((one.score for one in reversed(same) if one.score), None)
    yield _Found(
        "test",
        namespace[test[0]],
        namespace[test[1]],
        namespace.get(predicted) if predicted else None,
        namespace.get(score) if score else None,
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
