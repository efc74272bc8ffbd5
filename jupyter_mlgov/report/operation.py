"""What became of the model: on which stages it was released, what its monitors found, which retraining it came of.

All of it is read from the ledger entries about this snapshot. What is known of another version says nothing about this
one: a monitor that only looked at the version before it is *stale*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from jupyter_mlgov.records import release
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.monitoring import ColumnDrift, Monitoring
from jupyter_mlgov.records.release import Release
from jupyter_mlgov.records.retraining import GOOD, Retraining
from jupyter_mlgov.report.evidence import Digest, State, Tone
from jupyter_mlgov.report.wording import count, counted, date, listed, short, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record

T = TypeVar("T")

DECISIONS: dict[str, Tone] = {"nothing": "good", "watch": "warn", "retrain": "bad", "roll back": "bad"}
"""How bad each decision of a monitor is."""
COLUMNS = 20
"""Columns that drifted, at most, in the section; the monitor's own report has all of them."""
RUNS = 20


@dataclass(frozen=True)
class ReleaseView:
    """A release of this snapshot. ``now``: this version is what is on the stage; ``since`` says so in words."""

    name: str
    at: str
    by: str
    message: str
    now: bool
    since: str
    gate: Digest


@dataclass(frozen=True)
class RunView:
    """A monitor run in short."""

    at: str
    name: str
    decision: str
    tone: Tone
    reasons: tuple[str, ...]
    rows: str


@dataclass(frozen=True)
class Monitored:
    """The newest run that can be read, whole. ``more`` columns drifted, too, and are not among ``drifted``."""

    run: RunView
    found: Monitoring
    drifted: tuple[ColumnDrift, ...]
    more: int
    digest: Digest


@dataclass(frozen=True)
class RetrainingView:
    """A retraining that this snapshot came of, or one of it that failed. ``contest`` sets it beside the release before."""

    of: str
    at: str
    outcome: str
    tone: Tone
    data: str
    contest: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Operation:
    """The section. ``elsewhere`` is what is known of another version only."""

    releases: tuple[ReleaseView, ...]
    runs: tuple[RunView, ...]
    newest: Monitored | None
    retrainings: tuple[RetrainingView, ...]
    elsewhere: str

    @property
    def on_stage(self) -> tuple[str, ...]:
        """What this version is on now, as ``MODEL:STAGE@N``."""
        return tuple(one.name for one in self.releases if one.now)

    @property
    def monitoring(self) -> tuple[State, ...]:
        """How the monitoring of this version is known; empty where there is none and need not be any."""
        if self.runs:
            return ("measured",)
        return ("stale",) if self.elsewhere else ("missing",) if self.on_stage else ()

    @property
    def states(self) -> tuple[State, ...]:
        held: tuple[State, ...] = ("measured",) if self.releases or self.retrainings else ()
        return (*held, *self.monitoring)

    @property
    def lead(self) -> str:
        if not self.releases and not self.runs:
            return ""
        there = f"on {listed(self.on_stage)} now" if self.on_stage else "on no stage now"
        runs = counted(len(self.runs), "monitor run") if self.runs else "no monitor run"
        return f"{counted(len(self.releases), 'release')}, {there}; {runs}. {self.elsewhere}".rstrip()


def operation(record: Record) -> Operation:
    """Releases, monitor runs and retrainings of exactly this snapshot, newest first."""
    every = [
        one for entry in record.store.entries(kind="release") if (one := release.read(entry)) is not None
    ]
    drift = [entry for entry in record.entries if entry.kind == "drift"]
    return Operation(
        releases=tuple(
            _release(one, every[place + 1 :])
            for place, one in reversed(list(enumerate(every)))
            if one.snapshot == record.id
        ),
        runs=tuple(_run(entry) for entry in reversed(drift))[:RUNS],
        newest=_newest(record, drift),
        retrainings=tuple(
            _retraining(record, entry) for entry in reversed(record.entries) if entry.kind == "retrain"
        ),
        elsewhere="" if drift else _elsewhere(record, every),
    )


def _release(one: Release, later: Sequence[Release]) -> ReleaseView:
    after = next((other for other in later if (other.model, other.stage) == (one.model, one.stage)), None)
    since = "it is there now"
    if after is not None:
        what = (
            "released again" if after.snapshot == one.snapshot else f"version {after.number} took its place"
        )
        since = f"{what} {date(after.at)}"
    return ReleaseView(
        name=tidy(one.name, 200),
        at=date(one.at),
        by=tidy(one.by, 200),
        message=tidy(one.message, 600),
        now=after is None,
        since=since,
        gate=Digest(short(one.gate), tidy(one.gate, 100)),
    )


def _run(entry: Entry) -> RunView:
    body = entry.body
    reasons, decision = body.get("reasons"), tidy(body.get("decision"), 40)
    return RunView(
        at=date(entry.at),
        name=tidy(f"{body.get('model')}:{body.get('stage')}@{body.get('number')}", 200),
        decision=decision,
        tone=DECISIONS.get(decision, "warn"),
        reasons=tuple(tidy(one, 600) for one in reasons[:5]) if isinstance(reasons, list) else (),
        rows=f"{tidy(body.get('rows'), 20)} predictions, {tidy(body.get('outcomes'), 20)} with an outcome",
    )


def _newest(record: Record, drift: list[Entry]) -> Monitored | None:
    for entry in reversed(drift):
        name = entry.body.get("monitoring")
        found = _read(record, name, Monitoring)
        if found is None or found.snapshot != record.id:
            continue
        columns = (*found.columns, *found.attributions)
        drifted = sorted((one for one in columns if one.tell == "drift"), key=lambda one: -one.effect)
        shown = tuple(drifted[:COLUMNS])
        digest = Digest(short(name), tidy(name, 100))
        return Monitored(_run(entry), found, shown, len(drifted) - len(shown), digest)
    return None


def _read(record: Record, name: object, type_: type[T]) -> T | None:
    """An object of the record; None where it is lost or of another form."""
    data = record.bytes(name) if isinstance(name, str) else None
    try:
        return decoded(data, type_) if data is not None else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _retraining(record: Record, entry: Entry) -> RetrainingView:
    found = _read(record, entry.body.get("retraining"), Retraining)
    body = entry.body
    outcome = tidy(body.get("outcome"), 60)
    data = contest = said = ""
    if found is not None:
        how = "in the place of" if found.mode == "in place" else "added to"
        data = (
            f"{counted(found.rows_new, 'new row')} {how} {count(found.rows_before)} of {tidy(found.uri, 300)}"
        )
        if found.contest is not None:
            said = f"{found.contest.verdict}: {found.contest.reason}"
            contest = tidy(said, 700)
    return RetrainingView(
        of=tidy(f"{body.get('model')}:{body.get('stage')}@{body.get('number')}", 200),
        at=date(entry.at),
        outcome=outcome,
        tone="good" if outcome in GOOD else "bad",
        data=data,
        contest=contest,
        reasons=tuple(tidy(one, 600) for one in found.reasons[:10] if one != said)
        if found is not None
        else (),
    )


def _elsewhere(record: Record, every: list[Release]) -> str:
    """Whether only another version of a model that this one is on the stage of was looked at by a monitor."""
    stages = {(one.model, one.stage) for one in every if one.snapshot == record.id}
    for one in reversed(every):
        if one.snapshot != record.id and (one.model, one.stage) in stages:
            runs = record.store.entries(subject=one.snapshot, kind="drift")
            if any((run.body.get("model"), run.body.get("stage")) in stages for run in runs):
                return f"Only {tidy(one.name, 200)}, another version, was monitored."
    return ""
