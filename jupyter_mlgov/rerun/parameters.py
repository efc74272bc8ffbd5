"""Which parameters a notebook takes: what its cell tagged ``parameters`` sets, as papermill has it."""

from __future__ import annotations

import json
from collections.abc import Collection

from jupyter_mlgov.capture.document import parse_cells
from jupyter_mlgov.capture.names import names_of
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.rerun.code_form import python_of

_TAGS = {"parameters", "injected-parameters"}


def check_parameters(document: bytes, asked: Collection[str]) -> None:
    """Raises ``UsageError`` for a name that no parameters cell of the notebook sets: the run would not differ by it, and
    its result would answer a question that nobody put."""
    try:
        parsed = parse_cells(json.loads(document))
    except (ValueError, RecursionError):
        return  # the run says that it is no notebook
    if parsed is None:
        return
    cells = [cell for cell in parsed[0] if cell.type == "code" and _TAGS & _tags(cell.metadata)]
    first = next(iter(asked))
    if not cells:
        raise UsageError(
            f"parameter {first}: the notebook has no parameters cell: tag the cell that sets {first} with 'parameters'"
        )
    takes = sorted({name for cell in cells for name in names_of(python_of(cell.source)).sets})
    for name in asked:
        if name not in takes:
            there = ", ".join(takes) or "nothing"
            raise UsageError(
                f"parameter {name}: the notebook's parameters cell does not set {name}; it sets {there}"
            )


def _tags(metadata: dict[str, object]) -> set[str]:
    tags = metadata.get("tags")
    return {tag for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()
