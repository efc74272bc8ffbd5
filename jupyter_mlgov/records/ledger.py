"""Ledger entries: what happened, each naming the entries before it by digest.

An entry's id is the BLAKE3 digest of its canonical JSON, and ``parents`` holds ids, so any edit, loss or
reorder breaks a link. There is one parent in a store of one line; uniting two stores makes an entry with two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from msgspec import Struct

EntryKind = Literal[
    "snapshot",
    "candidate",
    "rerun",
    "risk",
    "charter",
    "approval",
    "assessment",
    "release",
    "drift",
    "retrain",
    "lock",
    "import",
]


class Entry(Struct, frozen=True, kw_only=True):
    """One thing that happened.

    ``subject`` is the id of the snapshot it is about. ``body`` depends on ``kind``:

    - ``snapshot``: ``{"experiment": str, "number": int}``, with ``"imported": true`` for one that another store made;
      ``candidate``: ``{"experiment": str}``
    - ``rerun``: ``{"verdict": str, "candidate": id or None, "comparison": digest of the whole document}``
    - ``risk``: a ``Risk``; ``charter``: a ``Charter``
    - ``assessment``: ``{"assessment": digest of an ``Assessment``, "attributions": digest of its ``Attributions`` or None,
      "objects": digests of the pictures and tables that these name, "suite": digest of the settings, "counts": {verdict:
      number}}``
    - ``lock``: ``{"inventory": digest, "lock": digest of a pylock.toml, "unlocked": packages that are not in it}``
    - ``approval``: ``{"name": str, "role": str, "decision": "approved" | "rejected" | "revoked", "message": str,
      "envelope": the signed statement as a DSSE envelope}``; only what the envelope says is believed
    - ``release``: ``{"model": str, "stage": str, "number": int, "gate": digest of the gate's decision,
      "previous": int or None, "message": str}``
    - ``drift``: ``{"model": str, "stage": str, "number": int, "decision": "nothing" | "watch" | "retrain" | "roll back",
      "reasons": [str], "rows": int, "outcomes": int, "monitoring": digest of the whole ``Monitoring``}``
    - ``retrain``, about the snapshot that came of it (about the released one where the notebook failed): ``{"model": str,
      "stage": str, "number": int, "champion": id, "outcome": str, "retraining": digest of the whole ``Retraining``}``
    - ``import``: ``{"experiment": str, "number": int, "head": id, "chain": digest, "commit": str or None, "tree": digest or
      None, "entries": ids}``: where the snapshot came from, and what of that ledger is repeated after this entry
    """

    schema: int = 1
    kind: EntryKind
    subject: str
    at: str
    author: str = ""
    parents: tuple[str, ...] = ()
    body: dict[str, Any] = {}


def repeated(entry: Entry) -> list[str]:
    """The ids of the entries that an ``import`` entry says were repeated; none for other kinds."""
    names = entry.body.get("entries") if entry.kind == "import" else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def with_origin(lines: Iterable[tuple[str, Entry]]) -> Iterator[tuple[str, Entry, bool]]:
    """Entries in ledger order with their names, each with whether a bundle brought it: those about the snapshot that
    follow its ``import`` entry, as many as that names. An import and what it repeats become part of a ledger at once."""
    left: dict[str, int] = {}
    for name, entry in lines:
        imported = left.get(entry.subject, 0) > 0
        yield name, entry, imported
        if imported:
            left[entry.subject] -= 1
        if entry.kind == "import":
            left[entry.subject] = len(repeated(entry))
