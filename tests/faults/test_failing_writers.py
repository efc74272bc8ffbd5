"""A snapshot is whole or absent, wherever its writer is killed or the disk is full."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from jupyter_mlgov.store import Store
from tests.faults.failing_writer import WAYS
from tests.store.making import RAM

EVERY = os.environ.get("MLGOV_FAULTS") == "all"
STRIDES = {way: "1" if EVERY else stride for way, stride in zip(WAYS, ("2", "4", "4"), strict=True)}
"""The default suite fails every second or fourth step; ``make test-faults`` every one."""
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

WRITER = """
import itertools, sys
from pathlib import Path
from jupyter_mlgov.store import Store
from tests.store.making import RAM
from tests.store.making import add_snapshot
store = Store.create(Path(sys.argv[1]))
for turn in itertools.count():
    print(add_snapshot(store, message=f"{sys.argv[2]} {turn}", source=f"auc = {turn}"), flush=True)
"""


def script(*words: str | Path) -> list[str]:
    return [sys.executable, "-W", "error", *map(str, words)]


@pytest.mark.parametrize("way", WAYS)
def test_a_writer_that_fails_at_any_step_leaves_each_snapshot_whole_or_absent(way: str) -> None:
    with tempfile.TemporaryDirectory(dir=RAM) as folder:
        done = subprocess.run(
            script("-m", "tests.faults.failing_writer", folder, way, STRIDES[way]),
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout.split()[-1])
    assert steps > 60


def test_writers_killed_at_any_moment_never_lose_what_they_reported(tmp_path: Path) -> None:
    folder = tmp_path / ".mlgov"
    reported: list[str] = []
    for turn in range(4):
        writers = [
            subprocess.Popen(
                script("-c", WRITER, folder, f"{turn}.{place}"), cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            for place in range(2)
        ]
        for writer in writers:
            assert writer.stdout
            reported.append(writer.stdout.readline().strip())
        time.sleep(random.Random(turn).uniform(0, 0.2))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            rest, _ = writer.communicate()
            # The last line may have been cut by the kill.
            reported += [line for line in rest.split("\n")[:-1] if len(line) == 64]
        store = Store.open(folder)
        listed = [line.id for line in store.log()]
        assert set(reported) <= set(listed)
        assert [line.number for line in store.log()] == list(range(len(listed), 0, -1))
        assert store.fsck() == []
