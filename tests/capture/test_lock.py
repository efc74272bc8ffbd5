"""The lock: a valid ``pylock.toml`` of exactly what is installed, from a real index in a folder."""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from jupyter_mlgov.capture import indexes
from jupyter_mlgov.capture.lock import differences, make_lock, read_lock
from jupyter_mlgov.capture.packages import PackageLister, take_inventory
from jupyter_mlgov.records.inventory import Distribution, Inventory, Origin
from tests.capture.wheels import make_wheel, uv_install


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, and installers that are told to look there and nowhere else."""
    folder = tmp_path / "wheels"
    for version in ("1.0", "2.0"):
        make_wheel(folder, "first", version)
    make_wheel(folder, "second", "0.3")
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


def inventory(*distributions: Distribution) -> Inventory:
    return Inventory(
        python="3.11.7",
        implementation="CPython",
        machine="x86_64",
        system="Linux",
        distributions=distributions,
    )


def pure(name: str, version: str) -> Distribution:
    return Distribution(name=name, version=version, tags=("py3-none-any",))


def valid(text: str) -> Pylock:
    return Pylock.from_dict(tomllib.loads(text))


@pytest.fixture(params=["uv", "pip"])
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "pip":
        monkeypatch.setattr(indexes, "find_uv", lambda: None)
    else:
        assert indexes.find_uv() is not None, "uv belongs to the test extra"
    return str(request.param)


def test_locks_the_versions_that_are_installed_with_their_hashes(index: Path, installer: str) -> None:
    lock = make_lock(inventory(pure("first", "1.0"), pure("second", "0.3")))
    packages = {package.name: package for package in valid(lock.text).packages}
    assert {name: str(package.version) for name, package in packages.items()} == {
        "first": "1.0",
        "second": "0.3",
    }
    wheel = index / "first-1.0-py3-none-any.whl"
    assert packages["first"].wheels is not None
    assert packages["first"].wheels[0].hashes == {"sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}
    assert lock.unlocked == ()
    assert len(lock.hashed) == 2 and lock.hashed[0].startswith("first==1.0 --hash=sha256:")


def test_what_no_index_has_is_named_and_the_rest_is_locked(index: Path, installer: str) -> None:
    lock = make_lock(inventory(pure("first", "9.9"), pure("nowhere", "1.0"), pure("second", "0.3")))
    assert [package.name for package in valid(lock.text).packages] == ["second"]
    assert lock.unlocked == ("first==9.9", "nowhere==1.0")


def test_without_an_index_everything_is_named(index: Path) -> None:
    lock = make_lock(inventory(pure("first", "1.0")), ask_indexes=False)
    assert lock.unlocked == ("first==1.0",)
    assert valid(lock.text).packages == []


def test_what_no_index_served_is_locked_by_its_origin() -> None:
    lock = make_lock(
        inventory(
            Distribution(
                name="Edited", version="1",
                origin=Origin(kind="editable", url="file:///a%20b/src", commit="c" * 40, dirty=True),
            ),
            Distribution(
                name="cloned", version="1",
                origin=Origin(kind="vcs", url="https://host/x.git", vcs="git", commit="d" * 40, subdirectory="py"),
            ),
            Distribution(
                name="fetched", version="1",
                origin=Origin(kind="archive", url="https://host/f-1.tar.gz", hashes={"sha256": "ef"}),
            ),
            Distribution(name="unhashed", version="1", origin=Origin(kind="archive", url="https://host/u-1.zip")),
        )
    )  # fmt: skip
    packages = {package.name: package for package in valid(lock.text).packages}
    assert packages["edited"].directory is not None
    assert (packages["edited"].directory.path, packages["edited"].directory.editable) == ("/a b/src", True)
    assert packages["edited"].tool == {"jupyter-mlgov": {"commit": "c" * 40, "dirty": True}}
    assert packages["cloned"].vcs is not None and packages["cloned"].vcs.commit_id == "d" * 40
    assert packages["fetched"].archive is not None and packages["fetched"].archive.hashes == {"sha256": "ef"}
    assert set(lock.direct) == {
        "-e /a b/src",
        f"cloned @ git+https://host/x.git@{'d' * 40}#subdirectory=py",
        "fetched @ https://host/f-1.tar.gz#sha256=ef",
        "unhashed @ https://host/u-1.zip",
    }


def test_a_lock_reads_back_as_it_was_made(index: Path) -> None:
    lock = make_lock(inventory(pure("first", "2.0"), pure("nowhere", "1.0")))
    assert read_lock(lock.text) == lock


@pytest.mark.parametrize("text", ["", "nonsense", "[tool]", "packages = 3\n[tool.jupyter-mlgov]\n"])
def test_other_text_is_no_lock(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_lock(text)


def test_an_environment_made_from_the_lock_is_the_recorded_one(index: Path, tmp_path: Path) -> None:
    recorded = uv_install(tmp_path / "recorded", "first==1.0", "second")
    record = take_inventory(PackageLister().list([str(recorded)]).values())
    (tmp_path / "pylock.toml").write_text(make_lock(record).text)
    rebuilt = uv_install(tmp_path / "rebuilt", "-r", str(tmp_path / "pylock.toml"))
    assert differences(record, [rebuilt]) == []


def test_differences_name_another_version_a_missing_package_and_edited_files(
    index: Path, tmp_path: Path
) -> None:
    edited = make_wheel(tmp_path / "other", "second", "0.3", text="version = 'edited'\n")
    place = uv_install(tmp_path / "place", "first==2.0", str(edited))
    recorded = uv_install(tmp_path / "recorded", "first==1.0", "second")
    record = take_inventory(PackageLister().list([str(recorded)]).values())
    record = inventory(*record.distributions, pure("gone", "4"))
    told = {one.name: (one.recorded, one.installed, one.contents) for one in differences(record, [place])}
    assert told == {
        "first": ("1.0", "2.0", False), "gone": ("4", None, False), "second": ("0.3", "0.3", True),
    }  # fmt: skip
