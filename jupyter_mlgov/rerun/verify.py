"""Reruns of many snapshots, and their verdicts as JUnit XML for CI."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.records.verdict import Comparison
from jupyter_mlgov.rerun.progress import Progress
from jupyter_mlgov.rerun.rerun import rerun

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def verify(
    root: Path,
    store: Store,
    snapshots: Sequence[str],
    *,
    jobs: int = 1,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[list[Comparison], bytes]:
    """Reruns each of ``snapshots``, ``jobs`` at a time: the comparisons in their order, and JUnit XML."""
    names = {snapshot: _name(store, snapshot) for snapshot in snapshots}

    def one(snapshot: str) -> Comparison:
        def named(step: Progress) -> None:
            if progress is not None:
                progress(replace(step, stage=f"{names[snapshot]}: {step.stage}"))

        return rerun(root, store, snapshot, progress=named)

    with ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="mlgov-verify") as pool:
        comparisons = list(pool.map(one, snapshots))
    return comparisons, junit([(names[c.baseline], c) for c in comparisons])


def _name(store: Store, snapshot: str) -> str:
    number = store.number(snapshot)
    experiment = store.manifest(snapshot).experiment
    return f"{experiment}@{number}" if number is not None else snapshot[:12]


def junit(named: Sequence[tuple[str, Comparison]]) -> bytes:
    """JUnit XML: a test case for each snapshot; diverged is a failure, failed and blocked are errors."""
    counts = {"failures": 0, "errors": 0}
    total = 0.0
    suite = ET.Element("testsuite", name="mlgov verify")
    for name, comparison in named:
        seconds = comparison.duration_s or 0.0
        total += seconds
        case = ET.SubElement(
            suite, "testcase", classname="mlgov.rerun", name=_clean(name), time=f"{seconds:.3f}"
        )
        if comparison.verdict in ("reproduced", "equivalent"):
            continue
        tag = "failure" if comparison.verdict == "diverged" else "error"
        counts["failures" if tag == "failure" else "errors"] += 1
        first = comparison.findings[0] if comparison.findings else None
        message = f"{comparison.verdict}: {first.cause} {first.subject}" if first else comparison.verdict
        child = ET.SubElement(case, tag, message=_clean(message), type=comparison.verdict)
        child.text = _clean(
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


def _clean(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return "".join(
        c if c in "\t\n" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff" else "�"
        for c in text
    )
