"""Writes a project with many snapshots of one notebook: ``many_snapshots.py FOLDER COUNT``, for the measurement."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from jupyter_mlgov.project import Project
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import CellRecord, Environment, Manifest, Notebook

root, count = Path(sys.argv[1]), int(sys.argv[2])
root.mkdir(parents=True, exist_ok=True)
source = "%%experiment many\nauc = 0.5"
cell = {
    "cell_type": "code",
    "id": "a",
    "metadata": {},
    "source": source,
    "execution_count": None,
    "outputs": [],
}
# Without a kernel's name JupyterLab asks for one, in a dialog over everything.
kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
notebook = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
(root / "many.ipynb").write_text(json.dumps(notebook))
(root / ".git").mkdir(exist_ok=True)  # the project's folder is this one
store = Project.open(root, create=True).store
environment = Environment(python="3.11.7", platform="Linux", packages={"numpy": "2.4.6"})
names = store.put_all([canonical(environment), source.encode(), json.dumps(notebook).encode()])
first = Manifest(
    experiment="many",
    created_at="2026-11-01T00:00:00Z",
    author="Ada",
    environment=names[0],
    notebook=Notebook(
        path="many.ipynb",
        order="linear",
        document=names[2],
        cells=(CellRecord(index=0, id="a", type="code", source=names[1], runs=1, status="ok"),),
    ),
)


def made(number: int) -> Manifest:
    day, minute = divmod(number, 1440)
    return msgspec.structs.replace(
        first,
        created_at=f"2026-11-{day + 1:02}T{minute // 60:02}:{minute % 60:02}:00Z",
        message=f"try {number}",
        metrics={"auc": number / count, "recall": 1 - number / count, "rows": number},
    )


store.commit_all([made(number) for number in range(count)])
print(count)
