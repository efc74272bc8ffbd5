"""Reproducibility: what executing the notebook again showed, and for which snapshot."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jupyter_mlgov.records.canonical import Scalar, number
from jupyter_mlgov.records.cells import cell_name, cell_number
from jupyter_mlgov.records.verdict import Comparison, Finding, ValueComparison
from jupyter_mlgov.report.data import digest
from jupyter_mlgov.report.evidence import Fact, Tone
from jupyter_mlgov.report.run_views import CellDifference, FindingView, Reproducibility, RerunView, ValueView
from jupyter_mlgov.report.wording import (
    after,
    amount,
    apart,
    counted,
    date,
    listed,
    seconds,
    short,
    target,
    tidy,
)
from jupyter_mlgov.rerun.numbers import RELATIVE

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record, Rerun

VERDICTS: dict[str, tuple[str, Tone]] = {
    "reproduced": ("Executing the notebook again gave the same result.", "good"),
    "equivalent": (
        "Executing the notebook again gave the same result, within what its numbers may be off.",
        "good",
    ),
    "diverged": ("Executing the notebook again gave another result.", "bad"),
    "failed": ("Executing the notebook again raised an error that the recorded run did not have.", "bad"),
    "blocked": ("The notebook could not be executed again: something that it needs is not there.", "warn"),
}
_TONES: dict[str, Tone] = {
    "same": "good", "equivalent": "good", "different": "bad", "missing": "bad", "new": "warn",
    "noise": "good", "error": "bad", "expected-error": "quiet", "not-run": "quiet",
}  # fmt: skip
_UNDECLARED = (
    f"numbers may be off by {target(RELATIVE)} of their value, whole numbers not at all, but for what "
    "mlgov.toml allows"
)
"""What counts for a metric without a tolerance."""
_CELLS = {
    "same": "the same", "noise": "the same but for presentation", "equivalent": "within tolerance",
    "different": "different", "error": "raised an error", "expected-error": "raised the expected error",
    "not-run": "not run",
}  # fmt: skip


def reproducibility(record: Record, generated: str) -> Reproducibility:
    """The newest verdict on exactly this snapshot, the older ones, and what was compared how."""
    views = [_rerun(record, one, generated) for one in reversed(record.reruns)]
    return Reproducibility(
        latest=views[0] if views else None,
        earlier=tuple(views[1:20]),
        elsewhere="" if views else _elsewhere(record),
        conditions=tuple(_conditions(record)),
    )


def _conditions(record: Record) -> list[Fact]:
    manifest = record.manifest
    linear = manifest.notebook.order == "linear"
    facts = [Fact("Cells ran", "from top to bottom" if linear else "out of order", "measured")]
    if manifest.seed is not None:
        facts.append(Fact("Seed", str(manifest.seed), "asserted", code=True))
    facts += [
        Fact(f"Tolerance of {tidy(name, 200)}", f"± {target(allowed)}", "asserted")
        for name, allowed in manifest.tolerances.items()
    ]
    declared = (*manifest.kpis, *(manifest.charter.kpis if manifest.charter else ()))
    of_kpis = {kpi.metric: kpi.tolerance for kpi in reversed(declared) if kpi.tolerance is not None}
    facts += [
        Fact(f"Tolerance of {tidy(name, 200)}", f"± {target(allowed)}, of its KPI", "asserted")
        for name, allowed in of_kpis.items()
        if name not in manifest.tolerances
    ]
    if not manifest.tolerances and not of_kpis:
        facts.append(Fact("Tolerances", f"none in the notebook: {_UNDECLARED}", "asserted"))
    return facts


def _elsewhere(record: Record) -> str:
    for one in reversed(record.past):
        if one.id != record.id and one.verdict is not None:
            return f"{record.manifest.experiment}@{one.number} was last found {tidy(one.verdict, 40)}"
    return ""


def _rerun(record: Record, one: Rerun, generated: str) -> RerunView:
    comparison = one.comparison
    meaning, tone = VERDICTS.get(one.verdict, ("This verdict is not one that the report knows.", "warn"))
    if one.verdict == "equivalent" and comparison is not None:
        meaning = _equivalent(comparison)
    age = after(one.entry.at, record.manifest.created_at, "the snapshot")
    if generated and (since := after(generated, one.entry.at, "")):
        age += f", {since.removesuffix(' after ').removesuffix(' before ')} before this report"
    if one.imported:
        age += "; made elsewhere, its bundle says so"
    candidate = comparison.candidate if comparison else one.entry.body.get("candidate")
    return RerunView(
        verdict=tidy(one.verdict, 40),
        meaning=meaning,
        caution=tidy(comparison.caution, 600) if comparison else "",
        tone=tone,
        at=date(one.entry.at),
        age=age,
        runs=counted(comparison.runs, "execution") if comparison and comparison.runs else "",
        duration=seconds(comparison.duration_s) if comparison else "",
        candidate=digest(candidate) if isinstance(candidate, str) else None,
        entry=one.id,
        findings=tuple(_finding(found) for found in comparison.findings[:200]) if comparison else (),
        values=tuple(_value(value) for value in _ordered(comparison)) if comparison else (),
        cells=tuple(
            CellDifference(
                cell_number(cell.index), _CELLS.get(cell.status, tidy(cell.status, 40)), tidy(cell.note, 600)
            )
            for cell in comparison.cells
            if cell.status in ("different", "error", "equivalent", "noise")
        )
        if comparison
        else (),
        cell_summary=_cell_summary(comparison) if comparison else "",
        readable=comparison is not None,
    )


def _equivalent(comparison: Comparison) -> str:
    """Whose tolerances were used: those that somebody declared, or those of floating point alone."""
    declared = [
        value
        for value in comparison.values
        if value.status == "equivalent" and value.tolerance is not None and not value.relative
    ]
    within = "within the declared tolerances" if declared else "but for the last digits of numbers"
    return f"Executing the notebook again gave the same result, {within}."


def _finding(found: Finding) -> FindingView:
    where = []
    if found.cell is not None:
        where.append(cell_name(found.cell))
    if found.columns:
        shown = [tidy(name, 80) for name in found.columns[:8]]
        more = [f"{len(found.columns) - 8} more"] if len(found.columns) > 8 else []
        where.append(f"{'column' if len(found.columns) == 1 else 'columns'} {listed(shown + more)}")
    if found.variable:
        where.append(f"variable {tidy(found.variable, 80)}")
    return FindingView(
        cause=found.cause,
        subject=tidy(found.subject, 300),
        where=", ".join(where),
        message=tidy(found.message, 1500),
        remedy=tidy(found.remedy, 1500),
        confirmed=found.confirmed,
    )


def _ordered(comparison: Comparison) -> list[ValueComparison]:
    """Differences first, then metrics before the rest."""
    kinds = ("metric", "model", "frame", "parameter")
    return sorted(
        comparison.values,
        key=lambda value: (value.status in ("same", "equivalent"), kinds.index(value.kind)),
    )[:200]


def _value(value: ValueComparison) -> ValueView:
    one, other = number(value.baseline), number(value.candidate)
    difference = ""
    if one is not None and other is not None and value.status != "same" and one != other:
        difference = f"{'+' if other > one else '−'}{amount(abs(other - one))}"
    baseline, candidate = _sides(value.baseline, value.candidate)
    allowed = ""
    if value.tolerance is not None:
        allowed = (
            f"{target(value.tolerance)} of its value" if value.relative else f"± {target(value.tolerance)}"
        )
    return ValueView(
        kind=value.kind,
        name=tidy(value.name, 200),
        baseline=baseline,
        candidate=candidate,
        difference=difference,
        tolerance=allowed,
        status=value.status,
        tone=_TONES.get(value.status, "warn"),
    )


def _sides(one: Scalar, other: Scalar) -> tuple[str, str]:
    """Both written alike, with the digits that tell them apart."""
    numbers = [side for side in (one, other) if isinstance(side, int | float) and not isinstance(side, bool)]
    if len(numbers) == 2:
        left, right = apart(*numbers)
        return left, right
    return _side(one), _side(other)


def _side(value: str | int | float | bool | None) -> str:
    if value is None:
        return "–"
    return short(value) if isinstance(value, str) and value.startswith("blake3:") else amount(value)


def _cell_summary(comparison: Comparison) -> str:
    found: Counter[str] = Counter(cell.status for cell in comparison.cells)
    parts = [f"{found[status]} {words}" for status, words in _CELLS.items() if found[status]]
    return f"{counted(len(comparison.cells), 'cell')} compared: {listed(parts)}" if parts else ""
