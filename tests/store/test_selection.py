"""Searches as people type them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.store.listing import LogEntry
from jupyter_mlgov.store.selection import Selection


def entry(**facts: Any) -> LogEntry:
    known: dict[str, Any] = {
        "id": "ab" * 32,
        "experiment": "churn-forest",
        "number": 7,
        "created_at": "2026-11-23T10:00:00Z",
        "notebook": "work/Churn.ipynb",
        "metrics": {"auc": 0.83, "loss": 1e-3, "top f1": 0.5, "broken": "NaN"},
        "status": "ok",
        "message": "deeper trees",
        "author": "Anna Ong",
        "kpis_met": True,
        "verdict": "reproduced",
        "tags": ("candidate", "Q3 board"),
    }
    return LogEntry(**{**known, **facts})


@pytest.mark.parametrize(
    "query",
    [
        "",
        "churn",
        "CHURN trees",
        "auc>=0.8",
        "auc >= 0.8 loss<0.01",
        "auc=0.83",
        '"top f1"<=0.5',
        "author:anna",
        'author:"Anna Ong"',
        "notebook:churn.ipynb",
        "verdict:reproduced status:ok kpis:met",
        "#7",
        "churn-forest@7",
        "abababab",
        "auc!=1 deeper",
        "tag:candidate",
        'tag:"q3 board" auc>0.8',
        "candidate trees",
    ],
)
def test_a_snapshot_is_found_by(query: str) -> None:
    assert Selection.of(query).matches(entry())


@pytest.mark.parametrize(
    "query",
    [
        "tag:churn",
        "tag:candidateq3",
        "auc>0.83",
        "broken>0",
        "missing>0",
        "author:bob",
        "verdict:never",
        "kpis:missed",
        "status:error",
        "churn auc<0.5",
        "trees shallow",
        "#8",
        "cdcdcdcd",
    ],
)
def test_a_snapshot_is_left_out_by(query: str) -> None:
    assert not Selection.of(query).matches(entry())


def test_what_was_never_rerun_is_found_as_such() -> None:
    assert Selection.of("verdict:never").matches(entry(verdict=None))


def test_the_order_of_the_list_stays() -> None:
    entries = [entry(number=number, metrics={"auc": number / 10}) for number in range(9, 0, -1)]
    found = Selection.of("auc>=0.4 auc<0.8").of_these(entries)
    assert [one.number for one in found] == [7, 6, 5, 4]


@given(st.text())
def test_nothing_that_is_typed_is_an_error(query: str) -> None:
    Selection.of(query).matches(entry())
