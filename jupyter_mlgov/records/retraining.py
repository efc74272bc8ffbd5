"""A retraining: on which data a released snapshot's notebook ran again, and how its result stands beside the release.

The snapshot that came of it names its data in its own manifest (``Retrained``); what was found out about it afterwards
(``Retraining``) is an object that a ledger entry of kind ``retrain`` names.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from jupyter_mlgov.records.canonical import Scalar
from jupyter_mlgov.records.release import Release
from jupyter_mlgov.records.verdict import GateDecision, Verdict

Standing = Literal["better", "no worse", "worse", "too few rows to tell", "not comparable"]
"""The challenger beside the champion. ``no worse``: the whole interval lies above the margin below the champion."""

Outcome = Literal["released", "ready", "not good enough", "gate closed", "failed"]
"""``ready``: good enough and the gate is open; it waits for somebody who releases it."""

GOOD: tuple[Outcome, ...] = ("released", "ready")


class Retrained(Struct, frozen=True, kw_only=True):
    """What a retrained snapshot was fitted on. Its parent is the snapshot that was released as ``model:stage@number``."""

    model: str
    stage: str
    number: int
    """The version that was on the stage."""
    uri: str
    """The input whose content was replaced."""
    before: str
    """Digest of what stood there in the released snapshot; the input's own digest is that of the new content."""
    rows_before: int
    rows_new: int
    source: Literal["predictions", "file"]
    """The prediction log with its outcomes, or a file."""
    mode: Literal["added", "in place"]
    """``added``: to the recorded rows; ``in place``: the new rows alone."""
    rows: str
    """Names a Parquet object with the new rows and, from the prediction log, their ``request_id`` and ``row``."""
    first: str | None = None
    last: str | None = None
    """The time of the oldest and of the newest of the new rows, from the prediction log."""


class Measured(Struct, frozen=True, kw_only=True):
    """A metric over the compared rows with its interval."""

    value: Scalar
    low: Scalar
    high: Scalar


class Contest(Struct, frozen=True, kw_only=True):
    """Champion and challenger on the same rows, which neither was fitted on.

    ``gain`` is the challenger's metric minus the champion's, turned so that more is better; its interval is that of a
    paired bootstrap: the same rows are drawn for both.
    """

    metric: str
    higher_is_better: bool = True
    rows: int
    champion: Measured | None = None
    challenger: Measured | None = None
    gain: Measured | None = None
    level: float = 0.95
    margin: float = 0.0
    """How much worse, in the metric's own unit, still counts as no worse."""
    verdict: Standing
    reason: str
    notes: tuple[str, ...] = ()


class Retraining(Struct, frozen=True, kw_only=True):
    """One retraining, whole."""

    model: str
    stage: str
    number: int
    """The version that was on the stage: the champion."""
    champion: str
    """The id of its snapshot."""
    snapshot: str | None = None
    """The retrained snapshot; None where the notebook failed."""
    reference: str = ""
    """Its name, ``NAME@N``."""
    at: str = ""
    by: str = ""
    uri: str
    source: Literal["predictions", "file"]
    file: str | None = None
    """The name of the file."""
    mode: Literal["added", "in place"]
    rows_before: int
    rows_new: int
    first: str | None = None
    last: str | None = None
    contest: Contest | None = None
    assessment: dict[str, int] | None = None
    """How many of its tests have each verdict; None where it could not be assessed."""
    rerun: Verdict | None = None
    """Its own rerun on the recorded data; None where the policy asks for none."""
    gate: GateDecision | None = None
    outcome: Outcome
    reasons: tuple[str, ...]
    """What the outcome rests on; where it is not released, what is missing."""
    notes: tuple[str, ...] = ()
    release: Release | None = None
