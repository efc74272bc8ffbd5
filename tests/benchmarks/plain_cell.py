"""A plain cell in a session with the extension loaded, against the same cell without it; from send to idle."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.benchmarks.measuring import Figure, in_turns, kernel, medians, seconds

LIMIT_MS = 1.0
CELL = "total = sum(range(100))\ntotal"


def measure(*, quick: bool) -> Figure:
    with (
        tempfile.TemporaryDirectory() as folder,
        kernel(Path(folder)) as without,
        kernel(Path(folder)) as extended,
    ):
        extended.must("%load_ext jupyter_mlgov")
        for _ in range(20):
            without.must(CELL), extended.must(CELL)
        ways = {
            "without": lambda: 1000 * seconds(lambda: without.must(CELL)),
            "with mlgov": lambda: 1000 * seconds(lambda: extended.must(CELL)),
        }
        found = medians(in_turns(ways, 40 if quick else 300))
    more = found["with mlgov"] - found["without"]
    return Figure(
        "a plain cell in a session with the extension loaded", f"{LIMIT_MS:.0f} ms more at the median",
        f"{more:.2f} ms more ({found['without']:.1f} → {found['with mlgov']:.1f} ms)", max(0.0, more) / LIMIT_MS,
        bars=tuple(found.items()), unit="ms",
    )  # fmt: skip
