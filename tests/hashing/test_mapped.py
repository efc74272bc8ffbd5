"""Large files are mapped in a process of their own: the digest is the same, and what happens to them harms nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from blake3 import blake3

from jupyter_mlgov.hashing import files, mapped

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files are mapped on Linux only")


@pytest.fixture(autouse=True)
def every_size_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "LARGE", 1)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of files that were read after all."""
    sizes: list[int] = []
    really = files._read

    def noted(descriptor: int, size: int) -> tuple[bytes, int]:
        sizes.append(size)
        return really(descriptor, size)

    monkeypatch.setattr(files, "_read", noted)
    return sizes


@pytest.mark.parametrize("size", [1, 4096, 4097, 3_000_001])
def test_the_digest_is_that_of_the_bytes(tmp_path: Path, size: int, read: list[int]) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    found = files.hash_file(tmp_path / "a")
    assert (found.digest, found.bytes, found.stable) == ("blake3:" + blake3(data).hexdigest(), size, True)
    assert not read


def test_an_empty_file_is_read(tmp_path: Path, read: list[int]) -> None:
    (tmp_path / "a").touch()
    assert files.hash_file(tmp_path / "a").digest == "blake3:" + blake3().hexdigest()
    assert read == [0]


def test_who_cuts_the_file_off_meanwhile_ends_nobody(tmp_path: Path) -> None:
    path = tmp_path / "a"
    whole = 1 << 26
    path.write_bytes(bytes(whole))
    cutting = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys\nwhile True: os.truncate(sys.argv[1], 0); os.truncate(sys.argv[1], int(sys.argv[2]))",
            str(path),
            str(whole),
        ]
    )
    try:
        found = [files.hash_file(path) for _ in range(40)]
    finally:
        cutting.kill()
        cutting.wait()
    assert not all(one.stable for one in found)
    zeros = {
        size: "blake3:" + blake3(bytes(size)).hexdigest()
        for size in {one.bytes for one in found if one.stable}
    }
    assert all(one.digest == zeros[one.bytes] for one in found if one.stable)


@pytest.mark.parametrize(
    "program",
    ["#!/bin/sh\nkill -BUS $$\n", "#!/bin/sh\necho 3 nonsense\n", "#!/bin/sh\nexit 3\n", "no program", None],
)
def test_where_the_process_gives_no_answer_the_file_is_read(
    tmp_path: Path, program: str | None, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python3"
    if program is not None:
        python.write_text(program)
        python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    (tmp_path / "a").write_bytes(b"abc")
    assert files.hash_file(tmp_path / "a").digest == "blake3:" + blake3(b"abc").hexdigest()
    assert read == [3]


def test_a_program_that_only_contains_python_is_not_started(
    tmp_path: Path, read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    editor.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(editor))
    (tmp_path / "a").write_bytes(b"abc")
    assert files.hash_file(tmp_path / "a").bytes == 3
    assert read == [3]
    assert not (tmp_path / "started").exists()


def test_a_file_that_is_not_in_memory_is_read(tmp_path: Path, read: list[int]) -> None:
    path = tmp_path / "a"
    path.write_bytes(os.urandom(1 << 20))
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if mapped._in_memory(file.fileno(), 1 << 20):
            pytest.skip("this file system keeps everything in memory")
    assert files.hash_file(path).digest == "blake3:" + blake3(path.read_bytes()).hexdigest()
    assert read == [1 << 20]


def _not_implemented(*_: object) -> int:
    raise NotImplementedError("preadv2: flags unavailable")


@pytest.mark.parametrize("lacking", ["RWF_NOWAIT", "preadv", "flags", "executable"])
def test_a_python_that_lacks_what_this_takes_reads_the_file(
    tmp_path: Path, read: list[int], monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    """One built against an old C library has no ``preadv2``, and one inside another program no executable."""
    if lacking == "executable":
        monkeypatch.setattr(sys, "executable", None)
    elif lacking == "flags":
        monkeypatch.setattr(os, "preadv", _not_implemented)
    else:
        monkeypatch.delattr(os, lacking)
    (tmp_path / "a").write_bytes(b"abc")
    assert files.hash_file(tmp_path / "a").digest == "blake3:" + blake3(b"abc").hexdigest()
    assert read == [3]
