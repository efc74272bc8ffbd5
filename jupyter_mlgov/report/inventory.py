"""The inventory: which models a project has, what each is for, and how each stands now.

One row is one snapshot: of a whole project, the newest of each experiment. Every answer is the one that the snapshot's
own report gives. A snapshot that cannot be read is a row that says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.governance.policy import Policy
from jupyter_mlgov.records.annotations import SEVERITIES, Risk
from jupyter_mlgov.report.evidence import Tone
from jupyter_mlgov.report.record import Record, read
from jupyter_mlgov.report.reruns import VERDICTS
from jupyter_mlgov.report.risks import overdue, standing
from jupyter_mlgov.report.wording import after, counted, date, listed, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


@dataclass(frozen=True)
class Said:
    """An answer with how good it is."""

    text: str
    tone: Tone
    note: str = ""


@dataclass(frozen=True)
class ModelRow:
    """One model as it stands. ``fault`` says why it cannot be read; then nothing else is known."""

    id: str
    reference: str
    title: str
    purpose: str
    owner: str
    gate: Said
    kpis: Said
    risks: Said
    rerun: Said
    approvals: Said
    recorded: str
    fault: str = ""


@dataclass(frozen=True)
class Inventory:
    """The whole page."""

    rows: tuple[ModelRow, ...]
    headline: str
    open: int
    policy: str
    as_of: str


def inventory(
    store: Store, snapshots: Sequence[str], policy: Policy, *, suite: str | None = None, now: datetime
) -> Inventory:
    """The rows of ``snapshots`` (ids), in their order. ``now`` dates the page: reruns are old as of then. ``suite`` as for
    the gate."""
    rows = tuple(_row(store, snapshot, policy, suite, now) for snapshot in snapshots)
    usable = sum(row.gate.tone == "good" for row in rows)
    return Inventory(
        rows=rows,
        headline=f"{counted(len(rows), 'model')}, {usable or 'none'} with an open gate",
        open=usable,
        policy=policy.digest,
        as_of=date(now.isoformat()),
    )


def _row(store: Store, snapshot: str, policy: Policy, suite: str | None, now: datetime) -> ModelRow:
    unknown = Said("not known", "warn")
    try:
        record = read(store, snapshot)
        decision = decide(store, snapshot, policy, suite=suite, now=now)
    except MlgovError as error:
        return ModelRow(
            snapshot, snapshot[:12], "", "", "", unknown, unknown, unknown, unknown, unknown, "", str(error)
        )
    failing = [rule for rule in decision.rules if not rule.passed]
    charter = record.charter
    return ModelRow(
        id=snapshot,
        reference=tidy(record.reference, 200),
        title=tidy(charter.title if charter else record.manifest.experiment, 200),
        purpose=tidy((charter and (charter.intended_use or charter.business_case)) or "", 400),
        owner=tidy((charter and charter.owner) or "", 200),
        gate=Said("open", "good")
        if decision.open
        else Said(
            "closed",
            "bad",
            listed([tidy(rule.rule, 60) for rule in failing[:3]])
            + (f" and {len(failing) - 3} more" if len(failing) > 3 else ""),
        ),
        kpis=_kpis(record),
        risks=_risks(record.risks, now.isoformat()),
        rerun=_rerun(record, now),
        approvals=_approvals(record),
        recorded=date(record.manifest.created_at),
    )


def _kpis(record: Record) -> Said:
    met = Counter(kpi.met for kpi in record.kpis)
    if not record.kpis:
        return Said("none set", "warn")
    tone: Tone = "bad" if met[False] else "warn" if met[None] else "good"
    return Said(f"{met[True]} of {len(record.kpis)} met", tone)


def _risks(risks: Sequence[Risk], as_of: str) -> Said:
    if not risks:
        return Said("none written down", "warn")
    unsettled = [risk for risk in risks if risk.status in ("open", "accepted")]
    settled = [risk for risk in risks if risk not in unsettled]
    shown = sum(risk.check is not None and risk.check.passed is True for risk in settled)
    unknown = sum(risk.check is not None and risk.check.passed is None for risk in risks)
    failing = sum(risk.check is not None and risk.check.passed is False for risk in risks)
    late = sum(overdue(risk, as_of) for risk in risks)
    by = Counter(risk.severity for risk in unsettled)
    words = [f"{by[word]} {word}" for word in reversed(SEVERITIES) if by[word]]
    notes = [
        counted(failing, "check failing", "checks failing") if failing else "",
        f"{late} to be reviewed" if late else "",
        counted(unknown, "check not evaluated", "checks not evaluated") if unknown else "",
        f"{len(settled)} mitigated or closed" if settled else "",
        f"{len(settled) - shown} of them without a check that passes" if len(settled) > shown else "",
    ]
    tones = {standing(risk)[1] for risk in risks}
    tone: Tone = (
        "bad" if "bad" in tones or failing else "warn" if "warn" in tones or unsettled or late else "good"
    )
    return Said(
        f"{counted(len(unsettled), 'open risk')}" + (f" ({', '.join(words)})" if words else ""),
        tone,
        ", ".join(note for note in notes if note),
    )


def _rerun(record: Record, now: datetime) -> Said:
    if not record.reruns:
        return Said("never rerun", "bad")
    newest = record.reruns[-1]
    _, tone = VERDICTS.get(newest.verdict, ("", "warn"))
    age = after(now.isoformat(), newest.entry.at, "").removesuffix(" after ").strip()
    return Said(tidy(newest.verdict, 40), tone, f"{age} ago" if age else "")


def _approvals(record: Record) -> Said:
    held = [
        one for one in record.standing if one.key and one.applies and one.word in ("approved", "rejected")
    ]
    if not held:
        return Said("nobody", "warn", f"{len(record.standing)} not valid" if record.standing else "")
    rejected = any(one.word == "rejected" for one in held)
    names = list(dict.fromkeys(f"{tidy(one.name, 60)} ({one.word})" for one in held))
    return Said(listed(names[-3:]), "bad" if rejected else "good")
