from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from jupyter_mlgov.governance import cards
from jupyter_mlgov.records.annotations import Charter, Check, CheckTerm, Kpi, Risk
from jupyter_mlgov.records.verdict import GateDecision, GateRule

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>&{{7*7}}"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    return tags


def hostile_risk(**fields: Any) -> Risk:
    check = Check(expression=EVIL, passed=False, terms=(CheckTerm(expression=EVIL, value=EVIL),))
    return Risk(
        id=EVIL,
        situation=EVIL,
        effect=EVIL,
        severity="high",
        likelihood="low",
        owner=EVIL,
        tags=(EVIL,),
        check=check,
        **fields,
    )


SNAPSHOT = {
    "id": EVIL * 2, "experiment": EVIL, "number": 1, "status": "ok", "message": EVIL, "metrics": {EVIL: EVIL, "auc": 0.5},
    "parameters": {EVIL: EVIL}, "kpis": [{"metric": EVIL, "op": ">=", "target": 0.5, "value": EVIL, "met": None}],
    "inputs": [{"uri": EVIL}], "risks": [{"id": EVIL, "check": None}], "reruns": [{"verdict": EVIL}],
    "warnings": [{"message": EVIL}],
}  # fmt: skip
CHARTER = Charter(
    title=EVIL, owner=EVIL, business_case=EVIL, kpis=(Kpi(metric=EVIL, op=">=", target=1.0, split=EVIL),)
)
DECISION = GateDecision(open=False, rules=(GateRule(rule=EVIL, passed=False, reason=EVIL),))


@pytest.mark.parametrize(
    "page",
    [
        cards.charter_card(CHARTER),
        cards.risk_card(hostile_risk()),
        cards.snapshot_card(SNAPSHOT),
        cards.gate_card(DECISION),
    ],
    ids=["charter", "risk", "snapshot", "gate"],
)
def test_a_card_holds_none_of_the_tags_that_were_typed(page: str) -> None:
    tags = read(page)
    assert set(tags.tags) <= {"div", "span", "strong", "dl", "dt", "dd", "code", "br", "ul", "li"}
    assert tags.attributes <= {"style", "class", "role", "aria-label"}


def test_a_risks_card_and_text_show_the_evidence_and_no_duration() -> None:
    check = Check(
        expression="gap < 0.1",
        passed=True,
        terms=(CheckTerm(expression="gap", value=0.0312345),),
        duration_s=1.25,
    )
    risk = Risk(id="gap", situation="x", severity="critical", likelihood="low", check=check)
    page = cards.risk_card(risk)
    assert "gap = 0.0312345" in page
    assert "passed" in page
    assert "1.25" not in page, "a card is an output: it has to be the same in a rerun"
    assert cards.risk_text(risk) == "risk gap (critical, open): check passed: gap = 0.0312345"


def test_the_gates_card_says_open_or_closed_with_each_reason() -> None:
    rule = GateRule(rule="rerun", passed=False, reason="it was never rerun")
    page = cards.gate_card(GateDecision(open=False, rules=(rule,)))
    assert "closed" in page
    assert "it was never rerun" in page
