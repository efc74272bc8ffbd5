"""A retrained snapshot's report says of which release it came, on which data, and how both models do on the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.retraining import Contest, Measured, Retrained, Retraining
from jupyter_mlgov.report import build, render
from jupyter_mlgov.store import Store
from tests.store.making import make_manifest


def store_with(folder: Path, contest: Contest | None) -> tuple[Store, str]:
    store = Store.create(folder / ".mlgov")
    first = store.commit(make_manifest(store)).subject
    told = Retrained(
        model="credit", stage="production", number=3, uri="data/<b>loans</b>.csv", before="blake3:" + "ab" * 32,
        rows_before=600, rows_new=412, source="predictions", mode="added", rows=store.put(b"rows"),
        first="2026-11-01T09:00:00+00:00", last="2026-11-26T09:00:00+00:00",
    )  # fmt: skip
    snapshot = store.commit(make_manifest(store, parent=first, retrained=told)).subject
    if contest is not None:
        made = Retraining(
            model="credit", stage="production", number=3, champion=first, snapshot=snapshot, reference="baseline@2",
            uri=told.uri, source="predictions", mode="added", rows_before=600, rows_new=412, contest=contest,
            outcome="ready", reasons=("better",),
        )  # fmt: skip
        body = {"outcome": "ready", "retraining": store.put(canonical(made))}
        store.append("retrain", snapshot, body)
    return store, snapshot


def contest(verdict: str = "better", **fields: object) -> Contest:
    given = {
        "metric": "auc", "rows": 203, "champion": Measured(value=0.74, low=0.7, high=0.78),
        "challenger": Measured(value=0.81, low=0.77, high=0.85), "gain": Measured(value=0.07, low=0.03, high=0.11),
        "reason": "so it is", "notes": ("a <script> of a note",),
    }  # fmt: skip
    return Contest(**{**given, **fields}, verdict=verdict)  # type: ignore[arg-type]


def test_it_names_release_data_and_both_models_with_intervals(tmp_path: Path) -> None:
    store, snapshot = store_with(tmp_path, contest())
    made = build(store, snapshot, decide(store, snapshot))
    view = made.retrained
    assert view is not None and view.beside is not None
    assert view.lead.startswith("412 rows of predictions whose outcome became known (")
    assert "were added to 600 recorded ones" in view.lead
    assert [(side.value, side.interval) for side in view.beside.sides] == [
        ("0.74", "0.7 to 0.78"),
        ("0.81", "0.77 to 0.85"),
        ("0.07", "0.03 to 0.11"),
    ]
    assert any(fact.label == "Retrained from" and fact.value == "credit:production@3" for fact in made.facts)
    page = render(made)
    assert "Retrained on new data" in page
    assert "auc, 203 rows" in page
    assert "<b>loans" not in page
    assert "<script" not in page
    assert 'class="c-interval"' in page


@pytest.mark.parametrize(
    "found", [None, contest("not comparable", champion=None, challenger=None, gain=None)]
)
def test_what_was_not_compared_is_said(tmp_path: Path, found: Contest | None) -> None:
    store, snapshot = store_with(tmp_path, found)
    page = render(build(store, snapshot, decide(store, snapshot)))
    assert ("so it is" if found else "the retraining ended before that") in page


def test_any_other_snapshot_says_nothing_of_it(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    snapshot = store.commit(make_manifest(store)).subject
    made = build(store, snapshot, decide(store, snapshot))
    assert made.retrained is None
    assert "Retrained" not in render(made)
