"""Manifests in pieces: joined they are what was written, shared parts are kept once, and damage is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.errors import Damaged, Missing
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import Column, Frame, JournalEntry, Manifest
from jupyter_mlgov.store import Store
from jupyter_mlgov.store.objects import compress
from jupyter_mlgov.store.pieces import RUN, SHORTEST, cut
from tests.store.making import fresh, make_manifest
from tests.store.test_objects import object_path

DIGEST = "blake3:" + "5" * 64


def frame(rows: int, name: str = "loans") -> Frame:
    columns = tuple(Column(name=f"x{place}", dtype="float64", digest=DIGEST) for place in range(4))
    return Frame(name=name, type="pandas.DataFrame", digest=DIGEST, rows=rows, columns=columns)


def with_journal(store: Store, entries: int, **fields: Any) -> Manifest:
    manifest = make_manifest(store, **fields)
    source = manifest.notebook.cells[0].source
    journal = tuple(
        JournalEntry(index=0, source=source, execution_count=count, status="ok", sets=("x",), uses=())
        for count in range(1, entries + 1)
    )
    return msgspec.structs.replace(
        manifest, notebook=msgspec.structs.replace(manifest.notebook, journal=journal)
    )


def joined(data: bytes) -> bytes:
    recipe, pieces = cut(data)
    if not pieces:
        return recipe
    lines = recipe.removeprefix(b"pieces\n").split(b"\n")
    return b"".join(pieces[line.decode()] if place % 2 else line for place, line in enumerate(lines))


@settings(deadline=None)
@given(
    entries=st.integers(0, 3 * RUN + 1),
    message=st.text(),
    name=st.text(min_size=1),
    rows=st.integers(0, 10**6),
    frames=st.integers(0, 3),
)
def test_the_pieces_of_a_manifest_put_together_are_its_bytes(
    entries: int, message: str, name: str, rows: int, frames: int
) -> None:
    with fresh() as store:
        shown = tuple(frame(rows, f"{name}{place}") for place in range(frames))
        manifest = with_journal(store, entries, message=message, frames=shown, metrics={name: 0.5})
        data = canonical(manifest)
        assert joined(data) == data
        snapshot = store.commit(manifest).subject
        assert store.manifest_bytes(snapshot) == data
        assert not store.fsck()


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["frames", "code", "notebook", "journal", "inputs", "x"]), inner)) | st.binary())  # fmt: skip
def test_what_is_no_manifest_stays_as_it_is(value: Any) -> None:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    assert joined(data) == data


def test_a_snapshot_adds_to_the_journal_what_ran_since_and_not_all_that_ran_before(store: Store) -> None:
    def grown(entries: int) -> int:
        before = sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file())
        store.commit(with_journal(store, entries, message=str(entries)))
        return sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file()) - before

    first = grown(40 * RUN)
    assert first > 40 * 100  # forty pieces
    assert grown(40 * RUN + 1) < 40 * 45 + 2000  # their names


def test_frames_that_two_snapshots_have_are_one_object(store: Store) -> None:
    for message in ("one", "two", "three"):
        store.commit(make_manifest(store, message=message, frames=(frame(3),)))
    text = canonical([frame(3)])
    assert len(text) > SHORTEST
    assert store.get("blake3:" + blake3(text).hexdigest()) == text


@pytest.mark.parametrize("lost", [True, False])
def test_a_lost_or_damaged_piece_is_named_with_every_snapshot_that_has_it(store: Store, lost: bool) -> None:
    made = [
        store.commit(make_manifest(store, message=str(turn), frames=(frame(3),))).subject for turn in range(2)
    ]
    other = store.commit(make_manifest(store, message="other", frames=(frame(4),))).subject
    digest = next(iter(cut(canonical(store.manifest(made[0])))[1]))
    path = object_path(store, digest)
    if lost:
        path.unlink()
    else:
        path.write_bytes(compress(b"something else"))
    again = Store.open(store.folder)
    with pytest.raises(
        Missing if lost else Damaged, match=f"manifest {made[0]} is not whole: object {digest[7:]}"
    ):
        again.manifest(made[0])
    assert again.manifest(other).message == "other"
    problem = next(one for one in again.fsck() if one.subject == digest)
    assert problem.kind == ("object.missing" if lost else "object.damaged")
    assert set(problem.snapshots) == set(made)


def test_a_lost_piece_comes_back_with_the_next_snapshot_that_has_it(store: Store) -> None:
    one = store.commit(make_manifest(store, message="one", frames=(frame(3),))).subject
    object_path(store, next(iter(cut(store.manifest_bytes(one))[1]))).unlink()
    Store.open(store.folder).commit(make_manifest(store, message="two", frames=(frame(3),)))
    assert not Store.open(store.folder).fsck()


def test_the_same_manifest_again_after_damage_is_repaired_and_is_not_on_the_ledger_twice(
    store: Store,
) -> None:
    manifest = make_manifest(store, frames=(frame(3),))
    entry = store.commit(manifest)
    path = store.folder / "manifests" / entry.subject
    path.write_bytes(compress(b"pieces\n{"))
    again = Store.open(store.folder)
    assert again.commit(manifest) == entry
    again.reindex()  # which was made when the manifest could not be read
    assert not again.fsck()


def test_a_store_of_the_format_with_whole_manifests_is_read_and_goes_over_when_it_is_written_to(
    store: Store,
) -> None:
    manifest = make_manifest(store, frames=(frame(3),))
    snapshot = store.commit(manifest).subject
    (store.folder / "manifests" / snapshot).write_bytes(compress(canonical(manifest)))
    (store.folder / "format").write_text('{"format": 1}\n')
    old = Store.open(store.folder)
    assert old.manifest(snapshot) == manifest
    assert not old.fsck()
    assert json.loads((store.folder / "format").read_text()) == {"format": 1}
    old.append("risk", snapshot, {"id": "r"})
    assert json.loads((store.folder / "format").read_text()) == {"format": 2}
    assert Store.open(store.folder).manifest(snapshot) == manifest


def test_pieces_that_expand_without_end_are_damage(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = store.commit(make_manifest(store, frames=(frame(3),))).subject
    digest = store.put(b"x" * 10_000)
    path: Path = store.folder / "manifests" / snapshot
    path.write_bytes(compress(b"pieces\n" + b"\n".join([b"", digest.encode()] * 1000 + [b""])))
    again = Store.open(store.folder)
    monkeypatch.setattr(again._manifests, "_limit", 100_000)
    with pytest.raises(Damaged, match="more than 100000 bytes"):
        again.manifest(snapshot)
