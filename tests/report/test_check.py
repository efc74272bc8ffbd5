"""``report --check``: a report that was issued is told from every other file."""

from __future__ import annotations

import base64
import os
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov import report
from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.governance import approvals, signing
from jupyter_mlgov.report.check import ReportCheck, check_report
from jupyter_mlgov.report.seal import proof, seal
from jupyter_mlgov.store import Store
from tests.report.conftest import context
from tests.report.sample import Sample

ADA, BO = Ed25519PrivateKey.from_private_bytes(b"a" * 32), Ed25519PrivateKey.from_private_bytes(b"b" * 32)


def issued(one: Sample, key: Ed25519PrivateKey | None = None) -> str:
    return seal(report.render(context(one)), proof(one.store, one.id), name="mortgage@1", key=key)


def checked(folder: Path, text: str | bytes, **options: Any) -> ReportCheck:
    path = folder / "r.html"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return check_report(path, **options)


def failing(found: ReportCheck) -> dict[str, str]:
    assert found.ok == all(one.passed is not False for one in found.checks)
    return {one.check: one.reason for one in found.checks if one.passed is False}


@pytest.fixture(scope="module")
def page(good: Sample) -> str:
    return issued(good)


def test_what_was_issued_is_what_was_issued_anywhere(page: str, good: Sample, tmp_path: Path) -> None:
    found = checked(tmp_path, page)
    assert failing(found) == {}
    assert found.snapshot == good.id
    assert found.reference.endswith("@1")
    assert found.signed_by is None
    assert {one.check: one.passed for one in found.checks}["signature"] is None
    assert issued(good) == page, "the same record gives the same file"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.floats(0, 1, exclude_max=True),
    byte=st.integers(0, 255),
    how=st.sampled_from(["set", "cut", "add"]),
)
def test_any_edit_anywhere_is_found(page: str, tmp_path: Path, place: float, byte: int, how: str) -> None:
    data = page.encode()
    at = int(place * len(data))
    new = bytes([byte])
    edited = data[:at] + {"set": new, "cut": b"", "add": new + data[at : at + 1]}[how] + data[at + 1 :]
    if edited != data:
        assert not checked(tmp_path, edited).ok


def test_each_byte_of_the_seal_counts_too(page: str, tmp_path: Path) -> None:
    data = page.encode()
    start = data.rindex(b'<div hidden id="mlgov-proof"')
    places = random.Random(0).sample(range(start, len(data)), 150)
    for at in (*places, len(data) - 1, start, start + 45):
        edited = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        assert not checked(tmp_path, edited).ok, at


@pytest.mark.parametrize(
    "change",
    [
        lambda page: page.replace("gate is open", "gate is shut"),
        lambda page: page.replace("gate is open", "gate is 0pen", 1),
        lambda page: page + "\n",
        lambda page: page + "<script>alert(1)</script>",
        lambda page: "<!doctype html>" + page,
        lambda page: page[: len(page) // 2],
        lambda page: re.sub(r'data-seal="[^"]*"', 'data-seal=""', page),
        lambda page: re.sub(r'<div hidden id="mlgov-proof".*</div>\n', "", page),
        lambda page: page.replace("\n", "\r\n"),
        lambda page: "",
        lambda page: "<html></html>",
    ],
)
def test_edits_that_people_make_are_found(page: str, tmp_path: Path, change: Any) -> None:
    assert not checked(tmp_path, change(page)).ok


def test_a_proof_of_another_snapshot_does_not_fit(good: Sample, rich: Sample, tmp_path: Path) -> None:
    swapped = seal(report.render(context(good)), proof(rich.store, rich.id), name="x")
    assert set(failing(checked(tmp_path, swapped))) >= {"snapshot", "ledger"}


def test_a_record_that_was_edited_and_sealed_anew_has_another_name(good: Sample, tmp_path: Path) -> None:
    held = proof(good.store, good.id)
    held["manifest"] = held["manifest"].replace('"auc":0.8123', '"auc":0.9123')
    assert "0.9123" in held["manifest"]
    assert "snapshot" in failing(checked(tmp_path, seal(report.render(context(good)), held, name="x")))
    held = proof(good.store, good.id)
    held["entries"] = [text.replace("approved", "rejected") for text in held["entries"]]
    assert "ledger" in failing(checked(tmp_path, seal(report.render(context(good)), held, name="x")))


def test_who_signed_it_is_told_and_asked_for(good: Sample, tmp_path: Path) -> None:
    signed = issued(good, ADA)
    ada, bo = (signing.key_text(key.public_key()) for key in (ADA, BO))
    assert checked(tmp_path, signed).signed_by == ada
    assert failing(checked(tmp_path, signed, key=ada.upper().replace("ED", "ed"))) == {}
    assert "signature" in failing(checked(tmp_path, signed, key=bo))
    assert "signature" in failing(checked(tmp_path, issued(good), key=ada))
    # Sealed anew by somebody else after an edit: whole in itself, and not signed by the key one knows.
    forged = seal(
        report.render(context(good)).replace("Mortgage", "Mortgagе"),
        proof(good.store, good.id),
        name="x",
        key=BO,
    )
    assert failing(checked(tmp_path, forged)) == {}
    assert "signature" in failing(checked(tmp_path, forged, key=ada))
    with pytest.raises(UsageError, match="no public key"):
        checked(tmp_path, signed, key="ada")
    with pytest.raises(NotFound, match="cannot be read"):
        check_report(tmp_path / "none.html")
    # Neither a device without end nor a pipe that nobody writes to is read.
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(NotFound, match="is not a file"):
            check_report(path)


def test_a_signature_of_another_file_does_not_hold(good: Sample, tmp_path: Path) -> None:
    signature = re.search(r'data-signature="([^"]+)"', issued(good, ADA))
    assert signature is not None
    other = issued(good).replace("</h1>", "!</h1>")
    other = seal(
        re.sub(r'<div hidden id="mlgov-proof".*</div>\n', "", other), proof(good.store, good.id), name="x"
    ).replace('data-signature=""', f'data-signature="{signature[1]}"')
    assert set(failing(checked(tmp_path, other))) == {"signature"}


def test_signatures_of_approvals_are_checked_again(good: Sample, tmp_path: Path) -> None:
    folder = tmp_path / ".mlgov"
    shutil.copytree(good.store.folder, folder)
    store = Store.open(folder)
    approvals.decide(
        store,
        good.id,
        ADA,
        word="approved",
        name="Ada",
        role="validator",
        message="",
        at="2026-11-26T10:00:00Z",
    )
    one = Sample(store, good.id, [good.id])
    found = checked(tmp_path, issued(one))
    assert failing(found) == {}
    assert any("Ada's decision is signed by ed25519:" in check.reason for check in found.checks)
    (entry,) = [
        entry for entry in store.entries(subject=good.id, kind="approval") if "envelope" in entry.body
    ]
    body = {**entry.body, "envelope": {**entry.body["envelope"], "payload": base64.b64encode(b"{}").decode()}}
    store.append("approval", good.id, body)
    assert "approval" in failing(checked(tmp_path, issued(one)))


def test_with_the_project_at_hand_its_store_is_asked(good: Sample, rich: Sample, tmp_path: Path) -> None:
    folder = tmp_path / ".mlgov"
    shutil.copytree(good.store.folder, folder)
    store = Store.open(folder)
    page = issued(Sample(store, good.id, [good.id]))

    def project() -> tuple[bool | None, str]:
        found = checked(tmp_path, page, store=store)
        return next((one.passed, one.reason) for one in found.checks if one.check == "project")

    assert project() == (True, "the project holds the snapshot, whole; nothing has happened to it since")
    store.append("rerun", good.id, {"verdict": "diverged", "candidate": None, "comparison": None})
    assert project() == (
        True,
        "the project holds the snapshot, whole; since this report: 1 rerun (make a new one)",
    )
    assert checked(tmp_path, page, store=rich.store).ok
    name = store.manifest(good.id).environment.removeprefix("blake3:")
    (path,) = [path for path in folder.rglob("*") if path.is_file() and name.endswith(path.name[-60:])]
    path.chmod(0o644)
    path.write_bytes(b"x")
    passed, reason = project()
    assert passed is False
    assert "1 objects of the snapshot are lost or damaged" in reason


def test_a_record_of_an_earlier_version_keeps_its_name(good: Sample, tmp_path: Path) -> None:
    held = proof(good.store, good.id)
    assert blake3(held["manifest"].encode()).hexdigest() == good.id
    assert held["manifest"].encode() == good.store.manifest_bytes(good.id)
