"""Signed statements: in-toto Statement v1 inside a DSSE envelope, ed25519.

What is signed are the exact bytes of the payload with their type (DSSE's pre-authentication encoding), never a
parsed form of them. A public key is written ``ed25519:<64 hex digits>``, and that is also its ``keyid``: whoever
holds the key can check a statement with any DSSE tool, without this software, a project or a network.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.canonical import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_KEY = re.compile(r"ed25519:[0-9a-f]{64}")
LIMIT = 1 << 20
"""The largest payload that is read, in bytes."""


def statement(
    subjects: Sequence[tuple[str, str]], predicate_type: str, predicate: Mapping[str, Any]
) -> bytes:
    """The canonical JSON of an in-toto statement about ``subjects``: pairs of a name and BLAKE3 hex digits."""
    return canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"blake3": digest}} for name, digest in subjects],
            "predicateType": predicate_type,
            "predicate": dict(predicate),
        }
    )


def sign(payload: bytes, key: Ed25519PrivateKey) -> dict[str, Any]:
    """A DSSE envelope around ``payload``."""
    return {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode("ascii"),
        "signatures": [
            {
                "keyid": key_text(key.public_key()),
                "sig": base64.b64encode(key.sign(_encoded(payload))).decode("ascii"),
            }
        ],
    }


def verify(envelope: Any, key: str) -> dict[str, Any] | None:
    """The statement of an envelope that ``key`` (``ed25519:...``) signed; None where it did not, or it holds none."""
    from cryptography.exceptions import InvalidSignature

    if not isinstance(envelope, Mapping) or envelope.get("payloadType") != PAYLOAD_TYPE:
        return None
    payload = _decoded(envelope.get("payload"))
    signatures = envelope.get("signatures")
    if payload is None or len(payload) > LIMIT or not isinstance(signatures, list):
        return None
    public = public_key(key)
    for one in signatures[:16]:
        signature = _decoded(one.get("sig")) if isinstance(one, Mapping) else None
        if signature is None:
            continue
        try:
            public.verify(signature, _encoded(payload))
        except InvalidSignature:
            continue
        return _statement(payload)
    return None


def signer(envelope: Any) -> str | None:
    """The key that an envelope says it was signed with, where it is one: a hint until ``verify`` was asked."""
    try:
        named = envelope["signatures"][0]["keyid"]
    except (KeyError, IndexError, TypeError):
        return None
    return named if isinstance(named, str) and _KEY.fullmatch(named) else None


def key_text(key: Ed25519PublicKey) -> str:
    """``ed25519:<64 hex digits>``."""
    return "ed25519:" + key.public_bytes_raw().hex()


def public_key(text: str) -> Ed25519PublicKey:
    """The key that ``ed25519:<64 hex digits>`` says. Raises ``UsageError``."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    name = text.strip().lower()
    if not _KEY.fullmatch(name):
        raise UsageError(
            f"{text[:80]!r} is no public key: write ed25519: and 64 hex digits, as `mlgov key list` shows it"
        )
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(name.removeprefix("ed25519:")))


def _encoded(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _decoded(text: Any) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        return None


def _statement(payload: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("_type") == STATEMENT_TYPE else None
