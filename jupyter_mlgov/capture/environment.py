"""Python, the installed packages, and the environment variables that can change a result."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable

from jupyter_mlgov.capture.packages import Installed, PackageLister, take_inventory
from jupyter_mlgov.capture.secrets import REDACTED, redact
from jupyter_mlgov.records.inventory import Inventory
from jupyter_mlgov.records.manifest import Environment

RECORDED_VARIABLES = ("TZ", "LANG", "LC_ALL", "PYTHONHASHSEED", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS",
                      "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES")  # fmt: skip
"""Always recorded where they are set; others only when the code names them."""

SECRET = re.compile(r"(?i)(key|token|secret|passw|pwd|credential|auth|cookie|dsn)")
"""A variable with such a name is recorded as set, without its value."""


class EnvironmentRecorder:
    """Records the environment; lists the packages again only when an installation folder has changed."""

    def __init__(self) -> None:
        self._lister = PackageLister()
        self._listed: dict[str, Installed] = {}
        self._providers: dict[str, str] = {}

    def record(self, named: Iterable[str] = ()) -> Environment:
        """The environment now. ``named`` are the variables that the code names."""
        listed = self._list()
        loaded = {name.partition(".")[0] for name in list(sys.modules)}
        imported = {self._providers[name] for name in loaded if name in self._providers}
        return Environment(
            python=platform.python_version(),
            platform=platform.platform(),
            packages={name: one.distribution.version for name, one in listed.items()},
            imported=tuple(sorted(imported, key=str.lower)),
            variables=recorded_variables(named),
            details={
                "implementation": platform.python_implementation(),
                "machine": platform.machine(),
                "cpus": os.cpu_count(),
            },
        )

    def inventory(self) -> Inventory:
        """Every installed distribution, exactly enough to install it again."""
        return take_inventory(self._list().values())

    def _list(self) -> dict[str, Installed]:
        listed = self._lister.list()
        if listed is not self._listed:
            self._listed = listed
            self._providers = {
                module: name for name, one in reversed(listed.items()) for module in one.modules
            }
        return listed


def recorded_variables(named: Iterable[str]) -> dict[str, str | None]:
    """The variables that matter with their values; None for one that the code names and that is not set."""
    values: dict[str, str | None] = {
        name: os.environ[name] for name in RECORDED_VARIABLES if name in os.environ
    }
    for name in named:
        value = os.environ.get(name)
        values[name] = None if value is None else REDACTED if SECRET.search(name) else redact(value)
    return dict(sorted(values.items()))
