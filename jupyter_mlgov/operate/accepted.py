"""What a served model accepts: columns with their types, ranges and categories, and what is wrong with a request.

The columns are those of the snapshot's ``InputSchema``, learnt when the model was fitted. A snapshot without one (its
rows were not found) has only names and types, from the model and the recorded frames; then nothing else is checked.

A request is checked column by column with set and minimum operations; only where something is wrong is each row looked
at, to say which.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from jupyter_mlgov.errors import MlgovError, UsageError
from jupyter_mlgov.governance.words import did_you_mean
from jupyter_mlgov.operate.settings import Settings
from jupyter_mlgov.records.assessment import Feature, InputSchema
from jupyter_mlgov.records.canonical import Scalar
from jupyter_mlgov.records.manifest import Manifest

SHOWN = 20
"""Problems of one request that are told one by one."""

_NONE = type(None)
_TYPES: dict[str, set[type]] = {
    "number": {int, float},
    "integer": {int},
    "boolean": {bool},
    "text": {str},
    "time": {str},
}
_WORDS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "category": "one of its categories",
    "text": "a text",
    "time": "a time in ISO 8601",
}
_ARROW = {
    "number": "double",
    "integer": "int64",
    "boolean": "bool",
    "text": "string",
    "category": "string",
    "time": "timestamp",
}


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request. ``row`` counts from 0; None where it concerns all of them."""

    column: str
    row: int | None
    problem: str


class Refused(MlgovError):
    """A request that the model must not answer: ``problems`` says why, at most ``SHOWN`` of ``count``."""

    def __init__(self, problems: list[Problem], count: int | None = None) -> None:
        self.problems = problems
        self.count = len(problems) if count is None else count
        first = problems[0]
        where = f" (row {first.row})" if first.row is not None else ""
        more = f"; {self.count - 1} more" if self.count > 1 else ""
        super().__init__(f"{first.column}{where}: {first.problem}{more}")


class Column(Struct, frozen=True, kw_only=True):
    """One input. ``low`` and ``high`` are the ends of what is accepted; ``optional``: it may be missing (null)."""

    name: str
    kind: str
    dtype: str
    low: float | None = None
    high: float | None = None
    categories: frozenset[Scalar] | None = None
    closed: bool = True
    """Whether a category that was never seen is refused."""
    optional: bool = True

    @property
    def arrow(self) -> str:
        """The type that its values have in the log: see ``parts.TYPES``."""
        if self.kind == "category" and self.categories:
            types = {type(value) for value in self.categories}
            if types <= {int}:
                return "int64"
            if types <= {bool}:
                return "bool"
            if types <= {int, float}:
                return "double"
        return _ARROW[self.kind]


class Accepted:
    """The inputs of one released model. ``layout`` says how it takes them: ``table``, ``array`` or ``series``."""

    def __init__(self, columns: Iterable[Column], layout: str, *, learnt: bool) -> None:
        self.columns = tuple(columns)
        self.layout = layout
        self.learnt = learnt
        self.names = tuple(column.name for column in self.columns)
        self._known = frozenset(self.names)

    def example(self) -> dict[str, list[Any]]:
        """One row as :meth:`check` gives them: the middle of each learnt range, some category, else nought or nothing."""
        return {column.name: [_example(column)] for column in self.columns}

    def check(self, given: Mapping[str, list[Any]], rows: int) -> dict[str, list[Any]]:
        """The columns in the model's order, as the log keeps them (times in microseconds since 1970 UTC).

        Raises ``Refused``.
        """
        problems: list[Problem] = []
        if given.keys() != self._known:
            problems += [
                Problem(
                    column=name[:80],
                    row=None,
                    problem=f"the model has no such input{did_you_mean(name, self.names)}",
                )
                for name in given
                if name not in self._known
            ]
            problems += [
                Problem(
                    column=name, row=None, problem="it is not there: send it, or null where it may be missing"
                )
                for name in self.names
                if name not in given
            ]
            raise Refused(problems[:SHOWN], len(problems))
        checked = {}
        for column in self.columns:
            values = given[column.name]
            if len(values) != rows:
                problems.append(
                    Problem(column=column.name, row=None, problem=f"{len(values)} values for {rows} rows")
                )
                continue
            values, wrong = _checked(column, values)
            problems += wrong
            checked[column.name] = values
        if problems:
            raise Refused(problems[:SHOWN], len(problems))
        return checked


def _example(column: Column) -> Any:
    if column.categories:
        return min(column.categories, key=str)
    if column.low is not None and column.high is not None:
        middle = (column.low + column.high) / 2
        return {"integer": round(middle), "time": round(middle * 1e6)}.get(column.kind, middle)
    return {"number": 0.0, "integer": 0, "boolean": False, "time": 0}.get(column.kind, "")


def accepted(manifest: Manifest, model: Any, settings: Settings) -> Accepted:
    """What a loaded model of a snapshot accepts. Raises ``UsageError`` where not even its inputs' number is known."""
    if manifest.inputs_schema is not None:
        return from_schema(manifest.inputs_schema, settings)
    names = getattr(model, "feature_names_in_", None)
    if names is not None:
        dtypes = _recorded(manifest, [str(name) for name in names])
        columns = [Column(name=str(name), kind=kind_of(dtypes.get(str(name), "")), dtype=dtypes.get(str(name), ""))
                   for name in names]  # fmt: skip
        return Accepted(columns, "table", learnt=False)
    count = getattr(model, "n_features_in_", None)
    if count is None:
        raise UsageError(
            f"what the model of {manifest.experiment!r} takes is not known: run its cell again with this version, "
            "which records it"
        )
    columns = [Column(name=f"x{place}", kind="number", dtype="float64") for place in range(int(count))]
    return Accepted(columns, "array", learnt=False)


def from_schema(schema: InputSchema, settings: Settings) -> Accepted:
    """What a learnt schema accepts, under the operator's ``range_margin`` and ``unseen_categories``."""
    columns = [_column(feature, settings) for feature in schema.features]
    return Accepted(columns, schema.layout, learnt=True)


def _column(feature: Feature, settings: Settings) -> Column:
    low, high = feature.low, feature.high
    if low is None or high is None or settings.range_margin < 0:
        low = high = None
    else:
        room = settings.range_margin * ((high - low) or max(abs(high), 1.0))
        low, high = low - room, high + room
    return Column(
        name=feature.name,
        kind=feature.kind,
        dtype=feature.dtype,
        low=low,
        high=high,
        categories=frozenset(feature.categories) if feature.categories is not None else None,
        closed=settings.unseen_categories == "refuse",
        optional=feature.missing > 0,
    )


def _recorded(manifest: Manifest, names: list[str]) -> dict[str, str]:
    """Types of the named columns, from a recorded frame that has them all."""
    for frame in manifest.frames:
        found = {column.name: column.dtype for column in frame.columns or ()}
        if all(name in found for name in names):
            return {name: found[name] for name in names}
    return {}


def kind_of(dtype: str) -> str:
    """The kind of a column whose values were never looked at. What is not known is taken for a number."""
    low = dtype.lower()
    for start, kind in (
        ("uint", "integer"), ("int", "integer"), ("bool", "boolean"), ("datetime", "time"), ("timestamp", "time"),
        ("str", "text"), ("object", "text"), ("large_string", "text"), ("category", "text"),
    ):  # fmt: skip
        if low.startswith(start):
            return kind
    return "number"


def _checked(column: Column, values: list[Any]) -> tuple[list[Any], list[Problem]]:
    types = set(map(type, values))
    if column.kind == "category":
        return _category(column, values, types)
    wanted = _TYPES[column.kind]
    missing = _NONE in types
    if types - wanted - {_NONE}:
        if column.kind == "integer" and not types - {int, float, _NONE}:
            whole = [int(value) if type(value) is float and value.is_integer() else value for value in values]
            if float not in set(map(type, whole)):
                return _checked(column, whole)
        return values, _each(
            column,
            values,
            lambda value: type(value) in wanted,
            lambda value: f"{_shown(value)} is not {_WORDS[column.kind]}",
        )
    if missing and not column.optional:
        return values, _each(column, values, lambda _: True, str)
    if int in types and column.kind in ("number", "integer"):
        values, large = _sized(column, values)
        if large:
            return values, large
    if column.kind == "time":
        return _times(column, values)
    if column.low is not None and column.high is not None and types - {_NONE}:
        low, high = column.low, column.high
        there = [value for value in values if value is not None] if missing else values
        if min(there) < low or max(there) > high:
            return values, _each(
                column,
                values,
                lambda value: low <= value <= high,
                lambda value: f"{_shown(value)} is outside of what the model knows ({low:.6g} to {high:.6g})",
            )
    return values, []


def _sized(column: Column, values: list[Any]) -> tuple[list[Any], list[Problem]]:
    """Whole numbers as the column holds them: floats among numbers, else up to 64 bits."""
    size = sys.float_info.max if column.kind == "number" else 2**63 - 1
    if any(type(value) is int and abs(value) > size for value in values):
        return values, _each(
            column,
            values,
            lambda value: abs(value) <= size,
            lambda value: f"{_shown(value)} is too large a number",
        )
    if column.kind == "number":
        return [float(value) if type(value) is int else value for value in values], []
    return values, []


def _category(column: Column, values: list[Any], types: set[type]) -> tuple[list[Any], list[Problem]]:
    if types - {str, int, float, bool, _NONE}:
        return values, _each(
            column,
            values,
            lambda value: isinstance(value, str | int | float),
            lambda value: f"{_shown(value)} is no category",
        )
    if _NONE in types and not column.optional:
        return values, _each(column, values, lambda _: True, str)
    known = column.categories
    if (
        known is not None
        and column.closed
        and not known.issuperset(value for value in values if value is not None)
    ):
        few = ", ".join(_shown(value) for value in sorted(known, key=str)[:8]) + (
            ", ..." if len(known) > 8 else ""
        )
        return values, _each(
            column,
            values,
            lambda value: value in known,
            lambda value: f"{_shown(value)} is not a category that the model knows ({few})",
        )
    return values, []


def _times(column: Column, values: list[Any]) -> tuple[list[Any], list[Problem]]:
    made: list[int | None] = []
    problems = []
    for row, value in enumerate(values):
        moment = None
        if value is not None:
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                problems.append(
                    Problem(column=column.name, row=row, problem=f"{_shown(value)} is not {_WORDS['time']}")
                )
                continue
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        made.append(None if moment is None else round(moment.timestamp() * 1e6))
    if problems or column.low is None or column.high is None:
        return made, problems
    low, high = column.low, column.high
    return made, [
        Problem(column=column.name, row=row, problem=f"{values[row]} is outside of what the model knows")
        for row, moment in enumerate(made)
        if moment is not None and not low <= moment / 1e6 <= high
    ]


def _each(
    column: Column, values: list[Any], good: Callable[[Any], bool], says: Callable[[Any], str]
) -> list[Problem]:
    found = []
    for row, value in enumerate(values):
        if value is None:
            if not column.optional:
                said = "it is missing, and it never was when the model was fitted"
                found.append(Problem(column=column.name, row=row, problem=said))
        elif not good(value):
            found.append(Problem(column=column.name, row=row, problem=says(value)))
    return found


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}..."
