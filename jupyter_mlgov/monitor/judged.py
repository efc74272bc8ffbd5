"""What was found about a candidate, said again about the snapshot that it becomes.

Both say the same of a run but for the number that a snapshot has, so what holds of one holds of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.assess import run
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.verdict import Comparison

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def repeat(store: Store, judged: str, snapshot: str) -> None:
    """Puts risks, charter, assessments and verdicts about ``judged`` on the ledger about ``snapshot``, in their
    order. Raises ``StoreError``."""
    for entry in store.entries(subject=judged):
        body: Mapping[str, Any] = entry.body
        if entry.kind == "assessment":
            made = run.read(store, str(body["assessment"]))
            body = {
                **body,
                "assessment": store.put(canonical(msgspec.structs.replace(made, snapshot=snapshot))),
            }
        elif entry.kind == "rerun":
            found = decoded(store.get(str(body["comparison"])), Comparison)
            body = {
                **body,
                "comparison": store.put(canonical(msgspec.structs.replace(found, baseline=snapshot))),
            }
        elif entry.kind not in ("risk", "charter"):
            continue
        store.append(entry.kind, snapshot, body, author=entry.author)
