"""Builds the report's context: a function of the store, a snapshot's id and the gate's decision.

Nothing is executed and nothing looks at the clock: without ``generated_at`` the page is dated by the newest thing
in the record, so the same record gives the same page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jupyter_mlgov.records.verdict import GateDecision
from jupyter_mlgov.report import provenance
from jupyter_mlgov.report.context import Gap, Gate, ReportContext, Rule, Tile
from jupyter_mlgov.report.coverage import coverage
from jupyter_mlgov.report.data import data, models, parameters
from jupyter_mlgov.report.evidence import Fact, Tone
from jupyter_mlgov.report.gaps import gaps
from jupyter_mlgov.report.operation import Operation, operation
from jupyter_mlgov.report.outline import outline
from jupyter_mlgov.report.purpose import charter
from jupyter_mlgov.report.record import Record, read
from jupyter_mlgov.report.reruns import reproducibility
from jupyter_mlgov.report.results import results
from jupyter_mlgov.report.retrained import RetrainedView, retrained
from jupyter_mlgov.report.risks import GRAVE, risks
from jupyter_mlgov.report.run_views import Reproducibility
from jupyter_mlgov.report.tested import tested
from jupyter_mlgov.report.wording import counted, date, dated, listed, short, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.governance.coverage import Framework
    from jupyter_mlgov.store import Store


def build(
    store: Store,
    snapshot: str,
    gate: GateDecision,
    *,
    generated_at: datetime | str | None = None,
    frameworks: Sequence[Framework] = (),
) -> ReportContext:
    """Everything that the report of ``snapshot`` (an id) shows. ``frameworks`` are the project's own.

    ``generated_at`` (UTC where it names no zone) dates the page; reviews are overdue and reruns old as of then.
    Raises ``NotFound``, ``Missing`` or ``Damaged`` where the manifest itself cannot be read; other objects that
    cannot be read are shown as missing.
    """
    record = read(store, snapshot)
    generated = _iso(generated_at)
    as_of = generated or record.as_of
    purpose = charter(record)
    reruns = reproducibility(record, generated)
    held_data, held_models, held_parameters = data(record), models(record), parameters(record)
    shown, register = results(record), risks(record, as_of)
    assessed, again = tested(record), retrained(record)
    held_code, held_environment = provenance.code(record), provenance.environment(record)
    approvals, cautions = provenance.approvals(record), provenance.cautions(record)
    used = operation(record)
    found = gaps(record, as_of, used)
    offered = coverage(record, as_of, assessed, used, frameworks)
    return ReportContext(
        id=record.id,
        reference=tidy(record.reference, 300),
        title=tidy(record.charter.title, 300) if record.charter else tidy(record.manifest.experiment, 300),
        titled=record.charter is not None,
        kind=record.manifest.kind,
        purpose=_purpose(record),
        facts=_facts(record, used, again),
        notices=tuple(_notices(record, used)),
        gate=_gate(gate, record, reruns),
        tiles=_tiles(record, reruns, found),
        sections=outline(
            record=record,
            charter=purpose,
            data=held_data,
            models=held_models,
            parameters=held_parameters,
            results=shown,
            tested=assessed,
            risks=register,
            reproducibility=reruns,
            environment=held_environment,
            approvals=approvals,
            operation=used,
            frameworks=offered,
            cautions=cautions,
            gaps=found,
        ),
        gaps=found,
        charter=purpose,
        data=held_data,
        models=held_models,
        parameters=held_parameters,
        results=shown,
        tested=assessed,
        retrained=again,
        risks=register,
        reproducibility=reruns,
        code=held_code,
        environment=held_environment,
        approvals=approvals,
        operation=used,
        frameworks=offered,
        warnings=cautions,
        digests=provenance.digests(record),
        as_of=date(record.as_of),
        generated=date(generated) if generated else "",
    )


def _iso(moment: datetime | str | None) -> str:
    if moment is None or isinstance(moment, str):
        return moment or ""
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _purpose(record: Record) -> Fact:
    """What the model is for, in the words of the charter."""
    if record.charter is None:
        return Fact("Intended use", "No charter says what this model is for.", "missing")
    for label, text in (
        ("Intended use", record.charter.intended_use),
        ("Business case", record.charter.business_case),
    ):
        if text:
            return Fact(label, tidy(text, 600), "asserted")
    return Fact("Intended use", "The charter does not say what this model is for.", "missing")


def _facts(record: Record, used: Operation, again: RetrainedView | None) -> tuple[Fact, ...]:
    manifest = record.manifest
    owner = record.charter.owner if record.charter else None
    return (
        Fact("Snapshot", tidy(record.reference, 200), "measured", exact=record.id),
        Fact("Id", short(record.id), "measured", exact=record.id, code=True),
        Fact("Recorded", date(manifest.created_at), "measured", exact=tidy(manifest.created_at, 60)),
        Fact("Author", tidy(manifest.author, 200), "measured")
        if manifest.author
        else Fact("Author", "not recorded", "missing"),
        Fact("Owner", tidy(owner, 200), "asserted") if owner else Fact("Owner", "not named", "missing"),
        Fact("Notebook", tidy(manifest.notebook.path, 300), "measured"),
        *([Fact("In use", listed(used.on_stage), "measured")] if used.on_stage else []),
        *([again.facts[0]] if again is not None else []),
        *([Fact("Message", tidy(manifest.message, 400), "asserted")] if manifest.message else []),
    )


def _notices(record: Record, used: Operation) -> list[tuple[Tone, str]]:
    """What has to be known before anything else is read."""
    found: list[tuple[Tone, str]] = []
    manifest = record.manifest
    if manifest.kind == "candidate":
        found.append(
            (
                "warn",
                f"This is a candidate: what a rerun of {short(manifest.baseline)} made, no result of its own.",
            )
        )
    if manifest.status == "error":
        raised = f": {tidy(manifest.error, 400)}" if manifest.error else ""
        found.append(("bad", f"The experiment's cell raised an error{raised}"))
    if record.newer:
        newest = f"{tidy(manifest.experiment, 200)}@{record.newer[-1]}"
        found.append(
            (
                "warn",
                f"There is a newer snapshot of this experiment, {newest}. This page is about {tidy(record.reference, 200)}.",
            )
        )
    if used.on_stage and used.runs and used.runs[0].tone == "bad":
        run = used.runs[0]
        why = f": {run.reasons[0]}" if run.reasons else ""
        found.append(("bad", f"It is in use, and the monitor’s decision of {run.at} is: {run.decision}{why}"))
    if record.lost:
        found.append(
            (
                "bad",
                f"Parts of this record can no longer be read: {counted(len(record.lost), 'object')} lost or damaged.",
            )
        )
    return found


def _gate(decision: GateDecision, record: Record, reruns: Reproducibility) -> Gate:
    rules = [
        Rule(tidy(rule.rule, 200), rule.passed, dated(tidy(rule.reason, 1500))) for rule in decision.rules
    ]
    failing, passing = ([rule for rule in rules if rule.passed is passed] for passed in (False, True))
    headline = (
        "The gate is open: this model may be used as its charter describes"
        if decision.open and record.charter is not None
        else "The gate is open, and no charter says what this model may be used for"
        if decision.open
        else "The gate is closed: this model may not be used"
    )
    return Gate(
        open=decision.open,
        headline=headline,
        failing=tuple(failing),
        passing=tuple(passing),
        why=tuple(_why(record, reruns)) if decision.open else (),
        policy=tidy(decision.policy, 100),
        fails=f"{len(failing)} of {counted(len(rules), 'rule')} {'fails' if len(failing) == 1 else 'fail'}"
        if failing
        else "",
        passes=f"{counted(len(passing), 'rule')} {'passes' if len(passing) == 1 else 'pass'}"
        if passing
        else "",
    )


def _why(record: Record, reruns: Reproducibility) -> list[tuple[Tone, str]]:
    """Why an open gate is open, and what whoever relies on it has to know."""
    found: list[tuple[Tone, str]] = []
    met = sum(kpi.met is True for kpi in record.kpis)
    if record.kpis:
        found.append(("good", f"{met} of {counted(len(record.kpis), 'target')} reached"))
    else:
        found.append(("warn", "No target was set, so nothing was asked of its quality"))
    if reruns.latest is not None:
        found.append((reruns.latest.tone, f"Executed again: {reruns.latest.verdict}"))
    found += _why_tested(record)
    accepted = [risk for risk in record.risks if risk.status == "accepted"]
    failing = [risk for risk in record.risks if risk.check is not None and risk.check.passed is False]
    if failing:
        names = [tidy(risk.id, 60) + (" (accepted)" if risk in accepted else "") for risk in failing[:6]]
        more = [f"{len(failing) - 6} more"] if len(failing) > 6 else []
        found.append(
            ("warn", f"The checks of {counted(len(failing), 'risk')} fail: {listed([*names, *more])}")
        )
    elif record.risks:
        found.append(("good", f"No check of {counted(len(record.risks), 'risk')} fails"))
    else:
        found.append(("warn", "No risk was written down, which is not the same as none"))
    approved = [one for one in record.standing if one.word == "approved" and one.applies and one.key]
    if approved:
        names = [f"{tidy(one.name, 80)} ({tidy(one.role, 60)})" for one in approved[-4:]]
        found.append(("good", f"Signed by {listed(names)}"))
    else:
        found.append(("warn", "Nobody has signed it"))
    return found


def _why_tested(record: Record) -> list[tuple[Tone, str]]:
    """What the tests said: the gate may not ask for them, and whoever relies on the model has to know all the same."""
    held = tested(record)
    if held.failed:
        more = [f"{len(held.failed) - 4} more"] if len(held.failed) > 4 else []
        what = counted(len(held.failed), "test")
        return [
            ("bad", f"{what} of the model failed or could not be made: {listed([*held.failed[:4], *more])}")
        ]
    return [("good", f"No test of the model failed, {held.passed} passed")] if held.passed else []


def _tiles(record: Record, reruns: Reproducibility, found: tuple[Gap, ...]) -> tuple[Tile, ...]:
    return (_kpi_tile(record), _risk_tile(record), _rerun_tile(reruns), _gap_tile(found))


def _kpi_tile(record: Record) -> Tile:
    kpis = record.kpis
    if not kpis:
        return Tile("KPIs", "None set", "nothing says how good it has to be", "warn", "charter")
    met = Counter(kpi.met for kpi in kpis)
    notes = []
    if met[False]:
        notes.append(f"{met[False]} not met")
    if met[None]:
        notes.append(f"{met[None]} not measured")
    tone: Tone = "bad" if met[False] else "warn" if met[None] else "good"
    return Tile(
        "KPIs", f"{met[True]} of {len(kpis)} met", ", ".join(notes) or "every target reached", tone, "charter"
    )


def _risk_tile(record: Record) -> Tile:
    if not record.risks:
        return Tile("Risks", "None written down", "which is not the same as none", "warn", "risks")
    grave = [one for one in record.risks if one.severity in GRAVE]
    passing = sum(one.check is not None and one.check.passed is True for one in grave)
    failing = sum(one.check is not None and one.check.passed is False for one in record.risks)
    accepted = sum(one.status == "accepted" and not (one.check and one.check.passed) for one in grave)
    notes = (
        [f"{passing} of {len(grave)} high or critical with a passing check"]
        if grave
        else ["none high or critical"]
    )
    if failing:
        notes.append(f"{counted(failing, 'check')} failing")
    if accepted:
        notes.append(f"{accepted} accepted")
    tone: Tone = (
        "good"
        if passing == len(grave) and not failing
        else "warn"
        if passing + accepted >= len(grave)
        else "bad"
    )
    return Tile("Risks", f"{len(record.risks)} written down", ", ".join(notes), tone, "risks")


def _rerun_tile(reruns: Reproducibility) -> Tile:
    latest = reruns.latest
    if latest is None:
        return Tile(
            "Last rerun",
            "Never rerun",
            reruns.elsewhere or "not known whether it reproduces",
            "bad",
            "reproducibility",
        )
    return Tile("Last rerun", latest.verdict.capitalize(), latest.age, latest.tone, "reproducibility")


def _gap_tile(found: tuple[Gap, ...]) -> Tile:
    missing, stale = (sum(gap.state == state for gap in found) for state in ("missing", "stale"))
    if not found:
        return Tile(
            "What is missing", "Nothing found missing", "of what this report looks for", "good", "gaps"
        )
    note = ", ".join(
        f"{number} {state}" for number, state in ((missing, "missing"), (stale, "stale")) if number
    )
    return Tile("What is missing", counted(len(found), "gap"), note, "warn", "gaps")
