"""How a benchmark measures: ratios of things that are done in turns in one run, so that a slow moment of the machine
meets all of them; medians, not means.

A *peer* (MLflow, DVC) lives in an environment of its own, ``.venv-bench``, which ``make bench`` makes: never in the
product's. Where it is absent its column stays empty.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kernel import Kernel

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-bench" / "bin"


@dataclass(frozen=True)
class Figure:
    """One row of the cost table. ``used`` is how much of the target was used up: 1 or less meets it. ``bars`` are
    what was compared, each a name and a value in ``unit``."""

    what: str
    target: str
    measured: str
    used: float
    beside: str = ""
    bars: tuple[tuple[str, float], ...] = ()
    unit: str = ""
    note: str = ""

    @property
    def met(self) -> bool:
        return self.used <= 1


def seconds(action: Callable[[], Any]) -> float:
    """How long ``action`` takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turns(actions: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each action gives (seconds, say), one after the other in every round."""
    found: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(rounds):
        # In the other order every second time: who comes first finds another machine.
        for name in list(actions) if turn % 2 else reversed(list(actions)):
            found[name].append(actions[name]())
    return found


def medians(found: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in found.items()}


def percentile(values: Iterable[float], share: float) -> float:
    """The value that ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def peer(code: str, *words: str | Path, folder: Path, timeout: float = 900) -> Any:
    """Runs Python code beside the peers and gives what it prints last, as JSON; None without the peers."""
    python = PEERS / "python"
    if not python.exists():
        return None
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-W", "ignore", "-c", textwrap.dedent(code), *map(str, words)],
        cwd=folder, env=env, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.strip().splitlines()[-1])


def undisturbed(process: int | None = None) -> None:
    """Raises a process's priority (this one's) over whatever else the machine is doing, where that is allowed."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process or 0, -15)
    with contextlib.suppress(OSError):  # sessions share the processors among them, each kernel being one
        Path(f"/proc/{process or 'self'}/autogroup").write_text("-15", encoding="ascii")


@contextlib.contextmanager
def kernel(folder: Path, **options: Any) -> Iterator[Kernel]:
    """A kernel that is disturbed as little as can be, and stopped."""
    one = Kernel(folder, **options)
    undisturbed(one.manager.provisioner.pid)  # type: ignore[union-attr]
    try:
        yield one
    finally:
        one.stop()


def tree_bytes(folder: Path) -> int:
    """The sizes of all files below ``folder``, added up."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
