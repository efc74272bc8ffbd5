"""What is known about a snapshot now: its manifest, and what the ledger has about exactly this snapshot since.

A manifest never changes. A risk that was evaluated after the run is a ledger entry, and the newest one about
an id replaces what came before. Targets only add up: a charter that is written later cannot take back a KPI
that the run was measured against.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from jupyter_mlgov.governance.kpis import judge, unite
from jupyter_mlgov.records.annotations import Charter, Kpi, KpiResult, Risk
from jupyter_mlgov.records.decoding import converted

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


class RegisteredRisk(Struct, frozen=True, kw_only=True):
    """A risk of a project, with the newest snapshot of the experiment that it belongs to."""

    experiment: str
    snapshot: str
    number: int | None
    notebook: str
    risk: Risk


def register(store: Store, id: str) -> tuple[Risk, ...]:  # noqa: A002 - the field's own name
    """The risk register of the snapshot ``id``, in the order in which the risks were first annotated.

    What a bundle said about a risk counts where this project says nothing of its own about it, as with verdicts. Raises what
    ``store.manifest`` raises. A ledger entry whose body is no risk is left out: ``fsck`` names it.
    """
    risks = {risk.id: risk for risk in store.manifest(id).risks}
    own = set(risks) if risks and store.recorded_here(id) else set()
    for entry, imported in store.evidence(id, "risk"):
        try:
            risk = converted(entry.body, Risk)
        except msgspec.ValidationError:
            continue
        if not (imported and risk.id in own):
            risks[risk.id] = risk
    return tuple(risks.values())


def charter(store: Store, id: str) -> Charter | None:  # noqa: A002
    """The charter in force for the snapshot ``id``: the newest on the ledger about it, else its manifest's; one
    that a bundle brought where this project has none of its own."""
    written = store.manifest(id).charter
    for entry, imported in reversed(store.evidence(id, "charter")):
        if imported and written is not None and store.recorded_here(id):
            break
        try:
            return converted(entry.body, Charter)
        except msgspec.ValidationError:
            continue
    return written


def kpis(store: Store, id: str, asked: Iterable[Kpi] = ()) -> tuple[KpiResult, ...]:  # noqa: A002
    """Every KPI of the snapshot ``id``: those of its manifest as judged then, those that a later charter adds, and those
    that are ``asked`` of every snapshot (the gate's policy)."""
    manifest = store.manifest(id)
    now = charter(store, id)
    known = unite(manifest.kpis)
    declared = manifest.charter.kpis if manifest.charter else ()
    said = {(kpi.metric, kpi.op, kpi.target) for kpi in known}
    added = [
        kpi
        for kpi in unite(declared, now.kpis if now else (), asked)
        if (kpi.metric, kpi.op, kpi.target) not in said
    ]
    return (*known, *judge(added, manifest.metrics))
