"""Frameworks: what a regulation, standard or paper asks to be documented, each as a data file in ``frameworks/``.

Adding a framework is adding a file. Each item names, by words that ``report.coverage`` knows, what in a record is
*evidence offered* for it, and what has to be kept elsewhere. No file says that anything is fulfilled: that is for
people to judge.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that is asked for. ``outside`` says what of it no snapshot holds."""

    id: str
    title: str
    evidence: tuple[str, ...] = ()
    outside: str = ""
    note: str = ""


class Framework(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A framework with its source. ``key`` is the file's stem."""

    name: str
    source: str
    url: str
    about: str
    items: tuple[Item, ...]
    key: str = ""


@cache
def frameworks() -> tuple[Framework, ...]:
    """Every framework, ordered by name."""
    folder = files("jupyter_mlgov.governance") / "frameworks"
    found = []
    for path in folder.iterdir():
        key, dot, kind = path.name.rpartition(".")
        if dot and kind == "toml":
            data = tomllib.loads(path.read_text(encoding="utf-8"))
            found.append(msgspec.convert({**data, "key": key}, Framework))
    return tuple(sorted(found, key=lambda one: one.name))
