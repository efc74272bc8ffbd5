"""Every read of the table is an input, with the right evidence, and nothing else is one."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from filelock import FileLock

from tests.capture.read_rows import PANDAS_PARQUET, ROWS, Row
from tests.capture.read_table import PAGE, of_row, page, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the table is that of a system with inotify")


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Any]:
    """What one snapshot says of all rows. Processes that test in parallel share one run."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    result = shared / "reads.json"
    with FileLock(shared / "reads.lock"):
        if not result.exists():
            folder = shared / "reads"
            folder.mkdir()
            result.write_text(json.dumps(run(folder)))
    found: dict[str, Any] = json.loads(result.read_text())
    return found


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
def test_a_read_is_an_input_with_its_evidence(row: Row, document: dict[str, Any]) -> None:
    items = of_row(document, row)
    assert set(items) == set(row.reads)
    for item in items.values():
        assert item["digest"].startswith("blake3:")
        assert (item["evidence"], item["derived"], item["unstable"]) == (row.evidence, False, False)
        assert len(item["members"] or ()) == row.members


def test_nothing_else_is_an_input(document: dict[str, Any]) -> None:
    known = {item["uri"] for row in ROWS for item in of_row(document, row).values()}
    assert {item["uri"] for item in document["inputs"]} - known == set()


def test_a_complete_record_has_no_warning(document: dict[str, Any]) -> None:
    assert document["warnings"] == []


@pytest.mark.skipif(PANDAS_PARQUET != "observed", reason="the page is written with pandas 3")
def test_the_page_is_current(document: dict[str, Any]) -> None:
    written, found = PAGE.read_text(encoding="utf-8").splitlines(), page(document).splitlines()
    assert without_descriptors(written) == without_descriptors(found), (
        "run: python -m tests.capture.read_table"
    )
    for one, other in zip(written, found, strict=True):
        if descriptor(one) == " yes ":
            assert descriptor(other) == " yes ", one


def descriptor(line: str) -> str | None:
    """The mark in that column. A thread of a library's own may keep a file a moment longer than its cell runs: then there
    is one more."""
    fields = line.split("|")
    return fields[6] if len(fields) == 10 else None


def without_descriptors(lines: list[str]) -> list[str]:
    return [
        "|".join(line.split("|")[:6] + line.split("|")[7:]) if descriptor(line) else line for line in lines
    ]
