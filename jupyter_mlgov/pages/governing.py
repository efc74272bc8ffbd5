"""Pages about judging: the gate, tests, approvals, keys, reports."""

from __future__ import annotations

import math
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jupyter_mlgov.pages.parts import BAD, GOOD, MARK, QUIET, UNSURE, Pages, clean, new_table
from jupyter_mlgov.records.canonical import number

_JUDGED = {
    "pass": MARK[True],
    "fail": MARK[False],
    "error": Text("!", style=BAD),
    "too-small": Text("?", style=UNSURE),
    "measured": Text("·", style=QUIET),
    "not-applicable": Text("–", style=QUIET),
}

_JUDGED_WORDS = {
    "fail": "failed",
    "error": "could not be tested",
    "too-small": "too small to tell",
    "pass": "passed",
    "measured": "measured",
    "not-applicable": "not applicable",
}


def gate(decision: Any) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for rule in decision.rules:
        table.add_row(MARK[rule.passed], clean(rule.rule), clean(rule.reason))
    title = Text.assemble(
        "gate ",
        ("open", GOOD) if decision.open else ("closed", BAD),
        (f"  (policy {decision.policy[7:19]})", QUIET),
    )
    return Group(title, Padding(table, (0, 0, 0, 2)))


def judged(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[word]} {words}" for word, words in _JUDGED_WORDS.items() if counts.get(word))


def _assess(made: Any) -> RenderableType:
    table = new_table("", "test", "value#", "interval", "asked", "why")
    for one in made.results:
        value, low, high = (number(part) for part in (one.value, one.low, one.high))
        known = low is not None and high is not None and math.isfinite(low) and math.isfinite(high)
        table.add_row(
            _JUDGED[one.verdict],
            clean(one.id),
            f"{value:.4g}" if value is not None else "",
            f"{low:.3g} to {high:.3g}" if known else "",
            f"{one.op} {one.threshold:g}" if one.op and one.threshold is not None else "",
            clean(one.reason if one.verdict in ("fail", "error", "too-small", "not-applicable") else ""),
        )
    said = judged(made.counts())
    notes = [clean(f"note: {note}") for note in made.notes]
    return Group(table, Text(), Text(f"{said}; {made.rows} rows, {made.task}"), *notes)


_PROTECTED = {
    "none": "without a passphrase: who can read that file signs as you (mlgov key new NAME --passphrase, then --key NAME)",
    "passphrase": "with your passphrase",
}


def _approve(value: Any) -> RenderableType:
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style=QUIET)
    lines.add_column(overflow="fold")
    lines.add_row("decision", clean(f"{value['decision']} by {value['name']} ({value['role']})"))
    lines.add_row("snapshot", value["id"][:12])
    lines.add_row("signed with", value["key"])
    lines.add_row("entry", value["entry"][:12])
    if value["key_made"]:
        lines.add_row(
            "new key",
            f"you had none: made now in {clean(value['key_file'])}, {_PROTECTED[value['key_protection']]}",
        )
    return lines


def _key(keys: Any) -> RenderableType:
    if not keys:
        return Text("no keys: make one with mlgov key new")
    table = new_table("name", "public key", "protected by")
    for one in keys:
        protected = {"none": "file permissions only"}.get(one.protection, one.protection)
        table.add_row(clean(one.name), one.key, protected)
    return table


def _report(value: Any) -> RenderableType:
    return clean(value["path"])


def _report_check(found: Any) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for one in found.checks:
        table.add_row(MARK[one.passed], clean(one.check), clean(one.reason))
    holds = (
        ("this is what was issued, and it holds", GOOD) if found.ok else ("this is not what was issued", BAD)
    )
    title = Text.assemble(clean(found.reference or found.file), ": ", holds)
    return Group(title, Padding(table, (0, 0, 0, 2)))


PAGES: Pages = {
    "gate": gate,
    "assess": _assess,
    "approve": _approve,
    "key": _key,
    "report": _report,
    "report --check": _report_check,
    "export --as": _report,
}
