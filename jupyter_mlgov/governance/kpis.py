"""KPIs: targets for metrics, and whether a run met them.

A KPI that was not measured is not met and not unmet: ``met`` is None, and the gate says so. ``NaN`` was measured
and is never met.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance.words import nearest
from jupyter_mlgov.records.annotations import Kpi, KpiResult, Operator
from jupyter_mlgov.records.canonical import Scalar, number

K = TypeVar("K", bound=Kpi)

OPERATORS: tuple[Operator, ...] = (">=", ">", "<=", "<", "==", "!=")
_MEANT = {
    "=>": ">=",
    "=<": "<=",
    "=": "==",
    "<>": "!=",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "===": "==",
    ">>": ">",
    "<<": "<",
}
_SIGNS = "<>=!≥≤≠"
_PARTS = re.compile(rf"([^{_SIGNS}]*)([{_SIGNS}]+)([^{_SIGNS}]*)")
_METRIC = re.compile(r"[^\W\d][\w./:@-]{0,199}")
_NUMBER = re.compile(r"([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(%?)")
_EXAMPLE = "write it like auc >= 0.80"


def parse_kpi(text: str) -> Kpi:
    """``"auc >= 0.80"`` as a ``Kpi``. ``80%`` is 0.80. Raises ``UsageError`` with one line."""
    shown = repr(text.strip()[:80])
    if not text.strip():
        raise UsageError(f"an empty KPI; {_EXAMPLE}")
    parts = _PARTS.fullmatch(text.strip())
    if parts is None:
        several = any(sign in text for sign in _SIGNS)
        raise UsageError(f"KPI {shown} has {'more than one' if several else 'no'} comparison; {_EXAMPLE}")
    metric, sign, target = (part.strip() for part in parts.groups())
    op = operator(sign, shown)
    if not _METRIC.fullmatch(metric):
        if metric and _NUMBER.fullmatch(metric) and _METRIC.fullmatch(target):
            flipped = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}.get(op, op)
            raise UsageError(f"KPI {shown} starts with the target; write {target} {flipped} {metric}")
        raise UsageError(f"KPI {shown} names no metric ({metric[:40]!r} is no name); {_EXAMPLE}")
    return Kpi(metric=metric, op=op, target=target_number(target, shown))


def operator(sign: str, shown: str) -> Operator:
    """``sign`` as an operator. Raises ``UsageError`` that names the nearest one."""
    if sign in OPERATORS:
        return sign
    if sign in ("≥", "≤", "≠"):
        return cast("Operator", _MEANT[sign])
    meant = _MEANT.get(sign) or nearest(sign, OPERATORS)
    hint = f"; did you mean {meant}?" if meant else ""
    raise UsageError(f"KPI {shown}: {sign[:20]!r} is not one of {', '.join(OPERATORS)}{hint}")


def target_number(text: str, shown: str) -> float:
    """``text`` as a finite number; a percentage is a hundredth. Raises ``UsageError``."""
    parts = _NUMBER.fullmatch(text.strip())
    if parts is None:
        thousands = " without separators (1000, not 1,000)" if re.fullmatch(r"[\d,. ]+", text.strip()) else ""
        raise UsageError(
            f"KPI {shown}: the target {text[:40]!r} is not a number; write a number{thousands}: auc >= 0.80"
        )
    value = float(parts[1].replace("_", ""))
    value = value / 100 if parts[2] else value
    if not math.isfinite(value):
        raise UsageError(f"KPI {shown}: the target {text[:40]!r} is too large; {_EXAMPLE}")
    return value


def unite(*groups: Iterable[K]) -> tuple[K, ...]:
    """The KPIs of several places (charter, ``--kpi``) in order, a target that is said twice only once."""
    seen: dict[tuple[str, str, float], K] = {}
    for group in groups:
        for kpi in group:
            seen.setdefault((kpi.metric, kpi.op, kpi.target), kpi)
    return tuple(seen.values())


def judge(kpis: Iterable[Kpi], metrics: Mapping[str, Scalar]) -> tuple[KpiResult, ...]:
    """Each KPI with the value that the run gave, a target that is said twice only once. ``met`` is None where there is no
    such metric or no number."""
    results = []
    for kpi in unite(kpis):
        value = metrics.get(kpi.metric)
        results.append(
            KpiResult(
                metric=kpi.metric,
                op=kpi.op,
                target=kpi.target,
                split=kpi.split,
                tolerance=kpi.tolerance,
                description=kpi.description,
                value=value,
                met=is_met(kpi, value),
            )
        )
    return tuple(results)


def is_met(kpi: Kpi, value: Scalar) -> bool | None:
    """Whether ``value`` reaches the target, give or take the KPI's tolerance. None for what is no number."""
    measured = number(value)
    if measured is None:
        return None
    if math.isnan(measured):
        return False
    allowed = abs(kpi.tolerance or 0.0)
    match kpi.op:
        case ">=":
            return measured >= kpi.target - allowed
        case ">":
            return measured > kpi.target - allowed
        case "<=":
            return measured <= kpi.target + allowed
        case "<":
            return measured < kpi.target + allowed
        case "==":
            return measured == kpi.target or abs(measured - kpi.target) <= allowed
        case "!=":
            return abs(measured - kpi.target) > allowed


def told(kpi: Kpi, low: Scalar, high: Scalar) -> bool | None:
    """What an interval says: True where each of its values meets the target, False where none does, None where some do or
    an end is no number."""
    ends = number(low), number(high)
    if any(end is None or math.isnan(end) for end in ends):
        return None
    one, other = (is_met(kpi, end) for end in ends)
    if one is not other:
        return None
    around = kpi.op in ("==", "!=") and ends[0] < kpi.target < ends[1]  # type: ignore[operator]
    return None if around and one is (kpi.op == "!=") else one


def asked(kpi: Kpi) -> str:
    """``>= 0.8``, and how far on the wrong side still counts as met: ``>= 0.8 (± 0.03)``."""
    return f"{kpi.op} {kpi.target:.12g}" + (f" (± {abs(kpi.tolerance):.12g})" if kpi.tolerance else "")


def as_text(kpi: Kpi) -> str:
    """``auc >= 0.8``, as ``parse_kpi`` reads it; ``auc >= 0.8 (test)`` where a data split is named."""
    text = f"{kpi.metric} {kpi.op} {kpi.target:.12g}"
    return f"{text} ({kpi.split})" if kpi.split else text
