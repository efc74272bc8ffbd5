"""Cards for the notebook: what a ``%%charter`` or ``%%risk`` cell and ``%mlgov show`` display.

Everything that comes from the record is escaped; colours follow JupyterLab's theme where there is one.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from jupyter_mlgov.governance.kpis import as_text
from jupyter_mlgov.records.annotations import Amount, Charter, Check, Risk, Threshold
from jupyter_mlgov.records.verdict import GateDecision, GateRule

_PARAGRAPH = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)])\s)")
_LINE = "var(--jp-border-color2, #d0d7de)"
_QUIET = "var(--jp-ui-font-color2, #57606a)"
# Fills under white text, with a contrast of 4.9 and more in every theme.
_GOOD, _BAD, _UNSURE, _PLAIN, _BLUE = "#1a7f37", "#cf222e", "#9a6700", "#57606a", "#0969da"
_SEVERITY = {"low": _PLAIN, "medium": _UNSURE, "high": "#bc4c00", "critical": "#a40e26"}
# Marks on the theme's own background, light or dark.
_MARKS = {True: ("#2da44e", "✓", "passed"), False: ("#e5534b", "✗", "failed")}
_BOX = (
    f"border:1px solid {_LINE};border-left:4px solid {{edge}};border-radius:6px;padding:10px 14px;max-width:760px;"
    "margin:4px 0;font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.5"
)


# JupyterLab floats the parts of a definition list and gives them widths: not here.
_CELL = "width:auto;float:none;margin:0;padding:0;text-align:left"


def _badge(text: str, colour: str) -> str:
    style = (
        f"display:inline-block;background:{colour};color:#fff;border-radius:10px;padding:0 8px;"
        "font-size:11px;line-height:18px;margin-right:4px;max-width:100%;overflow-wrap:anywhere"
    )
    return f'<span style="{style}">{escape(text)}</span>'


def _box(edge: str, title: str, badges: str, body: str) -> str:
    head = f'<div style="display:flex;gap:8px;align-items:baseline;flex-wrap:wrap"><strong>{title}</strong>{badges}</div>'
    return f'<div class="mlgov-card" style="{_BOX.format(edge=edge)}">{head}{body}</div>'


def _rows(pairs: list[tuple[str, str]]) -> str:
    """``(label, HTML)`` pairs as a definition list."""
    cells = "".join(
        f'<dt style="{_CELL};color:{_QUIET};font-weight:400;white-space:nowrap">{escape(label)}</dt>'
        f'<dd style="{_CELL};min-width:0;overflow-wrap:anywhere">{value}</dd>'
        for label, value in pairs
    )
    grid = "display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:6px 0 0"
    return f'<dl style="{grid}">{cells}</dl>' if pairs else ""


def _text(value: str) -> str:
    """Lines that were broken to fit the cell flow together; empty lines and list items start a new one."""
    return "<br>".join(escape(" ".join(lines.split())) for lines in _PARAGRAPH.split(value.strip()))


def charter_card(charter: Charter) -> str:
    """The charter as a card."""
    pairs = [
        (label, _text(value))
        for label, value in (
            ("owner", charter.owner),
            ("business case", charter.business_case),
            ("intended use", charter.intended_use),
            ("users", charter.users),
            ("out of scope", charter.out_of_scope),
            ("feasibility", charter.feasibility),
            ("stop criteria", charter.stop_criteria),
            ("a right decision", amounts_text(charter.value_of_right)),
            ("a wrong one costs", amounts_text(charter.cost_of_wrong)),
            ("decides at", threshold_text(charter.threshold)),
        )
        if value
    ]
    if charter.kpis:
        pairs.append(("KPIs", "".join(_badge(as_text(kpi), _BLUE) for kpi in charter.kpis)))
    return _box(_BLUE, escape(charter.title), _badge("charter", _BLUE), _rows(pairs))


def amounts_text(amounts: tuple[Amount, ...]) -> str:
    """``400 USD (wrong approval), 60 USD (wrong refusal)``."""
    return ", ".join(
        f"{amount.value:,.12g} {amount.unit}".strip() + (f" ({amount.when})" if amount.when else "")
        for amount in amounts
    )


def threshold_text(threshold: Threshold | None) -> str:
    """``score >= 0.35``, or nothing."""
    return "" if threshold is None else f"{threshold.score or 'score'} {threshold.op} {threshold.value:.12g}"


def charter_text(charter: Charter) -> str:
    """The charter in one line, where no HTML can be shown."""
    kpis = "; ".join(as_text(kpi) for kpi in charter.kpis)
    return f"charter: {charter.title}" + (f" [{kpis}]" if kpis else "")


def risk_card(risk: Risk) -> str:
    """The risk as a card, with the evidence of its check."""
    pairs = [
        (label, _text(value))
        for label, value in (
            ("situation", risk.situation),
            ("effect", risk.effect),
            ("detection", risk.detection),
            ("mitigation", risk.mitigation),
            ("residual risk", risk.residual_risk),
            ("owner", risk.owner),
            ("review by", risk.review_by),
            ("tags", ", ".join(risk.tags)),
        )
        if value
    ]
    badges = _badge(risk.severity, _SEVERITY[risk.severity]) + _badge(f"likelihood {risk.likelihood}", _PLAIN)
    badges += _badge(risk.status, _PLAIN)
    if risk.check is not None:
        label = "check" if len(risk.check.each) == 1 else "checks"
        pairs.append((label, "<br>".join(_check(one) for one in risk.check.each)))
    return _box(_SEVERITY[risk.severity], escape(risk.id), badges, _rows(pairs))


def _check(check: Check) -> str:
    word, colour = {True: ("passed", _GOOD), False: ("failed", _BAD), None: ("no answer", _UNSURE)}[
        check.passed
    ]
    said = f"<code>{escape(check.expression)}</code><br>{_badge(word, colour)} "
    said += escape(check.error or _terms(check))
    for one in check.slices:
        small = "" if one.enough else f", too few: {one.needed} are needed"
        said += (
            f'<br><span style="color:{_QUIET}">{escape(one.measure)}, {escape(one.where)}: {escape(_amount(one.value))} '
            f"({one.level:.0%} interval {escape(_amount(one.low))} to {escape(_amount(one.high))}; {one.cases} cases in "
            f"{one.rows} rows{small})</span>"
        )
    return said


def risk_text(risk: Risk) -> str:
    """The risk in one line, where no HTML can be shown."""
    text = f"risk {risk.id} ({risk.severity}, {risk.status})"
    if risk.check is not None:
        word = {True: "check passed", False: "check failed", None: "check gives no answer"}[risk.check.passed]
        text += f": {word}: {risk.check.error or _terms(risk.check) or risk.check.expression}"
    return text


def _terms(check: Check) -> str:
    return ", ".join(f"{term.expression} = {_amount(term.value)}" for term in check.terms)


def _amount(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def gate_card(decision: GateDecision) -> str:
    """The gate with the reason of each rule."""
    colour = _GOOD if decision.open else _BAD
    rows = "".join(_rule(rule) for rule in decision.rules)
    body = f'<ul style="margin:6px 0 0;padding:0">{rows}</ul>'
    return _box(colour, "Gate", _badge("open" if decision.open else "closed", colour), body)


def _rule(rule: GateRule) -> str:
    colour, mark, word = _MARKS[rule.passed]
    return (
        f'<li style="list-style:none;margin:0"><span style="color:{colour}" role="img" aria-label="{word}">{mark}</span> '
        f'{escape(rule.rule)} <span style="color:{_QUIET}">{escape(rule.reason)}</span></li>'
    )


def snapshot_card(document: dict[str, Any]) -> str:
    """A snapshot (the ``show`` document) at a glance."""
    number = document.get("number")
    title = document["experiment"] + (f"@{number}" if number is not None else " (candidate)")
    colour = _GOOD if document["status"] == "ok" else _BAD
    badges = _badge(document["status"], colour) + _badge(document["id"][:12], _PLAIN)
    pairs: list[tuple[str, str]] = []
    if document["message"]:
        pairs.append(("message", _text(document["message"])))
    if document["metrics"]:
        pairs.append(
            ("metrics", escape(", ".join(f"{k} {_amount(v)}" for k, v in document["metrics"].items())))
        )
    if document["parameters"]:
        pairs.append(
            ("parameters", escape(", ".join(f"{k} {_amount(v)}" for k, v in document["parameters"].items())))
        )
    if document["kpis"]:
        said = ""
        for kpi in document["kpis"]:
            word = {True: _GOOD, False: _BAD, None: _UNSURE}[kpi["met"]]
            said += _badge(
                f"{kpi['metric']} {kpi['op']} {_amount(kpi['target'])}: {_amount(kpi['value'])}", word
            )
        pairs.append(("KPIs", said))
    if document["inputs"]:
        pairs.append(("inputs", escape(", ".join(item["uri"] for item in document["inputs"]))))
    if document["risks"]:
        said = ""
        for risk in document["risks"]:
            passed = risk["check"]["passed"] if risk["check"] else None
            said += _badge(risk["id"], {True: _GOOD, False: _BAD, None: _UNSURE}[passed])
        pairs.append(("risks", said))
    if document["reruns"]:
        pairs.append(("last rerun", escape(str(document["reruns"][-1]["verdict"]))))
    if document.get("assessment"):
        counts = document["assessment"]["counts"]
        pairs.append(("assessed", f"{counts['fail'] + counts['error']} failed, {counts['pass']} passed"))
    pairs += [("warning", escape(warning["message"])) for warning in document["warnings"]]
    return _box(colour, escape(title), badges, _rows(pairs))
