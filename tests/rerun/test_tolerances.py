"""How far a metric may be off, and that an equivalent verdict says by how much."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.manifest import Code, Column, Frame, Module
from jupyter_mlgov.rerun.compare import compare
from jupyter_mlgov.rerun.tolerances import tolerances
from tests.rerun.making import Maker, frame, model, printed

CELL = "%%experiment base\nauc = f()"


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def said(make: Maker, before: float, after: float, **baseline: object) -> tuple[str, str]:
    one = make.baseline([CELL], metrics={"auc": before}, **baseline)
    found = compare(make.store, one, make.run([CELL], metrics={"auc": after}))
    return found.verdict, found.summary


def test_what_floating_point_does_is_allowed_and_said(make: Maker) -> None:
    assert said(make, 0.1 + 0.2, 0.3) == ("equivalent", "auc is off by 5.6e-17 (allowed: 1e-09 of its value)")
    assert said(make, 0.3, 0.3) == ("reproduced", "")
    assert said(make, 0.3, 0.30001)[0] == "diverged"


def test_the_nearest_declaration_counts(make: Maker, tmp_path: Path) -> None:
    assert said(make, 0.83, 0.831)[0] == "diverged"
    (tmp_path / "mlgov.toml").write_text("[tolerances]\nauc = 1e-3\n", encoding="utf-8")
    assert said(make, 0.83, 0.831) == ("equivalent", "auc is off by 0.001 (allowed: 0.001)")
    assert said(make, 0.83, 0.831, tolerances={"auc": 1e-4})[0] == "diverged"
    (tmp_path / "mlgov.toml").write_text('[tolerances]\n"a*" = 0.01\n', encoding="utf-8")
    assert said(make, 0.83, 0.838)[0] == "equivalent"


def test_printed_low_bits_are_said_where_no_metric_moved(make: Maker) -> None:
    one = make.baseline([("x", [printed("0.30000000000000004")]), CELL])
    other = make.run([("x", [printed("0.3")]), CELL])
    found = compare(make.store, one, other)
    assert found.verdict == "equivalent"
    assert found.summary == "cell 1: numbers are off by 2e-16 of their value at most"


LOAD = "import pandas as pd\ndf = pd.read_csv('loans.csv')"
WAS = {"metrics": {"auc": 0.1 + 0.2}, "frames": (frame("X", "a", x="x"),), "models": (model("m", "a"),)}
NOW = {"metrics": {"auc": 0.3}, "frames": (frame("X", "b", x="y"),), "models": (model("m", "b"),)}


def settled(make: Maker, was: list[str], now: list[str], **changed: object) -> dict[str, str]:
    fields = {"packages": {"numpy": "2.1"}} | NOW | changed
    found = compare(make.store, make.baseline(was, **WAS), make.run(now, **fields))  # type: ignore[arg-type]
    apart = {value.status for value in found.values} & {"different", "not compared"}
    assert found.verdict == ("diverged" if apart else "equivalent")
    return {value.name: value.status for value in found.values if value.kind != "metric"}


def test_what_low_bits_were_computed_from_may_be_off_in_low_bits(make: Maker) -> None:
    assert settled(make, [LOAD, CELL], [LOAD, CELL]) == {"X": "equivalent", "m": "equivalent"}
    seeded = LOAD + "\nX = df.sample(5, random_state=0)"
    assert settled(make, [seeded, CELL], [seeded, CELL]) == {"X": "equivalent", "m": "equivalent"}


@pytest.mark.parametrize(
    ("was", "now", "changed"),
    [
        (LOAD, LOAD + "\nX = df * 2", {}),
        (LOAD + "\nX = df.sample(5)", LOAD + "\nX = df.sample(5)", {}),
        (
            LOAD + "\nimport glob\nfor p in glob.glob('*.csv'): X = read(p)",
            LOAD + "\nimport glob\nfor p in glob.glob('*.csv'): X = read(p)",
            {},
        ),
        (LOAD, LOAD, {"python": "3.12.1"}),
        (LOAD, LOAD, {"variables": {"ROWS": "5"}}),
    ],
)
def test_where_something_else_can_have_changed_them_they_differ(
    make: Maker, was: str, now: str, changed: dict[str, object]
) -> None:
    assert settled(make, [was, CELL], [now, CELL], **changed) == {"X": "different", "m": "different"}


@pytest.mark.parametrize(
    "other",
    [
        replace(frame("X", "b", x="y"), rows=2),
        frame("X", "b", y="y"),
        frame("X", "b", x="x"),  # its index differs
        replace(frame("X", "b", x="y"), columns=(Column(name="x", dtype="int64", digest="y"),)),
        replace(frame("X", "b"), digest=None, reason="too long"),
    ],
)
def test_only_columns_of_floating_point_have_low_bits(make: Maker, other: Frame) -> None:
    found = settled(make, [LOAD, CELL], [LOAD, CELL], frames=(other,), models=WAS["models"])
    assert found["X"] in ("different", "not compared")


def test_a_model_with_other_parameters_is_another(make: Maker) -> None:
    other = replace(model("m", "b"), parameters={"C": 2})
    assert settled(make, [LOAD, CELL], [LOAD, CELL], models=(other,)) == {"X": "equivalent", "m": "different"}


def test_a_module_that_draws_without_a_seed_settles_nothing(make: Maker) -> None:
    source = make.text("import numpy as np\ndef draw():\n    return np.random.default_rng().normal()")
    code = Code(modules=(Module(path="draws.py", digest="blake3:1", name="draws", source=source),))
    one = make.baseline([LOAD, CELL], code=code, **WAS)  # type: ignore[arg-type]
    found = compare(make.store, one, make.run([LOAD, CELL], code=code, **NOW))  # type: ignore[arg-type]
    assert found.verdict == "diverged"


@pytest.mark.parametrize("written", ["auc = -1", "auc = 'small'", "auc = true", "auc = inf"])
def test_what_is_no_tolerance_is_refused_with_its_name(tmp_path: Path, written: str) -> None:
    (tmp_path / "mlgov.toml").write_text(f"[tolerances]\n{written}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"\[tolerances\]: auc = .* is no tolerance: write a number"):
        tolerances(tmp_path)
