"""A monitor run as files that other systems read: JUnit XML for CI, Prometheus' text format for a textfile collector."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from jupyter_mlgov.records.canonical import number
from jupyter_mlgov.records.monitoring import DECISIONS, Decision, Monitoring
from jupyter_mlgov.records.xml_text import clean


def fails(decision: Decision, least: Decision) -> bool:
    """Whether a decision is at least ``least``."""
    return DECISIONS.index(decision) >= DECISIONS.index(least)


def junit(found: Monitoring, least: Decision) -> bytes:
    """JUnit XML: the decision as one test case, and one for each question; what has too few rows to tell is skipped."""
    name = f"mlgov monitor {found.model}:{found.stage}"
    suite = ET.Element("testsuite", name=clean(name), time="0", errors="0")
    properties = ET.SubElement(suite, "properties")
    for key, value in (("snapshot", found.snapshot), ("decision", found.decision)):
        ET.SubElement(properties, "property", name=key, value=clean(value))
    failures = skipped = cases = 0
    bad = fails(found.decision, least)
    for title, tell, message in [
        ("decision", "drift" if bad else "steady", "; ".join(found.reasons)),
        *_questions(found),
    ]:
        cases += 1
        case = ET.SubElement(suite, "testcase", classname="mlgov.monitor", name=clean(title), time="0")
        if tell == "drift" and (title == "decision" or bad):
            failures += 1
            ET.SubElement(case, "failure", message=clean(message), type="monitor").text = clean(message)
        elif tell == "unknown":
            skipped += 1
            ET.SubElement(case, "skipped", message=clean(message))
        else:
            ET.SubElement(case, "system-out").text = clean(message)
    suite.set("tests", str(cases))
    suite.set("failures", str(failures))
    suite.set("skipped", str(skipped))
    root = ET.Element("testsuites")
    root.append(suite)
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"


def _questions(found: Monitoring) -> Iterator[tuple[str, str, str]]:
    for problem in found.quality:
        yield f"quality: {problem.kind} {problem.column}".rstrip(), "drift", problem.message
    for one in (*found.columns, *found.attributions):
        yield f"{one.role}: {one.name}", one.tell, one.message
    for series in found.concept:
        yield (
            f"concept: {series.loss if series.series == 'loss' else series.series}",
            series.tell,
            series.message,
        )
    for kpi in found.kpis:
        tell = "unknown" if not kpi.sure else "steady" if kpi.met else "drift"
        yield f"kpi: {kpi.metric} {kpi.op} {kpi.target:g}", tell, kpi.message


def prometheus(found: Monitoring) -> str:
    """Gauges in Prometheus' text exposition format 0.0.4."""
    base = {"model": found.model, "stage": found.stage, "version": str(found.release)}
    lines: list[str] = []

    def gauge(name: str, text: str, values: list[tuple[dict[str, str], float]]) -> None:
        lines.append(f"# HELP mlgov_monitor_{name} {text}")
        lines.append(f"# TYPE mlgov_monitor_{name} gauge")
        for labels, value in values:
            written = ",".join(f'{key}="{_escaped(text)}"' for key, text in {**base, **labels}.items())
            lines.append(f"mlgov_monitor_{name}{{{written}}} {_number(value)}")

    gauge("rows", "Predictions that were looked at.", [({}, float(found.rows))])
    gauge("outcomes", "Predictions whose outcome is known.", [({}, float(found.outcomes))])
    gauge("decision", "1 for the decision that was taken.", [
        ({"decision": word}, float(word == found.decision)) for word in DECISIONS
    ])  # fmt: skip
    every = (*found.columns, *found.attributions)
    gauge("effect", "How far a column moved, in the unit of its measure.", [
        ({"column": one.name, "role": one.role, "measure": one.measure}, one.effect) for one in every
    ])  # fmt: skip
    gauge("p_value", "p-value after correction for all tests of the run.", [
        ({"column": one.name, "role": one.role}, one.p_adjusted) for one in every
    ])  # fmt: skip
    gauge("drift", "1 where it has drifted.", [
        *(({"column": one.name, "role": one.role}, float(one.tell == "drift")) for one in every),
        *(({"column": one.series, "role": "concept"}, float(one.tell == "drift")) for one in found.concept),
    ])  # fmt: skip
    gauge("kpi", "A KPI over the rows whose outcome is known.", [
        ({"metric": kpi.metric}, math.nan if (value := number(kpi.value)) is None else value) for kpi in found.kpis
    ])  # fmt: skip
    gauge(
        "quality_problems",
        "Problems of the rows, broken inputs among them.",
        [({}, float(len(found.quality)))],
    )
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
