"""skops files that are equal for equal models.

skops names the parts of a model by their addresses in memory and dates them, so no two of its files are equal
and a store would keep each of them. Here the parts are numbered in the order in which they come, and dated
1980-01-01. The file means the same to skops.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

SCHEMA = "schema.json"
_NAMED = frozenset({"ObjectNode", "FunctionNode", "TypeNode"})
"""Kinds of parts that skops looks up by module and name."""


class Nameless(Exception):
    """A part has a class or function that cannot be found under its name (a lambda, say); ``str`` is the name."""


class Parts(Struct):
    """What a skops file holds: its schema, as JSON has it, and the arrays that the schema names by their files."""

    schema: dict[str, Any]
    members: Mapping[str, bytes]
    texts: set[tuple[str, str]] = field(default_factory=set)
    """The strings in it, each with the name that it has there (empty in a list), and the names alone; known when it is
    ``settled``. Arrays of strings are not among them."""

    @classmethod
    def read(cls, data: bytes) -> Parts:
        """Those of a skops file. Raises ``ValueError`` or ``KeyError`` for other files."""
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        return cls(json.loads(members.pop(SCHEMA)), members)

    def as_they_are(self) -> bytes:
        """A skops file of them."""
        return _file(self.schema, self.members)

    def settled(self) -> bytes:
        """A skops file of them, renumbered; they are used up.

        Raises ``Nameless`` where skops could not load the file again, ``ValueError`` or ``KeyError`` where the schema is
        of a form that is not known here.
        """
        numbers = _Numbers(self.texts)
        numbers.walk(self.schema)
        if numbers.files.keys() != self.members.keys():
            raise ValueError("a skops file with members that its schema does not name")
        return _file(self.schema, {renamed: self.members[name] for name, renamed in numbers.files.items()})


def _file(schema: dict[str, Any], members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
        archive.writestr(zipfile.ZipInfo(SCHEMA), json.dumps(schema, separators=(",", ":")))
    return out.getvalue()


class _Numbers:
    """Renumbers nodes in place, each before those below it: a forest has tens of thousands."""

    def __init__(self, texts: set[tuple[str, str]]) -> None:
        self.files: dict[str, str] = {}
        self._texts = texts
        self._ids: dict[int, int] = {}
        self._next = 0

    def walk(self, node: dict[str, Any] | list[Any]) -> None:
        """Renumbers a node and what is below it. A scalar is never the same part as another. Raises ``Nameless``."""
        if type(node) is list:
            for item in node:
                if type(item) is dict:
                    self._named("", item)
                    self.walk(item)
                elif type(item) is list:
                    self.walk(item)
            return
        assert type(node) is dict
        loader = node.get("__loader__")
        if loader in _NAMED:
            _check_named(node)
        found = node.get("__id__")
        if type(found) is int:
            node["__id__"] = self._number(found, shared=loader != "JsonNode")
        name = node.get("file")
        if type(name) is str:
            suffix = name[name.rfind(".") :] if "." in name else ""
            node["file"] = self.files.setdefault(name, f"{len(self.files)}{suffix}")
        for key, item in node.items():
            if type(item) is dict:
                if loader is None:  # not a part, but what one holds, by name
                    self._named(key, item)
                self.walk(item)
            elif type(item) is list:
                self.walk(item)

    def _named(self, name: str, part: dict[str, Any]) -> None:
        text = part.get("content") if part.get("__loader__") == "JsonNode" else None
        if type(text) is str and text[:1] == '"':
            self._texts.add((name, json.loads(text)))
        elif name:
            self._texts.add((name, ""))

    def _number(self, found: int, *, shared: bool) -> int:
        if shared and found in self._ids:
            return self._ids[found]
        self._next += 1
        self._ids[found] = self._next
        return self._next


def _check_named(node: dict[str, Any]) -> None:
    """Raises ``Nameless`` where its module, being loaded, does not have it. Nothing is imported to look."""
    module, name = sys.modules.get(node["__module__"]), node["__class__"]
    if module is not None and not hasattr(module, name):
        raise Nameless(f"{node['__module__']}.{name}")
