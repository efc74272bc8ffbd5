from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_mlgov.governance.risk_history import RiskEvent, risk_history
from jupyter_mlgov.records.annotations import Check, Risk
from jupyter_mlgov.records.canonical import identity
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / ".mlgov")


def risk(passed: bool | None = None, **fields: Any) -> Risk:
    check = Check(expression=fields.pop("expression", "gap < 1"), passed=passed)
    return Risk(
        **{"id": "gap", "situation": "x", "severity": "high", "likelihood": "low", "check": check, **fields}
    )


def told(events: tuple[RiskEvent, ...]) -> list[tuple[int | None, str]]:
    return [(event.number, event.what) for event in events]


def test_a_risks_life_over_snapshots_is_read_from_the_ledger(store: Store) -> None:
    first = add_snapshot(store, message="1", risks=(risk(False),))
    store.append("risk", first, msgspec.to_builtins(risk(True)))
    add_snapshot(store, message="2", risks=(risk(True),))
    add_snapshot(store, message="3", risks=(risk(False, status="accepted", owner="Ada"),))
    add_snapshot(store, message="4", risks=(risk(None, severity="low"),))
    add_snapshot(store, message="5", risks=(risk(None, severity="low", status="closed"),))
    add_snapshot(store, message="6")
    events = risk_history(store, "baseline")["gap"]
    assert told(events) == [
        (1, "opened"),
        (1, "check failed"),
        (1, "check passed"),
        (3, "changed"),
        (3, "accepted"),
        (3, "check failed"),
        (4, "changed"),
        (4, "reopened"),
        (4, "check gave no answer"),
        (5, "closed"),
        (6, "dropped"),
    ]
    assert events[4].detail == "by Ada"
    assert events[6].detail == "severity, owner"
    names = {identity(entry) for entry in store.entries()}
    assert {event.entry for event in events} <= names


def test_the_history_of_an_older_snapshot_ends_with_it(store: Store) -> None:
    first = add_snapshot(store, message="1", risks=(risk(True),))
    add_snapshot(store, message="2", risks=(risk(False),))
    store.append("risk", first, msgspec.to_builtins(risk(True, situation="y")))
    events = risk_history(store, "baseline", until=first)["gap"]
    assert [(one.what, one.detail) for one in events] == [
        ("opened", "high severity, low likelihood"),
        ("check passed", ""),
        ("changed", "situation"),
    ]


def test_other_experiments_and_unreadable_bodies_say_nothing(store: Store) -> None:
    add_snapshot(store, experiment="other", risks=(risk(True),))
    made = add_snapshot(store, message="1")
    store.append("risk", made, {"id": "gap", "severity": "none at all"})
    assert risk_history(store, "baseline") == {}
