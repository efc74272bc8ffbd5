"""Every byte of an object, a manifest and a ledger line is flipped in turn: each is found, and told whom it touches."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlgov.errors import StoreError
from jupyter_mlgov.records.canonical import identity
from jupyter_mlgov.store import Store
from tests.store.making import RAM, add_snapshot
from tests.store.test_objects import object_path

STRIDE = 1 if os.environ.get("MLGOV_FAULTS") == "all" else 3
"""The default suite flips every third byte of the longer ones; ``make test-faults`` every one."""


@pytest.fixture(scope="module")
def sound() -> Iterator[Path]:
    """A store with two snapshots; its listing is asked for once, so that there is an index."""
    with tempfile.TemporaryDirectory(dir=RAM) as folder:
        store = Store.create(Path(folder) / ".mlgov")
        for turn in range(2):
            add_snapshot(store, message=str(turn), source=f"turn = {turn}")
        yield store.folder


def an_object(store: Store, snapshot: str) -> tuple[Path, str]:
    source = store.manifest(snapshot).notebook.cells[0].source
    return object_path(store, source), source


def a_manifest(store: Store, snapshot: str) -> tuple[Path, str]:
    return store.folder / "manifests" / snapshot, snapshot


def a_ledger_line(store: Store, snapshot: str) -> tuple[Path, str]:
    name = identity(store.entries(subject=snapshot)[0])
    return store.folder / "ledger" / "entries" / name, name


@pytest.mark.parametrize(
    ("part", "kinds"),
    [
        (an_object, {"object.damaged"}),
        (a_manifest, {"manifest.damaged"}),
        (a_ledger_line, {"entry.damaged"}),
    ],
)
def test_every_flipped_byte_is_found_and_named_with_the_snapshot_that_it_touches(
    part: Callable[[Store, str], tuple[Path, str]], kinds: set[str], sound: Path, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory(dir=RAM) as folder:
        shutil.copytree(sound, Path(folder) / ".mlgov")
        store = Store.open(Path(folder) / ".mlgov")
        newest, first = (line.id for line in store.log())
        path, subject = part(store, newest)
        whole = path.read_bytes()
        assert len(whole) > 15
        for place in range(0, len(whole), 1 if len(whole) < 100 else STRIDE):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
            problems = Store.open(store.folder).fsck()
            assert {problem.kind for problem in problems} == kinds, (place, problems)
            assert [problem.subject for problem in problems] == [subject], place
            assert newest in problems[0].snapshots, place
            # What the damage does not touch is still whole.
            assert store.manifest(first).message == "0"
            path.write_bytes(whole)
        assert Store.open(store.folder).fsck() == []


def test_a_flipped_byte_is_never_given_out(sound: Path) -> None:
    with tempfile.TemporaryDirectory(dir=RAM) as folder:
        shutil.copytree(sound, Path(folder) / ".mlgov")
        store = Store.open(Path(folder) / ".mlgov")
        newest = store.log()[0].id
        path, digest = an_object(store, newest)
        whole = path.read_bytes()
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
            try:
                assert store.get(digest) == b"turn = 1"
            except StoreError:
                continue
