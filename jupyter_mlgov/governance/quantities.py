"""Amounts, thresholds and declared test data as they are typed in an annotation."""

from __future__ import annotations

import math
import re
from typing import Any

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance import fields as schema
from jupyter_mlgov.governance.fields import Field
from jupyter_mlgov.governance.kpis import parse_kpi, target_number
from jupyter_mlgov.governance.words import did_you_mean
from jupyter_mlgov.governance.yaml_lines import Fields, Items, Text, Value
from jupyter_mlgov.records.annotations import Amount, DeclaredData, Threshold

KINDS_LIMIT = 20
UNIT_LIMIT = 100
_FIGURE = r"[+-]?(?:\d{1,3}(?:[, ]\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?"
_AMOUNT = re.compile(rf"({_FIGURE})\s*(.*)")
_UNIT_FIRST = re.compile(rf"([^\d\s+-][^\d+-]*?)\s*({_FIGURE})\s*(.*)")


def amounts(field: Field, value: Value) -> tuple[Amount, ...]:
    """``400 USD``, or a mapping from the kind of decision to its amount. Raises ``UsageError``."""
    if isinstance(value, Text):
        return (_amount(field, value.value, value.line, ""),)
    if isinstance(value, Items):
        raise UsageError(
            f"line {value.line}: {field.name} is a list, expected {field.expected}; write {{kind: amount}} for several"
        )
    if len(value.values) > KINDS_LIMIT:
        raise UsageError(
            f"line {value.line}: {field.name} has {len(value.values)} kinds (at most {KINDS_LIMIT})"
        )
    made = []
    for when, part in value.values.items():
        line = value.lines[when]
        if not isinstance(part, Text):
            raise UsageError(f"line {line}: {field.name}: write one amount for {when[:40]}, such as 400 USD")
        made.append(_amount(field, part.value, line, when[:UNIT_LIMIT]))
    return tuple(made)


def _amount(field: Field, text: str, line: int, when: str) -> Amount:
    words = " ".join(text.split())
    figure, unit = "", ""
    if found := _AMOUNT.fullmatch(words):
        figure, unit = found[1], found[2]
    elif found := _UNIT_FIRST.fullmatch(words):
        figure, unit = found[2], f"{found[1].strip()} {found[3]}".strip()
    amount = float(figure.replace(",", "").replace(" ", "")) if figure and len(figure) <= 40 else math.nan
    if not math.isfinite(amount) or len(unit) > UNIT_LIMIT:
        raise UsageError(
            f"line {line}: {field.name} {words[:40]!r} is no amount; write a number and its unit, such as 400 USD"
        )
    return Amount(value=amount, unit=unit, when=when)


def threshold(field: Field, value: Value) -> Threshold:
    """``0.35`` or ``score >= 0.35``. Raises ``UsageError``."""
    if not isinstance(value, Text):
        raise UsageError(f"line {value.line}: {field.name}: write {field.expected}")
    text = value.value.strip()
    try:
        if not any(sign in text for sign in "<>=≥≤"):
            return Threshold(value=target_number(text, text[:40]))
        parsed = parse_kpi(text)
    except UsageError as error:
        said = str(error).removeprefix("KPI ")
        raise UsageError(f"line {value.line}: {field.name}: {said}") from None
    if parsed.op in ("==", "!="):
        raise UsageError(
            f"line {value.line}: {field.name} {text[:40]!r}: use one of >=, >, <=, <; write it like score >= 0.35"
        )
    return Threshold(value=parsed.target, op=parsed.op, score=parsed.metric)


def declared_data(field: Field, value: Value) -> DeclaredData:
    """The mapping under ``test_data``. Raises ``UsageError``."""
    if not isinstance(value, Fields):
        raise UsageError(
            f"line {value.line}: {field.name}: write {field.expected}, "
            "for instance {frame: X_test, truth: y_test, predicted: decision}"
        )
    table = {one.name: one for one in schema.DATA}
    given: dict[str, Any] = {}
    for name, part in value.values.items():
        line = value.lines[name]
        if name not in table:
            raise UsageError(
                f"line {line}: {name[:40]!r} is not a field of {field.name}{did_you_mean(name, table)}"
            )
        if not isinstance(part, Text):
            raise UsageError(f"line {line}: {field.name}.{name}: write {table[name].expected}")
        if part.empty:
            continue
        text = part.value.strip()
        if len(text) > UNIT_LIMIT:
            raise UsageError(f"line {line}: {field.name}.{name} is too long; write {table[name].expected}")
        given[name] = _label(text, part.kind) if name == "positive" else text
    if "truth" not in given:
        raise UsageError(
            f"line {value.line}: {field.name}.truth is missing; write the variable or column that holds what really happened"
        )
    return DeclaredData(**given)


def _label(text: str, kind: str) -> bool | int | float | str:
    """A label as YAML reads it."""
    if kind == "bool":
        return text.lower() in ("true", "yes", "on", "y")
    try:
        return int(text) if kind == "int" else float(text) if kind == "float" else text
    except ValueError:
        return text
