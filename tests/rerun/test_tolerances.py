"""How far a metric may be off, and that an equivalent verdict says by how much."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.rerun.compare import compare
from jupyter_mlgov.rerun.tolerances import tolerances
from tests.rerun.making import Maker, printed

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


@pytest.mark.parametrize("written", ["auc = -1", "auc = 'small'", "auc = true", "auc = inf"])
def test_what_is_no_tolerance_is_refused_with_its_name(tmp_path: Path, written: str) -> None:
    (tmp_path / "mlgov.toml").write_text(f"[tolerances]\n{written}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"\[tolerances\]: auc = .* is no tolerance: write a number"):
        tolerances(tmp_path)
