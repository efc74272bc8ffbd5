"""Verdicts for those who read them elsewhere: JUnit XML, GitHub's annotations, a Markdown summary."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from jupyter_mlgov.records.verdict import Comparison, Finding
from jupyter_mlgov.records.xml_text import clean
from jupyter_mlgov.rerun.fleet import Job

_GOOD = ("reproduced", "equivalent")
_SIGN = {"reproduced": "✅", "equivalent": "✅", "diverged": "❌", "failed": "❌", "blocked": "⚠️"}

Named = Sequence[tuple[Job, Comparison]]


def junit(named: Named) -> bytes:
    """JUnit XML: a test case for each snapshot; diverged is a failure, failed and blocked are errors, and what was
    proven before has a property that says when."""
    counts = {"failures": 0, "errors": 0}
    total = 0.0
    suite = ET.Element("testsuite", name="mlgov verify")
    for job, comparison in named:
        seconds = comparison.duration_s or 0.0
        total += seconds
        case = ET.SubElement(
            suite, "testcase", classname="mlgov.rerun", name=clean(job.name), time=f"{seconds:.3f}",
            file=clean(job.group),
        )  # fmt: skip
        _properties(case, comparison)
        if comparison.verdict in _GOOD:
            continue
        tag = "failure" if comparison.verdict == "diverged" else "error"
        counts["failures" if tag == "failure" else "errors"] += 1
        first = comparison.findings[0] if comparison.findings else None
        message = f"{comparison.verdict}: {first.cause} {first.subject}" if first else comparison.verdict
        child = ET.SubElement(case, tag, message=clean(message), type=comparison.verdict)
        child.text = clean(
            "\n".join(f"{f.cause} {f.subject}: {f.message} {f.remedy}" for f in comparison.findings)
        )
    suite.set("tests", str(len(named)))
    for key, count in counts.items():
        suite.set(key, str(count))
    suite.set("time", f"{total:.3f}")
    root = ET.Element("testsuites")
    root.append(suite)
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"


def _properties(case: ET.Element, comparison: Comparison) -> None:
    facts = {"verdict": comparison.verdict, "attempts": str(comparison.attempts)}
    if comparison.proven_at is not None:
        facts["proven-at"] = comparison.proven_at
    if comparison.caution:
        facts["caution"] = comparison.caution
    properties = ET.SubElement(case, "properties")
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=clean(value))


def github_annotations(named: Named) -> list[str]:
    """GitHub's workflow commands: an error for each finding of a bad verdict, at the notebook; a warning where
    it was blocked, and where something has to be known of a verdict."""
    lines = []
    for job, comparison in named:
        if comparison.caution:
            title = f"{job.name} {comparison.verdict}"
            lines.append(
                f"::warning file={_property(job.group)},title={_property(title)}::{_data(comparison.caution)}"
            )
        if comparison.verdict in _GOOD:
            continue
        level = "warning" if comparison.verdict == "blocked" else "error"
        told: Sequence[Finding | None] = comparison.findings or (None,)
        for finding in told:
            title = f"{job.name} {comparison.verdict}" + (f": {finding.cause}" if finding else "")
            said = f"{finding.message} {finding.remedy}" if finding else "see the report of this rerun"
            lines.append(f"::{level} file={_property(job.group)},title={_property(title)}::{_data(said)}")
    return lines


def markdown(named: Named) -> str:
    """A table of verdicts, and below it the findings of those that are bad."""
    good = sum(comparison.verdict in _GOOD for _, comparison in named)
    proven = sum(comparison.proven_at is not None for _, comparison in named)
    lines = [
        f"## Reruns: {good} of {len(named)} reproduce",
        "",
        *(
            [
                f"{proven} were proven before for the same code, data and environment, and not executed again.",
                "",
            ]
            if proven
            else []
        ),
        "| snapshot | notebook | verdict | main cause | seconds |",
        "|---|---|---|---|---:|",
    ]
    for job, comparison in named:
        first = comparison.findings[0] if comparison.findings else None
        cause = f"{_cell(first.cause)} {_cell(first.subject)}" if first else ""
        took = "proven" if comparison.proven_at is not None else f"{comparison.duration_s or 0:.1f}"
        verdict = f"{_SIGN[comparison.verdict]} {comparison.verdict}"
        lines.append(f"| {_cell(job.name)} | {_cell(job.group)} | {verdict} | {cause} | {took} |")
    cautions = [f"- {_cell(job.name)}: {_cell(one.caution)}" for job, one in named if one.caution]
    lines += ["", *cautions] if cautions else []
    for job, comparison in named:
        if comparison.verdict not in _GOOD and comparison.findings:
            lines += ["", f"### {_cell(job.name)}", ""]
            lines += [f"- **{f.cause}** {_cell(f.message)} {_cell(f.remedy)}" for f in comparison.findings]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text that means nothing to Markdown or HTML."""
    line = " ".join(clean(text).split())
    for sign in "\\`*_[]|#":
        line = line.replace(sign, f"\\{sign}")
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _data(text: str) -> str:
    return clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
