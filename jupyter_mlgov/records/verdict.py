"""What a comparison and a gate say."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Verdict = Literal["reproduced", "equivalent", "diverged", "failed", "blocked"]

Cause = Literal[
    "data.values", "data.rows", "data.order", "data.schema", "data.missing", "data.external",
    "code.cell", "code.module",
    "environment.package", "environment.python", "environment.variable", "environment.cosmetic",
    "randomness.unseeded", "randomness.hash-order", "randomness.threads", "randomness.filesystem-order",
    "hidden-state.order", "hidden-state.deleted-cell", "hidden-state.repeated-run",
    "time", "path", "unknown",
]  # fmt: skip

CellStatus = Literal["same", "noise", "equivalent", "different", "error", "expected-error", "not-run"]


class Finding(Struct, frozen=True, kw_only=True):
    """One cause of a difference, with its evidence. ``cell`` counts all cells of the notebook."""

    cause: Cause
    subject: str
    columns: tuple[str, ...] = ()
    cell: int | None = None
    variable: str | None = None
    message: str
    remedy: str
    confirmed: bool = False


class CellComparison(Struct, frozen=True, kw_only=True):
    """How one cell's result compares. ``note`` says what differs, for people."""

    index: int
    status: CellStatus
    note: str = ""


class ValueComparison(Struct, frozen=True, kw_only=True):
    """A metric, frame or model on both sides. ``off`` is how far apart two numbers are, ``tolerance`` how far they
    may be: absolute where it was declared, else of the larger number (``relative``). ``noise``: it differs and is
    no result (a measured duration). ``not compared``: the baseline's content is known, the candidate's is not."""

    kind: Literal["metric", "parameter", "frame", "model"]
    name: str
    baseline: str | int | float | bool | None
    candidate: str | int | float | bool | None
    status: Literal["same", "noise", "equivalent", "different", "missing", "new", "not compared"]
    tolerance: float | None = None
    relative: bool = False
    off: float | None = None


class Comparison(Struct, frozen=True, kw_only=True):
    """Two manifests compared: the answer of ``mlgov rerun`` and ``mlgov diff``."""

    baseline: str
    candidate: str | None
    verdict: Verdict
    summary: str = ""
    """How far an equivalent result is off, and how far it may be."""
    caution: str = ""
    """What has to be known of the run beside its verdict: that the notebook's file is gone, and the record was executed;
    of a ``diff``, which magic lines, charter or risks are others."""
    findings: tuple[Finding, ...] = ()
    cells: tuple[CellComparison, ...] = ()
    values: tuple[ValueComparison, ...] = ()
    runs: int = 0
    """How often the notebook was executed to find this out."""
    duration_s: float | None = None
    output: str | None = None
    """Where the executed notebook was written, if that was asked for."""
    attempts: int = 1
    """How often a cluster's workers began it: more than once where one of them was lost."""
    proven_at: str | None = None
    """When this verdict was found, where it was not found again: the factors are the same."""


class GateRule(Struct, frozen=True, kw_only=True):
    """One rule's answer and the reason for it."""

    rule: str
    passed: bool
    reason: str


class GateDecision(Struct, frozen=True, kw_only=True):
    """Open only when every rule passed."""

    open: bool
    rules: tuple[GateRule, ...]
    snapshot: str = ""
    policy: str = ""
    """Digest of the policy that was applied."""


class Problem(Struct, frozen=True, kw_only=True):
    """Something that ``mlgov fsck`` found. ``snapshots`` are the ids that it touches."""

    kind: str
    subject: str
    message: str
    snapshots: tuple[str, ...] = ()
