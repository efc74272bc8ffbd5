"""How a release is retrained: section ``[retrain]`` of ``mlgov.toml``, with defaults that hold without any file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from jupyter_mlgov.configuration import NAME, section
from jupyter_mlgov.errors import UsageError


class RetrainSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a retraining does by itself, and what it asks of its result."""

    release: Literal["never", "when open"] = "never"
    """Whether a result that is good enough goes to the stage by itself where the gate is open."""
    needs: Literal["better", "no worse"] = "better"
    """What the challenger has to be beside the champion."""
    margin: float = 0.01
    """How much worse still counts as no worse: of the metric itself where it lies between 0 and 1 by nature, else this
    share of the champion's."""
    metric: str = ""
    """The metric that they are compared by; empty: that of the first KPI that can be computed from predictions."""
    data: Literal["add", "replace"] = "add"
    """Whether new rows are added to the recorded ones or stand in place of them."""
    min_rows: int = 50
    """New rows below which nothing is retrained."""
    min_compared: int = 50
    """Rows below which champion and challenger are not told apart."""


def read_retrain_settings(root: Path) -> RetrainSettings:
    """The settings of the project at ``root``. Raises ``UsageError`` naming the file and the setting."""
    found = section(root, "retrain", RetrainSettings)
    where = f"{root / NAME}: [retrain]"
    if not 0 <= found.margin < 1:
        raise UsageError(f"{where}: margin is {found.margin}: write 0 or more, and less than 1")
    for name in ("min_rows", "min_compared"):
        if getattr(found, name) < 1:
            raise UsageError(f"{where}: {name} is {getattr(found, name)}: write 1 or more")
    return found
