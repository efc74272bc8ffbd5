"""One monitor run about a release: its snapshot's rows against the rows that were predicted since, and what the ledger is
told of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.assess.run import positive_of, reference_attributions
from jupyter_mlgov.assess.suite import read_suite
from jupyter_mlgov.errors import Blocked, MlgovError, UsageError
from jupyter_mlgov.governance.policy import read_policy
from jupyter_mlgov.governance.register import charter, kpis
from jupyter_mlgov.monitor import sides
from jupyter_mlgov.monitor.examine import Context, Explained, examine
from jupyter_mlgov.monitor.explaining import explain_log
from jupyter_mlgov.monitor.settings import Settings
from jupyter_mlgov.records.assessment import HeldRows
from jupyter_mlgov.records.canonical import canonical, number
from jupyter_mlgov.records.monitoring import Monitoring
from jupyter_mlgov.records.release import Release

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_mlgov.store import Store


def watch(
    root: Path,
    store: Store,
    release: Release,
    log: pa.Table,
    settings: Settings,
    *,
    since: str | None = None,
    never_logged: tuple[str, ...] = (),
    problems: tuple[str, ...] = (),
) -> Monitoring:
    """Looks at what ``release`` predicted: ``log`` is its part of the prediction log, from ``since`` on, with outcomes.

    Raises ``UsageError`` (an empty log, outcomes that are no labels), ``Blocked`` (no rows to compare with).
    """
    from jupyter_mlgov.store.ledger import now

    if not log.num_rows:
        where = f"{release.model}:{release.stage}"
        when = f" since {since}" if since else ""
        raise UsageError(
            f"version {release.number} of {where} has predicted nothing{when}: mlgov predictions shows what is logged"
        )
    manifest = store.manifest(release.snapshot)
    held = sides.held_rows(manifest)
    read_as = sides.meaning(log, held, positive_of(read_suite(root), charter(store, release.snapshot)))
    notes = list(problems)
    if sides.several(log):
        notes.append("the model gives several outputs for a row: neither they nor outcomes are compared")
    model = None
    if held.predicted is None:
        model = _model(root, store, release.snapshot, notes)
    features = [name for name in held.features if name not in never_logged]
    before, now_explained = _explained(root, store, release.snapshot, log, features, settings, notes)
    hidden = [name for name in held.features if name in never_logged]
    notes += [f"{name} is not compared: it must not be logged ([operate] never_log)" for name in hidden]
    reference = sides.reference_side(store, held, model, read_as, before)
    if hidden:
        reference = _without(reference, features)
    found = examine(
        reference,
        sides.current_side(log, read_as, now_explained),
        settings,
        Context(
            kpis=kpis(store, release.snapshot, read_policy(root).targets),
            metrics=dict(manifest.metrics),
            schema=manifest.inputs_schema,
            earlier=_earlier(release),
            from_release=since is None,
            notes=notes,
        ),
    )
    at = log["at"].to_pylist()
    return msgspec.structs.replace(
        found, model=release.model, stage=release.stage, release=release.number, snapshot=release.snapshot, at=now(),
        since=since, first=at[0].isoformat(timespec="seconds"), last=at[-1].isoformat(timespec="seconds"),
        reference=_in_words(held),
    )  # fmt: skip


def _in_words(held: HeldRows) -> str:
    what = {"test": "the rows that the model was tested on", "train": "the rows that the model was fitted on"}
    return what[held.role] + (f" ({held.rows:,} of {held.of_rows:,})" if held.of_rows > held.rows else "")


def _earlier(release: Release) -> str | None:
    if release.previous is None or release.previous == release.number:
        return None
    return f"{release.model}:{release.stage}@{release.previous}"


def _model(root: Path, store: Store, snapshot: str, notes: list[str], what: str = "predictions") -> Any:
    """The released model, for what it is asked; None with a note where it cannot be loaded."""
    from jupyter_mlgov.hashing.trusted_models import load_model, trusted_types

    primary = next(
        (model for model in store.manifest(snapshot).models if model.primary and model.object), None
    )
    if primary is None or primary.object is None:
        return None
    try:
        allowed = trusted_types(root, recorded_here=store.recorded_here(snapshot))
        return load_model(store.get(primary.object), trusted=allowed)
    except Blocked as error:
        notes.append(f"{what} are not compared: {error}")
        return None


def _explained(
    root: Path,
    store: Store,
    snapshot: str,
    rows: pa.Table,
    features: list[str],
    settings: Settings,
    notes: list[str],
) -> tuple[Explained | None, Explained | None]:
    """The attributions that were signed off, and those of a sample of the logged predictions, found here in the same way.
    Where the model cannot be loaded, or nothing is to be explained, those that were asked for with predictions."""
    try:
        found = reference_attributions(store, snapshot)
        if found is None:
            return None, None
        before = sides.reference_explanations(store, found)
    except MlgovError as error:
        notes.append(f"the reference attributions cannot be read: {error}")
        return None, None
    if settings.explained_rows:
        model = _model(root, store, snapshot, notes, "attributions")
        if model is not None:
            return before, explain_log(
                root, store, snapshot, model, rows, found, settings.explained_rows, notes
            )
    if found.output.startswith(("log-odds", "score of")):
        notes.append(
            f"attributions are not compared: those that were signed off explain the {found.output}, "
            "the service's explain a probability"
        )
        return None, None
    return before, sides.logged_explanations(rows, features)


def _without(side: Any, features: list[str]) -> Any:
    from dataclasses import replace

    return replace(side, inputs=side.inputs.loc[:, features])


def tell(store: Store, found: Monitoring, author: str = "") -> None:
    """Keeps the run whole in the store and puts a ``drift`` entry about the snapshot on the ledger."""
    kept = store.put(canonical(found))
    store.append(
        "drift",
        found.snapshot,
        {
            "model": found.model,
            "stage": found.stage,
            "number": found.release,
            "decision": found.decision,
            "reasons": list(found.reasons[:5]),
            "rows": found.rows,
            "outcomes": found.outcomes,
            "monitoring": kept,
        },
        author=author,
    )


def amount(value: Any) -> float:
    """A recorded number, NaN where there is none."""
    found = number(value)
    return math.nan if found is None else found
