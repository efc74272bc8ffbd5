"""Where a retrained snapshot comes from: the release, the data that are new, and how both models do on rows new to both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.retraining import Contest, Measured, Retrained, Retraining
from jupyter_mlgov.report.charts import Interval
from jupyter_mlgov.report.evidence import Fact, Tone
from jupyter_mlgov.report.wording import amount, count, counted, date, finite, short, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record

TONES: dict[str, Tone] = {
    "better": "good",
    "no worse": "good",
    "worse": "bad",
    "too few rows to tell": "warn",
    "not comparable": "warn",
}


@dataclass(frozen=True)
class Side:
    """A model's metric, or the difference of the two."""

    name: str
    value: str
    interval: str
    exact: str


@dataclass(frozen=True)
class Beside:
    """Champion and challenger on the same rows."""

    metric: str
    rows: str
    sides: tuple[Side, ...]
    verdict: str
    tone: Tone
    reason: str
    notes: tuple[str, ...]
    chart: Interval | None


@dataclass(frozen=True)
class RetrainedView:
    """``beside`` is None where the retraining ended before the two were compared."""

    release: str
    lead: str
    facts: tuple[Fact, ...]
    beside: Beside | None


def retrained(record: Record) -> RetrainedView | None:
    """What a retrained snapshot's report says about that; None for any other snapshot."""
    made = record.manifest.retrained
    if made is None:
        return None
    release = tidy(f"{made.model}:{made.stage}@{made.number}", 300)
    told = _told(record)
    contest = told.contest if told is not None else None
    return RetrainedView(
        release=release,
        lead=_lead(made, told),
        facts=(
            Fact("Retrained from", release, "measured", exact=tidy(record.manifest.parent or "", 80)),
            Fact("Input that was replaced", tidy(made.uri, 300), "measured"),
            Fact(
                "What stood there before",
                short(made.before),
                "measured",
                exact=tidy(made.before, 100),
                code=True,
            ),
            Fact("The new rows", short(made.rows), "measured", exact=tidy(made.rows, 100), code=True),
        ),
        beside=_beside(contest, made) if contest is not None else None,
    )


def _told(record: Record) -> Retraining | None:
    for entry in reversed([one for one in record.entries if one.kind == "retrain"]):
        name = entry.body.get("retraining")
        data = record.bytes(name) if isinstance(name, str) else None
        try:
            return decoded(data, Retraining) if data is not None else None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return None


def _lead(made: Retrained, told: Retraining | None) -> str:
    source = "predictions whose outcome became known" if made.source == "predictions" else "a file"
    if told is not None and told.file:
        source = f"the file {tidy(told.file, 200)}"
    when = f" ({date(made.first)} to {date(made.last)})" if made.first and made.last else ""
    rows = counted(made.rows_new, "row")
    how = (
        f"were added to {count(made.rows_before)} recorded ones"
        if made.mode == "added"
        else f"stand in place of {count(made.rows_before)} recorded ones"
    )
    return f"{rows} of {source}{when} {how}. Code, other inputs and environment are those of the release."


def _beside(contest: Contest, made: Retrained) -> Beside:
    sides = tuple(
        _side(name, one)
        for name, one in (
            (f"released, version {made.number}", contest.champion),
            ("this snapshot", contest.challenger),
            ("gain", contest.gain),
        )
        if one is not None
    )
    return Beside(
        metric=tidy(contest.metric, 60),
        rows=count(contest.rows),
        sides=sides,
        verdict=contest.verdict,
        tone=TONES[contest.verdict],
        reason=tidy(contest.reason, 800),
        notes=tuple(tidy(note, 400) for note in contest.notes),
        chart=_chart(contest),
    )


def _side(name: str, one: Measured) -> Side:
    value, low, high = (finite(part) for part in (one.value, one.low, one.high))
    return Side(
        name=tidy(name, 120),
        value=amount(value) if value is not None else "–",
        interval=f"{amount(low)} to {amount(high)}" if low is not None and high is not None else "",
        exact=repr(value) if value is not None else "",
    )


def _chart(contest: Contest) -> Interval | None:
    if contest.gain is None:
        return None
    value, low, high = (finite(part) for part in (contest.gain.value, contest.gain.low, contest.gain.high))
    if value is None or low is None or high is None:
        return None
    ends = (value, low, high, 0.0)
    room = (max(ends) - min(ends)) * 0.12 or 1.0
    met = {"better": True, "no worse": True, "worse": False}.get(contest.verdict)
    return Interval(
        value=value, low=low, high=high, target=0.0, least=min(ends) - room, most=max(ends) + room, op=">=", met=met,
        text=f"gain in {tidy(contest.metric, 60)}: {amount(value)}, 95 % interval {amount(low)} to {amount(high)}",
    )  # fmt: skip
