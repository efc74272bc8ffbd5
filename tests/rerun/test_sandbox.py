"""A rerun has its own folder: the notebook finds what it needs there, and what it writes stays there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlgov.records.manifest import Input
from jupyter_mlgov.rerun import mirror
from jupyter_mlgov.rerun.place import Place, place_recorded, place_today
from jupyter_mlgov.rerun.sandbox import Sandbox, lay_out, not_restorable, remove
from tests.kernel import ROOT
from tests.rerun.conftest import Work
from tests.rerun.making import Maker
from tests.store.making import make_manifest


def files_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of change of every file outside the store. Of git's objects the content: git notes on those
    that it borrows that they are still in use."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes(),
            0 if "objects" in path.parts else path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".mlgov" not in path.parts
    }


@pytest.fixture
def checkout(tmp_path: Path, git: Callable[..., str]) -> Path:
    """A repository with a project in a subfolder, data beside it, and a notebook below it."""
    top = tmp_path / "repository"
    for name, text in {
        "project/notebooks/a.ipynb": "{}", "project/data/loans.csv": "income\n1\n", "shared/tools.py": "RATE = 2\n",
        "project/__pycache__/x.pyc": "old",
    }.items():  # fmt: skip
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (top / "project" / "latest").symlink_to("data/loans.csv")
    (top / "project" / "absolute").symlink_to(top / "shared")
    (tmp_path / "beside.csv").write_text("a\n1\n")
    (top / "project" / ".mlgov").mkdir()
    (top / ".gitignore").write_text(".mlgov\n__pycache__\n")
    git("init", "-q", folder=top)
    git("add", "-A", folder=top)
    git("commit", "-qm", "one", folder=top)
    return top / "project"


def plan(checkout: Path) -> Place:
    notebook = checkout / "notebooks" / "a.ipynb"
    return Place(checkout, notebook, notebook.read_bytes())


def test_of_a_crowded_folder_above_the_project_what_the_notebook_names_is_found(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.csv").write_text("b\n")
    monkeypatch.setattr(mirror, "BESIDE", 2)
    place = Place(checkout, checkout / "notebooks" / "a.ipynb", b"open('../../../beside.csv')")
    with lay_out(place, Maker(tmp_path / "elsewhere").store) as sandbox:
        assert (sandbox.folder / "../../../beside.csv").read_text() == "a\n1\n"
        assert not (sandbox.folder / "../../../other.csv").exists()


def test_a_checkout_is_found_as_it_is_and_stays_as_it_is(
    checkout: Path, tmp_path: Path, git: Callable[..., str]
) -> None:
    maker = Maker(tmp_path / "elsewhere")
    before = files_of(checkout.parent)
    with lay_out(plan(checkout), maker.store) as sandbox:
        here = sandbox.folder
        assert (here / "../data/loans.csv").read_text() == "income\n1\n"
        assert (here / "../../shared/tools.py").read_text() == "RATE = 2\n"
        assert (here / "../../../beside.csv").read_text() == "a\n1\n"
        assert (here / "../latest").readlink() == Path("data/loans.csv")
        assert (here / "../absolute").resolve().is_relative_to(sandbox.prefix)
        assert (sandbox.root / ".mlgov").resolve() == checkout / ".mlgov"
        assert not (sandbox.root / "__pycache__").exists()
        assert git("rev-parse", "HEAD", folder=here) == git("rev-parse", "HEAD", folder=checkout)
        assert git("status", "--porcelain", folder=here) == ""
        (here / "../data/loans.csv").write_text("changed")
        (here / "made.txt").write_text("x")
        git("add", "-A", folder=here)
        git("commit", "-qm", "in the sandbox", folder=here)
        gone = sandbox.prefix.parent
    assert not gone.exists()
    assert files_of(checkout.parent) == before


def test_a_linked_worktree_is_a_repository_too(
    checkout: Path, tmp_path: Path, git: Callable[..., str]
) -> None:
    tree = tmp_path / "tree"
    git("worktree", "add", "-q", str(tree), folder=checkout)
    project = tree / "project"
    before = files_of(tmp_path)
    with lay_out(plan(project), Maker(tmp_path / "elsewhere").store) as sandbox:
        assert git("rev-parse", "HEAD", folder=sandbox.folder) == git("rev-parse", "HEAD", folder=checkout)
        assert git("status", "--porcelain", folder=sandbox.folder) == ""
    after = files_of(tmp_path)
    assert {name: after[name] for name in before} == before


PROGRAM = """
import os, sqlite3, sys
from jupyter_mlgov.rerun.inside import Guard
prefix, here = sys.argv[1:]
Guard(prefix).install()
os.chdir(here)
assert open('data/big.bin').read() == 'big' * 10
open('data/big.bin', 'a').write('more')
assert open('data/big.bin').read() == 'big' * 10 + 'more'
open('data/other.bin', 'w').write('new')
connection = sqlite3.connect('data/base.sqlite')
connection.execute('create table made (x)'); connection.commit(); connection.close()
os.makedirs('../deep/new')
open('../deep/new/x.txt', 'w').write('x')
open('../deep/old.txt', 'a').write('appended')
os.remove('../deep/gone.txt')
os.rename('data/renamed.bin', 'data/then.bin')
os.truncate('data/cut.bin', 1)
"""


def test_what_is_linked_becomes_the_runs_own_before_it_is_written(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "COPIED_EACH", 0)
    import sqlite3

    for name in ("big", "other", "renamed", "cut"):
        (checkout / "data" / f"{name}.bin").write_text(name * 10)
    sqlite3.connect(checkout / "data" / "base.sqlite").execute("create table t (x)").connection.close()
    deep = tmp_path / "deep"  # above the repository: reached through a link to the folder
    deep.mkdir()
    (deep / "old.txt").write_text("old")
    (deep / "gone.txt").write_text("gone")
    before = files_of(tmp_path)
    notebook = checkout / "a.ipynb"
    place = Place(checkout, notebook, b"{}")
    with lay_out(place, Maker(tmp_path / "elsewhere").store) as sandbox:
        assert (sandbox.root / "data" / "big.bin").is_symlink()
        up = sandbox.folder / "data" / ".." / ".."
        assert (up.parent / "..").exists()
        program = PROGRAM.replace("'../deep", "'../../deep")
        subprocess.run(
            [sys.executable, "-c", program, str(sandbox.prefix), str(sandbox.folder)],
            check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert (sandbox.folder / "../../deep/old.txt").read_text() == "oldappended"
        assert not (sandbox.folder / "../../deep/gone.txt").exists()
    after = files_of(tmp_path)
    assert {name: after.get(name) for name in before} == before


class Listed(list):  # type: ignore[type-arg]
    def __enter__(self) -> Listed:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_what_goes_while_a_checkout_is_mirrored_is_left_out(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "data" / "going.csv").write_text("x")
    (checkout / "data" / "link.csv").symlink_to("going.csv")
    heads = (
        next(one for one in (checkout, *checkout.parents) if (one / ".git").is_dir())
        / ".git"
        / "refs"
        / "heads"
    )
    (heads / "main.lock").write_text("")
    (heads / "gone").write_text("")
    listed = os.scandir

    def scandir(path: object = ".") -> object:
        """Lists a folder, and somebody deletes what is in it before it is read."""
        if not str(path).endswith(("data", "heads")):
            return listed(path)  # type: ignore[call-overload]
        found = Listed(listed(path))  # type: ignore[call-overload]
        for entry in found:
            if entry.name in ("going.csv", "link.csv", "gone"):
                Path(entry.path).unlink()
        return found

    monkeypatch.setattr("os.scandir", scandir)
    with lay_out(plan(checkout), Maker(tmp_path / "elsewhere").store) as sandbox:
        monkeypatch.undo()
        assert not (sandbox.root / "data" / "going.csv").exists()
        assert not os.path.lexists(sandbox.root / "data" / "link.csv")
        assert (sandbox.root / "data").is_dir()


def test_deleting_a_sandbox_follows_no_link_and_minds_no_permission(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o500)
    folder = tmp_path / "sandbox"
    locked = folder / "locked"
    locked.mkdir(parents=True)
    (locked / "file").write_text("x")
    (folder / "link").symlink_to(kept)
    locked.chmod(0o500)
    remove(folder)
    assert not folder.exists()
    assert kept.stat().st_mode & 0o777 == 0o500


def test_too_many_files_are_reached_through_their_folder(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "ENTRIES", 8)
    pictures = checkout / "pictures"
    for number in range(30):
        (pictures / f"{number % 3}").mkdir(parents=True, exist_ok=True)
        (pictures / f"{number % 3}" / f"{number}.jpg").write_text("x")
    with lay_out(plan(checkout), Maker(tmp_path / "elsewhere").store) as sandbox:
        found = sorted(path.name for path in (sandbox.root / "pictures").glob("*/*.jpg"))
        assert len(found) == 30
        made = [path for path in sandbox.root.rglob("*") if not path.is_symlink()]
        assert len(made) < 20


def test_data_above_the_project_is_restored_where_the_code_looks_for_it(tmp_path: Path) -> None:
    maker = Maker(tmp_path / "project")
    maker.store.put(b"x")
    data = maker.store.put(b"a\n1\n")
    climbing = Input(uri="/home/ada/data/x.csv", digest=data, bytes=4, kept=True, cell=0)
    absolute = Input(uri="/home/ada/other/y.csv", digest=data, bytes=4, kept=True, cell=0)
    snapshot = maker.baseline(["rows = open('../data/x.csv').read()"], inputs=(climbing, absolute))
    manifest = maker.store.manifest(snapshot)
    place = place_recorded(tmp_path / "project", maker.store, manifest)
    with lay_out(place, maker.store) as sandbox:
        assert (sandbox.folder / "../data/x.csv").read_text() == "a\n1\n"
        assert list(sandbox.uris.values()) == ["/home/ada/data/x.csv"]
    assert [finding.subject for finding in not_restorable(manifest, maker.store, tmp_path / "project")] == [
        "/home/ada/other/y.csv"
    ]


def test_a_record_with_paths_that_lead_out_restores_nothing_outside(tmp_path: Path) -> None:
    maker = Maker(tmp_path / "project")
    data = maker.store.put(b"evil")
    inputs = tuple(
        Input(uri=uri, digest=data, bytes=4, kept=True)
        for uri in ("../../escaped.txt", "/tmp/escaped.txt", "a/../../escaped.txt")
    )
    manifest = make_manifest(maker.store, inputs=inputs, path="../../escaped.ipynb")
    with lay_out(place_recorded(tmp_path / "project", maker.store, manifest), maker.store) as sandbox:
        found = {path.name for path in sandbox.prefix.parent.rglob("*") if path.is_file()}
        assert found == {"escaped.ipynb"}
        assert sandbox.notebook is not None
        assert sandbox.notebook.is_relative_to(sandbox.root)
    assert not Path("/tmp/escaped.txt").exists()


def test_a_rerun_leaves_the_folder_and_gits_index_alone_and_names_inputs_as_before(
    work: Work, git: Callable[..., str]
) -> None:
    git("init", "-q", folder=work.folder)
    work.file("data/loans.csv", "income\n1\n2\n")
    work.file("data/log.txt", "one line\n")
    work.file("prepare.py", "RATE = 2\n")
    (work.folder.parent / "beside.csv").write_text("x\n5\n")
    work.file(".gitignore", ".mlgov\n__pycache__\n")
    git("add", "-A", folder=work.folder)
    git("commit", "-qm", "one", folder=work.folder)
    absolute = work.folder / "data" / "loans.csv"
    snapshot = work.record(
        "import os, subprocess\nfrom prepare import RATE\nrows = open('data/loans.csv').read().split()[1:]",
        f"beside = open('../beside.csv').read()\nagain = open({str(absolute)!r}).read()\nprint(os.getcwd(), again)",
        "open('data/log.txt', 'a').write('9\\n')\nopen('made.txt', 'w').write('x')\nos.makedirs('out/deep')",
        "print(subprocess.run(['git', 'log', '--format=%H'], capture_output=True, text=True).stdout)",
        "%%experiment base\nscore = RATE * sum(map(float, rows)) + 0.5",
    )
    git("checkout", "-q", "data", folder=work.folder)
    (work.folder / "made.txt").unlink()
    (work.folder / "out" / "deep").rmdir()
    (work.folder / "out").rmdir()
    before = files_of(work.folder)
    comparison = work.rerun(snapshot)
    assert comparison.verdict == "reproduced", (comparison.findings, comparison.cells)
    assert files_of(work.folder) == before
    assert not (work.folder / "out").exists()
    store = work.project.store
    assert comparison.candidate is not None
    one, other = store.manifest(snapshot), store.manifest(comparison.candidate)
    assert [(i.uri, i.digest) for i in other.inputs] == [(i.uri, i.digest) for i in one.inputs]
    assert [(m.path, m.digest) for m in other.code.modules] == [(m.path, m.digest) for m in one.code.modules]
    assert (other.code.commit, other.notebook.path) == (one.code.commit, one.notebook.path)


def test_a_package_that_is_installed_from_the_checkout_is_imported_from_the_sandbox(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    info = site / "mytools-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mytools\nVersion: 1.0\n")
    (info / "direct_url.json").write_text(f'{{"url": "file://{checkout}", "dir_info": {{"editable": true}}}}')
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(checkout / "lib"), "/elsewhere"]))
    with lay_out(plan(checkout), Maker(tmp_path / "elsewhere").store) as sandbox:
        path = (sandbox.variables["PYTHONPATH"] or "").split(os.pathsep)
        assert path == [str(sandbox.root / "lib"), "/elsewhere"]
        assert sandbox.paths == (str(sandbox.root),)


def test_the_plan_of_today_touches_nothing(work: Work) -> None:
    maker = Maker(work.folder)
    snapshot = maker.baseline(["a = 1"])
    place = place_today(work.folder, maker.store, maker.store.manifest(snapshot))
    assert (place.recorded, place.notebook) == (None, work.folder / "analysis.ipynb")
    assert isinstance(place, Place)
    assert not isinstance(place, Sandbox)
