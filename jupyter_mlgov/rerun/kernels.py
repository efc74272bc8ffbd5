"""Which kernel runs a notebook, and a kernel that comes up while the rest of a run is made ready."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from jupyter_mlgov.errors import Blocked

DEFAULT_KERNEL = "python3"


class NoKernel(Blocked):
    """The notebook's kernel is not here, or does not start."""


def kernel_of(document: bytes) -> str:
    """The kernel that the notebook names, or the plain Python one for a Python notebook whose own is not here.

    Raises ``NoKernel`` for another language's kernel that is not installed.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    spec = json.loads(document).get("metadata", {}).get("kernelspec")
    spec = spec if isinstance(spec, dict) else {}
    name, language = spec.get("name"), str(spec.get("language") or "python").lower()
    if isinstance(name, str) and name in KernelSpecManager().find_kernel_specs():
        return name
    if language != "python":
        raise NoKernel(f"the kernel {name!r} ({language}) is not installed: install it, then rerun")
    return DEFAULT_KERNEL


def kernel_program(document: bytes) -> str | None:
    """The interpreter that the notebook's kernel runs in; None where it is this process's own."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        argv = KernelSpecManager().get_kernel_spec(kernel_of(document)).argv
    except NoSuchKernel:
        return None
    return str(argv[0]) if argv and Path(argv[0]).is_absolute() else None


def manager_of(name: str, python: str | None = None) -> Any:
    """jupyter_client's manager of a kernel that is not started yet: the one called ``name``, or IPython's in the
    interpreter ``python``."""
    from jupyter_client.manager import AsyncKernelManager

    own = {"kernel_spec_manager": _only(python)} if python is not None else {}
    made = AsyncKernelManager(kernel_name=name, **own)
    made.client_class = "jupyter_client.asynchronous.AsyncKernelClient"
    return made


def _only(python: str) -> Any:
    """A manager of kernel specifications that knows one: IPython's kernel in the interpreter ``python``."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class OneKernel(KernelSpecManager):  # type: ignore[misc]
        def get_kernel_spec(self, kernel_name: str) -> Any:
            argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, display_name=kernel_name, language="python")

    return OneKernel()


class Starting:
    """A kernel's process, started; papermill takes about as long to be imported as the kernel to come up.

    ``manager`` is what nbclient takes as ``km``. ``close`` ends a kernel that nobody took over.
    """

    def __init__(self, name: str, python: str | None, options: dict[str, Any]) -> None:
        from jupyter_core.utils import run_sync

        self.name = name
        self.manager = manager_of(name, python)
        history = ["--HistoryManager.hist_file=:memory:"] if self.manager.ipykernel else []
        run_sync(self.manager.start_kernel)(extra_arguments=history, **options)

    @property
    def process(self) -> int:
        """The kernel's process id."""
        return int(self.manager.provisioner.pid)

    def close(self) -> None:
        """Ends it, where that has not been done."""
        from jupyter_core.utils import run_sync

        with contextlib.suppress(Exception):  # its process is killed by its mark besides
            if self.manager.has_kernel:
                run_sync(self.manager.shutdown_kernel)(now=True)
            run_sync(self.manager.cleanup_resources)()
