"""What the ledger knows of a model at work: the newest monitor run of each model and stage with those before it, and the
retrainings with what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.records import release as records
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.monitoring import Monitored, Monitoring, MonitorRun
from jupyter_mlgov.records.retraining import Retraining

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

RUNS = 50
"""Runs of one model and stage that are listed."""


def monitored(store: Store) -> list[Monitored]:
    """The newest monitor run of each model and stage, whole, by name. One that cannot be read is left out: ``mlgov fsck``
    names it."""
    entries: dict[tuple[str, str], list[Entry]] = {}
    for entry in store.entries(kind="drift"):
        entries.setdefault((str(entry.body.get("model")), str(entry.body.get("stage"))), []).append(entry)
    there = {
        (one.model, one.stage): one.number
        for entry in store.entries(kind="release")
        if (one := records.read(entry)) is not None
    }
    found = []
    for name, runs in sorted(entries.items()):
        newest = runs[-1]
        try:
            made = decoded(store.get(str(newest.body.get("monitoring"))), Monitoring)
            experiment = store.manifest(newest.subject).experiment
        except (MlgovError, msgspec.MsgspecError):
            continue
        found.append(
            Monitored(
                monitoring=made,
                experiment=experiment,
                number=store.number(newest.subject),
                current=there.get(name) == made.release,
                runs=tuple(_run(entry) for entry in reversed(runs[-RUNS:])),
            )
        )
    return found


def _run(entry: Entry) -> MonitorRun:
    body = entry.body
    return MonitorRun(
        at=entry.at,
        release=body.get("number") if type(body.get("number")) is int else None,
        decision=body.get("decision", "nothing"),
        reasons=tuple(map(str, body.get("reasons") or ())),
        rows=int(body.get("rows") or 0),
        outcomes=int(body.get("outcomes") or 0),
    )


def retrainings(store: Store, *, subject: str | None = None) -> list[Retraining]:
    """Retrainings, oldest first, each with its release where one followed; only those about the snapshot ``subject`` where
    that is given. One that cannot be read is left out: ``mlgov fsck`` names it."""
    found = []
    for entry in store.entries(subject=subject, kind="retrain"):
        try:
            made = decoded(store.get(str(entry.body.get("retraining"))), Retraining)
        except (MlgovError, msgspec.MsgspecError):
            continue
        found.append(_with_release(store, made))
    return found


def _with_release(store: Store, made: Retraining) -> Retraining:
    if made.snapshot is None:
        return made
    for entry in store.entries(subject=made.snapshot, kind="release"):
        one = records.read(entry)
        if one is not None and (one.model, one.stage) == (made.model, made.stage):
            return msgspec.structs.replace(made, outcome="released", release=one)
    return made
