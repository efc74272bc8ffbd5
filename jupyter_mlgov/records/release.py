"""Releases: which version of a model is on which stage, and by which decision of the gate.

A release is a ledger entry about the snapshot whose model it is; the newest one of a model and stage holds. Going
back is one more release, of an earlier version: nothing is ever taken off the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.verdict import GateDecision

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a model or a stage may be called: it is part of URLs and of folder names."""

_REF = re.compile(rf"(?P<model>{NAME.pattern}):(?P<stage>{NAME.pattern})(@(?P<number>[0-9]{{1,18}}))?")


class Release(Struct, frozen=True, kw_only=True):
    """A version of ``model`` on ``stage``.

    ``number`` is the model's version: each snapshot that is released under the model's name has one, counted from 1,
    and keeps it on every stage. ``gate`` names the object with the gate's decision.
    """

    model: str
    stage: str
    number: int
    snapshot: str
    by: str
    at: str
    gate: str
    previous: int | None = None
    """The version that was on the stage before."""
    message: str = ""

    @property
    def name(self) -> str:
        """``MODEL:STAGE@N``."""
        return f"{self.model}:{self.stage}@{self.number}"

    def body(self) -> dict[str, Any]:
        """What the ledger entry says beside its subject, author and time."""
        return {
            "model": self.model,
            "stage": self.stage,
            "number": self.number,
            "gate": self.gate,
            "previous": self.previous,
            "message": self.message,
        }


class ReleaseAnswer(Struct, frozen=True, kw_only=True):
    """What came of asking for a release: ``release`` is None where the ``gate`` is closed."""

    release: Release | None
    gate: GateDecision


def read(entry: Entry) -> Release | None:
    """The release that a ledger entry tells of; None for other entries and for a body that is no release's."""
    body = entry.body
    number = body.get("number")
    if entry.kind != "release" or type(number) is not int:
        return None
    previous = body.get("previous")
    return Release(
        model=str(body.get("model")),
        stage=str(body.get("stage")),
        number=number,
        snapshot=entry.subject,
        by=entry.author,
        at=entry.at,
        gate=str(body.get("gate")),
        message=str(body.get("message") or ""),
        previous=previous if type(previous) is int else None,
    )


def split(ref: str) -> tuple[str, str, int | None] | None:
    """Model, stage and number of ``MODEL:STAGE`` or ``MODEL:STAGE@N``; None for a text of another form."""
    found = _REF.fullmatch(ref)
    if found is None:
        return None
    return found["model"], found["stage"], int(found["number"]) if found["number"] else None


def named(releases: Sequence[Release], ref: str) -> Release:
    """The release that ``MODEL:STAGE`` or ``MODEL:STAGE@N`` names among those of a ledger, oldest first.

    Raises ``UsageError`` for a text of another form, ``NotFound`` with what there is.
    """
    parts = split(ref)
    if parts is None:
        raise UsageError(f"{ref[:80]!r} is no MODEL:STAGE: write for instance credit:production")
    model, stage, number = parts
    of_model = [one for one in releases if one.model == model]
    if not of_model:
        models = ", ".join(sorted({one.model for one in releases})[:5]) or "none"
        raise NotFound(
            f"no model {model!r} was released (released: {models}): run mlgov release REF --as {model} --stage {stage}"
        )
    there = [one for one in of_model if one.stage == stage]
    if not there:
        stages = ", ".join(sorted({one.stage for one in of_model}))
        raise NotFound(f"nothing of {model} is on stage {stage!r}: it is on {stages}")
    found = [one for one in there if number in (None, one.number)]
    if not found:
        versions = ", ".join(str(version) for version in sorted({one.number for one in there}))
        raise NotFound(f"version {number} of {model} was never on {stage}: there were {versions}")
    return found[-1]
