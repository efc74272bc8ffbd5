"""Putting a snapshot's model on a stage: only through an open gate, and as one step on the ledger.

The gate is asked before the ledger's lock is taken. Should anything be said about the snapshot in between (a
rejection, a failed rerun), it is asked again, so no release stands on a decision that was out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mlgov.errors import StoreError, UsageError
from jupyter_mlgov.governance.words import did_you_mean
from jupyter_mlgov.operate.settings import Settings
from jupyter_mlgov.records import release
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import Manifest, Model
from jupyter_mlgov.records.release import Release, ReleaseAnswer
from jupyter_mlgov.records.verdict import GateDecision
from jupyter_mlgov.store import Store
from jupyter_mlgov.store.folder import Said

_TRIES = 5
"""How often the gate is asked while others keep saying things about the snapshot."""


class _Moved(Exception):
    """Something was said about the snapshot after the gate was asked."""


def releases(store: Store) -> list[Release]:
    """Every release, oldest first."""
    return [one for entry in store.entries(kind="release") if (one := release.read(entry)) is not None]


def released_model(manifest: Manifest, name: str) -> Model:
    """The model of a snapshot that can be served. Raises ``UsageError`` where none is in the store."""
    primary = next((model for model in manifest.models if model.primary), None)
    if primary is None:
        names = ", ".join(model.name for model in manifest.models)
        has = f"it has {names}, none of them named by --model" if names else "it has none"
        raise UsageError(
            f"{name} has no model to release: {has}; run the cell with %%experiment NAME --model VAR"
        )
    if primary.object is None:
        why = primary.reason or "its file was not kept"
        raise UsageError(
            f"the model `{primary.name}` of {name} is not in the store ({why}): it cannot be served"
        )
    return primary


def put_on_stage(
    store: Store,
    snapshot: str,
    *,
    model: str,
    stage: str,
    by: str,
    settings: Settings,
    gate: Callable[[], GateDecision],
    message: str = "",
    instead_of: int | None = None,
) -> ReleaseAnswer:
    """Releases ``snapshot`` as the next version of ``model`` (or the one that it is already) on ``stage``.

    ``gate`` decides; where it is closed nothing is written. ``instead_of``: only where that version is on the stage.
    Raises ``UsageError`` (a name, a stage, a snapshot without a model, another version on the stage), ``StoreError``.
    """
    if not release.NAME.fullmatch(model):
        raise UsageError(f"{model[:80]!r} is no model's name: use letters, digits, '.', '_' and '-'")
    if stage not in settings.stages:
        raise UsageError(
            f"there is no stage {stage[:80]!r}{did_you_mean(stage, list(settings.stages))}: the stages are "
            f"{', '.join(settings.stages)} ([operate] stages in mlgov.toml)"
        )
    number = store.number(snapshot)
    if number is None:
        raise UsageError(f"{snapshot[:12]} is the candidate of a rerun: release the snapshot that it reran")
    manifest = store.manifest(snapshot)
    released_model(manifest, f"{manifest.experiment}@{number}")
    for _ in range(_TRIES):
        about = store.entry_names(snapshot)
        decision = gate()
        if not decision.open:
            return ReleaseAnswer(release=None, gate=decision)
        kept = store.put(canonical(decision))
        made = Release(
            model=model, stage=stage, number=0, snapshot=snapshot, by=by, at="", gate=kept, message=message
        )  # fmt: skip
        try:
            entry = store.append_after("release", snapshot, _body(made, about, instead_of), author=by)
        except _Moved:
            continue
        return ReleaseAnswer(release=release.read(entry), gate=decision)
    raise StoreError(f"others keep writing about {manifest.experiment}@{number}: run it again")


def _body(
    made: Release, about: tuple[str, ...], instead_of: int | None
) -> Callable[[Said], Mapping[str, Any]]:
    def body(said: Said) -> Mapping[str, Any]:
        if said.about != about:
            raise _Moved
        earlier = [one for entry in said.entries() if (one := release.read(entry)) is not None]
        versions = {one.snapshot: one.number for one in earlier if one.model == made.model}
        number = versions.get(made.snapshot) or max(versions.values(), default=0) + 1
        before = [one for one in earlier if (one.model, one.stage) == (made.model, made.stage)]
        previous = before[-1].number if before else None
        if instead_of not in (None, previous):
            raise UsageError(
                f"version {previous} was put on {made.model}:{made.stage} meanwhile, in place of {instead_of}: run it again"
            )
        return {**made.body(), "number": number, "previous": previous}

    return body
