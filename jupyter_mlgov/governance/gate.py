"""The gate: open only when every rule passed, each rule with the reason for its answer.

The decision is computed from the manifest and from the ledger entries about exactly this snapshot, never from a
neighbour's. The rules of the default policy:

========================  ==========================================================================
rule                      passes when
========================  ==========================================================================
``run``                   the run ended without an error
``kpi METRIC OP TARGET``  the run's metric reaches the target (one rule a KPI)
``risk ID``               a high or critical risk has a passing check, or is accepted (one rule a risk)
``rerun``                 the newest rerun of exactly this snapshot was ``reproduced`` or ``equivalent``
``rejection``             nobody rejected it; who did may withdraw that by approving it later
========================  ==========================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlgov.governance.kpis import as_text
from jupyter_mlgov.governance.register import kpis, register
from jupyter_mlgov.governance.values import one_line
from jupyter_mlgov.records.annotations import Check, KpiResult, Risk
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.verdict import GateDecision, GateRule

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

__all__ = ["decide", "register"]

GATED_SEVERITIES = ("high", "critical")
PASSING_VERDICTS = ("reproduced", "equivalent")


def decide(store: Store, id: str) -> GateDecision:  # noqa: A002 - the field's own name
    """May the snapshot ``id`` be used, under the default policy? Raises what reading the store raises."""
    manifest = store.manifest(id)
    ref = _reference(store, id, manifest)
    rules = (
        _run(manifest),
        *_kpis(kpis(store, id)),
        *_risks(register(store, id)),
        _rerun(store.entries(subject=id, kind="rerun"), ref),
        _rejection(store.entries(subject=id, kind="approval")),
    )
    return GateDecision(open=all(rule.passed for rule in rules), rules=rules, snapshot=id)


def _reference(store: Store, id: str, manifest: Manifest) -> str:  # noqa: A002
    number = store.number(id)
    return f"{manifest.experiment}@{number}" if number is not None else id[:12]


def _run(manifest: Manifest) -> GateRule:
    if manifest.status == "ok":
        return GateRule(rule="run", passed=True, reason="the experiment's cell ended without an error")
    said = f" ({one_line(manifest.error, 200)})" if manifest.error else ""
    return GateRule(
        rule="run", passed=False, reason=f"the experiment's cell raised{said}: mend the cell and run it again"
    )


def _kpis(results: tuple[KpiResult, ...]) -> list[GateRule]:
    if not results:
        reason = (
            "no KPI is declared, so nothing was asked of the model's quality: add kpis to %%charter or --kpi"
        )
        return [GateRule(rule="kpi", passed=True, reason=reason)]
    rules = []
    for kpi in results:
        value = _shown(kpi.value)
        if kpi.met:
            reason = f"met: {kpi.metric} is {value}"
        elif kpi.met is False:
            reason = f"not met: {kpi.metric} is {value}, and {kpi.op} {kpi.target:.12g} was asked"
        elif kpi.value is None:
            reason = f"not measured: the run has no metric {kpi.metric}; compute it in the experiment's cell"
        else:
            reason = f"not measured: {kpi.metric} is {value}, which is no number"
        rules.append(GateRule(rule=f"kpi {as_text(kpi)}", passed=kpi.met is True, reason=reason))
    return rules


def _risks(risks: tuple[Risk, ...]) -> list[GateRule]:
    gated = [risk for risk in risks if risk.severity in GATED_SEVERITIES]
    if gated:
        return [_risk(risk) for risk in gated]
    if risks:
        reason = f"no high or critical risk among the {len(risks)} annotated"
    else:
        reason = "no risk is annotated, which does not mean that there is none: add %%risk cells"
    return [GateRule(rule="risk", passed=True, reason=reason)]


def _risk(risk: Risk) -> GateRule:
    evidence = _evidence(risk.check)
    passed = risk.check is not None and risk.check.passed is True
    if risk.status == "accepted":
        by = f" by {one_line(risk.owner, 80)}" if risk.owner else ", no owner named"
        return GateRule(
            rule=f"risk {risk.id}", passed=True, reason=f"{risk.severity} risk, accepted{by}; {evidence}"
        )
    if passed:
        return GateRule(rule=f"risk {risk.id}", passed=True, reason=f"{risk.severity} risk, {evidence}")
    word = f" {risk.status!r} alone is no evidence:" if risk.status in ("closed", "mitigated") else ""
    return GateRule(
        rule=f"risk {risk.id}",
        passed=False,
        reason=f"{risk.severity} risk, {evidence}:{word} mitigate it until its check passes, or have it accepted",
    )


def _evidence(check: Check | None) -> str:
    if check is None:
        return "it has no check"
    text = one_line(check.expression, 120)
    if check.error is not None or check.passed is None:
        return f"its check {text} has no answer ({one_line(check.error or 'not evaluated', 160)})"
    measured = ", ".join(
        f"{term.expression} = {_shown(term.value)}"
        for term in check.terms[:4]
        if term.expression != check.expression
    )
    return f"its check {text} {'passed' if check.passed else 'failed'}{f' ({measured})' if measured else ''}"


def _rerun(entries: list[Entry], ref: str) -> GateRule:
    if not entries:
        reason = f"it was never rerun: run mlgov rerun {ref}"
        return GateRule(rule="rerun", passed=False, reason=reason)
    newest = entries[-1]
    verdict = str(newest.body.get("verdict"))
    if verdict in PASSING_VERDICTS:
        return GateRule(rule="rerun", passed=True, reason=f"{verdict} at {_second(newest.at)}")
    return GateRule(
        rule="rerun",
        passed=False,
        reason=f"the newest rerun, at {_second(newest.at)}, was {one_line(verdict, 40)}: mend what its findings name, "
        f"then run mlgov rerun {ref}",
    )


def _rejection(entries: list[Entry]) -> GateRule:
    newest = {(str(entry.body.get("name")), str(entry.body.get("role"))): entry for entry in entries}
    rejected = [entry for entry in newest.values() if entry.body.get("decision") == "rejected"]
    if not rejected:
        return GateRule(rule="rejection", passed=True, reason="nobody rejected it")
    body = rejected[-1].body
    role = f" ({one_line(body['role'], 60)})" if body.get("role") else ""
    said = f": {one_line(body['message'], 200)}" if body.get("message") else ""
    return GateRule(
        rule="rejection",
        passed=False,
        reason=f"rejected by {one_line(body.get('name') or 'unknown', 80)}{role}{said}",
    )


def _second(moment: str) -> str:
    return f"{moment[:19]}Z" if len(moment) > 20 else moment


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return one_line(value, 80)
