"""How a cell is called where a person reads of it: by its place in the notebook, counted from 1.

JupyterLab's status bar counts so ("Cell 3/29"). Fields called ``cell`` or ``index`` count from 0, as notebook formats do.
"""

from __future__ import annotations


def cell_number(index: int) -> int:
    """The place of the cell at ``index`` as people count."""
    return index + 1


def cell_name(index: int) -> str:
    """The cell at ``index``, in a sentence."""
    return f"cell {cell_number(index)}"
