"""Every mechanism that sees reads, started and stopped together, and asked in the right order around a cell.

Before a cell: folders that its code names are watched. While it runs: audit events, wrapped readers and processes
tell as it happens, the file system's events gather. After it: what gathered is taken in, and what is still open is
looked at. All of it ends in one ``Reads``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from jupyter_mlgov.capture import audit, descriptors, readers
from jupyter_mlgov.capture.children import ChildReads
from jupyter_mlgov.capture.commands import command_line, commands_in, is_version_control, without_shell_lines
from jupyter_mlgov.capture.earlier_contents import MANY, EarlierContents
from jupyter_mlgov.capture.literals import (
    has_magic,
    is_named,
    paths_in,
    paths_in_code,
    paths_in_names,
    relative_part,
    scripts_in,
    working_folder,
)
from jupyter_mlgov.capture.reads import Fetched, Reads, Table
from jupyter_mlgov.capture.watches import FolderWatch


class Listening:
    """What one session hears of reads. It is the ``audit.Listener`` of the kernel's process."""

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self.watch = FolderWatch(reads)
        self._children = ChildReads(reads)
        self._earlier = EarlierContents(reads)
        self._project = working_folder()
        self._open = descriptors.OpenFiles()
        self._had_open: frozenset[str] = frozenset()
        self._raw = ""
        self._commands: list[str] = []
        """Command lines of the cell that runs."""

    def start(self, notebook: Path | None, earlier: Iterable[str] = ()) -> None:
        """Starts every mechanism. ``earlier``: code that ran before, whose open files count."""
        with audit.unseen():
            first = [
                folder
                for folder in (notebook.parent if notebook else None, working_folder())
                if folder is not None
            ]
            self._project = _project(first[0])
            self.watch.start(first, self._project)
            self.watch.look_at(path for code in earlier for path in paths_in_code(code))
            for path in self._open.now():
                self.reads.saw_read(path, "descriptor")
        self.reads.before_first = self._first
        self._children.start()
        audit.listen(self)
        readers.watch()

    def stop(self) -> None:
        """Stops every mechanism."""
        audit.listen(None)
        readers.unwatch()
        self.reads.before_first = None
        self.watch.stop()
        self._children.stop()
        self._earlier.stop()

    # -- cells ---------------------------------------------------------------------------------------------------

    def cell_starts(self, raw: str, code: str, namespace: Mapping[str, Any]) -> None:
        """A cell is about to run: ``raw`` as it was typed, ``code`` as Python."""
        self._raw, self._commands = raw, list(commands_in(raw))
        self.watch.look_at(paths_in_code(code))
        self.watch.look_at(paths_in_names(code, namespace))
        self.watch.cell_starts()
        self.watch.started = bool(self._commands)

    def cell_ended(self) -> None:
        """It has run: what gathered meanwhile is taken in."""
        self.watch.cell_ends()
        self._children.take_in()
        if self._commands and all(map(is_version_control, self._commands)):
            self._forget_what_it_read()
        ours = self.watch.passed_over  # a thread of the user's may be changing a file, which is copied first
        now = frozenset(self._open.now())
        for path in now - self._had_open - ours - self.watch.passed_over:
            if path not in self.reads.written and path != self._children.path:
                self.reads.saw_read(path, "descriptor")
        self._had_open = now

    def _forget_what_it_read(self) -> None:
        """``git status`` reads files to compare them: that is nobody's input. What the cell's own code names stays."""
        reads = self.reads
        named = {relative_part(path) for path in paths_in_code(without_shell_lines(self._raw))}
        for path, opened in list(reads.read.items()):
            if (
                opened.cell_run == reads.cell_run
                and set(opened.seen_by) == {"inotify"}
                and not is_named(path, named)
            ):
                del reads.read[path]

    def recording(self) -> None:
        """A snapshot is about to be made."""
        for path in descriptors.mapped_files():
            if not path.endswith(audit.NEVER) and ".so." not in path and path not in self.reads.written:
                self.reads.saw_read(path, "descriptor")

    def recorded(self) -> None:
        """What capture itself read in between is nobody's input."""
        self.watch.forget()

    # -- what is told as it happens --------------------------------------------------------------------------------

    def opened(self, path: str, *, importing: bool) -> None:
        """Python opens a file for reading."""
        self.reads.saw_read(path, "open", importing=importing)

    def executed(self, path: str, *, importing: bool) -> None:
        """Python opens a file with code. What the kernel imports is found where its modules are."""
        if not importing:
            self.reads.saw_code(path)

    def written(self, path: str) -> None:
        """Something opens a file for writing."""
        self.reads.saw_write(path)

    def changing(self, path: str, *, adds: bool = False) -> None:
        """What is at a path is about to be changed, or to go: where it was there before, it is held."""
        reads = self.reads
        if path in reads.earlier or path in reads.written or not (adds or path in reads.read):
            return
        with audit.unseen(), self.watch.passing_over(path):
            self._earlier.hold(path, self._project, adds=adds)

    def going(self, folder: str) -> None:
        """A folder is about to go from where it is: what was read in it is held."""
        below = folder.rstrip(os.sep) + os.sep
        for path in islice((one for one in list(self.reads.read) if one.startswith(below)), MANY):
            self.changing(path)

    def listed(self, path: str, *, pattern: bool = False) -> None:
        """The files of a folder or of a pattern are asked for."""
        self.reads.saw_folder(path, pattern=pattern)

    def started(self, words: list[str], folder: str | None) -> None:
        """A process is started: what its command line names is watched before it can be opened."""
        self.watch.started = True
        if len(self._commands) < 1000 and (line := command_line(words)):
            self._commands.append(line)
        with audit.unseen():
            for word in words:
                self.watch.look_at(
                    os.path.join(folder, path) if folder else path for path in (word, *paths_in(word)) if path
                )
            for path in scripts_in(words, folder):
                self.reads.saw_code(path)

    def called(self, path: str, *, query: str | None = None, table: Table | None = None) -> None:
        """A wrapped reader is called with a path, a folder or a pattern."""
        path = os.path.abspath(path)
        if (folder := os.path.isdir(path)) or (has_magic(path) and not os.path.exists(path)):
            self.reads.saw_folder(path, by_reader=True, pattern=not folder)
            self.watch.look_at([path])
        else:
            opened = self.reads.saw_read(path, "reader")
            if opened is not None and query is not None:
                if len(opened.queries) < 100:
                    opened.queries.setdefault(query)
                opened.table = table if len(opened.queries) <= 1 else None

    def gave(self, path: str, table: Table) -> None:
        """A wrapped reader gave the table that it found in a file."""
        opened = self.reads.read.get(path)
        if opened is not None:
            opened.gave(table)

    def fetched(self, fetched: Fetched) -> None:
        """Content came from elsewhere than a file."""
        self.reads.saw_fetch(fetched)

    def _first(self, path: str) -> None:
        """Before ``path`` is noted for the first time: what was written until now comes before it."""
        self.watch.settle()
        with contextlib.suppress(Exception):
            self.watch.look_for(path)


def _project(folder: Path) -> Path:
    """The project that ``folder`` lies in: where ``.mlgov`` or ``.git`` is, at or above it, else the folder."""
    for above in (folder, *folder.parents):
        if (above / ".mlgov").exists() or (above / ".git").exists():
            return above
    return folder
