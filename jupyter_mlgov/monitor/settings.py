"""The monitor's settings: section ``[monitor]`` of ``mlgov.toml``, with defaults that hold without any file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from jupyter_mlgov.assess.corrections import Correction
from jupyter_mlgov.configuration import NAME, section
from jupyter_mlgov.errors import UsageError


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as drift, and what follows from it."""

    alpha: float = 0.01
    """The chance of a false alarm in one run that is put up with, all of its tests together."""
    correction: Correction = "holm"
    shift: float = 0.1
    """Numbers: the Wasserstein distance in standard deviations of the reference from which a change matters."""
    categories: float = 0.1
    """Categories: the Jensen-Shannon distance from which it does."""
    missing: float = 0.05
    """Missing values: the difference of shares from which it does."""
    importance: float = 0.1
    """Attributions: the part of the whole importance that went from some features to others."""
    loss: float = 0.1
    """The change of the mean loss in standard deviations from which it is concept drift."""
    seen: float = 0.5
    """The shift, in standard deviations, that the rows have to be able to show; where they are too few for it, a
    result without an alarm is "too few rows to tell". Half a standard deviation is a medium effect (Cohen 1988)."""
    explained_rows: int = 200
    """Logged rows that the monitor explains itself, where the snapshot has reference attributions and predictions were
    logged without comparable ones; 0: none."""
    ignore: tuple[str, ...] = ()
    """Columns that are not compared."""
    fail_on: Literal["watch", "retrain", "roll back"] = "watch"
    """The least decision for which ``mlgov monitor`` ends with exit status 1."""


def read_settings(root: Path) -> Settings:
    """The settings of the project at ``root``. Raises ``UsageError`` naming the file and the setting."""
    found = section(root, "monitor", Settings)
    where = f"{root / NAME}: [monitor]"
    if not 0 < found.alpha <= 0.5:
        raise UsageError(
            f"{where}: alpha is {found.alpha}: write a chance above 0 and up to 0.5, for instance 0.01"
        )
    for name in ("shift", "categories", "missing", "importance", "loss"):
        if not getattr(found, name) >= 0:
            raise UsageError(f"{where}: {name} is {getattr(found, name)}: write 0 or more")
    if found.explained_rows < 0:
        raise UsageError(f"{where}: explained_rows is {found.explained_rows}: write 0 or more")
    if not found.seen > 0:
        raise UsageError(f"{where}: seen is {found.seen}: write more than 0")
    return found
