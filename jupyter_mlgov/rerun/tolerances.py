"""How far a metric may be off, who said so, and how far an equivalent result is.

The nearest declaration counts: ``--tolerance`` on the experiment's cell, then the KPI in the charter, then
``[tolerances]`` in ``mlgov.toml``, whose names may hold ``*``. All are absolute. Where nobody said anything, what
floating point does to a reordered sum is allowed (``numbers.RELATIVE``), and for whole numbers nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from jupyter_mlgov.configuration import NAME, table
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.verdict import CellComparison, ValueComparison
from jupyter_mlgov.rerun.numbers import RELATIVE

SECTION = "tolerances"
SHOWN = 4
"""Values that a summary names."""


def tolerances(root: Path) -> dict[str, float]:
    """The section ``[tolerances]`` of the project at ``root``. Raises ``UsageError`` for what is no tolerance."""
    found = {}
    for name, value in table(root, SECTION).items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise UsageError(
                f"{root / NAME}: [{SECTION}]: {name} = {value!r} is no tolerance: write a number such as 1e-3"
            )
        found[name] = float(value)
    return found


def tolerance_of(manifest: Manifest, metric: str, declared: dict[str, float]) -> float | None:
    """The absolute tolerance that was declared for a metric. ``declared`` is what ``mlgov.toml`` says."""
    if metric in manifest.tolerances:
        return manifest.tolerances[metric]
    kpis = (*manifest.kpis, *(manifest.charter.kpis if manifest.charter else ()))
    stated = next((k.tolerance for k in kpis if k.metric == metric and k.tolerance is not None), None)
    if stated is not None:
        return stated
    if metric in declared:
        return declared[metric]
    return next((value for name, value in declared.items() if fnmatchcase(metric, name)), None)


def within_declared(metrics: Sequence[ValueComparison]) -> bool:
    """True when some metric has a declared tolerance and moved, and every metric is within its own."""
    moved = any(metric.status == "equivalent" and not metric.relative for metric in metrics)
    return moved and all(metric.status in ("same", "equivalent", "new", "noise") for metric in metrics)


def summary(values: Sequence[ValueComparison], cells: Sequence[CellComparison]) -> str:
    """How far an equivalent result is off, in one sentence."""
    metrics = [value for value in values if value.status == "equivalent" and value.off is not None]
    others = [value.name for value in values if value.status == "equivalent" and value.off is None]
    places = [cell for cell in cells if cell.status == "equivalent"]
    parts = [f"{metric.name} is off by {metric.off:.2g} ({_allowed(metric)})" for metric in metrics[:SHOWN]]
    if len(metrics) > SHOWN:
        parts.append(f"{len(metrics) - SHOWN} more metrics are off within their tolerances")
    if others:
        parts.append(f"{', '.join(others[:SHOWN])}{' and others' if len(others) > SHOWN else ''} in low bits")
    parts += [f"{cell_name(cell.index)}: {cell.note}" for cell in places[:SHOWN] if cell.note and not metrics]
    return "; ".join(parts) or f"numbers are off by less than {RELATIVE:.0e} of their value"


def _allowed(metric: ValueComparison) -> str:
    if metric.tolerance is None:
        return "no tolerance"
    return f"allowed: {metric.tolerance:.2g}{' of its value' if metric.relative else ''}"
