"""Files and folders: digests of bytes, and what is said about files that do not hold still."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.hashing import files
from jupyter_mlgov.hashing.files import digest_of_members, hash_file, hash_folder
from jupyter_mlgov.records.manifest import Member


@pytest.mark.parametrize("size", [0, 1, 4095, files.CHUNK, files.CHUNK + 1, 3 * files.CHUNK + 5])
def test_the_digest_is_blake3_of_the_bytes(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    found = hash_file(tmp_path / "a")
    assert (found.digest, found.bytes, found.stable) == ("blake3:" + blake3(data).hexdigest(), size, True)


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 50_000])
def test_reading_ahead_does_not_show(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    monkeypatch.setattr(files, "AHEAD_FROM", 1)
    monkeypatch.setattr(files, "AHEAD_CHUNK", 1000)
    found = hash_file(tmp_path / "a")
    assert (found.digest, found.bytes, found.stable) == ("blake3:" + blake3(data).hexdigest(), size, True)
    assert "mlgov-read-ahead" not in [thread.name for thread in threading.enumerate()]


def test_an_error_while_reading_ahead_is_raised_and_the_reader_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"x" * 5000)
    monkeypatch.setattr(files, "AHEAD_FROM", 1)
    monkeypatch.setattr(files, "AHEAD_CHUNK", 1000)

    class Failing:
        def update(self, piece: memoryview) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(files, "hasher", lambda size: Failing())
    with pytest.raises(KeyboardInterrupt):
        hash_file(tmp_path / "a")
    assert "mlgov-read-ahead" not in [thread.name for thread in threading.enumerate()]
    with (
        (tmp_path / "a").open("ab", buffering=0) as unreadable,
        pytest.raises(OSError, match=r"."),
        files._ReadAhead(unreadable) as ahead,
    ):
        list(ahead.pieces())


def test_paths_may_be_text_bytes_or_no_text_at_all(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff" + b"n" * 250
    with open(name, "wb") as file:
        file.write(b"x")
    assert hash_file(name) == hash_file(os.fsdecode(name)) == hash_file(Path(os.fsdecode(name)))
    folder = hash_folder(tmp_path)
    assert [member.path for member in folder.members] == [os.fsdecode(b"\xff" + b"n" * 250)]
    assert digest_of_members(folder.members) == folder.digest


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        hash_file(tmp_path / "pipe")
    (tmp_path / "a").write_text("x")
    assert hash_folder(tmp_path).skipped == (("pipe", "not a regular file"),)


@pytest.mark.parametrize("name", ["", "missing", "missing/a"])
def test_what_cannot_be_opened_raises_the_system_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match=r"."):
        hash_file(tmp_path / name)


def test_a_link_is_the_file_that_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to("a")
    assert hash_file(tmp_path / "b") == hash_file(tmp_path / "a")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic"):
        hash_file(tmp_path / "loop")


def test_a_file_that_grows_while_it_is_read_is_not_stable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    real = os.fstat
    calls = []

    def grown(descriptor: int) -> os.stat_result:
        calls.append(descriptor)
        if len(calls) == 2:
            with path.open("ab") as file:
                file.write(b"y")
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", grown)
    assert not hash_file(path).stable


def test_a_file_that_is_replaced_while_it_is_read_is_not_stable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"x" * 100)
    other.write_bytes(b"y" * 100)
    real = os.fstat

    def replaced(descriptor: int) -> os.stat_result:
        if other.exists():
            other.replace(path)
        return real(descriptor)

    monkeypatch.setattr(os, "fstat", replaced)
    found = hash_file(path)
    assert (found.digest, found.stable) == ("blake3:" + blake3(b"x" * 100).hexdigest(), False)


def test_a_file_that_is_truncated_and_written_all_the_time_never_breaks_reading(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(os.urandom(1 << 20))
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            os.truncate(path, 10)
            path.write_bytes(os.urandom(1 << 20))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [hash_file(path) for _ in range(20)]
    finally:
        stop.set()
        writer.join()
    assert len(found) == 20


def tree(folder: Path) -> None:
    for name, text in {
        "a.csv": "1",
        "part=1/x.parquet": "2",
        "part=2/x.parquet": "3",
        "z/deep/er": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_a_folder_is_its_files_by_path(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tree(tmp_path / name)
    one, two = hash_folder(tmp_path / "one"), hash_folder(tmp_path / "two")
    assert one == two
    assert [member.path for member in one.members] == [
        "a.csv",
        "part=1/x.parquet",
        "part=2/x.parquet",
        "z/deep/er",
    ]
    assert (one.bytes, one.stable, one.skipped) == (3, True, ())
    (tmp_path / "two" / "a.csv").rename(tmp_path / "two" / "b.csv")
    assert hash_folder(tmp_path / "two").digest != one.digest


def test_links_to_folders_above_end_there(tmp_path: Path) -> None:
    tree(tmp_path / "d")
    (tmp_path / "d" / "part=1" / "up").symlink_to(tmp_path / "d")
    (tmp_path / "d" / "again").symlink_to(tmp_path / "d" / "z")
    found = hash_folder(tmp_path / "d")
    assert found.skipped == (("part=1/up", "a link to a folder above it"),)
    assert "again/deep/er" in [member.path for member in found.members]


def test_a_broken_link_in_a_folder_is_skipped_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to("nowhere")
    assert hash_folder(tmp_path).skipped == (("gone", "No such file or directory"),)


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        hash_folder(tmp_path / "missing")


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=5, unique=True), st.randoms())
def test_members_have_one_digest_whatever_their_order(pairs: list[tuple[str, str]], random: object) -> None:
    members = [Member(path=path, digest=digest) for path, digest in pairs]
    turned = members[::-1]
    assert digest_of_members(members) == digest_of_members(turned)
    if members:
        assert digest_of_members(members[1:]) != digest_of_members(members)
