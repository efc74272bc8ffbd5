"""Many snapshots at once, and the short way through the ledger to what became of risks."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlgov.errors import Missing
from jupyter_mlgov.governance.risk_history import risk_history
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Risk
from jupyter_mlgov.store import Store, folder
from tests.store.making import fresh, make_manifest


def test_many_snapshots_are_what_one_by_one_would_have_made(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_TOGETHER", 4)
    made = [make_manifest(store, message=str(turn), experiment="ab"[turn % 2]) for turn in range(10)]
    made.append(made[3])
    made.append(msgspec.structs.replace(made[0], kind="candidate", baseline="0" * 64))
    entries = store.commit_all(made)
    assert [entry.body.get("number") for entry in entries] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 2, None]
    assert entries[10] == entries[3]
    assert [line.number for line in store.log(experiment="a")] == [5, 4, 3, 2, 1]
    assert store.commit_all(made) == entries
    assert store.fsck() == []
    before = store.log(candidates=True)
    assert len(before) == 11
    store.reindex()
    assert store.log(candidates=True) == before


def test_where_one_of_many_fails_those_before_it_are_made(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_TOGETHER", 2)
    made = [make_manifest(store, message=str(turn)) for turn in range(5)]
    made[3] = msgspec.structs.replace(made[3], environment="blake3:" + "0" * 64)
    with pytest.raises(Missing, match="run the cell again"):
        store.commit_all(made)
    assert [line.message for line in store.log()] == ["1", "0"]
    assert store.fsck() == []


def test_a_part_of_a_long_list_is_that_part_of_the_whole_list(store: Store) -> None:
    other = [make_manifest(store, message=str(turn), experiment="xyx"[turn % 3]) for turn in range(12)]
    store.commit_all(other)
    project = Project(store.folder.parent, store)
    for narrowed in ({}, {"experiment": "x"}, {"experiment": "absent"}, {"notebook": "absent.ipynb"}):
        whole = store.log(**narrowed)
        assert store.listed(**narrowed) == len(whole)
        for offset in (0, 3, 100):
            assert project.page(**narrowed, limit=4, offset=offset) == (
                whole[offset : offset + 4],
                len(whole),
            )
        assert store.log(**narrowed, offset=2) == whole[2:]
    assert project.page("message:1", limit=2) == (store.log()[:2], 3)
    assert store.experiments() == ["x", "y"]


RISKS = [Risk(id=name, situation="s", severity="low", likelihood="low", status=status)
         for name in "ab" for status in ("open", "mitigated")]  # fmt: skip
STEPS = st.lists(
    st.tuples(st.just("snapshot"), st.sampled_from("xy"), st.lists(st.sampled_from(RISKS), max_size=2))
    | st.tuples(st.just("risk"), st.integers(0, 9), st.sampled_from(RISKS)),
    min_size=1,
    max_size=12,
)


@given(STEPS)
@settings(max_examples=25, deadline=None)
def test_nothing_that_became_of_a_risk_is_passed_over(steps: list[Any]) -> None:
    with fresh() as store:
        made: list[tuple[str, str]] = []
        for turn, (what, which, given_risks) in enumerate(steps):
            if what == "snapshot":
                risks = tuple({risk.id: risk for risk in given_risks}.values())
                manifest = make_manifest(store, experiment=which, risks=risks, message=str(turn))
                made.append((which, store.commit(manifest).subject))
            elif made:
                store.append("risk", made[which % len(made)][1], msgspec.to_builtins(given_risks))
        for experiment in "xy":
            line = [name for label, name in made if label == experiment]
            for until in (None, *line):
                short = risk_history(store, experiment, until=until)
                inside = line[: line.index(until) + 1] if until else line
                everything = [
                    (entry, store.number(entry.subject))
                    for entry in store.entries()
                    if entry.subject in inside and entry.kind in ("snapshot", "risk")
                ]
                whole = risk_history(_Reading(store, everything), experiment, until=until)  # type: ignore[arg-type]
                assert short == whole


class _Reading:
    """The store, with every entry of the line in place of the short way."""

    def __init__(self, store: Store, everything: list[Any]) -> None:
        self.risk_entries = lambda experiment, *, until: everything
        self.manifest = store.manifest
