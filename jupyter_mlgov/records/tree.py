"""The files of a commit, each named by its digest: an object of its own."""

from __future__ import annotations

from msgspec import Struct


class TreeFile(Struct, frozen=True, kw_only=True):
    """One file; ``path`` counts from the repository's top, with ``/``."""

    path: str
    digest: str
    executable: bool = False


class LeftOut(Struct, frozen=True, kw_only=True):
    """A file that is not in the tree, and why."""

    path: str
    bytes: int
    why: str


class Tree(Struct, frozen=True, kw_only=True):
    """``project`` is where the project lies in the repository: empty for its top."""

    commit: str
    project: str
    files: tuple[TreeFile, ...]
    left_out: tuple[LeftOut, ...] = ()
