"""Folders that are watched: what is seen there, what is passed over, and that a loss is said. All with a real inotify."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlgov.capture.children import VARIABLE, ChildReads
from jupyter_mlgov.capture.reads import Reads
from jupyter_mlgov.capture.watches import FolderWatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[FolderWatch]:
    (tmp_path / "project").mkdir()
    one = FolderWatch(Reads())
    one.start([tmp_path / "project"], tmp_path / "project")
    yield one
    one.stop()


def cat(*paths: Path) -> None:
    subprocess.run(["cat", *paths], check=True, capture_output=True)


def test_a_reading_by_another_program_is_seen_while_a_cell_runs(watch: FolderWatch, tmp_path: Path) -> None:
    for name in ("before", "during", "after"):
        (tmp_path / "project" / f"{name}.csv").write_text("a\n")
    cat(tmp_path / "project" / "before.csv")
    watch.cell_starts()
    cat(tmp_path / "project" / "during.csv")
    watch.cell_ends()
    cat(tmp_path / "project" / "after.csv")
    watch.cell_starts()
    watch.cell_ends()
    assert set(watch._reads.read) == {str(tmp_path / "project" / "during.csv")}


def test_writing_comes_before_reading_or_after(watch: FolderWatch, tmp_path: Path) -> None:
    made, changed = tmp_path / "project" / "made.csv", tmp_path / "project" / "changed.csv"
    changed.write_text("a\n")
    watch.cell_starts()
    subprocess.run(
        ["sh", "-c", f"echo a > {made}; cat {made} {changed}; echo b > {changed}"],
        check=True,
        capture_output=True,
    )
    watch.cell_ends()
    reads = watch._reads
    assert (reads.read[str(made)].written_before, reads.read[str(changed)].written_before) == (True, False)
    assert set(reads.written) == {str(made), str(changed)}


def test_a_new_folder_of_the_project_is_watched_too(watch: FolderWatch, tmp_path: Path) -> None:
    watch.cell_starts()
    (tmp_path / "project" / "new").mkdir()
    watch.settle()
    (tmp_path / "project" / "new" / "x.csv").write_text("a\n")
    watch.cell_ends()
    watch.cell_starts()
    cat(tmp_path / "project" / "new" / "x.csv")
    watch.cell_ends()
    assert str(tmp_path / "project" / "new" / "x.csv") in watch._reads.read


def test_of_a_folder_outside_only_what_the_code_names_counts(watch: FolderWatch, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("named.csv", "other.csv"):
        (outside / name).write_text("a\n")
    watch.look_at([str(outside / "named.csv")])
    watch.cell_starts()
    cat(outside / "named.csv", outside / "other.csv")
    watch.cell_ends()
    assert set(watch._reads.read) == {str(outside / "named.csv")}
    assert watch.covers(outside / "named.csv")
    assert not watch.covers(outside / "other.csv")
    watch.look_at([str(outside)])
    assert watch.covers(outside / "other.csv")


def test_a_queue_that_overflows_is_said(watch: FolderWatch, tmp_path: Path) -> None:
    """While the interpreter's lock is held, as native code may, nobody can empty the queue."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip(f"the queue holds {limit} events here")
    for name in "ab":
        (tmp_path / "project" / f"{name}.csv").write_text("a\n")
    code = (
        "import os, sys\nfor _ in range(int(sys.argv[2])):\n    for name in 'ab':\n"
        "        os.close(os.open(f'{sys.argv[1]}/{name}.csv', os.O_RDONLY))"
    )
    watch.cell_starts()
    child = subprocess.Popen([sys.executable, "-S", "-c", code, tmp_path / "project", str(limit)])
    sleep = ctypes.PyDLL(None).usleep
    for _ in range(100):
        sleep(500_000)
        if child.poll() is not None:
            break
    child.wait()
    watch.cell_ends()
    assert watch._reads.lost == {"inotify": "more files were opened at once than its queue holds"}
    assert not watch.working


def test_a_long_list_of_files_does_not_overflow_it(watch: FolderWatch, tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / "project" / f"{number}.csv").write_text("a\n")
    watch.cell_starts()
    for _ in range(100):
        for number in range(200):
            os.close(os.open(tmp_path / "project" / f"{number}.csv", os.O_RDONLY))
        time.sleep(0.005)
    watch.cell_ends()
    assert watch._reads.lost == {}
    assert len(watch._reads.read) == 200


def test_a_python_process_tells_what_it_opens_and_a_forked_one_too(tmp_path: Path) -> None:
    reads = Reads()
    children = ChildReads(reads)
    children.start()
    try:
        odd = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9 one.csv"))
        for path in (tmp_path / "x.csv", odd):
            path.write_text("a\n")
        code = "import jupyter_mlgov.capture.children as c, sys; c.start(); open(sys.argv[1]).read(); open(sys.argv[2], 'w')"
        subprocess.run([sys.executable, "-c", code, odd, tmp_path / "out.csv"], check=True)
        if (pid := os.fork()) == 0:
            (tmp_path / "x.csv").read_text()
            os._exit(0)
        os.waitpid(pid, 0)
        children.take_in()
    finally:
        children.stop()
    assert VARIABLE not in os.environ
    assert {str(odd), str(tmp_path / "x.csv")} <= set(reads.read)
    assert all("process" in reads.read[str(path)].seen_by for path in (odd, tmp_path / "x.csv"))
    assert str(tmp_path / "out.csv") in reads.written


def test_a_process_that_opens_more_files_than_are_counted_says_so_and_stops(tmp_path: Path) -> None:
    reads = Reads()
    children = ChildReads(reads)
    children.start()
    try:
        code = (
            "import jupyter_mlgov.capture.children as c, os, sys; c.MOST = 3; c.start()\n"
            "for number in range(9): open(os.path.join(sys.argv[1], str(number)), 'w').close()"
        )
        subprocess.run([sys.executable, "-c", code, tmp_path], check=True)
        children.take_in()
    finally:
        children.stop()
    written = {Path(path).name for path in reads.written}
    assert written & {str(number) for number in range(9)} == {"0", "1", "2"}
    assert reads.lost == {"process": "processes read more files than are counted"}
