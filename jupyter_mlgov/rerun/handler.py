"""papermill's I/O handler for ``mlgov://REF``: the recorded notebook, wherever papermill takes an input path.

The project is the one that the working directory lies in, else the one that ``MLGOV_PROJECT`` names. Reading is all
there is: a snapshot never changes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.rerun.default_engine import SCHEME, execute_by_input

PROJECT = "MLGOV_PROJECT"
"""The variable that names a project's folder, for a scheduler that works elsewhere."""


class MlgovHandler:
    """``read`` gives a snapshot's notebook; writing is refused."""

    @classmethod
    def read(cls, path: str) -> str:
        """The ``.ipynb`` that ``mlgov://REF`` recorded, as text. Raises ``MlgovError``."""
        from jupyter_mlgov.store import Store

        execute_by_input()
        ref = path.removeprefix(SCHEME)
        start = Path.cwd()
        told = os.environ.get(PROJECT)
        places = (start, *start.parents, *([Path(told)] if told else []))
        folder = next((one / ".mlgov" for one in places if (one / ".mlgov").is_dir()), None)
        if folder is None:
            raise NotFound(
                f"{path}: no project at or above {start}: go to a project's folder, or name it with {PROJECT}"
            )
        store = Store.open(folder)
        return store.get(store.manifest(store.resolve(ref)).notebook.document).decode("utf-8")

    @classmethod
    def listdir(cls, path: str) -> NoReturn:
        raise UsageError(f"{path}: snapshots are listed with `mlgov log`")

    @classmethod
    def write(cls, buf: str, path: str) -> NoReturn:
        raise UsageError(f"{path}: a snapshot is never written to; give papermill a file as its output")

    @classmethod
    def pretty_path(cls, path: str) -> str:
        return path
