"""Several processes write into one store at once."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot

ROOT = Path(__file__).parents[2]
EACH = 25

WRITER = f"""
import sys
from pathlib import Path
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot
name = sys.argv[2]
for turn in range({EACH}):
    store = Store.create(Path(sys.argv[1]))
    print(add_snapshot(store, message=f"{{name}} {{turn}}", source=f"shared = {{turn}}"), flush=True)
    assert len(store.log()) > turn
"""


def test_four_processes_lose_nothing_and_number_without_a_gap(tmp_path: Path) -> None:
    folder = tmp_path / ".mlgov"
    writers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WRITER, str(folder), str(name)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in range(4)
    ]  # fmt: skip
    reported: list[str] = []
    for writer in writers:
        out, err = writer.communicate(timeout=300)
        assert writer.returncode == 0, err
        reported += out.split()
    store = Store.open(folder)
    listed = store.log()
    assert sorted(line.id for line in listed) == sorted(reported)
    assert len(set(reported)) == 4 * EACH
    assert [line.number for line in listed] == list(range(4 * EACH, 0, -1))
    assert store.fsck() == []
    assert store.reindex() == 4 * EACH
    assert store.log() == listed
    assert not any((folder / "tmp").iterdir())


def test_threads_share_one_store(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    failures: list[BaseException] = []

    def write(name: int) -> None:
        try:
            for turn in range(8):
                add_snapshot(store, message=f"{name} {turn}")
                store.log()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert [line.number for line in store.log()] == list(range(32, 0, -1))
