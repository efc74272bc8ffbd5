from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.governance.markdown import NOT_EXECUTED, read_annotations

RISK = "situation: x\nseverity: high\nlikelihood: low\ncheck: gap < 1\n"


def cell(source: Any, tag: str = "risk", **fields: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": "c1", "metadata": {"tags": ["x", tag]}, "source": source, **fields}


def fenced(body: str, *, fence: str = "```", word: str = "yaml") -> str:
    return f"# Risk: Thin data!\n\nWhy.\n\n{fence}{word}\n{body}{fence}\nAfter.\n"


def test_a_tagged_cell_is_a_risk_whose_check_was_not_executed() -> None:
    found = read_annotations({"cells": [{}, cell(fenced("id: thin\n" + RISK).splitlines(keepends=True))]})
    (risk,) = found.risks
    assert (risk.id, risk.cell, risk.source) == ("thin", 1, "markdown")
    assert risk.check is not None
    assert (risk.check.expression, risk.check.passed) == ("gap < 1", None)
    assert risk.check.error == NOT_EXECUTED["markdown"]
    assert found.problems == ()


def test_a_risk_without_an_id_is_named_by_its_heading_or_its_cell() -> None:
    plain = fenced(RISK, fence="~~~~", word="yml").replace("# Risk: Thin data!", "")
    found = read_annotations({"cells": [cell(fenced(RISK)), cell(plain)]})
    assert [risk.id for risk in found.risks] == ["thin-data", "c1"]


def test_a_tagged_charter_is_read() -> None:
    charter, risks, problems = read_annotations(
        {"cells": [cell(fenced("title: A\nkpis: auc > 0.5\n"), "charter")]}
    )
    assert charter is not None
    assert (charter.title, charter.kpis[0].metric, risks, problems) == ("A", "auc", (), ())


def test_what_is_wrong_in_one_cell_is_told_with_its_line_and_hides_no_other() -> None:
    found = read_annotations(
        {
            "cells": [
                cell(fenced("situation: x\nseverity: hgih\n")),
                cell("no block at all"),
                cell(fenced(RISK)),
                cell(fenced(RISK)),
                cell(fenced("title: A\n"), "charter"),
                cell(fenced("title: B\n"), "charter"),
            ]
        }
    )
    assert [risk.id for risk in found.risks] == ["thin-data"]
    assert found.charter is not None
    assert found.charter.title == "A"
    assert found.problems[0].startswith("cell 1, line 7: severity 'hgih' is not one of")
    assert "cell 2: tagged risk, but has no ```yaml block" in found.problems[1]
    assert "cell 4, line 6: a second risk 'thin-data'" in found.problems[2]
    assert "cell 6, line 6: a second charter" in found.problems[3]


def test_other_cells_are_left_alone() -> None:
    code = cell(fenced(RISK)) | {"cell_type": "code"}
    untagged = cell(fenced(RISK)) | {"metadata": {}}
    assert read_annotations({"cells": [code, untagged]}) == (None, (), ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON, JSON)
def test_no_notebook_makes_it_raise(cells: Any, metadata: Any, source: Any) -> None:
    read_annotations({"cells": cells})
    read_annotations({"cells": [{"cell_type": "markdown", "metadata": metadata, "source": source}]})
    read_annotations({"cells": [cell(source)]})
    read_annotations({"cells": [cell(fenced(f"{source}\n"), "charter")]})
