"""``make bench-drift``, or ``python -m tests.benchmarks.drift [--peers PYTHON] [--seeds N] [--rows N] [--no-speed] [--write]``.

Every detector sees the same squared errors of a tree. A window is 200 rows: after each, it is asked whether drift was
signalled. Detection rate: streams with drift in which it was signalled after the drift began and before the stream ended.
Delay: rows from the drift's beginning to the end of the window that told (median). False alarms: windows before any drift
in which it was signalled, for a thousand windows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jupyter_mlgov.monitor import changes, features
from jupyter_mlgov.monitor.performance import _lead
from jupyter_mlgov.monitor.settings import Settings
from tests.benchmarks.drift import streams
from tests.benchmarks.drift.table import table

HERE = Path(__file__).parent
PAGE = HERE.parent.parent.parent / "docs" / "reference" / "drift-benchmark.md"
WINDOW = 200
OURS = "mlgov monitor"


def windows_that_tell(before: Any, now: Any) -> list[int]:
    """The ends of the windows after which the monitor, looking at everything since the release, says drift."""
    settings = Settings()
    told = []
    for end in range(WINDOW, len(now) + 1, WINDOW):
        seen = now[:end]
        found = changes.find(
            np.concatenate([_lead(before, len(seen)), seen]), settings.alpha, least=settings.loss
        )
        if found.splits:
            told.append(end)
    return told


def figures(
    told: dict[str, list[int]], begins: dict[str, int | None], lengths: dict[str, int]
) -> dict[str, Any]:
    """Rates over streams; ``told`` are rows at which a detector signalled."""
    found, delays, alarms, quiet = 0, [], 0, 0
    drifting = [key for key, begin in begins.items() if begin is not None]
    for key, begin in begins.items():
        windows = {-(-max(row, 1) // WINDOW) * WINDOW for row in told[key]}
        stop = lengths[key] if begin is None else begin
        quiet += stop // WINDOW
        alarms += len([end for end in windows if end <= stop])
        after = sorted(end for end in windows if begin is not None and end > stop)
        if after:
            found += 1
            delays.append(after[0] - stop)
    return {
        "streams": len(drifting),
        "rate": found / len(drifting) if drifting else None,
        "delay": statistics.median(delays) if delays else None,
        "false": 1000 * alarms / quiet if quiet else None,
    }


def detection(python: str, seeds: int) -> dict[str, dict[str, dict[str, Any]]]:
    """For each detector and kind of drift the figures."""
    kept: dict[str, Any] = {}
    begins: dict[str, int | None] = {}
    for kind in streams.KINDS:
        for name in streams.NAMES:
            for seed in range(seeds):
                stream = streams.make(name, kind, seed)
                before, now = streams.scored(stream)
                key = f"{kind}/{name}/{seed}"
                kept[f"{key}/before"], kept[f"{key}/now"] = before, now
                begins[key] = (
                    None if stream.drift is None else stream.drift - streams.TRAINED - streams.TESTED
                )
    told = {OURS: {key: windows_that_tell(kept[f"{key}/before"], kept[f"{key}/now"]) for key in begins}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "streams.npz"
        np.savez(file, **kept)
        told |= json.loads(_peer(python, str(file)))
    lengths = {key: len(kept[f"{key}/now"]) for key in begins}
    return {
        detector: {
            kind: figures(
                rows, {key: begin for key, begin in begins.items() if key.startswith(kind)}, lengths
            )
            for kind in streams.KINDS
        }
        for detector, rows in told.items()
    }


def _peer(python: str, *words: str) -> str:
    done = subprocess.run(
        [python, "peers.py", *words], cwd=HERE, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"the peers' environment {python} failed: {done.stderr[-800:]}")
    return done.stdout.strip().splitlines()[-1]


def speed(rows: int) -> float:
    """Seconds for the drift of a table of ``rows`` x 50, the best of three."""
    reference, current = table(rows, 1), table(rows, 2)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        pairs, _ = features.read_pairs(reference, current)
        features.settle(features.compare(pairs, "feature", Settings()), Settings())
        took.append(time.perf_counter() - began)
    return min(took)


def page(
    found: dict[str, dict[str, dict[str, Any]]], seeds: int, costs: Sequence[tuple[int, float, float]]
) -> str:
    """The reference page."""

    def cell(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    lines = ["# How early and how surely drift is found", "", _INTRODUCTION.format(seeds=seeds, window=WINDOW), "",
             "| detector | found, abrupt | delay, rows | found, gradual | delay, rows | false alarms in 1,000 windows |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for detector, kinds in found.items():
        abrupt, gradual, none = (kinds[kind] for kind in streams.KINDS)
        lines.append(
            f"| {detector} | {cell(abrupt['rate'], '.0%')} | {cell(abrupt['delay'], '.0f')} | {cell(gradual['rate'], '.0%')} | "
            f"{cell(gradual['delay'], '.0f')} | {cell(none['false'], '.1f')} |"
        )
    lines += ["", _DETECTORS]
    if costs:
        lines += ["", "## What it costs", "",
                  "Drift of every column of a table of 40 numbers and 10 categories, both sides as large, in one run on one machine.",
                  "", "| rows x columns | mlgov monitor | evidently 0.7 (data drift preset) | times |", "|---|---|---|---|"]  # fmt: skip
        lines += [
            f"| {rows:,} x 50 | {ours:.2f} s | {theirs:.1f} s | {theirs / ours:.0f} |"
            for rows, ours, theirs in costs
        ]
    return "\n".join(lines) + "\n"


_INTRODUCTION = """Streams whose truth is known, made by generators from the literature: SEA, STAGGER, SINE1 and the rotating
hyperplane, {seeds} seeds each, with an abrupt change, a gradual one (over 1,000 rows), and none. A decision tree is fitted on
the first 1,000 rows and tested on the next 1,000; the detectors see the squared errors of its probabilities on the 1,000 rows
before and the 2,000 after the change (3,000 without one). A window is {window} rows. `make bench-drift` measures this
anew and rewrites this page."""

_DETECTORS = """`mlgov monitor` is asked after each window about all rows since the release, with its defaults (alpha 0.01, a
change of at least 0.1 standard deviations); the others are river's with their defaults, warmed up with the errors of the rows
that the model was tested on (DDM and HDDM-A see whether the squared error is above 0.25, that is whether the label is wrong).
A false alarm is a window without drift that signalled; for the monitor, which looks at everything since the release,
an alarm that stays counts in each window that it stays."""


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m tests.benchmarks.drift")
    words.add_argument("--peers", default=".venv-drift/bin/python", metavar="PYTHON")
    words.add_argument("--seeds", type=int, default=10)
    words.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    words.add_argument("--no-speed", action="store_true")
    words.add_argument("--write", action="store_true")
    given = words.parse_args()
    python = str(Path(given.peers).absolute())
    found = detection(python, given.seeds)
    costs = []
    for rows in [] if given.no_speed else given.rows:
        ours = speed(rows)
        costs.append((rows, ours, json.loads(_peer(python, "speed", str(rows)))["seconds"]))
    text = page(found, given.seeds, costs)
    print(text)
    if given.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
