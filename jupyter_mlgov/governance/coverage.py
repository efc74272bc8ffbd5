"""Frameworks: what a regulation, standard or paper asks to be documented, each as a data file in ``frameworks/``.

Adding a framework is adding a file, here or in a project (``[report] frameworks`` in ``mlgov.toml``). Each item names, by
words that ``report.coverage`` knows, what in a record is *evidence offered* for it, and what has to be kept elsewhere.
No file says that anything is fulfilled: that is for people to judge.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec
from msgspec import Struct

from jupyter_mlgov.configuration import LIMIT, NAME, section
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.governance.words import did_you_mean
from jupyter_mlgov.records.decoding import converted


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
            found.append(_framework(path.read_text(encoding="utf-8"), key))
    return tuple(sorted(found, key=lambda one: one.name))


class ReportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[report]`` in ``mlgov.toml``."""

    frameworks: tuple[str, ...] = ()
    """Files of the project's own frameworks, from its root."""


def own_frameworks(root: Path, known: Collection[str]) -> tuple[Framework, ...]:
    """The project's own, in the order of its settings. ``known`` are the words of evidence that there are.

    Raises ``UsageError`` naming the file and what is wrong in it.
    """
    found: list[Framework] = []
    for name in section(root, "report", ReportSettings).frameworks:
        where = root / name
        try:
            if where.stat().st_size > LIMIT:
                raise UsageError(f"{where} has more than {LIMIT} bytes: that is no framework")
            made = _framework(where.read_text(encoding="utf-8"), f"own-{len(found) + 1}")
        except OSError as error:
            raise UsageError(
                f"{where} cannot be read ({error.strerror}): [report] frameworks in {NAME} names it"
            ) from error
        except (
            tomllib.TOMLDecodeError,
            UnicodeDecodeError,
            msgspec.ValidationError,
            RecursionError,
        ) as error:
            raise UsageError(f"{where} is no framework: {error}") from error
        for item in made.items:
            for word in item.evidence:
                if word not in known:
                    raise UsageError(
                        f"{where}: item {item.id[:60]!r}: {word[:60]!r} is no kind of evidence{did_you_mean(word, known)}"
                    )
            if not item.evidence and not item.outside:
                raise UsageError(
                    f"{where}: item {item.id[:60]!r} names neither evidence nor what is kept outside"
                )
        found.append(made)
    return tuple(found)


def _framework(text: str, key: str) -> Framework:
    return converted({**tomllib.loads(text), "key": key}, Framework)
