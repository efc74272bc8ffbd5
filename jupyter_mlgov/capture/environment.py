"""Python, the installed packages, the machine, and the environment variables that can change a result."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from jupyter_mlgov.capture.listed_before import Installed
from jupyter_mlgov.capture.machine import (
    hash_seed,
    locale_settings,
    machine_details,
    numeric_libraries,
    timezone_name,
)
from jupyter_mlgov.capture.packages import changed_at, local_folder, process_lister, take_inventory
from jupyter_mlgov.capture.secrets import Secrets, is_secret_variable
from jupyter_mlgov.records.inventory import Inventory, Origin
from jupyter_mlgov.records.manifest import Caution, Environment
from jupyter_mlgov.records.secrets import REDACTED

RECORDED_VARIABLES = frozenset({
    "CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES", "LANG", "LANGUAGE", "MKL_CBWR", "NPY_DISABLE_CPU_FEATURES",
    "NVIDIA_TF32_OVERRIDE", "POLARS_MAX_THREADS", "PYTHONHASHSEED", "PYTHONIOENCODING", "PYTHONOPTIMIZE", "PYTHONPATH",
    "PYTHONUTF8", "SOURCE_DATE_EPOCH", "TF_CUDNN_DETERMINISTIC", "TF_DETERMINISTIC_OPS", "TF_ENABLE_ONEDNN_OPTS",
    "TOKENIZERS_PARALLELISM", "TZ", "XLA_FLAGS",
})  # fmt: skip
"""Recorded where they are set; others only when the code names them."""

_RECORDED_FAMILIES = (
    "LC_",
    "OMP_",
    "OPENBLAS_",
    "MKL_",
    "BLIS_",
    "VECLIB_",
    "NUMEXPR_",
    "NUMBA_",
    "KMP_",
    "GOMP_",
)


class EnvironmentRecorder:
    """Records the environment; lists the packages again only when an installation folder has changed."""

    def __init__(self, secrets: Secrets | None = None) -> None:
        self._secrets = secrets or Secrets()
        self._lister = process_lister()
        self._listed: dict[str, Installed] = {}
        self._versions: dict[str, str] = {}
        self._providers: dict[str, str] = {}
        self._in_use: dict[str, str] = {}
        self._taken: tuple[dict[str, Installed], object, Inventory] | None = None

    def record(self, named: Iterable[str] = ()) -> tuple[Environment, list[Caution]]:
        """The environment now. ``named`` are the variables that the code names."""
        listed = self.list_packages()
        loaded = {name.partition(".")[0] for name in list(sys.modules)}
        imported = {self._providers[name] for name in loaded if name in self._providers}
        cautions = []
        for name in sorted(imported):
            version = listed[name].distribution.version
            before = self._in_use.setdefault(name, version)
            if version != before:
                cautions.append(
                    Caution(
                        code="environment.stale-package",
                        message=f"the {name} that ran: {before} was imported before {version} was installed "
                        "(restart the kernel)",
                    )
                )
        return Environment(
            python=platform.python_version(),
            platform=platform.platform(),
            packages=self._versions,
            imported=tuple(sorted(imported, key=str.lower)),
            variables=self.variables(named),
            numeric=numeric_libraries(),
            locale=locale_settings(),
            timezone=timezone_name(),
            hash_seed=hash_seed(),
            details=machine_details(),
        ), cautions

    def inventory(self, checkout: Callable[[Origin, Path], Origin]) -> Inventory:
        """Every installed distribution. ``checkout`` adds what git says to an editable one's origin."""
        listed = self.list_packages()
        origins = {
            name: checkout(origin, folder)
            for name, one in listed.items()
            if (origin := one.distribution.origin) is not None
            and origin.kind == "editable"
            and (folder := local_folder(origin)) is not None
        }
        key = origins, changed_at(os.path.join(sys.prefix, "conda-meta"))  # noqa: PTH118
        if self._taken is None or self._taken[0] is not listed or self._taken[1] != key:
            self._taken = listed, key, take_inventory(listed.values(), origins)
        return self._taken[2]

    def checkouts(self) -> list[Path]:
        """The folders of editable installations."""
        origins = (one.distribution.origin for one in self.list_packages().values())
        folders = (local_folder(one) for one in origins if one is not None and one.kind == "editable")
        return [folder for folder in folders if folder is not None and folder.is_dir()]

    def variables(self, named: Iterable[str]) -> dict[str, str | None]:
        """The variables that matter with their values; None for one that the code names and that is not set."""
        values: dict[str, str | None] = {
            name: value
            for name, value in os.environ.items()
            if name in RECORDED_VARIABLES or name.startswith(_RECORDED_FAMILIES)
        }
        values |= {name: os.environ.get(name) for name in named}
        return {
            name: value
            if value is None
            else REDACTED
            if is_secret_variable(name)
            else self._secrets.redact(value)
            for name, value in sorted(values.items())
        }

    def list_packages(self) -> dict[str, Installed]:
        """What is installed, by name."""
        listed = self._lister.list()
        if listed is not self._listed:
            self._listed = listed
            self._versions = {name: one.distribution.version for name, one in listed.items()}
            self._providers = {
                module: name for name, one in reversed(listed.items()) for module in one.modules
            }
        return listed
