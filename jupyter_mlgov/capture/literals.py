"""Paths that stand in code: what a cell names, found in its text without running it.

A cell says where it reads in quotes (``"data/loans.csv"``), inside a shell line (``!wc -l data/loans.csv``) or
inside SQL (``select * from 'x.parquet'``). These words serve three ends: their folders are watched before the
cell runs, a file that they name is one that the user would name, and where nothing can see reads at all they
are evidence of last resort.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

TABLES = (
    ".csv", ".tsv", ".parquet", ".pq", ".feather", ".arrow", ".ipc", ".npy", ".npz", ".h5", ".hdf5", ".hdf", ".nc", ".xls",
    ".xlsx", ".dta", ".sav", ".sas7bdat", ".arff", ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zip", ".csv.zst",
)  # fmt: skip
"""Ends of names that only data has."""
OFTEN_DATA = (
    ".json", ".jsonl", ".ndjson", ".txt", ".pkl", ".pickle", ".joblib", ".gz", ".bz2", ".xz", ".zip", ".zst", ".tar",
    ".tgz", ".dat", ".data", ".jpg", ".jpeg", ".png", ".db", ".sqlite",
)  # fmt: skip
ENDINGS = (
    *TABLES, *OFTEN_DATA, ".sqlite3", ".duckdb", ".orc", ".avro", ".zarr", ".mat", ".xml", ".yaml", ".yml", ".toml",
    ".ini", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".wav", ".mp3", ".flac", ".svm", ".libsvm", ".model", ".pt", ".pth",
    ".onnx", ".skops", ".safetensors", ".tfrecord", ".geojson", ".shp", ".gpkg",
)  # fmt: skip
"""Ends of names by which a word in code is taken for a file's name."""
SCRIPTS = (".py", ".sh", ".bash", ".r", ".R", ".jl", ".pl", ".js")
"""Ends of names of files that a command line executes."""
MAGIC = frozenset("*?[")
LONGEST = 4096

_QUOTED = re.compile(r"""('''|\"{3}|'|")((?:\\.|(?!\1).)+?)\1""", re.DOTALL)
_WORD = re.compile(r"""[^\s'"`,;()<>|&={}]+""")
_FILE = re.compile(r"[^\s/]{1,200}\.\w{1,10}")
"""A file's name, whatever its ending."""
_ESCAPED = re.compile(r"\[([*?[])\]")
_NAME = re.compile(r"[^\W\d]\w*")


def paths_in(text: str) -> Iterator[str]:
    """The words of one string that may be a path: the whole of it, what it quotes, and its words."""
    if "\n" not in text and 0 < len(text) < LONGEST and _may_be_path(text):
        yield text
    if len(text) > 3 and any(mark in text for mark in " \n'\"="):
        for found in _QUOTED.finditer(text):
            quoted = str(found[2])
            if _may_be_path(quoted):
                yield quoted
        for word in _WORD.findall(text):
            if word != text and _may_be_path(word):
                yield word


def scripts_in(words: Iterable[str], folder: str | None) -> Iterator[str]:
    """Paths of the files with code that a command line names, seen from ``folder``, where they are there."""
    for text in words:
        for word in _WORD.findall(text):
            if word.endswith(SCRIPTS) and not word.startswith("-"):
                path = os.path.abspath(os.path.join(folder or "", word))
                if os.path.isfile(path):
                    yield path


def paths_in_code(code: str) -> Iterator[str]:
    """The same for a cell: every quoted text of it, and the words of its shell lines."""
    for found in _QUOTED.finditer(code):
        yield from paths_in(str(found[2]))
    for line in code.splitlines():
        if line.lstrip().startswith(("!", "%")) or line.find("= !") > 0:
            yield from paths_in(line)


def paths_in_names(code: str, namespace: Mapping[str, Any]) -> Iterator[str]:
    """Values of the variables that ``code`` names, where they are paths or texts that look like one."""
    for name in set(_NAME.findall(code)):
        value: Any = namespace.get(name)
        kind = type(value)
        if kind is str:
            if len(value) < LONGEST and "\n" not in value and (_may_be_path(value) or _FILE.fullmatch(value)):
                yield value
        elif issubclass(kind, PurePath) and kind.__module__.partition(".")[0] == "pathlib":
            yield str(value)


def absolute(text: str) -> Path:
    """Where a path in code leads now: ``~`` and the working directory count, symbolic links stay."""
    path = os.path.expanduser(text)
    return Path(os.path.normpath(path if os.path.isabs(path) else working_folder() / path))


def working_folder() -> Path:
    """The working directory; where it was deleted, a path at which there is nothing."""
    try:
        return Path.cwd()
    except OSError:
        return Path(os.sep, "the working directory was deleted")


def relative_part(text: str) -> str:
    """A path in code without what says where it starts: ``../data/x.csv`` is ``data/x.csv``."""
    path = os.path.normpath(text)
    while path.startswith(("../", "~/")):
        path = path.partition("/")[2]
    return path.strip("/")


def is_named(path: str, named: set[str]) -> bool:
    """Whether ``path`` ends with one of ``named``, which are ``relative_part``s, part by part."""
    rest = path.strip("/")
    while rest not in named:
        _, slash, rest = rest.partition("/")
        if not slash:
            return False
    return True


def has_magic(text: str) -> bool:
    """Whether ``text`` is a pattern for ``glob``."""
    return not MAGIC.isdisjoint(text)


def fixed_part(pattern: str) -> str:
    """The folder of a pattern: everything before its first part with a wildcard. ``[*]`` is none: it stands for ``*``."""
    plain: list[str] = []
    for part in pattern.split(os.sep):
        if has_magic(_ESCAPED.sub("", part)):
            return os.sep.join(plain) or (os.sep if pattern.startswith(os.sep) else ".")
        plain.append(_ESCAPED.sub(r"\1", part))
    return os.sep.join(plain)


def existing(texts: Iterable[str]) -> Iterator[Path]:
    """Those of ``texts`` that lead to something."""
    for text in texts:
        path = absolute(fixed_part(text))
        try:
            if path.exists():
                yield path
        except (OSError, ValueError):
            continue


def _may_be_path(text: str) -> bool:
    if "://" in text or "\0" in text:
        return False
    return "/" in text.strip("/") or text.startswith(("/", "~")) or text.lower().endswith(ENDINGS)
