"""Cards for the notebook: what a ``%%charter`` or ``%%risk`` cell and ``%mlgov show`` display.

Everything that comes from the record is escaped; colours follow JupyterLab's theme where there is one.
"""

from __future__ import annotations

from html import escape
from typing import Any

from jupyter_mlgov.governance.kpis import as_text
from jupyter_mlgov.records.annotations import Charter, Risk
from jupyter_mlgov.records.verdict import GateDecision, GateRule

_LINE = "var(--jp-border-color2, #d0d7de)"
_QUIET = "var(--jp-ui-font-color2, #57606a)"
_GOOD, _BAD, _UNSURE = "#1a7f37", "#cf222e", "#9a6700"
_SEVERITY = {"low": "#57606a", "medium": "#9a6700", "high": "#bc4c00", "critical": "#cf222e"}
_BOX = (
    f"border:1px solid {_LINE};border-left:4px solid {{edge}};border-radius:6px;padding:10px 14px;max-width:760px;"
    "margin:4px 0;font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.5"
)


def _badge(text: str, colour: str) -> str:
    style = (
        f"display:inline-block;border:1px solid {colour};color:{colour};border-radius:10px;padding:0 8px;"
        "font-size:11px;line-height:18px;margin-right:4px;white-space:nowrap;background:var(--jp-layout-color1,#fff)"
    )
    return f'<span style="{style}">{escape(text)}</span>'


def _box(edge: str, title: str, badges: str, body: str) -> str:
    head = f'<div style="display:flex;gap:8px;align-items:baseline;flex-wrap:wrap"><strong>{title}</strong>{badges}</div>'
    return f'<div class="mlgov-card" style="{_BOX.format(edge=edge)}">{head}{body}</div>'


def _rows(pairs: list[tuple[str, str]]) -> str:
    """``(label, HTML)`` pairs as a definition list."""
    cells = "".join(
        f'<dt style="color:{_QUIET};font-weight:400;float:none;text-align:left;padding:0">{escape(label)}</dt>'
        f'<dd style="margin:0;min-width:0;overflow-wrap:anywhere;padding:0">{value}</dd>'
        for label, value in pairs
    )
    grid = "display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:6px 0 0"
    return f'<dl style="{grid}">{cells}</dl>' if pairs else ""


def _text(value: str) -> str:
    return escape(value).replace("\n", "<br>")


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
        )
        if value
    ]
    if charter.kpis:
        pairs.append(("KPIs", "".join(_badge(as_text(kpi), "#0969da") for kpi in charter.kpis)))
    return _box("#0969da", escape(charter.title), _badge("charter", "#0969da"), _rows(pairs))


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
    badges = _badge(risk.severity, _SEVERITY[risk.severity]) + _badge(
        f"likelihood {risk.likelihood}", "#57606a"
    )
    badges += _badge(risk.status, "#57606a")
    if risk.check is not None:
        passed = risk.check.passed
        word, colour = {True: ("passed", _GOOD), False: ("failed", _BAD), None: ("no answer", _UNSURE)}[
            passed
        ]
        said = f"<code>{escape(risk.check.expression)}</code><br>{_badge(word, colour)} "
        said += escape(risk.check.error or _terms(risk))
        pairs.append(("check", said))
    return _box(_SEVERITY[risk.severity], escape(risk.id), badges, _rows(pairs))


def risk_text(risk: Risk) -> str:
    """The risk in one line, where no HTML can be shown."""
    text = f"risk {risk.id} ({risk.severity}, {risk.status})"
    if risk.check is not None:
        word = {True: "check passed", False: "check failed", None: "check gives no answer"}[risk.check.passed]
        text += f": {word}: {risk.check.error or _terms(risk) or risk.check.expression}"
    return text


def _terms(risk: Risk) -> str:
    check = risk.check
    return ", ".join(f"{term.expression} = {_amount(term.value)}" for term in check.terms) if check else ""


def _amount(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def gate_card(decision: GateDecision) -> str:
    """The gate with the reason of each rule."""
    colour = _GOOD if decision.open else _BAD
    rows = "".join(_rule(rule) for rule in decision.rules)
    body = f'<ul style="margin:6px 0 0;padding:0">{rows}</ul>'
    return _box(colour, "Gate", _badge("open" if decision.open else "closed", colour), body)


def _rule(rule: GateRule) -> str:
    colour, mark, word = (_GOOD, "✓", "passed") if rule.passed else (_BAD, "✗", "failed")
    return (
        f'<li style="list-style:none;margin:0"><span style="color:{colour}" role="img" aria-label="{word}">{mark}</span> '
        f'{escape(rule.rule)} <span style="color:{_QUIET}">{escape(rule.reason)}</span></li>'
    )


def snapshot_card(document: dict[str, Any]) -> str:
    """A snapshot (the ``show`` document) at a glance."""
    number = document.get("number")
    title = document["experiment"] + (f"@{number}" if number is not None else " (candidate)")
    colour = _GOOD if document["status"] == "ok" else _BAD
    badges = _badge(document["status"], colour) + _badge(document["id"][:12], "#57606a")
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
    pairs += [("warning", escape(warning["message"])) for warning in document["warnings"]]
    return _box(colour, escape(title), badges, _rows(pairs))
