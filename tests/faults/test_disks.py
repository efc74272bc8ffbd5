"""Full disks, read-only folders, and files where folders should be.

Permissions do not stop root, so real file systems are mounted, in a mount namespace of the child process only.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlgov.errors import NotWritable
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot

ROOT = Path(__file__).parents[2]


def may_mount() -> bool:
    done = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
    )
    return done.returncode == 0


needs_mount = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not may_mount(), reason="needs a mount namespace"
)


def run(code: str, *words: str | Path, mount: str | None = None) -> str:
    """Runs Python code in a child; ``mount`` is a shell command that runs before it in a mount namespace."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, words)]
    if mount:
        command = ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh", *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


READ_ONLY = """
import sys
from pathlib import Path
from jupyter_mlgov.errors import NotWritable
from jupyter_mlgov.store import Store
from tests.store.making import make_manifest
store = Store.open(Path(sys.argv[1]))
before = {path: path.stat().st_mtime_ns for path in store.folder.rglob("*")}
for turn in range(2):
    listed = store.log()
    print(*[line.number for line in listed])
    assert store.resolve("baseline") == listed[0].id
    store.environment(store.manifest(listed[0].id))
    assert [entry.kind for entry in store.entries()] == ["snapshot", "snapshot"]
    assert store.fsck() == []
for write in (lambda: store.put(b"new"), lambda: store.append("risk", listed[0].id, {}), store.reindex,
              lambda: store.commit(store.manifest(listed[0].id))):
    try:
        write()
    except NotWritable as error:
        assert "Read-only file system" in str(error) and "\\n" not in str(error), error
    else:
        raise AssertionError(write)
assert before == {path: path.stat().st_mtime_ns for path in store.folder.rglob("*")}
"""


@needs_mount
@pytest.mark.parametrize("index", ["there", "deleted", "damaged", "behind"])
def test_a_read_only_store_answers_and_refuses_to_write(index: str, tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    add_snapshot(store, message="one")
    path = store.folder / "index.sqlite"
    store.log()
    old = path.read_bytes()
    add_snapshot(store, message="two")
    if index == "deleted":
        path.unlink()
    elif index == "damaged":
        path.write_bytes(path.read_bytes()[:5000])
    elif index == "behind":
        path.write_bytes(old)
    out = run(
        READ_ONLY,
        store.folder,
        mount=f"mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path}",
    )
    assert out.split("\n")[:2] == ["2 1", "2 1"]


FULL = """
import os, sys
from pathlib import Path
from jupyter_mlgov.errors import NotWritable
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot, make_manifest
folder = Path(sys.argv[1]) / ".mlgov"
store = Store.create(folder)
first = add_snapshot(store, message="first")
ballast = Path(sys.argv[1]) / "ballast"
refused = 0
# From a disk with no room at all to one with room for everything, a page at a time.
for room in range(0, 48):
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
        file.truncate(max(0, file.tell() - room * 4096))
    before = len(store.log())
    try:
        add_snapshot(store, message=f"room {room}", source=os.urandom(3000).hex())
    except NotWritable as error:
        assert "No space left" in str(error) and "make room" in str(error), error
        assert len(store.log()) == before
        refused += 1
    else:
        assert len(store.log()) == before + 1
    left = [path.name for path in (folder / "tmp").iterdir()]
    assert not left, left
    ballast.unlink()
    assert store.fsck() == [], store.fsck()
assert store.log()[0].message == "room 47"
print("refused", refused)
"""


@needs_mount
def test_a_full_disk_refuses_a_snapshot_whole_and_leaves_nothing_behind(tmp_path: Path) -> None:
    out = run(FULL, tmp_path, mount=f"mount -t tmpfs -o size=2m tmpfs {tmp_path}")
    assert int(out.split()[1]) > 4


LIMITED = """
import resource, sys
from pathlib import Path
from jupyter_mlgov.errors import NotWritable
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot
import os
store = Store.create(Path(sys.argv[1]))
add_snapshot(store, message="first")
store.log()
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    add_snapshot(store, message="second", source=os.urandom(20000).hex())
except NotWritable as error:
    print(error)
assert [line.message for line in store.log()] == ["first"]
assert not any((store.folder / "tmp").iterdir())
# The index cannot grow past the limit either; that loses nothing.
add_snapshot(store, message="third")
(store.folder / "index.sqlite").unlink()
assert [line.message for line in store.log()] == ["third", "first"]
assert store.fsck() == []
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_a_file_size_limit_refuses_the_object_and_keeps_the_rest(tmp_path: Path) -> None:
    out = run(LIMITED, tmp_path / ".mlgov")
    assert "File too large" in out
    assert out.count("\n") == 1
    store = Store.open(tmp_path / ".mlgov")
    assert [line.number for line in store.log()] == [2, 1]


@pytest.mark.parametrize("make", [Store.open, Store.create])
def test_a_file_in_place_of_the_store_is_named(make: object, tmp_path: Path) -> None:
    (tmp_path / ".mlgov").write_text("mine")
    with pytest.raises(NotWritable, match=r"\.mlgov is a file.*move the file away"):
        make(tmp_path / ".mlgov")  # type: ignore[operator]
    assert (tmp_path / ".mlgov").read_text() == "mine"


@pytest.mark.parametrize("part", ["objects", "manifests", "tmp"])
def test_a_file_in_place_of_an_inner_folder_is_named(part: str, tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    add_snapshot(store, message="one")
    folder = store.folder / part
    folder.rename(tmp_path / "aside")
    folder.write_text("mine")
    with pytest.raises(NotWritable, match=part) as caught:
        add_snapshot(store, message="two", source="new = 1")
    assert "\n" not in str(caught.value)
    folder.unlink()
    (tmp_path / "aside").rename(folder)
    assert [line.number for line in store.log()] == [1]
    assert store.fsck() == []


REFUSED = """
import os, sqlite3, sys
from pathlib import Path
from jupyter_mlgov.rerun.inside import Guard
theirs, sandbox = Path(sys.argv[1]), Path(sys.argv[2])
(sandbox / "log.txt").symlink_to(theirs / "log.txt")
(sandbox / "base.sqlite").symlink_to(theirs / "base.sqlite")
(sandbox / "folder").symlink_to(theirs / "folder")
(sandbox / "filler").write_bytes(b"x" * 40_000)
made = sorted(path.name for path in sandbox.iterdir())
Guard(str(sandbox)).install()
for write in (
    lambda: open(sandbox / "log.txt", "a").write("written by the rerun"),
    lambda: os.truncate(sandbox / "log.txt", 0),
    lambda: sqlite3.connect(sandbox / "base.sqlite").execute("create table t (x)"),
    lambda: open(sandbox / "folder/inner.txt", "a").write("written by the rerun"),
):
    try:
        write()
    except OSError as error:
        print(error.errno, "own copy" in str(error))
    else:
        print("written")
assert sorted(path.name for path in sandbox.iterdir()) == made
"""


@needs_mount
def test_a_rerun_whose_disk_is_full_never_writes_through_a_link_to_the_users_file(tmp_path: Path) -> None:
    theirs, sandbox = tmp_path / "theirs", tmp_path / "sandbox"
    (theirs / "folder").mkdir(parents=True)
    sandbox.mkdir()
    for name in ("log.txt", "base.sqlite", "folder/inner.txt"):
        (theirs / name).write_bytes(b"theirs" * 20_000)
    small = f"mount -t tmpfs -o size=64k none '{sandbox}'"
    assert run(REFUSED, theirs, sandbox, mount=small).split("\n")[:-1] == ["28 True"] * 4
    for name in ("log.txt", "base.sqlite", "folder/inner.txt"):
        assert (theirs / name).read_bytes() == b"theirs" * 20_000, name
