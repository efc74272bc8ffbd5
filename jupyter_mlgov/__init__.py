"""ML governance and MLOps from the notebook.

``%load_ext jupyter_mlgov`` in a notebook, ``%%experiment NAME`` on top of the cell that trains the model, and
everything that its result depended on is recorded in the project's ``.mlgov`` folder.

Importing this package loads nothing heavy: every name below imports what it needs when it is used.
"""

from __future__ import annotations

from typing import Any


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where JupyterLab finds the built front end (relative to this package) and what it is called."""
    return [{"src": "labextension", "dest": "jupyter-mlgov"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Which module Jupyter Server loads."""
    return [{"module": "jupyter_mlgov.server"}]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("jupyter-mlgov")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
