"""What the routes answer where it is not one of the package's own records."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from jupyter_mlgov.governance.register import RegisteredRisk
from jupyter_mlgov.records.canonical import Scalar
from jupyter_mlgov.records.verdict import Comparison
from jupyter_mlgov.rerun.standing import LiveCell
from jupyter_mlgov.store.listing import LogEntry

JobState = Literal["queued", "running", "done", "failed", "cancelled"]


class ProjectAnswer(Struct, frozen=True, kw_only=True):
    """The project that a notebook or folder belongs to. ``exists`` is false where there is none yet."""

    exists: bool
    name: str = ""
    """The last part of the project folder's path."""
    notebook: str | None = None
    """The notebook as the project writes it; None where a folder was asked for."""
    experiments: tuple[str, ...] = ()
    snapshots: int = 0
    version: str = ""


class Page(Struct, frozen=True, kw_only=True):
    """Some of the snapshots, newest first: ``total`` match, ``more`` says that there are older ones than these."""

    snapshots: tuple[LogEntry, ...]
    offset: int
    limit: int
    more: bool
    total: int


class OutputList(Struct, frozen=True, kw_only=True):
    """What a cell showed: nbformat outputs, as they were recorded. They come from a notebook: show them untrusted."""

    outputs: tuple[dict[str, Any], ...]


class RiskList(Struct, frozen=True, kw_only=True):
    """The risk register of a project."""

    risks: tuple[RegisteredRisk, ...]


class LiveNotebook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The cells of a notebook as an editor holds them, saved or not."""

    cells: tuple[LiveCell, ...]


class JobProgress(Struct, frozen=True, kw_only=True):
    """Where a rerun is: cell ``cell`` of ``cells`` in ``stage``."""

    stage: str = ""
    cell: int = 0
    cells: int = 0
    elapsed_s: float = 0.0
    message: str = ""


class JobAnswer(Struct, frozen=True, kw_only=True):
    """One rerun. ``comparison`` is there once it is ``done``; ``error`` says why it ``failed``."""

    id: str
    snapshot: str
    experiment: str
    number: int | None
    state: JobState
    created_at: str
    elapsed_s: float
    progress: JobProgress
    as_recorded: bool = False
    comparison: Comparison | None = None
    error: str | None = None


class JobList(Struct, frozen=True, kw_only=True):
    """The reruns that this server knows, newest first."""

    jobs: tuple[JobAnswer, ...]


class Failure(Struct, frozen=True, kw_only=True):
    """Why a request was refused, in one line."""

    message: str


class RerunRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to rerun: with today's code, data and environment, or with the recorded ones."""

    as_recorded: bool = False


class Snapshot(Struct, frozen=True, kw_only=True):
    """One snapshot, whole: the document that ``mlgov show --json`` prints, which has many more fields than these."""

    id: str
    experiment: str
    number: int | None
    created_at: str
    status: Literal["ok", "error"]
    message: str
    metrics: dict[str, Scalar]
    parameters: dict[str, Scalar]
    notebook: dict[str, Any]
    inputs: tuple[dict[str, Any], ...]
    kpis: tuple[dict[str, Any], ...]
    risks: tuple[dict[str, Any], ...]
    warnings: tuple[dict[str, Any], ...]
