"""Charter, KPIs and risks as they are written down, with what was measured for them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jupyter_mlgov.records.canonical import Scalar

Severity = Literal["low", "medium", "high", "critical"]
Likelihood = Literal["low", "medium", "high"]
RiskStatus = Literal["open", "mitigated", "accepted", "closed"]
Operator = Literal[">=", ">", "<=", "<", "==", "!="]

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
LIKELIHOODS: tuple[Likelihood, ...] = ("low", "medium", "high")
RISK_STATUSES: tuple[RiskStatus, ...] = ("open", "mitigated", "accepted", "closed")


class Kpi(Struct, frozen=True, kw_only=True):
    """A target for one metric: ``metric op target``."""

    metric: str
    op: Operator
    target: float
    split: str | None = None
    tolerance: float | None = None
    description: str | None = None


class KpiResult(Kpi, frozen=True, kw_only=True):
    """A KPI with the value that the run gave. ``met`` is None when the metric was not measured."""

    value: Scalar = None
    met: bool | None = None


class Charter(Struct, frozen=True, kw_only=True):
    """What the model is for, who answers for it, and how good it has to be."""

    title: str
    owner: str | None = None
    business_case: str | None = None
    intended_use: str | None = None
    out_of_scope: str | None = None
    feasibility: str | None = None
    users: str | None = None
    stop_criteria: str | None = None
    kpis: tuple[Kpi, ...] = ()


class CheckTerm(Struct, frozen=True, kw_only=True):
    """One operand of a check with the value that it had."""

    expression: str
    value: Scalar


class Check(Struct, frozen=True, kw_only=True):
    """A risk's executed evidence. ``passed`` is None when it was not, or could not be, evaluated: ``error``
    says why."""

    expression: str
    passed: bool | None = None
    terms: tuple[CheckTerm, ...] = ()
    error: str | None = None
    duration_s: float | None = None


class Risk(Struct, frozen=True, kw_only=True):
    """A situation in which the model fails people or the business, and what is done about it."""

    id: str
    situation: str
    effect: str | None = None
    severity: Severity
    likelihood: Likelihood
    mitigation: str | None = None
    owner: str | None = None
    status: RiskStatus = "open"
    review_by: str | None = None
    residual_risk: str | None = None
    detection: str | None = None
    tags: tuple[str, ...] = ()
    experiment: str | None = None
    check: Check | None = None
    cell: int | None = None
    source: Literal["magic", "markdown"] = "magic"
