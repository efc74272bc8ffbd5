"""Cells are called by one way of counting wherever a person reads of them."""

from __future__ import annotations

import re
from pathlib import Path

import jupyter_mlgov
from jupyter_mlgov.records.cells import cell_name, cell_number

PACKAGE = Path(jupyter_mlgov.__file__).parent
# "cell 3 of 8" counts what is done; "counted from 0" says that it is an index.
BY_ITSELF = re.compile(r"[Cc]ell \{(?!cell_n)[^}]*\b(?:index|cell)\b[^}]*\}(?! of |.*counted from 0)")


def test_the_first_cell_is_cell_1_as_in_jupyterlabs_status_bar() -> None:
    assert cell_name(0) == "cell 1"
    assert cell_number(28) == 29


def test_no_message_counts_cells_by_itself() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if BY_ITSELF.search(line)
    ]
    assert found == [], "use records.cells"
