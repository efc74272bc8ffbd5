"""The gate: may this snapshot be used? Computed from KPIs, risks, the newest rerun and approvals.

Without a policy file: every KPI is met; every high or critical risk has a passing check or is accepted; the
newest rerun of exactly this snapshot reproduced it; nobody rejected it. Each rule gives its reason, also when
it passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.governance.kpis import as_text
from jupyter_mlgov.records.annotations import KpiResult, Risk
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.verdict import GateDecision, GateRule

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

PASSING = ("reproduced", "equivalent")
GRAVE = ("high", "critical")


def decide(store: Store, snapshot: str) -> GateDecision:
    """The gate's answer for one snapshot. Raises ``StoreError`` where the record cannot be read."""
    manifest = store.manifest(snapshot)
    entries = store.entries(subject=snapshot)
    rules = [
        _ran(manifest),
        *_kpis(manifest.kpis),
        *(_risk(risk) for risk in register(store, snapshot) if risk.severity in GRAVE),
        _rerun(manifest, [entry for entry in entries if entry.kind == "rerun"]),
        *_rejections([entry for entry in entries if entry.kind == "approval"]),
    ]
    return GateDecision(open=all(rule.passed for rule in rules), rules=tuple(rules), snapshot=snapshot)


def register(store: Store, snapshot: str) -> tuple[Risk, ...]:
    """The risks of a snapshot: those of its manifest, each as the ledger last says it was evaluated."""
    risks = {risk.id: risk for risk in store.manifest(snapshot).risks}
    for entry in store.entries(subject=snapshot, kind="risk"):
        try:
            risk = msgspec.convert(entry.body, type=Risk)
        except msgspec.ValidationError:
            continue
        risks[risk.id] = risk
    return tuple(risks.values())


def _ran(manifest: Manifest) -> GateRule:
    if manifest.status == "ok":
        return GateRule(rule="run", passed=True, reason="the experiment's cell ran without an error")
    return GateRule(
        rule="run", passed=False, reason=f"the experiment's cell raised {manifest.error or 'an error'}"
    )


def _kpis(kpis: tuple[KpiResult, ...]) -> list[GateRule]:
    if not kpis:
        reason = "no KPI is declared, so nothing says how good is good enough: add kpis to %%charter or --kpi"
        return [GateRule(rule="kpi", passed=False, reason=reason)]
    rules = []
    for kpi in kpis:
        if kpi.met is None:
            reason = f"{kpi.metric} was not measured: let the experiment's cell compute a number of that name"
        else:
            reason = f"{kpi.metric} is {_amount(kpi.value)}"
        rules.append(GateRule(rule=f"kpi {as_text(kpi)}", passed=kpi.met is True, reason=reason))
    return rules


def _risk(risk: Risk) -> GateRule:
    rule = f"risk {risk.id} ({risk.severity})"
    if risk.status == "accepted":
        return GateRule(rule=rule, passed=True, reason=f"accepted by {risk.owner or 'nobody in particular'}")
    if risk.check is None:
        return GateRule(
            rule=rule, passed=False, reason="has no check: give it one, or accept it with status: accepted"
        )
    terms = ", ".join(f"{term.expression} = {_amount(term.value)}" for term in risk.check.terms)
    if risk.check.passed:
        return GateRule(rule=rule, passed=True, reason=f"its check passed: {terms or risk.check.expression}")
    if risk.check.passed is None:
        return GateRule(
            rule=rule,
            passed=False,
            reason=f"its check gives no answer: {risk.check.error or 'not evaluated'}",
        )
    return GateRule(rule=rule, passed=False, reason=f"its check {risk.check.expression} failed: {terms}")


def _rerun(manifest: Manifest, reruns: list[Entry]) -> GateRule:
    if not reruns:
        reason = f"it was never rerun: mlgov rerun {manifest.experiment}"
        return GateRule(rule="rerun", passed=False, reason=reason)
    verdict = str(reruns[-1].body.get("verdict"))
    return GateRule(
        rule="rerun",
        passed=verdict in PASSING,
        reason=f"the newest rerun ({reruns[-1].at[:10]}) says {verdict}",
    )


def _rejections(approvals: list[Entry]) -> list[GateRule]:
    newest: dict[tuple[Any, Any], Entry] = {}
    for entry in approvals:
        newest[entry.body.get("name"), entry.body.get("role")] = entry
    rejected = [entry for entry in newest.values() if entry.body.get("decision") == "rejected"]
    return [
        GateRule(
            rule="approval",
            passed=False,
            reason=f"{entry.body.get('name')} ({entry.body.get('role')}) rejected it: {entry.body.get('message')}",
        )
        for entry in rejected
    ]


def _amount(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
