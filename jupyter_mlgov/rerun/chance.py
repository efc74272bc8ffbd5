"""Kinds of chance: which is likely, what is said of it, what helps."""

from __future__ import annotations

from jupyter_mlgov.records.cells import cell_number
from jupyter_mlgov.records.verdict import Cause
from jupyter_mlgov.rerun.compare import Measured
from jupyter_mlgov.rerun.outputs import only_order
from jupyter_mlgov.rerun.suspects import Kind

_AT_ONCE: tuple[Kind, ...] = ("random", "clock", "hash", "listing", "threads")
_IN_ANOTHER_ORDER: tuple[Kind, ...] = ("threads", "hash", "listing", "random", "clock")
AFTER_A_WHILE: tuple[Kind, ...] = ("clock", "listing", "hash", "threads", "random", "listed")
SAID: dict[str, tuple[Cause, str]] = {
    "random": ("randomness.unseeded", "draws random numbers without a seed"),
    "clock": ("time", "reads the clock, and the result depends on it"),
    "hash": ("randomness.hash-order", "depends on the order of a set, which changes with Python's hash seed"),
    "listing": ("randomness.filesystem-order", "depends on the order in which a folder lists its files"),
    "listed": ("data.rows", "lists a folder, in which files may have come or gone since"),
    "threads": ("randomness.threads", "works in parallel, and the order in which the workers finish shows"),
}
REMEDIES = {
    "random": "give it a seed (random_state=0, np.random.default_rng(0)), or run the experiment with --seed 0",
    "clock": "set the date or time as a parameter at the top of the notebook",
    "hash": "sort the set before its order matters (sorted(...)), or set PYTHONHASHSEED",
    "listing": "sort the list of files before it is used (sorted(...))",
    "listed": "put the folder's files back as they were recorded, or record a snapshot of the new ones",
    "threads": "run it with one worker, or declare a --tolerance for the metrics",
}


def kinds_of(itself: Measured) -> tuple[Kind, ...]:
    """Which kinds of chance are likely, the likeliest first, by how two unchanged runs disagree."""
    pairs = [
        (itself.before.outputs(pair.before), itself.after.outputs(pair.after))
        for pair in itself.alignment.pairs
        if pair.before is not None and pair.after is not None and pair.before.index in itself.differing_cells
    ]
    return _IN_ANOTHER_ORDER if pairs and all(only_order(*pair) for pair in pairs) else _AT_ONCE


def cells_named(indices: list[int]) -> str:
    """A few cells by the numbers that people see."""
    shown = ", ".join(str(cell_number(index)) for index in indices[:5])
    return f"cell{'' if len(indices) == 1 else 's'} {shown}" + (" and others" if len(indices) > 5 else "")
