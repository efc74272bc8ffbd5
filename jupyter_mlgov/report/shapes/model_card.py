"""A model card as the Hugging Face Hub reads it: Markdown with YAML metadata in front.

The metadata hold what the Hub has fields for (library, task, results); the text follows the sections of Mitchell et
al. 2019. Everything from the record is escaped: it is shown and never markup.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import yaml

from jupyter_mlgov.governance.cards import amounts_text, threshold_text
from jupyter_mlgov.records.annotations import Charter, Risk
from jupyter_mlgov.report.risks import standing
from jupyter_mlgov.report.shapes.source import ONE, Source, wanted
from jupyter_mlgov.report.wording import amount, counted, tidy

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~-])")
_LIBRARIES = {
    "sklearn": "sklearn",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "torch": "pytorch",
    "keras": "keras",
}
_TASKS = {"classification": "tabular-classification", "regression": "tabular-regression"}


def make(source: Source) -> dict[PurePosixPath, bytes]:
    front = yaml.safe_dump(metadata(source), sort_keys=False, allow_unicode=True, width=10_000)
    text = f"---\n{front}---\n\n" + "\n".join(_body(source)).rstrip() + "\n"
    return {ONE: text.encode("utf-8", "backslashreplace")}


def metadata(source: Source) -> dict[str, Any]:
    """The fields that the Hub knows."""
    manifest = source.record.manifest
    found: dict[str, Any] = {}
    room = source.model.class_.partition(".")[0] if source.model else ""
    if room in _LIBRARIES:
        found["library_name"] = _LIBRARIES[room]
    task = _TASKS.get(source.task or "")
    if task:
        found["pipeline_tag"] = task
    found["tags"] = ["jupyter-mlgov", *([source.task] if source.task else [])]
    results = [
        {"type": name, "name": name, "value": value, "verified": False}
        for name, value in source.metrics.items()
    ]
    datasets = [one.uri for one in manifest.inputs if not one.derived] or ["not recorded"]
    if results:
        data = " ".join(tidy(datasets[0], 200).split())
        found["model-index"] = [
            {
                "name": " ".join(source.title.split()),
                "results": [
                    {
                        "task": {"type": task or "other"},
                        "dataset": {"type": _slug(data), "name": data},
                        "metrics": results,
                    }
                ],
            }
        ]
    return found


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-")[:96] or "data"


def _body(source: Source) -> Iterable[str]:
    record, manifest = source.record, source.record.manifest
    charter = record.charter or Charter(title=source.title)
    yield f"# {_safe(source.title)}\n"
    opened = "open" if source.gate.open else "closed"
    failing = [rule for rule in source.gate.rules if not rule.passed]
    yield (
        f"The gate is **{opened}**"
        + (
            ": " + "; ".join(f"{_safe(rule.rule)} ({_safe(rule.reason)})" for rule in failing)
            if failing
            else ""
        )
        + ".\n"
    )
    yield "## Model details\n"
    yield from _list(
        ("Snapshot", f"{record.reference} ({record.id})"),
        ("Recorded", manifest.created_at),
        ("Author", manifest.author),
        ("Owner", charter.owner),
        ("Class", source.model.class_ if source.model else None),
        (
            "Code",
            manifest.code.commit
            and f"commit {manifest.code.commit}{' with changes' if manifest.code.dirty else ''}",
        ),
    )
    if manifest.parameters:
        yield from _table(
            ("Parameter", "Value"), ((name, amount(value)) for name, value in manifest.parameters.items())
        )
    yield "## Intended use\n"
    yield from _list(
        ("Intended use", charter.intended_use),
        ("Users", charter.users),
        ("Out of scope", charter.out_of_scope),
        ("Business case", charter.business_case),
        ("A right decision is worth", amounts_text(charter.value_of_right)),
        ("A wrong one costs", amounts_text(charter.cost_of_wrong)),
        ("Decides at", threshold_text(charter.threshold)),
    )
    yield "## Metrics\n"
    yield from _table(
        ("Metric", "Value"), ((name, amount(value)) for name, value in manifest.metrics.items())
    )
    if record.kpis:
        answers = {True: "met", False: "not met", None: "not measured"}
        yield from _table(
            ("Target", "Measured", "Answer", "Data"),
            ((wanted(kpi), amount(kpi.value), answers[kpi.met], kpi.split or "") for kpi in record.kpis),
        )
    yield "## Data\n"
    yield from _table(
        ("Input", "Rows", "Digest"),
        ((one.uri, str(one.rows or ""), one.digest or one.reason or "") for one in manifest.inputs),
    )
    yield "## Quantitative analyses\n"
    slices = [one for risk in record.risks if risk.check for one in risk.check.slices]
    yield from _table(
        ("Measure", "Slice", "Value", "95 % interval", "Cases"),
        (
            (one.measure, one.where, amount(one.value), f"{amount(one.low)} to {amount(one.high)}",
             f"{one.cases}{'' if one.enough else ' (too few)'}")
            for one in slices
        ),
    )  # fmt: skip
    yield "## Risks and what is done about them\n"
    for risk in record.risks:
        yield from _risk(risk)
    if not record.risks:
        yield "No risk was written down. That is not the same as no risk.\n"
    yield "## Reproducibility\n"
    yield (f"The newest rerun of exactly this snapshot: **{_safe(source.reruns)}**.\n" if source.reruns
           else "It was never executed again.\n")  # fmt: skip
    yield f"{counted(len(manifest.warnings), 'warning')} of the run."
    yield from (f"- {_safe(one.message)}" for one in manifest.warnings[:20])


def _risk(risk: Risk) -> Iterable[str]:
    yield f"### {_safe(risk.id)}\n"
    yield from _list(
        ("Situation", risk.situation),
        ("Effect", risk.effect),
        ("Severity, likelihood", f"{risk.severity}, {risk.likelihood}"),
        ("Status", risk.status),
        ("Mitigation", risk.mitigation),
        ("Residual risk", risk.residual_risk),
        ("Evidence", standing(risk)[0]),
    )


def _list(*pairs: tuple[str, str | None]) -> Iterable[str]:
    for label, value in pairs:
        yield f"- **{label}:** {_safe(value) if value else 'not written down'}"
    yield ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    lines = [f"| {' | '.join(_safe(part) for part in row)} |" for row in rows]
    if not lines:
        yield "None recorded.\n"
        return
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    yield from lines
    yield ""


def _safe(text: object) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _MARKUP.sub(r"\\\1", html.escape(" ".join(tidy(text).split()), quote=False))
