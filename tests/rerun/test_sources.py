"""Which sources of chance have to be held for two runs to agree: no kernels, an oracle answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.verdict import Cause, Finding
from jupyter_mlgov.rerun.sources import Source, sources_shown
from jupyter_mlgov.store import Store
from tests.store.making import make_manifest

RANDOM: Cause = "randomness.unseeded"
HASH: Cause = "randomness.hash-order"
THREADS: Cause = "randomness.threads"
LISTING: Cause = "randomness.filesystem-order"


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return make_manifest(Store.create(tmp_path / ".mlgov"))


def held(source: Source) -> set[Cause]:
    found: set[Cause] = set()
    found |= {RANDOM} if source.held.seed is not None else set()
    found |= {THREADS} if source.held.in_turn else set()
    found |= {LISTING} if source.held.listing is not None else set()
    found |= {HASH} if "PYTHONHASHSEED" in source.variables else set()
    return found


@pytest.mark.parametrize(
    ("guilty", "suspected", "elsewhere", "shown", "questions"),
    [
        ({RANDOM}, [RANDOM, THREADS], [HASH], [RANDOM], 1),
        ({HASH}, [RANDOM], [HASH], [HASH], 2),
        ({RANDOM, THREADS}, [THREADS, RANDOM], [HASH], [THREADS, RANDOM], 3),
        ({RANDOM, HASH}, [RANDOM], [HASH], [RANDOM, HASH], 3),
        ({RANDOM, HASH}, [RANDOM, THREADS, HASH], [], [RANDOM, HASH], 5),
        ({"time"}, [RANDOM], [HASH], [], 3),
    ],
)
def test_the_sources_that_are_needed_are_found_with_few_questions(
    guilty: set[Cause],
    suspected: list[Cause],
    elsewhere: list[Cause],
    shown: list[Cause],
    questions: int,
    manifest: Manifest,
) -> None:
    asked: list[set[Cause]] = []

    def agree(source: Source) -> bool:
        asked.append(held(source))
        return guilty <= held(source)

    sides = [
        [Finding(cause=cause, subject="x", message="", remedy="", confirmed=False) for cause in causes]
        for causes in (suspected, elsewhere)
    ]
    _, found = sources_shown(*sides, manifest, agree)
    assert [finding.cause for finding in found] == shown
    assert len(asked) <= questions + (1 if len(suspected) > 2 else 0), asked


def test_where_runs_ran_out_nothing_is_called_needed(manifest: Manifest) -> None:
    answers = iter([False, False, False, True, None])
    made = [
        Finding(cause=cause, subject="x", message="", remedy="", confirmed=False)
        for cause in (RANDOM, THREADS, HASH)
    ]
    assert sources_shown(made, [], manifest, lambda _: next(answers)) == (made, [])
