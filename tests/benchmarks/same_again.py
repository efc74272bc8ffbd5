"""The same snapshot again, nothing having changed, against the first one.

The cell hardly works itself (it opens a large array and a table), so what is measured is the snapshot: its time
less that of the same cell without ``%%experiment``. A first snapshot finds a file that was never seen before.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from tests.benchmarks.measuring import Figure, kernel, medians, seconds

LIMIT = 0.10
CELL = """import numpy as np
data = np.load("data.npy", mmap_mode="r")
with open("table.csv") as file:
    head = file.readline()
mean = float(data[:1000].mean())"""
FILES = """
import numpy as np
rng = np.random.default_rng({seed})
np.save("data.npy", rng.integers(0, 2**63, {count}))
with open("table.csv", "w") as file:
    file.write("a,b,c\\n")
    for row in rng.random((20_000, 3)):
        print(*row, sep=",", file=file)
"""


def once(count: int, seed: int) -> dict[str, float]:
    """Milliseconds of the plain cell, the first snapshot and the same one again, in a fresh project."""
    with tempfile.TemporaryDirectory() as folder, kernel(Path(folder)) as session:

        def run(source: str) -> float:
            return 1000 * seconds(lambda: session.must(source))

        session.must("%load_ext jupyter_mlgov")
        session.must(FILES.format(seed=seed, count=1000))
        # What is paid once in a session is not the snapshot's: the store is there, the libraries are loaded.
        run("%%experiment warm\n" + CELL)
        session.must(FILES.format(seed=seed + 1, count=count))
        # A file's digest is believed once the file is older than the clock of the disk is coarse: data mostly are.
        time.sleep(1.5)
        run(CELL)
        plain = statistics.median(run(CELL) for _ in range(5))
        first = run("%%experiment bench\n" + CELL)
        again = statistics.median(run("%%experiment bench\n" + CELL) for _ in range(5))
        return {"the cell alone": plain, "first": first, "again": again}


def measure(*, quick: bool) -> Figure:
    count = (50 if quick else 1000) * 125_000  # of 8 bytes: 1 GB
    rounds = [once(count, seed) for seed in range(1 if quick else 3)]
    found = medians({name: [one[name] for one in rounds] for name in rounds[0]})
    first, again = (found[name] - found["the cell alone"] for name in ("first", "again"))
    return Figure(
        "the same snapshot again, nothing changed", "10 % of the first",
        f"{100 * again / first:.0f} % of it ({first:.0f} → {again:.0f} ms)", again / first / LIMIT,
        bars=(("first", first), ("again", again)), unit="ms", note="an array of 1 GB and a table of 1 MB are read",
    )  # fmt: skip
