"""Which of the files that were read are inputs, each with how it is known.

Where several mechanisms saw the same file, the strongest evidence counts: *proven* when Python's own ``open`` was
seen, in the kernel or in a process that it started, and the file did not change until it was hashed; *observed* when
only another mechanism saw it, or it changed meanwhile; *declared* when the user named it; *inferred* when a path in
the code exists and nothing could have seen it being read, or when the file system alone told that somebody opened it and
nothing ties it to the notebook: not its code, nor a value of a name in it, nor a process that it started. It may be another
program's.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from msgspec import Struct, field

from jupyter_mlgov.capture.inputs import is_input, is_input_at
from jupyter_mlgov.capture.literals import (
    ENDINGS,
    LONGEST,
    absolute,
    has_magic,
    is_named,
    paths_in,
    relative_part,
    working_folder,
)
from jupyter_mlgov.capture.members import FileSet, find_sets
from jupyter_mlgov.capture.reads import Opened, Reads
from jupyter_mlgov.records.manifest import Evidence

_BY_PYTHON = ("open", "process")
_NAMELESS = frozenset({"inotify", "descriptor"})
"""Mechanisms that see a file and not the name that the user gave it."""
_TEMPORARY = tempfile.gettempdir() + os.sep
_ORDER: tuple[Evidence, ...] = ("proven", "observed", "declared", "inferred")


class FoundInput(Struct):
    """One input: a file, or a set of files (``members``) that count as one."""

    path: Path
    """The file, folder or pattern."""
    opened: Opened
    evidence: Evidence
    derived: bool = False
    base: Path | None = None
    members: list[Opened] = field(default_factory=list)
    unsure: bool = False
    """True where another program may have opened it."""


class Literal(Struct, frozen=True):
    """A text in the code of an executed cell. ``seen``: the cell ran while everything listened."""

    text: str
    position: int
    seen: bool


def find_inputs(
    reads: Reads,
    root: Path,
    *,
    skip: Iterable[Path] = (),
    literals: Iterable[Literal] = (),
    declared: Iterable[tuple[str, int | None]] = (),
    covers: Callable[[Path], bool] = lambda _: False,
    names: Callable[[str], bool] = lambda _: True,
) -> list[FoundInput]:
    """Every file and set of files that counts as an input.

    ``declared`` are the paths that the user named, with positions in the journal; ``covers`` says whether a reading
    of a path would have been seen, ``names`` whether code or a value leads to one.
    """
    skipped = {str(path.absolute()) for path in skip}
    literals = list(literals)
    words = [(word, one) for one in literals for word in paths_in(one.text)]
    quoted = {relative_part(one.text) for one in literals if len(one.text) < LONGEST}
    named = {relative_part(word) for word, _ in words if not has_magic(word)}
    candidates: dict[str, tuple[Opened, Evidence]] = {}
    own = str(root) + os.sep
    for name, opened in list(reads.read.items()):
        if (
            name in skipped
            or (name in reads.scripts and name.startswith(own))
            or not is_input_at(name, root, importing=opened.importing, named=is_named(name, named))
        ):
            continue
        if opened.written_before and set(opened.seen_by) == {"descriptor"}:
            continue
        if opened.written_before and _is_passing(name, own) and not is_named(name, named) and not names(name):
            continue
        candidates[name] = (
            opened,
            "proven" if any(one in opened.seen_by for one in _BY_PYTHON) else "observed",
        )
    _drop_second_names(candidates)
    for name, position in declared:
        _declare(reads, candidates, name, position)
    found = _sets(reads, candidates, named, root)
    for word, one in words:
        path = absolute(word)
        key = str(path)
        if key in candidates or key in skipped or key in reads.written or not word.lower().endswith(ENDINGS):
            continue
        if (one.seen and covers(path)) or not is_input(path, root, named=True) or not _is_file(path):
            continue
        if any(key == str(other.path) or key in {member.path for member in other.members} for other in found):
            continue
        candidates[key] = (Opened(key, one.position, {"literal": None}), "inferred")
    quoted |= named
    for name, (opened, evidence) in candidates.items():
        unsure = (
            opened.seen_by.keys() == {"inotify"}
            and not opened.tied
            and not is_named(name, quoted)
            and not names(name)
        )
        grade: Evidence = "inferred" if unsure else evidence
        found.append(FoundInput(Path(name), opened, grade, derived=opened.written_before, unsure=unsure))
    return found


def _is_passing(name: str, own: str) -> bool:
    """Whether a file that the session made is in the temporary folder: a library's own, unless the code names it."""
    return name.startswith(_TEMPORARY) and not name.startswith(own)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _declare(
    reads: Reads, candidates: dict[str, tuple[Opened, Evidence]], name: str, position: int | None
) -> None:
    path = absolute(name)
    run = -1 if position is None else position
    if (folder := path.is_dir()) or (has_magic(name) and not path.exists()):
        reads.saw_folder(str(path), by_reader=True, pattern=not folder)
        reads.asked[str(path)].cell_run = run
        reads.asked[str(path)].declared = True
    elif str(path) in candidates:
        candidates[str(path)][0].seen_by.setdefault("declared")
    else:
        candidates[str(path)] = (Opened(str(path), run, {"declared": None}), "declared")


def _drop_second_names(candidates: dict[str, tuple[Opened, Evidence]]) -> None:
    """A file that was read by a link is also seen under its own name, by mechanisms that know no other."""
    places: dict[tuple[int, int], str] = {}
    for name, (opened, _) in candidates.items():
        if not _NAMELESS.issuperset(opened.seen_by) and (place := _place(name)) is not None:
            places[place] = name
    for name, (opened, _) in list(candidates.items()):
        if _NAMELESS.issuperset(opened.seen_by):
            known = places.get(place) if (place := _place(name)) is not None else None
            if known is not None and known != name:
                candidates[known][0].seen_by.update(opened.seen_by)
                del candidates[name]


def _place(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _sets(
    reads: Reads, candidates: dict[str, tuple[Opened, Evidence]], named: set[str], root: Path
) -> list[FoundInput]:
    """Takes the sets of files out of ``candidates``."""
    if not reads.asked and not any(os.sep in name for name in candidates):
        return []
    found = []
    barred = [root, *root.parents, Path.home(), working_folder()]
    for one in find_sets(reads, candidates, named, barred):
        if not is_input(Path(one.base) / "x", root):
            continue
        made = _as_input(one, reads, candidates)
        if made is not None:
            found.append(made)
    return found


def _as_input(
    one: FileSet, reads: Reads, candidates: dict[str, tuple[Opened, Evidence]]
) -> FoundInput | None:
    asked = reads.asked.get(one.path)
    seen = [candidates.pop(name) for name in one.files if name in candidates]
    if not seen and asked is None:
        return None
    evidence: Evidence = max((grade for _, grade in seen), key=_ORDER.index, default="observed")
    if len(seen) < len(one.files) and not one.beside:
        evidence = "declared" if asked is not None and asked.declared and not seen else "observed"
    members = []
    for name in one.files:
        known = reads.read.get(name)
        members.append(known or Opened(name, one.cell_run, written_before=reads.made(name)))
    runs = [opened.cell_run for opened, _ in seen if opened.cell_run >= 0]
    run = one.cell_run if one.cell_run >= 0 else min(runs, default=-1)
    whole = Opened(one.path, run if not runs else min([run, *runs]) if run >= 0 else min(runs))
    for opened, _ in seen:
        whole.seen_by.update(opened.seen_by)
        whole.queries.update(opened.queries)
    if one.beside and one.path in reads.read:
        whole.table = reads.read[one.path].table
    if asked is not None and asked.by_reader:
        whole.seen_by.setdefault("declared" if asked.declared else "reader")
    derived = bool(members) and all(member.written_before for member in members)
    return FoundInput(Path(one.path), whole, evidence, derived, Path(one.base), members)
