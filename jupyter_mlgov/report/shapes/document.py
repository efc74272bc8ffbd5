"""The whole record as one JSON document: what ``mlgov show --json`` prints, with the gate's decision."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import msgspec

from jupyter_mlgov.records.canonical import plain
from jupyter_mlgov.report.shapes.source import ONE, Source


def make(source: Source) -> dict[PurePosixPath, bytes]:
    whole = plain({**source.document, "gate": msgspec.to_builtins(source.gate)})
    return {ONE: (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace")}
