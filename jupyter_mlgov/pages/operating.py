"""Pages about a model in use: releases and predictions."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from jupyter_mlgov.pages.governing import gate
from jupyter_mlgov.pages.parts import BAD, GOOD, QUIET, UNSURE, Pages, amount, clean, new_table


def _release(answer: Any) -> RenderableType:
    if answer.release is None:
        return Group(Text("not released", style=BAD), gate(answer.gate))
    return release_line(answer.release)


def release_line(one: Any) -> RenderableType:
    before = f", in place of version {one.previous}" if one.previous not in (None, one.number) else ""
    return Text.assemble(
        (one.model, "bold"), f" version {one.number} is on ", (one.stage, GOOD), f"{before}  ",
        (one.snapshot[:12], QUIET),
    )  # fmt: skip


def _releases(found: Any) -> RenderableType:
    if not found:
        return Text("no releases yet: mlgov release REF --as MODEL --stage STAGE")
    table = new_table("model", "stage", "version#", "at", "by", "snapshot", "")
    seen: set[tuple[str, str]] = set()
    for one in found:
        there = (one.model, one.stage) not in seen
        seen.add((one.model, one.stage))
        table.add_row(
            one.model, one.stage, str(one.number), one.at[:19].replace("T", " "), clean(one.by),
            Text(one.snapshot[:12], style=QUIET), Text("current", style=GOOD) if there else "",
        )  # fmt: skip
    return table


def _prediction_logs(found: Any) -> RenderableType:
    if not found:
        return Text("nothing was predicted yet: mlgov serve MODEL:STAGE")
    table = new_table("model", "stage", "requests#", "rows#", "outcomes#", "versions", "first", "last")
    for one in found:
        table.add_row(
            one.model, one.stage, amount(one.requests), amount(one.rows), amount(one.outcomes),
            ", ".join(map(str, one.versions)), _second(one.first), _second(one.last),
        )  # fmt: skip
    problems = [Text.assemble(("! ", UNSURE), clean(problem)) for one in found for problem in one.problems]
    return Group(table, *problems)


def _second(moment: str | None) -> str:
    return moment[:19].replace("T", " ") if moment else "–"


def _predictions(rows: Any) -> RenderableType:
    if not rows:
        return Text("nothing was predicted in that time")
    shown = [name for name in rows[0] if name.startswith("output.")][:4]
    table = new_table(
        "at", "request", "row#", "version#", *(name.removeprefix("output.") for name in shown), "outcome"
    )
    for row in rows[-30:]:
        table.add_row(
            _second(row["at"]), clean(row["request_id"]), str(row["row"]), str(row["version"]),
            *(clean(amount(row[name])) for name in shown), clean(amount(row["outcome"])),
        )  # fmt: skip
    more = f"the last 30 of {len(rows):,} rows; --json and -o give all" if len(rows) > 30 else ""
    return Group(table, Text(more, style=QUIET))


def _outcomes(added: Any) -> RenderableType:
    return Text(f"{added.rows} outcomes added; of {added.logged:,} logged rows {added.known:,} are known")


PAGES: Pages = {
    "release": _release,
    "prediction logs": _prediction_logs,
    "predictions": _predictions,
    "outcomes": _outcomes,
    "releases": _releases,
}
