"""From a value with its interval to a verdict, and the correction for many questions asked at once.

A test whose value may be a chance finding fails only where the value is past the threshold **and** the threshold is
rejected: the p-value of "the true value is not past it", corrected by Holm (1979) for all tests of its family, is below
alpha. Past the threshold without that, there are too few rows to tell. Within the threshold it passes, unless it rests on
fewer cases than are needed and the interval reaches over.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import msgspec

from jupyter_mlgov.assess.catalogue import TESTS
from jupyter_mlgov.assess.corrections import adjusted
from jupyter_mlgov.assess.suite import Suite
from jupyter_mlgov.governance.estimates import Estimate
from jupyter_mlgov.records.assessment import Judgement, TestResult

SIGNS = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}


def result(
    test: str,
    suite: Suite,
    estimate: Estimate | None,
    *,
    subject: str | None = None,
    rows: int = 0,
    reason: str = "",
    **facts: Any,
) -> TestResult:
    """The result of ``test`` for a value: judged by the value, see :func:`corrected` for families of tests."""
    kind = TESTS[test]
    threshold = facts.pop("threshold", suite.limit(test))
    op = facts.pop("op", kind.op)
    verdict = judge(estimate, op, threshold)
    return TestResult(
        id=f"{test}:{subject}" if subject is not None else test,
        group=kind.group,
        question=facts.pop("question", kind.question),
        value=_number(estimate),
        low=_number(estimate.low) if estimate is not None else None,
        high=_number(estimate.high) if estimate is not None else None,
        level=suite.level,
        op=op if threshold is not None else None,
        threshold=threshold,
        verdict=verdict,
        reason=reason or _reason(estimate, op, threshold, verdict),
        rows=rows,
        cases=estimate.cases if estimate is not None else None,
        needed=suite.min_cases,
        method=facts.pop("method", f"{kind.measure}; interval: {kind.interval}"),
        **facts,
    )


def not_applicable(test: str, reason: str, *, subject: str | None = None, rows: int = 0) -> TestResult:
    """The result of a test whose question does not arise."""
    kind = TESTS[test]
    return TestResult(
        id=f"{test}:{subject}" if subject is not None else test,
        group=kind.group,
        question=kind.question,
        verdict="not-applicable",
        reason=reason,
        rows=rows,
    )


def crashed(group: str, error: Exception) -> TestResult:
    """The result of a group of tests that raised: nothing of it is known."""
    said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return TestResult(
        id=group, group=group, question="Can it be tested?", verdict="error", reason=f"it raised {said}"
    )


def judge(estimate: Estimate | None, op: str | None, threshold: float | None) -> Judgement:
    """The verdict of a single question."""
    if estimate is None or math.isnan(estimate):
        return "too-small" if estimate is not None else "not-applicable"
    if op is None or threshold is None:
        return "measured"
    if (
        not estimate.enough
        and estimate.low <= threshold <= estimate.high
        and not _certain(estimate, op, threshold)
    ):
        return "too-small"
    return "pass" if SIGNS[op](float(estimate), threshold) else "fail"


def _certain(estimate: Estimate, op: str, threshold: float) -> bool:
    """Whether the whole interval satisfies the comparison, its end on the threshold."""
    return bool(SIGNS[op](estimate.low, threshold) and SIGNS[op](estimate.high, threshold))


def p_past(estimate: Estimate, op: str, threshold: float, level: float) -> float | None:
    """P-value of the null hypothesis that the true value satisfies ``op threshold``: one-sided, from the interval's half
    on the threshold's side as a normal one's."""
    from scipy.stats import norm

    above = op in ("<=", "<")
    half = float(estimate) - estimate.low if above else estimate.high - float(estimate)
    if math.isnan(half) or math.isinf(half):
        return None
    distance = float(estimate) - threshold if above else threshold - float(estimate)
    if half <= 0:
        return 0.0 if distance > 0 else 1.0
    return float(norm.sf(distance / (half / norm.ppf((1 + level) / 2))))


def corrected(results: Sequence[TestResult], suite: Suite, family: str) -> list[TestResult]:
    """The same results as one family: verdicts that chance alone would give are taken back."""
    asked: dict[int, float] = {}
    for place, one in enumerate(results):
        if one.verdict in ("measured", "not-applicable") or one.threshold is None or one.op is None:
            continue
        p = (
            one.p_value
            if one.p_value is not None
            else p_past(_estimate(one), one.op, one.threshold, one.level)
        )
        if p is not None and not math.isnan(p):
            asked[place] = p
    counted = dict(zip(asked, adjusted(list(asked.values())), strict=True))
    return [
        _judged(one, asked[place], counted[place], suite, family) if place in asked else one
        for place, one in enumerate(results)
    ]


def _judged(one: TestResult, p: float, p_adjusted: float, suite: Suite, family: str) -> TestResult:
    assert one.op is not None and one.threshold is not None
    estimate = _estimate(one)
    verdict: Judgement = one.verdict
    reason = one.reason
    if not SIGNS[one.op](float(estimate), one.threshold):
        known = p_adjusted < suite.alpha
        verdict = "fail" if known else "too-small"
        tail = f"p = {p_adjusted:.2g} after Holm's correction"
        reason = (
            f"{float(estimate):.3g} is past {one.threshold:g} ({tail})"
            if known
            else f"{float(estimate):.3g} is past {one.threshold:g}, and chance may explain that ({tail})"
        )
        if known and one.cases is not None and one.needed is not None and one.cases < one.needed:
            reason += f"; it rests on {one.cases} cases only"
    return msgspec.structs.replace(
        one,
        verdict=verdict,
        reason=reason,
        family=family,
        p_value=p,
        p_adjusted=p_adjusted,
        correction="Holm",
    )


def _estimate(one: TestResult) -> Estimate:
    value, low, high = (_float(part) for part in (one.value, one.low, one.high))
    return Estimate(value, low, high, one.cases or 0, one.needed or 0)


def _float(value: Any) -> float:
    return float(value) if value is not None else math.nan


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _reason(estimate: Estimate | None, op: str | None, threshold: float | None, verdict: Judgement) -> str:
    if estimate is None:
        return ""
    span = f"interval {estimate.low:.3g} to {estimate.high:.3g}"
    if math.isnan(estimate):
        return f"no value from {estimate.cases} cases"
    if verdict == "too-small":
        return (
            f"{float(estimate):.3g} from {estimate.cases} cases, {estimate.needed} are needed, and the {span} reaches over "
            f"{threshold:g}"
        )
    if verdict == "measured":
        return f"{float(estimate):.3g}, {span}; no threshold is set"
    return f"{float(estimate):.3g}, asked was {op} {threshold:g}; {span}"
