"""Pages about what a monitor found, and about a retraining."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jupyter_mlgov.pages.governing import judged
from jupyter_mlgov.pages.operating import release_line
from jupyter_mlgov.pages.parts import (
    BAD,
    GOOD,
    MARK,
    QUIET,
    UNSURE,
    VERDICT,
    Pages,
    amount,
    clean,
    new_table,
    section,
)
from jupyter_mlgov.records.canonical import number

_TELL = {"drift": BAD, "steady": GOOD, "unknown": UNSURE}

_DECISION = {"nothing": GOOD, "watch": UNSURE, "retrain": BAD, "roll back": BAD}

_OUTCOME = {"released": GOOD, "ready": GOOD, "not good enough": BAD, "gate closed": BAD, "failed": BAD}


def _monitor(found: Any) -> RenderableType:
    title = Text.assemble(
        (f"{found.model}:{found.stage}", "bold"), f" version {found.release}: ",
        (found.decision, _DECISION[found.decision]),
        (f"  ({found.rows:,} predictions, {found.outcomes:,} with an outcome, {found.tests} tests)", QUIET),
    )  # fmt: skip
    parts: list[RenderableType] = [title]
    parts += [Padding(clean(reason), (0, 0, 0, 2)) for reason in found.reasons]
    compared = [*found.columns, *found.attributions]
    if compared:
        table = new_table("column", "role", "is", "effect#", "measure", "p, corrected#", "would be seen#")
        rank = {"drift": 0, "unknown": 1, "steady": 2}
        ordered = sorted(compared, key=lambda one: (rank[one.tell], -one.effect))
        for one in ordered[:30]:
            table.add_row(
                clean(one.name), one.role, Text(one.tell, style=_TELL[one.tell]), amount(round(one.effect, 4)),
                one.measure, f"{one.p_adjusted:.2g}", f"{one.detectable:.2g}",
            )  # fmt: skip
        more = f"{len(ordered) - 30} more in --json and the report" if len(ordered) > 30 else ""
        parts.append(section("columns", Group(table, Text(more, style=QUIET)) if more else table))
    if found.kpis or found.concept:
        lines = Table.grid(padding=(0, 2))
        for kpi in found.kpis:
            lines.add_row(MARK[kpi.met if kpi.sure else None], clean(kpi.message))
        for one in found.concept:
            lines.add_row(Text(one.tell, style=_TELL[one.tell]), clean(one.message))
        parts.append(section("over time", lines))
    if found.slices:
        table = new_table("slice", "before#", "now#", "effect#")
        for one in found.slices:
            table.add_row(clean(one.where), f"{one.before:.3g}", f"{one.after:.3g}", f"{one.effect:.2g}")
        parts.append(section(f"where the {found.slices[0].measured} moved", table))
    if found.quality:
        lines = Table.grid(padding=(0, 2))
        for problem in found.quality:
            mark = Text("✗", style=BAD) if problem.broken else Text("!", style=UNSURE)
            lines.add_row(mark, clean(problem.message))
        parts.append(section("quality", lines))
    if found.notes:
        parts.append(section("not looked at", clean("\n".join(found.notes))))
    return Group(*parts)


def _retrain(made: Any) -> RenderableType:
    source = "the prediction log" if made.source == "predictions" else (made.file or "a file")
    how = (
        f"added to {made.rows_before:,} recorded ones"
        if made.mode == "added"
        else "in place of the recorded ones"
    )
    parts: list[RenderableType] = [
        Text.assemble(
            (f"{made.model}:{made.stage}", "bold"), f" version {made.number} retrained",
            *((" as ", (made.reference, "bold")) if made.reference else ()), ": ", (made.outcome, _OUTCOME[made.outcome]),
        ),
        clean(f"{made.rows_new:,} rows of {source}, {how}, in {made.uri}"),
    ]  # fmt: skip
    parts += [Padding(clean(reason), (0, 0, 0, 2)) for reason in made.reasons]
    if made.contest is not None and made.contest.gain is not None:
        table = new_table(made.contest.metric, "value#", "95 % interval")
        for title, one in (
            (f"version {made.number}", made.contest.champion),
            (made.reference, made.contest.challenger),
            ("gain", made.contest.gain),
        ):
            value, low, high = (number(part) for part in (one.value, one.low, one.high))
            span = f"{low:.4g} to {high:.4g}" if low is not None and high is not None else "–"
            table.add_row(clean(title), f"{value:.4g}" if value is not None else "–", span)
        parts.append(section(f"the same {made.contest.rows:,} rows, new to both", table))
    if made.assessment is not None or made.rerun is not None:
        lines = Table.grid(padding=(0, 2))
        if made.assessment is not None:
            lines.add_row("assessment", Text(judged(made.assessment)))
        if made.rerun is not None:
            lines.add_row("its own rerun", Text(made.rerun, style=VERDICT[made.rerun]))
        if made.gate is not None:
            lines.add_row("gate", Text("open", style=GOOD) if made.gate.open else Text("closed", style=BAD))
        parts.append(section("the new snapshot", lines))
    notes = [*made.notes, *(made.contest.notes if made.contest is not None else ())]
    if notes:
        parts.append(section("notes", clean("\n".join(notes))))
    if made.release is not None:
        parts += [Text(), release_line(made.release)]
    return Group(*parts)


PAGES: Pages = {
    "monitor": _monitor,
    "retrain": _retrain,
}
