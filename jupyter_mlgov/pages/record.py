"""Pages about snapshots: the list, one whole, two compared, a bundle, the state of the store."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jupyter_mlgov.pages.governing import judged
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
from jupyter_mlgov.records.cells import cell_name


def _log(entries: Any) -> RenderableType:
    if not entries:
        return Text("no snapshots yet: put %%experiment NAME on top of a cell and run it")
    table = new_table("snapshot", "made", "status", "metrics", "notebook", "id")
    for entry in entries:
        name = (
            f"{entry.experiment}@{entry.number}"
            if entry.number is not None
            else f"{entry.experiment} (candidate)"
        )
        metrics = list(entry.metrics.items())
        shown = ", ".join(f"{key} {amount(value)}" for key, value in metrics[:4])
        more = f" +{len(metrics) - 4}" if len(metrics) > 4 else ""
        table.add_row(
            clean(name),
            entry.created_at.replace("T", " ").removesuffix("Z"),
            Text(entry.status, style=GOOD if entry.status == "ok" else BAD),
            clean(shown + more),
            clean(entry.notebook),
            Text(entry.id[:12], style=QUIET),
        )
    return table


def _retrained(made: Any) -> str:
    """Of which release, and on which data."""
    if not made:
        return ""
    how = "added to" if made["mode"] == "added" else "in place of"
    return (
        f"from {made['model']}:{made['stage']}@{made['number']}: {made['rows_new']:,} new rows {how} "
        f"{made['rows_before']:,} in {made['uri']}"
    )


def _show(document: Any) -> RenderableType:
    number = document["number"]
    title = Text.assemble(
        (
            f"{document['experiment']}@{number}"
            if number is not None
            else f"{document['experiment']} (candidate)",
            "bold",
        ),
        "  ",
        (document["status"], GOOD if document["status"] == "ok" else BAD),
    )
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style=QUIET)
    facts.add_column(overflow="fold")
    code = document["code"]
    commit = (code["commit"] or "no git")[:12] + (" + uncommitted changes" if code["dirty"] else "")
    for label, value in (
        ("id", document["id"]),
        ("made", f"{document['created_at']} by {document['author'] or 'unknown'}"),
        ("message", document["message"]),
        ("retrained", _retrained(document.get("retrained"))),
        ("error", document["error"]),
        ("notebook", f"{document['notebook']['path'] or '(not saved)'} ({document['notebook']['order']})"),
        ("code", f"{commit} {('on ' + code['branch']) if code['branch'] else ''}"),
        (
            "environment",
            f"Python {document['environment']['python']}, {len(document['environment']['packages'])} packages",
        ),
    ):
        if value:
            facts.add_row(label, clean(value))
    parts: list[RenderableType] = [title, facts]
    for name in ("metrics", "parameters"):
        if document[name]:
            table = Table.grid(padding=(0, 3))
            for key, value in document[name].items():
                table.add_row(clean(key), clean(amount(value)))
            parts.append(section(name, table))
    if document["kpis"]:
        table = Table.grid(padding=(0, 2))
        for kpi in document["kpis"]:
            table.add_row(
                MARK[kpi["met"]], clean(f"{kpi['metric']} {kpi['op']} {amount(kpi['target'])}"),
                clean("not measured" if kpi["met"] is None else f"is {amount(kpi['value'])}"),
            )  # fmt: skip
        parts.append(section("KPIs", table))
    if document["risks"]:
        table = Table.grid(padding=(0, 2))
        for risk in document["risks"]:
            check = risk["check"]
            said = "no check" if check is None else check["error"] or _terms(check)
            table.add_row(MARK[check["passed"] if check else None], clean(risk["id"]), clean(risk["severity"]),
                          clean(risk["status"]), clean(said))  # fmt: skip
        parts.append(section("risks", table))
    if document["inputs"]:
        table = new_table("uri", "rows#", "bytes#", "evidence", "digest")
        for item in document["inputs"]:
            digest = (item["digest"] or item["reason"] or "–").removeprefix("blake3:")[:16]
            table.add_row(clean(item["uri"] + (" (derived)" if item["derived"] else "")), amount(item["rows"]),
                          amount(item["bytes"]), item["evidence"], clean(digest))  # fmt: skip
        parts.append(section("inputs", table))
    if document["frames"]:
        table = new_table("frame", "type", "shape", "digest")
        for item in document["frames"]:
            shape = item["shape"] or ()
            if item["rows"] is not None:
                shape = shape or (item["rows"], len(item["columns"] or ()))
            table.add_row(clean(item["name"]), clean(item["type"]), " x ".join(amount(size) for size in shape),
                          clean((item["digest"] or item["reason"] or "–").removeprefix("blake3:")[:16]))  # fmt: skip
        parts.append(section("frames and arrays", table))
    if document["models"]:
        table = Table.grid(padding=(0, 2))
        for item in document["models"]:
            table.add_row(
                clean(item["name"]), clean(item["class"]), clean("primary" if item["primary"] else "")
            )
        parts.append(section("models", table))
    if document["reruns"]:
        table = Table.grid(padding=(0, 2))
        for rerun in document["reruns"]:
            table.add_row(rerun["at"], Text(rerun["verdict"], style=VERDICT.get(rerun["verdict"], "")))
        parts.append(section("reruns", table))
    if document.get("assessment"):
        made = document["assessment"]
        parts.append(
            section("assessment", Text(f"{made['at']}  {judged(made['counts'])}; mlgov assess shows it"))
        )
    if document["warnings"]:
        lines = Table.grid(padding=(0, 2))
        for warning in document["warnings"]:
            lines.add_row(Text("!", style=UNSURE), clean(warning["message"]))
        parts.append(section("warnings", lines))
    return Group(*parts)


def _terms(check: Any) -> str:
    values = ", ".join(f"{term['expression']} = {amount(term['value'])}" for term in check["terms"])
    return f"{check['expression']}" + (f"  ({values})" if values else "")


def _comparison(comparison: Any) -> RenderableType:
    runs = f"  ({comparison.runs} run{'s' if comparison.runs != 1 else ''})" if comparison.runs else ""
    parts: list[RenderableType] = [
        Text.assemble((comparison.verdict, VERDICT[comparison.verdict]), (runs, QUIET)),
        *([clean(comparison.summary)] if comparison.summary else []),
        *([_caution(comparison.caution)] if comparison.caution else []),
    ]
    for finding in comparison.findings:
        head = Text.assemble(
            (finding.cause, "bold"),
            "  ",
            clean(finding.subject),
            ("  confirmed by a controlled rerun" if finding.confirmed else "", QUIET),
        )
        parts.append(
            Padding(
                Group(head, clean(finding.message), Text.assemble(("→ ", QUIET), clean(finding.remedy))),
                (1, 0, 0, 2),
            )
        )
    changed = [value for value in comparison.values if value.status not in ("same", "new")]
    if changed:
        table = new_table("what", "name", "baseline#", "candidate#", "is")
        for value in changed[:30]:
            table.add_row(
                value.kind,
                clean(value.name),
                clean(_side(value.baseline)),
                clean(_side(value.candidate)),
                value.status,
            )
        parts.append(section("values", table))
    different = [cell for cell in comparison.cells if cell.status in ("different", "error", "equivalent")]
    if different:
        table = Table.grid(padding=(0, 2))
        for cell in different[:30]:
            table.add_row(cell_name(cell.index), cell.status, clean(cell.note))
        parts.append(section("cells", table))
    return Group(*parts)


def _caution(text: str, name: str = "") -> RenderableType:
    return Text.assemble(("! ", UNSURE), clean(f"{name}: {text}" if name else text))


def _side(value: Any) -> str:
    if isinstance(value, str) and value.startswith("blake3:"):
        return value[7:19]
    return amount(value)


WAYS = 8
"""Blocked reruns of many of which it is said what to do."""


def verify(comparisons: Any, names: Any) -> RenderableType:
    table = new_table("snapshot", "verdict", "main cause", "subject", "took#")
    for name, comparison in zip(names, comparisons, strict=True):
        first = comparison.findings[0] if comparison.findings else None
        took = "proven" if comparison.proven_at is not None else f"{comparison.duration_s or 0:.1f} s"
        table.add_row(clean(name), Text(comparison.verdict, style=VERDICT[comparison.verdict]),
                      first.cause if first else "", clean(first.subject if first else ""), took)  # fmt: skip
    good = sum(comparison.verdict in ("reproduced", "equivalent") for comparison in comparisons)
    proven = sum(comparison.proven_at is not None for comparison in comparisons)
    said = f"{good} of {len(comparisons)} reproduce" + (f"; {proven} were proven before" if proven else "")
    cautions = [
        _caution(comparison.caution, name)
        for name, comparison in zip(names, comparisons, strict=True)
        if comparison.caution
    ]
    blocked = [
        (name, comparison.findings[0].remedy)
        for name, comparison in zip(names, comparisons, strict=True)
        if comparison.verdict == "blocked" and comparison.findings
    ]
    ways = [Text.assemble(("→ ", QUIET), clean(f"{name}: {remedy}")) for name, remedy in blocked[:WAYS]]
    if len(blocked) > WAYS:
        ways.append(
            Text(f"and {len(blocked) - WAYS} more that are blocked: mlgov rerun REF says why of each")
        )
    return Group(table, Text(), *cautions, *ways, Text(said))


def _snapshot(value: Any) -> RenderableType:
    name = Text.assemble(
        (f"{value['experiment']}@{value['number']}", "bold"), "  ", (value["id"][:12], QUIET)
    )
    return Group(
        name, *(Text.assemble(("! ", UNSURE), clean(warning.message)) for warning in value["warnings"])
    )


def _export(value: Any) -> RenderableType:
    lines: list[RenderableType] = [
        clean(value.path),
        Text(f"{value.objects} objects, {value.bytes:,} bytes", style=QUIET),
    ]
    lines += [Text.assemble(("! ", UNSURE), clean(line)) for line in (*value.missing, *value.left_out)]
    return Group(*lines)


def _import(value: Any) -> RenderableType:
    name = clean(f"{value.experiment}@{value.number}")
    said = f"{value.entries} statement{'s' if value.entries != 1 else ''} about it"
    if value.new:
        return Text.assemble(name, f" imported, with {said}")
    return Text.assemble(
        name, f" was here already; {said} added" if value.entries else " was here already: nothing to add"
    )


def _fsck(value: Any) -> RenderableType:
    if value["ok"]:
        return Text("ok", style=GOOD)
    table = new_table("kind", "subject", "problem", "touches")
    for problem in value["problems"]:
        touched = ", ".join(snapshot[:12] for snapshot in problem.snapshots[:5])
        table.add_row(Text(problem.kind, style=BAD), clean(problem.subject), clean(problem.message), touched)
    return table


def _reindex(value: Any) -> RenderableType:
    return Text(f"{value['snapshots']} snapshots in the index")


def _gc(value: Any) -> RenderableType:
    if not value.objects and not value.manifests:
        return Text("nothing to drop: everything that is a day old is named")
    parts = [
        f"{number} {noun}{'' if number == 1 else 's'}"
        for number, noun in ((value.objects, "object"), (value.manifests, "manifest")) if number
    ]  # fmt: skip
    done = "would be dropped" if value.dry_run else "dropped"
    return Text(f"{' and '.join(parts)} {done}, {value.bytes / 1e6:.1f} MB")


PAGES: Pages = {
    "log": _log,
    "snapshot": _snapshot,
    "show": _show,
    "diff": _comparison,
    "rerun": _comparison,
    "export": _export,
    "import": _import,
    "fsck": _fsck,
    "gc": _gc,
    "reindex": _reindex,
}
