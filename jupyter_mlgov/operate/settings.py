"""``[operate]`` in ``mlgov.toml``: the stages of a release."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from jupyter_mlgov.configuration import NAME, section
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records import release


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the operator decides. The defaults hold without a file."""

    stages: tuple[str, ...] = ("staging", "production")


def read_settings(root: Path) -> Settings:
    """The settings of the project at ``root``. Raises ``UsageError`` naming the file and the setting."""
    found = section(root, "operate", Settings)
    where = f"{root / NAME}: [operate]"
    for stage in found.stages:
        if not release.NAME.fullmatch(stage):
            raise UsageError(f"{where}: stages: {stage[:80]!r} is no name: letters, digits, '.', '_' and '-'")
    return found
