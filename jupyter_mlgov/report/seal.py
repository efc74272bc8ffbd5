"""The seal of a report or inventory: what it was made from, and a digest over every byte of the file.

The page ends with one hidden element. Its text is the proof, compressed: of a report the snapshot's manifest and the
ledger entries about it in their own canonical bytes, so that each can be hashed again; of an inventory each snapshot's
id with the ids of its entries. Its attributes are ``data-seal``, the BLAKE3 digest of the whole file with both
attributes empty, and ``data-signature``, a DSSE envelope over that digest and the snapshots' ids where it was signed.
A seal alone shows that nothing was changed by accident or by hand; that nobody made another file and sealed it anew,
only a signature by a key one knows shows.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from jupyter_mlgov.governance import signing
from jupyter_mlgov.records.canonical import canonical, identity

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from jupyter_mlgov.store import Store

PREDICATE_TYPE = "urn:jupyter-mlgov:report:v1"
PROOF_LIMIT = 1 << 28
"""The largest proof that is unpacked, in bytes."""
_OPEN, _CLOSE = '<div hidden id="mlgov-proof"', "</div>"
_ELEMENT = re.compile(
    rb'<div hidden id="mlgov-proof" data-seal="([0-9a-f]{0,64})" data-signature="([A-Za-z0-9+/=]*)">'
    rb"([A-Za-z0-9+/=]*)</div>\n</body>\n</html>\n?"
)


@dataclass(frozen=True)
class Sealed:
    """What a sealed file says about itself. ``digest`` is computed anew; ``seal`` is what the file claims."""

    seal: str
    digest: str
    envelope: Any
    proof: dict[str, Any]


def proof(store: Store, snapshot: str) -> dict[str, Any]:
    """The manifest and the ledger entries about a snapshot as the texts that were hashed."""
    return {
        "format": 1,
        "snapshot": snapshot,
        "manifest": store.manifest_bytes(snapshot).decode("utf-8"),
        "entries": [canonical(entry).decode("utf-8") for entry in store.entries(subject=snapshot)],
    }


def inventory_proof(store: Store, snapshots: Sequence[str], policy: str) -> dict[str, Any]:
    """The snapshots of an inventory with the names of the ledger entries about each, and the digest of the policy."""
    return {
        "format": 1,
        "policy": policy,
        "inventory": [
            {
                "snapshot": snapshot,
                "entries": [identity(entry) for entry in store.entries(subject=snapshot)],
            }
            for snapshot in snapshots
        ],
    }


def rows_of(held: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The rows of an inventory's proof: a snapshot's id with the ids of its entries. Empty where it is of another form."""
    rows = held.get("inventory")
    try:
        return [(str(row["snapshot"]), list(map(str, row["entries"]))) for row in rows]  # type: ignore[union-attr]
    except (TypeError, KeyError):
        return []


def subjects_of(held: dict[str, Any]) -> list[str]:
    """The ids of the snapshots that a proof is about."""
    return [snapshot for snapshot, _ in rows_of(held)] if "inventory" in held else [str(held.get("snapshot"))]


def seal(page: str, held: dict[str, Any], *, name: str, key: Ed25519PrivateKey | None = None) -> str:
    """``page`` with its proof, sealed, and signed where there is a ``key``. The same input gives the same text.
    ``name`` is what a signature calls the snapshots."""
    import zstandard

    packed = base64.b64encode(zstandard.ZstdCompressor(level=10).compress(canonical(held))).decode("ascii")
    body, end, tail = page.rpartition("</body>")
    if not end:
        raise ValueError("the page has no end")

    def element(digest: str, signature: str) -> str:
        return (
            f'{body}{_OPEN} data-seal="{digest}" data-signature="{signature}">{packed}{_CLOSE}\n</body>{tail}'
        )

    digest = blake3(element("", "").encode("utf-8")).hexdigest()
    if key is None:
        return element(digest, "")
    subjects = [("report", digest), *((name, snapshot) for snapshot in subjects_of(held))]
    statement = signing.statement(subjects, PREDICATE_TYPE, {})
    envelope = canonical(signing.sign(statement, key))
    return element(digest, base64.b64encode(envelope).decode("ascii"))


def unseal(data: bytes) -> Sealed | None:
    """What the bytes of a report say; None where they do not end as a sealed report does.

    Raises ``ValueError`` where the proof itself cannot be read.
    """
    import zstandard

    found = _ELEMENT.search(data, max(data.rfind(_OPEN.encode()), 0))
    if found is None or found.end() != len(data):
        return None
    blank = data[: found.start(1)] + data[found.end(1) : found.start(2)] + data[found.end(2) :]
    try:
        packed = base64.b64decode(found[3], validate=True)
        if not 0 <= zstandard.frame_content_size(packed) <= PROOF_LIMIT:
            raise ValueError("the proof is too large")
        held = json.loads(zstandard.ZstdDecompressor().decompress(packed, max_output_size=PROOF_LIMIT))
        envelope = json.loads(base64.b64decode(found[2], validate=True)) if found[2] else None
    except (binascii.Error, zstandard.ZstdError, ValueError, RecursionError) as error:
        raise ValueError(f"its proof cannot be read ({error})") from error
    if not isinstance(held, dict):
        raise ValueError("its proof is no record")
    return Sealed(found[1].decode("ascii"), blake3(blank).hexdigest(), envelope, held)
