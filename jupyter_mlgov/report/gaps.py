"""What a reviewer would look for and does not find, with what to do about it.

Every rule here is about absence or staleness only: that a KPI is not met is an answer, that it was not measured
is a gap. The order is that of the report's sections.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mlgov.report.context import Gap
from jupyter_mlgov.report.operation import Operation
from jupyter_mlgov.report.purpose import FIELDS
from jupyter_mlgov.report.risks import GRAVE, overdue
from jupyter_mlgov.report.tested import tested
from jupyter_mlgov.report.wording import counted, day, listed, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record


def gaps(record: Record, as_of: str, used: Operation) -> tuple[Gap, ...]:
    """Everything that is missing or stale."""
    return (
        *_purpose(record),
        *_data(record),
        *_results(record),
        *_tested(record),
        *_risks(record, as_of),
        *_reruns(record),
        *_code(record),
        *_environment(record),
        *_decisions(record),
        *_operation(used),
        *_store(record),
    )


def _missing(what: str, remedy: str, section: str) -> Gap:
    return Gap(what, remedy, "missing", section)


def _names(names: list[str], most: int = 5) -> str:
    shown = [tidy(name, 80) for name in names[:most]]
    return listed([*shown, f"{len(names) - most} more"] if len(names) > most else shown)


def _purpose(record: Record) -> Iterator[Gap]:
    held = record.charter
    if held is None:
        yield _missing(
            "No charter: nothing says what this model is for, or who answers for it",
            "Write a %%charter cell with title, owner, business_case, intended_use and kpis",
            "charter",
        )
    else:
        empty = [label.lower() for name, label in FIELDS if not getattr(held, name)]
        if empty:
            yield _missing(
                f"The charter has no {listed(empty)}", "Fill the fields in the %%charter cell", "charter"
            )
    kpis = record.kpis
    if not kpis:
        yield _missing(
            "No KPI: nothing says how good the model has to be",
            'Add kpis to the charter, or --kpi "auc >= 0.80" to the experiment',
            "charter",
        )
    unmeasured = [kpi.metric for kpi in kpis if kpi.met is None]
    if unmeasured:
        yield _missing(
            f"Not measured: {counted(len(unmeasured), 'KPI')} ({_names(unmeasured)})",
            "Compute each as a variable of that name in the experiment's cell, or log it with mlgov.log_metric",
            "charter",
        )


def _data(record: Record) -> Iterator[Gap]:
    manifest = record.manifest
    if not record.inputs:
        yield _missing(
            "No input was recorded: the data cannot be traced to where it came from",
            "Read the data after %load_ext jupyter_mlgov, or name it with --input",
            "data",
        )
    for one in record.inputs:
        if one.digest is None:
            yield _missing(
                f"{tidy(one.uri, 200)} could not be hashed: {tidy(one.reason or 'no reason was recorded', 300)}",
                "A change of this input would not be noticed: read it from a file, or declare a copy with --input",
                "data",
            )
    guessed = [one.uri for one in record.inputs if one.evidence in ("declared", "inferred") and one.digest]
    if guessed:
        yield _missing(
            f"Not seen being read: {_names(guessed)}",
            "These inputs were named or deduced, or maybe opened by another program: check that the code reads them",
            "data",
        )
    unhashed = [one.name for one in manifest.frames if one.digest is None]
    if unhashed:
        yield _missing(
            f"No digest for {counted(len(unhashed), 'frame')}: {_names(unhashed)}",
            "Their content cannot be compared in a rerun; the reason stands beside each",
            "data",
        )


def _results(record: Record) -> Iterator[Gap]:
    manifest = record.manifest
    if not manifest.models:
        yield _missing(
            "No fitted model was recorded", "Name the variable that holds it with --model", "model"
        )
    unnamed = [one.name for one in manifest.models if one.digest is None]
    if unnamed:
        yield _missing(
            f"No fingerprint for {_names(unnamed)}",
            "Whether a rerun fits the same model cannot be told; the reason stands beside it",
            "model",
        )
    if not manifest.metrics:
        yield _missing(
            "No metric was recorded: nothing says how good the model is",
            "Compute at least one scalar in the experiment's cell",
            "results",
        )


def _tested(record: Record) -> Iterator[Gap]:
    found = tested(record)
    if found.state == "measured":
        if "measured" not in found.known:
            yield _missing(
                "None of the tests of this model gave an answer",
                f"The reason stands beside each: see to it, then mlgov assess {tidy(record.reference, 200)}",
                "tested",
            )
        elif found.unanswered:
            yield _missing(
                f"{counted(len(found.unanswered), 'test')} without an answer: {_names(list(found.unanswered))}",
                f"The reason stands beside each: see to it, then mlgov assess {tidy(record.reference, 200)}",
                "tested",
            )
        return
    what = "The model was not tested beyond what its own notebook computed"
    if found.state == "stale":
        what = f"This model was not tested. {found.elsewhere}"
    yield Gap(what, f"Run mlgov assess {tidy(record.reference, 200)}", found.state, "tested")


def _risks(record: Record, as_of: str) -> Iterator[Gap]:
    if not record.risks:
        yield _missing(
            "No risk was written down. That is not the same as no risk",
            "Write a %%risk cell for each situation in which the model is likely to fail",
            "risks",
        )
    grave = [one for one in record.risks if one.severity in GRAVE]
    unchecked = [one.id for one in grave if one.check is None]
    if unchecked:
        yield _missing(
            f"High or critical without a check: {_names(unchecked)}",
            "Add a check expression to the %%risk cell, so that the mitigation is executed and not only described",
            "risks",
        )
    unevaluated = [one.id for one in record.risks if one.check is not None and one.check.passed is None]
    if unevaluated:
        yield _missing(
            f"Checks that were not evaluated: {_names(unevaluated)}",
            "Run the %%risk cell after the cell that makes what it needs; the reason stands beside the check",
            "risks",
        )
    for label, ids in (
        ("effect", [one.id for one in record.risks if not one.effect]),
        ("mitigation", [one.id for one in record.risks if not one.mitigation]),
        ("owner", [one.id for one in record.risks if not one.owner]),
    ):
        if ids:
            yield _missing(f"Risks without {'a' if label == 'mitigation' else 'an'} {label}: {_names(ids)}",
                           f"Add {label} to the %%risk cell", "risks")  # fmt: skip
    for one in record.risks:
        if overdue(one, as_of):
            yield Gap(
                f"Risk {tidy(one.id, 80)} was to be reviewed by {day(one.review_by or '')}",
                "Review it and set a new review_by",
                "stale",
                "risks",
            )


def _reruns(record: Record) -> Iterator[Gap]:
    state = record.rerun_state
    if not record.reruns:
        before = " Verdicts on earlier snapshots say nothing about this one" if state == "stale" else ""
        yield Gap(
            f"This snapshot was never executed again: whether it can be reproduced is not known.{before}",
            f"mlgov rerun {record.reference}",
            state,
            "reproducibility",
        )
    elif not record.reruns[-1].told:
        still = "still " if any(one.told for one in record.reruns) else ""
        yield Gap(
            f"The newest rerun of this snapshot was blocked: whether it can {still}be reproduced is not known",
            f"See to what its finding names, then mlgov rerun {record.reference}",
            state,
            "reproducibility",
        )
    elif record.reruns[-1].comparison is None:
        yield _missing(
            "The details of the newest rerun can no longer be read from the store",
            f"Run mlgov fsck, then mlgov rerun {record.reference}",
            "reproducibility",
        )


def _code(record: Record) -> Iterator[Gap]:
    held = record.manifest.code
    if not held.commit:
        yield _missing(
            "The notebook was not in a git repository: its history is not known",
            "git init, and commit the notebook and the modules that it imports",
            "code",
        )
    elif held.dirty:
        kept = "the changes are kept with the snapshot" if held.diff else "the changes were not recorded"
        yield _missing(
            f"The working tree was not clean: no commit holds the code that ran ({kept})",
            "Commit, then run the experiment again",
            "code",
        )
    elif held.dirty is None:
        yield _missing(
            "Git could not say whether the working tree was clean: whether the commit holds the code that ran is not known",
            "Run git status in the project and see to what it says, then run the experiment again",
            "code",
        )
    if record.manifest.notebook.order == "out-of-order":
        yield _missing(
            "The cells did not run from top to bottom, so the notebook as it stands may not give this result",
            "Restart the kernel and run all cells; a rerun shows whether it matters",
            "code",
        )


def _environment(record: Record) -> Iterator[Gap]:
    if record.environment is not None and not record.environment.python:
        yield _missing(
            "No kernel was asked: Python, packages and platform of the run are not known",
            "Run the notebook with %load_ext jupyter_mlgov, so that its kernel records them",
            "environment",
        )


def _decisions(record: Record) -> Iterator[Gap]:
    if not any(entry.kind == "approval" for entry in record.entries):
        yield _missing(
            "Nobody has approved or rejected this snapshot",
            "Have somebody who did not build it read this report and decide",
            "approvals",
        )


def _operation(used: Operation) -> Iterator[Gap]:
    if used.on_stage and not used.runs:
        stage = used.on_stage[0].rpartition("@")[0]
        yield Gap(
            f"It is in use ({listed(used.on_stage)}), and no monitor has looked at what it predicts. "
            f"{used.elsewhere}".rstrip(),
            f"mlgov monitor {stage}",
            used.monitoring[0],
            "operation",
        )


def _store(record: Record) -> Iterator[Gap]:
    for told in record.lost:
        yield _missing(
            f"Lost from the store: {tidy(told, 300)}", "mlgov fsck lists what is damaged", "digests"
        )
