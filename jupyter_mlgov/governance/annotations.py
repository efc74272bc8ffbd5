"""``%%charter`` and ``%%risk`` bodies: typed text in, ``Charter`` and ``Risk`` out.

Whatever is wrong with a text is said in one line that names the line, the field, what was expected and the
nearest valid word. Nothing that is typed here is ever executed.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence
from typing import Any

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance import fields as schema
from jupyter_mlgov.governance.fields import AnnotationKind, Field, fields_help
from jupyter_mlgov.governance.kpis import operator, parse_kpi, target_number
from jupyter_mlgov.governance.quantities import amounts, declared_data, threshold
from jupyter_mlgov.governance.words import did_you_mean
from jupyter_mlgov.governance.yaml_lines import Fields, Items, Text, Value, read_yaml
from jupyter_mlgov.records.annotations import Charter, Check, Kpi, Risk

__all__ = ["fields_help", "parse_charter", "parse_risk", "risk_id"]

_ID = re.compile(r"[^\W_][\w.-]{0,99}")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt ].*)?", re.DOTALL)
TEXT_LIMIT = 20_000
CHECK_LIMIT = 2_000
CHECKS_LIMIT = 20
SECONDS_LIMIT = 600
LIST_LIMIT = 200


def parse_charter(text: str, *, first_line: int = 1) -> Charter:
    """The charter that a ``%%charter`` body says. Raises ``UsageError``; lines count from ``first_line``."""
    return Charter(**_parse("charter", text, first_line))


def parse_risk(id: str, text: str, *, first_line: int = 1) -> Risk:  # noqa: A002 - the field's own name
    """The risk that a ``%%risk ID`` body says, its check not evaluated yet. Raises ``UsageError``."""
    return Risk(id=risk_id(id), **_parse("risk", text, first_line))


def risk_id(text: str) -> str:
    """``text`` where it can name a risk. Raises ``UsageError``."""
    name = text.strip()
    if not name:
        raise UsageError("%%risk needs an id, for example: %%risk thin-data (%%risk? shows all fields)")
    if not _ID.fullmatch(name):
        raise UsageError(
            f"risk id {name[:100]!r}: use a letter or digit, then letters, digits, '.', '_' or '-', for example thin-data"
        )
    return name


def _parse(kind: AnnotationKind, text: str, first_line: int) -> dict[str, Any]:
    table = {field.name: field for field in schema.fields_of(kind)}
    required = [field.name for field in table.values() if field.required]
    body = read_yaml(text, first_line=first_line)
    if body is None or (isinstance(body, Text) and body.empty):
        raise UsageError(
            f"line {first_line}: the body of %%{kind} is empty; write {_enumerate(required)} (%%{kind}? shows an example)"
        )
    if not isinstance(body, Fields):
        raise UsageError(
            f"line {body.line}: the body of %%{kind} is no `field: text` lines; start with {required[0]}: ..."
        )
    values: dict[str, Any] = {}
    for name, value in body.values.items():
        field = table.get(name)
        if field is None:
            raise UsageError(_unknown(kind, name, body.lines[name], table))
        if isinstance(value, Text) and value.empty:
            if field.required:
                raise UsageError(f"line {value.line}: {name} is empty; write {field.expected}")
            continue
        values[name] = _read(field, value)
    for name in required:
        if name not in values:
            raise UsageError(
                f"line {first_line}: {name} is missing; write {name}: with {table[name].expected}"
            )
    return values


def _unknown(kind: str, name: str, line: int, table: dict[str, Field]) -> str:
    if name == "id" and kind == "risk":
        return f"line {line}: the id stands in the cell's first line (%%risk ID); delete this line"
    if name == "<<":
        return f"line {line}: '<<' is a YAML merge key, and those are not used here; write the fields out"
    hint = did_you_mean(name, table)
    known = "" if hint else f"; the fields are {', '.join(table)}"
    return f"line {line}: {name[:40]!r} is not a field of %%{kind}{hint}{known}"


def _read(field: Field, value: Value) -> Any:
    if field.kind == "kpis":
        return _kpis(field, value)
    if field.kind == "words":
        return _words(field, value)
    if field.kind == "check":
        return _check(field, value)
    if field.kind == "amounts":
        return amounts(field, value)
    if field.kind == "threshold":
        return threshold(field, value)
    if field.kind == "data":
        return declared_data(field, value)
    text = _text(field, value)
    if field.kind == "word":
        word = text.lower()
        if word not in field.words:
            raise UsageError(
                f"line {value.line}: {field.name} {text[:40]!r} is not one of {', '.join(field.words)}"
                f"{did_you_mean(word, field.words)}"
            )
        return word
    if field.kind == "date":
        return _date(field, text, value.line)
    if field.kind == "number":
        return _number(field, text, value.line)
    if field.kind == "seconds":
        seconds = _number(field, text.removesuffix("s").strip(), value.line)
        if not 0 < seconds <= SECONDS_LIMIT:
            raise UsageError(
                f"line {value.line}: {field.name} {text[:40]!r}: write more than 0 and at most {SECONDS_LIMIT} seconds"
            )
        return seconds
    if len(text) > TEXT_LIMIT:
        raise UsageError(
            f"line {value.line}: {field.name} has {len(text)} characters (at most {TEXT_LIMIT}); shorten it"
        )
    return text


def _check(field: Field, value: Value) -> Check:
    """One expression, or a list of them."""
    if isinstance(value, Items):
        if len(value.values) > CHECKS_LIMIT:
            raise UsageError(
                f"line {value.line}: {len(value.values)} checks are too many (at most {CHECKS_LIMIT}); write another risk"
            )
        parts = tuple(Check(expression=_expression(field, item)) for item in value.values)
        if not parts:
            raise UsageError(f"line {value.line}: check is an empty list; write {field.expected}")
        if len(parts) == 1:
            return parts[0]
        return Check(expression="; ".join(part.expression for part in parts), parts=parts)
    return Check(expression=_expression(field, value))


def _expression(field: Field, value: Value) -> str:
    if not isinstance(value, Text):
        found = "a list" if isinstance(value, Items) else "a mapping"
        raise UsageError(
            f"line {value.line}: {field.name} is {found}, expected {field.expected}; "
            "one that starts with [ or { goes in quotes"
        )
    text = value.value.strip()
    if not text:
        raise UsageError(f"line {value.line}: an empty check; write {field.expected}")
    if len(text) > CHECK_LIMIT:
        raise UsageError(
            f"line {value.line}: check has {len(text)} characters (at most {CHECK_LIMIT}); "
            "compute the value in a cell and compare it here"
        )
    return text


def _text(field: Field, value: Value) -> str:
    if isinstance(value, Text):
        return value.value.strip()
    found = "a list" if isinstance(value, Items) else "a mapping"
    advice = {
        "text": "write text; for several lines start with | and indent them",
    }.get(field.kind, f"write {field.expected}")
    raise UsageError(f"line {value.line}: {field.name} is {found}, expected {field.expected}; {advice}")


def _date(field: Field, text: str, line: int) -> str:
    parts = _DATE.fullmatch(text)
    try:
        if parts is None:
            raise ValueError(text)
        return datetime.date(int(parts[1]), int(parts[2]), int(parts[3])).isoformat()
    except ValueError:
        raise UsageError(
            f"line {line}: {field.name} {text[:40]!r} is not a date; write it as YYYY-MM-DD, for example 2027-03-01"
        ) from None


def _number(field: Field, text: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(
            f"line {line}: {field.name} {text[:40]!r} is not a number; write a number such as 0.01"
        )
    return value


def _words(field: Field, value: Value) -> tuple[str, ...]:
    if isinstance(value, Text):
        words = [word.strip() for word in value.value.split(",")]
    elif isinstance(value, Items):
        for item in value.values:
            if not isinstance(item, Text):
                raise UsageError(
                    f"line {item.line}: {field.name} holds words only; write them as [data, fairness]"
                )
        words = [item.value.strip() for item in value.values if isinstance(item, Text)]
    else:
        raise UsageError(
            f"line {value.line}: {field.name} is a mapping, expected a list of words: [data, fairness]"
        )
    if len(words) > LIST_LIMIT or any(len(word) > LIST_LIMIT for word in words):
        raise UsageError(f"line {value.line}: {field.name} is too long; write a few short words")
    words = [word for word in words if word]
    if field.words:
        known = {_folded(word): word for word in field.words}
        for word in words:
            if _folded(word) not in known:
                raise UsageError(
                    f"line {value.line}: {field.name} {word[:40]!r} is not one of {', '.join(field.words)}"
                    f"{did_you_mean(word, field.words)}"
                )
        words = [known[_folded(word)] for word in words]
    return tuple(dict.fromkeys(words))


def _folded(word: str) -> str:
    return re.sub(r"[\s_-]+", " ", word.strip().lower())


def _kpis(field: Field, value: Value) -> tuple[Kpi, ...]:
    if isinstance(value, Text):
        return (_kpi(value),)
    if isinstance(value, Fields):
        raise UsageError(
            f"line {value.line}: kpis is a mapping, expected {field.expected}; start each KPI with a dash (- )"
        )
    if len(value.values) > LIST_LIMIT:
        raise UsageError(f"line {value.line}: {len(value.values)} KPIs are too many (at most {LIST_LIMIT})")
    found: dict[tuple[str, str, float], int] = {}
    kpis = []
    for item in value.values:
        kpi = _kpi(item)
        key = (kpi.metric, kpi.op, kpi.target)
        if key in found:
            raise UsageError(
                f"line {item.line}: this KPI is given twice (first in line {found[key]}); keep one"
            )
        found[key] = item.line
        kpis.append(kpi)
    return tuple(kpis)


def _kpi(value: Value) -> Kpi:
    try:
        if isinstance(value, Text):
            return parse_kpi(value.value)
        if isinstance(value, Fields):
            return _kpi_from_fields(value)
    except UsageError as error:
        said = str(error)
        raise UsageError(said if said.startswith("line ") else f"line {value.line}: {said}") from None
    raise UsageError(f'line {value.line}: a KPI is a list, expected a text such as "auc >= 0.80"')


def _kpi_from_fields(body: Fields) -> Kpi:
    table = {field.name: field for field in schema.KPI}
    values: dict[str, Any] = {}
    for name, value in body.values.items():
        name = "op" if name == "operator" else name
        line = body.lines.get(name, value.line)
        if name not in table:
            hint = did_you_mean(name, table) or f"; the fields are {', '.join(table)}"
            raise UsageError(f"line {line}: {name[:40]!r} is not a field of a KPI{hint}")
        if isinstance(value, Text) and value.empty:
            continue
        text = _text(table[name], value)
        if name == "op":
            values[name] = operator(text, f"with {values.get('metric', 'this metric')}")
        elif name == "target":
            values[name] = target_number(text, f"with {values.get('metric', 'this metric')}")
        else:
            values[name] = _read(table[name], value)
    whole = values.pop("kpi", None)
    if whole is not None:
        parsed = parse_kpi(whole)
        twice = [name for name in ("metric", "op", "target") if name in values]
        if twice:
            raise UsageError(f"line {body.line}: `kpi` already says {_enumerate(twice)}; keep one of the two")
        values |= {"metric": parsed.metric, "op": parsed.op, "target": parsed.target}
    for name in ("metric", "op", "target"):
        if name not in values:
            raise UsageError(f"line {body.line}: {name} is missing in this KPI; write metric, op and target")
    checked = parse_kpi(f"{values['metric']} {values['op']} 0")
    return Kpi(**(values | {"metric": checked.metric}))


def _enumerate(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
