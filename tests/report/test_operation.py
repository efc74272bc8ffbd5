"""What the report says of a model in use, and which evidence a framework is offered from it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.monitoring import Monitoring
from jupyter_mlgov.report import ReportContext, build, inventory, render, render_inventory, render_monitoring
from jupyter_mlgov.store import Store
from tests.monitor.making import add_outcomes, applications, released_project, serve
from tests.report import hostile
from tests.report.conftest import Listener, Seen, page
from tests.report.hostile import Payloads
from tests.report.sample import Sample
from tests.report.test_evidence_offered import faults_of, item
from tests.report.test_hostile_content import check
from tests.store.making import add_snapshot

RUN = Monitoring(
    model="credit", stage="production", release=1, reference="the test rows", reference_rows=500, rows=400, outcomes=0,
    alpha=0.05, correction="holm", tests=4, decision="nothing", reasons=("nothing moved",),
)  # fmt: skip


def released(store: Store, snapshot: str, number: int = 1, stage: str = "production") -> None:
    gate = store.put(canonical(decide(store, snapshot)))
    body = {"model": "credit", "stage": stage, "number": number, "gate": gate, "message": "as agreed"}
    store.append("release", snapshot, body, author="Ada")


def monitored(store: Store, snapshot: str, **changes: object) -> None:
    run = msgspec.structs.replace(RUN, snapshot=snapshot, **changes)
    body = {
        "model": "credit",
        "stage": "production",
        "number": run.release,
        "rows": run.rows,
        "outcomes": run.outcomes,
    }
    body |= {"decision": run.decision, "reasons": list(run.reasons), "monitoring": store.put(canonical(run))}
    store.append("drift", snapshot, body)


def built(store: Store, snapshot: str) -> ReportContext:
    return build(store, snapshot, decide(store, snapshot))


def gaps(found: ReportContext) -> list[tuple[str, str]]:
    return [(gap.state, gap.remedy) for gap in found.gaps if gap.section == "operation"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / ".mlgov")


def test_a_snapshot_that_was_not_released_says_so_and_lacks_nothing(store: Store) -> None:
    found = built(store, add_snapshot(store))
    assert found.sections["operation"].states == ("missing",)
    assert "This snapshot was not released, so nothing is known of its use." in render(found)
    assert gaps(found) == []
    for framework, name in (("eu-ai-act-annex-iv", "9"), ("model-risk-sr-26-2", "Validation: monitoring")):
        labels = {offer.label for offer in item(found, framework, name).offers}
        assert not any("monitor" in label for label in labels)
        assert "what monitors found in use" in item(found, framework, name).missing


def test_a_model_in_use_that_nobody_watches_is_a_gap(store: Store) -> None:
    one = add_snapshot(store)
    released(store, one)
    found = built(store, one)
    assert found.operation.on_stage == ("credit:production@1",)
    assert found.sections["operation"].states == ("measured", "missing")
    assert gaps(found) == [("missing", "mlgov monitor credit:production")]
    assert {fact.label: fact.value for fact in found.facts}["In use"] == "credit:production@1"
    assert "as agreed" in render(found)


def test_what_a_monitor_found_about_another_version_is_stale(store: Store) -> None:
    one, other = add_snapshot(store, message="first"), add_snapshot(store, message="second")
    released(store, one)
    monitored(store, one)
    released(store, other, number=2)
    found = built(store, other)
    assert found.sections["operation"].states == ("measured", "stale")
    assert gaps(found) == [("stale", "mlgov monitor credit:production")]
    offers = {offer.label: offer.states for offer in item(found, "eu-ai-act-annex-iv", "9").offers}
    assert offers["what monitors found in use"] == ("stale",)
    before = built(store, one)
    assert before.operation.on_stage == ()
    assert "version 2 took its place" in before.operation.releases[0].since
    assert before.sections["operation"].states == ("measured",)
    assert gaps(before) == []


def test_a_monitor_that_calls_for_action_stands_on_the_first_screen(store: Store) -> None:
    one = add_snapshot(store)
    released(store, one)
    monitored(store, one, decision="roll back", reasons=("the AUC fell below its target",))
    found = built(store, one)
    notices = [text for tone, text in found.notices if tone == "bad"]
    assert any("roll back: the AUC fell below its target" in text for text in notices)
    monitored(store, one, decision="nothing")
    assert not any("roll back" in text for _, text in built(store, one).notices)
    # Once it is off the stage, nothing is to be done about it.
    monitored(store, one, decision="roll back")
    released(store, add_snapshot(store, message="next"), number=2)
    assert not any("roll back" in text for _, text in built(store, one).notices)


def test_a_run_that_is_lost_or_of_another_snapshot_is_not_shown_as_the_newest(store: Store) -> None:
    one = add_snapshot(store)
    released(store, one)
    monitored(store, one)
    store.append("drift", one, {"decision": "watch", "reasons": ["x"], "monitoring": "blake3:" + "0" * 64})
    other = msgspec.structs.replace(RUN, snapshot="f" * 64)
    store.append("drift", one, {"decision": "watch", "monitoring": store.put(canonical(other))})
    found = built(store, one).operation
    assert [run.decision for run in found.runs] == ["watch", "watch", "nothing"]
    assert found.newest is not None
    assert found.newest.found.decision == "nothing"


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A real model that was released, served, monitored, with outcomes and a shift, and assessed."""
    folder = tmp_path_factory.mktemp("used")
    project = released_project(folder)
    project.assess(project.log()[0].id)
    rows = applications(3, 500, income=6.0)
    add_outcomes(project, serve(project, rows), rows, folder)
    project.monitor("credit:production")
    return project


def test_a_model_that_was_tested_released_and_watched_offers_that_as_evidence(used: Project) -> None:
    snapshot = used.released("credit:production").snapshot
    found = built(used.store, snapshot)
    for framework, name, label in (
        ("eu-ai-act-annex-iv", "2(g)", "tests of the model, with intervals"),
        ("eu-ai-act-annex-iv", "2(g)", "tests of its robustness"),
        ("eu-ai-act-annex-iv", "2(e)", "what moves its predictions"),
        ("eu-ai-act-annex-iv", "6", "releases, each with the gate's decision"),
        ("eu-ai-act-annex-iv", "9", "predictions beside what really happened"),
        ("nist-ai-rmf-1.0", "MEASURE 3", "what monitors found in use"),
        ("model-cards", "Metrics", "tests of the model, with intervals"),
        ("model-risk-sr-26-2", "Validation: outcomes", "predictions beside what really happened"),
        ("iso-iec-42001", "A.6", "releases, each with the gate's decision"),
    ):
        offers = {offer.label: offer.states for offer in item(found, framework, name).offers}
        partly = label.startswith("tests of")  # some of them had too few rows to tell
        assert offers[label][:1] == ("measured",), (framework, name)
        assert set(offers[label]) <= {"measured", "missing" if partly else "measured"}, (framework, name)
    # Nobody retrained it, and no sensitive column was named: neither is offered.
    assert "retrainings" in item(found, "eu-ai-act-annex-iv", "6").missing
    assert "tests of its fairness" in item(found, "eu-ai-act-annex-iv", "2(g)").missing
    html = render(found)
    assert found.operation.newest is not None
    assert "income" in [one.name for one in found.operation.newest.drifted]
    assert 'class="c-two"' in html


def test_every_link_of_every_page_leads_somewhere(
    rich: Sample, good: Sample, bare: Sample, used: Project
) -> None:
    snapshot = used.released("credit:production").snapshot
    for html in (page(rich), page(good), page(bare), render(built(used.store, snapshot))):
        places = set(re.findall(r'\bid="([^"]+)"', html))
        links = set(re.findall(r'href="#([^"]*)"', html))
        assert links <= places
        assert len(links) > 20


@pytest.mark.browser
def test_on_a_phone_a_kpi_in_use_has_its_name_in_one_piece(used: Project, look: Callable[..., Seen]) -> None:
    seen = look(render(built(used.store, used.released("credit:production").snapshot)), width=390)
    widths = seen.ask("[...document.querySelectorAll('#operation .kpi .name')].map(one => one.clientWidth)")
    assert widths
    assert min(widths) > 120
    assert seen.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_the_pages_of_a_model_in_use_are_accessible(
    used: Project, tmp_path: Path, look: Callable[..., Seen], width: int, scheme: str
) -> None:
    used.monitor("credit:production", output=tmp_path / "monitor.html", record=False)
    for html in (
        render(built(used.store, used.released("credit:production").snapshot)),
        (tmp_path / "monitor.html").read_text(),
        used.inventory(output=tmp_path / "inventory.html").read_text(),
    ):
        seen = look(html, width=width, color_scheme=scheme, bypass_csp=True)
        assert faults_of(seen) == []
        assert seen.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.browser
@pytest.mark.parametrize("first", [0, 11, 22])
def test_a_hostile_monitor_run_and_inventory_are_inert(
    tmp_path: Path, look: Callable[..., Seen], listener: Listener, first: int
) -> None:
    from datetime import UTC, datetime

    from jupyter_mlgov.governance.policy import Policy

    evil = Payloads(listener.port, first)
    store = Store.create(tmp_path / ".mlgov")
    snapshot = hostile.record(store, evil)
    for html in (
        render_monitoring(hostile.monitoring(evil, evil())),
        render_inventory(inventory(store, [snapshot, "0" * 64], Policy(), now=datetime.now(UTC))),
    ):
        check(look(html, bypass_csp=True), listener)
        assert "\u202e" not in html
    assert look(html, width=390).ask(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
