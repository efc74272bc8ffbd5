"""gc drops what nothing names and a day old, and nothing else, whatever else goes on in the store."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from jupyter_mlgov.errors import Damaged, Missing
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.store import Store
from jupyter_mlgov.store.pieces import cut
from tests.store.making import add_snapshot, make_manifest
from tests.store.test_objects import object_path
from tests.store.test_pieces import frame

DAYS = 2 * 24 * 3600


def age(folder: Path) -> None:
    """Everything in the store was written two days ago."""
    then = time.time() - DAYS
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


def files_of(store: Store) -> set[Path]:
    return {
        path
        for part in ("objects", "manifests")
        for path in (store.folder / part).rglob("*")
        if path.is_file()
    }


def test_what_a_snapshot_or_an_entry_names_stays_with_all_that_is_named_there(store: Store) -> None:
    manifest = make_manifest(store, frames=(frame(3),), experiment="kept")
    snapshot = store.commit(manifest).subject
    inner = store.put(b"a figure")
    record = store.put(canonical({"figures": [inner]}))
    store.append("rerun", snapshot, {"comparison": record})
    age(store.folder)
    before = files_of(store)
    assert object_path(store, next(iter(cut(canonical(manifest))[1]))) in before
    dropped = store.drop_unnamed()
    assert (dropped.objects, dropped.manifests, dropped.bytes) == (0, 0, 0)
    assert files_of(store) == before


def test_what_nothing_names_is_dropped_once_it_is_a_day_old(store: Store) -> None:
    snapshot = add_snapshot(store)
    left = store.put(b"left by a writer that was killed")
    manifest = make_manifest(store, message="never listed", frames=(frame(5),))
    store._manifests.put(canonical(manifest))
    whole = files_of(store)
    assert store.drop_unnamed().objects == 0, "it may be named yet"
    age(store.folder)
    young = store.put(b"just put")
    tried = store.drop_unnamed(dry_run=True)
    assert tried.dry_run and files_of(store) == whole | {object_path(store, young)}
    dropped = store.drop_unnamed()
    assert (dropped.objects, dropped.manifests, dropped.bytes) == (tried.objects, 1, tried.bytes)
    assert dropped.objects >= 2 and dropped.bytes > 100
    assert not store.has(left) and store.has(young)
    assert store.manifest(snapshot).experiment == "baseline"
    assert store.fsck() == []


def test_in_a_damaged_store_nothing_is_dropped(store: Store) -> None:
    snapshot = add_snapshot(store)
    store.put(b"left")
    age(store.folder)
    (store.folder / "manifests" / snapshot).write_bytes(b"damage")
    before = files_of(store)
    with pytest.raises(Damaged, match=r"nothing was dropped: .*manifest\.damaged .* run `mlgov fsck`"):
        store.drop_unnamed()
    assert files_of(store) == before


def test_a_snapshot_that_counted_on_what_was_dropped_is_refused_whole(store: Store) -> None:
    add_snapshot(store)
    manifest = make_manifest(store, message="late", source="late = 1")
    age(store.folder)
    store.drop_unnamed()
    with pytest.raises(Missing, match="run the cell again"):
        store.commit(manifest)
    assert store.fsck() == []
    add_snapshot(store, message="late", source="late = 1")
    assert store.fsck() == []


def test_beside_writers_nothing_that_they_name_is_lost(store: Store) -> None:
    """The age is no help here: everything may go at once, and writers that lost an object put it again."""
    stop = threading.Event()
    refused = 0

    def write(name: str) -> None:
        nonlocal refused
        own = Store.open(store.folder)
        for turn in range(25):
            try:
                add_snapshot(own, experiment=name, source=f"{name} = {turn}", frames=(frame(turn),))
            except Missing:
                refused += 1

    writers = [threading.Thread(target=write, args=(f"e{place}",)) for place in range(2)]
    for writer in writers:
        writer.start()

    def collect() -> None:
        while not stop.is_set():
            Store.open(store.folder).drop_unnamed(grace_s=-60)

    collector = threading.Thread(target=collect)
    collector.start()
    for writer in writers:
        writer.join()
    stop.set()
    collector.join()
    made = Store.open(store.folder)
    assert made.fsck() == []
    assert len(made.log()) == 50 - refused
