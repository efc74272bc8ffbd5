"""An array that is a file is hashed again whenever its content may be another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlgov.capture.mapped_arrays import MappedArrays
from jupyter_mlgov.hashing.frames import FrameDescription, describe_frame

LINUX = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")


class Counting(MappedArrays):
    """Counts what is hashed."""

    hashed = 0

    def digest(self, value: Any) -> str | None:
        def describe(one: Any) -> FrameDescription | None:
            self.hashed += 1
            return describe_frame(one)

        found = self.describe(value, describe)
        assert found is not None
        assert found == describe_frame(value)
        return found.digest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data.npy"
    np.save(path, np.arange(400_000))
    old(path)
    return path


def old(path: Path) -> None:
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns - 10**10))


@LINUX
def test_the_same_file_that_is_opened_again_is_not_hashed_again(path: Path) -> None:
    known = Counting()
    assert known.digest(np.load(path, mmap_mode="r")) == known.digest(np.load(path, mmap_mode="r"))
    assert known.hashed == 1


def test_a_file_that_changed_in_place_or_was_replaced_is_hashed_again(path: Path, tmp_path: Path) -> None:
    known = Counting()
    array = np.load(path, mmap_mode="r")
    first = known.digest(array)
    with path.open("r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"changed!")
    assert known.digest(array) != first
    other = tmp_path / "other.npy"
    np.save(other, np.arange(400_000) * 2)
    old(other)
    other.replace(path)
    # The array is still the old file; one that is opened now is the new one.
    assert known.digest(array) != known.digest(np.load(path, mmap_mode="r"))


def test_what_this_process_can_write_to_is_hashed_every_time(path: Path) -> None:
    known = Counting()
    array, writable = np.load(path, mmap_mode="r"), np.load(path, mmap_mode="r+")
    first = known.digest(array)
    writable[0] = 5
    second = known.digest(array)
    writable[0] = 6
    assert len({first, second, known.digest(array)}) == 3
    assert known.digest(writable) == known.digest(array)


def test_parts_and_copies_on_write_are_hashed_every_time(path: Path) -> None:
    known = Counting()
    whole = np.load(path, mmap_mode="r")
    assert known.digest(whole[:200_000]) != known.digest(whole[200_000:])
    copied = np.load(path, mmap_mode="c")
    first = known.digest(copied)
    copied[0] = 7
    assert known.digest(copied) != first
