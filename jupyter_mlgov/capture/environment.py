"""Python, the installed packages, and the environment variables that can change a result."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterable

from jupyter_mlgov.capture.secrets import REDACTED, redact
from jupyter_mlgov.records.manifest import Environment

RECORDED_VARIABLES = ("TZ", "LANG", "LC_ALL", "PYTHONHASHSEED", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                      "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES")  # fmt: skip
"""Always recorded where they are set; others only when the code names them."""

SECRET = re.compile(r"(?i)(key|token|secret|passw|pwd|credential|auth|cookie|dsn)")
"""A variable with such a name is recorded as set, without its value."""


class EnvironmentRecorder:
    """Records the environment; lists the packages again only when an installation folder has changed."""

    def __init__(self) -> None:
        self._key: tuple[tuple[str, int], ...] | None = None
        self._packages: dict[str, str] = {}
        self._providers: dict[str, str] = {}

    def record(self, named: Iterable[str] = ()) -> Environment:
        """The environment now. ``named`` are the variables that the code names."""
        self._list_packages()
        loaded = {name.partition(".")[0] for name in list(sys.modules)}
        imported = {self._providers[name] for name in loaded if name in self._providers}
        return Environment(
            python=platform.python_version(),
            platform=platform.platform(),
            packages=dict(self._packages),
            imported=tuple(sorted(imported, key=str.lower)),
            variables=recorded_variables(named),
            details={
                "implementation": platform.python_implementation(),
                "machine": platform.machine(),
                "cpus": os.cpu_count(),
            },
        )

    def _list_packages(self) -> None:
        key = tuple((entry, _changed_at(entry)) for entry in sys.path if entry)
        if key == self._key:
            return
        packages: dict[str, str] = {}
        providers: dict[str, str] = {}
        for distribution in importlib.metadata.distributions():
            metadata = distribution.metadata
            name = metadata["Name"] if metadata is not None else None
            if not name or name in packages:
                continue  # the first on sys.path is the one that is imported
            packages[name] = distribution.version or ""
            for module in _top_level(distribution, name):
                providers.setdefault(module, name)
        self._packages = dict(sorted(packages.items(), key=lambda item: item[0].lower()))
        self._providers, self._key = providers, key


def _top_level(distribution: importlib.metadata.Distribution, name: str) -> set[str]:
    """The names that one imports a distribution by."""
    text = distribution.read_text("top_level.txt")
    if text:
        return set(text.split())
    record = distribution.read_text("RECORD") or ""
    found: set[str] = set()
    for line in record.splitlines():
        path = line.partition(",")[0]
        head, slash, _ = path.partition("/")
        if slash and not head.endswith((".dist-info", ".data")) and head not in ("..", "__pycache__"):
            found.add(head)
        elif not slash and head.endswith(".py"):
            found.add(head[:-3])
        elif not slash and head.endswith(".so"):
            found.add(head.partition(".")[0])
    return found or {name.replace("-", "_").lower()}


def _changed_at(entry: str) -> int:
    try:
        return os.stat(entry).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0


def recorded_variables(named: Iterable[str]) -> dict[str, str | None]:
    """The variables that matter with their values; None for one that the code names and that is not set."""
    values: dict[str, str | None] = {
        name: os.environ[name] for name in RECORDED_VARIABLES if name in os.environ
    }
    for name in named:
        value = os.environ.get(name)
        values[name] = None if value is None else REDACTED if SECRET.search(name) else redact(value)
    return dict(sorted(values.items()))
