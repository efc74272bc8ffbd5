"""Charter and risks in the markdown cells of a notebook that are tagged ``charter`` or ``risk``.

They are read and never executed: a risk's check has ``passed`` None and says so. A cell that does not parse is a
problem in one line, and hides no other cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.annotations import Charter, Risk
from jupyter_mlgov.records.cells import cell_name

NOT_EXECUTED = {
    "markdown": "read from markdown: not executed",
    "magic": "read from the cell's text: not executed",
}

_OPEN = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*\{?\.?(ya?ml)\b[^\n]*$", re.IGNORECASE)
_ID_LINE = re.compile(r"^id[ \t]*:[ \t]*(['\"]?)(.*?)\1[ \t]*(?:#.*)?$")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.*?)[ \t#]*$", re.MULTILINE)


class MarkdownAnnotations(NamedTuple):
    """What a notebook's markdown says, and one line for each cell that could not be read."""

    charter: Charter | None
    risks: tuple[Risk, ...]
    problems: tuple[str, ...]


def read_annotations(document: Mapping[str, Any]) -> MarkdownAnnotations:
    """The annotations in ``document`` (an ``.ipynb`` as a dict). Never raises for what the notebook holds.

    A risk's id is its ``id:`` field, else the cell's heading (``## Risk: thin data`` is ``thin-data``), else
    the cell's own id. Problems name the cell by its place, counted from 1 over all cells.
    """
    charter: Charter | None = None
    risks: dict[str, Risk] = {}
    problems: list[str] = []
    for index, cell in enumerate(cells_of(document)):
        tags = _tags(cell)
        if cell.get("cell_type") != "markdown" or not tags & {"charter", "risk"}:
            continue
        # Most notebooks have none, and reading YAML takes longer to load than their cells to look at.
        from jupyter_mlgov.governance.annotations import parse_charter, parse_risk

        source = cell_source(cell)
        kind = "charter" if "charter" in tags else "risk"
        blocks = list(_blocks(source))
        if not blocks:
            problems.append(
                f"{cell_name(index)}: tagged {kind}, but has no ```yaml block; put the fields in one"
            )
        for first_line, body in blocks:
            try:
                if kind == "charter":
                    if charter is not None:
                        raise UsageError(f"line {first_line}: a second charter; keep one")
                    charter = parse_charter(body, first_line=first_line)
                else:
                    name, body = _take_id(body)
                    name = name or _heading(source) or str(cell.get("id") or f"cell-{index}")
                    if name in risks:
                        raise UsageError(f"line {first_line}: a second risk {name!r}; give it another `id:`")
                    risks[name] = not_executed(
                        parse_risk(name, body, first_line=first_line), index, "markdown"
                    )
            except UsageError as error:
                problems.append(f"{cell_name(index)}, {error}")
    return MarkdownAnnotations(charter, tuple(risks.values()), tuple(problems))


def not_executed(risk: Risk, index: int, source: Literal["markdown", "magic"]) -> Risk:
    """``risk`` as cell ``index`` states it: its check has no answer, and says why."""
    check, why = risk.check, NOT_EXECUTED[source]
    if check is not None:
        parts = tuple(msgspec.structs.replace(part, error=why) for part in check.parts)
        check = msgspec.structs.replace(check, passed=None, error=why, parts=parts)
    return msgspec.structs.replace(risk, check=check, cell=index, source=source)


def cells_of(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The cells of an ``.ipynb`` as dicts; what is none is an empty one, so that places stay."""
    cells = document.get("cells")
    for cell in cells if isinstance(cells, list) else []:
        yield cell if isinstance(cell, Mapping) else {}


def _tags(cell: Mapping[str, Any]) -> set[str]:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, Mapping) else None
    return {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()


def cell_source(cell: Mapping[str, Any]) -> str:
    """A cell's text, as one piece."""
    source = cell.get("source", "")
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def _blocks(source: str) -> Iterator[tuple[int, str]]:
    """Each fenced ``yaml`` block with the number of its first line in the cell, counted from 1."""
    lines = source.splitlines()
    at = 0
    while at < len(lines):
        opened = _OPEN.match(lines[at])
        at += 1
        if opened is None:
            continue
        fence, start = opened[1], at
        closing = re.compile(rf"^ {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
        while at < len(lines) and not closing.match(lines[at]):
            at += 1
        yield start + 1, "\n".join(lines[start:at])
        at += 1


def _take_id(body: str) -> tuple[str | None, str]:
    """The ``id:`` line's value, and the body with that line left empty so that line numbers stay."""
    lines = body.split("\n")
    for number, line in enumerate(lines):
        found = _ID_LINE.match(line)
        if found:
            lines[number] = ""
            return found[2].strip(), "\n".join(lines)
    return None, body


def _heading(source: str) -> str | None:
    found = _HEADING.search(source)
    if found is None:
        return None
    words = re.sub(r"^risk\b[\s:–—-]*", "", found[1], flags=re.IGNORECASE)
    return re.sub(r"[^\w.]+", "-", words.lower()).strip("-_.")[:100] or None
