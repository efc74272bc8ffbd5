"""What a packaged model has to have installed, as lines that pip reads.

The record may have come in a bundle, so whatever of it becomes a line of a build file is looked at first: a version that is
none is refused, never written.
"""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from collections.abc import Mapping
from typing import Any

from packaging.utils import canonicalize_name

from jupyter_mlgov.capture.requirement_lines import is_pinned, is_version_of_python
from jupyter_mlgov.errors import Blocked, UsageError
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.inventory import Inventory
from jupyter_mlgov.records.manifest import Environment, Manifest
from jupyter_mlgov.store import Store

OURS = "jupyter-mlgov"
_RELEASE = re.compile(r"[0-9]+\.[0-9]+")


def python_of(environment: Environment) -> str:
    """``3.11`` of the recorded Python. Raises ``UsageError`` where it is no version."""
    found = _RELEASE.match(environment.python)
    if found is None or not is_version_of_python(environment.python):
        raise UsageError(
            f"the record's Python is {environment.python[:60]!r}, which is no version: the release cannot be packaged"
        )
    return found[0]


def requirements(model: bytes) -> bytes:
    """The service, and the distributions whose classes are in the model's skops file. Raises ``Blocked`` for a module that
    no installed distribution brings."""
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        schema = json.loads(archive.read("schema.json"))
    modules = _modules(schema) - set(sys.stdlib_module_names)
    needed = sorted({name for module in modules for name in _distributions(module)} - {OURS})
    return "\n".join([f"{OURS}[serve]=={_version()}", *needed, ""]).encode()


def constraints(store: Store, manifest: Manifest, environment: Environment) -> bytes:
    """The recorded version of everything that an index served. Raises ``UsageError`` for what is no name or no version."""
    versions: Mapping[str, str] = environment.packages
    if manifest.inventory is not None:
        inventory = decoded(store.get(manifest.inventory), Inventory)
        versions = {one.name: one.version for one in inventory.distributions if one.origin is None}
    for name, version in versions.items():
        if not is_pinned(name, version):
            raise UsageError(
                f"the record names a package {name[:60]!r} of version {version[:60]!r}, which is none: "
                "the release cannot be packaged"
            )
    lines = [f"{name}=={version}" for name, version in sorted(versions.items()) if name.lower() != OURS]
    return "\n".join([*lines, ""]).encode()


def _modules(node: Any) -> set[str]:
    """The packages whose classes a skops schema names."""
    if isinstance(node, list):
        return {name for item in node for name in _modules(item)}
    if not isinstance(node, dict):
        return set()
    own = node.get("__module__")
    below = {name for item in node.values() for name in _modules(item)}
    return below | ({own.partition(".")[0]} if isinstance(own, str) else set())


def _distributions(module: str) -> list[str]:
    """What to install for a module. The model was loaded here, so what brings it is installed here."""
    from importlib.metadata import distributions, packages_distributions

    found = packages_distributions().get(module)
    if found is None:  # an editable installation says only its name
        found = [
            one.name for one in distributions() if canonicalize_name(one.name) == canonicalize_name(module)
        ]
    if not found:
        raise Blocked(
            f"the model is made of classes of {module[:60]!r}, which no installed package brings, so a container could not "
            "load it: make a package of it, install that, and run the cell again"
        )
    return [canonicalize_name(name) for name in dict.fromkeys(found)]


def _version() -> str:
    from importlib.metadata import version

    return version(OURS)
