"""What a verb found, for people: text that reads well in a terminal of any width, colour where there is one."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from jupyter_mlgov.records.canonical import number
from jupyter_mlgov.verbs import Answer

GOOD, BAD, UNSURE, QUIET = "green", "bold red", "yellow", "dim"
_VERDICT = {"reproduced": GOOD, "equivalent": GOOD, "diverged": BAD, "failed": BAD, "blocked": UNSURE}
_MARK = {True: Text("✓", style=GOOD), False: Text("✗", style=BAD), None: Text("–", style=UNSURE)}


def print_page(answer: Answer) -> None:
    """Prints the page of one answer on stdout."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=False, force_jupyter=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    console.print(_page(answer), markup=False)


def page_text(answer: Answer) -> str:
    """The page of one answer as plain text."""
    console = _off_screen()
    console.print(_page(answer), markup=False)
    return console.export_text(clear=False, styles=False)


def page_html(answer: Answer) -> str:
    """The page of one answer as a preformatted HTML block."""
    console = _off_screen()
    console.print(_page(answer), markup=False)
    style = (
        "white-space:pre;overflow-x:auto;line-height:1.35;font-family:var(--jp-code-font-family,monospace)"
    )
    body = console.export_html(code_format="{code}", inline_styles=True)
    return f'<div style="{style}">{body}</div>'


def _page(answer: Answer) -> RenderableType:
    if answer.verb == "verify":
        return _verify(answer.value, answer.facts["names"])
    return _PAGES[answer.verb](answer.value)


def _off_screen() -> Console:
    return Console(
        file=io.StringIO(), record=True, width=120, highlight=False, force_jupyter=False, force_terminal=True
    )


def clean(value: Any) -> Text:
    """Text from a record: control characters from a notebook never reach the terminal."""
    text = "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in str(value))
    return Text(text)


def amount(value: Any) -> str:
    """A number as one writes it in a table."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "–"}[value]
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return str(value)


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        right = column.endswith("#")
        table.add_column(column.removesuffix("#"), justify="right" if right else "left", overflow="fold")
    return table


def _section(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(), Text(title, style="bold"), Padding(body, (0, 0, 0, 2)))


def _log(entries: Any) -> RenderableType:
    if not entries:
        return Text("no snapshots yet: put %%experiment NAME on top of a cell and run it")
    table = _table("snapshot", "made", "status", "metrics", "notebook", "id")
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
            parts.append(_section(name, table))
    if document["kpis"]:
        table = Table.grid(padding=(0, 2))
        for kpi in document["kpis"]:
            table.add_row(
                _MARK[kpi["met"]], clean(f"{kpi['metric']} {kpi['op']} {amount(kpi['target'])}"),
                clean("not measured" if kpi["met"] is None else f"is {amount(kpi['value'])}"),
            )  # fmt: skip
        parts.append(_section("KPIs", table))
    if document["risks"]:
        table = Table.grid(padding=(0, 2))
        for risk in document["risks"]:
            check = risk["check"]
            said = "no check" if check is None else check["error"] or _terms(check)
            table.add_row(_MARK[check["passed"] if check else None], clean(risk["id"]), clean(risk["severity"]),
                          clean(risk["status"]), clean(said))  # fmt: skip
        parts.append(_section("risks", table))
    if document["inputs"]:
        table = _table("uri", "rows#", "bytes#", "evidence", "digest")
        for item in document["inputs"]:
            digest = (item["digest"] or item["reason"] or "–").removeprefix("blake3:")[:16]
            table.add_row(clean(item["uri"] + (" (derived)" if item["derived"] else "")), amount(item["rows"]),
                          amount(item["bytes"]), item["evidence"], clean(digest))  # fmt: skip
        parts.append(_section("inputs", table))
    if document["frames"]:
        table = _table("frame", "type", "shape", "digest")
        for item in document["frames"]:
            shape = item["shape"] or (item["rows"], len(item["columns"] or ()))
            table.add_row(clean(item["name"]), clean(item["type"]), " x ".join(amount(size) for size in shape),
                          clean((item["digest"] or item["reason"] or "–").removeprefix("blake3:")[:16]))  # fmt: skip
        parts.append(_section("frames and arrays", table))
    if document["models"]:
        table = Table.grid(padding=(0, 2))
        for item in document["models"]:
            table.add_row(
                clean(item["name"]), clean(item["class"]), clean("primary" if item["primary"] else "")
            )
        parts.append(_section("models", table))
    if document["reruns"]:
        table = Table.grid(padding=(0, 2))
        for rerun in document["reruns"]:
            table.add_row(rerun["at"], Text(rerun["verdict"], style=_VERDICT.get(rerun["verdict"], "")))
        parts.append(_section("reruns", table))
    if document.get("assessment"):
        made = document["assessment"]
        parts.append(
            _section("assessment", Text(f"{made['at']}  {_judged(made['counts'])}; mlgov assess shows it"))
        )
    if document["warnings"]:
        lines = Table.grid(padding=(0, 2))
        for warning in document["warnings"]:
            lines.add_row(Text("!", style=UNSURE), clean(warning["message"]))
        parts.append(_section("warnings", lines))
    return Group(*parts)


def _terms(check: Any) -> str:
    values = ", ".join(f"{term['expression']} = {amount(term['value'])}" for term in check["terms"])
    return f"{check['expression']}" + (f"  ({values})" if values else "")


def _comparison(comparison: Any) -> RenderableType:
    runs = f"  ({comparison.runs} run{'s' if comparison.runs != 1 else ''})" if comparison.runs else ""
    parts: list[RenderableType] = [
        Text.assemble((comparison.verdict, _VERDICT[comparison.verdict]), (runs, QUIET)),
        *([clean(comparison.summary)] if comparison.summary else []),
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
        table = _table("what", "name", "baseline#", "candidate#", "is")
        for value in changed[:30]:
            table.add_row(
                value.kind,
                clean(value.name),
                clean(_side(value.baseline)),
                clean(_side(value.candidate)),
                value.status,
            )
        parts.append(_section("values", table))
    different = [cell for cell in comparison.cells if cell.status in ("different", "error", "equivalent")]
    if different:
        table = Table.grid(padding=(0, 2))
        for cell in different[:30]:
            table.add_row(f"cell {cell.index}", cell.status, clean(cell.note))
        parts.append(_section("cells", table))
    return Group(*parts)


def _side(value: Any) -> str:
    if isinstance(value, str) and value.startswith("blake3:"):
        return value[7:19]
    return amount(value)


def _verify(comparisons: Any, names: Any) -> RenderableType:
    table = _table("snapshot", "verdict", "main cause", "subject", "took#")
    for name, comparison in zip(names, comparisons, strict=True):
        first = comparison.findings[0] if comparison.findings else None
        took = "proven" if comparison.proven_at is not None else f"{comparison.duration_s or 0:.1f} s"
        table.add_row(clean(name), Text(comparison.verdict, style=_VERDICT[comparison.verdict]),
                      first.cause if first else "", clean(first.subject if first else ""), took)  # fmt: skip
    good = sum(comparison.verdict in ("reproduced", "equivalent") for comparison in comparisons)
    proven = sum(comparison.proven_at is not None for comparison in comparisons)
    said = f"{good} of {len(comparisons)} reproduce" + (f"; {proven} were proven before" if proven else "")
    return Group(table, Text(), Text(said))


def _gate(decision: Any) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for rule in decision.rules:
        table.add_row(_MARK[rule.passed], clean(rule.rule), clean(rule.reason))
    title = Text.assemble(
        "gate ",
        ("open", GOOD) if decision.open else ("closed", BAD),
        (f"  (policy {decision.policy[7:19]})", QUIET),
    )
    return Group(title, Padding(table, (0, 0, 0, 2)))


_JUDGED = {
    "pass": _MARK[True],
    "fail": _MARK[False],
    "too-small": Text("?", style=UNSURE),
    "measured": Text("·", style=QUIET),
    "not-applicable": Text("–", style=QUIET),
}
_JUDGED_WORDS = {
    "fail": "failed",
    "too-small": "too small to tell",
    "pass": "passed",
    "measured": "measured",
    "not-applicable": "not applicable",
}


def _judged(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[word]} {words}" for word, words in _JUDGED_WORDS.items() if counts[word])


def _assess(made: Any) -> RenderableType:
    table = _table("", "test", "value#", "interval", "asked", "why")
    for one in made.results:
        value, low, high = (number(part) for part in (one.value, one.low, one.high))
        known = low is not None and high is not None and math.isfinite(low) and math.isfinite(high)
        table.add_row(
            _JUDGED[one.verdict],
            clean(one.id),
            f"{value:.4g}" if value is not None else "",
            f"{low:.3g} to {high:.3g}" if known else "",
            f"{one.op} {one.threshold:g}" if one.op and one.threshold is not None else "",
            clean(one.reason if one.verdict in ("fail", "too-small", "not-applicable") else ""),
        )
    said = _judged(made.counts())
    notes = [clean(f"note: {note}") for note in made.notes]
    return Group(table, Text(), Text(f"{said}; {made.rows} rows, {made.task}"), *notes)


def _approve(value: Any) -> RenderableType:
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style=QUIET)
    lines.add_column(overflow="fold")
    lines.add_row("decision", clean(f"{value['decision']} by {value['name']} ({value['role']})"))
    lines.add_row("snapshot", value["id"][:12])
    lines.add_row("signed with", value["key"])
    lines.add_row("entry", value["entry"][:12])
    if value["key_made"]:
        lines.add_row(
            "note",
            "this key was made now, without a passphrase; `mlgov key new NAME --passphrase` makes one with",
        )
    return lines


def _key(keys: Any) -> RenderableType:
    if not keys:
        return Text("no keys: make one with mlgov key new")
    table = _table("name", "public key", "protected by")
    for one in keys:
        protected = {"none": "file permissions only"}.get(one.protection, one.protection)
        table.add_row(clean(one.name), one.key, protected)
    return table


def _report(value: Any) -> RenderableType:
    return clean(value["path"])


def _report_check(found: Any) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for one in found.checks:
        table.add_row(_MARK[one.passed], clean(one.check), clean(one.reason))
    holds = (
        ("this is what was issued, and it holds", GOOD) if found.ok else ("this is not what was issued", BAD)
    )
    title = Text.assemble(clean(found.reference or found.file), ": ", holds)
    return Group(title, Padding(table, (0, 0, 0, 2)))


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
    table = _table("kind", "subject", "problem", "touches")
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


def _release(answer: Any) -> RenderableType:
    if answer.release is None:
        return Group(Text("not released", style=BAD), _gate(answer.gate))
    return _release_line(answer.release)


def _release_line(one: Any) -> RenderableType:
    before = f", in place of version {one.previous}" if one.previous not in (None, one.number) else ""
    return Text.assemble(
        (one.model, "bold"), f" version {one.number} is on ", (one.stage, GOOD), f"{before}  ",
        (one.snapshot[:12], QUIET),
    )  # fmt: skip


def _releases(found: Any) -> RenderableType:
    if not found:
        return Text("no releases yet: mlgov release REF --as MODEL --stage STAGE")
    table = _table("model", "stage", "version#", "at", "by", "snapshot", "")
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
    table = _table("model", "stage", "requests#", "rows#", "outcomes#", "versions", "first", "last")
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
    table = _table(
        "at", "request", "row#", "version#", *(name.removeprefix("output.") for name in shown), "outcome"
    )
    for row in rows[-30:]:
        table.add_row(
            _second(row["at"]), clean(row["request_id"]), str(row["row"]), str(row["version"]),
            *(clean(amount(row[name])) for name in shown), clean(amount(row["outcome"])),
        )  # fmt: skip
    more = f"the last 30 of {len(rows):,} rows; --json and -o give all" if len(rows) > 30 else ""
    return Group(table, Text(more, style=QUIET))


_TELL = {"drift": BAD, "steady": GOOD, "unknown": UNSURE}
_DECISION = {"nothing": GOOD, "watch": UNSURE, "retrain": BAD, "roll back": BAD}


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
        table = _table("column", "role", "is", "effect#", "measure", "p, corrected#", "would be seen#")
        rank = {"drift": 0, "unknown": 1, "steady": 2}
        ordered = sorted(compared, key=lambda one: (rank[one.tell], -one.effect))
        for one in ordered[:30]:
            table.add_row(
                clean(one.name), one.role, Text(one.tell, style=_TELL[one.tell]), amount(round(one.effect, 4)),
                one.measure, f"{one.p_adjusted:.2g}", f"{one.detectable:.2g}",
            )  # fmt: skip
        more = f"{len(ordered) - 30} more in --json and the report" if len(ordered) > 30 else ""
        parts.append(_section("columns", Group(table, Text(more, style=QUIET)) if more else table))
    if found.kpis or found.concept:
        lines = Table.grid(padding=(0, 2))
        for kpi in found.kpis:
            lines.add_row(_MARK[kpi.met if kpi.sure else None], clean(kpi.message))
        for one in found.concept:
            lines.add_row(Text(one.tell, style=_TELL[one.tell]), clean(one.message))
        parts.append(_section("over time", lines))
    if found.slices:
        table = _table("slice", "before#", "now#", "effect#")
        for one in found.slices:
            table.add_row(clean(one.where), f"{one.before:.3g}", f"{one.after:.3g}", f"{one.effect:.2g}")
        parts.append(_section(f"where the {found.slices[0].measured} moved", table))
    if found.quality:
        lines = Table.grid(padding=(0, 2))
        for problem in found.quality:
            mark = Text("✗", style=BAD) if problem.broken else Text("!", style=UNSURE)
            lines.add_row(mark, clean(problem.message))
        parts.append(_section("quality", lines))
    if found.notes:
        parts.append(_section("not looked at", clean("\n".join(found.notes))))
    return Group(*parts)


_OUTCOME = {"released": GOOD, "ready": GOOD, "not good enough": BAD, "gate closed": BAD, "failed": BAD}


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
        table = _table(made.contest.metric, "value#", "95 % interval")
        for title, one in (
            (f"version {made.number}", made.contest.champion),
            (made.reference, made.contest.challenger),
            ("gain", made.contest.gain),
        ):
            value, low, high = (number(part) for part in (one.value, one.low, one.high))
            span = f"{low:.4g} to {high:.4g}" if low is not None and high is not None else "–"
            table.add_row(clean(title), f"{value:.4g}" if value is not None else "–", span)
        parts.append(_section(f"the same {made.contest.rows:,} rows, new to both", table))
    if made.assessment is not None or made.rerun is not None:
        lines = Table.grid(padding=(0, 2))
        if made.assessment is not None:
            lines.add_row("assessment", Text(_judged(made.assessment)))
        if made.rerun is not None:
            lines.add_row("its own rerun", Text(made.rerun, style=_VERDICT[made.rerun]))
        if made.gate is not None:
            lines.add_row("gate", Text("open", style=GOOD) if made.gate.open else Text("closed", style=BAD))
        parts.append(_section("the new snapshot", lines))
    notes = [*made.notes, *(made.contest.notes if made.contest is not None else ())]
    if notes:
        parts.append(_section("notes", clean("\n".join(notes))))
    if made.release is not None:
        parts += [Text(), _release_line(made.release)]
    return Group(*parts)


def _outcomes(added: Any) -> RenderableType:
    return Text(f"{added.rows} outcomes added; of {added.logged:,} logged rows {added.known:,} are known")


_PAGES: dict[str, Callable[[Any], RenderableType]] = {
    "log": _log,
    "show": _show,
    "diff": _comparison,
    "rerun": _comparison,
    "gate": _gate,
    "assess": _assess,
    "approve": _approve,
    "key": _key,
    "report": _report,
    "report --check": _report_check,
    "export --as": _report,
    "export": _export,
    "import": _import,
    "fsck": _fsck,
    "gc": _gc,
    "reindex": _reindex,
    "release": _release,
    "prediction logs": _prediction_logs,
    "predictions": _predictions,
    "outcomes": _outcomes,
    "monitor": _monitor,
    "retrain": _retrain,
    "releases": _releases,
}
