"""One writer at a time, and none that ended holds off another."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jupyter_mlgov.errors import NotWritable, StoreError
from jupyter_mlgov.store import Store, lock
from jupyter_mlgov.store.lock import HeldByAnother, exclusive

HOLDER = """
import sys, time
from pathlib import Path
from jupyter_mlgov.store.lock import exclusive
with exclusive(Path(sys.argv[1]), seconds=10):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_another_process_waits_in_vain_and_gets_it_when_the_holder_is_killed(path: Path) -> None:
    process = holder(path)
    try:
        with pytest.raises(HeldByAnother), exclusive(path, seconds=0.05):
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    with exclusive(path, seconds=10):
        pass


def test_threads_take_turns(path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        for _ in range(20):
            with exclusive(path, seconds=60):
                inside.append(number)
                most.append(len(inside))
                time.sleep(0.0002)
                inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 160


def test_a_process_that_was_forked_meanwhile_does_not_keep_it(path: Path) -> None:
    script = """
import os, sys, time
from pathlib import Path
from jupyter_mlgov.store.lock import exclusive
with exclusive(Path(sys.argv[1]), seconds=10):
    child = os.fork()
    if child == 0:
        time.sleep(600)
        os._exit(0)
print(child, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.wait(60)
    try:
        with exclusive(path, seconds=5):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        process.stdout.close()


def test_what_is_raised_within_lets_it_go(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(path, seconds=1):
        raise ZeroDivisionError
    with exclusive(path, seconds=1):
        pass


def test_a_store_says_who_holds_it_off_and_where_it_cannot_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path / ".mlgov")
    monkeypatch.setattr("jupyter_mlgov.store.ledger.LOCK_S", 0.05)
    with (
        store._ledger.lock(),
        pytest.raises(StoreError, match="written by another process"),
        store._ledger.lock(),
    ):
        pass

    def no_locks(file: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(lock, "_flock", no_locks)
    with pytest.raises(NotWritable, match="no file locks"), store._ledger.lock():
        pass


def test_it_is_the_lock_of_filelock_too(path: Path) -> None:
    """Versions before this one, and Windows, take it by that library."""
    import filelock

    with filelock.FileLock(path), pytest.raises(HeldByAnother), exclusive(path, seconds=0.01):
        pass
    with exclusive(path, seconds=1), pytest.raises(filelock.Timeout), filelock.FileLock(path, timeout=0.01):
        pass
