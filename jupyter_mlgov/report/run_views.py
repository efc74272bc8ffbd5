"""What the sections about the run show, as data: reruns, code, environment, approvals, ledger.

As in ``views``: text as it was recorded, escaped by ``render``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jupyter_mlgov.report.evidence import Digest, Fact, State, Tone


@dataclass(frozen=True)
class FindingView:
    cause: str
    subject: str
    where: str
    message: str
    remedy: str
    confirmed: bool


@dataclass(frozen=True)
class ValueView:
    """A value on both sides of a comparison."""

    kind: str
    name: str
    baseline: str
    candidate: str
    difference: str
    tolerance: str
    status: str
    tone: Tone


@dataclass(frozen=True)
class CellDifference:
    cell: int
    status: str
    note: str


@dataclass(frozen=True)
class RerunView:
    """One rerun. ``readable`` is False where its comparison is no longer in the store."""

    verdict: str
    meaning: str
    caution: str
    """That the notebook's file was gone, and the record was executed."""
    tone: Tone
    at: str
    age: str
    runs: str
    duration: str
    candidate: Digest | None
    entry: str
    findings: tuple[FindingView, ...]
    values: tuple[ValueView, ...]
    cells: tuple[CellDifference, ...]
    cell_summary: str
    readable: bool


@dataclass(frozen=True)
class Reproducibility:
    latest: RerunView | None
    earlier: tuple[RerunView, ...]
    """Older reruns of this snapshot, newest first."""
    elsewhere: str
    """A verdict on another snapshot of the experiment, which says nothing about this one."""
    conditions: tuple[Fact, ...]
    """How the run was made: order of the cells, seed, tolerances."""


@dataclass(frozen=True)
class DiffLine:
    kind: Literal["added", "removed", "hunk", "file", "same"]
    text: str


@dataclass(frozen=True)
class CodeCell:
    index: int
    type: str
    status: str
    experiment: bool
    facts: str
    source: str


@dataclass(frozen=True)
class Code:
    facts: tuple[Fact, ...]
    modules: tuple[tuple[str, Digest], ...]
    diff: tuple[DiffLine, ...]
    diff_note: str
    experiment: CodeCell | None
    cells: tuple[CodeCell, ...]


@dataclass(frozen=True)
class Environment:
    facts: tuple[Fact, ...]
    imported: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]
    variables: tuple[Fact, ...]


@dataclass(frozen=True)
class Approval:
    decision: str
    tone: Tone
    name: str
    role: str
    message: str
    at: str
    entry: Digest
    state: State
    signature: str
    """What the signature is worth, in words."""
    key: str
    accepts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Caution:
    """Something that the reader has to know."""

    code: str
    message: str
    cell: int | None


@dataclass(frozen=True)
class Event:
    """One entry of the ledger about this snapshot."""

    at: str
    kind: str
    what: str
    author: str
    entry: Digest


@dataclass(frozen=True)
class Digests:
    named: tuple[Fact, ...]
    events: tuple[Event, ...]
