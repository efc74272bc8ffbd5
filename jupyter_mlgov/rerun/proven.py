"""What is proven already: the same factors, and a good verdict on them, need no second run.

The factors of a rerun are everything recorded that could change its result: the notebook's code, each input, each
module of the project, Python, the packages that the notebook had loaded, and its variables; and of the verdict, how far
each metric may be off. They are digested as they are now and written down with the verdict. Where something that was read
cannot be digested (a database server, a URL, a file without a recorded digest), nothing is proven; nor where the notebook's
file is gone, whose code is nobody's any more; nor by a verdict that came in a bundle, which says that it was found.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlgov.capture.packages import canonical_name
from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.records.canonical import digest, identity
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.manifest import Input
from jupyter_mlgov.records.secrets import redact_bytes
from jupyter_mlgov.records.verdict import Comparison
from jupyter_mlgov.rerun import sandbox
from jupyter_mlgov.rerun.code_form import form_of
from jupyter_mlgov.rerun.compare import GOOD
from jupyter_mlgov.rerun.kernels import kernel_program
from jupyter_mlgov.rerun.place import cells_of, given, place_today
from jupyter_mlgov.rerun.tolerances import tolerance_of, tolerances

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def factors_now(root: Path, store: Store, snapshot: str) -> str | None:
    """The digest of all factors as they are in this checkout; None where one of them cannot be known.

    Raises ``StoreError``, and ``UsageError`` for a notebook file that is none.
    """
    manifest = store.manifest(snapshot)
    inputs = {}
    replaced = given(manifest)
    for item in manifest.inputs:
        if item.derived:
            continue
        now = replaced.get(item.uri) or _input_now(item, root)
        if now is None:
            return None
        inputs[item.uri] = now
    if any(warning.code.startswith(("inputs.", "input.")) for warning in manifest.warnings):
        return None  # capture said itself that it did not see everything
    place = place_today(root, store, manifest)
    if place.notebook is not None and not place.notebook.is_file():
        return None  # moved or deleted: what stands in its place may say something else
    document = place.document
    declared = tolerances(root)
    if kernel_program(document) not in (None, sys.executable):
        return None  # its packages are not those of this process
    environment = store.environment(manifest)
    cells = cells_of(document) or []
    return identity(
        {
            "snapshot": snapshot,
            "code": [form_of(source) for kind, source in cells if kind == "code"],
            "inputs": inputs,
            "modules": {module.path: _module_now(root / module.path) for module in manifest.code.modules},
            "python": platform.python_version(),
            "packages": {name: _version(name) for name in environment.imported},
            "variables": {name: _value(name) for name in environment.variables},
            "tolerances": {name: tolerance_of(manifest, name, declared) for name in manifest.metrics},
            "recorder": _version("jupyter-mlgov"),
        }
    )


def known_factors(root: Path, store: Store, snapshot: str) -> str | None:
    """As :func:`factors_now`, and None where anything is wrong: the rerun itself says what."""
    try:
        return factors_now(root, store, snapshot)
    except Exception:  # noqa: BLE001 - whatever it is, nothing is proven
        return None


def proof(store: Store, snapshot: str, factors: str) -> Comparison | None:
    """The newest verdict that was found on the snapshot here, where it is good and these were the factors."""
    entries = store.entries(subject=snapshot, kind="rerun", here=True)
    body: dict[str, Any] = entries[-1].body if entries else {}
    if body.get("factors") != factors or body.get("verdict") not in GOOD:
        return None
    try:
        found = decoded(store.get(str(body.get("comparison"))), Comparison)
    except (MlgovError, msgspec.MsgspecError):
        return None
    return msgspec.structs.replace(found, proven_at=entries[-1].at, runs=0, duration_s=0.0, output=None)


def _input_now(item: Input, root: Path) -> str | None:
    from jupyter_mlgov.hashing.files import hash_file

    place = sandbox.located(item.place(), root)
    if item.digest is None or place is None or item.evidence == "inferred":
        return None
    try:
        found = [hash_file(path).digest for path, _ in sandbox.files_of(item, place) if path.is_file()]
    except OSError:
        return None
    if item.members is not None and not item.is_spread():  # a file more or less is another input
        found += sorted(str(path.relative_to(place)) for path in place.rglob("*"))
    return " ".join(found) or None


def _module_now(path: Path) -> str | None:
    try:
        return digest(redact_bytes(path.read_bytes()))
    except OSError:
        return None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(canonical_name(name))
    except importlib.metadata.PackageNotFoundError:
        return None


def _value(name: str) -> str | None:
    value = os.environ.get(name)
    return None if value is None else digest(value.encode("utf-8", "surrogateescape"))
