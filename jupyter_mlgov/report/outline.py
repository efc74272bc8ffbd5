"""The report's sections in order, each with what it holds in one sentence and how its parts are known.

A section that holds nothing is *missing*: it is listed all the same, and never called covered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from jupyter_mlgov.report.context import Gap, Section
from jupyter_mlgov.report.coverage import FrameworkView
from jupyter_mlgov.report.evidence import Fact, State
from jupyter_mlgov.report.operation import Operation
from jupyter_mlgov.report.provenance import summary_of
from jupyter_mlgov.report.risk_views import Risks, RiskView
from jupyter_mlgov.report.run_views import Approval, Caution, Environment, Reproducibility
from jupyter_mlgov.report.tested import Tested
from jupyter_mlgov.report.views import Charter, Data, ModelView, Results
from jupyter_mlgov.report.wording import amount, counted, listed

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record

TITLES = {
    "summary": "Summary and gate",
    "gaps": "What is missing",
    "charter": "Charter and KPIs",
    "data": "Data lineage",
    "model": "Model and parameters",
    "results": "Metrics and results",
    "tested": "Tests and explanations",
    "risks": "Risk register",
    "reproducibility": "Reproducibility",
    "code": "Code",
    "environment": "Environment",
    "approvals": "Approvals",
    "operation": "Releases and monitoring",
    "frameworks": "Evidence for frameworks",
    "warnings": "Warnings of the run",
    "digests": "Digests and ledger",
}
_ORDER: tuple[State, ...] = ("measured", "asserted", "stale", "missing")


def outline(
    *,
    record: Record,
    charter: Charter,
    data: Data,
    models: tuple[ModelView, ...],
    parameters: tuple[Fact, ...],
    results: Results,
    tested: Tested,
    risks: Risks,
    reproducibility: Reproducibility,
    environment: Environment,
    approvals: tuple[Approval, ...],
    operation: Operation,
    frameworks: tuple[FrameworkView, ...],
    cautions: tuple[Caution, ...],
    gaps: tuple[Gap, ...],
) -> dict[str, Section]:
    """Each section by its id, in the order of the page."""
    lacking = {gap.section: [one.state for one in gaps if one.section == gap.section] for gap in gaps}
    manifest = record.manifest
    said: dict[str, tuple[Iterable[State], str]] = {
        "summary": (["measured"], ""),
        "gaps": ([gap.state for gap in gaps] or ["measured"], _gap_lead(gaps)),
        "charter": (
            [*(fact.state for fact in charter.facts), *(kpi.state for kpi in charter.kpis)],
            _charter_lead(charter),
        ),
        "data": (
            [*(one.state for one in data.inputs), *(one.state for one in data.frames)],
            _data_lead(data),
        ),
        "model": (
            [*(one.state for one in parameters), *(one.state for one in models)],
            f"{counted(len(manifest.models), 'fitted model')} and {counted(len(manifest.parameters), 'parameter')}, "
            "recorded without a logging call.",
        ),
        "results": (
            ["measured"] * bool(manifest.metrics or results.main),
            f"{counted(len(manifest.metrics), 'metric')} computed by the experiment's cell"
            + (f", beside those of {results.compared}." if results.compared else "."),
        ),
        "tested": (tested.known if tested.state == "measured" else [tested.state], tested.lead),
        "risks": (_risk_states(risks), _risk_lead(risks)),
        "reproducibility": (
            [record.rerun_state] if reproducibility.latest and reproducibility.latest.readable else [],
            _rerun_lead(reproducibility),
        ),
        "code": (["measured"], summary_of(record) + "."),
        "environment": (
            [fact.state for fact in environment.facts],
            f"{counted(len(environment.imported), 'package')} loaded of "
            f"{len(environment.imported) + len(environment.others)} installed."
            if environment.imported or environment.others
            else "",
        ),
        "approvals": (
            [one.state for one in approvals],
            f"{counted(len(approvals), 'decision')} on the ledger." if approvals else "",
        ),
        "operation": (operation.states, operation.lead),
        "frameworks": (
            [state for one in frameworks for item in one.items for state in item.states],
            "What this record offers as evidence, item by item. Whether that is enough, a reader has to judge.",
        ),
        "warnings": (
            ["measured"],
            "What the software noticed while it recorded the run."
            if cautions
            else "The software noticed nothing while it recorded the run.",
        ),
        "digests": (
            ["measured"],
            "Everything above can be checked by these names, which are made from content.",
        ),
    }
    return {
        name: Section(
            id=name,
            number=place,
            title=title,
            states=_states([*said[name][0], *lacking.get(name, [])]),
            lead=said[name][1],
        )
        for place, (name, title) in enumerate(TITLES.items())
    }


def _states(found: Iterable[State]) -> tuple[State, ...]:
    held = set(found)
    return tuple(state for state in _ORDER if state in held) or ("missing",)


def _gap_lead(gaps: tuple[Gap, ...]) -> str:
    if not gaps:
        return "Nothing of what this report looks for is missing or stale."
    found = Counter(gap.state for gap in gaps)
    return f"{listed([f'{found[state]} {state}' for state in ('missing', 'stale') if found[state]])}, with what to do."


def _charter_lead(charter: Charter) -> str:
    if not charter.present:
        return ""
    return "Written by people; the values beside the targets are what the run computed."


def _data_lead(data: Data) -> str:
    rows = [one.rows for one in data.inputs if one.rows]
    known = f" ({rows[0]} rows)" if len(data.inputs) == 1 and rows else ""
    return f"{counted(len(data.inputs), 'input')}{known} and {counted(len(data.frames), 'frame')} in the session."


def _risk_states(risks: Risks) -> list[State]:
    states: list[State] = []
    for one in risks.risks:
        states += ["asserted", *(fact.state for fact in one.facts)]
        states += [check.state for check in one.checks]
    return states


def _risk_lead(risks: Risks) -> str:
    if not risks.risks:
        return ""
    found = Counter(_outcome(one) for one in risks.risks)
    words = ("passed", "failed", "not evaluated", "without a check")
    return (
        f"{counted(len(risks.risks), 'risk')} written down by people. Checks: "
        f"{listed([f'{amount(found[word])} {word}' for word in words if found[word]])}."
    )


def _outcome(risk: RiskView) -> str:
    """Of all its expressions together: one that fails counts most."""
    outcomes = [check.outcome for check in risk.checks]
    return next(
        (word for word in ("failed", "not evaluated", "passed") if word in outcomes), "without a check"
    )


def _rerun_lead(reproducibility: Reproducibility) -> str:
    latest = reproducibility.latest
    return f"The newest rerun of exactly this snapshot, {latest.age}." if latest and latest.age else ""
