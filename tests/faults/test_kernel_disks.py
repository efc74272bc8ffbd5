"""A cell whose snapshot cannot be written: its result stands, one line says why, and the next one that can be is whole.

Real disks in a mount namespace of the child process, which starts a real kernel in it.
"""

from __future__ import annotations

from pathlib import Path

from tests.faults.test_disks import needs_mount, run

HEAD = """
import os, subprocess, sys
from pathlib import Path
from jupyter_mlgov.project import Project
from tests.kernel import Kernel
folder = Path(sys.argv[1])

def told(ran):
    lines = ran.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("mlgov: no snapshot was made: "), lines
    return lines[0]

kernel = Kernel(folder)
try:
    kernel.must("%load_ext jupyter_mlgov")
    {body}
finally:
    kernel.stop()
print("done")
"""

FULL = HEAD.replace(
    "{body}",
    """
    assert kernel.must("%%experiment disk\\nn = 0\\nn").stderr == ""
    with open(folder / "ballast", "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
    for turn in range(3):
        ran = kernel.run(f"%%experiment disk\\nn = {turn}\\nprint('a' * 5000)\\nn + 1")
        assert (ran.status, ran.result) == ("ok", str(turn + 1)), ran
        assert "No space left" in told(ran) and "make room" in told(ran), ran.stderr
    ran = kernel.run("%%experiment disk\\n1 / 0")
    assert ran.status == "error" and ran.reply["ename"] == "ZeroDivisionError", ran
    (folder / "ballast").unlink()
    assert kernel.must("%%experiment disk\\nn = 9\\nn").stderr == ""
    project = Project.open(folder)
    assert [entry.number for entry in project.log()] == [2, 1], project.log()
    assert project.store.fsck() == [], project.store.fsck()
    assert project.show("disk")["parameters"] == {"n": 9}, project.show("disk")
    assert not list((folder / ".mlgov" / "tmp").iterdir())
""",
)

READ_ONLY = HEAD.replace(
    "{body}",
    """
    assert kernel.must("%%experiment disk\\nn = 0\\nn").stderr == ""
    subprocess.run(["mount", "--bind", folder / ".mlgov", folder / ".mlgov"], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", folder / ".mlgov"], check=True)
    for turn in range(2):
        ran = kernel.run(f"%%experiment disk\\nn = {turn}\\nn + 1")
        assert (ran.status, ran.result) == ("ok", str(turn + 1)), ran
        assert "Read-only file system" in told(ran), ran.stderr
    ran = kernel.run("%mlgov log")
    assert ran.status == "ok", ran
    subprocess.run(["umount", folder / ".mlgov"], check=True)
    assert kernel.must("%%experiment disk\\nn = 9\\nn").stderr == ""
    assert [entry.number for entry in Project.open(folder).log()] == [2, 1]
""",
)

NEVER_WRITABLE = HEAD.replace(
    "{body}",
    """
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    for turn in range(2):
        ran = kernel.run(f"%%experiment disk\\nn = {turn}\\nn + 1")
        assert (ran.status, ran.result) == ("ok", str(turn + 1)), ran
        assert "Read-only file system" in told(ran), ran.stderr
""",
)


@needs_mount
def test_on_a_full_disk_the_cell_stands_and_the_next_snapshot_with_room_is_whole(tmp_path: Path) -> None:
    assert run(FULL, tmp_path, mount=f"mount -t tmpfs -o size=3m tmpfs {tmp_path}").endswith("done\n")


@needs_mount
def test_with_a_read_only_store_the_cell_stands_and_what_was_recorded_is_shown(tmp_path: Path) -> None:
    assert run(READ_ONLY, tmp_path, mount=f"mount -t tmpfs -o size=50m tmpfs {tmp_path}").endswith("done\n")


@needs_mount
def test_in_a_folder_that_cannot_be_written_the_cell_stands(tmp_path: Path) -> None:
    out = run(NEVER_WRITABLE, tmp_path, mount=f"mount -t tmpfs -o size=50m tmpfs {tmp_path}")
    assert out.endswith("done\n")
