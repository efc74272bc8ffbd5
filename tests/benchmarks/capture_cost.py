"""What ``%%experiment`` costs, as ratios in one run: ``make bench``.

The same cell is run plain, under ``%%experiment``, and under MLflow's scikit-learn autologging where MLflow is
installed, each in a kernel of its own, one after the other in turns, so that a slow moment of the machine
meets all of them. Medians are compared; nothing here is a test.
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import statistics
import tempfile
import time
from pathlib import Path

from tests.kernel import Kernel

CELLS = {
    "trivial": ("x = 1", "x = 1\ny = x + 1"),
    "logistic regression, 100k x 20": (
        "import numpy as np, pandas as pd\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "rng = np.random.default_rng(0)\n"
        "df = pd.DataFrame(rng.normal(size=(100_000, 20)), columns=[f'x{i}' for i in range(20)])\n"
        "y = (df.sum(axis=1) + rng.normal(size=len(df)) > 0).astype(int)",
        "C = 1.0\nmodel = LogisticRegression(C=C, max_iter=200).fit(df, y)\naccuracy = model.score(df, y)",
    ),
}
AUTOLOG = (
    "import os, logging, warnings; warnings.simplefilter('ignore')\n"
    "import mlflow, mlflow.sklearn\nlogging.getLogger('mlflow').setLevel(logging.ERROR)\n"
    "mlflow.set_tracking_uri('sqlite:///mlflow.db'); mlflow.set_experiment('bench')\n"
    "mlflow.sklearn.autolog(silent=True)"
)


def measure(rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds per run of the cell: ``{cell: {way: [...]}}``."""
    ways = ["plain", "loaded", "experiment"] + (["mlflow"] if importlib.util.find_spec("mlflow") else [])
    times: dict[str, dict[str, list[float]]] = {}
    for name, (prepare, cell) in CELLS.items():
        kernels: dict[str, Kernel] = {}
        with tempfile.TemporaryDirectory() as folder:
            try:
                for way in ways:
                    place = Path(folder) / way
                    place.mkdir()
                    kernels[way] = Kernel(place)
                    if way in ("loaded", "experiment"):
                        kernels[way].must("%load_ext jupyter_mlgov")
                    kernels[way].must(prepare)
                    if way == "mlflow":
                        kernels[way].must(AUTOLOG)
                    once(kernels[way], way, cell)
                for _ in range(rounds):
                    for way in ways:
                        times.setdefault(name, {}).setdefault(way, []).append(once(kernels[way], way, cell))
            finally:
                for kernel in kernels.values():
                    kernel.stop()
    return times


def once(kernel: Kernel, way: str, cell: str) -> float:
    """Seconds from sending the cell until the kernel is idle again."""
    source = {
        "experiment": f"%%experiment bench\n{cell}",
        "mlflow": f"with mlflow.start_run():\n    {cell.replace(chr(10), chr(10) + '    ')}",
    }.get(way, cell)
    start = time.perf_counter()
    ran = kernel.must(source)
    taken = time.perf_counter() - start
    assert not ran.stderr.startswith("mlgov"), ran.stderr
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {rounds} rounds; medians, seconds from send to idle\n"
    )
    print(f"{'cell':34} {'way':12} {'median s':>9} {'more ms':>9} {'ratio':>7}")
    for name, ways in measure(rounds).items():
        plain = statistics.median(ways["plain"])
        for way, taken in ways.items():
            median = statistics.median(taken)
            print(f"{name:34} {way:12} {median:9.4f} {1000 * (median - plain):9.1f} {median / plain:7.2f}")
    if importlib.util.find_spec("mlflow") is None:
        print("\nMLflow is not installed: pip install mlflow, to see its autologging beside it")


if __name__ == "__main__":
    main()
