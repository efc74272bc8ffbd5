"""A project as a folder with a store: where it lies, and what a REF means in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Self

from jupyter_mlgov.errors import NotFound, NotWritable

if TYPE_CHECKING:
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


class Opened:
    """A folder with its snapshots."""

    def __init__(self, root: Path, store: Store) -> None:
        self.root = root
        self.store = store

    @classmethod
    def open(cls, path: str | Path = ".", *, create: bool = False) -> Self:
        """The project that ``path`` (a folder, a notebook) lies in; with ``create``, made where there is none.

        Raises ``NotFound`` where there is none, ``StoreError`` where its store cannot be used.
        """
        from jupyter_mlgov.store import Store

        start = Path(path).absolute()
        root = find_root(start)
        if root is None:
            if not create:
                raise NotFound(
                    f"no project at or above {start}: run a cell with %%experiment there, or go to a project's folder"
                )
            root = default_root(start)
            if not root.is_dir():
                raise NotWritable(f"{root} is not a folder: a project cannot be made there")
        if create:
            return cls(root, Store.create(root / FOLDER))
        return cls(root, Store.open(root / FOLDER))

    def resolve(self, ref: str) -> str:
        """The id that a REF means. Raises ``NotFound`` and ``UsageError``."""
        return self.store.resolve(ref)

    def reference(self, snapshot: str) -> str:
        """``NAME@N`` for an id; a candidate's first 12 digits."""
        number = self.store.number(snapshot)
        return f"{self.store.manifest(snapshot).experiment}@{number}" if number is not None else snapshot[:12]

    def file_name(self, snapshot: str, suffix: str) -> str:
        """``NAME-N`` with ``suffix``: what a file about a snapshot is called where nobody says. A name that somebody else
        gave the experiment leads nowhere: ``_`` stands for what an experiment's name cannot hold."""
        stem = re.sub(r"[^\w.-]", "_", self.reference(snapshot).replace("@", "-"))
        return f"{stem.lstrip('._-')[:200]}{suffix}"

    def _notebook_uri(self, notebook: str) -> str:
        path = Path(notebook)
        for candidate in (path.absolute(), self.root / path):
            if candidate.is_relative_to(self.root) and candidate.exists():
                return candidate.relative_to(self.root).as_posix()
        return notebook
