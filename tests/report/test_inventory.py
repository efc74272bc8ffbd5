from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_mlgov.governance.policy import Policy
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.annotations import Charter, Check, Risk
from jupyter_mlgov.report import inventory, render_inventory
from jupyter_mlgov.report.inventory import Said
from jupyter_mlgov.store import Store
from tests.report.conftest import Listener, Seen
from tests.report.sample import Sample
from tests.store.making import add_snapshot

EVIL = '<script>fetch("{url}")</script><img src="{url}" onerror="alert(1)">'


def test_each_model_stands_as_its_own_report_says(good: Sample, rich: Sample, tmp_path: Path) -> None:
    now = datetime(2999, 1, 1, tzinfo=UTC)
    (row,) = inventory(good.store, [good.id], Policy(), now=now).rows
    assert (row.gate.text, row.kpis.tone, row.rerun.text) == ("open", "good", "reproduced")
    assert row.rerun.note.endswith("years ago")
    assert row.purpose
    (row,) = inventory(rich.store, [rich.id], Policy(), now=now).rows
    assert (row.gate.text, row.rerun.text) == ("closed", "diverged")
    assert "more" in row.gate.note
    assert "check" in row.risks.note
    assert "to be reviewed" in row.risks.note


def test_a_whole_project_is_one_page_with_the_newest_of_each_experiment(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    add_snapshot(store, experiment="b", message="old", charter=Charter(title="Old"))
    add_snapshot(store, experiment="b", message="new", charter=Charter(title="New"))
    add_snapshot(store, experiment="a")
    page = Project.open(tmp_path).inventory(output=tmp_path / "i.html").read_text()
    assert "2 models, none with an open gate" in page
    assert page.index("a@1") < page.index("b@2")
    assert "Old" not in page


def test_a_snapshot_that_cannot_be_read_is_a_row_that_says_so(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    made = add_snapshot(store)
    (path,) = [path for path in (tmp_path / ".mlgov").rglob(f"*{made[2:]}") if "manifest" in str(path)]
    path.chmod(0o644)
    path.write_bytes(b"x")
    (row,) = inventory(store, [made], Policy(), now=datetime.now(UTC)).rows
    assert "damaged" in row.fault
    assert "damaged" in render_inventory(inventory(store, [made], Policy(), now=datetime.now(UTC)))


def test_a_risk_that_is_only_said_to_be_mitigated_is_as_bad_as_in_its_own_report(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")

    def said(risk: Risk) -> Said:
        made = add_snapshot(store, message=risk.id, risks=(risk,))
        (row,) = inventory(store, [made], Policy(), now=datetime.now(UTC)).rows
        return row.risks

    risk = Risk(id="a", situation="s", severity="critical", likelihood="high", status="mitigated")
    found = said(risk)
    assert (found.text, found.tone) == ("no open risks", "bad")
    assert found.note == "1 mitigated or closed, 1 of them without a check that passes"
    checked = said(replace(risk, id="b", check=Check(expression="auc > 0.5", passed=True)))
    assert (checked.tone, checked.note) == ("good", "1 mitigated or closed")
    unknown = said(replace(risk, id="c", status="open", check=Check(expression="auc > 0.5")))
    assert (unknown.tone, unknown.note) == ("bad", "1 check not evaluated")


@pytest.mark.browser
def test_what_a_record_holds_is_inert_on_the_page(
    tmp_path: Path, look: Callable[..., Seen], listener: Listener
) -> None:
    evil = EVIL.replace("{url}", f"http://127.0.0.1:{listener.port}/x")
    store = Store.create(tmp_path / ".mlgov")
    risk = Risk(id=evil, situation=evil, severity="high", likelihood="low")
    made = add_snapshot(
        store, experiment="e", charter=Charter(title=evil, owner=evil, intended_use=evil), risks=(risk,)
    )
    page = render_inventory(inventory(store, [made], Policy(), now=datetime.now(UTC)))
    assert "<script" not in page
    seen = look(page)
    assert (seen.requests, seen.dialogs, listener.calls) == ([], [], [])
    assert seen.ask("document.querySelectorAll('main img, script').length") == 0
