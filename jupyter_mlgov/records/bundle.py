"""What a bundle says of itself: its first member, canonical JSON."""

from __future__ import annotations

from msgspec import Struct

FORMAT = 1
"""Version of the bundle's form. A higher one is refused."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One member: the object with this digest, of that many bytes before compression."""

    digest: str
    bytes: int


class BundleIndex(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``snapshot`` is the id and its manifest an object like the others. ``chain`` names the object with the ledger
    entries, a line each, parents first, up to ``head``: the newest that is about the snapshot. ``tree`` names
    the files of its commit. ``objects`` are all members, in their order."""

    format: int
    snapshot: str
    experiment: str
    number: int
    chain: str
    head: str
    tree: str | None
    objects: tuple[Part, ...]
