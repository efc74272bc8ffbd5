"""Is this file the report (or inventory) that was issued, and does what it was made from still hold?

Everything is answered from the file alone: its seal, its signature, and the proof inside it (``proofs``). Where the
project is at hand, its store is asked too. Nothing in the file is executed or rendered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.governance import signing
from jupyter_mlgov.report.proofs import Finding, names, proof_of
from jupyter_mlgov.report.seal import PREDICATE_TYPE, Sealed, subjects_of, unseal

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

LIMIT = 1 << 30
"""The largest file that is read, in bytes."""


class ReportCheck(Struct, frozen=True, kw_only=True):
    """The answer: ``ok`` is False where anything that was checked does not hold. An inventory has no ``snapshot``."""

    ok: bool
    file: str
    snapshot: str | None
    reference: str = ""
    signed_by: str | None = None
    checks: tuple[Finding, ...] = ()


def check_report(path: Path, *, key: str | None = None, store: Store | None = None) -> ReportCheck:
    """Checks the report or inventory at ``path``. With ``key`` (``ed25519:...``) it has to be signed by that key.

    Raises ``NotFound`` where there is no such file, ``UsageError`` for what is no public key.
    """
    if key is not None:
        signing.public_key(key)
    try:
        if path.exists() and not path.is_file():
            raise NotFound(f"{path} is not a file: give the path of a report")
        if path.stat().st_size > LIMIT:
            raise UsageError(f"{path} is larger than {LIMIT} bytes: that is no report")
        data = path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} cannot be read ({error.strerror}): give the path of a report") from error
    try:
        sealed = unseal(data)
    except ValueError as error:
        return _no(path, str(error))
    if sealed is None:
        return _no(path, "it does not end as a report does: it is none, or it was changed or cut off")
    proof = proof_of(sealed)
    signed_by, signature = _signature(sealed, key)
    checks = [_file(sealed), *proof.findings(data), signature]
    if store is not None:
        checks.append(proof.project(store))
    return ReportCheck(
        ok=all(one.passed is not False for one in checks),
        file=str(path),
        snapshot=proof.snapshot,
        reference=proof.reference,
        signed_by=signed_by,
        checks=tuple(checks),
    )


def _no(path: Path, reason: str) -> ReportCheck:
    finding = Finding(check="file", passed=False, reason=reason)
    return ReportCheck(ok=False, file=str(path), snapshot=None, checks=(finding,))


def _file(sealed: Sealed) -> Finding:
    if sealed.seal == sealed.digest:
        return Finding(check="file", passed=True, reason="every byte is as it was issued")
    return Finding(check="file", passed=False, reason="the file was changed after it was issued")


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
        and all(names(statement, digest) for digest in (sealed.digest, *subjects_of(sealed.proof)))
    )
    if holds:
        known = "the key that was asked for" if key else f"{wanted}; --key KEY asks for a key that you know"
        return wanted, Finding(check="signature", passed=True, reason=f"signed by {known}")
    other = f", the file names {claimed}" if key and claimed and claimed != wanted else ""
    return None, Finding(check="signature", passed=False, reason=f"not signed by {wanted}{other}")
