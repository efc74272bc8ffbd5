"""``report --check`` of an inventory: the file is what was issued, and its snapshots hold."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_mlgov.governance import keys, signing
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Charter
from jupyter_mlgov.report.check import ReportCheck, check_report
from jupyter_mlgov.report.seal import inventory_proof, seal
from jupyter_mlgov.store import Store
from jupyter_mlgov.verbs import Answer, call
from tests.store.making import add_snapshot

ADA, BO = Ed25519PrivateKey.from_private_bytes(b"a" * 32), Ed25519PrivateKey.from_private_bytes(b"b" * 32)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("inventory")
    store = Store.create(folder / ".mlgov")
    for name in ("churn", "credit"):
        add_snapshot(store, experiment=name, charter=Charter(title=name.title()))
    return Project(folder, store)


@pytest.fixture(scope="module")
def page(project: Project) -> str:
    return project.inventory(output=project.root / "all.html").read_text()


def checked(folder: Path, text: str | bytes, **options: object) -> ReportCheck:
    path = folder / "i.html"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return check_report(path, **options)  # type: ignore[arg-type]


def failing(found: ReportCheck) -> dict[str, str]:
    return {one.check: one.reason for one in found.checks if one.passed is False}


def test_an_inventory_is_what_was_issued_anywhere(page: str, tmp_path: Path) -> None:
    found = checked(tmp_path, page)
    assert (found.ok, found.snapshot, found.reference) == (True, None, "inventory of 2 models")
    assert {one.check: one.passed for one in found.checks} == {
        "file": True,
        "snapshots": True,
        "signature": None,
    }


def test_any_edit_of_an_inventory_is_found(page: str, tmp_path: Path) -> None:
    data, chance = page.encode(), random.Random(1)
    places = [*chance.sample(range(len(data)), 120), *range(data.rindex(b"data-seal"), len(data), 7)]
    for at in (*places, len(data) - 1):
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        cut, added = data[:at] + data[at + 1 :], data[:at] + b"x" + data[at:]
        assert not any(checked(tmp_path, edited).ok for edited in (flipped, cut, added)), at
    for change in (
        page.replace("closed", "open"),
        page.replace("Churn", "Chum"),
        re.sub(r"<tr><th scope=\"row\">Churn.*?</tr>", "", page, flags=re.DOTALL),
        page + "\n",
        page[: len(page) // 2],
        re.sub(r'<div hidden id="mlgov-proof".*</div>\n', "", page),
    ):
        assert change != page
        assert not checked(tmp_path, change).ok


def test_rows_that_the_page_does_not_show_are_found(project: Project, page: str, tmp_path: Path) -> None:
    bare = re.sub(r'<div hidden id="mlgov-proof".*</div>\n', "", page)
    held = inventory_proof(project.store, ["0" * 64], "")
    assert "snapshots" in failing(checked(tmp_path, seal(bare, held, name="snapshot")))
    for rows in ([], "text", [3], [{"snapshot": 1}], {"a": 1}, None):
        found = checked(tmp_path, seal(bare, {"format": 1, "inventory": rows}, name="snapshot"))
        assert failing(found) == {"snapshots": "the proof lists no snapshot"}


def test_who_signed_an_inventory_is_told_and_asked_for(project: Project, page: str, tmp_path: Path) -> None:
    bare = re.sub(r'<div hidden id="mlgov-proof".*</div>\n', "", page)
    ids = [entry.id for entry in project.log()]
    signed = seal(bare, inventory_proof(project.store, ids, ""), name="snapshot", key=ADA)
    ada, bo = (signing.key_text(key.public_key()) for key in (ADA, BO))
    assert checked(tmp_path, signed, key=ada).signed_by == ada
    assert "signature" in failing(checked(tmp_path, signed, key=bo))
    assert "signature" in failing(checked(tmp_path, page, key=ada))
    # The signature of another file does not hold for this one.
    other = seal(bare.replace("Churn", "Chum"), inventory_proof(project.store, ids, ""), name="snapshot")
    envelope = re.search(r'data-signature="([^"]+)"', signed)
    assert envelope is not None
    moved = other.replace('data-signature=""', f'data-signature="{envelope[1]}"')
    assert set(failing(checked(tmp_path, moved))) == {"signature"}


def test_with_the_project_at_hand_each_snapshot_is_asked_for(project: Project, tmp_path: Path) -> None:
    shutil.copytree(project.store.folder, tmp_path / ".mlgov")
    here = Project.open(tmp_path)
    page = here.inventory(output=tmp_path / "all.html").read_text()

    def said() -> tuple[bool | None, str]:
        found = checked(tmp_path, page, store=here.store)
        return next((one.passed, one.reason) for one in found.checks if one.check == "project")

    assert said() == (True, "the project holds 2 snapshots, whole; nothing has happened to it since")
    first = here.log()[0].id
    here.store.append("rerun", first, {"verdict": "diverged", "candidate": None, "comparison": None})
    assert said()[1].endswith("since this inventory: 1 rerun (make a new one)")
    elsewhere = Store.create(tmp_path / "other" / ".mlgov")
    assert checked(tmp_path, page, store=elsewhere).ok
    lost = here.store.manifest(first).environment.removeprefix("blake3:")
    for path in (tmp_path / ".mlgov").rglob("*"):
        if path.is_file() and lost.endswith(path.name[-60:]):
            path.chmod(0o644)
            path.write_bytes(b"x")
    passed, reason = said()
    assert passed is False
    assert "damaged in the project: run mlgov fsck" in reason


def test_the_command_line_signs_and_checks_an_inventory(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLGOV_KEYS", str(tmp_path / "keys"))
    made = keys.new("ada")
    file = tmp_path / "all.html"

    def answer(*words: str) -> Answer:
        found = call(words, folder=project.root)
        assert isinstance(found, Answer)
        return found

    answer("report", "--all", "-o", str(file), "--key", "ada")
    found = answer("report", "--check", str(file), "--key", made.key)
    assert (found.status, found.value.signed_by) == (0, made.key)
    file.write_bytes(file.read_bytes().replace(b"closed", b"opened"))
    assert answer("report", "--check", str(file)).status == 1
