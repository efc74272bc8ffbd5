"""Passwords that are also ordinary words: ``POSTGRES_PASSWORD=airflow``, ``MYSQL_PASSWORD=dataset``.

What is known to be secret is taken out wherever it stands. Where it is the name of a module, or a name that the code
binds, that would tear the code apart: ``import airflow``, ``dataset = load()``. A module's name is no secret at all. A
name of the code is taken out where it stands in quotes or is given to something that is named as a password, and stays
where it is a name.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from functools import lru_cache

from jupyter_mlgov.capture import audit
from jupyter_mlgov.records.secret_forms import NAMES

_QUOTED = re.compile(
    r"('{3}|\"{3})(?:\\.|(?!\1)[^\\])*+(?:\1|\Z)|(['\"])(?:\\.|(?!\2)[^\\\n])*+(?:\2|$)|#[^\n]*",
    re.DOTALL | re.MULTILINE,
)
_BOUND = re.compile(
    r"^[ \t]*(?:def|class|del|global)[ \t]+(\w+)|\bfor[ \t]+(\w+)[ \t]*(?:,|in\b)|\bas[ \t]+(\w+)[ \t]*(?:$|[:,)])",
    re.MULTILINE,
)
_USED = re.compile(r"(?<![\w.-])([^\W\d]\w*+)[ \t]*+(?:\.[^\W\d]|[(\[]|=(?!=))")
_IMPORTED = re.compile(r"\bimport[ \t]+(\([\w,\s]*|[\w, \t]*)")
_TARGETS = re.compile(r"^[ \t]*+\(?((?:\w++[ \t]*+,[ \t]*+)+\w++)\)?[ \t]*+=(?!=)", re.MULTILINE)
_PASSWORD = "|".join(NAMES["password"])


def names_in(code: str) -> Iterator[str]:
    """Names that ``code`` binds, calls or looks into, as far as its text tells; of prose next to none."""
    plain = _QUOTED.sub("''", code)
    for found in _BOUND.findall(plain):
        yield from filter(None, found)
    yield from _USED.findall(plain)
    for several in (*_IMPORTED.findall(plain), *_TARGETS.findall(plain)):
        yield from re.findall(r"\w+", several)


@lru_cache(maxsize=1000)
def is_module(word: str) -> bool:
    """Whether ``word`` is the name of a module that can be imported here. Nothing is imported."""
    if not word.isidentifier():
        return False
    if word in sys.modules:
        return True
    from importlib.machinery import PathFinder

    with contextlib.suppress(Exception), audit.unseen():
        return PathFinder.find_spec(word) is not None
    return False


def where_it_is_no_name(word: str) -> str:
    """An expression that finds ``word``, which is also a name of the code, where it stands for itself. What has to stay
    before it is in an unnamed group."""
    word = re.escape(word)
    return (
        rf"(?<=[\"'`]){word}(?=\\*[\"'`])|"
        rf"((?i:{_PASSWORD})\w{{0,3}}[ \t]{{0,3}}[=:][ \t]{{0,3}}){word}(?![\w.(\[])"
    )
