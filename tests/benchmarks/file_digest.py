"""The digest of a 1 GB file that is seen for the first time, against BLAKE3 with every thread over the same mapped
file, which is the fastest that the hash can be; ``dvc add`` beside it. The file is in the page cache for all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from blake3 import blake3

from jupyter_mlgov.hashing.files import hash_file
from tests.benchmarks.measuring import PEERS, Figure, in_turns, medians, seconds

LIMIT = 0.8
BYTES = 1_000_000_000


def raw(path: Path) -> None:
    blake3(max_threads=blake3.AUTO).update_mmap(path).digest()


def measure(*, quick: bool) -> Figure:
    size = BYTES // 10 if quick else BYTES
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.bin"
        block = os.urandom(1 << 20)
        with path.open("wb") as file:
            for number in range(0, size, len(block)):
                file.write(number.to_bytes(8, "little") + block[8:])
        assert hash_file(path).digest == "blake3:" + blake3().update_mmap(path).hexdigest()
        ways = {
            "mlgov": lambda: seconds(lambda: hash_file(path)),
            "BLAKE3, mapped, every thread": lambda: seconds(lambda: raw(path)),
        }
        found = medians(in_turns(ways, 5 if quick else 9))
        dvc = add_with_dvc(Path(folder), path)
    share = found["BLAKE3, mapped, every thread"] / found["mlgov"]
    bars = [(name, size / taken / 1e9) for name, taken in found.items()]
    if dvc:
        bars.append(("dvc add", size / dvc / 1e9))
    return Figure(
        "file digest, 1 GB, cold snapshot", "0.8 of raw multi-threaded BLAKE3",
        f"{share:.2f} of it ({size / found['mlgov'] / 1e9:.1f} GB/s)", LIMIT / share,
        f"`dvc add` {dvc / found['mlgov']:.0f} times as long" if dvc else "", tuple(bars), "GB/s",
    )  # fmt: skip


def add_with_dvc(folder: Path, path: Path) -> float | None:
    """Seconds that ``dvc add`` takes in a fresh repository, without starting Python (a small file's time)."""
    dvc = PEERS / "dvc"
    if not dvc.exists():
        return None
    place = folder / "dvc"
    place.mkdir()
    shutil.move(path, place / "data.bin")
    (place / "small.bin").write_bytes(b"x")

    def run(*words: str) -> None:
        subprocess.run([str(dvc), *words], cwd=place, check=True, capture_output=True)

    run("init", "--no-scm", "-q")
    run("config", "core.analytics", "false")
    starting = seconds(lambda: run("add", "-q", "small.bin"))
    return max(0.0, seconds(lambda: run("add", "-q", "data.bin")) - starting)
