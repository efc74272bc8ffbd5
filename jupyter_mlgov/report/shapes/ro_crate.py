"""A Workflow Run Crate (RO-Crate 1.1): the notebook as a workflow, its run as an action, with the files that are kept.

Profiles: Process Run Crate, Workflow Run Crate and Workflow RO-Crate. Input data are named by digest, not copied.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from jupyter_mlgov.records.moments import moment
from jupyter_mlgov.report.shapes.source import Source
from jupyter_mlgov.report.wording import tidy

_PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
NOTEBOOK, MANIFEST = "notebook.ipynb", "snapshot.json"


def make(source: Source) -> dict[PurePosixPath, bytes]:
    record, manifest = source.record, source.record.manifest
    files: dict[str, bytes] = {MANIFEST: record.store.manifest_bytes(record.id)}
    graph: list[dict[str, Any]] = [
        _entity(
            MANIFEST,
            "File",
            name="The snapshot's manifest",
            encodingFormat="application/json",
            identifier=record.id,
        )
    ]
    notebook = record.bytes(manifest.notebook.document)
    files[NOTEBOOK] = notebook if notebook is not None else b"{}"
    inputs = [_input(place, one) for place, one in enumerate(manifest.inputs)]
    models = []
    for place, one in enumerate(manifest.models):
        data = record.bytes(one.object)
        if data is None:
            continue
        path = f"model-{place}.skops"
        files[path] = data
        models.append(_entity(path, "File", name=tidy(one.name, 200), description=tidy(one.class_, 300),
                              encodingFormat="application/zip", identifier=one.object))  # fmt: skip
    parameters, values = _parameters(source)
    metrics = [
        _entity(f"#metric-{place}", "PropertyValue", name=tidy(name, 200), value=value)
        for place, (name, value) in enumerate(manifest.metrics.items())
    ]
    license_ = _entity(
        "#license", "CreativeWork", name="not stated", description="The record states no license."
    )
    author = _entity("#author", "Person", name=tidy(manifest.author or "not recorded", 200))
    action = _entity(
        "#run", "CreateAction",
        name=f"Run of {tidy(record.reference, 200)}",
        description=tidy(manifest.message or f"One run of {manifest.notebook.path or 'the notebook'}", 600),
        instrument=_ref(NOTEBOOK), agent=_ref("#author"),
        endTime=_time(manifest.created_at), object=[_ref(one["@id"]) for one in (*inputs, *values)],
        result=[_ref(one["@id"]) for one in (*models, *metrics)],
        actionStatus=f"http://schema.org/{'Completed' if manifest.status == 'ok' else 'Failed'}ActionStatus",
        **({"error": tidy(manifest.error, 1000)} if manifest.error else {}),
    )  # fmt: skip
    workflow = _entity(
        NOTEBOOK, ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        name=tidy(manifest.notebook.path or "notebook", 300), programmingLanguage=_ref("#python"),
        encodingFormat="application/x-ipynb+json", version=manifest.code.commit or record.id,
        conformsTo=_ref("https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"),
        input=[_ref(one["@id"]) for one in parameters],
    )  # fmt: skip
    python = _entity("#python", "ComputerLanguage", name="Python", url="https://www.python.org/",
                     **({"version": record.environment.python} if record.environment else {}))  # fmt: skip
    charter = record.charter
    root = _entity(
        "./", "Dataset",
        name=source.title, description=tidy((charter and charter.intended_use) or f"Snapshot {record.reference}"),
        datePublished=_time(manifest.created_at), license=_ref("#license"), author=_ref("#author"),
        mainEntity=_ref(NOTEBOOK), mentions=_ref("#run"),
        identifier=record.id, conformsTo=[_ref(url) for url, _, _ in _PROFILES],
        hasPart=[_ref(path) for path in files],
    )  # fmt: skip
    descriptor = _entity(
        "ro-crate-metadata.json", "CreativeWork", about=_ref("./"),
        conformsTo=[_ref("https://w3id.org/ro/crate/1.1"), _ref("https://w3id.org/workflowhub/workflow-ro-crate/1.0")],
    )  # fmt: skip
    profiles = [_entity(url, "CreativeWork", name=name, version=version) for url, name, version in _PROFILES]
    graph = [
        descriptor,
        root,
        workflow,
        python,
        author,
        license_,
        action,
        *profiles,
        *graph,
        *models,
        *inputs,
        *parameters,
        *values,
        *metrics,
    ]
    context = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
    text = json.dumps({"@context": context, "@graph": graph}, ensure_ascii=False, indent=1) + "\n"
    files["ro-crate-metadata.json"] = text.encode("utf-8", "backslashreplace")
    return {PurePosixPath(path): data for path, data in files.items()}


def _time(text: str) -> str:
    """A time as the profile writes it, with its offset; as it was recorded where it is none."""
    when = moment(text)
    return when.isoformat(timespec="seconds") if when is not None else text


def _entity(id: str, type: str | list[str], **fields: Any) -> dict[str, Any]:  # noqa: A002 - JSON-LD's words
    return {"@id": id, "@type": type, **fields}


def _ref(id: str) -> dict[str, str]:  # noqa: A002
    return {"@id": id}


def _input(place: int, one: Any) -> dict[str, Any]:
    return _entity(
        f"#input-{place}", "CreativeWork", name=tidy(one.uri, 500), identifier=one.digest or "not hashed",
        **({"contentSize": str(one.bytes)} if one.bytes is not None else {}),
        **({"description": f"{one.rows} rows"} if one.rows is not None else {}),
    )  # fmt: skip


def _parameters(source: Source) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Formal parameters of the workflow, and the values of this run."""
    kinds = {bool: "Boolean", int: "Integer", float: "Float"}
    formal, values = [], []
    for place, (name, value) in enumerate(source.record.manifest.parameters.items()):
        formal.append(_entity(
            f"#parameter-{place}", "FormalParameter", name=tidy(name, 200), additionalType=kinds.get(type(value), "Text"),
            conformsTo=_ref("https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"),
        ))  # fmt: skip
        values.append(_entity(
            f"#value-{place}", "PropertyValue", name=tidy(name, 200), value=value if value is not None else "none",
            exampleOfWork=_ref(f"#parameter-{place}"),
        ))  # fmt: skip
    return formal, values
