"""The digest of a frame with a million rows and twenty columns of every common dtype, against
``pandas.util.hash_pandas_object`` of the same frame (which gives one number a row and no name, dtype or order of
categories); and how much memory it takes at the most.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from jupyter_mlgov.hashing.frames import describe_frame
from tests.benchmarks.measuring import ROOT, Figure, in_turns, medians, seconds

LIMIT = 3.0
ROWS = 1_000_000
PEAK = """
import json, sys, threading, time
from tests.benchmarks.frame_digest import mixed
from jupyter_mlgov.hashing.frames import describe_frame
import os
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
frame = mixed(int(sys.argv[1]))
describe_frame(frame.head(1000))
import ctypes, gc, pyarrow
gc.collect()
pyarrow.default_memory_pool().release_unused()
if hasattr(ctypes.CDLL(None), "malloc_trim"):
    ctypes.CDLL(None).malloc_trim(0)  # what is free already must not hide what is taken
size, before, peak, done = int(frame.memory_usage(deep=True).sum()), resident(), 0, threading.Event()
def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, resident())
watcher = threading.Thread(target=watch); watcher.start()
describe_frame(frame)
done.set(); watcher.join()
print(json.dumps([size, max(0, peak - before)]))
"""


def mixed(rows: int) -> Any:
    """Ten columns of floats, four of integers, two of strings, a category, a flag, moments, and gaps in some."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"f{place}": rng.standard_normal(rows) for place in range(10)})
    frame.loc[rng.random(rows) < 0.05, ["f3", "f7"]] = np.nan
    for place, dtype in enumerate(("int64", "int32", "int8", "uint16")):
        frame[f"i{place}"] = rng.integers(0, 100, rows).astype(dtype)
    frame["word"] = rng.choice(["alpha", "beta", "gamma", "delta"], rows)
    frame["id"] = [f"customer {number}" for number in range(rows)]
    frame["kind"] = pd.Categorical(rng.choice(list("abcde"), rows))
    frame["flag"] = rng.random(rows) < 0.5
    frame["at"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**8, rows), unit="s")
    frame["count"] = pd.array(rng.integers(0, 9, rows), dtype="Int64")
    assert frame.shape[1] == 20
    return frame


def measure(*, quick: bool) -> Figure:
    import pandas as pd

    rows = ROWS // 10 if quick else ROWS
    frame = mixed(rows)
    ways = {
        "mlgov": lambda: 1000 * seconds(lambda: describe_frame(frame)),
        "hash_pandas_object": lambda: 1000 * seconds(lambda: pd.util.hash_pandas_object(frame)),
    }
    for way in ways.values():
        way()
    found = medians(in_turns(ways, 5 if quick else 11))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(rows)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    size, peak = json.loads(done.stdout)
    faster = found["hash_pandas_object"] / found["mlgov"]
    return Figure(
        "frame digest, 1M x 20 mixed", "3 times faster than `hash_pandas_object`; no full copy in memory",
        f"{faster:.1f} times faster ({found['mlgov']:.0f} ms); {100 * peak / size:.0f} % of the frame's "
        f"{size / 1e6:.0f} MB at the peak",
        max(LIMIT / faster, peak / size), bars=tuple(found.items()), unit="ms",
    )  # fmt: skip
