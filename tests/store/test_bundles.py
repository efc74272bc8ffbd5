"""Bundles: what one store writes another takes in whole, and nothing else is taken in at all."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.errors import Damaged, MlgovError, NotFound, StoreError, UsageError
from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.governance.register import charter, register
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Charter, Risk
from jupyter_mlgov.records.bundle import BundleIndex, Part
from jupyter_mlgov.records.canonical import canonical, digest
from jupyter_mlgov.records.manifest import Input
from jupyter_mlgov.records.verdict import Comparison
from jupyter_mlgov.rerun.proven import proof
from jupyter_mlgov.store import Store, archive, bundles
from tests.store.making import add_snapshot, make_manifest


def talked_about(store: Store) -> str:
    """A second snapshot with an input, a verdict and an approval, among entries about another."""
    add_snapshot(store, message="first")
    data = store.put(b"income\n1\n2\n" * 50)
    item = Input(uri="data/loans.csv", digest=data, bytes=500, kept=True)
    snapshot = store.commit(make_manifest(store, message="second", inputs=(item,))).subject
    add_snapshot(store, experiment="other", message="between")
    comparison = store.put(b'{"baseline":"%b","candidate":null,"verdict":"reproduced"}' % snapshot.encode())
    found = {"verdict": "reproduced", "candidate": None, "comparison": comparison, "factors": "f"}
    store.append("rerun", snapshot, found)
    store.append(
        "approval", snapshot, {"name": "R. Roe", "role": "validator", "decision": "approved", "message": ""}
    )
    add_snapshot(store, experiment="other", message="after")
    return snapshot


def bundle_of(store: Store, snapshot: str) -> bytes:
    file = io.BytesIO()
    bundles.export(store, snapshot, file, tree=None)
    return file.getvalue()


def take(store: Store, path: Path) -> bundles.Imported:
    with archive.Reader(path) as reader:
        return bundles.take_in(store, bundles.Incoming(reader))


@pytest.fixture
def sent(store: Store, tmp_path: Path) -> tuple[str, Path]:
    """The id of a snapshot and the file of its bundle."""
    snapshot = talked_about(store)
    path = tmp_path / "x.mlgov"
    path.write_bytes(bundle_of(store, snapshot))
    return snapshot, path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "elsewhere" / ".mlgov")


def said(store: Store, snapshot: str) -> list[tuple[object, ...]]:
    return [
        (entry.kind, entry.at, entry.author, entry.body)
        for entry in store.entries(subject=snapshot)
        if entry.kind not in ("snapshot", "import")
    ]


def test_equal_stores_give_equal_bytes(store: Store, tmp_path: Path) -> None:
    snapshot = talked_about(store)
    one = bundle_of(store, snapshot)
    add_snapshot(store, experiment="later", message="about something else")
    assert bundle_of(store, snapshot) == one
    assert bundle_of(Store.open(store.folder), snapshot) == one


def test_another_store_takes_in_all_that_belongs_to_the_snapshot(
    store: Store, sent: tuple[str, Path], elsewhere: Store
) -> None:
    snapshot, path = sent
    imported = take(elsewhere, path)
    assert (imported.id, imported.experiment, imported.number, imported.new) == (
        snapshot,
        "baseline",
        2,
        True,
    )
    assert elsewhere.manifest(snapshot) == store.manifest(snapshot)
    assert elsewhere.resolve("baseline@2") == elsewhere.resolve("baseline") == snapshot
    assert said(elsewhere, snapshot) == said(store, snapshot) != []
    for name in store.manifest(snapshot).objects():
        assert elsewhere.get(name) == store.get(name)
    assert elsewhere.fsck() == []
    listing = elsewhere.log()
    elsewhere.reindex()
    assert elsewhere.log() == listing


def test_what_was_found_here_counts_before_what_a_bundle_brings(
    store: Store, sent: tuple[str, Path], elsewhere: Store
) -> None:
    """However the two come to the ledger, and in an index that is made anew."""
    snapshot, path = sent

    def counts() -> tuple[object, ...]:
        found = elsewhere.evidence(snapshot, "rerun")
        assert elsewhere.log()[0].verdict == found[-1].entry.body["verdict"]
        own = elsewhere.entries(subject=snapshot, kind="rerun", here=True)
        assert own == [one.entry for one in found if not one.imported]
        before = elsewhere.log()
        elsewhere.reindex()
        assert elsewhere.log() == before
        assert elsewhere.evidence(snapshot, "rerun") == found
        return found[-1].entry.body["verdict"], found[-1].imported, len(found)

    def said_there(verdict: str) -> None:
        store.append("rerun", snapshot, {"verdict": verdict, "candidate": None, "comparison": None})
        path.write_bytes(bundle_of(store, snapshot))
        take(elsewhere, path)

    take(elsewhere, path)
    assert counts() == ("reproduced", True, 1)
    said_there("equivalent")
    assert counts() == ("equivalent", True, 2)
    elsewhere.append("rerun", snapshot, {"verdict": "diverged", "candidate": None, "comparison": None})
    assert counts() == ("diverged", False, 3)
    said_there("reproduced")
    assert counts() == ("diverged", False, 4)
    gate = decide(elsewhere, snapshot)
    assert not next(rule for rule in gate.rules if rule.rule == "rerun").passed
    elsewhere.append("rerun", snapshot, {"verdict": "failed", "candidate": None, "comparison": None})
    assert counts() == ("failed", False, 5)


def risk_said(store: Store, snapshot: str, status: str) -> None:
    risk = {"id": "gap", "situation": "x", "severity": "high", "likelihood": "low", "status": status}
    store.append("risk", snapshot, risk)
    store.append("charter", snapshot, {"title": status})


def stands(store: Store, snapshot: str) -> tuple[str, str | None]:
    held = charter(store, snapshot)
    return next(
        risk.status for risk in register(store, snapshot) if risk.id == "gap"
    ), held.title if held else None


def test_risks_and_charter_of_a_bundle_count_only_where_this_project_has_none_of_its_own(
    store: Store, sent: tuple[str, Path], elsewhere: Store
) -> None:
    snapshot, path = sent

    def sent_again(status: str) -> None:
        risk_said(store, snapshot, status)
        path.write_bytes(bundle_of(store, snapshot))
        take(elsewhere, path)

    take(elsewhere, path)
    sent_again("mitigated")
    assert stands(elsewhere, snapshot) == ("mitigated", "mitigated")
    risk_said(elsewhere, snapshot, "open")
    assert stands(elsewhere, snapshot) == ("open", "open")
    sent_again("accepted")
    assert stands(elsewhere, snapshot) == ("open", "open")


def test_a_bundle_changes_no_risk_and_no_charter_that_was_recorded_here(
    store: Store, elsewhere: Store, tmp_path: Path
) -> None:
    risk = Risk(id="gap", situation="x", severity="high", likelihood="low")
    snapshot = add_snapshot(store, risks=(risk,), charter=Charter(title="ours"))
    path = tmp_path / "back.mlgov"
    path.write_bytes(bundle_of(store, snapshot))
    take(elsewhere, path)
    risk_said(elsewhere, snapshot, "accepted")
    elsewhere.append("risk", snapshot, msgspec.to_builtins(risk) | {"id": "new"})
    assert stands(elsewhere, snapshot) == ("accepted", "accepted")
    path.write_bytes(bundle_of(elsewhere, snapshot))
    take(store, path)
    assert stands(store, snapshot) == ("open", "ours")
    assert [one.id for one in register(store, snapshot)] == ["gap", "new"]
    risk_said(store, snapshot, "closed")
    assert stands(store, snapshot) == ("closed", "closed")


def test_a_verdict_that_came_in_a_bundle_counts_and_is_told_as_its_bundles(
    sent: tuple[str, Path], elsewhere: Store
) -> None:
    snapshot, path = sent
    take(elsewhere, path)
    rule = next(rule for rule in decide(elsewhere, snapshot).rules if rule.rule == "rerun")
    assert rule.passed
    assert rule.reason.endswith("Z elsewhere, as its bundle says")
    (entry,) = elsewhere.entries(subject=snapshot, kind="rerun")
    assert Project(elsewhere.folder.parent, elsewhere).describe(snapshot)["reruns"][0]["imported"] is True
    assert proof(elsewhere, snapshot, entry.body["factors"]) is None
    comparison = elsewhere.put(canonical(Comparison(baseline=snapshot, candidate=None, verdict="reproduced")))
    elsewhere.append("rerun", snapshot, entry.body | {"comparison": comparison})
    assert proof(elsewhere, snapshot, entry.body["factors"]) is not None


def test_a_second_import_changes_nothing_and_a_newer_one_adds_what_was_said(
    store: Store, sent: tuple[str, Path], elsewhere: Store
) -> None:
    snapshot, path = sent
    take(elsewhere, path)
    head = (elsewhere.folder / "ledger" / "HEAD").read_bytes()
    again = take(elsewhere, path)
    assert (again.new, again.entries) == (False, 0)
    assert (elsewhere.folder / "ledger" / "HEAD").read_bytes() == head
    store.append(
        "approval", snapshot, {"name": "A", "role": "owner", "decision": "rejected", "message": "no"}
    )
    path.write_bytes(bundle_of(store, snapshot))
    newer = take(elsewhere, path)
    assert (newer.new, newer.entries) == (False, 1)
    assert said(elsewhere, snapshot) == said(store, snapshot)
    assert elsewhere.fsck() == []


def test_ones_own_bundle_has_nothing_to_add(store: Store, sent: tuple[str, Path]) -> None:
    snapshot, path = sent
    before = said(store, snapshot)
    assert take(store, path).entries == 0
    assert said(store, snapshot) == before


def test_an_experiment_of_that_name_goes_on_with_the_next_number(
    sent: tuple[str, Path], elsewhere: Store
) -> None:
    own = [add_snapshot(elsewhere, message=f"own {number}") for number in (1, 2, 3)]
    imported = take(elsewhere, sent[1])
    assert imported.number == 4
    assert [elsewhere.number(one) for one in own] == [1, 2, 3]
    after = add_snapshot(elsewhere, message="own again")
    assert elsewhere.number(after) == 5
    assert elsewhere.fsck() == []


def test_what_was_imported_can_be_sent_on(
    store: Store, sent: tuple[str, Path], elsewhere: Store, tmp_path: Path
) -> None:
    snapshot, path = sent
    take(elsewhere, path)
    path.write_bytes(bundle_of(elsewhere, snapshot))
    third = Store.create(tmp_path / "third" / ".mlgov")
    assert take(third, path).number == 2
    assert said(third, snapshot) == said(store, snapshot)
    assert third.fsck() == []


def test_a_project_is_made_in_an_empty_folder_and_only_for_a_sound_bundle(
    sent: tuple[str, Path], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("empty")
    broken = tmp_path / "broken.mlgov"
    broken.write_bytes(sent[1].read_bytes()[:-700])
    with pytest.raises(Damaged):
        Project.import_bundle(broken, folder)
    assert list(folder.iterdir()) == []
    assert Project.import_bundle(sent[1], folder).new
    assert Project.open(folder).resolve("baseline") == sent[0]


def test_a_candidate_is_not_exported(store: Store) -> None:
    snapshot = add_snapshot(store)
    candidate = store.commit(make_manifest(store, kind="candidate", baseline=snapshot)).subject
    with pytest.raises(UsageError, match="candidate"):
        bundle_of(store, candidate)


# -- what is refused -----------------------------------------------------------------------------------------


def refused(path: Path, data: bytes, elsewhere: Store) -> MlgovError:
    """The error for these bytes; nothing of the store was written."""
    path.write_bytes(data)
    before = {one: one.stat().st_mtime_ns for one in elsewhere.folder.rglob("*")}
    with pytest.raises(StoreError) as caught:
        take(elsewhere, path)
    assert {one: one.stat().st_mtime_ns for one in elsewhere.folder.rglob("*")} == before
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return caught.value


def members(data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [(info, tar.extractfile(info).read()) for info in tar]  # type: ignore[union-attr]


def tar_of(parts: list[tuple[tarfile.TarInfo | str, bytes]]) -> bytes:
    file = io.BytesIO()
    for info, data in parts:
        head = archive.header(info, len(data)) if isinstance(info, str) else info.tobuf(tarfile.USTAR_FORMAT)
        file.write(head + data + b"\0" * (-len(data) % 512))
    return file.getvalue() + b"\0" * 1024


def named(name: str, data: bytes, **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


HOSTILE: dict[str, Callable[[list[tuple[tarfile.TarInfo, bytes]]], list[tuple[tarfile.TarInfo, bytes]]]] = {
    "a path that climbs": lambda parts: [*parts, named("../../evil", b"x")],
    "an absolute path": lambda parts: [*parts, named("/tmp/evil", b"x")],
    "a path that climbs in place of a member": lambda parts: [
        *parts[:-1], named(f"objects/../{parts[-1][0].name}", parts[-1][1])
    ],
    "a symbolic link": lambda parts: [
        *parts[:-1], named(parts[-1][0].name, b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    ],
    "a hard link": lambda parts: [
        *parts[:-1], named(parts[-1][0].name, b"", type=tarfile.LNKTYPE, linkname="bundle.json")
    ],
    "a device": lambda parts: [*parts[:-1], named(parts[-1][0].name, b"", type=tarfile.CHRTYPE)],
    "a name twice": lambda parts: [*parts, parts[-1]],
    "another order": lambda parts: [parts[0], *reversed(parts[1:])],
    "a member that nobody named": lambda parts: [*parts, named("objects/" + "0" * 64, b"x")],
    "a member less": lambda parts: parts[:-1],
    "an executable": lambda parts: [*parts[:-1], named(parts[-1][0].name, parts[-1][1], mode=0o755)],
    "another content": lambda parts: [
        *parts[:-1], named(parts[-1][0].name, zstandard.ZstdCompressor().compress(b"other"))
    ],
    "something after a member's content": lambda parts: [*parts[:-1], named(parts[-1][0].name, parts[-1][1] + b"more")],
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_member_is_refused_before_anything_is_written(
    case: str, sent: tuple[str, Path], elsewhere: Store
) -> None:
    parts = members(sent[1].read_bytes())
    refused(sent[1], tar_of(HOSTILE[case](parts)), elsewhere)  # type: ignore[arg-type]


def with_index(data: bytes, **changes: object) -> bytes:
    """The bundle with another index, everything else as it was."""
    (_, first), *rest = members(data)
    index = msgspec.structs.replace(msgspec.json.decode(first, type=BundleIndex), **changes)
    return tar_of([("bundle.json", canonical(index)), *rest])


def test_a_bundle_that_calls_itself_something_else_is_refused(
    sent: tuple[str, Path], elsewhere: Store
) -> None:
    data = sent[1].read_bytes()
    for changes in (
        {"snapshot": "0" * 64}, {"experiment": "other"}, {"number": 1}, {"number": -3}, {"head": "0" * 64},
        {"chain": "blake3:" + "0" * 64}, {"tree": "blake3:" + "0" * 64}, {"objects": ()},
    ):  # fmt: skip
        refused(sent[1], with_index(data, **changes), elsewhere)


def test_a_newer_format_says_what_to_do(sent: tuple[str, Path], elsewhere: Store) -> None:
    error = refused(sent[1], with_index(sent[1].read_bytes(), format=2), elsewhere)
    assert "upgrade" in str(error)


def rebuilt(
    store: Store, snapshot: str, change: Callable[[dict[str, bytes]], dict[str, bytes]], **index: object
) -> bytes:
    """A bundle that is consistent in its form, of other objects."""
    packed = bundles.Packed(store, snapshot, None)
    objects = change({part.digest: packed.get(part.digest) for part in packed.index.objects})
    parts = tuple(Part(digest=name, bytes=len(objects[name])) for name in sorted(objects))
    file = io.BytesIO()
    archive.write(file, msgspec.structs.replace(packed.index, objects=parts, **index), objects.__getitem__)
    return file.getvalue()


def test_an_object_that_nothing_names_is_refused(
    store: Store, sent: tuple[str, Path], elsewhere: Store
) -> None:
    extra = b"a stowaway"
    data = rebuilt(store, sent[0], lambda objects: {**objects, digest(extra): extra})
    assert "nothing names it" in str(refused(sent[1], data, elsewhere))


def test_a_ledger_that_was_edited_is_refused(store: Store, sent: tuple[str, Path], elsewhere: Store) -> None:
    packed = bundles.Packed(store, sent[0], None)
    chain = packed.get(packed.index.chain)
    lines = chain.splitlines(keepends=True)
    for other in (
        chain.replace(b"approved", b"rejected"),
        b"".join(lines[1:]),
        b"".join(lines[:-1]),
        b"".join([lines[1], lines[0], *lines[2:]]),
        chain + lines[-1],
        chain[:-1],
        b"",
    ):
        data = rebuilt(
            store, sent[0],
            lambda objects, other=other: {
                **{name: data for name, data in objects.items() if name != packed.index.chain}, digest(other): other
            },
            chain=digest(other),
        )  # fmt: skip
        refused(sent[1], data, elsewhere)


def test_a_bomb_is_refused_without_being_expanded(sent: tuple[str, Path], elsewhere: Store) -> None:
    parts = members(sent[1].read_bytes())
    index = msgspec.json.decode(parts[0][1], type=BundleIndex)
    packed = zstandard.ZstdCompressor().compress(bytes(200 << 20))
    last = index.objects[-1]
    for said_bytes in (last.bytes, 200 << 20, archive.LIMIT + 1, -1):
        objects = (*index.objects[:-1], Part(digest=last.digest, bytes=said_bytes))
        changed = msgspec.structs.replace(index, objects=objects)
        data = tar_of([("bundle.json", canonical(changed)), *parts[1:-1], (parts[-1][0].name, packed)])
        refused(sent[1], data, elsewhere)
    many = tuple(Part(digest="blake3:" + f"{number:064x}", bytes=1 << 30) for number in range(3))
    huge = msgspec.structs.replace(index, objects=many)
    assert "grow" in str(refused(sent[1], tar_of([("bundle.json", canonical(huge))]), elsewhere))


def test_a_format_that_never_was_is_refused(sent: tuple[str, Path], elsewhere: Store) -> None:
    whole = sent[1].read_bytes()
    assert b'"format":1' in whole
    assert "format 0" in str(refused(sent[1], whole.replace(b'"format":1', b'"format":0', 1), elsewhere))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty: give a file that"),
        (b'{"cells": []}', "is no bundle: give a file that"),
        (b"bundle.json", "it was cut off"),
    ],
)
def test_what_is_no_bundle_is_called_that(data: bytes, says: str, tmp_path: Path, elsewhere: Store) -> None:
    path = tmp_path / "notebook.ipynb"
    path.write_bytes(data)
    with pytest.raises(Damaged, match=says):
        take(elsewhere, path)


def test_what_is_no_file_is_said_in_one_line(tmp_path: Path, elsewhere: Store) -> None:
    with pytest.raises(NotFound):
        take(elsewhere, tmp_path / "nothing.mlgov")
    for data in (b"", b"hello", b"\0" * 4096, b"PK\x03\x04" + b"\0" * 600):
        refused(tmp_path / "y.mlgov", data, elsewhere)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_byte_is_taken_in(data: st.DataObject, sent: tuple[str, Path], elsewhere: Store) -> None:
    sound = sent[1].with_suffix(".sound")
    if not sound.exists():
        sound.write_bytes(sent[1].read_bytes())
    whole = sound.read_bytes()
    way = data.draw(st.sampled_from(["flip", "cut", "insert", "drop"]))
    at = data.draw(st.integers(0, len(whole) - 1))
    if way == "flip":
        changed = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    elif way == "cut":
        changed = whole[:at]
    elif way == "insert":
        changed = whole[:at] + data.draw(st.binary(min_size=1, max_size=600)) + whole[at:]
    else:
        changed = whole[:at] + whole[at + data.draw(st.integers(1, 600)) :]
    if changed != whole:
        refused(sent[1], changed, elsewhere)
