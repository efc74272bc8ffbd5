"""Assessments and kept rows are written and read back as they were, and the store keeps what they name."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jupyter_mlgov.errors import Missing
from jupyter_mlgov.records.assessment import Assessment, Figure, HeldRows, TestResult
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.store import Store
from tests.store.making import make_manifest

RESULT = TestResult(
    id="performance.auc",
    group="performance",
    question="Is the AUC as high as the charter asks?",
    value=0.81,
    low=float("-inf"),
    high=0.9,
    verdict="too-small",
    table=({"group": "a", "value": 0.5}, {"group": None, "value": 1}),
)


def make(store: Store, snapshot: str) -> Assessment:
    picture, data = store.put_all([b"<svg/>", b"rows"])
    result = msgspec.structs.replace(RESULT, figure=Figure(title="ROC", object=picture))
    return Assessment(
        snapshot=snapshot, suite="blake3:" + "0" * 64, task="binary", data=data, rows=10, results=(result,)
    )


def test_an_assessment_is_read_back_as_it_was(tmp_path: Path):
    store = Store.create(tmp_path / ".mlgov")
    made = make(store, store.commit(make_manifest(store)).subject)
    read = msgspec.json.decode(canonical(made), type=Assessment)
    assert read.results[0].low == "-Infinity"
    assert canonical(read) == canonical(made)
    assert read.counts() == {
        "fail": 0,
        "error": 0,
        "too-small": 1,
        "pass": 0,
        "measured": 0,
        "not-applicable": 0,
    }


def test_fsck_misses_a_picture_that_an_assessment_names(tmp_path: Path):
    store = Store.create(tmp_path / ".mlgov")
    snapshot = store.commit(make_manifest(store)).subject
    made = make(store, snapshot)
    body = {"assessment": store.put(canonical(made)), "attributions": None, "objects": list(made.objects())}
    store.append("assessment", snapshot, body)
    assert store.fsck() == []
    digest = made.objects()[0].removeprefix("blake3:")
    (store.folder / "objects" / digest[:2] / digest[2:]).unlink()
    (problem,) = store.fsck()
    assert problem.kind == "object.missing"
    assert problem.snapshots == (snapshot,)


def test_a_snapshot_whose_test_rows_are_not_in_the_store_is_refused(tmp_path: Path):
    store = Store.create(tmp_path / ".mlgov")
    rows = HeldRows(role="test", object="blake3:" + "a" * 64, rows=3)
    with pytest.raises(Missing):
        store.commit(make_manifest(store, rows=(rows,)))


def test_a_manifest_of_before_there_were_test_rows_is_read(tmp_path: Path):
    store = Store.create(tmp_path / ".mlgov")
    fields = msgspec.to_builtins(make_manifest(store))
    del fields["rows"], fields["inputs_schema"]
    assert msgspec.convert(fields, Manifest).rows == ()
