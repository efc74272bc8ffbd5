"""What is held of files that are about to be changed, and what is not: secrets, too many, where there is no room."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_mlgov.capture import earlier_contents
from jupyter_mlgov.capture.earlier_contents import EarlierContents
from jupyter_mlgov.capture.reads import Reads


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def held(temporary: Path) -> Iterator[EarlierContents]:
    one = EarlierContents(Reads())
    yield one
    one.stop()


def changing(one: EarlierContents, folder: Path, name: str) -> bool:
    """Whether what ``name`` holds is still known after it was read and changed."""
    path = folder / name
    path.write_text("a,b\n1,2\n")
    one._reads.saw_read(str(path), "open")
    one.hold(str(path), folder, adds=False)
    path.write_text("x")
    known = one._reads.earlier.get(str(path))
    return known is not None and Path(known.copy).read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize("name", ["kaggle.json", "credentials.json", "id_rsa", "server.key"])
def test_a_file_that_is_kept_for_the_secrets_in_it_is_never_copied(
    held: EarlierContents, temporary: Path, tmp_path: Path, name: str
) -> None:
    assert not changing(held, tmp_path, name)
    assert changing(held, tmp_path, "d.csv")
    assert [path.name for path in temporary.rglob("*") if path.is_file()] == ["d.csv"]


def test_only_so_many_are_held_as_nobody_waits_for(
    held: EarlierContents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier_contents, "MANY", 2)
    assert [changing(held, tmp_path, f"{number}.csv") for number in range(4)] == [True, True, False, False]


def test_the_temporary_folder_is_not_filled(
    held: EarlierContents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = shutil.disk_usage
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * len("a,b\n1,2\n")))
    assert not changing(held, tmp_path, "d.csv")
    monkeypatch.setattr(shutil, "disk_usage", really)
    assert changing(held, tmp_path, "e.csv")


def test_what_another_machine_or_a_living_process_holds_in_the_same_folder_is_left(
    held: EarlierContents, temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], check=True, capture_output=True, text=True
    )
    ours = earlier_contents._prefix
    left = temporary / f"{ours(ended.stdout.strip())}0"
    living = temporary / f"{ours(str(os.getppid()))}0"
    nonsense = temporary / f"{ours('9' * 40)}0"
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(platform, "node", lambda: "another-" + os.uname().nodename)
        others = temporary / f"{ours(ended.stdout.strip())}0"
    folders = [left, living, nonsense, others]
    for folder in folders:
        folder.mkdir()
    assert changing(held, tmp_path, "d.csv")
    assert [folder.exists() for folder in folders] == [False, True, True, True]
