"""ML governance and MLOps from the notebook.

``%load_ext jupyter_mlgov`` in a notebook, ``%%experiment NAME`` on top of the cell that trains the model, and
everything that its result depended on is recorded in the project's ``.mlgov`` folder.

Importing this package loads nothing heavy: every name below imports what it needs when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mlgov.capture.logged import declare_input as input  # noqa: A004
    from jupyter_mlgov.capture.logged import log_metric, log_param
    from jupyter_mlgov.errors import MlgovError
    from jupyter_mlgov.project import Project

    decide: Any  # doors, which no other door may know: see _LAZY
    explore: Any
    risk_form: Any
    watch_rerun: Any


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where JupyterLab finds the built front end (relative to this package) and what it is called."""
    return [{"src": "labextension", "dest": "jupyter-mlgov"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Which application Jupyter Server loads."""
    from jupyter_mlgov.server.extension import MlgovExtension

    return [{"module": "jupyter_mlgov.server.extension", "app": MlgovExtension}]


def _kernel() -> Any:
    """The notebook's door, imported only in a kernel: no other door may know it."""
    from importlib import import_module

    return import_module("jupyter_mlgov.magics.kernel")


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext jupyter_mlgov``: from here on the session is recorded. Prints nothing."""
    _kernel().load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext jupyter_mlgov``: stops recording."""
    _kernel().unload(shell)


def open(path: str | Path = ".") -> Project:  # noqa: A001 - a public name: ``mlgov.open()``
    """The project that ``path`` lies in, with the verbs of the command line as methods."""
    from jupyter_mlgov.project import Project

    return Project.open(path)


_LAZY = {
    "log_metric": ("jupyter_mlgov.capture.logged", "log_metric"),
    "log_param": ("jupyter_mlgov.capture.logged", "log_param"),
    "input": ("jupyter_mlgov.capture.logged", "declare_input"),
    "decide": ("jupyter_mlgov.widgets.decide", "decide"),
    "explore": ("jupyter_mlgov.widgets.explore", "explore"),
    "risk_form": ("jupyter_mlgov.widgets.risk", "risk_form"),
    "watch_rerun": ("jupyter_mlgov.widgets.watch", "watch_rerun"),
    "Project": ("jupyter_mlgov.project", "Project"),
    "MlgovError": ("jupyter_mlgov.errors", "MlgovError"),
}

__all__ = [
    "MlgovError",
    "Project",
    "decide",
    "explore",
    "input",
    "log_metric",
    "log_param",
    "open",
    "risk_form",
    "watch_rerun",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        module, attribute = _LAZY[name]
        return getattr(import_module(module), attribute)
    if name == "__version__":
        from importlib.metadata import version

        return version("jupyter-mlgov")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
