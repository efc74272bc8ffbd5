"""Every row of the digest table holds, and the page that shows it is current."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlgov.hashing.estimators import describe_model
from jupyter_mlgov.hashing.frames import describe_frame
from tests.hashing.digest_table import PAGE, NoDigest, Row, page, rows
from tests.hashing.rows_reasons import NO_DIGEST


def digest(value: Any) -> str:
    description = describe_frame(value) or describe_model(value)
    assert description is not None
    assert description.digest is not None, description.reason
    assert description.reason is None
    return description.digest


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in rows()])
def test_the_table_holds(row: Row) -> None:
    if row.needs is not None:
        pytest.importorskip(row.needs)

    @given(row.pairs)
    @settings(
        max_examples=5 if row.section == "Models" else 30,
        deadline=None,
        suppress_health_check=[
            HealthCheck.filter_too_much,
            HealthCheck.too_slow,
            HealthCheck.differing_executors,
        ],
    )
    def holds(pair: tuple[Any, Any]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert (digest(pair[0]) != digest(pair[1])) == row.changes

    holds()


@pytest.mark.parametrize("item", [pytest.param(item, id=item.what) for item in NO_DIGEST])
def test_what_has_no_digest_has_a_reason(item: NoDigest) -> None:
    if item.needs is not None:
        importlib.import_module(item.needs) if importlib.util.find_spec(item.needs) else pytest.skip(
            item.needs
        )
    description = describe_frame(item.make())
    assert description is not None
    assert (description.digest, description.reason) == (None, item.reason)


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.hashing.digest_table"


assert st
