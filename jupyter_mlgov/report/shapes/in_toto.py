"""An in-toto statement about the snapshot: SLSA provenance v1, signed where a key is given.

The subjects are the snapshot and the models that are kept; the materials are inputs, code and packages. With a key the
file is a DSSE envelope around the statement, without one the statement itself.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from jupyter_mlgov.governance import signing
from jupyter_mlgov.report.shapes.source import ONE, Source, hexadecimal
from jupyter_mlgov.report.wording import tidy

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:jupyter-mlgov:experiment:v1"


def make(source: Source) -> dict[PurePosixPath, bytes]:
    payload = signing.statement(_subjects(source), PREDICATE_TYPE, predicate(source))
    if source.key is None:
        return {ONE: json.dumps(json.loads(payload), ensure_ascii=False, indent=1).encode() + b"\n"}
    return {ONE: json.dumps(signing.sign(payload, source.key), indent=1).encode() + b"\n"}


def _subjects(source: Source) -> list[tuple[str, str]]:
    record = source.record
    kept = [(f"model {one.name}", hexadecimal(one.object)) for one in record.manifest.models]
    return [(tidy(record.reference, 300), record.id), *((name, digits) for name, digits in kept if digits)]


def predicate(source: Source) -> dict[str, Any]:
    """SLSA provenance."""
    record, manifest = source.record, source.record.manifest
    materials: list[dict[str, Any]] = [
        {"name": tidy(one.uri, 500), "digest": {"blake3": digits}}
        for one in manifest.inputs
        if (digits := hexadecimal(one.digest))
    ]
    if manifest.code.commit:
        materials.append(
            {"name": tidy(manifest.code.remote or "code", 500), "digest": {"gitCommit": manifest.code.commit}}
        )
    notebook = hexadecimal(manifest.notebook.document)
    if notebook:
        materials.append(
            {"name": tidy(manifest.notebook.path or "notebook", 500), "digest": {"blake3": notebook}}
        )
    held = record.environment
    packages = (
        {name: version for name, version in held.packages.items() if name in held.imported} if held else {}
    )
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "experiment": manifest.experiment,
                "notebook": manifest.notebook.path,
                "parameters": dict(manifest.parameters),
                "seed": manifest.seed,
            },
            "internalParameters": {"python": held.python if held else "", "packages": packages},
            "resolvedDependencies": materials,
        },
        "runDetails": {
            "builder": {"id": "urn:jupyter-mlgov:kernel"},
            "metadata": {"invocationId": record.id, "finishedOn": manifest.created_at},
            "byproducts": [
                {
                    "name": "result",
                    "annotations": {
                        "metrics": dict(manifest.metrics),
                        "rerun": source.reruns,
                        "gate": "open" if source.gate.open else "closed",
                        "policy": source.gate.policy,
                    },
                }
            ],
        },
    }
