"""fsck finds every edit, loss and reorder, names it, and names the snapshots that it touches."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.errors import Damaged, Missing, MlgovError
from jupyter_mlgov.records.canonical import canonical, identity
from jupyter_mlgov.records.verdict import Problem
from jupyter_mlgov.store import Store
from jupyter_mlgov.store.objects import compress
from tests.store.making import RAM, add_snapshot, fresh, make_manifest
from tests.store.test_objects import object_path


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def entry_path(store: Store, place: int) -> Path:
    return store.folder / "ledger" / "entries" / identity(store.entries()[place])


def head_path(store: Store) -> Path:
    return store.folder / "ledger" / "HEAD"


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, problems
    for problem in problems:
        assert "\n" not in problem.message
        assert "run `mlgov fsck`" not in problem.message
    return problems[0]


def three(store: Store) -> list[str]:
    return [add_snapshot(store, message=str(turn), source=f"turn = {turn}") for turn in range(3)]


damages = pytest.mark.parametrize(
    ("damage", "word"), [(flip, "damaged"), (cut, "damaged"), (empty, "damaged"), (Path.unlink, "missing")],
    ids=lambda value: getattr(value, "__name__", value),
)  # fmt: skip


def test_a_sound_store_has_no_problems(store: Store) -> None:
    assert store.fsck() == []
    first = add_snapshot(store)
    candidate = add_snapshot(store, kind="candidate", baseline=first)
    comparison = store.put(b"{}")
    store.append("rerun", first, {"verdict": "diverged", "candidate": candidate, "comparison": comparison})
    store.append("approval", candidate, {"name": "Ada"})
    assert store.fsck() == []


@damages
def test_an_object_of_one_snapshot_touches_that_one(
    damage: Callable[[Path], None], word: str, store: Store
) -> None:
    ids = three(store)
    source = store.manifest(ids[1]).notebook.cells[0].source
    damage(object_path(store, source))
    problem = only(store.fsck())
    assert (problem.kind, problem.subject, problem.snapshots) == (f"object.{word}", source, (ids[1],))
    assert "touches baseline@2" in problem.message
    with pytest.raises(Damaged if word == "damaged" else Missing):
        store.get(source)


def test_a_shared_object_touches_all_that_name_it(store: Store) -> None:
    ids = [add_snapshot(store, message=str(turn)) for turn in range(6)]
    environment = store.manifest(ids[0]).environment
    flip(object_path(store, environment))
    problem = only(store.fsck())
    assert set(problem.snapshots) == set(ids)
    assert "; touches baseline@1, baseline@2, baseline@3 and 3 more; " in problem.message


@damages
def test_a_manifest_touches_its_snapshot(damage: Callable[[Path], None], word: str, store: Store) -> None:
    ids = three(store)
    damage(store.folder / "manifests" / ids[0])
    problem = only(store.fsck())
    assert (problem.kind, problem.subject, problem.snapshots) == (f"manifest.{word}", ids[0], (ids[0],))
    with pytest.raises(Damaged if word == "damaged" else Missing):
        store.manifest(ids[0])


@damages
@pytest.mark.parametrize("index", ["with its index", "without an index"])
def test_an_entry_touches_all_that_were_before_it(
    damage: Callable[[Path], None], word: str, index: str, store: Store
) -> None:
    ids = three(store)
    store.log()
    path = entry_path(store, 1)
    damage(path)
    if index == "without an index":
        (store.folder / "index.sqlite").unlink()
    problem = only(store.fsck())
    assert (problem.kind, problem.subject) == (f"entry.{word}", path.name)
    # Which snapshot the entry itself was about is known from the index, or from its manifest that nothing names.
    assert set(problem.snapshots) == set(ids[:2])


@damages
def test_the_newest_entry_is_missed_too(damage: Callable[[Path], None], word: str, store: Store) -> None:
    ids = three(store)
    path = entry_path(store, 2)
    damage(path)
    problem = only(store.fsck())
    assert (problem.kind, problem.subject) == (f"entry.{word}", path.name)
    assert set(problem.snapshots) == set(ids)


@pytest.mark.parametrize("damage", [cut, empty, Path.unlink, lambda path: path.write_bytes(b"\xff" * 64)])
def test_a_damaged_head_is_refused_and_fsck_says_what_it_was(
    damage: Callable[[Path], None], store: Store
) -> None:
    ids = three(store)
    before, right = store.log(), head_path(store).read_text().strip()
    damage(head_path(store))
    for question in (store.log, store.entries, store.reindex, lambda: add_snapshot(store, message="new")):
        with pytest.raises(Damaged, match="run `mlgov fsck`") as caught:
            question()
        assert "\n" not in str(caught.value)
    problem = only(store.fsck())
    assert (problem.kind, set(problem.snapshots)) == ("ledger.head", set(ids))
    assert f"the newest entry is {right}: write that id into ledger/HEAD" in problem.message
    head_path(store).write_text(right)
    assert store.log() == before
    assert store.fsck() == []


def test_a_head_that_names_nothing_is_a_missing_entry(store: Store) -> None:
    three(store)
    head_path(store).write_text("a" * 64)
    assert only(store.fsck()).kind == "entry.missing"
    with pytest.raises(Missing):
        store.log()


@pytest.mark.parametrize("back", [1, 2, 3])
@pytest.mark.parametrize("used", [False, True], ids=["at once", "after a listing"])
def test_a_head_that_was_moved_back_is_found(back: int, used: bool, store: Store) -> None:
    ids = three(store)
    right = head_path(store).read_text()
    heads = ["0" * 64, *(identity(entry) for entry in store.entries())]
    head_path(store).write_text(heads[3 - back])
    if used:
        assert len(store.log()) == 3 - back
    problem = only(store.fsck())
    assert (problem.kind, set(problem.snapshots)) == ("ledger.rewound", set(ids[3 - back :]))
    assert right.strip() in problem.message
    head_path(store).write_text(right)
    assert len(store.log()) == 3
    assert store.fsck() == []


def test_a_head_that_was_moved_back_is_found_without_an_index(store: Store) -> None:
    three(store)
    head_path(store).write_text(identity(store.entries()[0]))
    (store.folder / "index.sqlite").unlink()
    assert only(store.fsck()).kind == "ledger.rewound"


def test_a_lost_line_can_be_accepted(store: Store) -> None:
    three(store)
    head_path(store).write_text(identity(store.entries()[1]))
    assert only(store.fsck()).kind == "ledger.rewound"
    store.reindex()
    assert store.fsck() == []
    assert [line.number for line in store.log()] == [2, 1]


def test_an_entry_that_a_killed_writer_left_is_no_problem(store: Store) -> None:
    three(store)
    store.log()
    names = ("ledger/HEAD", "ledger/LAST", "index.sqlite")
    before = {name: (store.folder / name).read_bytes() for name in names}
    add_snapshot(store, message="killed before HEAD moved")
    for name, content in before.items():
        (store.folder / name).write_bytes(content)
    assert store.fsck() == []
    add_snapshot(store, message="next")
    assert store.fsck() == []


def test_damage_to_what_nothing_needs_is_named_as_such(store: Store) -> None:
    add_snapshot(store)
    flip(object_path(store, store.put(b"orphan")))
    problem = only(store.fsck())
    assert (problem.kind, problem.snapshots) == ("object.damaged", ())
    assert "no snapshot needs it: delete the file" in problem.message


def test_a_forged_entry_with_a_right_name_is_seen_in_its_numbers(store: Store) -> None:
    add_snapshot(store, message="1")
    (entry,) = store.entries()
    forged = msgspec.structs.replace(entry, body={"experiment": "baseline", "number": 5})
    (store.folder / "ledger" / "entries" / identity(forged)).write_bytes(canonical(forged))
    head_path(store).write_text(identity(forged))
    kinds = {problem.kind for problem in store.fsck()}
    assert "ledger.number" in kinds


def test_entries_in_another_order_are_found(store: Store) -> None:
    ids = three(store)
    first, second, third = store.entries()
    parents: tuple[str, ...] = ()
    for entry in (first, third, second):
        moved = msgspec.structs.replace(entry, parents=parents)
        (store.folder / "ledger" / "entries" / identity(moved)).write_bytes(canonical(moved))
        parents = (identity(moved),)
    head_path(store).write_text(parents[0])
    problems = store.fsck()
    assert {problem.kind for problem in problems} >= {"ledger.number", "ledger.rewound"}
    assert set().union(*(problem.snapshots for problem in problems)) >= set(ids[1:])


def test_a_manifest_swapped_for_another_is_found(store: Store) -> None:
    ids = three(store)
    folder = store.folder / "manifests"
    (folder / ids[0]).write_bytes((folder / ids[1]).read_bytes())
    problem = only(store.fsck())
    assert (problem.kind, problem.snapshots) == ("manifest.damaged", (ids[0],))


def test_an_environment_that_is_none_is_found(store: Store) -> None:
    manifest = make_manifest(store)
    manifest = msgspec.structs.replace(manifest, environment=store.put(b"[1, 2]"))
    snapshot = store.commit(manifest).subject
    problem = only(store.fsck())
    assert (problem.kind, problem.snapshots) == ("object.damaged", (snapshot,))


def test_a_lost_comparison_touches_the_snapshot_it_is_about(store: Store) -> None:
    snapshot = add_snapshot(store)
    comparison = store.put(b"{}")
    store.append("rerun", snapshot, {"verdict": "diverged", "candidate": None, "comparison": comparison})
    object_path(store, comparison).unlink()
    problem = only(store.fsck())
    assert (problem.kind, problem.snapshots) == ("object.missing", (snapshot,))


def test_an_index_that_says_something_else_is_found_and_reindexed(store: Store) -> None:
    ids = three(store)
    store.log()
    with sqlite3.connect(store.folder / "index.sqlite") as connection:
        connection.execute(
            "UPDATE snapshots SET metrics = '{\"auc\": 0.99}' WHERE id = ?", [bytes.fromhex(ids[1])]
        )
    connection.close()
    problem = only(store.fsck())
    assert (problem.kind, problem.snapshots) == ("index.differs", (ids[1],))
    assert "run `mlgov reindex`" in problem.message
    store.reindex()
    assert store.fsck() == []


def test_several_damages_are_all_named(store: Store) -> None:
    ids = three(store)
    flip(store.folder / "manifests" / ids[0])
    source = store.manifest(ids[1]).notebook.cells[0].source
    flip(object_path(store, source))
    entry_path(store, 0).unlink()
    assert [problem.kind for problem in store.fsck()] == [
        "entry.missing",
        "manifest.damaged",
        "object.damaged",
    ]


@pytest.fixture(scope="module")
def sound() -> Iterator[Path]:
    """A store with two snapshots and a rerun."""
    with fresh() as store:
        first = add_snapshot(store, message="1")
        add_snapshot(store, message="2", source="x = 2")
        comparison = store.put(b"{}")
        store.append("rerun", first, {"verdict": "diverged", "candidate": None, "comparison": comparison})
        yield store.folder


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), index=st.booleans())
def test_any_flipped_bit_is_found_or_changes_nothing(seed: int, index: bool, sound: Path) -> None:
    """In an object, a manifest, an entry or HEAD; every question gives the right answer or one clear line."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(dir=RAM) as folder:
        store = Store.open(Path(shutil.copytree(sound, Path(folder) / ".mlgov")))
        right = [store.manifest(line.id) for line in store.log()]
        entries = store.entries()
        if not index:
            (store.folder / "index.sqlite").unlink()
        parts = [
            path
            for path in sorted(store.folder.rglob("*"))
            if path.is_file() and path.parts[len(store.folder.parts)] in ("objects", "manifests", "ledger")
            and path.suffix != ".lock"
        ]  # fmt: skip
        path = dice.choice(parts)
        data = bytearray(path.read_bytes())
        place = dice.randrange(len(data))
        data[place] ^= 1 << dice.randrange(8)
        path.write_bytes(data)
        found = store.fsck()
        try:
            manifests = [store.manifest(line.id) for line in store.log()]
            kept = [store.get(digest) for manifest in manifests for digest in manifest.objects()]
            # A snapshot that cannot be read is not listed, but never without fsck knowing.
            assert manifests == right or (found and all(one in right for one in manifests))
            assert store.entries() == entries
            assert kept
        except MlgovError as error:
            assert found, (path, place, error)
            assert "\n" not in str(error)


def test_a_manifest_of_a_newer_version_is_not_called_sound(store: Store) -> None:
    store.commit(make_manifest(store, schema=99))
    assert "upgrade" in only(store.fsck()).message


def test_a_manifest_that_is_something_else_is_found(store: Store) -> None:
    snapshot = add_snapshot(store)
    (store.folder / "manifests" / snapshot).write_bytes(compress(b"{}"))
    assert only(store.fsck()).kind == "manifest.damaged"


def test_a_head_that_was_moved_back_is_found_though_nobody_asked_the_index(store: Store) -> None:
    ids = three(store)
    assert not (store.folder / "index.sqlite").exists()
    (newest,) = store.entries(subject=ids[2])
    (store.folder / "index.sqlite").unlink()
    head_path(store).write_text(newest.parents[0] + "\n")
    problem = only(store.fsck())
    assert (problem.kind, problem.snapshots) == ("ledger.rewound", (ids[2],))
    # What is recorded after it does not cover it up.
    add_snapshot(store, message="on top")
    assert only(store.fsck()).kind == "ledger.rewound"
    store.reindex()
    assert store.fsck() == []
