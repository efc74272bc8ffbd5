"""The record in other shapes, each read by the standard's own library or schema."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_mlgov.errors import NotWritable, UsageError
from jupyter_mlgov.governance import signing
from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.project import Project
from jupyter_mlgov.report.record import read
from jupyter_mlgov.report.shapes import KINDS, Files, shape
from jupyter_mlgov.report.shapes.source import ONE, Source
from jupyter_mlgov.store import Store
from tests.report.sample import Sample
from tests.store.making import add_snapshot


def made(one: Sample, kind: str, key: Ed25519PrivateKey | None = None) -> Files:
    project = Project(one.store.folder.parent, one.store)
    source = Source(read(one.store, one.id), project.describe(one.id), decide(one.store, one.id), key)
    files = shape(kind).make(source)
    assert shape(kind).make(source) == files, "the same record gives the same bytes"
    return files


def text(one: Sample, kind: str, key: Ed25519PrivateKey | None = None) -> str:
    data = made(one, kind, key)[ONE]
    assert data is not None
    return data.decode()


@pytest.fixture(params=["rich", "good", "bare", "strange"])
def each(request: pytest.FixtureRequest) -> Sample:
    found: Sample = request.getfixturevalue(request.param)
    return found


def test_a_model_card_is_read_by_the_hubs_own_library(each: Sample) -> None:
    from huggingface_hub import ModelCard, ModelCardData

    held = text(each, "model-card")
    card = ModelCard(held)
    assert isinstance(card.data, ModelCardData)
    assert card.data.tags is not None
    manifest = each.store.manifest(each.id)
    results = card.data.eval_results or []
    assert {one.metric_type: one.metric_value for one in results} in (
        {},
        {name: value for name, value in manifest.metrics.items() if isinstance(value, float)},
    )
    assert "\n# " in card.content
    assert "<script" not in card.text
    assert held.count("\n---\n") == 1, "nothing in the record ends the metadata"
    # A card that is read and written is the same card.
    assert ModelCard(str(card)).data.to_dict() == card.data.to_dict()


def test_the_results_of_a_card_carry_the_runs_metrics(good: Sample) -> None:
    from huggingface_hub import ModelCard

    results = ModelCard(text(good, "model-card")).data.eval_results
    assert results is not None
    assert {one.metric_type: one.metric_value for one in results}["auc"] == 0.8123
    assert {one.task_type for one in results} == {"tabular-classification"}


def test_an_ml_bom_is_valid_against_the_schema(each: Sample) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    held = text(each, "cyclonedx")
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(held) is None
    bom = json.loads(held)
    references = [one["bom-ref"] for one in (bom["metadata"]["component"], *bom["components"])]
    assert len(set(references)) == len(references)
    assert {one["ref"] for one in bom["dependencies"]} == set(references)
    assert bom["metadata"]["component"]["type"] == "machine-learning-model"


def test_an_ml_bom_is_read_by_the_standards_library(good: Sample) -> None:
    from cyclonedx.model.bom import Bom

    bom = Bom.from_json(json.loads(text(good, "cyclonedx")))  # type: ignore[attr-defined]
    assert bom.metadata.component is not None
    manifest = good.store.manifest(good.id)
    hashes = {one.content for component in bom.components for one in component.hashes}
    assert {one.digest.removeprefix("blake3:") for one in manifest.inputs if one.digest} <= hashes
    assert {str(component.purl).split("@")[0] for component in bom.components if component.purl}


def test_an_in_toto_statement_is_valid_and_its_envelope_holds(each: Sample) -> None:
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    plain = json.loads(text(each, "in-toto"))
    parsed = json_format.ParseDict(plain, statement_pb2.Statement())
    Statement.copy_from_pb(parsed).validate()
    assert plain["subject"][0]["digest"]["blake3"] == each.id
    assert plain["predicate"]["runDetails"]["metadata"]["invocationId"] == each.id
    envelope = Envelope.from_dict(json.loads(text(each, "in-toto", key)))
    public = key.public_key().public_bytes_raw().hex()
    name = signing.key_text(key.public_key())
    assert envelope.verify([SSlibKey(name, "ed25519", "ed25519", {"public": public})], 1)
    assert json.loads(envelope.payload) == plain


def written(one: Sample, kind: str, folder: Path) -> Path:
    for path, data in made(one, kind).items():
        assert not path.is_absolute()
        assert ".." not in path.parts
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(data)
    return folder


def test_a_crate_is_read_by_the_standards_library(each: Sample, tmp_path: Path) -> None:
    from rocrate.rocrate import ROCrate

    crate = ROCrate(str(written(each, "ro-crate", tmp_path)))
    assert crate.mainEntity is not None
    assert crate.mainEntity.type == ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
    (action,) = crate.get_by_type("CreateAction")
    assert action["instrument"].id == crate.mainEntity.id
    assert action["agent"].type == "Person"
    manifest = each.store.manifest(each.id)
    assert len([one for one in action.get("object", []) if one.type == "CreativeWork"]) == len(
        manifest.inputs
    )
    for entity in crate.data_entities:
        if entity.type == "File":
            assert (tmp_path / entity.id).is_file()
    for value in crate.get_by_type("FormalParameter"):
        assert value["conformsTo"]
    declared = {one.id if hasattr(one, "id") else one for one in crate.root_dataset["conformsTo"]}
    assert "https://w3id.org/ro/wfrun/workflow/0.5" in declared
    for context in json.loads((tmp_path / "ro-crate-metadata.json").read_text())["@graph"]:
        assert_resolves(context, crate)


def assert_resolves(entity: dict[str, Any], crate: Any) -> None:
    """Each reference inside the crate leads somewhere."""
    for value in entity.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and set(one) == {"@id"} and one["@id"].startswith("#"):
                assert crate.dereference(one["@id"]) is not None, one


def test_a_run_lies_as_mlflows_file_store_does(each: Sample, tmp_path: Path) -> None:
    import yaml

    written(each, "mlflow", tmp_path)
    manifest = each.store.manifest(each.id)
    (experiment,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    meta = yaml.safe_load((experiment / "meta.yaml").read_text())
    assert meta["experiment_id"] == experiment.name
    (run,) = [path for path in experiment.iterdir() if path.is_dir()]
    meta = yaml.safe_load((run / "meta.yaml").read_text())
    assert (meta["run_id"], meta["experiment_id"]) == (run.name, experiment.name)
    ended = datetime.fromisoformat(manifest.created_at).timestamp() * 1000
    assert meta["end_time"] == ended
    numbers = [name for name, value in manifest.metrics.items() if value not in ("x",)]
    for path in (run / "metrics").glob("*"):
        for line in path.read_text().splitlines():
            moment, value, _ = line.split(" ")
            assert int(moment) == ended
            float(value)
    assert len(list((run / "metrics").glob("*"))) <= len(numbers) + len(manifest.series)
    assert (run / "tags" / "mlgov.snapshot").read_text() == each.id


def test_json_is_the_record_with_the_gate(each: Sample) -> None:
    document = json.loads(text(each, "json"))
    assert document["id"] == each.id
    assert document["gate"]["snapshot"] == each.id
    assert "history" in str(document["risks"]) or not document["risks"]


def test_each_kind_is_written_whole_where_it_is_asked_for(tmp_path: Path) -> None:
    add_snapshot(Store.create(tmp_path / ".mlgov"), metrics={"auc": 0.5})
    project = Project.open(tmp_path)
    for kind in KINDS:
        path = project.export_as("baseline", kind, tmp_path / kind)
        assert path.is_dir() is shape(kind).folder
    with pytest.raises(NotWritable, match="is there already"):
        project.export_as("baseline", "ro-crate", tmp_path / "ro-crate")
    with pytest.raises(UsageError, match="did you mean cyclonedx"):
        project.export_as("baseline", "cyclondx", tmp_path / "x")
    with pytest.raises(UsageError, match="leave it out for json"):
        project.export_as("baseline", "json", tmp_path / "x", key="default")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([".mlgov", *KINDS])
