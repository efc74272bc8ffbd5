"""What the routes answer where it is not one of the package's own records."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from jupyter_mlgov.governance.keys import Protection
from jupyter_mlgov.governance.register import RegisteredRisk
from jupyter_mlgov.records.canonical import Scalar
from jupyter_mlgov.records.monitoring import Monitored
from jupyter_mlgov.records.release import Release
from jupyter_mlgov.records.retraining import Retraining
from jupyter_mlgov.records.verdict import Comparison, GateDecision
from jupyter_mlgov.report.inventory import ModelRow
from jupyter_mlgov.rerun.standing import LiveCell
from jupyter_mlgov.store.listing import LogEntry

JobKind = Literal["rerun", "retrain"]
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


class ModelList(Struct, frozen=True, kw_only=True):
    """The models of a project: the newest snapshot of each experiment, and how it stands."""

    models: tuple[ModelRow, ...]
    as_of: str


class ReleasedModel(Struct, frozen=True, kw_only=True):
    """A release, and which snapshot it put on the stage. ``gate`` is what the gate said then; None where the decision can no
    longer be read."""

    release: Release
    experiment: str
    number: int | None
    gate: GateDecision | None = None


class ReleaseList(Struct, frozen=True, kw_only=True):
    """The releases of a project, newest first."""

    releases: tuple[ReleasedModel, ...]


class MonitorList(Struct, frozen=True, kw_only=True):
    """The newest monitor run of each model and stage, by name."""

    monitors: tuple[Monitored, ...]


class RetrainingList(Struct, frozen=True, kw_only=True):
    """The retrainings of a project, newest first."""

    retrainings: tuple[Retraining, ...]


class RetrainRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to retrain, and on what. Without ``data`` on the logged predictions whose outcome is known."""

    release: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}:[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    ]
    """``MODEL:STAGE``."""
    data: Annotated[str, Meta(max_length=4096)] | None = None
    """A table file, relative to the server's folder, with '/'."""
    replace: bool | None = None
    """Put the new rows in place of the recorded ones, or (false) add them; left out: as ``[retrain] data`` says."""
    since: Annotated[str, Meta(pattern=r"^[0-9][0-9A-Za-z:.+-]*$", max_length=64)] | None = None
    """Only predictions from this time on: ``2026-11-26``, or ``7d`` ago."""
    may_release: bool = True
    """False: nothing is released, whatever ``[retrain] release`` says."""


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
    """One rerun or retraining. ``comparison`` or ``retraining`` is there once it is ``done``; ``error`` says why it
    ``failed``."""

    id: str
    snapshot: str
    experiment: str
    number: int | None
    state: JobState
    created_at: str
    elapsed_s: float
    progress: JobProgress
    kind: JobKind = "rerun"
    as_recorded: bool = False
    comparison: Comparison | None = None
    release: str | None = None
    """Of a retraining: the ``MODEL:STAGE`` that is retrained; ``snapshot`` is the one that was there."""
    retraining: Retraining | None = None
    error: str | None = None


class JobList(Struct, frozen=True, kw_only=True):
    """The reruns or retrainings that this server knows, newest first."""

    jobs: tuple[JobAnswer, ...]


class Failure(Struct, frozen=True, kw_only=True):
    """Why a request was refused, in one line."""

    message: str


class RerunRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to rerun: with today's code, data and environment, or with the recorded ones."""

    as_recorded: bool = False


class NotebookDocument(Struct, frozen=True, kw_only=True):
    """An ``.ipynb`` in format 4, as an editor holds it, outputs and all."""

    cells: list[dict[str, Any]]
    metadata: dict[str, Any] = {}


class SnapshotRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A notebook to record without its kernel. ``experiment`` is the notebook's own where it is empty."""

    notebook: NotebookDocument
    experiment: Annotated[str, Meta(pattern=r"^(?!.*\.ipynb$)([^\W_][\w.-]{0,99})?$")] = ""
    message: Annotated[str, Meta(max_length=10_000)] = ""


class Made(Struct, frozen=True, kw_only=True):
    """The snapshot that was made."""

    id: str
    experiment: str
    number: int | None


class SigningKey(Struct, frozen=True, kw_only=True):
    """One of the keys of the user whom the server runs as. Its private part never leaves the server."""

    name: str
    key: str
    protection: Protection
    opens: bool
    """Whether the server can sign with it: a passphrase is never sent over the network."""


class Signer(Struct, frozen=True, kw_only=True):
    """Who would sign here, and with what."""

    name: str
    """Git's ``user.name`` in the project, else the login name."""
    keys: tuple[SigningKey, ...]


class DecisionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A decision about a snapshot, to be signed with ``key``. ``accepts`` are ids of its risks."""

    decision: Literal["approved", "rejected", "revoked"]
    name: Annotated[str, Meta(pattern=r"[^\s\x00-\x1f]", max_length=200)]
    role: Annotated[str, Meta(pattern=r"[^\s\x00-\x1f]", max_length=200)]
    message: Annotated[str, Meta(pattern=r"[^\s\x00-\x1f]", max_length=10_000)]
    key: Annotated[str, Meta(pattern=r"^[^\W_][\w.-]{0,63}$")]
    accepts: Annotated[tuple[str, ...], Meta(max_length=1000)] = ()


class SignedDecision(Struct, frozen=True, kw_only=True):
    """A decision as it is on the ledger: ``entry`` names the entry, ``key`` the public key that signed it."""

    id: str
    decision: str
    name: str
    role: str
    key: str
    key_made: bool
    entry: str


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
