"""The one façade that every door calls: magics, widgets, command line, server and the papermill engine.

Every read verb returns the same records whichever door asks; the doors turn them into JSON or pictures.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.errors import NotFound, UsageError

if TYPE_CHECKING:
    from jupyter_mlgov.records.verdict import Comparison, GateDecision, Problem
    from jupyter_mlgov.rerun.progress import Progress
    from jupyter_mlgov.store import Store

FOLDER = ".mlgov"


def find_root(path: Path) -> Path | None:
    """The nearest folder at or above ``path`` that holds a project, or None."""
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents):
        if (folder / FOLDER).exists():
            return folder
    return None


def default_root(path: Path) -> Path:
    """Where a new project belongs: the git root at or above ``path``, else the folder of ``path``."""
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return start
