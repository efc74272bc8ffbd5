"""Reruns of many snapshots, and their verdicts as JUnit XML for CI.

Snapshots of one notebook are rerun one after the other, because a notebook may write into its folder; those of
different notebooks at the same time. A snapshot that cannot be read is ``blocked`` and does not stop the others.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.records.verdict import Comparison, Finding
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
    """Reruns each of ``snapshots``, ``jobs`` notebooks at a time: the comparisons in their order, and JUnit XML."""
    names: dict[str, str] = {}
    groups: dict[str, list[str]] = {}
    for snapshot in dict.fromkeys(snapshots):
        names[snapshot], notebook = _named(store, snapshot)
        groups.setdefault(notebook, []).append(snapshot)

    def one(snapshot: str) -> Comparison:
        def named(step: Progress) -> None:
            if progress is not None:
                progress(replace(step, stage=f"{names[snapshot]}: {step.stage}"))

        try:
            return rerun(root, store, snapshot, progress=named)
        except MlgovError as error:
            return _unreadable(snapshot, names[snapshot], error)

    def group(members: list[str]) -> list[Comparison]:
        return [one(snapshot) for snapshot in members]

    with ThreadPoolExecutor(max_workers=max(1, jobs), thread_name_prefix="mlgov-verify") as pool:
        made = {c.baseline: c for found in pool.map(group, groups.values()) for c in found}
    comparisons = [made[snapshot] for snapshot in snapshots]
    return comparisons, junit([(names[c.baseline], c) for c in comparisons])


def _named(store: Store, snapshot: str) -> tuple[str, str]:
    """What a snapshot is called, and its notebook."""
    try:
        manifest = store.manifest(snapshot)
        number = store.number(snapshot)
    except MlgovError:
        return snapshot[:12], snapshot
    name = f"{manifest.experiment}@{number}" if number is not None else snapshot[:12]
    return name, manifest.notebook.path or snapshot


def _unreadable(snapshot: str, name: str, error: MlgovError) -> Comparison:
    finding = Finding(
        cause="unknown",
        subject=name,
        message=f"The rerun could not be made: {str(error).rstrip('.')}.",
        remedy="mlgov fsck says what is wrong with the store",
        confirmed=True,
    )
    return Comparison(baseline=snapshot, candidate=None, verdict="blocked", findings=(finding,))


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
