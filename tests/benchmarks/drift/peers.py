"""Runs in the peers' environment: ``python peers.py streams.npz``, detectors of river on the same errors; ``python peers.py
speed ROWS``, evidently's drift of a table. Prints JSON. Imports nothing of the product."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np


def _detectors() -> dict[str, Any]:
    from river import drift

    return {
        "river ADWIN": lambda: (drift.ADWIN(), False),
        "river KSWIN": lambda: (drift.KSWIN(seed=0), False),
        "river Page-Hinkley": lambda: (drift.PageHinkley(), False),
        "river DDM": lambda: (drift.binary.DDM(), True),
        "river HDDM-A": lambda: (drift.binary.HDDMA(), True),
    }


def signals(path: str) -> dict[str, Any]:
    """For each detector and stream the rows at which it signals, counted after the rows that the model is tested on, with
    which it is warmed up."""
    found: dict[str, Any] = {}
    with np.load(path) as streams:
        for name, make in _detectors().items():
            found[name] = {}
            for key in streams.files:
                if not key.endswith("/now"):
                    continue
                detector, binary = make()
                before = streams[key.removesuffix("now") + "before"]
                rows = []
                for place, value in enumerate(np.concatenate([before, streams[key]]).tolist()):
                    detector.update(int(value > 0.25) if binary else value)
                    if detector.drift_detected and place >= len(before):
                        rows.append(place - len(before))
                found[name][key.removesuffix("/now")] = rows
    return found


def speed(rows: int) -> dict[str, float]:
    """Seconds that evidently takes for a table of ``rows`` x 50, its own preparation included."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset
    from table import table  # type: ignore[import-not-found]

    reference, current = table(rows, 1), table(rows, 2)
    numbers = [name for name in reference if name.startswith("x")]
    definition = DataDefinition(
        numerical_columns=numbers, categorical_columns=[c for c in reference if c not in numbers]
    )
    began = time.perf_counter()
    sides = [Dataset.from_pandas(side, data_definition=definition) for side in (current, reference)]
    Report([DataDriftPreset()]).run(*sides)
    return {"seconds": time.perf_counter() - began}


if __name__ == "__main__":
    print(json.dumps(speed(int(sys.argv[2])) if sys.argv[1] == "speed" else signals(sys.argv[1])))
