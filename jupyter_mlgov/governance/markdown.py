"""Charter and risks in markdown cells that are tagged ``charter`` or ``risk``: the same YAML in a fenced block.

They are read, never run: a check that stands in markdown is recorded without an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance.annotations import parse_charter, parse_risk
from jupyter_mlgov.records.annotations import Charter, Check, Risk

NOT_RUN = "read from a markdown cell: not executed"

_FENCE = re.compile(
    r"^(?P<fence>`{3,}|~{3,})[ \t]*ya?ml[^\n]*\n(?P<body>.*?)^(?P=fence)[`~]*[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
_ID = re.compile(r"^id[ \t]*:[ \t]*(?P<id>[^#\n]+?)[ \t]*(?:#.*)?$", re.MULTILINE)


def read_annotations(document: dict[str, Any]) -> tuple[Charter | None, tuple[Risk, ...], tuple[str, ...]]:
    """Charter, risks and problems (one line each) in a notebook's JSON. The first charter counts."""
    charter: Charter | None = None
    risks: dict[str, Risk] = {}
    problems: list[str] = []
    for index, tag, body, line in _blocks(document, problems):
        try:
            if tag == "charter":
                charter = charter or parse_charter(body, first_line=line)
                continue
            named = _ID.search(body)
            if named is None:
                raise UsageError(f"line {line}: id is missing; write id: with the risk's name")
            # The id's line is left empty rather than taken out: line numbers in messages stay right.
            rest = body[: named.start()] + body[named.end() :]
            risk = parse_risk(named["id"].strip("'\" "), rest, first_line=line)
            if risk.id in risks:
                raise UsageError(f"risk {risk.id!r} is given twice; keep one")
            check = Check(expression=risk.check.expression, error=NOT_RUN) if risk.check else None
            risks[risk.id] = msgspec.structs.replace(risk, check=check, cell=index, source="markdown")
        except UsageError as error:
            problems.append(f"markdown cell {index} tagged {tag}: {error}")
    return charter, tuple(risks.values()), tuple(problems)


def _blocks(document: dict[str, Any], problems: list[str]) -> Iterator[tuple[int, str, str, int]]:
    """``(cell index, tag, YAML, its first line)`` of every annotated cell."""
    for index, cell in enumerate(document.get("cells", [])):
        if not isinstance(cell, dict) or cell.get("cell_type") != "markdown":
            continue
        metadata = cell.get("metadata")
        tags = metadata.get("tags") if isinstance(metadata, dict) else None
        if not isinstance(tags, list):
            continue
        tag = next((tag for tag in ("charter", "risk") if tag in tags), None)
        if tag is None:
            continue
        source = cell.get("source", "")
        text = "".join(source) if isinstance(source, list) else str(source)
        found = False
        for block in _FENCE.finditer(text):
            found = True
            yield index, tag, block["body"], text.count("\n", 0, block.start("body")) + 1
        if not found:
            problems.append(
                f"markdown cell {index} tagged {tag}: no fenced yaml block; start one with ```yaml"
            )
