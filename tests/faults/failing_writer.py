"""Fails a writer at each of its steps in turn and looks at what is left: a script, not a test.

The writer is a fork of this process, in which every call that changes the disk is counted. ``killed``: at step N
the fork kills itself with SIGKILL, before the call or in the middle of a write. ``full``: from step N on there is
no room on the disk, until the writer has been refused; then it goes on in the same session, with room again.
``once``: only step N fails. The parent then opens the store as the next user would.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from jupyter_mlgov.errors import NotFound, NotWritable
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot, make_manifest

STEPS = ("write", "fsync", "link", "replace", "rename", "mkdir", "unlink")
WAYS = ("killed", "full", "once")


class Faults:
    """Makes the ``step``-th change of the disk fail in this process, in one of the ``WAYS``."""

    def __init__(self, way: str, step: int) -> None:
        self.way = way
        self.step = step
        self.taken = 0
        self.room = False
        self._counting = threading.Lock()
        for name in STEPS:
            setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **options: Any) -> Any:
            with self._counting:
                self.taken += 1
                if self._fails(name):
                    if name == "write" and self.taken == self.step:
                        real(words[0], bytes(words[1])[: len(words[1]) // 2])
                    if self.way == "killed":
                        os.kill(os.getpid(), signal.SIGKILL)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*words, **options)

        return call

    def _fails(self, name: str) -> bool:
        if self.way == "full":
            return self.taken >= self.step and not self.room and name != "unlink"
        return self.taken == self.step


def session(folder: Path, told: int, faults: Faults) -> None:
    """The job; where the disk was full, refused in one line, and done again by the same process with room."""
    with os.fdopen(told, "w", buffering=1) as tell:
        while True:
            try:
                job(folder, tell)
                return
            except NotWritable as error:
                assert "No space left" in str(error), error
                assert "\n" not in str(error), error
                assert faults.way != "killed", error
                assert not faults.room, error
                faults.room = True


def job(folder: Path, tell: TextIO) -> None:
    """What a session does: a store where there is none, two snapshots, a rerun's candidate and verdict."""
    store = Store.create(folder)
    first = add_snapshot(store, message="one")
    print("made", first, file=tell)
    print("made", add_snapshot(store, message="two"), file=tell)
    manifest = make_manifest(store, kind="candidate", baseline=first, source="auc = 0.9")
    candidate = store.commit(manifest).subject
    print("made", candidate, file=tell)
    comparison = store.put(b'{"verdict": "reproduced"}')
    store.append("rerun", first, {"verdict": "reproduced", "candidate": candidate, "comparison": comparison})
    print("rerun", first, file=tell)


def run(folder: Path, way: str, step: int) -> tuple[bool, list[list[str]]]:
    """Whether the job came as far as ``step``, and what it had reported by the end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        faults = Faults(way, step)
        try:
            session(folder, writing, faults)
        except BaseException:
            traceback.print_exc()
            os._exit(2)
        os._exit(1 if faults.taken < step else 0)
    os.close(writing)
    with os.fdopen(reading) as reports:
        told = [line.split() for line in reports]
    _, status = os.waitpid(child, 0)
    ended = os.waitstatus_to_exitcode(status)
    assert ended in ((-signal.SIGKILL, 1) if way == "killed" else (0, 1)), (way, step, ended)
    return ended != 1, told


def check(folder: Path, told: list[list[str]]) -> None:
    """Nothing half-made is listed, all that was reported is whole, and the next user can go on."""
    try:
        store = Store.open(folder)
    except NotFound:
        assert not told, told
    else:
        look(store, told)
    store = Store.create(folder)
    number = len(store.log()) + 1
    entry = store.commit(make_manifest(store, message="after the kill"))
    assert entry.body["number"] == number, (entry.body, number)
    look(store, [*told, ["made", entry.subject]])
    before = store.log(candidates=True)
    assert store.reindex() == len(before)
    assert store.log(candidates=True) == before


def look(store: Store, told: list[list[str]]) -> None:
    listed = store.log(candidates=True)
    ids = [line.id for line in listed]
    assert len(ids) == len(set(ids))
    for line in listed:
        manifest = store.manifest(line.id)
        store.environment(manifest)
        for digest in manifest.objects():
            store.get(digest)
    assert [line.number for line in reversed(store.log())] == list(range(1, len(store.log()) + 1))
    for verb, snapshot in told:
        assert snapshot in ids, (verb, snapshot)
        if verb == "rerun":
            assert {entry.body["verdict"] for entry in store.entries(kind="rerun")} == {"reproduced"}
    assert store.fsck() == [], store.fsck()


def main(place: Path, way: str, stride: int) -> None:
    # Everything is imported before the first fork, so that a fork takes milliseconds.
    add_snapshot(Store.create(place / "warm" / ".mlgov"))
    step = 1 - stride
    failed = True
    while failed:
        step += stride
        folder = place / str(step) / ".mlgov"
        folder.parent.mkdir()
        failed, told = run(folder, way, step)
        check(folder, told)
        shutil.rmtree(folder.parent)
    print(f"{way} up to step {step}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
