"""What git says, in real repositories of every kind: clean, dirty, detached, empty, broken, nested, and none."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from jupyter_mlgov.capture import repository as asking
from jupyter_mlgov.capture.code import CodeRecorder
from jupyter_mlgov.records.inventory import Origin
from jupyter_mlgov.records.manifest import Caution, Code
from jupyter_mlgov.store import Store


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit on ``main``."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "prep.py").write_text("x = 1\n")
    (folder / "n.ipynb").write_text("{}")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "start")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "store")


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Modules that a test imports; they are forgotten afterwards."""
    names: list[str] = []
    yield names
    for name in names:
        sys.modules.pop(name, None)


def record(
    folder: Path, store: Store, *, recorder: CodeRecorder | None = None, root: Path | None = None
) -> tuple[Code, list[Caution]]:
    recorder = recorder or CodeRecorder()
    asked = recorder.ask(root or folder, folder, notebook=folder / "n.ipynb")
    return recorder.record(asked, root or folder, store)


def load(folder: Path, name: str, loaded: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    __import__(name)
    loaded.append(name)


def test_a_clean_tree_is_its_commit(project: Path, store: Store) -> None:
    code, cautions = record(project, store)
    assert (code.commit, code.branch, code.dirty, code.diff) == (
        git(project, "rev-parse", "HEAD"),
        "main",
        False,
        None,
    )
    assert cautions == []


def test_uncommitted_changes_are_a_patch_that_applies(project: Path, store: Store, tmp_path: Path) -> None:
    (project / "prep.py").write_text("x = 2\n")
    (project / "new.bin").write_bytes(bytes(range(256)))
    git(project, "add", "new.bin")
    code, _ = record(project, store)
    assert code.dirty is True and code.diff is not None
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    subprocess.run(["git", "apply"], cwd=clone, input=store.get(code.diff), check=True)
    assert (clone / "prep.py").read_text() == "x = 2\n"
    assert (clone / "new.bin").read_bytes() == bytes(range(256))


def test_the_notebook_itself_makes_the_tree_dirty_and_is_not_in_the_patch(
    project: Path, store: Store
) -> None:
    (project / "n.ipynb").write_text('{"cells": []}')
    code, _ = record(project, store)
    assert (code.dirty, code.diff) == (True, None)
    (project / "prep.py").write_text("x = 3\n")
    code, _ = record(project, store)
    assert code.diff is not None and b"n.ipynb" not in store.get(code.diff)


def test_a_notebook_that_papermill_wrote_is_a_result_and_no_uncommitted_change(
    project: Path, store: Store
) -> None:
    (project / "out.ipynb").write_text('{"cells": [], "metadata": {}}')
    git(project, "add", "out.ipynb")
    git(project, "commit", "-q", "-m", "what came out")
    (project / "out.ipynb").write_text(
        '{"cells": [], "metadata": {"papermill": {"output_path": "out.ipynb"}}}'
    )
    assert record(project, store)[0].dirty is False
    (project / "n.ipynb").write_text('{"cells": [1], "metadata": {"papermill": {"output_path": "n.ipynb"}}}')
    assert record(project, store)[0].dirty is True, "the notebook that runs is code, whoever wrote it"
    git(project, "checkout", "-q", "n.ipynb")
    (project / "out.ipynb").write_text('{"cells": [1], "metadata": {"papermill": {"output_path": null}}}')
    assert record(project, store)[0].dirty is True


def test_the_users_own_diff_settings_change_nothing(project: Path, store: Store) -> None:
    for name, value in (
        ("diff.external", "false"), ("diff.noprefix", "true"), ("color.ui", "always"), ("core.pager", "false"),
        ("status.showUntrackedFiles", "all"), ("core.quotePath", "true"), ("diff.mnemonicPrefix", "true"),
    ):  # fmt: skip
        git(project, "config", name, value)
    (project / "prep.py").write_text("x = 2\n")
    code, cautions = record(project, store)
    assert cautions == [] and code.diff is not None
    assert b"diff --git a/prep.py b/prep.py" in store.get(code.diff)


def test_asking_writes_nothing_to_the_repository(project: Path, store: Store) -> None:
    (project / "prep.py").touch()
    before = {path: path.stat().st_mtime_ns for path in (project / ".git").rglob("*")}
    record(project, store)
    assert {path: path.stat().st_mtime_ns for path in (project / ".git").rglob("*")} == before


def test_a_detached_head_has_no_branch(project: Path, store: Store) -> None:
    commit = git(project, "rev-parse", "HEAD")
    git(project, "checkout", "-q", "--detach")
    code, cautions = record(project, store)
    assert (code.commit, code.branch, cautions) == (commit, "", [])


def test_a_repository_without_a_commit_has_a_branch(tmp_path: Path, store: Store) -> None:
    git(tmp_path, "init", "-q", "-b", "trunk")
    (tmp_path / "a.py").write_text("x = 1\n")
    git(tmp_path, "add", "a.py")
    code, cautions = record(tmp_path, store)
    assert (code.commit, code.branch, code.dirty, cautions) == (None, "trunk", True, [])
    assert code.diff is not None and b"+x = 1" in store.get(code.diff)


def test_without_git_there_are_the_modules_alone(
    tmp_path: Path, store: Store, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lonely_module.py").write_text("x = 1\n")
    load(tmp_path, "lonely_module", loaded, monkeypatch)
    code, cautions = record(tmp_path, store)
    assert (code.commit, code.dirty, code.untracked, cautions) == (None, False, (), [])
    assert [module.path for module in code.modules] == ["lonely_module.py"]


def test_a_worktree_and_a_folder_deep_inside_are_the_same_repository(
    project: Path, store: Store, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    git(project, "worktree", "add", "-q", "-b", "side", str(tree))
    (tree / "a" / "b").mkdir(parents=True)
    code, cautions = record(tree / "a" / "b", store, root=tree)
    assert (code.commit, code.branch, cautions) == (git(project, "rev-parse", "main"), "side", [])


def test_a_submodule_is_told_with_its_commit_and_state(project: Path, store: Store, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q", "-b", "main")
    (library / "lib.py").write_text("y = 1\n")
    git(library, "add", ".")
    git(library, "commit", "-qm", "lib")
    git(project, "submodule", "--quiet", "add", str(library), "lib")
    git(project, "commit", "-qm", "with lib")
    code, cautions = record(project, store)
    assert [(one.path, one.commit, one.dirty) for one in code.submodules] == [
        ("lib", git(library, "rev-parse", "HEAD"), False)
    ]
    assert (code.dirty, cautions) == (False, [])
    (project / "lib" / "lib.py").write_text("y = 2\n")
    code, _ = record(project, store)
    assert [one.dirty for one in code.submodules] == [True]
    assert code.dirty is True


def test_what_is_imported_from_a_submodule_is_tracked_there(
    project: Path, store: Store, tmp_path: Path, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q", "-b", "main")
    (library / "from_library.py").write_text("y = 1\n")
    git(library, "add", ".")
    git(library, "commit", "-qm", "lib")
    git(project, "submodule", "--quiet", "add", str(library), "lib")
    (project / ".gitignore").write_text("__pycache__\n")
    git(project, "add", ".gitignore")
    git(project, "commit", "-qm", "with lib")
    load(project / "lib", "from_library", loaded, monkeypatch)
    code, _ = record(project, store)
    assert [module.path for module in code.modules] == ["lib/from_library.py"]
    assert (code.dirty, code.untracked) == (False, ())
    (project / "lib" / "of_nobody.py").write_text("z = 1\n")
    load(project / "lib", "of_nobody", loaded, monkeypatch)
    code, _ = record(project, store)
    assert (code.dirty, code.untracked) == (True, ("lib/of_nobody.py",))


def test_imported_files_that_git_does_not_track_are_named_and_make_it_dirty(
    project: Path, store: Store, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".gitignore").write_text("ignored_module.py\n__pycache__\n")
    git(project, "add", ".gitignore")
    git(project, "commit", "-qm", "ignore")
    (project / "untracked_module.py").write_text("x = 1\n")
    (project / "ignored_module.py").write_text("x = 1\n")
    (project / "not imported.py").write_text("x = 1\n")
    recorder = CodeRecorder()
    load(project, "untracked_module", loaded, monkeypatch)
    load(project, "ignored_module", loaded, monkeypatch)
    code, _ = record(project, store, recorder=recorder)
    assert code.untracked == ("ignored_module.py", "untracked_module.py")
    assert code.dirty is True
    assert all(store.get(module.source or "") == b"x = 1\n" for module in code.modules)
    git(project, "add", "untracked_module.py")
    git(project, "commit", "-qm", "tracked")
    code, _ = record(project, store, recorder=recorder)
    assert code.untracked == ("ignored_module.py",)


def test_a_module_edited_after_its_import_is_said_to_be(
    project: Path, store: Store, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "edited_module.py").write_text("x = 1\n")
    load(project, "edited_module", loaded, monkeypatch)
    _, cautions = record(project, store)
    assert cautions == []
    (project / "edited_module.py").write_text("x = 22\n")
    _, cautions = record(project, store)
    assert [caution.code for caution in cautions] == ["code.edited-module"]
    assert "edited_module.py" in cautions[0].message


def test_the_remote_is_the_branchs_own_and_without_credentials(project: Path, store: Store) -> None:
    git(project, "remote", "add", "fork", "https://ada:s3cret@example.com/fork.git")
    code, _ = record(project, store)
    assert code.remote == "https://example.com/fork.git"
    git(project, "remote", "add", "origin", "git@example.com:ada/x.git")
    code, _ = record(project, store)
    assert code.remote == "git@example.com:ada/x.git"


def test_commits_that_the_upstream_lacks_are_counted(project: Path, store: Store, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(project), str(clone))
    assert record(clone, store)[0].ahead == 0
    git(clone, "commit", "-q", "--allow-empty", "-m", "mine")
    assert record(clone, store)[0].ahead == 1
    assert record(project, store)[0].ahead is None


@pytest.mark.parametrize("damage", [b"[core", b"\x00\xff\xfe", b"nonsense\n[core]\n\tbare = perhaps\n", b""])
def test_a_broken_configuration_costs_a_warning_and_nothing_else(
    project: Path, store: Store, damage: bytes
) -> None:
    (project / ".git" / "config").write_bytes(damage)
    code, cautions = record(project, store)
    assert code.commit == git_free_head(project) or code.commit is None
    if damage:
        assert [caution.code for caution in cautions] == ["code.git"]
        assert code.dirty is None
    assert CodeRecorder().author(project)


def git_free_head(project: Path) -> str:
    return (project / ".git" / "refs" / "heads" / "main").read_text().strip()


@pytest.mark.parametrize("damage", ["head", "index", "objects"])
def test_a_damaged_repository_costs_a_warning_and_nothing_else(
    project: Path, store: Store, damage: str
) -> None:
    if damage == "head":
        (project / ".git" / "HEAD").write_bytes(b"\xff\x00 no reference")
    elif damage == "index":
        (project / ".git" / "index").write_bytes(b"DIRC broken")
    else:
        for file in (project / ".git" / "objects").rglob("*"):
            if file.is_file():
                file.chmod(0o644)
                file.write_bytes(b"")
    code, cautions = record(project, store)
    assert [caution.code for caution in cautions] == ["code.git"]
    assert code.dirty is None


def test_without_git_on_the_path_commit_and_branch_are_read_all_the_same(
    project: Path, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit = git(project, "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    code, cautions = record(project, store)
    assert (code.commit, code.branch, code.dirty) == (commit, "main", None)
    assert [caution.message for caution in cautions] == [
        "git could not say what has changed: git is not on PATH"
    ]


def test_gitpython_loads_without_git_on_the_path(tmp_path: Path) -> None:
    script = (
        "import os\nfrom jupyter_mlgov.capture.repository import import_git\nimport_git()\n"
        "assert 'GIT_PYTHON_REFRESH' not in os.environ"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
    )


def test_a_hooks_variables_do_not_send_the_question_elsewhere(
    project: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "elsewhere")
    commit = git(project, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    code, cautions = record(project, store)
    assert (code.commit, code.branch, cautions) == (commit, "main", [])


def test_git_that_hangs_is_not_waited_for(
    project: Path, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(asking, "PATIENCE", 0.5)
    monkeypatch.setattr(asking, "_hung_at", float("-inf"))  # put back for the tests that follow
    start = time.monotonic()
    code, cautions = record(project, store)
    assert time.monotonic() - start < 10
    assert code.dirty is None and "did not answer" in cautions[0].message


def test_git_that_hangs_before_anything_was_asked_is_not_waited_for_either(
    project: Path, tmp_path: Path
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    program = (
        "import sys, pathlib\nfrom jupyter_mlgov.capture import repository as asking\nasking.PATIENCE = 0.5\n"
        "place = asking.Repository(pathlib.Path(sys.argv[1]))\nprint(place.state().fault, 'git' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(project)], timeout=50, capture_output=True, text=True, check=True,
        env=os.environ | {"PATH": f"{slow.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.stdout.split("\n")[0] == "git did not answer in 0 s False", done.stderr


def test_an_editable_checkout_is_told_with_commit_and_state(project: Path, store: Store) -> None:
    recorder = CodeRecorder()
    origin = Origin(kind="editable", url=project.as_uri())
    recorder.ask(project.parent, project.parent, checkouts=[project])
    told = recorder.checkout(origin, project)
    assert (told.commit, told.dirty) == (git(project, "rev-parse", "HEAD"), False)
    (project / "prep.py").write_text("x = 9\n")
    recorder.ask(project.parent, project.parent, checkouts=[project])
    assert recorder.checkout(origin, project).dirty is True


def test_nobody_waits_for_git_while_it_looks_at_many_files(tmp_path: Path, store: Store) -> None:
    for number in range(10):
        folder = tmp_path / f"d{number}"
        folder.mkdir()
        for file in range(200):
            os.close(os.open(folder / f"f{file}", os.O_CREAT | os.O_WRONLY))
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "many")
    recorder = CodeRecorder()
    asked = recorder.ask(tmp_path, tmp_path)
    assert asked.repository is not None and asked.repository.is_asked
    code, cautions = recorder.record(asked, tmp_path, store)
    assert (code.dirty, cautions) == (False, [])


def test_an_answer_that_nobody_heard_leaves_no_process_for_the_kernels_shutdown_to_wait_for(
    project: Path, store: Store, tmp_path: Path
) -> None:
    """ipykernel signals and waits while psutil lists a child: a process that has ended and was not waited for is one."""
    me = psutil.Process()
    before = {one.pid for one in me.children()}
    (tmp_path / "notebooks").mkdir()
    recorder = CodeRecorder()
    recorder.record(
        recorder.ask(tmp_path, tmp_path / "notebooks", checkouts=[project]), tmp_path, store.batch()
    )
    asked = [one for one in me.children() if one.pid not in before]
    assert asked
    for one in asked:
        while one.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
    recorder.settle()
    assert {one.pid for one in me.children()} <= before
    assert recorder.ask(tmp_path, project).repository is not None
    assert recorder.author(project)
    recorder.settle()
