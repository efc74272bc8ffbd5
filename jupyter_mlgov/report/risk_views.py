"""What the risk register shows, as data. As in ``views``: text as it was recorded, escaped by ``render``."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlgov.report.evidence import Fact, State, Tone


@dataclass(frozen=True)
class CheckView:
    """A risk's executed evidence, with the value that each operand had."""

    expression: str
    outcome: str
    tone: Tone
    state: State
    terms: tuple[tuple[str, str, str], ...]
    """(expression, value, value with all its digits)."""
    conditions: tuple[ConditionView, ...] = ()
    slices: tuple[SliceView, ...] = ()
    error: str = ""
    duration: str = ""
    limit: str = ""


@dataclass(frozen=True)
class ConditionView:
    """One comparison: what was measured, what was asked, and the answer."""

    expression: str
    value: str
    exact: str
    wanted: str
    outcome: str
    tone: Tone


@dataclass(frozen=True)
class SliceView:
    """A measure over a slice of the test data, with its interval in words."""

    measure: str
    where: str
    value: str
    interval: str
    cases: str
    warning: str


@dataclass(frozen=True)
class RiskView:
    """A risk. ``standing`` says in words what is known to stand against it, ``tone`` how good that is."""

    id: str
    anchor: str
    level: int
    """1 (least) to 4 (most), from severity and likelihood."""
    severity: str
    likelihood: str
    status: str
    situation: str
    known: State
    standing: str
    tone: Tone
    facts: tuple[Fact, ...]
    checks: tuple[CheckView, ...]
    """Each expression by itself; empty where there is no check."""
    tags: tuple[str, ...] = ()
    history: tuple[HistoryView, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class HistoryView:
    """Something that happened to a risk."""

    at: str
    where: str
    what: str
    detail: str


@dataclass(frozen=True)
class MatrixCell:
    """``level`` is 1 (least) to 4 (most)."""

    level: int
    likelihood: str
    risks: tuple[RiskView, ...]


@dataclass(frozen=True)
class MatrixRow:
    severity: str
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class Risks:
    risks: tuple[RiskView, ...]
    likelihoods: tuple[str, ...]
    matrix: tuple[MatrixRow, ...]
