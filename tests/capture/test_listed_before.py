"""Installed distributions are read once an environment, not once a session."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlgov.capture.listed_before import ListedBefore
from jupyter_mlgov.capture.packages import PackageLister
from tests.capture.test_packages import install
from tests.kernel import Kernel


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLGOV_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def versions(*folders: Path) -> dict[str, str]:
    listed = PackageLister(ListedBefore()).list(map(str, folders))
    return {name: one.distribution.version for name, one in listed.items()}


def test_a_later_session_lists_the_same_without_reading_the_metadata_again(
    cache: Path, tmp_path: Path
) -> None:
    info = install(
        tmp_path / "site", "thing", files={"thing.py": "a"}, INSTALLER="pip", WHEEL="Tag: py3-none-any"
    )
    first = PackageLister(ListedBefore()).list([str(tmp_path / "site")])
    # Neither its folder nor RECORD says so: no installer does that.
    (info / "METADATA").write_text("Name: other\nVersion: 9\n")
    assert PackageLister(ListedBefore()).list([str(tmp_path / "site")]) == first
    assert PackageLister().list([str(tmp_path / "site")]) != first


def test_what_is_installed_removed_or_replaced_meanwhile_is_seen(cache: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    gone, info = install(site, "gone"), install(site, "thing")
    assert versions(site) == {"gone": "1.0", "thing": "1.0"}
    for file in gone.iterdir():
        file.unlink()
    gone.rmdir()
    install(site, "new")
    (info / "METADATA").write_text("Name: thing\nVersion: 1.0.post1\n")
    (info / "RECORD").write_text("thing.py,sha256=b,10\n")
    assert versions(site) == {"new": "1.0", "thing": "1.0.post1"}


def test_another_folder_of_the_same_name_and_time_is_read(cache: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    info = install(site, "thing")
    for path in (info / "RECORD", info):
        os.utime(path, (1, 1))
    assert versions(site) == {"thing": "1.0"}
    info.rename(tmp_path / "kept")
    other = install(site, "thing")
    (other / "METADATA").write_text("Name: Thing\nVersion: 1.0\n")
    for path in (other / "RECORD", other):
        os.utime(path, (1, 1))
    assert versions(site) == {"Thing": "1.0"}


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b'{"format": "x"}', b"\xff\xfe\0", b"[" * 100_000],
    ids=["empty", "half", "another shape", "no text", "deep"],
)
def test_a_damaged_cache_is_made_again(cache: Path, tmp_path: Path, damage: bytes) -> None:
    install(tmp_path / "site", "thing")
    versions(tmp_path / "site")
    (file,) = cache.glob("packages-*.json")
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert versions(tmp_path / "site") == {"thing": "1.0"}
    assert file.read_bytes() == whole
    assert list(cache.iterdir()) == [file]


def test_what_another_version_read_does_not_count(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "thing")
    versions(tmp_path / "site")
    before = ListedBefore().read()
    assert len(before) == 1
    monkeypatch.setattr("jupyter_mlgov.capture.listed_before._FORMAT", 0)
    assert ListedBefore().read() == {}


def test_a_cache_that_cannot_be_written_changes_nothing(cache: Path, tmp_path: Path) -> None:
    install(tmp_path / "site", "thing")
    cache.write_text("a file in its place")
    assert versions(tmp_path / "site") == {"thing": "1.0"}
    assert cache.read_text() == "a file in its place"


def test_a_snapshot_leaves_the_list_for_the_next_session(
    kernel: Callable[..., Kernel], tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    for _ in range(2):
        one = kernel(tmp_path / "work", env={"MLGOV_CACHE": str(tmp_path / "cache")})
        one.must("%load_ext jupyter_mlgov")
        assert one.must("%%experiment e\nx = 1").outputs == []
        shown = one.must("%mlgov show e --json").stdout
        assert '"msgspec"' in shown
    assert [path.name[:9] for path in (tmp_path / "cache").iterdir()] == ["packages-"]
