"""Files that are one input: a folder, a pattern, a partitioned data set.

A reader that was given a folder or a pattern takes all of it. Code that lists a folder and then reads its files one
by one means the folder too, unless it names the files itself: a cell with ``"data/train.csv"`` in it reads a file,
not a folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

from jupyter_mlgov.capture.literals import fixed_part, has_magic, is_named
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
        (
            one
            for one in reads.asked.values()
            if one.by_reader or has_magic(one.path) or one.path not in barred
        ),
        key=lambda one: (not one.by_reader, not has_magic(one.path), one.path.count(os.sep), one.path),
    )
    for one in (_set_of(request) for request in asked):
        if any(_within(one.path, known) for known in sets):
            continue
        _fill(one, left, whole=one.whole, named=named)
        if len(one.files) > 1 or (one.whole and one.files):
            sets.append(one)
    _join(left, sets)
    return sets


def _join(left: list[str], sets: list[FileSet]) -> None:
    """Takes what lies beside the main file of a data set out of ``left``: to the set that has it, or a set of its own."""
    homes = {path: one for one in sets for path in one.files if path.lower().endswith(tuple(BESIDE))}
    for path in [*homes, *(path for path in left if path.lower().endswith(tuple(BESIDE)))]:
        stem, end = os.path.splitext(path)
        mine = _with_ends(left, stem, BESIDE[end.lower()])
        if end.lower() in _NEVER_ALONE:
            there = _with_ends(_files_in(os.path.dirname(path)), stem, BESIDE[end.lower()])
            mine += [other for other in there if other not in mine]
        if not mine:
            continue
        home = homes.get(path)
        if home is None:
            home = FileSet(path, os.path.dirname(path), -1, whole=False, beside=True)
            sets.append(home)
            mine.append(path)
        home.files = dict.fromkeys(sorted([*home.files, *mine]))
        left[:] = [other for other in left if other not in home.files]


def _with_ends(paths: Iterable[str], stem: str, ends: tuple[str, ...]) -> list[str]:
    return [path for path in paths if path.startswith(stem) and path[len(stem) :].lower() in ends]


def _files_in(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    except OSError:
        return []


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
    base = fixed_part(asked.path) if has_magic(asked.path) else asked.path
    return FileSet(asked.path, base, asked.cell_run, whole=asked.by_reader)


def _fill(one: FileSet, left: list[str], *, whole: bool, named: set[str]) -> None:
    """Moves what belongs to the set out of ``left``; a reader's set takes what lies there on disk as well."""
    matches = pattern(one.path) if has_magic(one.path) else None
    below = one.path.rstrip(os.sep) + os.sep
    mine = []
    for path in left:
        inside = matches.fullmatch(path) is not None if matches else path.startswith(below)
        if inside and (whole or not is_named(path, named)):
            mine.append(path)
    if not whole and len(mine) < 2:
        return
    taken = set(mine)
    left[:] = [path for path in left if path not in taken]
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


def _within(path: str, known: FileSet) -> bool:
    return path == known.path or (
        not has_magic(known.path) and path.startswith(known.path.rstrip(os.sep) + os.sep)
    )


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
            end = part.find("]", place + 2) if letter == "[" else -1
            if letter == "*":
                made += "[^/]*"
            elif letter == "?":
                made += "[^/]"
            elif end > 0:
                inner = part[place + 1 : end].replace("\\", r"\\")
                made += "[" + ("^" + inner[1:] if inner[:1] in "!^" else inner) + "]"
                place = end
            else:
                made += re.escape(letter)
            place += 1
        parts.append(made + "/")
    whole = "".join(parts)
    return re.compile(whole[:-1] if whole.endswith("/") else whole + "[^/]*", re.DOTALL)
