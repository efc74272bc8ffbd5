"""Frameworks, slices, histories and signatures on the page: what is shown is what the record holds, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_mlgov import report
from jupyter_mlgov.governance import approvals
from jupyter_mlgov.governance.checks import evaluate
from jupyter_mlgov.governance.coverage import frameworks
from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.records.annotations import Amount, Charter, Check, DeclaredData, Risk, Threshold
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import Environment, Frame, Input
from jupyter_mlgov.records.verdict import Comparison
from jupyter_mlgov.report import ReportContext
from jupyter_mlgov.report.coverage import _STATES, EVIDENCE, FrameworkView, ItemView
from jupyter_mlgov.report.outline import TITLES
from jupyter_mlgov.store import Store
from tests.report import sample
from tests.report.conftest import Seen, context
from tests.report.sample import Sample
from tests.store.making import add_snapshot, make_manifest

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
ADA = Ed25519PrivateKey.from_private_bytes(b"a" * 32)


def item(found: ReportContext, framework: str, name: str) -> ItemView:
    (one,) = [view for view in found.frameworks if view.key == framework]
    return next(held for held in one.items if held.id == name)


def test_every_word_of_a_framework_is_known_and_leads_to_a_section() -> None:
    words = {word for one in frameworks() for held in one.items for word in held.evidence}
    assert words <= set(EVIDENCE)
    assert set(_STATES) <= set(EVIDENCE)
    assert {section for _, section in EVIDENCE.values()} <= set(TITLES)
    for one in frameworks():
        assert all(held.evidence or held.outside for held in one.items), one.key
        assert len({held.id for held in one.items}) == len(one.items)
        assert one.url.startswith("https://")


@pytest.mark.parametrize(
    ("key", "ids"),
    [
        (
            "eu-ai-act-annex-iv",
            [f"1({c})" for c in "abcdefgh"]
            + [f"2({c})" for c in "abcdefgh"]
            + [str(n) for n in range(3, 10)],
        ),
        (
            "nist-ai-rmf-1.0",
            [f"GOVERN {n}" for n in range(1, 7)]
            + [f"MAP {n}" for n in range(1, 6)]
            + [f"MEASURE {n}" for n in range(1, 5)]
            + [f"MANAGE {n}" for n in range(1, 5)],
        ),
        ("iso-iec-42001", [f"A.{n}" for n in range(2, 11)]),
    ],
)
def test_a_framework_has_all_of_its_points(key: str, ids: list[str]) -> None:
    (one,) = [held for held in frameworks() if held.key == key]
    assert [held.id for held in one.items] == ids


def test_nothing_says_compliant() -> None:
    folder = Path(report.__file__).parent
    texts = [path.read_text() for path in (folder / "templates").rglob("*.html")]
    texts += [path.read_text() for path in (folder.parent / "governance" / "frameworks").glob("*.toml")]
    for word in ("complian", "conforms", "fulfil", "satisf"):
        assert not any(re.search(word, text, re.IGNORECASE) for text in texts), word


def test_an_empty_record_is_offered_for_nothing_that_it_lacks(bare: Sample) -> None:
    found = context(bare)
    for framework, name in (
        ("eu-ai-act-annex-iv", "2(g)"),
        ("eu-ai-act-annex-iv", "4"),
        ("eu-ai-act-annex-iv", "5"),
        ("eu-ai-act-annex-iv", "8"),
        ("model-cards", "Intended use"),
        ("nist-ai-rmf-1.0", "MEASURE 2"),
    ):
        one = item(found, framework, name)
        assert one.states == ("missing",), name
        assert one.offers == ()
        assert one.missing or one.outside
    assert "missing" in found.sections["frameworks"].states


def test_each_state_of_evidence_is_shown_as_it_is(rich: Sample, good: Sample) -> None:
    found = context(rich)
    risks = {offer.label: offer.states for offer in item(found, "eu-ai-act-annex-iv", "5").offers}
    assert risks["executed checks of risks"] == ("measured", "missing")
    assert risks["risk register"] == ("asserted",)
    review = {offer.label: offer.states for offer in item(found, "nist-ai-rmf-1.0", "MEASURE 3").offers}
    assert "stale" in review["dates of review"]
    whole = {offer.label: offer.states for offer in item(context(good), "eu-ai-act-annex-iv", "5").offers}
    assert whole["executed checks of risks"] == ("measured",)
    for one in found.frameworks:
        counted(one)


def counted(one: FrameworkView) -> None:
    offered = sum(bool(held.offers) for held in one.items)
    assert one.summary.startswith(f"Evidence offered for {offered} of {len(one.items)} items")


@pytest.fixture(scope="module")
def governed(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Two snapshots; the newest has a charter with every field, checks over slices, and signed decisions."""
    store = Store.create(tmp_path_factory.mktemp("governed") / ".mlgov")
    names = {"y": [1] * 40 + [0] * 60, "flagged": [True] * 38 + [False] * 62}
    import pandas as pd

    names["loans"] = pd.DataFrame({"amount": range(100)})  # type: ignore[assignment]
    charter = Charter(
        title="Second reading",
        value_of_right=(Amount(value=40, unit="minutes"),),
        cost_of_wrong=(Amount(value=400, unit="USD", when="wrong approval"),),
        threshold=Threshold(value=0.15, score="p"),
        test_data=DeclaredData(truth="y", predicted="flagged", frame="loans"),
    )
    parts = ("recall() >= 0.9", "recall(slice='amount < 3') >= 0.5", "unknown > 1")
    risk = Risk(
        id="slices", situation="x", severity="medium", likelihood="low", tags=("fairness",),
        check=Check(expression="; ".join(parts), parts=tuple(Check(expression=part) for part in parts)),
    )  # fmt: skip
    add_snapshot(store, message="before", risks=(risk,))
    made = add_snapshot(store, charter=charter, risks=(evaluate(risk, names, charter),))
    for name, word in (("Ada", "approved"), ("Bo", "rejected")):
        key = Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"x"))
        approvals.decide(
            store, made, key, word=word, name=name, role="validator", message="m", at="2026-11-26T10:00:00Z",
            accepts=("slices",),
        )  # fmt: skip
    return Sample(store, made, [made])


def test_each_expression_stands_with_its_value_what_was_wanted_and_its_slice(governed: Sample) -> None:
    first, second, third = context(governed).risks.risks[0].checks
    assert (first.conditions[0].value, first.conditions[0].wanted, first.outcome) == (
        "0.95",
        "≥ 0.9",
        "passed",
    )
    assert first.slices[0].cases == "40 in 100 rows"
    assert (second.outcome, second.slices[0].warning) == ("not evaluated", "too few: 30 are needed")
    assert third.conditions == ()
    assert "NameError" in third.error


def test_a_risks_history_spans_the_snapshots(governed: Sample) -> None:
    history = context(governed).risks.risks[0].history
    assert [(event.what, event.where) for event in history][:2] == [
        ("opened", "baseline@1"),
        ("check gave no answer", "baseline@1"),
    ]


def test_what_decisions_cost_stands_in_the_charter(governed: Sample) -> None:
    facts = {fact.label: fact.value for fact in context(governed).charter.facts}
    assert facts["Cost of a wrong decision"] == "400 USD (wrong approval)"
    assert facts["Decision threshold"] == "p >= 0.15"
    assert "truth y" in facts["Test data"]


def test_a_signature_is_measured_and_stale_once_the_record_changed(governed: Sample, tmp_path: Path) -> None:
    import shutil

    newest = context(governed).approvals
    assert [(one.name, one.state, one.accepts) for one in newest] == [
        ("Bo", "measured", ("slices",)),
        ("Ada", "measured", ("slices",)),
    ]
    shutil.copytree(governed.store.folder, tmp_path / ".mlgov")
    store = Store.open(tmp_path / ".mlgov")
    store.append("charter", governed.id, msgspec.to_builtins(Charter(title="Another")))
    found = report.build(store, governed.id, decide(store, governed.id))
    assert {one.state for one in found.approvals} == {"stale"}
    assert "stale" in item(found, "nist-ai-rmf-1.0", "GOVERN 2").states


def test_an_open_gate_says_what_speaks_against_the_model_too(good: Sample, rich: Sample) -> None:
    why = dict(reversed(one) for one in context(good).gate.why)
    assert why["Nobody has signed it"] == "warn"
    assert any("targets reached" in text for text in why)
    assert context(rich).gate.why == ()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_the_page_is_accessible(
    governed: Sample, rich: Sample, look: Callable[..., Seen], width: int, scheme: Any
) -> None:
    one = governed if width == 390 else rich
    seen = look(report.render(context(one)), width=width, color_scheme=scheme, bypass_csp=True)
    assert faults_of(seen) == []


def faults_of(seen: Seen) -> list[Any]:
    """What axe finds against WCAG 2.2 AA and its best practices, with everything unfolded."""
    seen.ask("document.querySelectorAll('details').forEach(one => { one.open = true })")
    seen.page.add_script_tag(path=str(AXE))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = seen.page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    assert found["passes"]
    return [(rule["id"], [node["target"] for node in rule["nodes"][:3]]) for rule in found["violations"]]


def offered(found: ReportContext, label: str) -> tuple[str, ...]:
    """The states under which evidence of that label is offered anywhere; empty where it is nowhere."""
    held = (offer for one in found.frameworks for view in one.items for offer in view.offers)
    return next((offer.states for offer in held if offer.label == label), ())


def test_a_rerun_that_was_blocked_is_no_evidence(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    made = add_snapshot(store)
    sample.add_rerun(store, made, Comparison(baseline=made, candidate=None, verdict="blocked"))
    found = context(Sample(store, made))
    assert offered(found, "rerun with verdict") == ()
    assert found.sections["reproducibility"].states == ("missing",)
    assert [gap.state for gap in found.gaps if gap.section == "reproducibility"] == ["missing"]
    sample.add_rerun(store, made, Comparison(baseline=made, candidate=made, verdict="reproduced"))
    assert offered(context(Sample(store, made)), "rerun with verdict") == ("measured",)
    sample.add_rerun(store, made, Comparison(baseline=made, candidate=None, verdict="blocked"))
    found = context(Sample(store, made))
    assert offered(found, "rerun with verdict") == ("stale",)
    assert ["still" in gap.what for gap in found.gaps if gap.section == "reproducibility"] == [True]


def test_a_file_that_the_notebook_made_itself_is_no_input(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    own = Input(uri="made.csv", digest=store.put(b"x"), kept=True, derived=True, columns=())
    frame = Frame(name="X", type="pandas.DataFrame", digest=sample.name("y"))
    made = add_snapshot(store, inputs=(own,), frames=(frame,))
    found = context(Sample(store, made))
    for label in ("inputs with digests", "inputs whose bytes are kept", "lineage"):
        assert offered(found, label) == (), label
    assert any(gap.what.startswith("No input was recorded") for gap in found.gaps)


def test_an_environment_without_a_kernel_is_missing(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    unknown = store.put(canonical(Environment(python="", platform="", packages={})))
    made = store.commit(msgspec.structs.replace(make_manifest(store), environment=unknown)).subject
    found = context(Sample(store, made))
    assert offered(found, "Python, packages and platform") == ()
    assert {fact.label: fact.state for fact in found.environment.facts} == {
        "Python": "missing",
        "Platform": "missing",
    }
    assert found.sections["environment"].states == ("missing",)
