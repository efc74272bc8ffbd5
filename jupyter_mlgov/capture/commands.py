"""Command lines that a cell executes, and whether they only ask version control.

git reads the files of a project to compare them with what it holds. The file system tells that a file was opened and not
by whom, so where git's are the only commands of a cell, what nothing else saw being read is git's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_SHELL_CELLS = ("%%bash", "%%sh", "%%script", "%%!", "%%sx", "%%system")
_SHELL_LINE = re.compile(r"^\s*(?:[\w, ]+=\s*)?(?:!!?|%sx\s|%system\s)(.*)$", re.MULTILINE)
_PARTS = re.compile(r"(\|\||&&|;|\||\n)")
_ASSIGNED = re.compile(r"\w+=\S*")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh"})
_VERSION_CONTROL = frozenset({"git", "hg"})
_READS_NOTHING = frozenset({"cd", "echo", "true", "pwd", "export", "set", "exit", "test"})


def commands_in(code: str) -> Iterator[str]:
    """The command lines in a cell's text, as it was typed."""
    if "!" not in code and "%" not in code:
        return
    for word in _SHELL_CELLS:
        start = code.find(word)
        if start >= 0 and not code[:start].rpartition("\n")[2].strip():
            yield code[start:].partition("\n")[2]
            return
    yield from (found[1] for found in _SHELL_LINE.finditer(code))


def without_shell_lines(code: str) -> str:
    """A cell's text without its command lines."""
    return _SHELL_LINE.sub("", code)


def command_line(words: Iterable[str]) -> str:
    """One line for the words of a process that is started: ``LINE`` of ``sh -c LINE``, none of a shell alone."""
    listed = list(words)
    if listed and _program(listed[0]) in _SHELLS:
        if len(listed) == 1:
            return ""
        if len(listed) > 2 and listed[1] == "-c":
            return listed[2]
    return " ".join(listed)


def is_version_control(line: str) -> bool:
    """Whether all that a command line executes is git, or filters what git says."""
    asked, before = False, ""
    for place, part in enumerate(_PARTS.split(line)):
        if place % 2:
            before = part
            continue
        words = part.split()
        while words and _ASSIGNED.fullmatch(words[0]):
            words.pop(0)
        if not words or words[0].startswith("#") or words[0] in _READS_NOTHING or before == "|":
            continue
        if _program(words[0]) not in _VERSION_CONTROL:
            return False
        asked = True
    return asked


def _program(word: str) -> str:
    return word.rpartition("/")[2]
