"""The risk form: what is typed becomes a ``%%risk`` cell, and nothing is recorded before that cell runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import jupyter_mlgov as mlgov
from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.governance.annotations import parse_risk
from jupyter_mlgov.project import Project
from jupyter_mlgov.widgets.risk import RiskForm
from tests.kernel import Kernel
from tests.server.made import HOSTILE, snapshot

Start = Callable[..., Kernel]


def controls(form: RiskForm) -> tuple[dict[str, Any], Any, Any, Any, Any]:
    """The fields by name, both buttons, the cell's text and what is said."""
    *fields, buttons, text, said = form.widget.children
    check, write = buttons.children
    return {field.description: field for field in fields}, check, write, text, said


def test_what_is_typed_is_the_cell_and_parses_to_the_same() -> None:
    form = mlgov.risk_form()
    fields, *_, text, said = controls(form)
    fields["id"].value = "thin-data"
    fields["situation"].value = f"Few: {HOSTILE} # all\nof them"
    fields["severity"].value = "critical"
    fields["tags"].value = "data, model"
    fields["review by"].value = "2027-03-01"
    fields["check"].value = "n > 10\nrecall > 0.5"
    first, _, body = form.cell().partition("\n")
    risk = parse_risk(first.split()[1], body)
    assert (risk.id, risk.severity, risk.status, risk.review_by) == (
        "thin-data",
        "critical",
        "open",
        "2027-03-01",
    )
    assert risk.situation == f"Few: {HOSTILE} # all\nof them"
    assert risk.tags == ("data", "model")
    assert risk.check is not None
    assert [part.expression for part in risk.check.each] == ["n > 10", "recall > 0.5"]
    assert "&lt;img" in text.value and "<img" not in text.value
    assert said.value == ""


def test_what_is_missing_is_one_line() -> None:
    form = mlgov.risk_form()
    fields, check, *_, said = controls(form)
    check.click()
    assert "needs an id" in said.value
    fields["id"].value = "thin"
    check.click()
    assert "situation is missing" in said.value
    with pytest.raises(UsageError, match="situation is missing"):
        form.risk()


def test_a_known_risk_is_edited_with_all_that_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.open(tmp_path, create=True)
    stated = parse_risk(
        "thin",
        "situation: few\nseverity: high\nlikelihood: low\nresidual_risk: small\ntime_limit: 5\n"
        "test_data: {truth: y, score: p}\ncheck: [n > 1, n > 2]",
    )
    snapshot(project, risks=(stated,))
    monkeypatch.chdir(tmp_path)
    form = mlgov.risk_form("thin")
    assert parse_risk("thin", form.cell().partition("\n")[2]) == stated
    fields, *_ = controls(form)
    assert fields["id"].disabled
    fields["status"].value = "mitigated"
    changed = parse_risk("thin", form.cell().partition("\n")[2])
    assert (changed.status, changed.residual_risk, changed.test_data) == (
        "mitigated",
        "small",
        stated.test_data,
    )
    with pytest.raises(NotFound, match="none of that name"):
        mlgov.risk_form("nobody")


def test_without_ipywidgets_it_is_a_table_with_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    shown: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda page: shown.append(page.data))
    mlgov.risk_form()._ipython_display_()
    (page,) = shown
    assert "situation (needed)" in page and "low, medium, high, critical" in page and "%%risk" in page


def test_the_check_is_tried_in_the_session_and_nothing_is_recorded(kernel: Start, tmp_path: Path) -> None:
    one = kernel()
    for cell in (
        "%load_ext jupyter_mlgov",
        "%%experiment base\nsize = 3",
        "import jupyter_mlgov as mlgov\nform = mlgov.risk_form()\n_ = form.widget",
        "form.id = 'thin'\nform.values.update(situation='few', check='size >= 3')",
    ):
        one.must(cell)
    assert one.must("form.risk().check.passed, form.risk().check.terms[0].value").result == "(True, 3)"
    assert Project.open(tmp_path).show("base")["risks"] == []
    one.must("get_ipython().run_cell_magic('risk', 'thin', form.cell().partition('\\n')[2])")
    (risk,) = Project.open(tmp_path).show("base")["risks"]
    assert (risk["id"], risk["check"]["passed"]) == ("thin", True)
    assert one.must("mlgov.risk_form('thin').values['check']").result == "'size >= 3'"
