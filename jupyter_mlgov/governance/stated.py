"""Charter and risks that a notebook's cells state, read without running anything: code cells and markdown ones alike.

What a ``%%charter`` or ``%%risk`` cell says is its YAML; that it ran, and what its check gave, only a kernel knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance.annotations import parse_charter, parse_risk
from jupyter_mlgov.governance.markdown import (
    MarkdownAnnotations,
    cell_source,
    cells_of,
    not_executed,
    read_annotations,
)
from jupyter_mlgov.records.annotations import Charter, Risk
from jupyter_mlgov.records.cells import cell_name

_HEADER = re.compile(r"\s*%%(charter|risk)[ \t]*(\S*)[^\n]*(?:\n|$)")


def read_stated(document: Mapping[str, Any], experiment: str) -> MarkdownAnnotations:
    """The annotations in ``document`` (an ``.ipynb`` as a dict) that belong to ``experiment`` or to no other.

    A code cell's charter stands before one in markdown. Never raises for what the notebook holds.
    """
    charter: Charter | None = None
    risks: dict[str, Risk] = {}
    problems: list[str] = []
    for index, cell in enumerate(cells_of(document)):
        source = cell_source(cell)
        header = _HEADER.match(source) if cell.get("cell_type") == "code" else None
        if header is None:
            continue
        first_line = source[: header.end()].count("\n") + 1
        try:
            if header[1] == "charter":
                charter = parse_charter(source[header.end() :], first_line=first_line)
            else:
                risk = parse_risk(header[2], source[header.end() :], first_line=first_line)
                risks[risk.id] = not_executed(risk, index, "magic")
        except UsageError as error:
            problems.append(f"{cell_name(index)}, {error}")
    tagged = read_annotations(document)
    for risk in tagged.risks:
        risks.setdefault(risk.id, risk)
    mine = tuple(risk for risk in risks.values() if risk.experiment in (None, experiment))
    return MarkdownAnnotations(charter or tagged.charter, mine, (*problems, *tagged.problems))
