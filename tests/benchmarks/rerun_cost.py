"""What a rerun costs beside bare papermill, and a fleet beside one core and beside nbmake: ``make bench-reruns``.

The notebooks are small ones that compute for a moment, as most of a fleet's are. A rerun does what papermill does and
records, compares and writes a verdict besides: it should cost at most 1.05 times as much and half a second. Fifty of
them on two cores should take 1/1.9 of the time on one, and no more than ``pytest --nbmake -n 2``; a second ``verify``
executes nothing.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.__main__ import machine
from tests.benchmarks.measuring import in_turns, medians, seconds
from tests.conftest import notebook_json
from tests.kernel import ROOT

PAGE = ROOT / "docs" / "reference" / "rerun-cost.md"

CELLS = [
    "import numpy as np, pandas as pd\nrng = np.random.default_rng(0)",
    "frame = pd.DataFrame(rng.normal(size=(20_000, 8)), columns=list('abcdefgh'))",
    "total = 0.0\nfor _ in range(20):\n    total += float(np.linalg.svd(frame.iloc[:2000].to_numpy())[1].sum())",
    "%%experiment NAME\nspread = float(frame.std().mean())\nprint(f'{spread:.4f} {total:.2f}')",
]
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def timed(words: list[str], folder: Path) -> float:
    """Seconds that a command takes; it has to succeed."""
    environment = {
        **os.environ,
        **ONE_CORE,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }

    def run() -> None:
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]

    return seconds(run)


def make(folder: Path, count: int) -> None:
    """A project with ``count`` recorded notebooks."""
    for number in range(count):
        cells = [cell.replace("NAME", f"e{number}") for cell in CELLS]
        (folder / f"n{number}.ipynb").write_text(json.dumps(notebook_json(list(cells))))
        timed(
            ["papermill", "--no-progress-bar", "--engine", "mlgov", f"n{number}.ipynb", "out.ipynb"], folder
        )
    (folder / "out.ipynb").unlink()


@dataclass(frozen=True)
class Row:
    """One line of the page."""

    what: str
    target: str
    measured: str
    met: bool | None


def one_rerun(rounds: int) -> Iterator[Row]:
    """A rerun beside papermill alone."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make(folder, 1)
        plain = (folder / "n0.ipynb").read_text().replace("%%experiment e0\\n", "")
        (folder / "plain.ipynb").write_text(plain)
        bare = ["papermill", "--no-progress-bar", "plain.ipynb", "out.ipynb"]
        rerun = ["jupyter_mlgov.cli", "rerun", "e0"]
        ways = {"papermill": lambda: timed(bare, folder), "mlgov": lambda: timed(rerun, folder)}
        found = medians(in_turns(ways, rounds))
    allowed = 1.05 * found["papermill"] + 0.5
    yield Row(
        "`mlgov rerun` of one notebook, beside bare papermill",
        f"1.05 of it and 0.5 s: {allowed:.2f} s",
        f"{found['mlgov']:.2f} s (papermill {found['papermill']:.2f} s)",
        found["mlgov"] <= allowed,
    )


def many_reruns(count: int) -> Iterator[Row]:
    """A fleet on one core, on two, and nbmake on two; and what a second call costs."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make(folder, count)
        verify = ["jupyter_mlgov.cli", "verify", "--all"]
        one = timed([*verify, "--force", "--jobs", "1"], folder)
        two = timed([*verify, "--force", "--jobs", "2"], folder)
        again = timed([*verify, "--jobs", "2"], folder)
        yield Row(
            f"`mlgov verify` of {count} notebooks with `--jobs 2`", "1.9 times as fast as with one",
            f"{one / two:.2f} times ({one:.1f} s, {two:.1f} s)", one / two >= 1.9,
        )  # fmt: skip
        if importlib.util.find_spec("nbmake") is not None:
            for path in folder.glob("n*.ipynb"):
                cells = [cell.replace("%%experiment NAME\n", "") for cell in CELLS]
                path.write_text(json.dumps(notebook_json(list(cells))))
            nbmake = timed(["pytest", "--nbmake", "-n", "2", "-q", "-p", "no:cacheprovider", "."], folder)
            yield Row(
                f"the same beside `pytest --nbmake -n 2` ({version('nbmake')})", "no slower",
                f"{two:.1f} s (nbmake {nbmake:.1f} s)", two <= nbmake,
            )  # fmt: skip
        yield Row(
            "the same when all of it is already proven",
            "nothing is executed",
            f"{again:.1f} s",
            again < two / 4,
        )


def page(rows: Iterable[Row], rounds: int) -> str:
    """The table as Markdown."""
    lines = [
        "# What a rerun costs", "",
        "Written by `make bench-reruns`. Small notebooks that compute for a moment, one BLAS thread each. A rerun does what papermill",
        "does, and records, compares and writes a verdict besides. Each figure is the time of the whole command; one notebook's is the",
        f"median of {rounds}, in turns.", "",
        f"{machine()}; load {os.getloadavg()[0]:.0f}; {datetime.now(UTC):%Y-%m-%d}.", "",
        "| what | target | measured | |", "|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        lines.append(f"| {row.what} | {row.target} | {row.measured} | {'met' if row.met else '**missed**'} |")
        print(lines[-1], flush=True)
    return "\n".join([*lines, ""])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--notebooks", type=int, default=50)
    parser.add_argument("--write", action="store_true", help="rewrite docs/reference/rerun-cost.md")
    options = parser.parse_args()
    rows = itertools.chain(one_rerun(options.rounds), many_reruns(options.notebooks))
    text = page(rows, options.rounds)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
