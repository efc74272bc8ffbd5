"""A slice of the benchmark that is quick enough for every run of the tests; the whole is ``make bench-faults``."""

from __future__ import annotations

import pytest

from tests.faults.reproducibility.bench import line_of, name_of
from tests.faults.reproducibility.subjects import SUBJECTS
from tests.faults.reproducibility.trial import attempt

CASES = (
    "pipeline: value in a CSV",
    "pipeline: imported local module changed",
    "numerics: package that changes only a repr",
    "numerics: out-of-order execution",
    "sales: Parquet rewritten equal",
    "figures: widget output",
    "settings: absolute path into the project",
    "routes: script missing",
)
KNOWN = {name_of(s.name, number): (s, faults) for s in SUBJECTS for number, faults in enumerate(s.cases())}


@pytest.mark.parametrize("name", CASES)
def test_the_cause_of_a_seeded_fault_is_named_and_a_control_is_clean(name: str) -> None:
    trial = attempt(*KNOWN[name])
    assert trial.right and trial.placed and trial.verdict_right, line_of(trial)


def test_every_cause_that_a_rerun_can_name_is_seeded_somewhere() -> None:
    seeded = {fault.cause for subject in SUBJECTS for fault in subject.faults}
    assert {
        "data.values", "data.rows", "data.order", "data.schema", "data.missing", "code.cell", "code.module",
        "environment.package", "environment.variable", "environment.cosmetic", "randomness.unseeded",
        "randomness.hash-order", "randomness.threads", "randomness.filesystem-order", "hidden-state.order",
        "hidden-state.deleted-cell", "hidden-state.repeated-run", "time", "path", None,
    } <= seeded  # fmt: skip
