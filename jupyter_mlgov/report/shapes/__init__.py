"""The record in the shapes that other tools read: ``mlgov export REF --as KIND``.

Each module makes one shape from a ``Record`` and nothing else. A shape says no more than the record holds: what has no
place in it is left out, what it asks for and the record lacks is not invented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance.words import did_you_mean

if TYPE_CHECKING:
    from jupyter_mlgov.report.shapes.source import Source

Files = Mapping[PurePosixPath, bytes | None]
"""Relative paths with their content, None for a folder. One file alone has the empty path."""

KINDS = ("model-card", "cyclonedx", "in-toto", "ro-crate", "mlflow", "json")


@dataclass(frozen=True)
class Shape:
    """How one kind is written: ``folder`` for those that are several files, and what a single file is called."""

    make: Callable[[Source], Files]
    suffix: str
    folder: bool = False


def shape(kind: str) -> Shape:
    """The shape called ``kind``. Raises ``UsageError`` that names the nearest one."""
    if kind not in KINDS:
        raise UsageError(f"--as {kind[:40]!r} is not one of {', '.join(KINDS)}{did_you_mean(kind, KINDS)}")
    if kind == "model-card":
        from jupyter_mlgov.report.shapes import model_card

        return Shape(model_card.make, ".md")
    if kind == "cyclonedx":
        from jupyter_mlgov.report.shapes import cyclonedx

        return Shape(cyclonedx.make, ".cdx.json")
    if kind == "in-toto":
        from jupyter_mlgov.report.shapes import in_toto

        return Shape(in_toto.make, ".intoto.json")
    if kind == "ro-crate":
        from jupyter_mlgov.report.shapes import ro_crate

        return Shape(ro_crate.make, "-crate", folder=True)
    if kind == "mlflow":
        from jupyter_mlgov.report.shapes import mlflow_run

        return Shape(mlflow_run.make, "-mlruns", folder=True)
    from jupyter_mlgov.report.shapes import document

    return Shape(document.make, ".json")
