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
from typing import Any

SCHEMA = "schema.json"
_NAMED = frozenset({"ObjectNode", "FunctionNode", "TypeNode"})
"""Kinds of parts that skops looks up by module and name."""


class Nameless(Exception):
    """A part has a class or function that cannot be found under its name (a lambda, say); ``str`` is the name."""


def settled(data: bytes) -> bytes:
    """A skops file's bytes with its parts renumbered.

    Raises ``Nameless`` where skops could not load the file again, ``ValueError`` or ``KeyError`` for other files.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop(SCHEMA))
    if nameless := _nameless(schema):
        raise Nameless(nameless)
    numbers = _Numbers()
    numbers.rename(schema)
    if set(numbers.files) != set(members):
        raise ValueError("a skops file with members that its schema does not name")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, renamed in numbers.files.items():
            archive.writestr(zipfile.ZipInfo(renamed), members[name])
        archive.writestr(zipfile.ZipInfo(SCHEMA), json.dumps(schema, sort_keys=False, separators=(",", ":")))
    return out.getvalue()


def _nameless(node: Any) -> str | None:
    """The first class or function that its module, being loaded, does not have. Nothing is imported to look."""
    if isinstance(node, dict) and node.get("__loader__") in _NAMED:
        module, name = sys.modules.get(node["__module__"]), node["__class__"]
        if module is not None and not hasattr(module, name):
            return f"{node['__module__']}.{name}"
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return next((found for item in below if (found := _nameless(item))), None)


class _Numbers:
    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self._ids: dict[int, int] = {}
        self._next = 0

    def rename(self, node: Any) -> None:
        """Renumbers a node and what is below it, in place. A scalar is never the same part as another."""
        if isinstance(node, list):
            for item in node:
                self.rename(item)
        if not isinstance(node, dict):
            return
        if isinstance(node.get("__id__"), int):
            node["__id__"] = self._number(node["__id__"], shared=node.get("__loader__") != "JsonNode")
        name = node.get("file")
        if isinstance(name, str):
            suffix = name[name.rfind(".") :] if "." in name else ""
            node["file"] = self.files.setdefault(name, f"{len(self.files)}{suffix}")
        for item in node.values():
            self.rename(item)

    def _number(self, found: int, *, shared: bool) -> int:
        if shared and found in self._ids:
            return self._ids[found]
        self._next += 1
        self._ids[found] = self._next
        return self._next
