"""Kills a writer at each of its steps in turn and looks at what is left: a script, not a test.

The writer is a fork of this process, in which every call that changes the disk is counted; at step N the fork
kills itself with SIGKILL, before the call or in the middle of a write. The parent then opens the store as the
next user would.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlgov.errors import NotFound
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot, make_manifest

STEPS = ("write", "fsync", "link", "replace", "rename", "mkdir", "unlink")


def kill_at(step: int) -> Callable[[], int]:
    """Makes the ``step``-th change of the disk kill this process; gives a function that counts them."""
    taken = 0
    counting = threading.Lock()

    def counted(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **options: Any) -> Any:
            nonlocal taken
            with counting:
                taken += 1
                if taken == step:
                    if name == "write":
                        real(words[0], bytes(words[1])[: len(words[1]) // 2])
                    os.kill(os.getpid(), signal.SIGKILL)
            return real(*words, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(name, getattr(os, name)))
    return lambda: taken


def job(folder: Path, told: int) -> None:
    """What a session does: a store where there is none, two snapshots, a rerun's candidate and verdict."""
    tell = os.fdopen(told, "w", buffering=1)
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


def run(folder: Path, step: int) -> tuple[bool, list[list[str]], int]:
    """Whether the job was killed at ``step``, what it had reported by then, and the steps that it took."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        count = kill_at(step)
        job(folder, writing)
        os._exit(min(count(), 255) if step else 0)
    os.close(writing)
    with os.fdopen(reading) as reports:
        told = [line.split() for line in reports]
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status), told, os.waitstatus_to_exitcode(status)


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
            assert [entry.body["verdict"] for entry in store.entries(kind="rerun")] == ["reproduced"]
    assert store.fsck() == [], store.fsck()


def main(place: Path) -> None:
    # Everything is imported before the first fork, so that a fork takes milliseconds.
    add_snapshot(Store.create(place / "warm" / ".mlgov"))
    step = 0
    while True:
        step += 1
        folder = place / str(step) / ".mlgov"
        folder.parent.mkdir()
        killed, told, status = run(folder, step)
        assert killed or status > 0, status
        check(folder, told)
        shutil.rmtree(folder.parent)
        if not killed:
            break
    print(f"killed at {step - 1} steps")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
