"""What capture costs, as ratios in one run: ``make bench``, or ``python -m tests.benchmarks [NAME]...``.

Runs the benchmarks (all, or those named), prints the cost table, and rewrites ``docs/reference/cost.md`` and its
pictures; rows of benchmarks that were not run stay as they are. ``--quick`` measures something smaller, to see that
it works, and writes nothing.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import datetime as dt
import importlib
import os
import platform
import sys
import time
from pathlib import Path

import msgspec

import jupyter_mlgov
from tests.benchmarks import page
from tests.benchmarks.measuring import Figure, undisturbed

NAMES = [
    "load_extension", "plain_cell", "trivial_experiment", "training_experiment", "file_digest", "frame_digest",
    "same_again", "store_growth", "ordinary_notebooks", "many_snapshots",
]  # fmt: skip


def machine() -> str:
    """Processor, cores, memory, system and Python."""
    model = platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(
            (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model
        )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{os.cpu_count()} processors ({model}), {memory:.0f} GB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}: choose from {', '.join(NAMES)}")
    undisturbed()
    # As an installation has it: pip compiles what it installs, a checkout may be used with PYTHONDONTWRITEBYTECODE.
    compileall.compile_dir(Path(jupyter_mlgov.__file__).parent, quiet=1)
    print(machine(), file=sys.stderr)
    kept = page.load()
    figures: list[Figure] = []
    failed = 0
    for name in options.names or NAMES:
        start, load = time.monotonic(), os.getloadavg()[0]
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            figure = importlib.import_module(f"tests.benchmarks.{name}").measure(quick=options.quick)
        except Exception as error:
            failed += 1
            print(f"  failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            continue
        print(f"  {figure.measured} [{time.monotonic() - start:.0f} s]", file=sys.stderr, flush=True)
        figures.append(figure)
        kept[name] = {
            "figure": msgspec.to_builtins(figure),
            "machine": machine(),
            "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
            "load": f"{load:.0f}",
        }
        if not options.quick:
            page.save(kept, NAMES)
    print("\n".join(page.table(figures)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
