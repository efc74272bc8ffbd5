"""What follows from what was found: nothing, watch, retrain or roll back, and why.

- **roll back**: the release misses a KPI for sure (the whole 95 % interval is on the wrong side) from its first rows on, and
  an earlier release is there to go back to. Going back is quicker than retraining, and nothing was lost by it.
- **retrain**: outcomes show that the relation changed (the loss rose by a change that is significant and large enough), or a
  KPI is missed for sure. Only outcomes can show this, and only with outcomes can one retrain.
- **watch**: something moved and it is not known whether it matters: drift of columns or attributions, a KPI that may be
  missed, quality. Broken inputs are watched too, never retrained on: the feed has to be mended.
- **nothing**: nothing moved that these rows could show; the reason says how large a change they could have shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_mlgov.governance.kpis import told
from jupyter_mlgov.records.monitoring import (
    ColumnDrift,
    Decision,
    KpiOverTime,
    QualityProblem,
    SeriesDrift,
)

EARLY = 0.1
"""The part of the rows, from the release on, within which a change belongs to the release itself."""
PLACED = 11.0
"""Rows, times the squared effect, that a change may lie away from where it was found (95 %: Bai 1997, Table 1)."""


@dataclass(frozen=True)
class Findings:
    """Everything that a decision rests on."""

    rows: int
    outcomes: int
    quality: Sequence[QualityProblem] = ()
    columns: Sequence[ColumnDrift] = ()
    attributions: Sequence[ColumnDrift] = ()
    concept: Sequence[SeriesDrift] = ()
    kpis: Sequence[KpiOverTime] = ()
    earlier: str | None = None
    """The release that was on the stage before, in words."""
    from_release: bool = True
    """Whether the rows begin with the release."""
    notes: Sequence[str] = field(default_factory=tuple)


def decide(found: Findings) -> tuple[Decision, tuple[str, ...]]:
    """The decision and its reasons, what decided it first."""
    broken = [problem.message for problem in found.quality if problem.broken]
    missed = [kpi for kpi in found.kpis if kpi.sure and kpi.met is False]
    worse = [one for one in found.concept if one.tell == "drift" and _worse(one)]
    signs = _signs(found)
    if broken:
        return "watch", (
            "the inputs are broken: mend what feeds them; retraining on such rows would learn the fault",
            *broken,
            *(kpi.message for kpi in missed),
            *signs,
        )
    if missed and found.earlier and found.from_release and _from_the_start(found, missed):
        return "roll back", (
            f"the release never was as good as it has to be: {missed[0].message}; {found.earlier} is there to go back to",
            *(kpi.message for kpi in missed[1:]),
            *signs,
        )
    if missed or worse:
        return "retrain", (
            *(one.message for one in worse),
            *(kpi.message for kpi in missed),
            *(sign for sign in signs if sign not in [one.message for one in worse]),
        )
    if signs:
        missing = (
            ("without outcomes it cannot be told whether this matters: add them with mlgov outcomes add",)
            if not found.outcomes
            else ()
        )
        return "watch", (*signs, *missing)
    return "nothing", (_nothing(found),)


def _worse(one: SeriesDrift) -> bool:
    """Whether the loss is higher now than before its first change; a residual that moved is a bias, and worse whichever
    way it went, where it went away from nothing."""
    first, last = one.changes[0], one.changes[-1]
    if one.series == "loss":
        return last.after > first.before
    return abs(last.after) > abs(first.before)


def _from_the_start(found: Findings, missed: Sequence[KpiOverTime]) -> bool:
    late = [
        change.row - PLACED / change.effect**2
        for one in found.concept
        if one.series == "loss"
        for change in one.changes
        if change.after > change.before
    ]
    if any(row > EARLY * found.outcomes for row in late):
        return False
    return not _met_at_first(missed[0])


def _met_at_first(kpi: KpiOverTime) -> bool:
    """Whether the first window surely met the target: its whole interval lies on the right side."""
    if not kpi.windows:
        return False
    return told(kpi.kpi, kpi.windows[0].low, kpi.windows[0].high) is True


def _signs(found: Findings) -> tuple[str, ...]:
    signs: list[str] = [one.message for one in found.concept if one.tell == "drift"]
    signs += [kpi.message for kpi in found.kpis if kpi.met is False and not kpi.sure]
    attributions = [one for one in found.attributions if one.tell == "drift"]
    signs += [f"the model rests on other features than before: {one.message}" for one in attributions]
    moved = [one for one in found.columns if one.tell == "drift"]
    for role, words in _MOVED.items():
        those = sorted(
            (one for one in moved if one.role == role), key=lambda one: -one.effect / max(one.threshold, 1e-9)
        )
        if those:
            named = "; ".join(f"{one.name}: {one.message}" for one in those[:3])
            more = f"; and {len(those) - 3} more" if len(those) > 3 else ""
            signs.append(f"{words}: {named}{more}")
    signs += [
        problem.message for problem in found.quality if not problem.broken and problem.kind != "new column"
    ]
    return tuple(signs)


_MOVED = {
    "prediction": "the predictions moved",
    "feature": "features moved",
    "missing": "missing values moved",
}


def _nothing(found: Findings) -> str:
    compared = [one for one in found.columns if one.role != "missing"]
    unknown = [one for one in compared if one.tell == "unknown"]
    if compared and len(unknown) == len(compared):
        return f"too few rows to tell: {unknown[0].message.removeprefix('too few rows to tell: ')}"
    least = [one.detectable for one in compared if one.measure == "wasserstein" and one.tell == "steady"]
    seen = f"; a shift by {max(least):.2g} standard deviations would have been seen" if least else ""
    outcomes = (
        ""
        if found.outcomes
        else "; no outcome is known yet, so nothing is said about how good the predictions are"
    )
    left = f"; too few rows to tell for {len(unknown)} of {len(compared)} columns" if unknown else ""
    return f"nothing moved in {found.rows:,} rows{seen}{left}{outcomes}"
