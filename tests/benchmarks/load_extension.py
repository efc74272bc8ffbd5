"""``%load_ext jupyter_mlgov`` in a fresh kernel: time, and memory that stays; ``import mlflow`` beside it."""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Figure, kernel, peer

LIMIT_MS, LIMIT_MB = 150, 30
MEASURE = """
import os, time
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
before, start = resident(), time.perf_counter()
{action}
taken = time.perf_counter() - start
import json
print(json.dumps([1000 * taken, resident() - before]))
"""


def load() -> list[float]:
    """Milliseconds and megabytes in one fresh kernel."""
    with tempfile.TemporaryDirectory() as folder:
        action = "get_ipython().run_line_magic('load_ext', 'jupyter_mlgov')"
        with kernel(Path(folder)) as fresh:
            found: list[float] = json.loads(fresh.must(MEASURE.format(action=action)).stdout)
        return found


def measure(*, quick: bool) -> Figure:
    ours: list[list[float]] = []
    theirs: list[Any] = []
    load()  # bytecode is compiled once
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(3 if quick else 7):
            ours.append(load())
            theirs.append(peer(MEASURE.format(action="import mlflow"), folder=Path(folder)))
    ms, mb = (statistics.median(values) for values in zip(*ours, strict=True))
    bars = [("%load_ext jupyter_mlgov", ms)]
    beside = ""
    if theirs[0] is not None:
        their_ms, their_mb = (statistics.median(values) for values in zip(*theirs, strict=True))
        beside = f"`import mlflow` {their_ms:.0f} ms, {their_mb:.0f} MB"
        bars.append(("import mlflow", their_ms))
    return Figure(
        "`%load_ext jupyter_mlgov`", f"{LIMIT_MS} ms, {LIMIT_MB} MB at most", f"{ms:.0f} ms, {mb:.0f} MB",
        max(ms / LIMIT_MS, mb / LIMIT_MB), beside, tuple(bars), "ms",
    )  # fmt: skip
