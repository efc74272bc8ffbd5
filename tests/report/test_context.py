"""What the report says, and how each thing is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.governance import approvals
from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.governance.policy import Policy
from jupyter_mlgov.records.annotations import Check, Kpi, KpiResult
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.verdict import Comparison, GateDecision, ValueComparison
from jupyter_mlgov.report import ReportContext, build, inventory
from jupyter_mlgov.store import Store
from tests.report import sample
from tests.report.conftest import context
from tests.report.mortgage import CHARTER, RISKS
from tests.report.sample import Sample

replaced = msgspec.structs.replace


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., ReportContext]:
    """The context of a sample snapshot with some fields of its manifest replaced."""

    def make(change: Callable[[Manifest], Manifest] | None = None, **fields: Any) -> ReportContext:
        store = Store.create(tmp_path / ".mlgov")
        made = sample.manifest(store, **fields)
        snapshot = store.commit(change(made) if change else made).subject
        return build(store, snapshot, decide(store, snapshot))

    return make


def gaps(found: ReportContext) -> str:
    return "\n".join(f"{gap.state}: {gap.what}" for gap in found.gaps)


def test_the_same_record_gives_the_same_context(rich: Sample) -> None:
    assert context(rich) == context(rich)


def test_the_summary_names_the_model_its_purpose_and_the_decision(rich: Sample) -> None:
    found = context(rich)
    assert (found.title, found.reference) == ("Mortgage pre-approval", "mortgage-baseline@4")
    assert found.purpose.state == "asserted"
    assert "declines nobody" in found.purpose.value
    assert not found.gate.open
    assert found.gate.fails == "4 of 10 rules fail"
    assert [rule.rule for rule in found.gate.failing][-1] == "rerun"


def test_the_tiles_count_what_the_record_says(rich: Sample, good: Sample, bare: Sample) -> None:
    kpis, risks, rerun, missing = context(rich).tiles
    assert (kpis.value, kpis.note, kpis.tone) == ("2 of 4 met", "1 not met, 1 not measured", "bad")
    assert risks.value == "5 written down"
    assert risks.note == "1 of 3 high or critical with a passing check, 1 check failing, 1 accepted"
    assert (rerun.value, rerun.note, rerun.tone) == ("Diverged", "2 hours after the snapshot", "bad")
    assert (missing.value, missing.note) == ("10 gaps", "9 missing, 1 stale")
    assert [tile.tone for tile in context(good).tiles] == ["good"] * 4
    assert [tile.value for tile in context(bare).tiles] == [
        "None set",
        "None written down",
        "Never rerun",
        "10 gaps",
    ]


def test_no_tile_is_good_where_nothing_was_recorded(bare: Sample) -> None:
    assert all(tile.tone != "good" for tile in context(bare).tiles)


def test_an_empty_section_is_missing_and_never_covered(bare: Sample) -> None:
    found = context(bare)
    for name in ("charter", "data", "model", "results", "risks", "reproducibility", "approvals"):
        assert found.sections[name].states == ("missing",), name


def test_sections_say_how_each_of_their_parts_is_known(rich: Sample) -> None:
    sections = context(rich).sections
    assert sections["charter"].states == ("measured", "asserted", "missing")
    assert sections["risks"].states == ("measured", "asserted", "stale", "missing")
    assert sections["approvals"].states == ("asserted",)
    assert sections["reproducibility"].states == ("measured",)


def test_a_kpi_that_was_not_measured_is_missing_and_not_unmet(rich: Sample) -> None:
    kpis = {kpi.metric: kpi for kpi in context(rich).charter.kpis}
    assert (kpis["latency_ms"].state, kpis["latency_ms"].outcome) == ("missing", "not measured")
    assert kpis["latency_ms"].bullet is None
    assert (kpis["approval_gap"].outcome, kpis["approval_gap"].margin) == ("not met", "0.03719 above target")
    assert (kpis["auc"].outcome, kpis["auc"].value, kpis["auc"].exact) == ("met", "0.7842", "0.7841573")


def test_a_kpi_that_is_not_a_number_says_so(changed: Callable[..., ReportContext]) -> None:
    kpi = KpiResult(metric="auc", op=">=", target=0.5, value="NaN", met=False)
    (found,) = changed(charter=None, kpis=(kpi,)).charter.kpis
    assert (found.value, found.outcome, found.bullet) == ("NaN", "not met", None)


def test_metrics_show_where_they_come_from(rich: Sample) -> None:
    auc = next(one for one in context(rich).results.metrics if one.name == "auc")
    assert auc.history is not None
    assert [point.shown for point in auc.history.points] == ["0.742", "0.761", "0.779", "0.7842"]
    assert [point.current for point in auc.history.points] == [False, False, False, True]
    assert auc.history.target == 0.75
    assert auc.change == "+0.005157 since @3"


def test_history_ends_at_the_snapshot_and_says_that_there_is_a_newer_one(rich: Sample) -> None:
    found = context(rich, rich.ids[1])
    auc = next(one for one in found.results.metrics if one.name == "auc")
    assert auc.history is not None
    assert len(auc.history.points) == 2
    assert any("newer snapshot of this experiment, mortgage-baseline@4" in text for _, text in found.notices)


def test_only_an_executed_check_is_measured(rich: Sample) -> None:
    found = {risk.id: risk for risk in context(rich).risks.risks}
    assert {name: (risk.known, risk.tone) for name, risk in found.items()} == {
        "unequal-approval": ("measured", "bad"),
        "thin-slice": ("measured", "good"),
        "stale-economy": ("asserted", "warn"),
        "proxy-for-race": ("missing", "warn"),
        "threshold-copied": ("measured", "good"),
    }
    assert "asserted" in found["stale-economy"].standing
    (check,) = found["unequal-approval"].checks
    assert check.terms[0] == ("approval_gap", "0.08719", "0.0871934")
    (check,) = found["proxy-for-race"].checks
    assert (check.outcome, check.error) == ("not evaluated", "NameError: name 'corr' is not defined")


@pytest.mark.parametrize("status", ["mitigated", "closed"])
def test_a_status_without_a_check_counts_for_nothing(
    status: str, changed: Callable[..., ReportContext]
) -> None:
    risk = msgspec.structs.replace(RISKS[0], status=status, check=None)
    found = changed(risks=(risk,))
    assert found.risks.risks[0].known == "missing"
    assert found.risks.risks[0].standing == f"Said to be {status}; no check shows it"
    assert "High or critical without a check: unequal-approval" in gaps(found)


def test_risks_stand_with_the_gravest_first_and_once_in_the_matrix(rich: Sample) -> None:
    found = context(rich).risks
    assert [risk.level for risk in found.risks] == [4, 4, 3, 2, 1]
    placed = [
        (row.severity, cell.likelihood, risk.id)
        for row in found.matrix
        for cell in row.cells
        for risk in cell.risks
    ]
    assert ("critical", "medium", "unequal-approval") in placed
    assert len(placed) == 5


def test_a_risk_evaluated_after_the_run_replaces_the_one_of_the_run(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    snapshot = store.commit(sample.manifest(store)).subject
    check = Check(expression="approval_gap <= 0.1", passed=True)
    later = msgspec.structs.replace(RISKS[0], check=check)
    store.append("risk", snapshot, msgspec.to_builtins(later))
    found = build(store, snapshot, decide(store, snapshot)).risks.risks[0]
    assert found.standing == "Its check passes"
    assert [event.what for event in found.history] == ["opened", "check failed", "changed", "check passed"]
    assert found.history[-1].where.endswith("@1")


def test_the_newest_rerun_stands_first_and_the_others_below(rich: Sample) -> None:
    found = context(rich).reproducibility
    assert found.latest is not None
    assert (found.latest.verdict, found.latest.runs, found.latest.duration) == (
        "diverged",
        "2 executions",
        "42 s",
    )
    first = found.latest.findings[0]
    assert (first.cause, first.confirmed) == ("data.values", True)
    assert first.where == "cell 4, columns appinc and obrat, variable df"
    assert [one.status for one in found.latest.values] == ["different"] * 4 + ["same"]
    assert found.latest.values[0].difference == "−0.004255"
    assert [one.verdict for one in found.earlier] == ["equivalent"]


def test_a_verdict_on_an_earlier_snapshot_is_stale_for_this_one(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    first = store.commit(sample.manifest(store, created_at=sample.ago(days=3))).subject
    sample.add_rerun(store, first, sample.comparison(first, verdict="reproduced", findings=()))
    second = store.commit(sample.manifest(store, parent=first)).subject
    found = build(store, second, decide(store, second))
    assert found.reproducibility.latest is None
    assert found.reproducibility.elsewhere == "mortgage-baseline@1 was last found reproduced"
    assert found.sections["reproducibility"].states == ("stale",)
    assert "stale: This snapshot was never executed again" in gaps(found)


def test_generated_at_dates_the_page_the_reviews_and_the_rerun(good: Sample) -> None:
    found = context(good, generated_at=datetime(3001, 1, 1, tzinfo=UTC))
    assert found.generated == "1 January 3001, 00:00 UTC"
    assert sum("was to be reviewed by" in gap.what for gap in found.gaps) == 5
    assert found.reproducibility.latest is not None
    assert "years before this report" in found.reproducibility.latest.age
    assert context(good).generated == ""


def test_everything_a_bare_snapshot_lacks_is_listed_with_what_to_do(bare: Sample) -> None:
    found = context(bare)
    for what in ("No charter", "No KPI", "No input", "No fitted model", "No metric", "No risk", "never executed again",
                 "not in a git repository", "Nobody has approved"):  # fmt: skip
        assert what in gaps(found), what
    assert all(gap.remedy and gap.section in found.sections for gap in found.gaps)


def test_nothing_is_listed_as_missing_where_everything_is_there(good: Sample) -> None:
    assert context(good).gaps == ()
    assert context(good).gate.open


def test_gaps_of_the_charter_data_and_code_are_named(changed: Callable[..., ReportContext]) -> None:
    charter = msgspec.structs.replace(CHARTER, owner=None, feasibility=None)
    found = gaps(changed(charter=charter))
    assert "The charter has no owner, feasibility and stop criteria" in found
    assert "postgresql://credit/rates could not be hashed: the server gives no stable bytes" in found
    assert "The working tree was not clean" in found


def test_a_run_out_of_order_is_a_gap_of_the_code(changed: Callable[..., ReportContext]) -> None:
    def disorder(made: Manifest) -> Manifest:
        return msgspec.structs.replace(
            made, notebook=msgspec.structs.replace(made.notebook, order="out-of-order")
        )

    assert "did not run from top to bottom" in gaps(changed(disorder))


def test_a_later_charter_adds_its_targets(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    snapshot = store.commit(sample.manifest(store)).subject
    later = msgspec.structs.replace(
        CHARTER, title="Renamed", kpis=(Kpi(metric="brier", op="<=", target=0.05),)
    )
    store.append("charter", snapshot, msgspec.to_builtins(later))
    found = build(store, snapshot, decide(store, snapshot))
    assert found.title == "Renamed"
    assert "after the run" in found.charter.note
    assert [(kpi.metric, kpi.outcome) for kpi in found.charter.kpis][-1] == ("brier", "not met")


def test_a_revoked_approval_is_told_as_what_happened_and_not_as_a_signature(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    snapshot = store.commit(sample.manifest(store)).subject
    key = Ed25519PrivateKey.from_private_bytes(b"a" * 32)

    def signed(word: Literal["approved", "revoked"]) -> ReportContext:
        approvals.decide(
            store, snapshot, key, word=word, name="Ada", role="validator", message="m", at="2026-11-26T10:00:00Z"
        )  # fmt: skip
        return build(store, snapshot, msgspec.structs.replace(decide(store, snapshot), open=True))

    assert "Signed by Ada (validator)" in str(signed("approved").gate.why)
    page = signed("revoked")
    assert "Nobody has signed it" in str(page.gate.why)
    assert [one.decision for one in page.approvals] == ["revoked", "approved"]
    (row,) = inventory(store, [snapshot], Policy(), now=datetime.now(UTC)).rows
    assert (row.approvals.text, row.approvals.note) == ("nobody", "")


def test_a_damaged_record_is_reported_with_its_damage(tmp_path: Path) -> None:
    made = sample.rich(tmp_path / ".mlgov")
    manifest = made.store.manifest(made.id)
    body = made.store.entries(subject=made.id, kind="rerun")[-1].body
    lost = [manifest.notebook.cells[5].outputs, manifest.notebook.cells[5].source, manifest.environment,
            manifest.code.diff, body["comparison"]]  # fmt: skip
    for name in lost:
        assert name is not None
        path = next(tmp_path.rglob(name.removeprefix("blake3:")[2:]))
        path.chmod(0o600)
        path.unlink()
    store = Store.open(tmp_path / ".mlgov")
    found = build(store, made.id, decide(store, made.id))
    assert any("can no longer be read" in text for _, text in found.notices)
    assert "Lost from the store" in gaps(found)
    assert found.environment.facts[0].state == "missing"
    assert found.reproducibility.latest is not None
    assert not found.reproducibility.latest.readable
    assert found.reproducibility.latest.verdict == "diverged"
    assert "missing" in found.sections["reproducibility"].states
    assert found.results.main[0].pieces[0].kind == "note"


def test_a_snapshot_that_is_not_there_is_one_clear_line(rich: Sample) -> None:
    with pytest.raises(MlgovError) as told:
        build(rich.store, "0" * 64, decide(rich.store, rich.id))
    assert "\n" not in str(told.value)


def test_a_candidate_is_called_one(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    first = store.commit(sample.manifest(store)).subject
    second = store.commit(sample.manifest(store, kind="candidate", baseline=first)).subject
    found = build(store, second, decide(store, second))
    assert found.reference == "mortgage-baseline (candidate)"
    assert any("This is a candidate" in text for _, text in found.notices)
    assert all(metric.history is None for metric in found.results.metrics)


def test_a_cell_that_raised_is_announced(changed: Callable[..., ReportContext]) -> None:
    found = changed(status="error", error="ZeroDivisionError: division by zero")
    assert (
        "bad",
        "The experiment's cell raised an error: ZeroDivisionError: division by zero",
    ) in found.notices


def test_large_outputs_stay_off_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlgov.report import results

    monkeypatch.setattr(results, "BUDGET", 5_000)
    store = Store.create(tmp_path / ".mlgov")
    snapshot = store.commit(sample.manifest(store)).subject
    found = build(store, snapshot, decide(store, snapshot)).results
    *_, picture, said = found.main[0].pieces
    assert (picture.kind, picture.width) == ("image", results.THUMBNAIL)
    assert said.text == "1 output in short: whole, this page would be too large"


def test_what_git_could_not_say_is_not_called_clean(changed: Callable[..., ReportContext]) -> None:
    found = changed(lambda made: replaced(made, code=replaced(made.code, dirty=None)))
    assert ("Changes", "missing") in [(fact.label, fact.state) for fact in found.code.facts]
    assert "git could not say" in found.sections["code"].lead
    assert "Git could not say whether the working tree was clean" in gaps(found)


def test_an_open_gate_without_a_charter_speaks_of_none(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    snapshot = store.commit(sample.manifest(store, charter=None)).subject
    found = build(store, snapshot, GateDecision(open=True, rules=()))
    assert found.gate.headline == "The gate is open, and no charter says what this model may be used for"


def test_the_last_digits_of_a_number_are_no_declared_tolerance(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    made = sample.manifest(store, tolerances={}, charter=None, kpis=())
    snapshot = store.commit(made).subject
    value = ValueComparison(
        kind="metric", name="total", baseline=123456789.0, candidate=123456789.05, status="equivalent",
        tolerance=1e-9, relative=True,
    )  # fmt: skip
    told = Comparison(baseline=snapshot, candidate=snapshot, verdict="equivalent", values=(value,))
    sample.add_rerun(store, snapshot, told)
    held = build(store, snapshot, decide(store, snapshot)).reproducibility
    assert held.latest is not None
    assert held.latest.meaning.endswith("but for the last digits of numbers.")
    (shown,) = held.latest.values
    assert (shown.baseline, shown.candidate, shown.tolerance) == (
        "123,456,789",
        "123,456,789.05",
        "1e−09 of its value",
    )
    (fact,) = [one for one in held.conditions if one.label == "Tolerances"]
    assert "1e−09 of their value" in fact.value
    declared = replaced(value, tolerance=0.1, relative=False)
    sample.add_rerun(store, snapshot, replaced(told, values=(declared,)))
    held = build(store, snapshot, decide(store, snapshot)).reproducibility
    assert held.latest is not None
    assert held.latest.meaning.endswith("within the declared tolerances.")


def test_a_tolerance_of_a_kpi_is_one(changed: Callable[..., ReportContext]) -> None:
    found = changed(
        tolerances={}, charter=None, kpis=(KpiResult(metric="auc", op=">=", target=0.5, tolerance=0.01),)
    )
    assert [fact.value for fact in found.reproducibility.conditions if "auc" in fact.label] == [
        "± 0.01, of its KPI"
    ]
    assert not any(fact.label == "Tolerances" for fact in found.reproducibility.conditions)


def test_a_loss_that_became_nan_is_seen(changed: Callable[..., ReportContext]) -> None:
    steps = ((0, 0.9), (1, 0.5), (100, "NaN"), (101, "NaN"))
    (one,) = changed(series={"loss": steps}).results.series
    assert (one.last, one.note) == ("NaN", "2 values are not finite")
    assert "over 4 steps, from 0.9 to NaN" in one.history.text
    assert [point.place for point in one.history.points] == [0, 1, 100, 101]
    (never,) = changed(series={"loss": ((0, "NaN"), (1, "NaN"))}).results.series
    assert (never.last, never.note) == ("NaN", "2 values are not finite")


def test_a_value_that_misses_its_target_by_little_does_not_look_like_it(
    changed: Callable[..., ReportContext],
) -> None:
    kpi = KpiResult(metric="gap", op="<=", target=0.1, value=0.10004, met=False)
    (found,) = changed(charter=None, kpis=(kpi,)).charter.kpis
    assert (found.value, found.requirement) == ("0.10004", "≤ 0.1")
