"""What the tests of the model found, group by group, and what its explanations show."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.records.assessment import Assessment, Attributions, Figure, TestResult
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.report.charts import Interval
from jupyter_mlgov.report.evidence import Digest, State, Tone
from jupyter_mlgov.report.views import Piece
from jupyter_mlgov.report.wording import (
    amount,
    apart,
    count,
    counted,
    date,
    finite,
    listed,
    short,
    target,
    tidy,
)

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record

OUTCOMES: dict[str, tuple[str, Tone]] = {
    "pass": ("passed", "good"),
    "fail": ("failed", "bad"),
    "error": ("could not be tested", "bad"),
    "too-small": ("too small to tell", "warn"),
    "measured": ("measured, no threshold", "quiet"),
    "not-applicable": ("not applicable", "quiet"),
}
FIGURES = 2_000_000
"""Bytes of one picture past which it is named and not shown."""


@dataclass(frozen=True)
class ResultView:
    """One test."""

    name: str
    question: str
    outcome: str
    tone: Tone
    value: str
    exact: str
    interval: str
    wanted: str
    rows: str
    reason: str
    corrected: str
    """The p-value and how it was corrected; empty where it is a question by itself."""
    chart: Interval | None
    method: str


@dataclass(frozen=True)
class GroupView:
    """The tests of one group, those that need a look first."""

    name: str
    summary: str
    tone: Tone
    shown: tuple[ResultView, ...]
    others: tuple[ResultView, ...]
    """Those that were not applicable."""
    known: tuple[State, ...] = ()
    """*measured* where a test has an answer, *missing* where one was asked and has none."""


@dataclass(frozen=True)
class Explained:
    """The reference attributions."""

    lead: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Tested:
    """The section; ``state`` is *missing* where the snapshot was never assessed, *stale* where one before it was."""

    state: State
    lead: str
    groups: tuple[GroupView, ...] = ()
    notes: tuple[str, ...] = ()
    explained: Explained | None = None
    digest: Digest | None = None
    elsewhere: str = ""
    failed: tuple[str, ...] = ()
    """Tests that failed or could not be made."""
    unanswered: tuple[str, ...] = ()
    """Tests that were asked and have no answer."""
    passed: int = 0

    @property
    def known(self) -> tuple[State, ...]:
        """How far the tests say something, over all groups: an assessment whose tests all raised says nothing."""
        return tuple({state: None for group in self.groups for state in group.known})


def tested(record: Record) -> Tested:
    """The newest assessment of exactly this snapshot that can be read."""
    for entry, _ in reversed(record.store.evidence(record.id, "assessment")):
        name = entry.body.get("assessment")
        data = record.bytes(name) if isinstance(name, str) else None
        try:
            made = decoded(data, Assessment) if data is not None else None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            made = None
        if made is not None and isinstance(name, str):
            return _shown(record, made, name, entry.at)
    elsewhere = _elsewhere(record)
    return Tested("stale" if elsewhere else "missing", elsewhere, elsewhere=elsewhere)


def _elsewhere(record: Record) -> str:
    """Whether a snapshot before this one was assessed: what it found is not about this one."""
    for one in reversed(record.past[:-1]):
        if record.store.entries(subject=one.id, kind="assessment"):
            name = tidy(f"{one.experiment}@{one.number}", 200)
            return f"Only {name}, before this one, was assessed."
    return ""


def _shown(record: Record, made: Assessment, name: str, at: str) -> Tested:
    counts = made.counts()
    words = [f"{counts[word]} {OUTCOMES[word][0]}" for word in counts if counts[word]]
    what = "the predictions that the notebook kept" if made.from_predictions else "the kept model"
    lead = f"{date(at)}, on {counted(made.rows, 'row')} with {what}: {listed(words)}."
    names = list(dict.fromkeys(one.group for one in made.results))
    return Tested(
        state="measured",
        lead=lead,
        groups=tuple(_group(group, [one for one in made.results if one.group == group]) for group in names),
        notes=tuple(tidy(note, 600) for note in made.notes),
        explained=_explained(record, made),
        digest=Digest(short(name), tidy(name, 100)),
        failed=tuple(tidy(one.id, 120) for one in made.results if one.verdict in ("fail", "error")),
        unanswered=tuple(
            tidy(one.id, 120)
            for one in made.results
            if one.verdict != "not-applicable" and _known(one) == "missing"
        ),
        passed=counts["pass"],
    )


def _group(name: str, results: list[TestResult]) -> GroupView:
    order = {"fail": 0, "error": 1, "too-small": 2, "pass": 3, "measured": 4}
    asked = sorted((one for one in results if one.verdict in order), key=lambda one: order[one.verdict])
    others = [one for one in results if one.verdict == "not-applicable"]
    worst = asked[0].verdict if asked else "not-applicable"
    held = [
        (sum(one.verdict == word for one in results), OUTCOMES[word][0])
        for word in (*order, "not-applicable")
    ]
    return GroupView(
        name=name.capitalize(),
        summary=listed([f"{number} {words}" for number, words in held if number]),
        tone="quiet" if worst == "measured" else OUTCOMES[worst][1],
        shown=tuple(map(_result, asked)),
        others=tuple(map(_result, others)),
        known=tuple({_known(one): None for one in asked}),
    )


def _known(one: TestResult) -> State:
    """Only an answer is evidence: neither a test that raised nor one with too few cases to tell gave any."""
    answered = one.verdict in ("pass", "fail") or (one.verdict == "measured" and one.value is not None)
    return "measured" if answered else "missing"


def _result(one: TestResult) -> ResultView:
    value, low, high = (finite(part) for part in (one.value, one.low, one.high))
    outcome, tone = OUTCOMES[one.verdict]
    wanted = f"{one.op} {target(one.threshold)}" if one.op and one.threshold is not None else ""
    corrected = ""
    if one.p_adjusted is not None and one.correction:
        corrected = f"p = {one.p_adjusted:.2g} ({one.correction}, family {tidy(one.family or '', 60)})"
    return ResultView(
        name=tidy(one.id, 160),
        question=tidy(one.question, 300),
        outcome=outcome,
        tone=tone,
        value=_told(one, value) if value is not None else "–",
        exact=repr(value) if value is not None else "",
        interval=f"{amount(low)} to {amount(high)}" if low is not None and high is not None else "",
        wanted=wanted,
        rows=count(one.rows) + (f" ({count(one.cases)} cases)" if one.cases not in (None, one.rows) else ""),
        reason=tidy(one.reason, 800),
        corrected=corrected,
        chart=_chart(one, value, low, high),
        method=tidy(one.method, 600),
    )


def _told(one: TestResult, value: float) -> str:
    """The value with the digits that tell it from its threshold."""
    return apart(value, one.threshold)[0] if one.threshold is not None else amount(value)


def _chart(one: TestResult, value: float | None, low: float | None, high: float | None) -> Interval | None:
    if value is None or one.threshold is None or one.op is None:
        return None
    ends = [part for part in (value, low, high, one.threshold) if part is not None]
    room = (max(ends) - min(ends)) * 0.12 or abs(value) * 0.1 or 1.0
    said = f"{_told(one, value)}, wanted {one.op} {target(one.threshold)}"
    return Interval(
        value=value,
        low=low if low is not None else value,
        high=high if high is not None else value,
        target=one.threshold,
        least=min(ends) - room,
        most=max(ends) + room,
        op=one.op,
        met={"pass": True, "fail": False}.get(one.verdict),
        text=f"{tidy(one.id, 100)}: {said}",
    )


def _explained(record: Record, made: Assessment) -> Explained | None:
    data = record.bytes(made.attributions)
    if data is None:
        return None
    try:
        held = decoded(data, Attributions)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    how = "exact" if held.exact else f"sampled with {count(held.evaluations)} evaluations of the model"
    lead = (
        f"SHAP values ({tidy(held.explainer, 60)}, {how}) of {count(held.rows)} of {count(held.of_rows)} test rows, "
        f"relative to {count(held.background)} rows: what moves the {tidy(held.output, 100)}. Another sample of rows "
        f"could have changed the largest effect's size by {held.sampling_error:.0%}."
    )
    pictures = (_picture(record, figure) for figure in held.figures)
    return Explained(lead, tuple(piece for piece in pictures if piece is not None))


def _picture(record: Record, figure: Figure) -> Piece | None:
    data = record.bytes(figure.object)
    if data is None or b"<svg" not in data[:5000]:
        return None
    title = tidy(figure.title, 200)
    if len(data) > FIGURES:
        return Piece(
            "note",
            text=f"{title}: a picture of {count(len(data))} bytes is in the record and not on this page",
        )
    source = f"data:image/svg+xml;base64,{base64.b64encode(data).decode('ascii')}"
    return Piece("image", source=source, alt=f"{title}. {tidy(figure.text, 300)}")
