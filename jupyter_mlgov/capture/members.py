"""Files that are one input: a folder, a pattern, a partitioned data set.

A reader that was given a folder or a pattern takes all of it. Code that lists a folder and then reads its files one
by one means the folder too, unless it names the files itself: a cell with ``"data/train.csv"`` in it reads a file,
not a folder.
"""

from __future__ import annotations

import fnmatch
import os
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

from jupyter_mlgov.capture.literals import fixed_part, is_named
from jupyter_mlgov.capture.reads import Asked, Reads

STORES = (".zarr", ".n5", ".tiledb", ".lance")
"""Ends of the names of folders that hold one array or table."""
BESIDE = {
    ".shp": (".shx", ".dbf", ".prj", ".qpj", ".cpg", ".cst", ".sbn", ".sbx", ".qix", ".fbn", ".fbx", ".ain", ".aih", ".atx",
             ".ixs", ".mxs", ".shp.xml"),
    ".tab": (".dat", ".map", ".id", ".ind"),
    ".mif": (".mid",),
    ".tif": (".tfw", ".tif.aux.xml", ".tif.ovr", ".tif.msk"),
    ".tiff": (".tfw", ".tiff.aux.xml", ".tiff.ovr", ".tiff.msk"),
}  # fmt: skip
"""The end of the name by which people call a data set in several files -> the ends that the rest of it has."""
_NEVER_ALONE = (".shp",)
"""Of these, what is nothing without the rest: it belongs to the data set whether or not it was seen being read."""
MOST = 100_000
"""Files of one input past which the rest is not looked at."""
_HIDDEN = (".", "~")


class FileSet(Struct):
    """One input of several files. ``path`` is the folder or the pattern, ``base`` what member paths count from."""

    path: str
    base: str
    cell_run: int
    whole: bool
    """True where a reader took all of it, so that files that nobody saw being opened belong to it too."""
    files: dict[str, None] = field(default_factory=dict)
    pattern: bool = False
    beside: bool = False
    """True where ``path`` is itself a file, and the others lie beside it."""


def find_sets(reads: Reads, paths: Iterable[str], named: set[str], outside: Iterable[Path]) -> list[FileSet]:
    """The sets among ``paths`` that were read. ``named`` are the files that the code names itself;
    a folder that is or contains one of ``outside`` (the project, the home folder) is never one input."""
    left = sorted(paths)
    sets: list[FileSet] = []
    for one in _stores(left):
        _fill(one, left, whole=True, named=set())
        sets.append(one)
    barred = {str(path) for path in outside}
    asked = sorted(
        (one for one in reads.asked.values() if one.by_reader or one.pattern or one.path not in barred),
        key=lambda one: (not one.by_reader, not one.pattern, one.path.count(os.sep), one.path),
    )
    known = {one.path for one in sets}
    folders = set(known)
    for request in asked:
        if request.path in known or _lies_in(request.path, folders):
            continue
        one = _set_of(request)
        try:
            _fill(one, left, whole=one.whole, named=named)
        except (OSError, ValueError, re.error) as error:
            reads.lost[one.path] = f"which files belong to {one.path} could not be told ({error})"
            continue
        if len(one.files) > 1 or (one.whole and one.files):
            sets.append(one)
            known.add(one.path)
            if not one.pattern:
                folders.add(one.path)
    _join(left, sets)
    return sets


def _lies_in(path: str, folders: set[str]) -> bool:
    while (above := os.path.dirname(path)) != path:
        if above in folders:
            return True
        path = above
    return False


def _join(left: list[str], sets: list[FileSet]) -> None:
    """Takes what lies beside the main file of a data set out of ``left``: to the set that has it, or a set of its own."""
    mains = tuple(BESIDE)
    homes = {path: one for one in sets for path in one.files if path.lower().endswith(mains)}
    near, listed = _ByStem(left), _Listed()
    taken: set[str] = set()
    more: dict[int, set[str]] = {}
    for path in [*homes, *(path for path in left if path.lower().endswith(mains))]:
        stem, end = os.path.splitext(path)
        ends = BESIDE[end.lower()]
        mine = {other for other in near.with_ends(stem, ends) if other not in taken}
        if end.lower() in _NEVER_ALONE:
            mine.update(listed.of(os.path.dirname(path)).with_ends(stem, ends))
        if not mine:
            continue
        home = homes.get(path)
        if home is None:
            home = FileSet(path, os.path.dirname(path), -1, whole=False, beside=True)
            sets.append(home)
            mine.add(path)
        more.setdefault(id(home), set()).update(mine)
        taken |= mine
    for one in sets:
        if added := more.get(id(one)):
            one.files = dict.fromkeys(sorted(added.union(one.files)))
    left[:] = [path for path in left if path not in taken]


class _ByStem:
    """Paths by what stands before each of their last dots: thousands of images are asked for what lies beside them."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_stem: dict[str, list[str]] = {}
        for path in paths:
            stem = path
            for _ in range(_MOST_DOTS):
                stem, dot, _end = stem.rpartition(".")
                if not dot or os.sep in _end:
                    break
                self._by_stem.setdefault(stem, []).append(path)

    def with_ends(self, stem: str, ends: tuple[str, ...]) -> list[str]:
        return [path for path in self._by_stem.get(stem, ()) if path[len(stem) :].lower() in ends]


_MOST_DOTS = max(end.count(".") for ends in BESIDE.values() for end in ends)


class _Listed:
    """What lies in folders, each looked at once."""

    def __init__(self) -> None:
        self._folders: dict[str, _ByStem] = {}

    def of(self, folder: str) -> _ByStem:
        if folder not in self._folders:
            try:
                names = os.listdir(folder)
            except OSError:
                names = []
            self._folders[folder] = _ByStem(os.path.join(folder, name) for name in names)
        return self._folders[folder]


def _stores(paths: Iterable[str]) -> Iterator[FileSet]:
    found: dict[str, None] = {}
    for path in paths:
        parts = path.split(os.sep)
        for place, part in enumerate(parts[:-1]):
            if part.lower().endswith(STORES):
                found.setdefault(os.sep.join(parts[: place + 1]))
                break
    for path in found:
        yield FileSet(path, path, -1, whole=True)


def _set_of(asked: Asked) -> FileSet:
    base = fixed_part(asked.path) if asked.pattern else asked.path
    return FileSet(asked.path, base, asked.cell_run, whole=asked.by_reader, pattern=asked.pattern)


def _fill(one: FileSet, left: list[str], *, whole: bool, named: set[str]) -> None:
    """Moves what belongs to the set out of ``left``, which is sorted; a reader's set takes what lies there on disk too."""
    matches = pattern(one.path) if one.pattern else None
    below = one.base.rstrip(os.sep) + os.sep
    first = bisect_left(left, below)
    # What begins with the folder comes before its name with the separator's next letter.
    last = bisect_left(left, below[:-1] + chr(ord(os.sep) + 1), first)
    mine = [
        path
        for path in left[first:last]
        if (matches is None or matches.fullmatch(path)) and (whole or not is_named(path, named))
    ]
    if not whole and len(mine) < 2:
        return
    taken = set(mine)
    left[first:last] = [path for path in left[first:last] if path not in taken]
    if whole:
        taken |= set(_on_disk(one, matches))
    one.files = dict.fromkeys(sorted(taken))


def _on_disk(one: FileSet, matches: re.Pattern[str] | None) -> Iterator[str]:
    count = 0
    for folder, below, names in os.walk(one.base, followlinks=True):
        below[:] = sorted(name for name in below if not name.startswith(_HIDDEN))
        if matches is not None and "**" not in one.path and folder.count(os.sep) + 1 > one.path.count(os.sep):
            below.clear()
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not name.startswith(_HIDDEN) and (matches is None or matches.fullmatch(path)):
                count += 1
                if count > MOST:
                    return
                yield path


def pattern(text: str) -> re.Pattern[str]:
    """A ``glob`` pattern as an expression for whole paths; ``**`` goes through folders."""
    parts = []
    for part in text.split(os.sep):
        if part == "**":
            parts.append(r"(?:[^/]+/)*")
            continue
        made, place = "", 0
        while place < len(part):
            letter = part[place]
            end = (
                part.find("]", place + (3 if part[place + 1 : place + 2] == "!" else 2))
                if letter == "["
                else -1
            )
            if letter == "*":
                made += "[^/]*"
            elif letter == "?":
                made += "[^/]"
            elif end > 0:
                made += "(?!/)" + _letters(part[place : end + 1])
                place = end
            else:
                made += re.escape(letter)
            place += 1
        parts.append(made + "/")
    whole = "".join(parts)
    return re.compile(whole[:-1] if whole.endswith("/") else whole + "[^/]*", re.DOTALL)


def _letters(brackets: str) -> str:
    """``[a-z]`` of a pattern as fnmatch reads it: ``[9-0]`` is a range of nothing."""
    whole = fnmatch.translate(brackets)
    return whole[: whole.rindex(")") + 1]
