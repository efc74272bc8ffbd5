"""Which cell of one notebook is which of another: by id, else by equal code, in order."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from jupyter_mlgov.records.manifest import CellRecord, Manifest

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def source_of(store: Store, cell: CellRecord) -> str:
    """The text of a cell."""
    return store.get(cell.source).decode("utf-8", "replace")


def align(store: Store, one: Manifest, other: Manifest) -> list[tuple[CellRecord | None, CellRecord | None]]:
    """Pairs of code cells, in the order of ``one``; cells that only one has come with None, those of ``other`` last."""
    left = [cell for cell in one.notebook.cells if cell.type == "code"]
    right = [cell for cell in other.notebook.cells if cell.type == "code"]
    by_id = {cell.id: cell for cell in right}
    taken: set[int] = set()
    pairs: dict[int, CellRecord] = {}
    for cell in left:
        same = by_id.get(cell.id)
        if same is not None and same.index not in taken:
            pairs[cell.index] = same
            taken.add(same.index)
    by_code: dict[str, list[CellRecord]] = {}
    for cell in right:
        if cell.index not in taken:
            by_code.setdefault(meaning(source_of(store, cell)), []).append(cell)
    for cell in left:
        if cell.index not in pairs:
            equal = by_code.get(meaning(source_of(store, cell)))
            if equal:
                pairs[cell.index] = equal.pop(0)
                taken.add(pairs[cell.index].index)
    found: list[tuple[CellRecord | None, CellRecord | None]] = [
        (cell, pairs.get(cell.index)) for cell in left
    ]
    return found + [(None, cell) for cell in right if cell.index not in taken]


@lru_cache(maxsize=4096)
def meaning(source: str) -> str:
    """What a cell's code says, without comments and formatting: equal for cells that do the same."""
    from IPython.core.inputtransformer2 import TransformerManager

    lines = source.strip("\n").splitlines(keepends=True)
    header = ""
    while lines and lines[0].startswith("%%experiment"):
        header = "experiment " + _effective(lines.pop(0))
    code = "".join(lines)
    try:
        code = TransformerManager().transform_cell(code)
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return header + "\n" + code.strip()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            _drop_docstring(node)
    return header + "\n" + ast.dump(tree)


def _drop_docstring(node: ast.Module | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) -> None:
    if (
        len(node.body) > 1
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
    ):
        node.body = node.body[1:]


def _effective(header: str) -> str:
    """The options of an experiment line that can change a result: only the seed can."""
    words = header.split()
    return " ".join(words[place + 1] for place, word in enumerate(words[:-1]) if word == "--seed")
