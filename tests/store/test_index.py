"""The index is a cache: whatever becomes of its file, the listing is the ledger's."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.errors import Damaged, Missing, NotWritable
from jupyter_mlgov.records.canonical import identity
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot, fresh


def index_of(store: Store) -> Path:
    return store.folder / "index.sqlite"


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 4096 * 2 + 100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def overwritten_inside(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def other_database(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE state (value TEXT)")
    connection.close()


def older_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE state SET value = '0' WHERE key = 'version'")
        connection.execute("DELETE FROM snapshots")
    connection.close()


def no_table(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE snapshots")
    connection.close()


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def strange_metrics(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE snapshots SET metrics = '{'")
    connection.close()


DAMAGES = (Path.unlink, garbage, cut, empty, overwritten_inside, other_database, older_version, no_table, folder,
           strange_metrics)  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("next_user", ["lists", "commits"])
def test_a_deleted_or_damaged_index_is_rebuilt_in_silence(
    damage: Callable[[Path], None], next_user: str, store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    for turn in range(8):
        add_snapshot(store, message=f"{turn} " + "long " * 200)
    before = store.log()
    damage(index_of(store))
    store = Store.open(store.folder)
    if next_user == "commits":
        add_snapshot(store, message="next")
        assert [line.number for line in store.log()] == list(range(9, 0, -1))
    assert store.log()[-8:] == before
    assert store.fsck() == []
    assert capfd.readouterr() == ("", "")
    assert not any((store.folder / "tmp").iterdir())


def test_an_index_that_is_behind_catches_up(store: Store, tmp_path: Path) -> None:
    add_snapshot(store, message="1")
    store.log()
    shutil.copy(index_of(store), tmp_path / "old")
    first = add_snapshot(store, message="2")
    store.append("rerun", first, {"verdict": "diverged", "candidate": None})
    before = store.log()
    shutil.copy(tmp_path / "old", index_of(store))
    assert store.log() == before
    assert store.number(first) == 2
    assert store.log()[0].verdict == "diverged"


def test_a_store_put_back_from_an_older_copy_is_listed_as_it_is(store: Store, tmp_path: Path) -> None:
    add_snapshot(store, message="1")
    head = (store.folder / "ledger" / "HEAD").read_bytes()
    add_snapshot(store, message="2")
    (store.folder / "ledger" / "HEAD").write_bytes(head)
    assert [line.message for line in store.log()] == ["1"]
    add_snapshot(store, message="3")
    assert [(line.number, line.message) for line in store.log()] == [(2, "3"), (1, "1")]


def test_a_journal_left_by_a_killed_writer_is_not_played_into_a_new_index(store: Store) -> None:
    for turn in range(3):
        add_snapshot(store, message=str(turn))
    before = store.log()
    journal = Path(f"{index_of(store)}-journal")
    connection = sqlite3.connect(index_of(store), isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE snapshots SET message = 'half', experiment = 'half'")
    connection.execute("CREATE TABLE filler AS SELECT randomblob(200000)")
    hot = journal.read_bytes()
    connection.execute("ROLLBACK")
    connection.close()
    assert hot
    garbage(index_of(store))
    journal.write_bytes(hot)
    assert store.log() == before
    journal.write_bytes(hot)
    assert store.log() == before
    index_of(store).unlink()
    journal.write_bytes(hot)
    assert store.log() == before
    assert store.fsck() == []


def test_an_index_locked_by_another_program_does_not_stop_a_commit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mlgov.store import index

    monkeypatch.setattr(index, "BUSY_S", 0.1)
    add_snapshot(store, message="1")
    other = sqlite3.connect(index_of(store), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        add_snapshot(store, message="2")
        assert [line.number for line in store.log()] == [2, 1]
    finally:
        other.close()
    assert [line.number for line in Store.open(store.folder).log()] == [2, 1]


def test_a_snapshot_whose_manifest_is_gone_keeps_its_number_and_is_not_listed(store: Store) -> None:
    ids = [add_snapshot(store, message=str(turn)) for turn in range(3)]
    (store.folder / "manifests" / ids[1]).unlink()
    store.reindex()
    assert [line.id for line in store.log()] == [ids[2], ids[0]]
    assert [line.number for line in store.log()] == [3, 1]
    assert store.resolve("baseline@2") == ids[1]
    with pytest.raises(Missing):
        store.manifest(ids[1])
    assert store.number(add_snapshot(store, message="next")) == 4
    (store.folder / "manifests" / store.resolve("baseline")).unlink()
    store.reindex()
    with pytest.raises(Missing):  # the name never slips to an older one
        store.manifest(store.resolve("baseline"))


def test_reindex_keeps_the_old_index_when_the_ledger_is_broken(store: Store) -> None:
    for turn in range(3):
        add_snapshot(store, message=str(turn))
    before = store.log()
    broken = store.folder / "ledger" / "entries" / identity(store.entries()[1])
    broken.write_bytes(broken.read_bytes() + b" ")
    with pytest.raises(Damaged, match="run `mlgov fsck`"):
        store.reindex()
    assert store.log() == before
    index_of(store).unlink()
    for question in (
        store.log,
        store.entries,
        lambda: store.resolve("baseline"),
    ):
        with pytest.raises(Damaged) as caught:
            question()
        assert "\n" not in str(caught.value)
    assert not index_of(store).exists()


def test_a_reindex_that_cannot_write_says_so(store: Store) -> None:
    add_snapshot(store)
    index_of(store).mkdir()
    with pytest.raises(NotWritable, match=r"index\.sqlite"):
        store.reindex()
    assert len(store.log()) == 1


acts = st.lists(
    st.tuples(
        st.sampled_from(["snapshot", "candidate", "rerun", "approval"]),
        st.sampled_from(["a", "b"]),
        st.booleans(),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(acts)
def test_any_history_is_listed_the_same_after_reindex(history: list[tuple[str, str, bool]]) -> None:
    with fresh() as store:
        ids: list[str] = []
        for turn, (kind, experiment, forget) in enumerate(history):
            if kind in ("snapshot", "candidate"):
                ids.append(add_snapshot(store, kind=kind, experiment=experiment, message=str(turn)))
            elif ids:
                body = {"verdict": f"v{turn}"} if kind == "rerun" else {"name": "Ada"}
                store.append(kind, ids[turn % len(ids)], body)
            if forget and index_of(store).exists():
                index_of(store).unlink()
        before = store.log(candidates=True), store.entries(), [store.number(name) for name in ids]
        assert store.reindex() == len(ids)
        assert (store.log(candidates=True), store.entries(), [store.number(name) for name in ids]) == before
        for experiment in ("a", "b"):
            numbers = [line.number for line in store.log(experiment=experiment)]
            assert numbers == list(range(len(numbers), 0, -1))
        assert [problem.kind for problem in store.fsck()] == []


def test_the_tags_of_the_experiments_cell_are_listed(store: Store) -> None:
    name = add_snapshot(store)
    assert store.log()[0].tags == ()
    manifest = store.manifest(name)
    cells = tuple(
        msgspec.structs.replace(manifest.notebook.cells[0], index=index, id=f"c{index}", tags=tags)
        for index, tags in enumerate([("other",), ("candidate", "q3")])
    )
    notebook = msgspec.structs.replace(manifest.notebook, cells=cells)
    store.commit(msgspec.structs.replace(manifest, notebook=notebook, cell=1))
    assert store.log()[0].tags == ("candidate", "q3")
    store.reindex()
    assert store.log()[0].tags == ("candidate", "q3")
