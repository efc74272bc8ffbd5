"""What became of each risk over the snapshots of its experiment, read from the ledger.

Nothing is kept twice: a snapshot's entry says which risks its run was recorded with, a ``risk`` entry what was
evaluated or written after it. An event is a difference between two states that follow each other on the ledger,
so it is as tamper-evident as the entries that it is read from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from jupyter_mlgov.errors import Damaged, Missing
from jupyter_mlgov.records.annotations import Risk
from jupyter_mlgov.records.canonical import identity
from jupyter_mlgov.records.decoding import converted

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

What = Literal[
    "opened",
    "changed",
    "check passed",
    "check failed",
    "check gave no answer",
    "accepted",
    "mitigated",
    "closed",
    "reopened",
    "dropped",
]

_TEXTS = (
    "situation", "effect", "severity", "likelihood", "detection", "mitigation", "residual_risk", "owner", "review_by",
    "tags", "time_limit", "test_data",
)  # fmt: skip


class RiskEvent(Struct, frozen=True, kw_only=True):
    """Something that happened to a risk: in the snapshot ``snapshot`` (an id; ``number`` in its experiment), said by
    the ledger entry ``entry``. ``detail`` names what changed."""

    at: str
    risk: str
    what: What
    snapshot: str
    number: int | None
    entry: str
    detail: str = ""


def risk_history(
    store: Store, experiment: str, *, until: str | None = None
) -> dict[str, tuple[RiskEvent, ...]]:
    """The events of each risk of ``experiment`` by its id, oldest first; up to the snapshot ``until`` (an id) and what
    was learnt about that one later. A snapshot whose manifest cannot be read is passed over."""
    events: dict[str, list[RiskEvent]] = {}
    before: dict[str, Risk] = {}
    for entry, number in store.risk_entries(experiment, until=until):
        if entry.kind == "snapshot":
            try:
                now = {risk.id: risk for risk in store.manifest(entry.subject).risks}
            except (Missing, Damaged):
                continue
            dropped = [name for name in before if name not in now]
        else:
            try:
                risk = converted(entry.body, Risk)
            except msgspec.ValidationError:
                continue
            now, dropped = {risk.id: risk}, []
        happened: list[tuple[str, What, str]] = [
            (gone, "dropped", "the run was recorded without it") for gone in dropped
        ]
        for risk in now.values():
            happened += [(risk.id, what, detail) for what, detail in changes(before.get(risk.id), risk)]
        before = {name: risk for name, risk in before.items() if name not in dropped} | now
        for name, what, detail in happened:
            events.setdefault(name, []).append(
                RiskEvent(
                    at=entry.at,
                    risk=name,
                    what=what,
                    snapshot=entry.subject,
                    number=number,
                    entry=identity(entry),
                    detail=detail,
                )
            )
    return {risk: tuple(found) for risk, found in events.items()}


def changes(before: Risk | None, after: Risk) -> list[tuple[What, str]]:
    """What happened between two states of a risk, each with a detail."""
    found: list[tuple[What, str]] = []
    if before is None:
        found.append(("opened", f"{after.severity} severity, {after.likelihood} likelihood"))
    else:
        changed = [name for name in _TEXTS if getattr(before, name) != getattr(after, name)]
        if _expressions(before) != _expressions(after):
            changed.append("check")
        if changed:
            found.append(("changed", ", ".join(name.replace("_", " ") for name in changed)))
    status = before.status if before is not None else "open"
    if after.status != status:
        by = f"by {after.owner}" if after.owner else "no owner is named"
        if after.status == "open":
            found.append(("reopened", f"was {status}"))
        else:
            found.append((after.status, by if after.status == "accepted" else ""))
    if after.check is not None and (before is None or before.check is None or _differs(before, after)):
        check = after.check
        if check.passed is None:
            found.append(("check gave no answer", check.error or ""))
        else:
            failed = [one.expression for one in check.each if one.passed is False]
            found.append(("check passed" if check.passed else "check failed", "; ".join(failed)))
    return found


def _expressions(risk: Risk) -> list[str]:
    return [part.expression for part in risk.check.each] if risk.check else []


def _differs(before: Risk, after: Risk) -> bool:
    """Whether a check's answer is another, or an answer to something else."""
    one, other = before.check, after.check
    assert one is not None and other is not None
    return one.passed != other.passed or _expressions(before) != _expressions(after)
