"""Approvals: who decided what about exactly which record, signed.

An approval is an in-toto statement about two things: the snapshot (its id) and its annotations as they stood (charter,
KPIs and risks with what their checks gave). Any later change of either gives another digest, and the approval does
not apply any more. It is withdrawn by a later decision that the same key signs.

Which decision is the later one is signed, too: each names (``replaces``) those of its key and role that came before it. The
place on the ledger says nothing about that: whoever may append can repeat an old envelope, and a bundle brings them along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.governance import register, signing
from jupyter_mlgov.governance.values import one_line
from jupyter_mlgov.governance.words import fold
from jupyter_mlgov.records.canonical import identity, plain
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.moments import moment

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from jupyter_mlgov.store import Store

PREDICATE_TYPE = "urn:jupyter-mlgov:approval:v1"
TEXT_LIMIT = 10_000
FOREIGN = "it was signed for another snapshot"
REPEATED = "it repeats what an earlier entry holds"

Word = Literal["approved", "rejected", "revoked"]


@dataclass(frozen=True)
class Decision:
    """One decision on the ledger, as far as it can be trusted.

    ``key`` is the key whose signature holds (None: not signed, or the signature does not hold: ``fault`` says which).
    ``applies`` is False where the snapshot or its annotations are not what was signed.
    """

    entry: str
    at: str
    word: str
    name: str
    role: str
    message: str
    key: str | None
    applies: bool
    accepts: tuple[str, ...] = ()
    fault: str = ""
    statement: str = ""
    """64 hex digits that name what was signed; empty where nothing was."""
    decided: str = ""
    """When it was signed, by the signer's clock."""
    replaces: tuple[str, ...] = ()
    """The statements that it takes the place of."""


def annotations_digest(store: Store, snapshot: str) -> str:
    """64 hex digits that name charter, KPIs and risks of a snapshot as they stand now. How long a check took is not
    part of it."""
    risks = [_timeless(msgspec.to_builtins(risk)) for risk in register.register(store, snapshot)]
    charter = register.charter(store, snapshot)
    return identity(
        plain(
            {
                "charter": msgspec.to_builtins(charter),
                "kpis": msgspec.to_builtins(register.kpis(store, snapshot)),
                "risks": risks,
            }
        )
    )


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(part) for name, part in value.items() if name != "duration_s"}
    return [_timeless(part) for part in value] if isinstance(value, list | tuple) else value


def decide(
    store: Store,
    snapshot: str,
    key: Ed25519PrivateKey,
    *,
    word: Word,
    name: str,
    role: str,
    message: str,
    at: str,
    accepts: Sequence[str] = (),
    policy: str = "",
) -> Entry:
    """Signs a decision about the snapshot and appends it to the ledger. Raises ``UsageError``, ``NotFound`` (a risk
    that it does not have, nothing to revoke), and what the store raises."""
    check(store, snapshot, name=name, message=message, accepts=accepts)
    name, role = one_line(name.strip(), 200), one_line(role.strip(), 200)
    manifest = store.manifest(snapshot)
    number = store.number(snapshot)
    own = _signed_by(decisions(store, snapshot), signing.key_text(key.public_key()))
    before = [one for one in own if fold(one.role) == fold(role)]
    if word == "revoked" and (not before or _last(before).word == "revoked"):
        raise NotFound(f"nothing to revoke: {_nothing(own, role)}")
    predicate = {
        "decision": word,
        "name": name,
        "role": role,
        "message": message,
        "decidedOn": at,
        "accepts": list(dict.fromkeys(accepts)),
        "policy": policy,
        "replaces": [one.statement for one in before],
    }
    subjects = (
        (f"{manifest.experiment}@{number}" if number is not None else manifest.experiment, snapshot),
        ("annotations", annotations_digest(store, snapshot)),
    )
    envelope = signing.sign(signing.statement(subjects, PREDICATE_TYPE, predicate), key)
    body = {"name": name, "role": role, "decision": word, "message": message, "envelope": envelope}
    return store.append("approval", snapshot, body, author=name)


def check(store: Store, snapshot: str, *, name: str, message: str, accepts: Sequence[str]) -> None:
    """Raises ``UsageError`` or ``NotFound`` for what could not be signed with any key."""
    if not name.strip():
        raise UsageError('an approval names who decides: --as "NAME"')
    if len(message) > TEXT_LIMIT:
        raise UsageError(f"the message has {len(message)} characters (at most {TEXT_LIMIT}): shorten it")
    known = {risk.id for risk in register.register(store, snapshot)}
    for risk in accepts:
        if risk not in known:
            has = ", ".join(sorted(known)) or "none"
            raise NotFound(f"the snapshot has no risk {risk[:80]!r} to accept: its risks are {has}")


def decisions(store: Store, snapshot: str) -> tuple[Decision, ...]:
    """Every decision about the snapshot, oldest first. Only what a holding signature covers is believed."""
    entries = store.entries(subject=snapshot, kind="approval")
    if not entries:
        return ()
    now = annotations_digest(store, snapshot)
    seen: set[tuple[str, str]] = set()
    found = []
    for entry in entries:
        one = _read(entry, snapshot, now)
        if one.key is not None:
            signed = one.key, one.statement
            one = replace(one, applies=False, fault=REPEATED) if signed in seen else one
            seen.add(signed)
        found.append(one)
    return tuple(found)


def _read(entry: Entry, snapshot: str, annotations: str) -> Decision:
    envelope = entry.body.get("envelope")
    key = signing.signer(envelope)
    found = signing.verify(envelope, key) if key is not None else None
    if found is None or found.get("predicateType") != PREDICATE_TYPE:
        key, said = None, entry.body
        fault, applies = "its signature does not hold" if envelope else "it is not signed", True
        signed: dict[str, Any] = {}
    else:
        said = signed = found["predicate"] if isinstance(found.get("predicate"), dict) else {}
        fault = _fault(_subjects(found), snapshot, annotations)
        applies = not fault
    return Decision(
        entry=identity(entry),
        at=entry.at,
        word=str(said.get("decision")),
        name=str(said.get("name") or ""),
        role=str(said.get("role") or ""),
        message=str(said.get("message") or ""),
        key=key,
        applies=applies,
        accepts=_texts(signed.get("accepts")),
        fault=fault,
        statement=identity(found) if key is not None else "",
        decided=str(signed.get("decidedOn") or ""),
        replaces=_texts(signed.get("replaces")),
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _fault(subjects: set[str], snapshot: str, annotations: str) -> str:
    """Why what was signed is not this record as it stands; empty where it is."""
    if snapshot not in subjects:
        return FOREIGN
    return "" if annotations in subjects else "charter, KPIs or risks changed after it was signed"


def _subjects(statement: dict[str, Any]) -> set[str]:
    found = set()
    subjects = statement.get("subject")
    for one in subjects if isinstance(subjects, list) else []:
        digest = one.get("digest") if isinstance(one, dict) else None
        if isinstance(digest, dict) and isinstance(digest.get("blake3"), str):
            found.add(digest["blake3"])
    return found


def standing(found: Sequence[Decision]) -> tuple[Decision, ...]:
    """The decisions that nobody took back, oldest first.

    Of those that one key signed about this snapshot in one role the last one stands, so nobody else can take it back.
    One that is not signed is replaced by the next of the same name and role.
    """
    signed: dict[tuple[str, str], list[Decision]] = {}
    loose: dict[tuple[str, str], Decision] = {}
    foreign: list[Decision] = []
    for one in found:
        if one.key is None:
            loose[one.name, fold(one.role)] = one
        elif one.fault == FOREIGN:
            foreign += [one] if one.word == "approved" else []
        elif one.fault != REPEATED:
            signed.setdefault((one.key, fold(one.role)), []).append(one)
            loose.pop((one.name, fold(one.role)), None)
    last = map(_last, signed.values())
    rest = {id(one) for one in (*last, *loose.values(), *foreign) if one.word != "revoked"}
    return tuple(one for one in found if id(one) in rest)


def _last(own: Sequence[Decision]) -> Decision:
    """The last of one key's decisions in one role: the one that none of the others replaces. There are several of those
    where it decided in two places that did not know of each other; then the time that was signed says which."""
    replaced = {name for one in own for name in one.replaces}
    newest = [one for one in own if one.statement not in replaced] or own
    return max(newest, key=lambda one: moment(one.decided) or datetime.min.replace(tzinfo=UTC))


def _signed_by(found: Sequence[Decision], key: str) -> list[Decision]:
    return [one for one in found if one.key == key and one.fault not in (FOREIGN, REPEATED)]


def _nothing(own: Sequence[Decision], role: str) -> str:
    """What a key decided, where it decided nothing that stands in ``role``."""
    roles = list(dict.fromkeys(one.role for one in standing(own)))
    has = f"; it decided as {', '.join(map(repr, roles))}" if roles else ""
    return f"no decision of this key as {role!r} about this snapshot stands{has}"
