"""What asking git costs in a repository with many files: ``python -m tests.benchmarks.repository_cost``.

``started`` is what a snapshot waits for before it goes on with the rest; ``answered`` is when git's answer is there,
which it works on meanwhile. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

from jupyter_mlgov.capture.code import CodeRecorder
from jupyter_mlgov.capture.repository import import_git
from jupyter_mlgov.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=100_000)
    files = parser.parse_args().files
    import_git()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        for number in range(files):
            if number % 500 == 0:
                inner = folder / f"d{number // 500}"
                inner.mkdir(parents=True)
            os.close(os.open(inner / f"f{number}", os.O_CREAT | os.O_WRONLY))
        for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm many"):
            subprocess.run(["git", *command.split()], cwd=folder, check=True)
        store, recorder = Store.create(Path(name) / "store"), CodeRecorder()
        for _ in range(5):
            start = time.perf_counter()
            asked = recorder.ask(folder, folder)
            started = time.perf_counter() - start
            recorder.record(asked, folder, store)
            print(
                f"{files} files: started {1000 * started:6.1f} ms, answered {1000 * (time.perf_counter() - start):7.1f} ms"
            )


if __name__ == "__main__":
    main()
