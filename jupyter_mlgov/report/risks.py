"""The risk register: where the model fails, and what stands against it.

Only a check that was executed and passed counts as evidence. A status, an acceptance and a mitigation are what
somebody wrote; the page says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlgov.records.annotations import LIKELIHOODS, SEVERITIES, Check, Condition, Risk, SliceValue
from jupyter_mlgov.records.canonical import Scalar, number
from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.records.moments import moment
from jupyter_mlgov.report.evidence import Fact, State, Tone
from jupyter_mlgov.report.risk_views import (
    CheckView,
    ConditionView,
    HistoryView,
    MatrixCell,
    MatrixRow,
    Risks,
    RiskView,
    SliceView,
)
from jupyter_mlgov.report.wording import amount, apart, count, counted, date, day, exactly, seconds, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record

GRAVE = ("high", "critical")
HISTORY = 40
"""Events of one risk on a page."""


def risks(record: Record, as_of: str) -> Risks:
    """The register, the gravest first, and the severity x likelihood matrix. ``as_of`` dates reviews."""
    ordered = sorted(record.risks, key=lambda one: (-level(one), -SEVERITIES.index(one.severity), one.id))
    views = tuple(_risk(record, one, place, as_of) for place, one in enumerate(ordered))
    return Risks(
        risks=views,
        likelihoods=LIKELIHOODS,
        matrix=tuple(
            MatrixRow(
                severity,
                tuple(
                    MatrixCell(
                        _level(row, column),
                        likelihood,
                        tuple(
                            view
                            for view, one in zip(views, ordered, strict=True)
                            if one.severity == severity and one.likelihood == likelihood
                        ),
                    )
                    for column, likelihood in enumerate(LIKELIHOODS)
                ),
            )
            for row, severity in reversed(list(enumerate(SEVERITIES)))
        ),
    )


def level(risk: Risk) -> int:
    """1 (least) to 4 (most), from severity and likelihood together."""
    return _level(SEVERITIES.index(risk.severity), LIKELIHOODS.index(risk.likelihood))


def _level(severity: int, likelihood: int) -> int:
    return (1, 1, 2, 3, 4, 4)[severity + likelihood]


def overdue(risk: Risk, as_of: str) -> bool:
    """True where the date by which the risk was to be reviewed has passed."""
    due, now = moment(risk.review_by or ""), moment(as_of)
    return due is not None and now is not None and due.date() < now.date()


def standing(risk: Risk) -> tuple[str, Tone]:
    """What is known to stand against a risk, in words, and how good that is."""
    check = risk.check
    if check is not None and check.passed is True:
        return "Its check passes", "good"
    if check is not None and check.passed is False:
        if risk.status == "accepted":
            return "Accepted (asserted), although its check fails", "warn"
        return "Its check fails", "bad"
    if risk.status == "accepted":
        return "Accepted; the acceptance is asserted, nothing was executed", "warn"
    if check is not None:
        return "Its check was not evaluated", "bad" if risk.severity in GRAVE else "warn"
    if risk.status in ("mitigated", "closed"):
        return f"Said to be {risk.status}; no check shows it", "bad" if risk.severity in GRAVE else "warn"
    return "Open, and nothing checks it", "bad" if risk.severity in GRAVE else "warn"


def _risk(record: Record, risk: Risk, place: int, as_of: str) -> RiskView:
    words, tone = standing(risk)
    return RiskView(
        id=tidy(risk.id, 120),
        anchor=f"risk-{place + 1}",
        level=level(risk),
        severity=risk.severity,
        likelihood=risk.likelihood,
        status=risk.status,
        situation=tidy(risk.situation),
        known=risk_state(risk),
        standing=words,
        tone=tone,
        facts=tuple(_facts(risk, as_of)),
        checks=tuple(_check(part) for part in risk.check.each) if risk.check is not None else (),
        tags=tuple(tidy(tag, 60) for tag in risk.tags[:20]),
        history=tuple(_history(record, risk)),
        source=_source(risk),
    )


def risk_state(risk: Risk) -> State:
    """How it is known that something stands against a risk."""
    if risk.check is not None and risk.check.passed is not None:
        return "measured"
    return "asserted" if risk.status == "accepted" else "missing"


def _facts(risk: Risk, as_of: str) -> list[Fact]:
    facts = []
    for label, value in (("Effect", risk.effect), ("Mitigation", risk.mitigation), ("Owner", risk.owner)):
        facts.append(
            Fact(label, tidy(value), "asserted") if value else Fact(label, "not written down", "missing")
        )
    for label, value in (("Detection", risk.detection), ("Residual risk", risk.residual_risk)):
        if value:
            facts.append(Fact(label, tidy(value), "asserted"))
    if risk.review_by:
        late = overdue(risk, as_of)
        facts.append(
            Fact("Review by", day(risk.review_by), "stale" if late else "asserted", "overdue" if late else "")
        )
    return facts


def _check(check: Check) -> CheckView:
    outcomes: dict[bool | None, tuple[str, Tone, State]] = {
        True: ("passed", "good", "measured"),
        False: ("failed", "bad", "measured"),
        None: ("not evaluated", "warn", "missing"),
    }
    outcome, tone, state = outcomes[check.passed]
    return CheckView(
        expression=tidy(check.expression, 1000),
        outcome=outcome,
        tone=tone,
        state=state,
        terms=tuple(
            (tidy(term.expression, 400), amount(term.value), exactly(term.value)) for term in check.terms
        ),
        conditions=tuple(_condition(one) for one in check.conditions),
        slices=tuple(_slice(one) for one in check.slices),
        error=tidy(check.error or "", 1000),
        duration=seconds(check.duration_s),
        limit=seconds(check.time_limit_s) if check.time_limit_s is not None else "",
    )


def _condition(one: Condition) -> ConditionView:
    outcomes: dict[bool | None, tuple[str, Tone]] = {
        True: ("holds", "good"),
        False: ("fails", "bad"),
        None: ("no answer", "warn"),
    }
    outcome, tone = outcomes[one.passed]
    value, wanted = amount(one.value), amount(one.threshold)
    sides = [part for part in (number(one.value), number(one.threshold)) if part is not None]
    if one.op and len(sides) == 2 and not isinstance(one.value, bool) and not isinstance(one.threshold, bool):
        value, wanted = apart(*sides)
    signs = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}
    return ConditionView(
        expression=tidy(one.expression, 400),
        value=value,
        exact=exactly(one.value),
        wanted=f"{signs.get(one.op, tidy(one.op, 10))} {wanted}" if one.op else "",
        outcome=outcome,
        tone=tone,
    )


def _slice(one: SliceValue) -> SliceView:
    return SliceView(
        measure=tidy(one.measure, 60).replace("_", " "),
        where=tidy(one.where, 200),
        value=amount(_number(one.value)),
        interval=f"{amount(_number(one.low))} to {amount(_number(one.high))} ({one.level:.0%})",
        cases=f"{count(one.cases)} in {counted(one.rows, 'row')}",
        warning="" if one.enough else f"too few: {one.needed} are needed",
    )


def _number(value: Scalar) -> Scalar:
    """A recorded number as a number: ``"NaN"`` and the infinities too."""
    found = number(value)
    return found if found is not None else value


def _source(risk: Risk) -> str:
    where = cell_name(risk.cell) if risk.cell is not None else "a cell"
    return f"Written in {where} " + ("(markdown)" if risk.source == "markdown" else "(%%risk)")


def _history(record: Record, risk: Risk) -> list[HistoryView]:
    """What happened to this risk over the snapshots up to this one, and to this one since; the newest last."""
    name = tidy(record.manifest.experiment, 100)
    return [
        HistoryView(
            at=date(event.at),
            where=f"{name}@{event.number}",
            what=event.what,
            detail=tidy(event.detail, 300),
        )
        for event in record.risk_history.get(risk.id, ())[-HISTORY:]
    ]
