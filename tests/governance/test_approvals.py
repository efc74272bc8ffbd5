"""Signed approvals: what they hold for, who can take them back, and that others' tools can check them."""

from __future__ import annotations

import base64
import copy
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.governance import approvals, keys, signing
from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.governance.policy import Approver, Policy
from jupyter_mlgov.records.annotations import Check, Risk
from jupyter_mlgov.records.verdict import GateRule
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot

ADA, BO = Ed25519PrivateKey.from_private_bytes(b"a" * 32), Ed25519PrivateKey.from_private_bytes(b"b" * 32)
RISK = Risk(
    id="gap", situation="x", severity="high", likelihood="low", check=Check(expression="g < 1", passed=False)
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / ".mlgov")


@pytest.fixture
def snapshot(store: Store) -> str:
    made = add_snapshot(store, risks=(RISK,), author="Eve")
    store.append("rerun", made, {"verdict": "reproduced", "candidate": None, "comparison": None})
    return made


def sign(
    store: Store,
    snapshot: str,
    key: Ed25519PrivateKey = ADA,
    word: Any = "approved",
    name: str = "Ada",
    **more: Any,
) -> None:
    fields = {"role": "validator", "message": "m", "at": "2026-11-26T10:00:00Z", **more}
    approvals.decide(store, snapshot, key, word=word, name=name, **fields)


def rule(store: Store, snapshot: str, name: str, policy: Policy) -> GateRule:
    return next(one for one in decide(store, snapshot, policy).rules if one.rule == name)


ASKS = Policy(roles={"validator": 1})


def test_a_signed_approval_counts_in_its_role(store: Store, snapshot: str) -> None:
    asked = rule(store, snapshot, "approval validator", ASKS)
    assert not asked.passed
    assert 'mlgov approve baseline@1 --as NAME --role "validator"' in asked.reason
    sign(store, snapshot, role="Validator")
    assert rule(store, snapshot, "approval validator", ASKS).reason == "approved by Ada"
    two = rule(store, snapshot, "approval validator", Policy(roles={"validator": 2}))
    assert not two.passed
    sign(store, snapshot, ADA, name="Ada B.", role="validator")
    assert not rule(store, snapshot, "approval validator", Policy(roles={"validator": 2})).passed, (
        "one key, one person"
    )
    sign(store, snapshot, BO, name="Bo")
    assert rule(store, snapshot, "approval validator", Policy(roles={"validator": 2})).passed


def test_who_made_the_snapshot_cannot_approve_it(store: Store, snapshot: str) -> None:
    sign(store, snapshot, name=" eve ")
    asked = rule(store, snapshot, "approval validator", ASKS)
    assert not asked.passed
    assert "who made the snapshot cannot approve it" in asked.reason
    may = msgspec.structs.replace(ASKS, author_may_approve=True)
    assert rule(store, snapshot, "approval validator", may).passed


@pytest.mark.parametrize("change", ["risk", "charter"])
def test_any_later_change_makes_an_approval_not_apply(store: Store, snapshot: str, change: str) -> None:
    sign(store, snapshot)
    if change == "risk":
        store.append("risk", snapshot, msgspec.to_builtins(msgspec.structs.replace(RISK, severity="medium")))
    else:
        store.append("charter", snapshot, {"title": "Another purpose", "kpis": []})
    asked = rule(store, snapshot, "approval validator", ASKS)
    assert not asked.passed
    assert "charter, KPIs or risks changed after it was signed" in asked.reason
    sign(store, snapshot)
    assert rule(store, snapshot, "approval validator", ASKS).passed


def test_how_long_a_check_took_is_no_change(store: Store, snapshot: str) -> None:
    sign(store, snapshot)
    slower = msgspec.structs.replace(RISK, check=msgspec.structs.replace(RISK.check, duration_s=3.5))
    store.append("risk", snapshot, msgspec.to_builtins(slower))
    assert rule(store, snapshot, "approval validator", ASKS).passed


def test_an_approval_copied_from_another_snapshot_does_not_count(store: Store, snapshot: str) -> None:
    other = add_snapshot(store, message="other", risks=(RISK,), author="Eve")
    sign(store, other)
    (entry,) = store.entries(subject=other, kind="approval")
    store.append("approval", snapshot, entry.body)
    asked = rule(store, snapshot, "approval validator", ASKS)
    assert not asked.passed
    assert "signed for another snapshot" in asked.reason


def edited(envelope: dict[str, Any], **changes: Any) -> dict[str, Any]:
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"] |= changes
    return {**envelope, "payload": base64.b64encode(json.dumps(statement).encode()).decode()}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda envelope: edited(envelope, name="Grace"),
        lambda envelope: {**envelope, "payloadType": "text/plain"},
        lambda envelope: {**envelope, "payload": "!"},
        lambda envelope: {**envelope, "signatures": [{"keyid": signing.key_text(BO.public_key()), "sig": envelope["signatures"][0]["sig"]}]},
        lambda envelope: {**envelope, "signatures": []},
        lambda envelope: {**envelope, "signatures": "x"},
        lambda _: "x",
        lambda _: None,
        lambda _: {},
    ],
)  # fmt: skip
def test_what_no_signature_covers_is_not_believed(
    store: Store, snapshot: str, spoil: Callable[[dict[str, Any]], Any]
) -> None:
    sign(store, snapshot)
    (entry,) = store.entries(subject=snapshot, kind="approval")
    forged = add_snapshot(store, message="forged", risks=(RISK,))
    store.append("approval", forged, {**entry.body, "envelope": spoil(copy.deepcopy(entry.body["envelope"]))})
    (one,) = approvals.decisions(store, forged)
    assert one.key is None
    assert one.fault in ("its signature does not hold", "it is not signed")
    assert not rule(store, forged, "approval validator", ASKS).passed


def test_only_listed_keys_count_where_the_policy_lists_them(store: Store, snapshot: str) -> None:
    listed = Policy(
        roles={"validator": 1},
        approvers=(Approver(name="Grace", key=signing.key_text(BO.public_key()), roles=("validator",)),),
    )
    sign(store, snapshot)
    assert "not one of the approvers" in rule(store, snapshot, "approval validator", listed).reason
    sign(store, snapshot, BO, name="Ada")
    assert "its key belongs to Grace" in rule(store, snapshot, "approval validator", listed).reason
    sign(store, snapshot, BO, name="grace", role="model owner")
    owner = msgspec.structs.replace(listed, roles={"model owner": 1})
    assert "may not approve as model owner" in rule(store, snapshot, "approval model owner", owner).reason
    sign(store, snapshot, BO, name="Grace")
    assert rule(store, snapshot, "approval validator", listed).passed


def test_a_rejection_is_taken_back_by_the_key_that_signed_it_and_by_no_other(
    store: Store, snapshot: str
) -> None:
    sign(store, snapshot, word="rejected")
    sign(store, snapshot, BO, name="Ada")
    sign(store, snapshot, BO, word="revoked", name="Ada")
    assert not rule(store, snapshot, "rejection", Policy()).passed
    sign(store, snapshot, word="revoked")
    assert rule(store, snapshot, "rejection", Policy()).passed


def test_a_revoked_approval_does_not_count(store: Store, snapshot: str) -> None:
    sign(store, snapshot)
    sign(store, snapshot, word="revoked")
    assert not rule(store, snapshot, "approval validator", ASKS).passed


def again(store: Store, snapshot: str, place: int = 0) -> None:
    """Somebody else appends the envelope of the ``place``-th decision once more."""
    entry = store.entries(subject=snapshot, kind="approval")[place]
    store.append("approval", snapshot, entry.body, author="Mallory")


@pytest.mark.parametrize("word", ["rejected", "revoked"])
def test_an_old_approval_that_is_repeated_takes_nothing_back(
    store: Store, snapshot: str, word: Literal["rejected", "revoked"]
) -> None:
    sign(store, snapshot)
    sign(store, snapshot, word=word)
    before = decide(store, snapshot, ASKS)
    again(store, snapshot)
    assert decide(store, snapshot, ASKS) == before
    assert not rule(store, snapshot, "approval validator", ASKS).passed
    last = approvals.decisions(store, snapshot)[-1]
    assert (last.applies, last.fault) == (False, "it repeats what an earlier entry holds")


def test_a_signature_of_somebody_else_under_the_same_words_is_no_repetition(
    store: Store, snapshot: str
) -> None:
    sign(store, snapshot, BO)
    (entry,) = store.entries(subject=snapshot, kind="approval")
    payload = base64.b64decode(entry.body["envelope"]["payload"])
    store.append("approval", snapshot, {**entry.body, "envelope": signing.sign(payload, ADA)})
    assert [one.fault for one in approvals.decisions(store, snapshot)] == ["", ""]


def test_what_was_signed_first_stays_first_in_whatever_order_a_bundle_brings_it(
    store: Store, snapshot: str, tmp_path: Path
) -> None:
    sign(store, snapshot)
    sign(store, snapshot, word="rejected")
    elsewhere = Store.create(tmp_path / "elsewhere")
    assert add_snapshot(elsewhere, risks=(RISK,), author="Eve") == snapshot
    for entry in reversed(store.entries(subject=snapshot, kind="approval")):
        elsewhere.append("approval", snapshot, entry.body)
    assert [one.word for one in approvals.standing(approvals.decisions(elsewhere, snapshot))] == ["rejected"]


def test_of_decisions_that_did_not_know_of_each_other_the_signed_time_says_which_is_last(
    store: Store, snapshot: str, tmp_path: Path
) -> None:
    elsewhere = Store.create(tmp_path / "elsewhere")
    add_snapshot(elsewhere, risks=(RISK,), author="Eve")
    sign(elsewhere, snapshot, at="2026-11-26T09:00:00Z")
    sign(store, snapshot, word="rejected", at="2026-11-26T10:00:00.5Z")
    (early,) = elsewhere.entries(subject=snapshot, kind="approval")
    store.append("approval", snapshot, early.body)
    assert not rule(store, snapshot, "rejection", ASKS).passed
    sign(store, snapshot, at="2026-11-26T08:00:00Z")
    assert rule(store, snapshot, "approval validator", ASKS).passed, "a clock that was set back"


def test_a_revocation_finds_what_it_revokes_however_the_role_is_typed_or_is_refused(
    store: Store, snapshot: str
) -> None:
    sign(store, snapshot, role="Model  Owner")
    with pytest.raises(
        NotFound, match=r"no decision of this key as 'validator' .* it decided as 'Model Owner'"
    ):
        sign(store, snapshot, word="revoked")
    with pytest.raises(NotFound, match="nothing to revoke"):
        sign(store, snapshot, BO, word="revoked", role="model owner")
    sign(store, snapshot, word="revoked", role="model owner")
    assert approvals.standing(approvals.decisions(store, snapshot)) == ()
    with pytest.raises(NotFound, match=r"stands$"):
        sign(store, snapshot, word="revoked", role="model owner")


def test_two_keys_of_one_person_are_one_person(store: Store, snapshot: str) -> None:
    both = tuple(Approver(name="Anna", key=signing.key_text(key.public_key())) for key in (ADA, BO))
    for policy in (Policy(roles={"validator": 2}), Policy(roles={"validator": 2}, approvers=both)):
        sign(store, snapshot, ADA, name="Anna")
        sign(store, snapshot, BO, name="anna")
        asked = rule(store, snapshot, "approval validator", policy)
        assert not asked.passed
        assert "1 of 2 people" in asked.reason


def test_a_signed_acceptance_names_its_risk(store: Store, snapshot: str) -> None:
    asks = Policy(acceptance="signed")
    assert "--accept gap" in rule(store, snapshot, "risk gap", asks).reason
    with pytest.raises(NotFound, match="no risk 'gab' to accept: its risks are gap"):
        sign(store, snapshot, accepts=["gab"])
    sign(store, snapshot, accepts=["gap"])
    assert rule(store, snapshot, "risk gap", asks).reason.startswith(
        "high risk, accepted by Ada with a signature"
    )
    assert not rule(store, snapshot, "risk gap", Policy(acceptance="never")).passed


def test_other_tools_can_check_an_approval_with_the_public_key_alone(store: Store, snapshot: str) -> None:
    sign(store, snapshot)
    (entry,) = store.entries(subject=snapshot, kind="approval")
    envelope = Envelope.from_dict(copy.deepcopy(entry.body["envelope"]))
    public = ADA.public_key().public_bytes_raw().hex()
    key = SSlibKey(signing.key_text(ADA.public_key()), "ed25519", "ed25519", {"public": public})
    assert envelope.verify([key], 1) == {key.keyid: key}
    stranger = SSlibKey(key.keyid, "ed25519", "ed25519", {"public": BO.public_key().public_bytes_raw().hex()})
    with pytest.raises(VerificationError):
        envelope.verify([stranger], 1)
    statement = json_format.Parse(envelope.payload, statement_pb2.Statement())
    Statement.copy_from_pb(statement).validate()
    assert statement.subject[0].name == "baseline@1"
    assert statement.subject[0].digest["blake3"] == snapshot


def test_an_envelope_of_another_tool_is_read(store: Store, snapshot: str) -> None:
    from securesystemslib.signer import CryptoSigner

    payload = signing.statement([("x", "0" * 64)], "urn:test", {"a": 1})
    signer = CryptoSigner(ADA)
    envelope = Envelope(payload, signing.PAYLOAD_TYPE, {})
    envelope.sign(signer)
    read = signing.verify(envelope.to_dict(), signing.key_text(ADA.public_key()))
    assert read is not None
    assert read["predicate"] == {"a": 1}
    assert signing.verify(envelope.to_dict(), signing.key_text(BO.public_key())) is None


@pytest.fixture
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "keys"
    monkeypatch.setenv("MLGOV_KEYS", str(folder))
    monkeypatch.delenv("MLGOV_PASSPHRASE", raising=False)
    return folder


def test_a_key_is_readable_by_its_owner_only_and_is_never_replaced(own_keys: Path) -> None:
    made = keys.new("work")
    assert stat.S_IMODE(Path(made.path).stat().st_mode) == 0o600
    assert stat.S_IMODE(own_keys.stat().st_mode) == 0o700
    assert keys.listed() == [made]
    assert signing.key_text(keys.load("work").public_key()) == made.key
    with pytest.raises(UsageError, match="there is a key work already"):
        keys.new("work")
    with pytest.raises(NotFound, match=r"no key 'home' .*: there are work"):
        keys.load("home")
    with pytest.raises(UsageError, match="key name"):
        keys.new("../work")


def test_a_passphrase_is_asked_for_and_a_wrong_one_refused(
    own_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = keys.new(passphrase="open sesame")
    assert b"ENCRYPTED" in Path(made.path).read_bytes()
    assert keys.listed()[0].protection == "passphrase"
    assert keys.load(ask=lambda prompt: "open sesame").public_key() is not None
    with pytest.raises(UsageError, match="the passphrase is wrong"):
        keys.load(ask=lambda prompt: "sesame")
    with pytest.raises(UsageError, match="MLGOV_PASSPHRASE"):
        keys.load()
    monkeypatch.setenv("MLGOV_PASSPHRASE", "open sesame")
    assert keys.load() is not None


def test_the_os_keyring_keeps_a_passphrase_that_nobody_types(own_keys: Path) -> None:
    import keyring
    from keyring.backend import KeyringBackend

    class Memory(KeyringBackend):
        priority = 1  # type: ignore[assignment]
        kept: ClassVar[dict[tuple[str, str], str]] = {}

        def get_password(self, service: str, username: str) -> str | None:
            return self.kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            self.kept[service, username] = password

    before = keyring.get_keyring()
    keyring.set_keyring(Memory())
    try:
        made = keys.new(keyring=True)
        assert b"ENCRYPTED" in Path(made.path).read_bytes()
        assert keys.listed()[0].protection == "keyring"
        assert signing.key_text(keys.load().public_key()) == made.key
        Memory.kept.clear()
        with pytest.raises(UsageError, match="holds no passphrase"):
            keys.load()
    finally:
        keyring.set_keyring(before)
