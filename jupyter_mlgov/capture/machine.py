"""What the machine and the process are like, where that can change a result: processors, BLAS and threads, locale, time
zone, hash seed.

Nothing is loaded to find out: a library that the notebook has not imported cannot have computed anything.
"""

from __future__ import annotations

import contextlib
import locale
import os
import platform
import re
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from jupyter_mlgov.records.manifest import NumericLibrary


def machine_details() -> dict[str, Any]:
    """Processor, memory and interpreter, and torch's determinism settings where it is loaded."""
    details = dict(_unchanging())
    with contextlib.suppress(AttributeError, OSError):
        details["cpus_usable"] = len(os.sched_getaffinity(0))
    if sys.flags.optimize:
        details["optimize"] = sys.flags.optimize
    torch = sys.modules.get("torch")
    if torch is not None:
        with contextlib.suppress(Exception):
            details |= {
                "torch_threads": torch.get_num_threads(),
                "torch_deterministic": torch.are_deterministic_algorithms_enabled(),
                "torch_cuda": torch.version.cuda,
                "torch_cudnn_benchmark": torch.backends.cudnn.benchmark,
            }
    return details


@lru_cache(maxsize=1)
def _unchanging() -> dict[str, Any]:
    details: dict[str, Any] = {
        "implementation": platform.python_implementation(),
        "compiler": platform.python_compiler(),
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "memory_bytes": _memory(),
        "gpus": _gpus(),
        "byte_order": sys.byteorder,
    }
    with contextlib.suppress(OSError):
        details["libc"] = " ".join(platform.libc_ver()).strip()
    return {name: value for name, value in details.items() if value not in (None, "", [])}


def _cpu_model() -> str:
    with contextlib.suppress(OSError):
        found = re.search(
            r"^(?:model name|Hardware|cpu model)\s*:\s*(.+)$",
            Path("/proc/cpuinfo").read_text("utf-8", "replace"),
            re.MULTILINE,
        )
        if found is not None:
            return found[1].strip()
    return platform.processor()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _gpus() -> list[str]:
    """NVIDIA's models as the driver lists them; no library is loaded for it."""
    models = []
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        with contextlib.suppress(OSError):
            found = re.search(r"^Model:\s*(.+)$", file.read_text("utf-8", "replace"), re.MULTILINE)
            if found is not None:
                models.append(found[1].strip())
    return models


def numeric_libraries() -> tuple[NumericLibrary, ...]:
    """The BLAS and OpenMP libraries that are loaded, with their threads: they decide the last digits of a sum.

    Nothing is known where threadpoolctl is absent: in a rebuilt environment, which borrows the recorder only.
    """
    if "numpy" not in sys.modules and "torch" not in sys.modules:
        return ()
    try:
        loaded = _numeric_libraries_loaded(frozenset(sys.modules))
    except ImportError:
        return ()
    found = {
        NumericLibrary(
            library=os.path.basename(str(one.get("filepath") or "")),  # noqa: PTH119
            kind=str(one.get("internal_api") or ""),
            version=one.get("version") or "",
            threads=one.get("num_threads"),
            architecture=one.get("architecture") or "",
            layer=one.get("threading_layer") or "",
        )
        for one in loaded.info()
    }
    return tuple(sorted(found, key=lambda one: (one.kind, one.library)))


@lru_cache(maxsize=1)
def _numeric_libraries_loaded(modules: frozenset[str]) -> Any:
    """threadpoolctl's hold on them, found anew when something was imported. Raises ``ImportError``."""
    every: Any = _import_threadpoolctl().ThreadpoolController

    class ByName(every):  # type: ignore[misc]
        """Looks only at libraries that may be one by their name: to resolve the paths of hundreds takes longer than all
        the rest. Should the method go away, it is the controller as it is."""

        def _make_controller_from_path(self, filepath: str, *more: Any) -> None:
            if _NUMERIC.search(os.path.basename(filepath)):  # noqa: PTH119
                super()._make_controller_from_path(filepath, *more)

    return ByName()


_NUMERIC = re.compile("blas|lapack|mkl|blis|omp", re.IGNORECASE)


def _import_threadpoolctl() -> Any:
    """threadpoolctl, without the environment variable that it sets: the user's code would find it."""
    loaded = "threadpoolctl" in sys.modules
    before = os.environ.get(_SET_BY_THREADPOOLCTL)
    import threadpoolctl

    if before is None and not loaded:
        os.environ.pop(_SET_BY_THREADPOOLCTL, None)
    return threadpoolctl


_SET_BY_THREADPOOLCTL = "KMP_DUPLICATE_LIB_OK"


def locale_settings() -> dict[str, str]:
    """The categories that change how text is sorted, parsed and printed, and the encoding of files."""
    settings = {}
    for name in ("LC_CTYPE", "LC_COLLATE", "LC_NUMERIC", "LC_TIME"):
        with contextlib.suppress(AttributeError, locale.Error):
            settings[name] = locale.setlocale(getattr(locale, name))
    settings["encoding"] = locale.getpreferredencoding(False)
    return settings


def timezone_name() -> str:
    """The zone that local time is in: ``TZ``, else the system's (``Europe/Berlin``), else its abbreviation."""
    named = os.environ.get("TZ")
    if named:
        return named.removeprefix(":")
    with contextlib.suppress(OSError, ValueError):
        place = os.path.realpath("/etc/localtime")
        if "/zoneinfo/" in place:
            return place.partition("/zoneinfo/")[2]
    return time.tzname[0]


def hash_seed() -> str:
    """``PYTHONHASHSEED`` as this process took it: ``random``, ``0`` or a number. The order of sets depends on it."""
    if not sys.flags.hash_randomization:
        return "0"
    return os.environ.get("PYTHONHASHSEED") or "random"
