"""The report says what was tested, what was not, and what was only said about another snapshot."""

from __future__ import annotations

from pathlib import Path

import msgspec

from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.records.assessment import Attributions, FeatureAttribution, Figure
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.report import build, render
from jupyter_mlgov.store import Store
from tests.governance.test_assessed import assessment, result
from tests.store.making import make_manifest

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def store_with(folder: Path, *results, assessed: bool = True) -> tuple[Store, str]:
    store = Store.create(folder / ".mlgov")
    snapshot = store.commit(make_manifest(store)).subject
    if not assessed:
        return store, snapshot
    explained = Attributions(
        model="m", data="d", explainer="Tree", output="probability of 1", base=0.5, rows=200, of_rows=500, background=50,
        features=(FeatureAttribution(feature="income", mean_abs=0.1, low=0.09, high=0.12, mean=0.02),),
        budget=1, evaluations=1, additivity_error=0.0, sampling_error=0.12, exact=True, seed=0, values="v",
        figures=(Figure(title="<b>Effects</b>", object=store.put(SVG), text="income 0.1"),),
    )  # fmt: skip
    made = msgspec.structs.replace(
        assessment(*results, snapshot=snapshot),
        notes=("a <script> of a note",),
        attributions=store.put(canonical(explained)),
    )
    store.append("assessment", snapshot, {"assessment": store.put(canonical(made))})
    return store, snapshot


def test_each_group_has_its_results_the_worst_first_and_its_reasons(tmp_path: Path):
    store, snapshot = store_with(
        tmp_path,
        result("fairness.equalized_odds:sex", 0.05),
        result("fairness.equalized_odds:black", 0.2, "fail"),
        result("leakage.time_order", None, "not-applicable"),
    )
    made = build(store, snapshot, decide(store, snapshot))
    assert made.sections["tested"].states == ("measured",)
    fairness, leakage = made.tested.groups
    assert [one.outcome for one in fairness.shown] == ["failed", "passed"]
    assert fairness.summary == "1 failed and 1 passed"
    assert leakage.others[0].reason == "because"
    assert not any(gap.section == "tested" for gap in made.gaps)
    page = render(made)
    assert "fairness.equalized_odds:black" in page
    assert 'class="c-interval"' in page


def test_failed_tests_stand_on_the_first_screen_of_an_open_gate(tmp_path: Path):
    store, snapshot = store_with(
        tmp_path,
        *(result(f"robustness.noise:{name}", 0.5, "fail") for name in "abcde"),
        result("fairness.equalized_odds:sex", 0.05),
    )
    store.append("rerun", snapshot, {"verdict": "reproduced", "candidate": None, "comparison": None})
    made = build(store, snapshot, decide(store, snapshot))
    assert made.gate.open
    tone, text = next(one for one in made.gate.why if "test" in one[1])
    assert (tone, text) == (
        "bad",
        "5 tests of the model failed or could not be made: robustness.noise:a, robustness.noise:b, "
        "robustness.noise:c, robustness.noise:d and 1 more",
    )


def test_pictures_run_nothing_and_text_is_no_markup(tmp_path: Path):
    store, snapshot = store_with(tmp_path, result("performance.baseline", 0.3))
    page = render(build(store, snapshot, decide(store, snapshot)))
    assert "<script" not in page
    assert 'src="data:image/svg+xml;base64,' in page
    assert "12%" in page


def test_a_snapshot_that_was_never_assessed_is_a_gap(tmp_path: Path):
    store, snapshot = store_with(tmp_path, assessed=False)
    made = build(store, snapshot, decide(store, snapshot))
    assert made.sections["tested"].states == ("missing",)
    (gap,) = [one for one in made.gaps if one.section == "tested"]
    assert gap.remedy == "Run mlgov assess baseline@1"


def test_what_was_found_about_an_earlier_snapshot_is_stale(tmp_path: Path):
    store, first = store_with(tmp_path, result("performance.baseline", 0.3))
    second = store.commit(make_manifest(store, parent=first, message="again")).subject
    made = build(store, second, decide(store, second))
    assert made.sections["tested"].states == ("stale",)
    assert made.tested.groups == ()
    assert "Only baseline@1" in made.tested.lead


def test_an_assessment_that_can_no_longer_be_read_is_told(tmp_path: Path):
    store, snapshot = store_with(tmp_path, result("performance.baseline", 0.3))
    digest = store.entries(kind="assessment")[0].body["assessment"].removeprefix("blake3:")
    (store.folder / "objects" / digest[:2] / digest[2:]).unlink()
    made = build(store, snapshot, decide(store, snapshot))
    assert made.sections["tested"].states == ("missing",)
    assert any("no longer be read" in text for _, text in made.notices)


def test_a_test_without_an_answer_is_no_evidence(tmp_path: Path):
    store, snapshot = store_with(
        tmp_path,
        result("fairness.equalized_odds:sex", None, "error"),
        result("calibration.slope", 1.1, "too-small"),
    )
    made = build(store, snapshot, decide(store, snapshot))
    assert made.sections["tested"].states == ("missing",)
    assert [gap.what for gap in made.gaps if gap.section == "tested"] == [
        "None of the tests of this model gave an answer"
    ]
    labels = {"tests of the model, with intervals", "tests of its fairness", "tests of its calibration"}
    items = [item for one in made.frameworks for item in one.items]
    assert not labels & {offer.label for item in items for offer in item.offers}
    assert labels <= {label for item in items for label in item.missing}


def test_a_group_of_which_a_part_was_answered_is_measured_in_part(tmp_path: Path):
    store, snapshot = store_with(
        tmp_path,
        result("fairness.equalized_odds:sex", None, "error"),
        result("fairness.equalized_odds:age", 0.05),
    )
    made = build(store, snapshot, decide(store, snapshot))
    (states,) = {
        offer.states
        for one in made.frameworks
        for item in one.items
        for offer in item.offers
        if offer.label == "tests of its fairness"
    }
    assert states == ("measured", "missing")
    (gap,) = [gap for gap in made.gaps if gap.section == "tested"]
    assert gap.what == "1 test without an answer: fairness.equalized_odds:sex"
