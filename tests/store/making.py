"""Makes small valid snapshots, for tests of every room."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import CellRecord, Environment, Manifest, Notebook
from jupyter_mlgov.store import Store

RAM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where tests make many short-lived stores: a flush costs nothing there. None: the usual temporary folder."""

ENVIRONMENT = Environment(python="3.11.7", platform="Linux-x86_64", packages={"numpy": "2.4.6"})


@contextmanager
def fresh() -> Iterator[Store]:
    """An empty store for one example of a property."""
    with tempfile.TemporaryDirectory(dir=RAM) as folder:
        yield Store.create(Path(folder) / ".mlgov")


def make_manifest(store: Store, **fields: Any) -> Manifest:
    """The manifest of a one-cell notebook, whose objects are put into ``store``.

    ``fields`` replace those of the manifest; ``path`` and ``source`` are the notebook's path and its cell.
    """
    path = fields.pop("path", "notebook.ipynb")
    source = fields.pop("source", "auc = 0.8")
    cell = {
        "cell_type": "code",
        "id": "c0",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": 1,
    }
    document = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    text, outputs, notebook, environment = store.put_all(
        [source.encode(), b"[]", msgspec.json.encode(document), canonical(ENVIRONMENT)]
    )
    cells = (CellRecord(index=0, id="c0", type="code", source=text, outputs=outputs, status="ok", runs=1),)
    standard: dict[str, Any] = {
        "experiment": "baseline",
        "created_at": "2026-11-23T10:00:00Z",
        "notebook": Notebook(path=path, order="linear", document=notebook, cells=cells),
        "environment": environment,
        "metrics": {"auc": 0.8},
    }
    return Manifest(**{**standard, **fields})


def add_snapshot(store: Store, **fields: Any) -> str:
    """Commits the manifest that :func:`make_manifest` makes; its id. Give it a ``message`` of its own: equal
    manifests are one snapshot."""
    return store.commit(make_manifest(store, **fields)).subject
