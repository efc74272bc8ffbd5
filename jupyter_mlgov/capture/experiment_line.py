"""The ``%%experiment`` line of a cell: where it stands, and the name in it. What it asks for is parsed by the magic."""

from __future__ import annotations

import re
import shlex

from jupyter_mlgov.capture.options import experiment_name
from jupyter_mlgov.errors import UsageError

_HEADER = re.compile(r"%%experiment(?:[ \t]+(?P<line>.*))?")
WITHOUT_VALUE = frozenset({"--show"})
"""Options that no word follows."""


def header_of(source: str) -> tuple[int, str] | None:
    """Line number and arguments of a cell's ``%%experiment`` line; other cell magics may stand above it."""
    for number, line in enumerate(source.splitlines()):
        if not line.strip() and number == 0:
            continue
        if not line.lstrip().startswith("%%"):
            return None
        match = _HEADER.fullmatch(line.strip())
        if match is not None:
            return number, match["line"] or ""
    return None


def experiment_of(source: str) -> str | None:
    """The experiment that a cell is of: the first word of its line that is neither an option nor an option's value. None
    where the cell is none, or its line names none."""
    header = header_of(source)
    if header is None:
        return None
    try:
        words = iter(shlex.split(header[1]))
        for word in words:
            if word == "--":
                return experiment_name(next(words, ""))
            if not word.startswith("-"):
                return experiment_name(word)
            # ``--seed=1`` and ``-mtext`` are one word.
            if not (word in WITHOUT_VALUE or "=" in word or (word[1] != "-" and len(word) > 2)):
                next(words, "")
    except (ValueError, IndexError, UsageError):
        return None
    return None
