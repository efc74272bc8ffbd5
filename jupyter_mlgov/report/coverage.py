"""What the record offers as evidence for each item of a framework, and how that is known.

One word names one kind of evidence. Its answer is the states of what the record holds under that word: several where
a part of it is measured and a part missing, ``missing`` alone where it holds nothing. An item is never called
fulfilled, and never offered a section that is empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlgov.governance.coverage import Framework, Item, frameworks
from jupyter_mlgov.records.annotations import Risk
from jupyter_mlgov.records.manifest import Environment
from jupyter_mlgov.report.evidence import State
from jupyter_mlgov.report.operation import Operation
from jupyter_mlgov.report.risks import overdue
from jupyter_mlgov.report.tested import Tested
from jupyter_mlgov.report.wording import counted, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record

_ORDER: tuple[State, ...] = ("measured", "asserted", "stale", "missing")


@dataclass(frozen=True)
class Offer:
    """Evidence offered for an item: what it is, how it is known, and the section of the report that holds it."""

    label: str
    states: tuple[State, ...]
    section: str


@dataclass(frozen=True)
class ItemView:
    id: str
    title: str
    states: tuple[State, ...]
    offers: tuple[Offer, ...]
    missing: tuple[str, ...]
    """Labels of evidence that the record could hold and does not."""
    outside: str
    note: str


@dataclass(frozen=True)
class FrameworkView:
    """A framework with its items. ``summary`` counts those with evidence and those without, in words."""

    key: str
    name: str
    source: str
    url: str
    about: str
    summary: str
    items: tuple[ItemView, ...]


def coverage(
    record: Record, as_of: str, tested: Tested, used: Operation, own: Sequence[Framework] = ()
) -> tuple[FrameworkView, ...]:
    """Every framework, the project's ``own`` first, as far as this record goes. ``tested`` and ``used`` are what its
    sections show."""
    answers = _Answers(record, as_of, tested, used)
    return tuple(_framework(one, answers) for one in (*own, *frameworks()))


def _framework(framework: Framework, answers: _Answers) -> FrameworkView:
    items = tuple(_item(one, answers) for one in framework.items)
    kinds = Counter(
        "none" if not one.offers else "whole" if "missing" not in one.states else "part" for one in items
    )
    parts = [
        f"evidence offered for {kinds['whole'] + kinds['part']} of {counted(len(items), 'item')}",
        f"in part only for {kinds['part']}" if kinds["part"] else "",
        f"none for {kinds['none']}" if kinds["none"] else "",
    ]
    words = ", ".join(part for part in parts if part)
    return FrameworkView(
        key=framework.key,
        name=tidy(framework.name, 300),
        source=tidy(framework.source, 500),
        url=tidy(framework.url, 500),
        about=tidy(framework.about),
        summary=words[0].upper() + words[1:],
        items=items,
    )


def _item(item: Item, answers: _Answers) -> ItemView:
    offers, missing = [], []
    states: set[State] = set()
    for word in item.evidence:
        label, section = EVIDENCE[word]
        found = answers.states(word)
        states |= set(found)
        if found == ("missing",):
            missing.append(label)
        else:
            offers.append(Offer(label, found, section))
    if item.outside:
        states.add("missing")
    return ItemView(
        id=tidy(item.id, 120),
        title=tidy(item.title, 1000),
        states=tuple(state for state in _ORDER if state in states) or ("missing",),
        offers=tuple(offers),
        missing=tuple(missing),
        outside=tidy(item.outside, 1000),
        note=tidy(item.note, 1000),
    )


EVIDENCE: dict[str, tuple[str, str]] = {
    "approvals": ("decisions of named people", "approvals"),
    "charter.business_case": ("business case", "charter"),
    "charter.decision_costs": ("what a right and a wrong decision are worth", "charter"),
    "charter.feasibility": ("feasibility", "charter"),
    "charter.intended_use": ("intended use", "charter"),
    "charter.out_of_scope": ("what is out of scope", "charter"),
    "charter.owner": ("owner", "charter"),
    "charter.stop_criteria": ("stop criteria", "charter"),
    "charter.test_data": ("declared test data", "charter"),
    "charter.threshold": ("decision threshold", "charter"),
    "charter.title": ("title", "charter"),
    "charter.users": ("users", "charter"),
    "code": ("code, with its commit", "code"),
    "environment": ("Python, packages and platform", "environment"),
    "environment.packages": ("packages with versions", "environment"),
    "environment.platform": ("platform of the run", "environment"),
    "frames": ("tables with columns and digests", "data"),
    "gate": ("the gate's decision with reasons", "summary"),
    "gate.policy": ("the policy that was applied", "summary"),
    "history": ("earlier snapshots of this experiment", "results"),
    "inputs": ("inputs with digests", "data"),
    "inputs.kept": ("inputs whose bytes are kept", "data"),
    "inputs.schema": ("columns and types of the inputs", "data"),
    "kpis": ("targets with measured values", "charter"),
    "kpis.declared": ("targets", "charter"),
    "kpis.described": ("reasons for the targets", "charter"),
    "kpis.split": ("the data that targets are measured on", "charter"),
    "ledger": ("ledger", "digests"),
    "lineage": ("lineage", "data"),
    "metrics": ("metrics", "results"),
    "model": ("fitted model with fingerprint", "model"),
    "parameters": ("parameters", "model"),
    "reproducibility.order": ("order in which the cells ran", "reproducibility"),
    "rerun": ("rerun with verdict", "reproducibility"),
    "pictures": ("pictures that the run showed", "results"),
    "risks": ("risk register", "risks"),
    "risks.checks": ("executed checks of risks", "risks"),
    "risks.data": ("risks tagged data", "risks"),
    "risks.detection": ("how a failure is noticed", "risks"),
    "risks.effect": ("effects on people and business", "risks"),
    "risks.fairness": ("risks tagged fairness", "risks"),
    "risks.history": ("history of the risks", "risks"),
    "risks.likelihood": ("likelihood and severity", "risks"),
    "risks.misuse": ("risks tagged misuse", "risks"),
    "risks.mitigation": ("mitigations", "risks"),
    "risks.owner": ("owners of risks", "risks"),
    "risks.privacy": ("risks tagged privacy", "risks"),
    "risks.residual": ("residual risks", "risks"),
    "risks.review": ("dates of review", "risks"),
    "risks.security": ("risks tagged security", "risks"),
    "risks.third_party": ("risks tagged third party", "risks"),
    "run.author": ("author of the run", "summary"),
    "run.duration": ("how long the cells took", "code"),
    "slices": ("measures over slices, with intervals", "risks"),
    "snapshot": ("this snapshot, by its digest", "digests"),
    "tests": ("tests of the model, with intervals", "tested"),
    "tests.calibration": ("tests of its calibration", "tested"),
    "tests.explanations": ("what moves its predictions", "tested"),
    "tests.fairness": ("tests of its fairness", "tested"),
    "tests.robustness": ("tests of its robustness", "tested"),
    "tests.slices": ("tests of slices", "tested"),
    "tests.stability": ("tests of its stability", "tested"),
    "use.monitoring": ("what monitors found in use", "operation"),
    "use.outcomes": ("predictions beside what really happened", "operation"),
    "use.releases": ("releases, each with the gate's decision", "operation"),
    "use.retraining": ("retrainings", "operation"),
    "warnings": ("warnings of the run", "warnings"),
}
"""Every word of evidence: how it is called on the page, and the section that shows it."""


class _Answers:
    """The states of each word for one record."""

    def __init__(self, record: Record, as_of: str, tested: Tested, used: Operation) -> None:
        self._record = record
        self._as_of = as_of
        self._tested = tested
        self._used = used
        self._found: dict[str, tuple[State, ...]] = {}

    def states(self, word: str) -> tuple[State, ...]:
        if word not in self._found:
            held = set(self._states(word)) or {"missing"}
            self._found[word] = tuple(state for state in _ORDER if state in held)
        return self._found[word]

    def _states(self, word: str) -> Iterable[State]:
        room, _, name = word.partition(".")
        if room == "charter":
            return self._charter(name)
        if room == "risks":
            return self._risks(name)
        if room == "kpis":
            return self._kpis(name)
        if room == "tests":
            return self._tests(name)
        if room == "use":
            return self._use(name)
        return _STATES[word](self._record)

    def _charter(self, name: str) -> Iterable[State]:
        held = self._record.charter
        if name == "decision_costs":
            return _some("asserted", held and (held.value_of_right or held.cost_of_wrong))
        return _some("asserted", held and getattr(held, name))

    def _kpis(self, name: str) -> Iterable[State]:
        found = self._record.kpis
        if not name:
            return ["missing" if kpi.met is None else "measured" for kpi in found]
        if name == "declared":
            return _some("asserted", found)
        field = {"described": "description", "split": "split"}[name]
        return ["asserted" if getattr(kpi, field) else "missing" for kpi in found]

    def _tests(self, group: str) -> Iterable[State]:
        """Of a group of tests, only those with an answer count; the explanations stand under a word of their own."""
        if self._tested.state != "measured":
            return [self._tested.state]
        if not group:
            return self._tested.known
        if group == "explanations":
            return _some("measured", self._tested.explained)
        return next((one.known for one in self._tested.groups if one.name.lower() == group), ())

    def _use(self, name: str) -> Iterable[State]:
        if name == "releases":
            return _some("measured", self._used.releases)
        if name == "retraining":
            return _some("measured", self._used.retrainings)
        if name == "outcomes":
            newest = self._used.newest
            return _some("measured", newest and newest.found.outcomes)
        return self._used.monitoring

    def _risks(self, name: str) -> Iterable[State]:
        found = self._record.risks
        if not name or name == "likelihood":
            return _some("asserted", found)
        if name == "checks":
            return [_checked(risk) for risk in found]
        if name == "history":
            return _some("measured", found and self._record.number is not None)
        if name == "review":
            return [
                "stale" if overdue(risk, self._as_of) else "asserted" if risk.review_by else "missing"
                for risk in found
            ]
        tag = name.replace("_", " ")
        if tag in ("data", "fairness", "misuse", "privacy", "security", "third party"):
            tagged = [risk for risk in found if tag in risk.tags]
            checked = [state for risk in tagged if (state := _checked(risk)) != "missing"]
            return [*checked, *_some("asserted", tagged)]
        field = {"residual": "residual_risk"}.get(name, name)
        return ["asserted" if getattr(risk, field) else "missing" for risk in found]


def _checked(risk: Risk) -> State:
    return "measured" if risk.check is not None and risk.check.passed is not None else "missing"


def _some(state: State, held: object) -> list[State]:
    return [state] if held else []


def _approvals(record: Record) -> list[State]:
    """A signature that holds was verified; that it was given for this record as it stands, too."""
    return [
        "asserted" if one.key is None else "measured" if one.applies else "stale" for one in record.standing
    ]


def _environment(record: Record) -> Environment | None:
    """The recorded environment; None too for one of a notebook that was recorded at rest, without its kernel."""
    held = record.environment
    return held if held is not None and held.python else None


def _code(record: Record) -> list[State]:
    held = record.manifest.code
    states: list[State] = ["measured"] if record.manifest.notebook.cells else []
    return [*states, *([] if held.commit and held.dirty is False else ["missing"])]  # type: ignore[list-item]


def _pictures(record: Record) -> list[State]:
    """Whether any output is an image: what it explains is for people to see."""
    for cell in record.manifest.notebook.cells:
        data = record.bytes(cell.outputs)
        if data is not None and (b'"image/' in data):
            return ["measured"]
    return []


_STATES: dict[str, Callable[[Record], Iterable[State]]] = {
    "approvals": _approvals,
    "code": _code,
    "environment": lambda record: _some("measured", _environment(record)),
    "environment.packages": lambda record: _some(
        "measured", record.environment and record.environment.packages
    ),
    "environment.platform": lambda record: _some(
        "measured", record.environment and record.environment.platform
    ),
    "pictures": _pictures,
    "frames": lambda record: ["measured" if one.digest else "missing" for one in record.manifest.frames],
    "gate": lambda _: ["measured"],
    "gate.policy": lambda _: ["measured"],
    "history": lambda record: _some("measured", len(record.past) > 1),
    "inputs": lambda record: [
        "missing" if one.digest is None else "asserted" if one.evidence == "declared" else "measured"
        for one in record.inputs
    ],
    "inputs.kept": lambda record: ["measured" if one.kept else "missing" for one in record.inputs],
    "inputs.schema": lambda record: ["measured" if one.columns else "missing" for one in record.inputs],
    "ledger": lambda record: _some("measured", record.entries),
    "lineage": lambda record: _some("measured", record.inputs and record.manifest.frames),
    "metrics": lambda record: _some("measured", record.manifest.metrics),
    "model": lambda record: ["measured" if one.digest else "missing" for one in record.manifest.models],
    "parameters": lambda record: _some("measured", record.manifest.parameters),
    "reproducibility.order": lambda record: _some("measured", record.manifest.notebook.journal),
    "rerun": lambda record: [record.rerun_state],
    "run.author": lambda record: _some("measured", record.manifest.author),
    "run.duration": lambda record: _some(
        "measured", any(cell.duration_s is not None for cell in record.manifest.notebook.cells)
    ),
    "slices": lambda record: [
        "measured" if one.enough else "missing"
        for risk in record.risks
        if risk.check is not None
        for one in risk.check.slices
    ],
    "snapshot": lambda _: ["measured"],
    "warnings": lambda _: ["measured"],
}
