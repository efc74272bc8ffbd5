"""``[operate]`` in ``mlgov.toml``: the stages, the service and its prediction log."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from jupyter_mlgov.configuration import NAME, section
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records import release


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the operator decides. The defaults hold without a file."""

    stages: tuple[str, ...] = ("staging", "production")
    predictions: str = ""
    """The folder of the prediction log, from the project's root; empty: ``.mlgov/predictions``."""
    never_log: tuple[str, ...] = ()
    """Input columns whose values are never written to the log."""
    segment_bytes: int = 16_000_000
    """Bytes after which a segment of the log is rolled into Parquet."""
    segment_minutes: float = 60.0
    """Minutes after which it is, however small."""
    retention_days: float | None = None
    """Days after which predictions are deleted; unset: never."""
    unseen_categories: Literal["refuse", "accept"] = "refuse"
    """What becomes of a request with a category that was not in the rows that the schema was learnt from."""
    range_margin: float = 1.0
    """How far outside of the learnt range a number may lie, in widths of that range; below 0: ranges are not checked."""
    max_rows: int = 10_000
    """Rows of one request."""
    max_bytes: int = 32_000_000
    """Bytes of one request's body."""


def read_settings(root: Path) -> Settings:
    """The settings of the project at ``root``. Raises ``UsageError`` naming the file and the setting."""
    found = section(root, "operate", Settings)
    where = f"{root / NAME}: [operate]"
    for stage in found.stages:
        if not release.NAME.fullmatch(stage):
            raise UsageError(f"{where}: stages: {stage[:80]!r} is no name: letters, digits, '.', '_' and '-'")
    for name in ("segment_bytes", "segment_minutes", "retention_days", "max_rows", "max_bytes"):
        value = getattr(found, name)
        if value is not None and not value > 0:
            raise UsageError(f"{where}: {name} is {value}: write more than 0")
    return found
