"""The journal: what the kernel session has executed so far, cell by cell, in order."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import Literal

from msgspec import Struct, field

from jupyter_mlgov.capture.names import Names, names_of
from jupyter_mlgov.capture.outputs import Outputs

_AROUND = frozenset({"time", "timeit", "capture", "prun", "experiment"})
"""Cell magics of IPython's own (and ours) that run their body as Python in the user's namespace."""


class Execution(Struct, dict=True):
    """One execution of one cell."""

    source: str
    """The cell as it stands in the notebook, magics and all."""
    code: str
    """The same after IPython's transformation: plain Python."""
    cell_id: str | None
    execution_count: int | None
    started_at: float
    """Seconds since the epoch."""
    duration_s: float | None = None
    status: Literal["ok", "error"] = "ok"
    error: str | None = None
    shown: Outputs = field(default_factory=Outputs)
    outputs_object: str | None = None
    """The digest of the outputs as a snapshot has last put them into the store."""
    outputs_version: int = -1
    """``shown.version`` at that moment."""
    outputs_secrets: int = -1
    """``Secrets.known`` at that moment."""
    seen: bool = True
    """False for cells that ran before the extension was loaded."""

    @cached_property
    def names(self) -> Names:
        """What the cell's code binds and reads."""
        return names_of(without_magic(self.code))

    @property
    def is_wrapped(self) -> bool:
        """True where a cell magic runs the cell's body."""
        return without_magic(self.code) is not self.code


def without_magic(code: str) -> str:
    """The body of a cell magic that runs it as Python; other code as it is.

    ``%%capture name`` binds its name too.
    """
    if "run_cell_magic(" not in code:
        return code
    try:
        (statement,) = ast.parse(code).body
        called = statement.value  # type: ignore[attr-defined]
        magic, line, body = (argument.value for argument in called.args)
        if called.func.attr != "run_cell_magic" or magic not in _AROUND:
            return code
    except (SyntaxError, ValueError, AttributeError, RecursionError, MemoryError):
        return code
    from IPython.core.inputtransformer2 import TransformerManager

    # A manager of our own: transformations that the user has registered may have side effects.
    inner = without_magic(TransformerManager().transform_cell(body))
    names = [word for word in line.split() if word.isidentifier()]
    return f"{names[0]} = get_ipython()\n{inner}" if magic == "capture" and names else inner
