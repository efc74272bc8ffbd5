"""An assessment as JUnit XML: a test case for each test. What could not be told is skipped, never passed."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from jupyter_mlgov.records.assessment import Assessment
from jupyter_mlgov.records.xml_text import clean


def junit(made: Assessment, reference: str) -> bytes:
    """The XML document."""
    counts = made.counts()
    suite = ET.Element(
        "testsuite",
        name=clean(f"mlgov assess {reference}"),
        tests=str(len(made.results)),
        failures=str(counts["fail"]),
        errors=str(counts["error"]),
        skipped=str(counts["too-small"] + counts["not-applicable"]),
        time=f"{made.duration_s:g}",
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("snapshot", made.snapshot), ("suite", made.suite), ("data", made.data)):
        ET.SubElement(properties, "property", name=name, value=value)
    for one in made.results:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=f"mlgov.assess.{one.group}",
            name=clean(one.id),
            time=f"{one.duration_s or 0:g}",
        )
        said = clean(f"{one.question} {one.reason}")
        if one.verdict == "fail":
            ET.SubElement(case, "failure", message=clean(one.reason), type="assess").text = said
        elif one.verdict == "error":
            ET.SubElement(case, "error", message=clean(one.reason), type="assess").text = said
        elif one.verdict in ("too-small", "not-applicable"):
            ET.SubElement(case, "skipped", message=f"{one.verdict}: {clean(one.reason)}")
        else:
            ET.SubElement(case, "system-out").text = said
    root = ET.Element("testsuites")
    root.append(suite)
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + body + b"\n"
