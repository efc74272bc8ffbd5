"""Where the result comes from and how to check it: code, environment, approvals, ledger and digests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from jupyter_mlgov.records.cells import cell_number
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import CellRecord
from jupyter_mlgov.report.data import digest
from jupyter_mlgov.report.evidence import Digest, Fact, State, Tone
from jupyter_mlgov.report.record import identity_of
from jupyter_mlgov.report.run_views import (
    Approval,
    Caution,
    Code,
    CodeCell,
    DiffLine,
    Digests,
    Environment,
    Event,
)
from jupyter_mlgov.report.wording import counted, date, seconds, short, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.governance.approvals import Decision
    from jupyter_mlgov.report.record import Record

DIFF_LINES = 3000
SOURCE_LIMIT = 60_000
_LABELS = {"cpus": "CPUs"}


def code(record: Record) -> Code:
    """The repository as it was, what was not committed, and the notebook's own code."""
    held = record.manifest.code
    facts = []
    if held.commit:
        facts.append(Fact("Commit", short(held.commit), "measured", exact=tidy(held.commit, 100), code=True))
        facts.append(Fact("Branch", tidy(held.branch or "detached", 200), "measured"))
        changes = "uncommitted changes" if held.dirty else "none: the files are those of the commit"
        facts.append(
            Fact("Changes", "not known: git could not say", "missing")
            if held.dirty is None
            else Fact("Changes", changes, "measured")
        )
        if held.remote:
            facts.append(Fact("Remote", tidy(held.remote, 400), "measured"))
    else:
        facts.append(Fact("Commit", "the notebook was not in a git repository", "missing"))
    diff, note = _diff(record)
    cells = [_cell(record, cell) for cell in record.manifest.notebook.cells if cell.type == "code"]
    return Code(
        facts=tuple(facts),
        modules=tuple(
            (tidy(module.path, 300), Digest(short(module.digest), tidy(module.digest, 100)))
            for module in held.modules[:300]
        ),
        diff=diff,
        diff_note=note,
        experiment=next((cell for cell in cells if cell.experiment), None),
        cells=tuple(cell for cell in cells if not cell.experiment),
    )


def _diff(record: Record) -> tuple[tuple[DiffLine, ...], str]:
    held = record.manifest.code
    if held.diff is None:
        return (), "The uncommitted changes themselves were not recorded." if held.dirty else ""
    text = record.text(held.diff)
    if text is None:
        return (), "The uncommitted changes were recorded and can no longer be read from the store."
    lines = text.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    shown = tuple(DiffLine(_line_kind(line), tidy(line, 1000)) for line in lines[:DIFF_LINES])
    more = len(lines) - len(shown)
    return shown, f"{more:,} more lines are in the record." if more > 0 else ""


def _line_kind(line: str) -> Literal["added", "removed", "hunk", "file", "same"]:
    if line.startswith(("diff ", "+++", "---", "index ", "new file", "deleted file", "rename ")):
        return "file"
    if line.startswith("@@"):
        return "hunk"
    return "added" if line.startswith("+") else "removed" if line.startswith("-") else "same"


def _cell(record: Record, cell: CellRecord) -> CodeCell:
    source = record.text(cell.source)
    facts = []
    if cell.runs:
        facts.append(f"ran {'once' if cell.runs == 1 else f'{cell.runs} times'}")
    if cell.duration_s is not None:
        facts.append(seconds(cell.duration_s))
    return CodeCell(
        index=cell_number(cell.index),
        type=cell.type,
        status={"ok": "ok", "error": "raised an error", "not-run": "not run"}[cell.status],
        experiment=cell.index == record.manifest.cell,
        facts=", ".join(facts),
        source=tidy(source, SOURCE_LIMIT)
        if source is not None
        else "(the source can no longer be read from the store)",
    )


def environment(record: Record) -> Environment:
    """Python, the packages that were loaded, the others, and the variables that matter."""
    held = record.environment
    if held is None:
        return Environment((Fact("Python", "the environment can no longer be read", "missing"),), (), (), ())
    facts = [
        *(
            Fact(label, tidy(value, 200), "measured") if value else Fact(label, "not recorded", "missing")
            for label, value in (("Python", held.python), ("Platform", held.platform))
        ),
        *(
            Fact(
                _LABELS.get(name, tidy(name, 60).replace("_", " ").capitalize()), tidy(value, 200), "measured"
            )
            for name, value in list(held.details.items())[:20]
            if isinstance(value, str | int | float)
        ),
    ]
    loaded = set(held.imported)
    packages = [
        (tidy(name, 100), tidy(version, 60), name in loaded) for name, version in held.packages.items()
    ]
    return Environment(
        facts=tuple(facts),
        imported=tuple((name, version) for name, version, used in packages if used),
        others=tuple((name, version) for name, version, used in packages if not used),
        variables=tuple(
            Fact(tidy(name, 100), tidy(value, 300) if value is not None else "not set", "measured", code=True)
            for name, value in held.variables.items()
        ),
    )


def approvals(record: Record) -> tuple[Approval, ...]:
    """Named decisions about this snapshot, newest first."""
    return tuple(_approval(one) for one in reversed(record.decisions))


def _approval(one: Decision) -> Approval:
    tones: dict[str, Tone] = {"approved": "good", "rejected": "bad"}
    state: State
    if one.key is None:
        state, said = "asserted", f"{one.fault or 'it is not signed'}: the name is what was typed"
    elif one.applies:
        state, said = "measured", "the signature holds for this snapshot with its charter and risks"
    else:
        state, said = "stale", one.fault
    return Approval(
        decision=tidy(one.word, 40),
        tone=tones.get(one.word, "warn") if one.applies else "warn",
        name=tidy(one.name or "no name", 200),
        role=tidy(one.role, 200),
        message=tidy(one.message),
        at=date(one.at),
        entry=Digest(one.entry[:12], one.entry),
        state=state,
        signature=said[0].upper() + said[1:],
        key=one.key or "",
        accepts=tuple(tidy(risk, 120) for risk in one.accepts[:50]),
    )


def cautions(record: Record) -> tuple[Caution, ...]:
    """The warnings of the run, and what the store has lost since."""
    found = [
        Caution(
            tidy(one.code, 80),
            tidy(one.message, 1500),
            None if one.cell is None else cell_number(one.cell),
        )
        for one in record.manifest.warnings
    ]
    return (*found, *(Caution("store.lost", tidy(told, 600), None) for told in record.lost))


def digests(record: Record) -> Digests:
    """The names that everything on the page can be checked by."""
    manifest = record.manifest
    named = [
        ("Snapshot (its manifest)", record.id),
        ("Parent snapshot", manifest.parent),
        ("Notebook document", manifest.notebook.document),
        ("Environment", manifest.environment),
        ("Uncommitted changes", manifest.code.diff),
        *((f"Input {tidy(one.uri, 200)}", one.digest) for one in manifest.inputs),
        *((f"Model {tidy(one.name, 100)}", one.digest) for one in manifest.models),
    ]
    return Digests(
        named=tuple(
            Fact(label, tidy(name, 100), "measured", code=True)
            for label, name in named[:200]
            if name is not None
        ),
        events=tuple(_event(entry) for entry in record.entries),
    )


def _event(entry: Entry) -> Event:
    body = entry.body
    what = {
        "snapshot": f"{body.get('experiment', '')}@{body.get('number', '')} recorded",
        "candidate": "recorded as the candidate of a rerun",
        "rerun": f"rerun: {body.get('verdict', 'no verdict')}",
        "risk": f"risk {body.get('id', '')} recorded as {body.get('status', '')}",
        "charter": "charter changed",
        "approval": f"{body.get('decision', '')} by {body.get('name', '')}",
        "assessment": "the model was tested",
        "release": f"released as {body.get('model', '')}:{body.get('stage', '')}@{body.get('number', '')}",
        "drift": f"monitored on {body.get('model', '')}:{body.get('stage', '')}: {body.get('decision', '')}",
        "retrain": f"made by a retraining of {body.get('model', '')}:{body.get('stage', '')}: {body.get('outcome', '')}",
        "lock": "its packages were locked",
        "import": "came in a bundle",
    }.get(entry.kind, entry.kind)
    name = identity_of(entry)
    return Event(
        date(entry.at), entry.kind, tidy(what, 300), tidy(entry.author, 100), digest(name) or Digest("", "")
    )


def summary_of(record: Record) -> str:
    """One line about the code for the section's lead."""
    held = record.manifest.code
    cells = counted(sum(cell.type == "code" for cell in record.manifest.notebook.cells), "code cell")
    if not held.commit:
        return f"{cells}; the notebook was not in a git repository"
    state = {True: "with uncommitted changes", False: "clean", None: "git could not say whether clean"}[
        held.dirty
    ]
    return f"{cells} at commit {short(held.commit)}, {state}"
