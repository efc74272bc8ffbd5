"""Snapshots are numbered, listed newest first, and read back as they were committed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.errors import Damaged, Missing, NotFound, StoreError, UsageError
from jupyter_mlgov.records.annotations import KpiResult
from jupyter_mlgov.records.canonical import identity
from jupyter_mlgov.store import Store
from tests.store.making import ENVIRONMENT, add_snapshot, fresh, make_manifest

ROOT = Path(__file__).parents[2]


def test_a_committed_manifest_is_read_back_equal(store: Store) -> None:
    manifest = make_manifest(store, message="one", author="Ada")
    entry = store.commit(manifest)
    assert entry.subject == identity(manifest)
    assert (entry.kind, entry.author) == ("snapshot", "Ada")
    assert entry.body == {"experiment": "baseline", "number": 1}
    assert store.manifest(entry.subject) == manifest
    assert store.environment(manifest) == ENVIRONMENT


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@settings(max_examples=20, deadline=None)
@given(
    experiment=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    metrics=st.dictionaries(st.text(max_size=10), scalars, max_size=5),
    message=st.text(max_size=50),
)
def test_any_names_and_values_are_kept_and_listed(
    experiment: str, metrics: dict[str, Any], message: str
) -> None:
    with fresh() as store:
        snapshot = add_snapshot(store, experiment=experiment, metrics=metrics, message=message)
        manifest = store.manifest(snapshot)
        (line,) = store.log()
        assert (line.id, line.experiment, line.number) == (snapshot, experiment, 1)
        assert (line.metrics, line.message) == (manifest.metrics, manifest.message)
        assert store.newest(experiment) == snapshot
        before = store.log()
        store.reindex()
        assert store.log() == before


def test_each_experiment_is_numbered_from_one(store: Store) -> None:
    names = ["a", "b", "a", "a", "b"]
    ids = [add_snapshot(store, experiment=name, message=str(turn)) for turn, name in enumerate(names)]
    assert [store.number(snapshot) for snapshot in ids] == [1, 1, 2, 3, 2]
    assert [line.id for line in store.log()] == ids[::-1]
    assert [line.id for line in store.log(experiment="a", limit=2)] == [ids[3], ids[2]]
    assert store.log(limit=0) == []
    assert store.newest("b") == ids[4]
    assert store.newest("c") is None
    assert store.number("0" * 64) is None


def test_the_same_manifest_twice_is_one_snapshot(store: Store) -> None:
    manifest = make_manifest(store)
    assert store.commit(manifest) == store.commit(manifest)
    assert len(store.entries()) == 1


def test_a_candidate_has_no_number_and_no_name(store: Store) -> None:
    first = add_snapshot(store, message="1")
    candidate = add_snapshot(store, kind="candidate", baseline=first)
    assert store.number(candidate) is None
    assert store.newest("baseline") == first
    assert [line.id for line in store.log()] == [first]
    listed = store.log(candidates=True)
    assert [(line.id, line.kind, line.baseline) for line in listed] == [
        (candidate, "candidate", first),
        (first, "snapshot", None),
    ]
    assert store.number(add_snapshot(store, message="2")) == 2


def test_extra_facts_of_the_entry_do_not_touch_its_number(store: Store) -> None:
    entry = store.commit(make_manifest(store), body={"number": 7, "experiment": "x", "door": "kernel"})
    assert entry.body == {"experiment": "baseline", "number": 1, "door": "kernel"}


def test_a_snapshot_whose_object_is_missing_is_not_made(store: Store) -> None:
    manifest = make_manifest(store)
    shutil.rmtree(store.folder / "objects")
    with pytest.raises(Missing, match="'baseline' names object blake3:"):
        store.commit(manifest)
    assert store.log() == []
    assert store.fsck() == []


def test_a_manifest_that_could_not_be_read_back_is_refused(store: Store) -> None:
    manifest = make_manifest(store, seed=2**60)
    with pytest.raises(UsageError, match=r"'baseline' cannot be written down.*seed"):
        store.commit(manifest)
    assert store.log() == []


def test_log_filters_by_notebook_from_the_root_and_from_here(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = store.folder.parent
    (root / "deep").mkdir()
    one = add_snapshot(store, path="deep/a.ipynb")
    add_snapshot(store, path="b.ipynb", message="other")
    for here, path in ((root, "deep/a.ipynb"), (root / "deep", "a.ipynb"), (root / "deep", "deep/a.ipynb")):
        monkeypatch.chdir(here)
        assert [line.id for line in store.log(notebook=path)] == [one]
    assert [line.id for line in store.log(notebook=str(root / "deep" / "a.ipynb"))] == [one]
    assert store.log(notebook="c.ipynb") == []
    with pytest.raises(UsageError, match="limit of -1"):
        store.log(limit=-1)


def test_a_listing_says_whether_kpis_were_met_and_the_newest_verdict(store: Store) -> None:
    def kpi(met: bool | None) -> KpiResult:
        return KpiResult(metric="auc", op=">=", target=0.8, met=met)

    for kpis, answer in (((), None), ((True, True), True), ((True, False), False), ((True, None), None)):
        add_snapshot(store, kpis=tuple(kpi(met) for met in kpis), message=str(kpis))
        assert store.log(limit=1)[0].kpis_met is answer
    snapshot = store.log()[0].id
    for verdict in ("diverged", "reproduced"):
        comparison = store.put(verdict.encode())
        store.append("rerun", snapshot, {"verdict": verdict, "candidate": None, "comparison": comparison})
        assert store.log()[0].verdict == verdict
    before = store.log()
    store.reindex()
    assert store.log() == before


def test_entries_are_given_in_ledger_order_and_chained(store: Store) -> None:
    first = add_snapshot(store, message="1")
    second = add_snapshot(store, message="2")
    written = store.append(
        "approval", first, {"name": "Ada", "role": "validator", "decision": "approved", "message": "ä\nb"},
        author="Ada",
    )  # fmt: skip
    store.append("risk", second, {"id": "R1", "value": float("nan"), "big": 2**70})
    entries = store.entries()
    assert [entry.kind for entry in entries] == ["snapshot", "snapshot", "approval", "risk"]
    assert [entry.parents for entry in entries] == [(), *((identity(entry),) for entry in entries[:-1])]
    assert store.entries(subject=first) == [entries[0], written]
    assert store.entries(kind="risk")[0].body == {"id": "R1", "value": "NaN", "big": str(2**70)}
    assert store.entries(subject=second, kind="approval") == []


def test_only_known_things_can_be_said_about_known_snapshots(store: Store) -> None:
    snapshot = add_snapshot(store)
    with pytest.raises(UsageError, match="kind 'applause': use one of rerun"):
        store.append("applause", snapshot, {})
    with pytest.raises(UsageError, match="kind 'snapshot'"):
        store.append("snapshot", snapshot, {})
    with pytest.raises(NotFound, match="no snapshot has the id"):
        store.append("risk", "f" * 64, {})
    with pytest.raises(UsageError, match="cannot be written"):
        store.append("risk", snapshot, {"x": object()})
    assert len(store.entries()) == 1


def test_a_manifest_is_only_read_by_its_id(store: Store) -> None:
    add_snapshot(store)
    with pytest.raises(NotFound, match="no snapshot's id"):
        store.manifest("../format")
    with pytest.raises(Missing):
        store.manifest("f" * 64)


def test_a_manifest_of_a_newer_version_asks_for_an_upgrade(store: Store) -> None:
    snapshot = store.commit(make_manifest(store, schema=99)).subject
    with pytest.raises(StoreError, match=r"schema 99 .* upgrade"):
        store.manifest(snapshot)


def test_the_environment_of_a_manifest_has_to_be_one(store: Store) -> None:
    manifest = make_manifest(store)
    manifest = msgspec.structs.replace(manifest, environment=store.put(b"[1, 2]"))
    with pytest.raises(Damaged, match="is no environment"):
        store.environment(manifest)


def test_a_store_deleted_under_a_running_kernel_is_made_again(store: Store) -> None:
    add_snapshot(store, message="1")
    shutil.rmtree(store.folder)
    add_snapshot(store, message="2")
    assert [(line.number, line.message) for line in store.log()] == [(1, "2")]
    assert store.fsck() == []


def test_importing_the_store_imports_nothing_heavy() -> None:
    code = (
        "import sys, jupyter_mlgov.store; print([m for m in ('sqlalchemy', 'filelock') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_forked_process_can_go_on_writing(store: Store) -> None:
    add_snapshot(store, message="parent")
    child = os.fork()
    if child == 0:
        add_snapshot(store, message="child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert store.log()[0].message == "child"
    add_snapshot(store, message="parent again")
    assert [line.number for line in store.log()] == [3, 2, 1]


def test_a_batch_is_written_with_its_snapshot_and_not_before(store: Store) -> None:
    manifest = make_manifest(store)
    batch = store.batch()
    text = batch.put(b"waits")
    assert batch.has(text)
    assert not store.has(text)
    entry = batch.commit(msgspec.structs.replace(manifest, random_state=text))
    assert store.get(text) == b"waits"
    assert store.manifest(entry.subject).random_state == text
    assert store.fsck() == []


def test_numbers_go_on_where_others_wrote_meanwhile_and_no_index_is_loaded_for_them(store: Store) -> None:
    other = Store.open(store.folder)
    for turn in range(3):
        add_snapshot(store, message=f"a {turn}")
        add_snapshot(other, message=f"b {turn}")
        add_snapshot(store, message=f"c {turn}", experiment="another")
    assert not (store.folder / "index.sqlite").exists()
    assert [line.number for line in store.log(experiment="baseline")] == [6, 5, 4, 3, 2, 1]
    assert store.newest("another") == store.log(experiment="another")[0].id
    for turn in range(120):  # past what is looked at from the end
        add_snapshot(other, message=f"d {turn}", experiment="another")
    assert Store.open(store.folder).newest("baseline") == store.log(experiment="baseline")[0].id
    assert store.commit(make_manifest(store, message="last")).body["number"] == 7


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit to set")
def test_a_snapshot_of_more_files_than_may_be_open_is_made(store: Store) -> None:
    import resource

    objects = store.batch()
    objects.put_all(str(number).encode() for number in range(600))
    manifest = make_manifest(store)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/dev/fd").iterdir())) + 200, hard))
    try:
        made = objects.commit(manifest)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert store.newest("baseline") == made.subject
    assert all(store.has(store.put(str(number).encode())) for number in range(600))


def test_an_object_that_is_dropped_while_its_snapshot_waits_for_the_lock_is_missed(store: Store) -> None:
    large, small = os.urandom(5 << 20), b"a cell"
    batch = store.batch()
    name, _ = batch.put_all([large, small])
    manifest = make_manifest(store, random_state=name)
    other = Store.open(store.folder)
    raised: list[BaseException] = []

    def commit() -> None:
        try:
            batch.commit(manifest)
        except BaseException as error:
            raised.append(error)

    waiting = threading.Thread(target=commit)
    with other._ledger.lock():
        waiting.start()
        while not other.has(name):
            time.sleep(0.01)
        # It lies there and nothing names it: what `gc` drops.
        other._objects.path(name.removeprefix("blake3:")).unlink()
    waiting.join()
    assert [type(error) for error in raised] == [Missing]
    assert not store.log()
