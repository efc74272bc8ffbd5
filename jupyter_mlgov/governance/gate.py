"""The gate: open only when every rule passed, each rule with the reason for its answer.

The decision is computed from the manifest and from the ledger entries about exactly this snapshot, never from a
neighbour's. Which rules there are, the policy says (``policy``); those of the default one are the first five:

========================  ==========================================================================
rule                      passes when
========================  ==========================================================================
``run``                   the run ended without an error
``kpi METRIC OP TARGET``  the run's metric reaches the target (one rule a KPI)
``risk ID``               a high or critical risk has a passing check, or is accepted (one rule a risk)
``rerun``                 the newest rerun of exactly this snapshot was ``reproduced`` or ``equivalent``; one that a bundle
                          brought counts where there is none of this project
``rejection``             nobody rejected it; who did may withdraw that by approving it later
``charter``               the charter has the fields that the policy asks for
``assess NAME``           the newest assessment, by the settings that hold now, has tested that, and none of its tests
                          failed, raised or was too small to tell (one rule for each that the policy names)
``code``                  the code that ran is that of a commit
``approval ROLE``         enough people approved it in that role (one rule a role)
========================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from jupyter_mlgov.governance.approvals import Decision, decisions, standing
from jupyter_mlgov.governance.assessed import asked, matching, newest_assessment
from jupyter_mlgov.governance.kpis import as_text
from jupyter_mlgov.governance.policy import Policy
from jupyter_mlgov.governance.register import charter, kpis, register
from jupyter_mlgov.governance.values import one_line
from jupyter_mlgov.governance.words import fold
from jupyter_mlgov.records.annotations import Charter, Check, KpiResult, Risk
from jupyter_mlgov.records.assessment import Assessment
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.moments import moment
from jupyter_mlgov.records.verdict import GateDecision, GateRule

if TYPE_CHECKING:
    from jupyter_mlgov.store import Evidence, Store

__all__ = ["decide", "register"]

CLOCKS_DIFFER = timedelta(minutes=5)
"""By so much another machine's clock may be ahead."""


def decide(
    store: Store,
    id: str,  # noqa: A002 - the field's own name
    policy: Policy | None = None,
    *,
    suite: str | None = None,
    now: datetime | None = None,
) -> GateDecision:
    """May the snapshot ``id`` be used, under ``policy`` (the default one unless told)? Raises what reading the store
    raises. ``suite`` is the digest of the settings by which models are tested now: where the policy asks for tests, those
    made by others do not count. ``now`` matters only where the policy limits a rerun's age."""
    policy = policy or Policy()
    manifest = store.manifest(id)
    ref = _reference(store, id, manifest)
    found = decisions(store, id)
    held = standing(found)
    rules = (
        _run(manifest),
        *_kpis(kpis(store, id, policy.targets), policy),
        *_risks(register(store, id), policy, _accepting(held, manifest, policy)),
        *_rerun(store.evidence(id, "rerun"), ref, policy, now or datetime.now(UTC)),
        _rejection(held),
        *_charter(charter(store, id), policy),
        *_assessed(store, id, policy, suite, ref),
        *_code(manifest, policy),
        *_approvals(held, manifest, policy, ref),
    )
    return GateDecision(
        open=all(rule.passed for rule in rules), rules=rules, snapshot=id, policy=policy.digest
    )


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


def _kpis(results: tuple[KpiResult, ...], policy: Policy) -> list[GateRule]:
    if not results:
        reason = (
            "no KPI is declared, so nothing was asked of the model's quality: add kpis to %%charter or --kpi"
        )
        return [GateRule(rule="kpi", passed=not policy.kpis_needed, reason=reason)]
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


def _accepting(held: Sequence[Decision], manifest: Manifest, policy: Policy) -> dict[str, str]:
    """Risk -> who accepted it in a signed approval that counts."""
    return {
        risk: decision.name
        for decision in held
        if decision.word == "approved" and not _discount(decision, manifest, policy)
        for risk in decision.accepts
    }


def _risks(risks: tuple[Risk, ...], policy: Policy, accepting: dict[str, str]) -> list[GateRule]:
    gated = [risk for risk in risks if risk.severity in policy.severities]
    if gated:
        return [_risk(risk, policy, accepting) for risk in gated]
    words = " or ".join(policy.severities) or "gated"
    if risks:
        return [
            GateRule(rule="risk", passed=True, reason=f"no {words} risk among the {len(risks)} annotated")
        ]
    reason = "no risk is annotated, which does not mean that there is none: add %%risk cells"
    return [GateRule(rule="risk", passed=not policy.risks_needed, reason=reason)]


def _risk(risk: Risk, policy: Policy, accepting: dict[str, str]) -> GateRule:
    evidence = _evidence(risk.check)
    passed = risk.check is not None and risk.check.passed is True
    rule = f"risk {risk.id}"
    if risk.id in accepting and policy.acceptance != "never":
        by = one_line(accepting[risk.id], 80)
        return GateRule(
            rule=rule,
            passed=True,
            reason=f"{risk.severity} risk, accepted by {by} with a signature; {evidence}",
        )
    if risk.status == "accepted" and policy.acceptance == "written":
        by = f" by {one_line(risk.owner, 80)}" if risk.owner else ", no owner named"
        return GateRule(rule=rule, passed=True, reason=f"{risk.severity} risk, accepted{by}; {evidence}")
    if passed:
        return GateRule(rule=rule, passed=True, reason=f"{risk.severity} risk, {evidence}")
    word = f" {risk.status!r} alone is no evidence:" if risk.status in ("closed", "mitigated") else ""
    if risk.status == "accepted":
        word = " 'accepted' in a cell is not enough:"
    way = {
        "written": "mitigate it until its check passes, or have it accepted",
        "signed": f"mitigate it until its check passes, or have it accepted (mlgov approve --accept {risk.id})",
        "never": "mitigate it until its check passes",
    }[policy.acceptance]
    return GateRule(rule=rule, passed=False, reason=f"{risk.severity} risk, {evidence}:{word} {way}")


def _evidence(check: Check | None) -> str:
    if check is None:
        return "it has no check"
    text = one_line(check.expression, 120)
    if check.passed is None:
        return f"its check {text} has no answer ({one_line(check.error or 'not evaluated', 160)})"
    measured = ", ".join(
        f"{term.expression} = {_shown(term.value)}"
        for term in check.terms[:4]
        if term.expression != check.expression
    )
    return f"its check {text} {'passed' if check.passed else 'failed'}{f' ({measured})' if measured else ''}"


def _rerun(found: list[Evidence], ref: str, policy: Policy, now: datetime) -> list[GateRule]:
    if not policy.rerun:
        return []
    if not found:
        reason = f"it was never rerun: run mlgov rerun {ref}"
        return [GateRule(rule="rerun", passed=False, reason=reason)]
    newest, imported = found[-1]
    verdict = one_line(newest.body.get("verdict"), 40)
    when = _second(newest.at) + (" elsewhere, as its bundle says" if imported else "")
    if verdict not in policy.verdicts:
        reason = (
            f"the newest rerun, at {when}, was {verdict}: mend what its findings name, "
            f"then run mlgov rerun {ref}"
        )
        return [GateRule(rule="rerun", passed=False, reason=reason)]
    if policy.rerun_within_days is not None:
        old = _too_old(newest.at, policy.rerun_within_days, now)
        if old:
            reason = f"{verdict} at {when}, {old}: run mlgov rerun {ref}"
            return [GateRule(rule="rerun", passed=False, reason=reason)]
    return [GateRule(rule="rerun", passed=True, reason=f"{verdict} at {when}")]


def _too_old(at: str, limit: float, now: datetime) -> str:
    """Why a rerun at ``at`` is not of the last ``limit`` days; empty where it is."""
    made = moment(at)
    if made is None:
        return "which is no time that can be read"
    if made > now + CLOCKS_DIFFER:
        return "which is still to come: the clock there or here is wrong"
    days = (now - made).total_seconds() / 86_400
    return f"{days:.0f} days ago, and at most {limit:g} are allowed" if days > limit else ""


def _rejection(held: Sequence[Decision]) -> GateRule:
    rejected = [one for one in held if one.word == "rejected"]
    if not rejected:
        return GateRule(rule="rejection", passed=True, reason="nobody rejected it")
    one = rejected[-1]
    role = f" ({one_line(one.role, 60)})" if one.role else ""
    said = f": {one_line(one.message, 200)}" if one.message else ""
    return GateRule(
        rule="rejection",
        passed=False,
        reason=f"rejected by {one_line(one.name or 'unknown', 80)}{role}{said}",
    )


def _charter(held: Charter | None, policy: Policy) -> list[GateRule]:
    if not policy.charter:
        return []
    missing = [name for name in policy.charter if not getattr(held, name, None)]
    if not missing:
        return [GateRule(rule="charter", passed=True, reason=f"the charter has {', '.join(policy.charter)}")]
    said = "there is no charter" if held is None else f"the charter has no {', '.join(missing)}"
    return [GateRule(rule="charter", passed=False, reason=f"{said}: write it in the %%charter cell")]


def _assessed(store: Store, id: str, policy: Policy, suite: str | None, ref: str) -> list[GateRule]:  # noqa: A002
    if not policy.assess:
        return []
    made = newest_assessment(store, id)
    if made is None:
        outdated = "it was never assessed"
    elif suite is not None and made.suite != suite:
        outdated = "it was assessed by other settings than [assess] has now"
    elif made.asked is None:
        outdated = (
            "it was assessed by an earlier version of jupyter-mlgov, which did not record what charter and policy "
            "asked"
        )
    elif made.asked != asked(store, id, policy.targets):
        outdated = "it was assessed when charter or policy asked for something else"
    else:
        return [_tested(name, made) for name in policy.assess]
    reason = f"{outdated}: run mlgov assess {ref}"
    return [GateRule(rule=f"assess {name}", passed=False, reason=reason) for name in policy.assess]


_CLOSING = {"fail": "failed", "error": "could not be tested", "too-small": "too small to tell"}


def _tested(name: str, made: Assessment) -> GateRule:
    rule = f"assess {name}"
    found = matching(made, name)
    closing = [one for word in _CLOSING for one in found if one.verdict == word]
    passed = [one for one in found if one.verdict == "pass"]
    if closing:
        worst = closing[0]
        more = f", and {len(closing) - 1} more" if len(closing) > 1 else ""
        said = f"{one_line(worst.id, 120)}: {_CLOSING[worst.verdict]}: {one_line(worst.reason, 300)}{more}"
        return GateRule(rule=rule, passed=False, reason=f"{said}: mend the model or its data")
    if not passed:
        why = (
            one_line(found[0].reason, 300)
            if found
            else "the suite has no such test; see [assess] tests in mlgov.toml"
        )
        return GateRule(rule=rule, passed=False, reason=f"nothing of it was tested: {why}")
    tests = "test" if len(passed) == 1 else "tests"
    return GateRule(rule=rule, passed=True, reason=f"{len(passed)} {tests} passed on {made.rows} rows")


def _code(manifest: Manifest, policy: Policy) -> list[GateRule]:
    if not policy.committed:
        return []
    code = manifest.code
    if code.commit and code.dirty is False:
        return [GateRule(rule="code", passed=True, reason=f"the code is that of commit {code.commit[:12]}")]
    said = "the notebook was not in a git repository"
    if code.commit:
        said = "there were uncommitted changes" if code.dirty else "whether it was clean is not known"
    return [GateRule(rule="code", passed=False, reason=f"{said}: commit, then run the experiment again")]


def _approvals(held: Sequence[Decision], manifest: Manifest, policy: Policy, ref: str) -> list[GateRule]:
    rules = []
    for role, number in policy.roles.items():
        in_role = [one for one in held if one.word == "approved" and fold(one.role) == fold(role)]
        why = {id(one): _discount(one, manifest, policy) for one in in_role}
        # A key stands behind one name in a role; somebody with two keys is one person still.
        counted = {fold(one.name): one.name for one in in_role if not why[id(one)]}
        names = ", ".join(one_line(name, 80) for name in counted.values())
        if len(counted) >= number:
            rules.append(GateRule(rule=f"approval {role}", passed=True, reason=f"approved by {names}"))
            continue
        reasons = [
            f"{one_line(one.name, 80)}'s does not count: {why[id(one)]}" for one in in_role if why[id(one)]
        ]
        said = f"approved by {names}; " if names else ""
        people = "person" if number == 1 else "people"
        reason = f"{said}{len(counted)} of {number} {people} approved it as {role}"
        reason += f" ({'; '.join(reasons[-3:])})" if reasons else ""
        rules.append(
            GateRule(
                rule=f"approval {role}",
                passed=False,
                reason=f'{reason}: run mlgov approve {ref} --as NAME --role "{role}"',
            )
        )
    return rules


def _discount(decision: Decision, manifest: Manifest, policy: Policy) -> str:
    """Why an approval does not count; empty where it does."""
    if decision.key is None or not decision.applies:
        return decision.fault or "it is not signed"
    if policy.approvers:
        listed = [one for one in policy.approvers if one.key.strip().lower() == decision.key]
        if not listed:
            return "its key is not one of the approvers in mlgov.toml"
        if fold(listed[0].name) != fold(decision.name):
            return f"its key belongs to {one_line(listed[0].name, 80)}"
        if listed[0].roles and fold(decision.role) not in map(fold, listed[0].roles):
            return f"{one_line(decision.name, 80)} may not approve as {one_line(decision.role, 60)}"
    if not policy.author_may_approve and manifest.author and fold(manifest.author) == fold(decision.name):
        return "who made the snapshot cannot approve it"
    return ""


def _second(at: str) -> str:
    return one_line(f"{at[:19]}Z" if len(at) > 20 else at, 40)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return one_line(value, 80)
