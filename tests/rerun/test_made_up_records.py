"""A record that somebody made up: nothing in it becomes an option of a command, a line of another's file, or a place
outside."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.capture import indexes
from jupyter_mlgov.capture.lock import make_lock, read_lock, recorded_lock
from jupyter_mlgov.errors import Damaged
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.inventory import Distribution, Inventory, Origin
from jupyter_mlgov.records.manifest import Code, Environment, Input, Member
from jupyter_mlgov.records.tree import Tree, TreeFile
from jupyter_mlgov.rerun import environments
from jupyter_mlgov.rerun.code_tree import keep_tree, restore_tree
from jupyter_mlgov.rerun.place import Place, place_recorded, place_today
from jupyter_mlgov.rerun.sandbox import lay_out
from jupyter_mlgov.store import Store
from tests.capture.wheels import make_wheel
from tests.store.making import add_snapshot, make_manifest


@pytest.fixture
def project(tmp_path: Path, git: Callable[..., str]) -> Project:
    """A project in a repository with one commit."""
    root = tmp_path / "work"
    root.mkdir()
    (root / "a.py").write_text("x = 1\n")
    git("init", "-q", folder=root)
    git("add", "-A", folder=root)
    git("commit", "-qm", "one", folder=root)
    return Project.open(root, create=True)


@pytest.mark.parametrize("commit", ["--output={}", "HEAD\n", "HEAD", "{}", ""])
def test_only_a_commit_is_handed_to_git(project: Project, tmp_path: Path, commit: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    code = Code(commit=commit.format(victim))
    snapshot = add_snapshot(project.store, code=code)
    manifest = project.store.manifest(snapshot)
    assert keep_tree(project.root, project.store, manifest) is None
    told = project.export(snapshot, tmp_path / "x.mlgov")
    assert any(line.startswith("the files of commit") for line in told.missing)
    with lay_out(place_recorded(project.root, project.store, manifest), project.store) as sandbox:
        assert not (sandbox.root / "a.py").exists()
    assert victim.read_text() == "mine"


def test_a_commit_of_either_length_is(project: Project, git: Callable[..., str]) -> None:
    commit = git("rev-parse", "HEAD", folder=project.root)
    manifest = make_manifest(project.store, code=Code(commit=commit))
    assert keep_tree(project.root, project.store, manifest) is not None
    assert Code(commit="a" * 64).revision() == "a" * 64


@pytest.mark.parametrize("name", ["../../victim", "/tmp/victim", "a/b", "..", "-o"])
def test_a_file_that_nobody_named_lies_in_the_folder_that_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    here = tmp_path / "one" / "two" / "here"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    project = made(tmp_path / "work")
    snapshot = add_snapshot(project.store, experiment=name)
    for path in (project.report(snapshot), project.export_as(snapshot, "json")):
        assert path.parent == here
        assert not path.name.startswith((".", "-"))


def made(folder: Path) -> Project:
    folder.mkdir(exist_ok=True)
    return Project.open(folder, create=True)


@pytest.mark.parametrize(
    "file", ["../out", "/tmp/out", ".git/config", "sub/.git/hooks/post-checkout", "sub/.GIT/config"]
)
def test_the_files_of_a_commit_stay_in_their_folder_and_are_no_repository(tmp_path: Path, file: str) -> None:
    store = made(tmp_path / "work").store
    tree = Tree(
        commit="a" * 40, project="", files=(TreeFile(path=file, digest=store.put(b"x"), executable=True),)
    )
    target = tmp_path / "into"
    target.mkdir()
    with pytest.raises(Damaged, match="fsck"):
        restore_tree(target, store, tree)
    assert list(target.rglob("*")) == []


@pytest.mark.parametrize("path", ["../victim.ipynb", "../../victim.ipynb", "notebooks/../../victim.ipynb"])
def test_a_notebooks_path_does_not_lead_out_of_the_sandbox(tmp_path: Path, path: str) -> None:
    project = made(tmp_path / "work")
    manifest = make_manifest(project.store, path=path)
    before = set(tmp_path.rglob("*"))
    for place in (
        place_today(project.root, project.store, manifest),
        place_recorded(project.root, project.store, manifest),
    ):
        with lay_out(place, project.store) as sandbox:
            assert sandbox.notebook is not None and sandbox.notebook.is_relative_to(sandbox.prefix)
            assert ".." not in sandbox.notebook.parts
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("there", [True, False])
def test_a_notebook_beside_the_project_is_run_from_a_copy(tmp_path: Path, there: bool) -> None:
    project = made(tmp_path / "work")
    beside = tmp_path / "beside"
    beside.mkdir()
    notebook = beside / "n.ipynb"
    manifest = make_manifest(project.store, path=str(notebook))
    if there:
        notebook.write_bytes(project.store.get(manifest.notebook.document))
    before = {path: path.stat().st_ino for path in beside.iterdir()}
    with lay_out(place_today(project.root, project.store, manifest), project.store) as sandbox:
        assert sandbox.notebook is not None and sandbox.notebook.read_bytes() == sandbox.document
        sandbox.notebook.write_text("changed by the run")
    assert {path: path.stat().st_ino for path in beside.iterdir()} == before
    assert not there or json.loads(notebook.read_bytes())["cells"]


def test_an_absolute_path_does_not_climb_out_of_the_sandbox(tmp_path: Path) -> None:
    project = made(tmp_path / "work")
    store = project.store
    outside = f"/x{'/..' * 30}{tmp_path}/victim.csv"
    source = f"open({outside!r})"
    data = store.put(b"theirs")
    item = Input(uri=outside, digest=data, bytes=6, kept=True)
    manifest = make_manifest(store, inputs=(item,), source=source)
    place = place_recorded(project.root, store, manifest)
    with lay_out(Place(**{**vars(place), "outside": True}), store):
        pass
    assert not (tmp_path / "victim.csv").exists()


def test_the_files_of_an_input_do_not_climb_out_of_it(tmp_path: Path) -> None:
    project = made(tmp_path / "work")
    store = project.store
    victim = tmp_path / "victim.csv"
    data = store.put(b"theirs")
    members = (Member(path=str(victim), digest=data), Member(path=f"{'../' * 30}{victim}", digest=data))
    folder = tmp_path / "data"
    item = Input(uri=str(folder), digest=data, members=members, kept=True)
    manifest = make_manifest(store, inputs=(item,), source=f"listdir({str(folder)!r})")
    place = place_recorded(project.root, store, manifest)
    with lay_out(Place(**{**vars(place), "outside": True}), store):
        pass
    assert not victim.exists()


# -- packages ------------------------------------------------------------------------------------------------


def inventory(*distributions: Distribution, python: str = "3.11.7") -> Inventory:
    return Inventory(
        python=python, implementation="cpython", machine="x86_64", system="Linux", distributions=distributions
    )


HOSTILE = (
    Distribution(name="first", version="1.0\n--index-url https://example.org/evil"),
    Distribution(name="second\nevil @ file:///tmp/evil\n", version="1"),
    Distribution(name="-r", version="/etc/passwd"),
    Distribution(name="third", version="1 --hash=sha256:00"),
    Distribution(
        name="fourth", version="1", origin=Origin(kind="archive", url="https://h/f.zip\n-e /tmp/evil")
    ),
    Distribution(name="fifth", version="1", origin=Origin(kind="editable", url="file:///a%0A-r%20b")),
    Distribution(name="sixth", version="1", origin=Origin(kind="vcs", url="https://h/x.git", commit="a\nb")),
)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    make_wheel(folder, "plain", "1.0")
    for name, value in {
        "UV_FIND_LINKS": folder, "UV_NO_INDEX": "1", "PIP_FIND_LINKS": folder, "PIP_NO_INDEX": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    return folder


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_installers_are_asked_for_names_and_versions_only(
    index: Path, installer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    which = "_ask_uv" if installer == "uv" else "_ask_pip"
    ask = getattr(indexes, which)

    def noted(*words: Any) -> Any:
        asked.extend(next(word for word in words if isinstance(word, Path)).read_text().splitlines())
        return ask(*words)

    monkeypatch.setattr(indexes, which, noted)
    if installer == "pip":
        monkeypatch.setattr(indexes, "find_uv", lambda: None)
    lock = make_lock(inventory(Distribution(name="plain", version="1.0"), *HOSTILE))
    assert set(asked) == {"plain==1.0"}
    assert [line.partition(" ")[0] for line in lock.hashed] == ["plain==1.0"]
    assert {line.partition("==")[0] for line in lock.unlocked} >= {"first", "third"}, "named, not left out"


@pytest.mark.parametrize("python", ["--offline", "3.11 --offline", "/tmp/x/python", "3", ""])
def test_an_installer_is_asked_for_a_version_of_python_only(
    index: Path, python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("it was asked")

    monkeypatch.setattr(indexes, "_ask_uv", never)
    assert make_lock(inventory(Distribution(name="plain", version="1.0"), python=python)).hashed == ()


def recorded(store: Store, packages: Inventory, **fields: Any) -> str:
    return add_snapshot(store, inventory=store.put(canonical(packages)), **fields)


@pytest.mark.parametrize("python", ["--managed-python", "3/../../evil", "x"])
def test_an_interpreter_is_looked_for_by_its_version_only(tmp_path: Path, python: str) -> None:
    store = made(tmp_path / "work").store
    snapshot = recorded(store, inventory(python=python))
    with pytest.raises(environments.CannotBeBuilt, match="no version of Python"):
        environments.interpreter(store, snapshot, store.manifest(snapshot), None)


def test_a_line_that_is_no_requirement_is_not_installed(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLGOV_CACHE", str(tmp_path / "cache"))
    store = made(tmp_path / "work").store
    python = platform.python_version()
    packages = inventory(Distribution(name="plain", version="1.0"), *HOSTILE, python=python)
    snapshot = recorded(store, packages)
    built = environments.mixed(store, snapshot, store.manifest(snapshot), {}, tmp_path / "built", seconds=60)
    assert built.is_file()
    said = (tmp_path / "built" / "requirements.txt").read_text()
    assert "evil" not in said and "index" not in said and "-r " not in said
    assert list((tmp_path / "built").rglob("plain/__init__.py"))
    environment = Environment(python=python, platform="", packages={}, imported=("first",))
    loaded = store.put(canonical(environment))
    snapshot = recorded(store, packages, environment=loaded, message="the notebook had loaded it")
    with pytest.raises(environments.CannotBeBuilt, match=r"first==1\.0"):
        environments.mixed(store, snapshot, store.manifest(snapshot), {}, tmp_path / "other", seconds=60)


def test_a_lock_counts_for_the_packages_of_its_inventory_only(index: Path, tmp_path: Path) -> None:
    """The ledger entries of a bundle are a stranger's: a lock that names other packages is none of this inventory."""
    store = made(tmp_path / "work").store
    packages = inventory(Distribution(name="plain", version="1.0"))
    snapshot = recorded(store, packages)
    good = make_lock(packages)
    for wrong in (
        good.text.replace('name = "plain"', 'name = "evil"'),
        good.text.replace("direct = []", 'direct = ["evil @ https://example.org/evil.zip"]'),
        good.text.replace("direct = []", 'direct = ["-e /tmp/evil"]'),
        good.text.replace("sha256 = ", '"sha256:0 --index-url https://example.org" = '),
    ):
        assert wrong != good.text
        body = {
            "inventory": store.manifest(snapshot).inventory,
            "lock": store.put(wrong.encode()),
            "unlocked": [],
        }
        store.append("lock", snapshot, body)
        assert recorded_lock(store, snapshot) == good
    assert read_lock(good.text) == good


def test_a_lock_that_came_with_a_bundle_counts_for_its_snapshot_only(index: Path, tmp_path: Path) -> None:
    packages = inventory(Distribution(name="plain", version="1.0"))
    theirs = made(tmp_path / "theirs")
    sent = recorded(theirs.store, packages, message="theirs", experiment="theirs")
    text = make_lock(packages).text
    wheel = next(line for line in text.splitlines() if "url = " in line)
    foreign = text.replace(wheel, 'url = "https://example.org/plain-1.0-py3-none-any.whl"')
    theirs.store.append(
        "lock", sent,
        {"inventory": theirs.store.manifest(sent).inventory, "lock": theirs.store.put(foreign.encode()), "unlocked": []},
    )  # fmt: skip
    theirs.export(sent, tmp_path / "x.mlgov")
    mine = made(tmp_path / "mine")
    Project.import_bundle(tmp_path / "x.mlgov", mine.root)
    own = recorded(mine.store, packages, message="mine")
    assert "example.org" in recorded_lock(mine.store, sent).text
    assert "example.org" not in recorded_lock(mine.store, own).text
