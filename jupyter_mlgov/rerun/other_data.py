"""A snapshot's notebook executed on other data: its code, other inputs, environment and settings are the recorded ones.

So the data are all that differs from the run that was approved. What comes of it is a candidate; ``retrained`` says
how it is judged, ``promoted`` which snapshot it becomes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.errors import Blocked
from jupyter_mlgov.records.manifest import Input, Manifest
from jupyter_mlgov.records.retraining import Retrained
from jupyter_mlgov.records.verdict import Finding
from jupyter_mlgov.rerun import environments, sandbox
from jupyter_mlgov.rerun.execute import Outcome
from jupyter_mlgov.rerun.limits import Limits
from jupyter_mlgov.rerun.progress import Progress
from jupyter_mlgov.rerun.rerun import Rerun

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def with_content(manifest: Manifest, uri: str, digest: str) -> Manifest:
    """The manifest with the object ``digest`` as the content of the input ``uri``."""
    return msgspec.structs.replace(
        manifest,
        inputs=tuple(
            msgspec.structs.replace(item, digest=digest, kept=True) if item.uri == uri else item
            for item in manifest.inputs
        ),
    )


def run_on(
    root: Path,
    store: Store,
    snapshot: str,
    manifest: Manifest,
    *,
    limits: Limits | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Outcome:
    """Executes the notebook of ``snapshot`` in a sandbox that is laid out by ``manifest`` (see :func:`with_content`).

    Raises ``Blocked`` where another input, a secret or the recorded environment is not to be had.
    """
    run = Rerun(root, store, snapshot, None, True, None, (limits or Limits()).or_of_project(root), progress)
    run.manifest = manifest
    try:
        lacking = [*sandbox.not_restorable(manifest, store, root), *run.unset()]
        if lacking:
            raise _blocked(lacking[0])
        run.python = run.interpreter()
    except environments.CannotBeBuilt as error:
        raise _blocked(error.findings[0]) from error
    return run.run("retrain", run.restored(manifest))


def _blocked(finding: Finding) -> Blocked:
    return Blocked(f"{finding.message.rstrip('.')}: {finding.remedy}")


def retrained(candidate: Manifest, manifest: Manifest, made: Retrained, message: str) -> Manifest:
    """The manifest of a retraining's ``candidate`` as it is judged: with the code that was laid out for it, which is that of
    the released ``manifest``, and its new data kept."""
    return msgspec.structs.replace(
        candidate,
        message=message,
        retrained=made,
        code=manifest.code,
        inputs=tuple(_kept(item) if item.uri == made.uri else item for item in candidate.inputs),
    )


def promoted(judged: Manifest, released: str) -> Manifest:
    """The manifest of the snapshot that a judged candidate becomes: the same, as a child of the ``released`` one."""
    return msgspec.structs.replace(judged, kind="snapshot", parent=released, baseline=None)


def _kept(item: Input) -> Input:
    return msgspec.structs.replace(item, kept=True)
