"""Charter, KPIs and risks as they are written down, with what was measured for them."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from jupyter_mlgov.records.canonical import Scalar

Severity = Literal["low", "medium", "high", "critical"]
Likelihood = Literal["low", "medium", "high"]
RiskStatus = Literal["open", "mitigated", "accepted", "closed"]
Tag = Literal["data", "model", "fairness", "security", "privacy", "operation", "third party", "misuse"]
"""Where a risk comes from, or whom it concerns."""
Operator = Literal[">=", ">", "<=", "<", "==", "!="]

SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
LIKELIHOODS: tuple[Likelihood, ...] = ("low", "medium", "high")
RISK_STATUSES: tuple[RiskStatus, ...] = ("open", "mitigated", "accepted", "closed")
TAGS: tuple[Tag, ...] = get_args(Tag)


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


class Amount(Struct, frozen=True, kw_only=True):
    """What a decision is worth or costs, in the user's own unit. ``when`` names the kind of decision where there
    are several: a wrong approval costs something else than a wrong refusal."""

    value: float
    unit: str = ""
    when: str = ""


class Threshold(Struct, frozen=True, kw_only=True):
    """Where a score becomes a decision: positive when ``score op value``."""

    value: float
    op: Operator = ">="
    score: str | None = None


class DeclaredData(Struct, frozen=True, kw_only=True):
    """The test data that slices are cut from: names of variables in the session, or of columns of ``frame``."""

    truth: str
    frame: str | None = None
    predicted: str | None = None
    score: str | None = None
    positive: Scalar = None
    """The label that counts as positive; None: 1 or True."""


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
    value_of_right: tuple[Amount, ...] = ()
    cost_of_wrong: tuple[Amount, ...] = ()
    threshold: Threshold | None = None
    test_data: DeclaredData | None = None
    kpis: tuple[Kpi, ...] = ()


class CheckTerm(Struct, frozen=True, kw_only=True):
    """One operand of a check with the value that it had."""

    expression: str
    value: Scalar


class Condition(Struct, frozen=True, kw_only=True):
    """One comparison of a check: ``value op threshold``. A condition that is no comparison has no ``op``.
    ``passed`` is None where the slice behind it is too small to tell."""

    expression: str
    value: Scalar
    op: str | None = None
    threshold: Scalar = None
    passed: bool | None = None


class SliceValue(Struct, frozen=True, kw_only=True):
    """A measure over one slice of the declared test data, with its confidence interval.

    ``rows`` are in the slice; ``cases`` are those that the measure divides by (for a recall: the positives).
    ``enough`` is False where they are fewer than ``needed``.
    """

    measure: str
    where: str
    value: Scalar
    low: Scalar
    high: Scalar
    rows: int
    cases: int
    needed: int
    enough: bool
    level: float = 0.95


class Check(Struct, frozen=True, kw_only=True):
    """A risk's executed evidence. ``passed`` is None when it was not, or could not be, evaluated: ``error``
    says why. Several expressions are ``parts``: it passes when all of them do."""

    expression: str
    passed: bool | None = None
    terms: tuple[CheckTerm, ...] = ()
    conditions: tuple[Condition, ...] = ()
    slices: tuple[SliceValue, ...] = ()
    error: str | None = None
    duration_s: float | None = None
    time_limit_s: float | None = None
    """The limit that was set on each expression; None where none could be."""
    parts: tuple[Check, ...] = ()

    @property
    def each(self) -> tuple[Check, ...]:
        """The expressions one by one."""
        return self.parts or (self,)


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
    time_limit: float | None = None
    """Seconds that each expression of the check may take."""
    test_data: DeclaredData | None = None
    """Where it is not the charter's."""
    cell: int | None = None
    source: Literal["magic", "markdown"] = "magic"
