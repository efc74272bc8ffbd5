"""The gate's decision as files that CI systems show: JUnit XML and Markdown."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET

from jupyter_mlgov.records.verdict import GateDecision
from jupyter_mlgov.records.xml_text import clean

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~])")


def junit(decision: GateDecision, reference: str) -> bytes:
    """JUnit XML: a test case for each rule; one that does not pass is a failure."""
    failed = [rule for rule in decision.rules if not rule.passed]
    suite = ET.Element(
        "testsuite",
        name=clean(f"mlgov gate {reference}"),
        tests=str(len(decision.rules)),
        failures=str(len(failed)),
        errors="0",
        time="0",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("snapshot", decision.snapshot), ("policy", decision.policy)):
        ET.SubElement(properties, "property", name=name, value=value)
    for rule in decision.rules:
        case = ET.SubElement(suite, "testcase", classname="mlgov.gate", name=clean(rule.rule), time="0")
        if rule.passed:
            ET.SubElement(case, "system-out").text = clean(rule.reason)
        else:
            ET.SubElement(case, "failure", message=clean(rule.reason), type="gate").text = clean(rule.reason)
    root = ET.Element("testsuites")
    root.append(suite)
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"


def markdown(decision: GateDecision, reference: str) -> str:
    """A heading, a table with each rule, and what it was decided about; nothing of the record is markup in it."""
    lines = [
        f"## Gate {'open' if decision.open else 'closed'}: {_escaped(reference)}",
        "",
        "| | rule | reason |",
        "|---|---|---|",
        *(
            f"| {'✅' if rule.passed else '❌'} | {_escaped(rule.rule)} | {_escaped(rule.reason)} |"
            for rule in decision.rules
        ),
        "",
        f"Snapshot `{decision.snapshot}`, policy `{decision.policy}`.",
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", html.escape(" ".join(clean(text).split()), quote=False))
