"""Manifests in pieces: joined they are what was written, shared parts are kept once, and damage is named."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
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
from jupyter_mlgov.store.pieces import DEEPEST, RUN, SHORTEST, cut
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
    assert json.loads((store.folder / "format").read_text()) == {"format": 3}
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


def with_digests(store: Store, turn: int, **fields: Any) -> Manifest:
    """A manifest whose recipe is mostly digests, of which one is new at each turn, as of a cell that was edited."""
    manifest = make_manifest(store, message=str(turn), frames=(frame(3),), **fields)
    cell = manifest.notebook.cells[0]
    sources = [store.put(b"one" * 100 + bytes([place, turn * (place == 7)])) for place in range(20)]
    cells = tuple(
        msgspec.structs.replace(cell, index=place, id=f"c{place}", source=source)
        for place, source in enumerate(sources)
    )
    return msgspec.structs.replace(manifest, notebook=msgspec.structs.replace(manifest.notebook, cells=cells))


def line(store: Store, turns: int) -> list[str]:
    made: list[str] = []
    for turn in range(turns):
        made.append(store.commit(with_digests(store, turn, parent=made[-1] if made else None)).subject)
    return made


def sizes(store: Store, made: list[str]) -> list[int]:
    return [(store.folder / "manifests" / snapshot).stat().st_size for snapshot in made]


def test_a_manifest_costs_what_it_differs_in_from_the_one_before_it(store: Store) -> None:
    made = line(store, 3 * DEEPEST)
    whole = [place for place, snapshot in enumerate(made) if not store._manifests.bases(snapshot)]
    assert whole == [
        0,
        DEEPEST + 1,
        2 * DEEPEST + 2,
    ]  # so many rest on one, and a read takes no more than so many files
    size = sizes(store, made)
    assert max(size[place] for place in range(len(made)) if place not in whole) < 0.4 * size[0]
    written = [store.manifest_bytes(snapshot) for snapshot in made]
    assert [Store.open(store.folder).manifest_bytes(snapshot) for snapshot in made[::-1]] == written[::-1]
    assert not store.fsck()


def test_a_manifest_unlike_the_one_before_it_stands_by_itself(store: Store) -> None:
    first = store.commit(make_manifest(store, message="short")).subject
    other = store.commit(make_manifest(store, parent=first, message=json.dumps([str(n) for n in range(999)])))
    assert len(sizes(store, [first, other.subject])) == 2
    assert Store.open(store.folder).manifest(other.subject).parent == first


@pytest.mark.parametrize("lost", [True, False])
def test_a_lost_or_damaged_base_is_named_with_every_snapshot_that_rests_on_it(
    store: Store, lost: bool
) -> None:
    made = line(store, 5)
    apart = store.commit(make_manifest(store, experiment="other")).subject
    path = store.folder / "manifests" / made[1]
    right = path.read_bytes()
    if lost:
        path.unlink()
    else:
        path.write_bytes(compress(b"something else"))
    again = Store.open(store.folder)
    assert [again.manifest(made[0]).message, again.manifest(apart).experiment] == ["0", "other"]
    for broken in made[1:]:
        with pytest.raises(Missing if lost else Damaged, match=f"manifest {broken} is"):
            again.manifest(broken)
    (problem,) = again.fsck()
    assert (problem.kind, problem.subject) == (f"manifest.{'missing' if lost else 'damaged'}", made[1])
    assert set(problem.snapshots) == set(made[1:])
    # The next one of the line does not rest on them.
    after = again.commit(with_digests(again, 9, parent=made[4])).subject
    assert Store.open(store.folder).manifest(after).message == "9"
    path.write_bytes(right)
    restored = Store.open(store.folder)
    restored.reindex()  # which was made while they could not be read
    assert not restored.fsck()


def test_what_is_held_in_memory_hides_no_damage_from_a_check(store: Store) -> None:
    made = line(store, 4)
    assert [store.manifest(snapshot).message for snapshot in made] == ["0", "1", "2", "3"]  # held from now on
    (store.folder / "manifests" / made[1]).write_bytes(compress(b"something else"))
    (problem,) = store.fsck()
    assert set(problem.snapshots) == set(made[1:])


def test_a_recipe_that_is_cut_short_or_rests_on_what_is_none_or_on_itself_is_damage(store: Store) -> None:
    made = line(store, 2)
    path = store.folder / "manifests" / made[1]
    written = store._manifests._recipes.unverified(made[1])
    other = store.commit(make_manifest(store, experiment="other")).subject
    itself = b"based\n" + bytes.fromhex(made[1]) + written[38:]
    for wrong in (
        written[:-5],
        written[:20],
        b"based\n",
        b"based\n" + bytes.fromhex(other) + written[38:],
        itself,
    ):
        path.write_bytes(compress(wrong))
        with pytest.raises((Damaged, Missing), match=f"manifest {made[1]}"):
            Store.open(store.folder).manifest(made[1])
        assert Store.open(store.folder).fsck()


def readable(store: Store, snapshot: str) -> bool:
    try:
        return store.manifest(snapshot).message != ""
    except (Damaged, Missing):
        return False


def test_every_flipped_byte_of_a_manifest_that_rests_on_another_is_found(store: Store) -> None:
    made = line(store, 3)
    path = store.folder / "manifests" / made[1]
    right = path.read_bytes()
    for place in range(len(right)):
        path.write_bytes(right[:place] + bytes([right[place] ^ 0x55]) + right[place + 1 :])
        again = Store.open(store.folder)
        problems = again.fsck()
        spoilt = {snapshot for snapshot in made if not readable(Store.open(store.folder), snapshot)}
        # None, where the byte says nothing about the content; the last one alone never.
        assert (spoilt == set() or made[1] in spoilt) and made[0] not in spoilt
        assert {snapshot for problem in problems for snapshot in problem.snapshots} == spoilt


def test_what_a_snapshot_rests_on_is_kept_when_unnamed_things_are_dropped(store: Store) -> None:
    made = line(store, 3)
    store.put(b"named by nothing")
    assert store.drop_unnamed(grace_s=0).objects
    assert [Store.open(store.folder).manifest(snapshot).message for snapshot in made] == ["0", "1", "2"]


def test_four_threads_read_a_line_of_manifests_that_rest_on_each_other(store: Store) -> None:
    made = line(store, 2 * DEEPEST)
    again = Store.open(store.folder)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda snapshot: again.manifest(snapshot).message, made[::-1] * 4))
    assert found == [str(turn) for turn in range(2 * DEEPEST)][::-1] * 4
