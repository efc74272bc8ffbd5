"""Is this file the report that was issued, and does what it was made from still hold?

Everything is answered from the file alone. Where the project is at hand, its store is asked too: whether the
snapshot is there, whole, and what has happened to it since. Nothing in the file is executed or rendered.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from blake3 import blake3
from msgspec import Struct

from jupyter_mlgov.errors import MlgovError, NotFound, UsageError
from jupyter_mlgov.governance import signing
from jupyter_mlgov.governance.approvals import PREDICATE_TYPE as APPROVAL
from jupyter_mlgov.records.canonical import identity
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.report.seal import PREDICATE_TYPE, Sealed, unseal

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

LIMIT = 1 << 30
"""The largest file that is read, in bytes."""
_SNAPSHOT = re.compile(rb'<meta name="mlgov-snapshot" content="([0-9a-f]{64})">')


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was checked. ``passed`` is None where it could not be."""

    check: str
    passed: bool | None
    reason: str


class ReportCheck(Struct, frozen=True, kw_only=True):
    """The answer: ``ok`` is False where anything that was checked does not hold."""

    ok: bool
    file: str
    snapshot: str | None
    reference: str = ""
    signed_by: str | None = None
    checks: tuple[Finding, ...] = ()


def check_report(path: Path, *, key: str | None = None, store: Store | None = None) -> ReportCheck:
    """Checks the report at ``path``. With ``key`` (``ed25519:...``) it has to be signed by that key.

    Raises ``NotFound`` where there is no such file, ``UsageError`` for what is no public key.
    """
    if key is not None:
        signing.public_key(key)
    try:
        if path.stat().st_size > LIMIT:
            raise UsageError(f"{path} is larger than {LIMIT} bytes: that is no report")
        data = path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} cannot be read ({error.strerror}): give the path of a report") from error
    try:
        sealed = unseal(data)
    except ValueError as error:
        return _no(path, "file", str(error))
    if sealed is None:
        return _no(path, "file", "it does not end as a report does: it is none, or it was changed or cut off")
    checks = [_file(sealed), *_record(sealed, data), *_approvals(sealed)]
    signed_by, signature = _signature(sealed, key)
    checks.append(signature)
    if store is not None:
        checks += _project(sealed, store)
    manifest = _manifest(sealed)
    return ReportCheck(
        ok=all(one.passed is not False for one in checks),
        file=str(path),
        snapshot=sealed.proof.get("snapshot") if manifest is not None else None,
        reference=_reference(sealed, manifest),
        signed_by=signed_by,
        checks=tuple(checks),
    )


def _no(path: Path, what: str, reason: str) -> ReportCheck:
    return ReportCheck(
        ok=False, file=str(path), snapshot=None, checks=(Finding(check=what, passed=False, reason=reason),)
    )


def _file(sealed: Sealed) -> Finding:
    if sealed.seal == sealed.digest:
        return Finding(check="file", passed=True, reason="every byte is as it was issued")
    return Finding(check="file", passed=False, reason="the file was changed after it was issued")


def _manifest(sealed: Sealed) -> Manifest | None:
    try:
        return msgspec.json.decode(sealed.proof.get("manifest") or "", type=Manifest)
    except (msgspec.MsgspecError, TypeError, UnicodeError):
        return None


def _record(sealed: Sealed, data: bytes) -> list[Finding]:
    """The manifest and the entries hash to the names that the page shows."""
    text, snapshot = sealed.proof.get("manifest"), sealed.proof.get("snapshot")
    made = blake3(str(text).encode("utf-8", "backslashreplace")).hexdigest()
    found = _SNAPSHOT.search(data[:20_000])
    shown = found[1].decode("ascii") if found else None
    checks = []
    if _manifest(sealed) is None:
        checks.append(Finding(check="snapshot", passed=False, reason="the record in the file is no snapshot"))
    elif made == snapshot == shown:
        checks.append(
            Finding(check="snapshot", passed=True, reason=f"the record in the file is {made}, whole")
        )
    else:
        checks.append(
            Finding(
                check="snapshot",
                passed=False,
                reason=f"the record in the file is {made[:12]}, and the page is about {str(shown)[:12]}",
            )
        )
    entries = _entries(sealed)
    wrong = [one for _, one in entries if one is None or one.subject != snapshot]
    if not entries or wrong:
        reason = (
            f"{len(wrong)} of {len(entries)} entries are not about this snapshot"
            if entries
            else "no ledger entry"
        )
        checks.append(Finding(check="ledger", passed=False, reason=reason))
    else:
        unseen = [name for name, _ in entries if name.encode()[:12] not in data]
        reason = f"{len(entries)} ledger entries about it, each with the name that the page shows"
        checks.append(
            Finding(
                check="ledger",
                passed=not unseen,
                reason=reason if not unseen else f"{len(unseen)} ledger entries are not on the page",
            )
        )
    return checks


def _entries(sealed: Sealed) -> list[tuple[str, Entry | None]]:
    texts = sealed.proof.get("entries")
    found: list[tuple[str, Entry | None]] = []
    for text in texts if isinstance(texts, list) else []:
        data = str(text).encode("utf-8", "backslashreplace")
        try:
            found.append((blake3(data).hexdigest(), msgspec.json.decode(data, type=Entry)))
        except msgspec.MsgspecError:
            found.append((blake3(data).hexdigest(), None))
    return found


def _approvals(sealed: Sealed) -> list[Finding]:
    checks = []
    for _, entry in _entries(sealed):
        if entry is None or entry.kind != "approval":
            continue
        envelope = entry.body.get("envelope")
        who = " ".join(str(entry.body.get("name"))[:80].split())
        if envelope is None:
            checks.append(Finding(check="approval", passed=None, reason=f"{who}'s decision is not signed"))
            continue
        key = signing.signer(envelope)
        statement = signing.verify(envelope, key) if key else None
        holds = (
            statement is not None
            and statement.get("predicateType") == APPROVAL
            and _names(statement, sealed.proof.get("snapshot"))
        )
        reason = f"{who}'s decision is signed by {key}" if holds else f"the signature of {who} does not hold"
        checks.append(Finding(check="approval", passed=holds, reason=reason))
    return checks


def _names(statement: dict[str, Any], digest: Any) -> bool:
    subjects = statement.get("subject")
    return any(
        isinstance(one, dict)
        and isinstance(one.get("digest"), dict)
        and one["digest"].get("blake3") == digest
        for one in (subjects if isinstance(subjects, list) else [])
    )


def _signature(sealed: Sealed, key: str | None) -> tuple[str | None, Finding]:
    claimed = signing.signer(sealed.envelope)
    wanted = key.strip().lower() if key else claimed
    if sealed.envelope is None or wanted is None:
        reason = "it is not signed: it is unchanged, and who made it is not known"
        return None, Finding(check="signature", passed=False if key else None, reason=reason)
    statement = signing.verify(sealed.envelope, wanted)
    holds = (
        statement is not None
        and statement.get("predicateType") == PREDICATE_TYPE
        and _names(statement, sealed.digest)
        and _names(statement, sealed.proof.get("snapshot"))
    )
    if holds:
        known = "the key that was asked for" if key else f"{wanted}; --key KEY asks for a key that you know"
        return wanted, Finding(check="signature", passed=True, reason=f"signed by {known}")
    other = f", the file names {claimed}" if key and claimed and claimed != wanted else ""
    return None, Finding(check="signature", passed=False, reason=f"not signed by {wanted}{other}")


def _reference(sealed: Sealed, manifest: Manifest | None) -> str:
    if manifest is None:
        return ""
    for _, entry in _entries(sealed):
        if entry is not None and entry.kind == "snapshot":
            return f"{manifest.experiment}@{entry.body.get('number')}"
    return manifest.experiment


def _project(sealed: Sealed, store: Store) -> list[Finding]:
    """What the project says about the snapshot, where it has it."""
    snapshot = str(sealed.proof.get("snapshot"))
    try:
        entries = store.entries(subject=snapshot)
        if not entries:
            reason = "the project here does not hold this snapshot; only the file was checked"
            return [Finding(check="project", passed=None, reason=reason)]
        manifest = store.manifest(snapshot)
    except MlgovError as error:
        return [Finding(check="project", passed=False, reason=f"the snapshot does not hold: {error}")]
    lost = 0
    for name in sorted(manifest.objects()):
        try:
            store.get(name)
        except MlgovError:
            lost += 1
    if lost:
        return [
            Finding(
                check="project",
                passed=False,
                reason=f"{lost} objects of the snapshot are lost or damaged in the project: run mlgov fsck",
            )
        ]
    known = {name for name, _ in _entries(sealed)}
    later = Counter(entry.kind for entry in entries if identity(entry) not in known)
    since = ", ".join(f"{number} {kind}" for kind, number in later.items())
    gone = known - {identity(entry) for entry in entries}
    if gone:
        reason = f"{len(gone)} ledger entries of this report are not on the project's ledger"
        return [Finding(check="project", passed=False, reason=reason)]
    reason = "the project holds the snapshot, whole"
    reason += (
        f"; since this report: {since} (make a new one)" if since else "; nothing has happened to it since"
    )
    return [Finding(check="project", passed=True, reason=reason)]
