"""What is installed, as the folders on ``sys.path`` say it."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from jupyter_mlgov.capture.packages import PackageLister, canonical_name, local_folder, take_inventory
from jupyter_mlgov.capture.remotes import without_credentials
from tests.capture.wheels import make_source_tree, uv_install


def install(
    folder: Path, name: str, version: str = "1.0", *, files: dict[str, str] | None = None, **metadata: str
) -> Path:
    """Lays down what an installer would: a ``.dist-info`` with RECORD, and modules."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for file, text in metadata.items():
        (info / file.replace("__", ".")).write_text(text)
    lines = [f"{file},sha256={digest},10" for file, digest in (files or {}).items()]
    (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/RECORD,,"]))
    return info


def test_finds_the_names_and_versions_that_importlib_finds() -> None:
    listed = PackageLister().list()
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        assert listed[name].distribution.version == importlib.metadata.version(name), name


def test_knows_by_which_names_a_package_is_imported(tmp_path: Path) -> None:
    listed = PackageLister().list()
    assert {"yaml", "_yaml"} & listed["PyYAML"].modules
    assert "sklearn" in listed["scikit-learn"].modules
    install(
        tmp_path, "two-modules", files={"one.py": "a", "two/__init__.py": "b", "three.cpython-311.so": "c"}
    )
    assert PackageLister().list([str(tmp_path)])["two-modules"].modules == {"one", "two", "three"}


def test_reads_nothing_again_while_nothing_was_installed(tmp_path: Path) -> None:
    install(tmp_path, "first")
    lister = PackageLister()
    before = lister.list([str(tmp_path)])
    assert lister.list([str(tmp_path)]) is before
    install(tmp_path, "second")
    after = lister.list([str(tmp_path)])
    assert list(after) == ["first", "second"]
    assert after["first"] is before["first"]


def test_a_file_beside_the_packages_changes_nothing(tmp_path: Path) -> None:
    install(tmp_path / "site", "thing")
    (tmp_path / "work").mkdir()
    lister = PackageLister()
    path = [str(tmp_path / "work"), str(tmp_path / "site")]
    before = lister.list(path)
    (tmp_path / "work" / "written.csv").write_text("a")
    assert lister.list(path) is before
    install(tmp_path / "work", "other")
    assert list(lister.list(path)) == ["other", "thing"]
    assert list(lister.list(path[1:])) == ["thing"]


def test_the_first_folder_on_the_path_counts(tmp_path: Path) -> None:
    install(tmp_path / "near", "thing", "2.0")
    install(tmp_path / "far", "Thing", "1.0")
    listed = PackageLister().list([str(tmp_path / "near"), str(tmp_path / "far"), str(tmp_path / "absent")])
    assert {name: one.distribution.version for name, one in listed.items()} == {"thing": "2.0"}


def test_a_stale_egg_info_in_the_working_directory_does_not_hide_the_installation(tmp_path: Path) -> None:
    stale = tmp_path / "src" / "thing.egg-info"
    stale.mkdir(parents=True)
    (stale / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 0.1\n")
    assert PackageLister().list([str(tmp_path / "src")])["thing"].distribution.version == "0.1"
    install(tmp_path / "site-packages", "thing", "1.0")
    listed = PackageLister().list([str(tmp_path / "src"), str(tmp_path / "site-packages")])
    assert listed["thing"].distribution.version == "1.0"


@pytest.mark.parametrize("damage", ["empty", "binary", "no metadata", "a file"])
def test_a_broken_installation_is_passed_over(tmp_path: Path, damage: str) -> None:
    install(tmp_path, "whole")
    info = tmp_path / "broken-1.0.dist-info"
    if damage == "a file":
        info.write_bytes(b"\xff\x00")
    else:
        info.mkdir()
    if damage in ("empty", "binary"):
        (info / "METADATA").write_bytes(b"" if damage == "empty" else b"\xff\xfe\x00" * 100)
    assert list(PackageLister().list([str(tmp_path)])) == ["whole"]


def test_contents_are_the_wheels_whatever_the_installer_adds(tmp_path: Path) -> None:
    files = {"thing/__init__.py": "aaa", "thing/core.py": "bbb", "thing-1.0.dist-info/METADATA": "ccc"}
    added = {"../../../bin/thing": "ddd", "thing-1.0.dist-info/INSTALLER": "eee",
             "thing-1.0.dist-info/direct_url.json": "fff"}  # fmt: skip
    install(tmp_path / "pip", "thing", files=files | added)
    install(tmp_path / "uv", "thing", files=dict(reversed(files.items())))
    install(tmp_path / "edited", "thing", files=files | {"thing/core.py": "xxx"})

    def contents(place: str) -> str | None:
        return PackageLister().list([str(tmp_path / place)])["thing"].distribution.contents

    assert contents("pip") == contents("uv") != contents("edited")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"url": "file:///src/thing", "dir_info": {"editable": True}}, ("editable", "file:///src/thing", None)),
        ({"url": "file:///src/thing", "dir_info": {}}, ("directory", "file:///src/thing", None)),
        (
            {"url": "https://me:s3cret@host/thing.git",
             "vcs_info": {"vcs": "git", "commit_id": "abc", "requested_revision": "main"}},
            ("vcs", "https://host/thing.git", "abc"),
        ),
        (
            {"url": "https://host/thing-1.0.tar.gz", "archive_info": {"hash": "sha256=12"}},
            ("archive", "https://host/thing-1.0.tar.gz", None),
        ),
    ],
)  # fmt: skip
def test_says_where_a_package_came_from(
    tmp_path: Path, said: dict[str, object], expected: tuple[str, str, str | None]
) -> None:
    install(tmp_path, "thing", direct_url__json=json.dumps(said))
    origin = PackageLister().list([str(tmp_path)])["thing"].distribution.origin
    assert origin is not None
    assert (origin.kind, origin.url, origin.commit) == expected
    if origin.kind == "archive":
        assert origin.hashes == {"sha256": "12"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": 1}', "\x00", '{"url": "x", "vcs_info": 3}'])
def test_a_direct_url_that_makes_no_sense_is_none(tmp_path: Path, text: str) -> None:
    install(tmp_path, "thing", direct_url__json=text)
    origin = PackageLister().list([str(tmp_path)])["thing"].distribution.origin
    assert origin is None or origin.url in ("1",)


@pytest.mark.parametrize(("how", "kind"), [("-e", "editable"), (None, "directory")])
def test_an_installed_source_tree_is_told_with_its_folder(tmp_path: Path, how: str | None, kind: str) -> None:
    source = make_source_tree(tmp_path / "a source", "thing")
    target = uv_install(tmp_path / "target", *([how] if how else []), str(source))
    one = PackageLister().list([str(target)])["thing"].distribution
    assert one.installer == "uv"
    assert one.tags == ("py3-none-any",)
    assert one.origin is not None and one.origin.kind == kind
    assert local_folder(one.origin) == source


def test_the_inventory_is_the_same_whenever_it_is_taken() -> None:
    one, other = PackageLister(), PackageLister()
    assert take_inventory(one.list().values()) == take_inventory(other.list().values())


def test_names_have_one_spelling_on_an_index() -> None:
    assert {canonical_name(name) for name in ("Foo.Bar", "foo_bar", "foo--bar", "FOO-bar")} == {"foo-bar"}


@pytest.mark.parametrize(
    ("url", "without"),
    [
        ("https://me:pass@host/x.git", "https://host/x.git"),
        ("https://ghp_abc@host/x.git", "https://host/x.git"),
        ("https://me:p@ss@host/x.git", "https://host/x.git"),
        ("ssh://git@host/x.git", "ssh://git@host/x.git"),
        ("ssh://git:pass@host/x.git", "ssh://git@host/x.git"),
        ("git@host:me/x.git", "git@host:me/x.git"),
        ("https://host/a@b", "https://host/a@b"),
        ("/a/folder", "/a/folder"),
    ],
)
def test_a_url_is_written_down_without_what_logs_in(url: str, without: str) -> None:
    assert without_credentials(url) == without
