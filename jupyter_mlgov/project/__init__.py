"""The one façade that every door calls: magics, widgets, command line, server and the papermill engine.

Every verb gives the same records whichever door asks; the doors turn them into JSON or pictures. A project is the
folder that holds ``.mlgov``, found by walking up from a notebook as git does. Its methods stand in a module for each
stage of a model's life, each of which rests on those before: reading, keeping, rerunning, governing, operating.
"""

from __future__ import annotations

from jupyter_mlgov.project.opened import FOLDER, default_root, find_root
from jupyter_mlgov.project.operating import Operating

__all__ = ["FOLDER", "Project", "default_root", "find_root"]


class Project(Operating):
    """A folder with its snapshots. Make one with ``Project.open``."""
