"""Which fields a charter and a risk have: one table that the parser, its messages and ``%%risk?`` read.

The names are those of ``records.annotations``; a test holds the two together.
"""

from __future__ import annotations

import textwrap
from typing import Literal

from msgspec import Struct

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.annotations import LIKELIHOODS, RISK_STATUSES, SEVERITIES, TAGS

Kind = Literal[
    "text", "name", "word", "date", "words", "check", "kpis", "number", "seconds", "amounts", "threshold", "data"
]  # fmt: skip
AnnotationKind = Literal["charter", "risk"]


class Field(Struct, frozen=True):
    """One field: what it holds (``kind``), the ``words`` it may be, and a sentence for people."""

    name: str
    help: str
    kind: Kind = "text"
    words: tuple[str, ...] = ()
    required: bool = False

    @property
    def expected(self) -> str:
        """What has to stand there, as the end of 'write ...'."""
        return {
            "text": "a text",
            "name": "the name of a variable or of a column",
            "word": f"one of {', '.join(self.words)}",
            "date": "a date as YYYY-MM-DD",
            "words": f"a list of words from {', '.join(self.words)}" if self.words else "a list of words",
            "check": "one Python expression that is true or false, or a list of them",
            "kpis": 'a list of targets such as "auc >= 0.80"',
            "number": "a number",
            "seconds": "a number of seconds",
            "amounts": "an amount such as 400 USD, or one for each kind of decision",
            "threshold": "a number, or a comparison such as score >= 0.35",
            "data": "the fields truth, frame, predicted, score and positive",
        }[self.kind]


CHARTER = (
    Field("title", "what the model is called", required=True),
    Field("owner", "who answers for it"),
    Field("business_case", "what a right decision is worth and a wrong one costs, and to whom"),
    Field("intended_use", "the decisions that it may support"),
    Field("out_of_scope", "what it must not be used for"),
    Field("users", "who works with its answers"),
    Field("feasibility", "why the data and the method can carry it"),
    Field("stop_criteria", "when work on it, or its use, ends"),
    Field("value_of_right", "what a right decision is worth, in your unit: 60 USD", kind="amounts"),
    Field("cost_of_wrong", "what a wrong one costs; several as {wrong approval: 400 USD}", kind="amounts"),
    Field("threshold", "where a score becomes a decision: score >= 0.35", kind="threshold"),
    Field("test_data", "what checks cut slices from; its fields are below", kind="data"),
    Field("kpis", "how good it has to be: metric, operator, target", kind="kpis"),
)

RISK = (
    Field("situation", "in which situation failure is likely", required=True),
    Field("effect", "what that does to people and to the business"),
    Field("severity", "how bad that is", kind="word", words=SEVERITIES, required=True),
    Field("likelihood", "how likely it is", kind="word", words=LIKELIHOODS, required=True),
    Field("detection", "how it would be noticed"),
    Field("mitigation", "the action that prevents the situation"),
    Field("residual_risk", "what is left after that"),
    Field("owner", "who answers for it"),
    Field("status", "where it stands; 'open' if not given", kind="word", words=RISK_STATUSES),
    Field("review_by", "when it is looked at again", kind="date"),
    Field("tags", "where it comes from, or whom it concerns", kind="words", words=TAGS),
    Field("experiment", "the experiment it belongs to; if not given, the one that ran last"),
    Field(
        "check",
        "evidence: evaluated with the variables of the session, its values are recorded; a list where all have to pass",
        kind="check",
    ),
    Field("time_limit", "seconds that each expression may take; 30 if not given", kind="seconds"),
    Field("test_data", "what this check cuts slices from, where it is not the charter's", kind="data"),
)

DATA = (
    Field("truth", "what really happened", kind="name", required=True),
    Field("frame", "the table whose columns a slice names", kind="name"),
    Field(
        "predicted",
        "what the model decided; from score and the charter's threshold if not given",
        kind="name",
    ),
    Field("score", "the model's score or probability", kind="name"),
    Field("positive", "the label that counts as positive; 1 if not given"),
)

KPI = (
    Field("kpi", 'the whole target as one text, instead of metric, op and target: "auc >= 0.80"'),
    Field("metric", "the metric's name"),
    Field("op", "how it compares", kind="word", words=(">=", ">", "<=", "<", "==", "!=")),
    Field("target", "the value it is compared with", kind="number"),
    Field("split", "the data that it is measured on"),
    Field("tolerance", "how far on the wrong side still counts as met", kind="number"),
    Field("description", "why this target"),
)

_EXAMPLES = {
    "charter": """\
%%charter
title: Mortgage pre-check
owner: Retail credit, model owner J. Doe
business_case: |
  An underwriter needs 40 minutes for a file. Four of five files are approved without any question.
intended_use: Orders the underwriter's queue.
out_of_scope: It never declines an application.
value_of_right: 40 minutes
cost_of_wrong:
  wrong approval: 400 USD
  wrong refusal: 60 USD
threshold: probability >= 0.15
test_data: {frame: applications, truth: denied, score: probability}
kpis:
  - auc >= 0.80
  - metric: recall_denied
    op: ">="
    target: 0.60
    split: test
    description: below this the second reading costs more than it saves""",
    "risk": """\
%%risk thin-data
situation: Very large loans, of which the training data has few
effect: Wrong advice on the files that cost the most
severity: high
likelihood: medium
mitigation: Loans above 400,000 go to an underwriter without a score
owner: J. Doe
status: open
review_by: 2027-03-01
tags: [data, model]
check:
  - recall(slice="loanamt > 300") >= 0.60
  - large_loans_in_test >= 30
time_limit: 10""",
}


def fields_of(kind: AnnotationKind) -> tuple[Field, ...]:
    """The fields of a charter or of a risk, in the order in which people fill them in."""
    if kind not in _EXAMPLES:
        raise UsageError(f"{kind!r} is no annotation; use charter or risk")
    return CHARTER if kind == "charter" else RISK


def fields_help(kind: AnnotationKind) -> str:
    """All fields of a ``charter`` or ``risk`` with an example: what ``%%charter?`` and ``%%risk?`` show."""
    fields = fields_of(kind)
    head = {
        "charter": "%%charter: what the model is for, who answers for it and how good it has to be.",
        "risk": "%%risk ID: a situation in which the model fails, what is done about it, and the evidence.",
    }[kind]
    lines = [
        head,
        "The body is YAML. Texts of several lines start with | after the field's name.",
        "",
        "Fields",
    ]
    lines += _rows(fields)
    if kind == "charter":
        lines += ["", 'A KPI is a text ("auc >= 0.80", "recall >= 80%") or has these fields:', *_rows(KPI)]
    else:
        lines += ["", "Measures over slices of the test data, for checks", *_slices_help()]
    lines += ["", "test_data has these fields, each a variable or a column:", *_rows(DATA)]
    lines += ["", "Example", "", *(f"    {line}" for line in _EXAMPLES[kind].splitlines())]
    return "\n".join(lines) + "\n"


def _slices_help() -> list[str]:
    from jupyter_mlgov.governance.slices import MEASURES

    return [
        *textwrap.wrap(", ".join(MEASURES), 96, initial_indent="    ", subsequent_indent="    "),
        '    recall(slice="loanamt > 300") >= 0.60: a query over the columns of test_data.frame, or a boolean variable.',
        "    Each is recorded with its rows and its 95 % interval; a slice with too few cases gives no answer.",
    ]


def example(kind: AnnotationKind) -> str:
    """A complete annotation cell, the magic line included."""
    fields_of(kind)
    return _EXAMPLES[kind] + "\n"


def _rows(fields: tuple[Field, ...]) -> list[str]:
    width = max(len(field.name) for field in fields)
    rows = []
    for field in fields:
        words = f" ({', '.join(field.words)})" if field.words else ""
        needed = " [required]" if field.required else ""
        rows.append(f"    {field.name:<{width}}  {field.help}{words}{needed}")
    return rows
