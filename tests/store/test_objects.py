"""Objects are what their digest says, or an error."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.errors import Damaged, Missing, UsageError
from jupyter_mlgov.records.canonical import digest
from jupyter_mlgov.store import Store, files
from jupyter_mlgov.store.objects import Named, compress, expand
from tests.store.making import fresh


def object_path(store: Store, name: str) -> Path:
    bare = name.removeprefix("blake3:")
    return store.folder / "objects" / bare[:2] / bare[2:]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.binary(max_size=3000), max_size=8))
def test_what_was_put_is_got_under_the_digest_of_its_bytes(datas: list[bytes]) -> None:
    with fresh() as store:
        names = store.put_all(datas)
        assert names == [digest(data) for data in datas]
        assert [store.get(name) for name in names] == datas
        assert all(store.has(name) for name in names)
        assert store.put_all(datas) == names
        kept = [path for path in (store.folder / "objects").rglob("*") if path.is_file()]
        assert len(kept) == len(set(datas))


@settings(max_examples=60, deadline=None)
@given(data=st.binary(min_size=1, max_size=400), place=st.integers(0), change=st.integers(1, 255))
def test_a_changed_byte_is_found_or_does_not_matter(data: bytes, place: int, change: int) -> None:
    with fresh() as store:
        name = store.put(data)
        path = object_path(store, name)
        packed = bytearray(path.read_bytes())
        packed[place % len(packed)] ^= change
        path.write_bytes(packed)
        try:
            assert store.get(name) == data
        except Damaged as error:
            assert name.removeprefix("blake3:") in str(error)
            assert "\n" not in str(error)


@settings(max_examples=30, deadline=None)
@given(data=st.binary(min_size=1, max_size=400), keep=st.floats(0, 1, exclude_max=True))
def test_a_truncated_object_is_damaged(data: bytes, keep: float) -> None:
    with fresh() as store:
        name = store.put(data)
        path = object_path(store, name)
        packed = path.read_bytes()
        path.write_bytes(packed[: int(len(packed) * keep)])
        with pytest.raises(Damaged):
            store.get(name)


def test_putting_the_bytes_again_heals_a_damaged_object(store: Store) -> None:
    name = store.put(b"data")
    object_path(store, name).write_bytes(b"junk")
    assert store.put(b"data") == name
    assert store.get(name) == b"data"


def test_an_object_that_expands_without_end_is_refused_before_memory_is_full(store: Store) -> None:
    bomb = compress(b"\0" * (1 << 28))
    assert len(bomb) < 20_000
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more than 10000000 bytes"):
            expand(bomb, limit=10_000_000)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_a_frame_that_claims_to_be_huge_costs_nothing() -> None:
    header = b"\x28\xb5\x2f\xfd" + bytes([0b11100000]) + (1 << 60).to_bytes(8, "little")
    assert zstandard.frame_content_size(header) == 1 << 60
    with pytest.raises(ValueError):
        expand(header + b"\x01\x00\x00abc", limit=1 << 30)


def test_a_file_larger_than_any_object_is_damaged_without_being_read(tmp_path: Path) -> None:
    small = Named(tmp_path / "small", tmp_path / "tmp", noun="object", limit=1000)
    name = small.put(b"x")
    with small.path(name).open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(Damaged, match="more than"):
        small.get(name)


def test_too_large_an_object_is_refused_when_it_is_put(tmp_path: Path) -> None:
    small = Named(tmp_path / "small", tmp_path / "tmp", noun="object", limit=1000)
    with pytest.raises(UsageError, match="1001 bytes is too large"):
        small.put_all([b"x" * 1000, b"x" * 1001])
    assert not list(tmp_path.rglob("*"))
    assert list(small.names()) == []


@pytest.mark.parametrize(
    "name", ["", "blake3:", "blake3:../../format", "../format", "sha256:" + "a" * 64, "a" * 64,
             "blake3:" + "A" * 64, "blake3:" + "a" * 65, "blake3:" + "a" * 63 + "\n"],
)  # fmt: skip
def test_what_is_no_digest_names_nothing(name: str, store: Store) -> None:
    assert not store.has(name)
    with pytest.raises(Missing):
        store.get(name)


def test_an_unknown_digest_is_missing(store: Store) -> None:
    with pytest.raises(Missing, match="run `mlgov fsck`"):
        store.get(digest(b"never put"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_or_a_folder_in_place_of_an_object_is_damage(store: Store) -> None:
    name = store.put(b"data")
    path = object_path(store, name)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Damaged, match="is not a file"):
        store.get(name)
    path.unlink()
    path.mkdir()
    with pytest.raises(Damaged):
        store.get(name)


def test_a_disk_without_hard_links_keeps_objects_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    names = store.put_all([b"one", b"two", b"one"])
    assert [store.get(name) for name in names] == [b"one", b"two", b"one"]
    assert store.put(b"one") == names[0]
    assert not list((store.folder / "tmp").iterdir())


def test_left_over_temporary_files_go_after_a_day(store: Store) -> None:
    young, old = store.folder / "tmp" / "young", store.folder / "tmp" / "old"
    for path in (young, old):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    Store.open(store.folder).put(b"data")
    assert young.exists()
    assert not old.exists()


def test_reading_a_file_gives_all_of_it_even_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10_000)
    assert files.read(path, limit=10_000) == b"x" * 10_000
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "absent", limit=1)
