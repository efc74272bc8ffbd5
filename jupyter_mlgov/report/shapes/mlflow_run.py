"""One run in the layout of MLflow's file store: ``mlflow ui --backend-store-uri FOLDER`` reads it.

MLflow's names are narrower than ours: what a name cannot hold becomes ``_``, and the record's own name is kept in a tag.
Ids come from the snapshot's, so exporting twice gives the same run.
"""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import Any

import yaml

from jupyter_mlgov.records.canonical import number
from jupyter_mlgov.records.moments import moment
from jupyter_mlgov.report.shapes.source import Source, identifier
from jupyter_mlgov.report.wording import tidy

_NAME = re.compile(r"[^A-Za-z0-9_\-. ]+")
VALUE_LIMIT = 6000
"""The longest value of a parameter that MLflow takes."""


def make(source: Source) -> dict[PurePosixPath, bytes | None]:
    record, manifest = source.record, source.record.manifest
    experiment = str(int(identifier("mlflow", manifest.experiment).hex[:15], 16))
    run = record.id[:32]
    when = moment(manifest.created_at)
    ended = int(when.timestamp() * 1000) if when else 0
    # MLflow takes a relative path from its own working directory, so the place is written out where it is known.
    base = f"{source.place.as_uri()}/{experiment}" if source.place else f"./{experiment}"
    seconds = sum(cell.duration_s or 0.0 for cell in manifest.notebook.cells)
    files: dict[str, Any] = {
        f"{experiment}/meta.yaml": {
            "artifact_location": base,
            "creation_time": ended,
            "experiment_id": experiment,
            "last_update_time": ended,
            "lifecycle_stage": "active",
            "name": tidy(manifest.experiment, 500),
        },
        f"{experiment}/{run}/meta.yaml": {
            "artifact_uri": f"{base}/{run}/artifacts",
            "end_time": ended,
            "entry_point_name": "",
            "experiment_id": experiment,
            "lifecycle_stage": "active",
            "run_id": run,
            "run_name": tidy(record.reference, 200),
            "run_uuid": run,
            "source_name": "",
            "source_type": 4,
            "source_version": "",
            "start_time": ended - int(seconds * 1000),
            "status": 3 if manifest.status == "ok" else 4,
            "tags": [],
            "user_id": tidy(manifest.author, 200),
        },
    }
    made: dict[str, bytes | None] = {
        path: yaml.safe_dump(data, allow_unicode=True).encode() for path, data in files.items()
    }
    inside = f"{experiment}/{run}"
    # To MLflow a run is what has these folders, also where there is nothing in them.
    made |= {f"{inside}/{name}": None for name in ("params", "metrics", "tags", "artifacts")}
    for name, value in manifest.parameters.items():
        made[f"{inside}/params/{_name(name)}"] = tidy(value, VALUE_LIMIT - 100).encode(
            "utf-8", "backslashreplace"
        )
    for name, value in manifest.metrics.items():
        if (found := number(value)) is not None:
            made[f"{inside}/metrics/{_name(name)}"] = f"{ended} {found!r} 0\n".encode()
    for name, points in manifest.series.items():
        lines = [
            f"{ended} {found!r} {int(step)}\n"
            for step, value in points
            if (found := number(value)) is not None
        ]
        made.setdefault(f"{inside}/metrics/{_name(name)}", "".join(lines).encode())
    for name, text in _tags(source).items():
        made[f"{inside}/tags/{name}"] = text.encode("utf-8", "backslashreplace")
    made[f"{inside}/artifacts/snapshot.json"] = record.store.manifest_bytes(record.id)
    notebook = record.bytes(manifest.notebook.document)
    if notebook is not None:
        made[f"{inside}/artifacts/notebook.ipynb"] = notebook
    if source.model is not None and (model := record.bytes(source.model.object)) is not None:
        made[f"{inside}/artifacts/model.skops"] = model
    return {PurePosixPath(path): data for path, data in made.items()}


def _tags(source: Source) -> dict[str, str]:
    record, manifest = source.record, source.record.manifest
    found = {
        "mlflow.runName": tidy(record.reference, 200),
        "mlflow.user": tidy(manifest.author, 200),
        "mlflow.source.name": tidy(manifest.notebook.path, 300),
        "mlflow.source.type": "NOTEBOOK",
        "mlflow.source.git.commit": manifest.code.commit or "",
        "mlflow.note.content": tidy(manifest.message),
        "mlgov.snapshot": record.id,
        "mlgov.gate": "open" if source.gate.open else "closed",
        "mlgov.rerun": source.reruns or "never",
        "mlgov.inputs": json.dumps({one.uri: one.digest for one in manifest.inputs}, ensure_ascii=False)[
            :4000
        ],
    }
    return {name: text for name, text in found.items() if text}


def _name(name: str) -> str:
    """A name that MLflow takes, and that is a file's name: no path of a stranger leads anywhere."""
    return _NAME.sub("_", name).strip(". ")[:200] or "_"
