"""The report as data: everything that the page shows, before any markup.

The first screen (gate, tiles, what is missing) is defined here, what the sections show in ``views``, and how a
thing is known in ``evidence``. Every section has a state for each of its parts; one with nothing in it is
*missing*, never covered.
"""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_mlgov.report.coverage import FrameworkView
from jupyter_mlgov.report.evidence import Fact, State, Tone
from jupyter_mlgov.report.operation import Operation
from jupyter_mlgov.report.retrained import RetrainedView
from jupyter_mlgov.report.risk_views import Risks
from jupyter_mlgov.report.run_views import Approval, Caution, Code, Digests, Environment, Reproducibility
from jupyter_mlgov.report.tested import Tested
from jupyter_mlgov.report.views import Charter, Data, ModelView, Results


@dataclass(frozen=True)
class Section:
    """A section's place in the table of contents (the summary is 0). ``lead`` says in one sentence what it holds or lacks;
    ``states`` are those of its parts, never empty."""

    id: str
    number: int
    title: str
    states: tuple[State, ...]
    lead: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule of the gate."""

    rule: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class Gate:
    """The gate's decision and its rules."""

    open: bool
    headline: str
    failing: tuple[Rule, ...]
    passing: tuple[Rule, ...]
    why: tuple[tuple[Tone, str], ...]
    """The decision in a few sentences: what speaks for it, and what has to be known beside it."""
    policy: str
    """The digest of the rules that were applied."""
    fails: str
    """How many fail, in words; empty where none does."""
    passes: str


@dataclass(frozen=True)
class Tile:
    """One answer of the first screen, with the section that explains it."""

    label: str
    value: str
    note: str
    tone: Tone
    section: str


@dataclass(frozen=True)
class Gap:
    """Something that a reviewer would look for and that is not there (missing) or no longer holds (stale)."""

    what: str
    remedy: str
    state: State
    section: str


@dataclass(frozen=True)
class ReportContext:
    """The whole page. ``id`` is the snapshot's id (64 hex digits)."""

    id: str
    reference: str
    title: str
    titled: bool
    """False where no charter gives a title, so that the experiment's name stands in."""
    kind: str
    purpose: Fact
    facts: tuple[Fact, ...]
    notices: tuple[tuple[Tone, str], ...]
    gate: Gate
    tiles: tuple[Tile, ...]
    sections: dict[str, Section]
    gaps: tuple[Gap, ...]
    charter: Charter
    data: Data
    models: tuple[ModelView, ...]
    parameters: tuple[Fact, ...]
    results: Results
    tested: Tested
    retrained: RetrainedView | None
    """None where it is no retrained snapshot."""
    risks: Risks
    reproducibility: Reproducibility
    code: Code
    environment: Environment
    approvals: tuple[Approval, ...]
    operation: Operation
    frameworks: tuple[FrameworkView, ...]
    warnings: tuple[Caution, ...]
    digests: Digests
    as_of: str
    generated: str
