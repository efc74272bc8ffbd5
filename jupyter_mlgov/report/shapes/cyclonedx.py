"""CycloneDX 1.7 ML-BOM: the model with its card, the data it was made from, the packages that were loaded.

Serial number and time come from the record, so the same snapshot gives the same document.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from jupyter_mlgov.governance.cards import amounts_text
from jupyter_mlgov.records.manifest import Input
from jupyter_mlgov.report.shapes.source import ONE, Source, hexadecimal, identifier, wanted
from jupyter_mlgov.report.wording import tidy


def make(source: Source) -> dict[PurePosixPath, bytes]:
    text = json.dumps(bom(source), ensure_ascii=False, indent=1)
    return {ONE: (text + "\n").encode("utf-8", "backslashreplace")}


def bom(source: Source) -> dict[str, Any]:
    """The document."""
    record = source.record
    data = [_data(one, place) for place, one in enumerate(record.manifest.inputs)]
    packages = _packages(source)
    model = f"model:{record.id}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": f"urn:uuid:{identifier('cyclonedx', record.id)}",
        "version": 1,
        "metadata": {
            "timestamp": record.manifest.created_at,
            "tools": {"components": [{"type": "application", "name": "jupyter-mlgov"}]},
            **({"authors": [{"name": tidy(record.manifest.author, 200)}]} if record.manifest.author else {}),
            "component": _model(source, model, [one["bom-ref"] for one in data]),
        },
        "components": [*data, *packages],
        "dependencies": [
            {"ref": model, "dependsOn": [one["bom-ref"] for one in (*data, *packages)]},
            *({"ref": one["bom-ref"]} for one in (*data, *packages)),
        ],
    }


def _model(source: Source, ref: str, data: list[str]) -> dict[str, Any]:
    record, charter, held = source.record, source.record.charter, source.model
    found: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": ref,
        "name": source.title,
        "version": source.version,
    }
    if charter and charter.intended_use:
        found["description"] = tidy(charter.intended_use)
    digits = hexadecimal(held.object if held else None)
    if digits:
        found["hashes"] = [{"alg": "BLAKE3", "content": digits}]
    found["modelCard"] = {
        "modelParameters": _parameters(source, data),
        "quantitativeAnalysis": {"performanceMetrics": _metrics(source)},
        "considerations": _considerations(source),
        "properties": _properties(source),
    }
    found["properties"] = [
        {"name": "mlgov:snapshot", "value": record.id},
        {"name": "mlgov:reference", "value": tidy(record.reference, 300)},
        {"name": "mlgov:gate", "value": "open" if source.gate.open else "closed"},
        {"name": "mlgov:policy", "value": source.gate.policy},
        {"name": "mlgov:rerun", "value": source.reruns or "never"},
        *(
            {"name": f"mlgov:fingerprint:{one.name}", "value": one.digest}
            for one in record.manifest.models
            if one.digest
        ),
    ]
    return found


def _parameters(source: Source, data: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if source.task in ("classification", "regression"):
        found["approach"] = {"type": "supervised"}
    if source.task:
        found["task"] = source.task
    if source.model:
        found["modelArchitecture"] = tidy(source.model.class_, 300)
    found["datasets"] = [{"ref": one} for one in data]
    return found


def _metrics(source: Source) -> list[dict[str, Any]]:
    splits = {kpi.metric: kpi.split for kpi in source.record.kpis if kpi.split}
    made: list[dict[str, Any]] = [
        {
            "type": tidy(name, 200),
            "value": repr(value),
            **({"slice": tidy(splits[name], 200)} if name in splits else {}),
        }
        for name, value in source.metrics.items()
    ]
    made += [
        {
            "type": one.measure,
            "value": str(one.value),
            "slice": tidy(one.where, 300),
            "confidenceInterval": {"lowerBound": str(one.low), "upperBound": str(one.high)},
        }
        for risk in source.record.risks
        if risk.check
        for one in risk.check.slices
    ]
    return made


def _considerations(source: Source) -> dict[str, Any]:
    charter, risks = source.record.charter, source.record.risks
    fair = [risk for risk in risks if "fairness" in risk.tags]
    found: dict[str, Any] = {
        "users": [tidy(charter.users)] if charter and charter.users else [],
        "useCases": [tidy(charter.intended_use)] if charter and charter.intended_use else [],
        "technicalLimitations": [
            *([tidy(f"Out of scope: {charter.out_of_scope}")] if charter and charter.out_of_scope else []),
            *(tidy(risk.residual_risk) for risk in risks if risk.residual_risk),
        ],
        "performanceTradeoffs": [tidy(f"A wrong decision costs {amounts_text(charter.cost_of_wrong)}")]
        if charter and charter.cost_of_wrong
        else [],
        "ethicalConsiderations": [
            {
                "name": tidy(f"{risk.id}: {risk.situation}"),
                **({"mitigationStrategy": tidy(risk.mitigation)} if risk.mitigation else {}),
            }
            for risk in risks
        ],
        "fairnessAssessments": [
            {
                "groupAtRisk": tidy(risk.situation),
                **({"harms": tidy(risk.effect)} if risk.effect else {}),
                **({"mitigationStrategy": tidy(risk.mitigation)} if risk.mitigation else {}),
            }
            for risk in fair
        ],
    }
    return {name: value for name, value in found.items() if value}


def _properties(source: Source) -> list[dict[str, str]]:
    answers = {True: "met", False: "not met", None: "not measured"}
    made = [
        {"name": f"mlgov:parameter:{tidy(name, 100)}", "value": tidy(value, 500)}
        for name, value in source.record.manifest.parameters.items()
    ]
    made += [{"name": f"mlgov:kpi:{wanted(kpi)}", "value": answers[kpi.met]} for kpi in source.record.kpis]
    for risk in source.record.risks:
        passed = risk.check.passed if risk.check else None
        said = {True: "passed", False: "failed", None: "no answer"}[passed] if risk.check else "none"
        made.append(
            {
                "name": f"mlgov:risk:{tidy(risk.id, 100)}",
                "value": f"{risk.severity}, {risk.status}, check {said}",
            }
        )
    return made


def _data(one: Input, place: int) -> dict[str, Any]:
    digits = hexadecimal(one.digest)
    return {
        "type": "data",
        "bom-ref": f"data:{place}",
        "name": tidy(one.uri, 500) or "unnamed",
        **({"hashes": [{"alg": "BLAKE3", "content": digits}]} if digits else {}),
        "data": [
            {
                "type": "dataset",
                "name": tidy(one.uri, 500) or "unnamed",
                "contents": {
                    "properties": [
                        {"name": "mlgov:evidence", "value": one.evidence},
                        *([{"name": "mlgov:rows", "value": str(one.rows)}] if one.rows is not None else []),
                        *(
                            [{"name": "mlgov:bytes", "value": str(one.bytes)}]
                            if one.bytes is not None
                            else []
                        ),
                    ]
                },
            }
        ],
    }


def _packages(source: Source) -> list[dict[str, Any]]:
    """What the kernel had loaded: only that can have changed the result."""
    held = source.record.environment
    if held is None:
        return []
    loaded = set(held.imported)
    return [
        {
            "type": "library",
            "bom-ref": f"package:{place}",
            "name": tidy(name, 200),
            "version": tidy(version, 100),
            "purl": f"pkg:pypi/{quote(name.lower().replace('_', '-'), safe='')}@{quote(version, safe='')}",
        }
        for place, (name, version) in enumerate(held.packages.items())
        if name in loaded
    ]
