"""What somebody would put into a notebook, a file name or a risk to make a report run or load something."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_mlgov.governance import signing
from jupyter_mlgov.governance.approvals import PREDICATE_TYPE as APPROVAL
from jupyter_mlgov.records.annotations import (
    Amount,
    Charter,
    Check,
    CheckTerm,
    Condition,
    DeclaredData,
    Kpi,
    KpiResult,
    Risk,
    SliceValue,
    Threshold,
)
from jupyter_mlgov.records.assessment import Assessment, Attributions, FeatureAttribution, Figure, TestResult
from jupyter_mlgov.records.canonical import canonical, digest
from jupyter_mlgov.records.manifest import (
    Caution,
    CellRecord,
    Code,
    Column,
    Environment,
    Frame,
    Input,
    Manifest,
    Member,
    Model,
    Module,
    Notebook,
)
from jupyter_mlgov.records.monitoring import (
    ColumnDrift,
    Histogram,
    KpiOverTime,
    KpiWindow,
    Monitoring,
    QualityProblem,
    SeriesDrift,
    SliceDrift,
)
from jupyter_mlgov.records.retraining import Contest, Retraining
from jupyter_mlgov.records.verdict import (
    CellComparison,
    Comparison,
    Finding,
    GateDecision,
    GateRule,
    ValueComparison,
)
from jupyter_mlgov.store import Store

HERE = "http://127.0.0.1:{port}/{n}"

TEXTS = (
    "<script>window.hit=1;fetch('{here}')</script>",
    "</style><script>window.hit=1</script><style>@import url({here});",
    "</title><img src={here} onerror=window.hit=1>",
    "<img src=x onerror=\"window.hit=1;new Image().src='{here}'\">",
    "<svg onload=window.hit=1><script href='{here}'/></svg>",
    '"><body onload=window.hit=1 background={here}>',
    "' onfocus=window.hit=1 autofocus tabindex=1 x='",
    '" style="background:url({here})" onmouseover="window.hit=1',
    "javascript:window.hit=1",
    "[click](javascript:window.hit=1) ![x]({here})",
    "data:text/html,<script>window.hit=1</script>",
    "{{{{ 99991*99989 }}}} {{% raw %}}{{{{ ''.__class__.__mro__ }}}}{{# x #}}",
    "${{99991*99989}} <%= 99991*99989 %> #{{99991*99989}}",
    "<link rel=stylesheet href={here}><link rel=prefetch href={here}>",
    '<iframe srcdoc="<script>parent.hit=1</script>" src={here}></iframe>',
    '<meta http-equiv=refresh content="0;url={here}"><base href={here}>',
    "<form action={here}><button autofocus formaction={here}>go</button></form>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=window.hit=1&gt;">',
    '<noscript><p title="</noscript><img src=x onerror=window.hit=1>">',
    "--><script>window.hit=1</script><!--",
    "]]><script>window.hit=1</script>",
    "</textarea></pre></code></details></table><script>window.hit=1</script>",
    "\u202egnp.exe\u202c \u0000\ufeff\x1b]8;;{here}\x07link\x1b]8;;\x07",
    "<details open ontoggle=window.hit=1><summary>x</summary></details>",
    "<video><source onerror=window.hit=1 src={here}></video><audio src={here} autoplay>",
    "<object data={here}></object><embed src={here}>",
    "<style>@font-face{{font-family:x;src:url({here})}}*{{font-family:x;background:url({here})}}</style>",
    '<a href="jav&#x09;ascript:window.hit=1" ping={here}>x</a>',
    "<input type=image src={here} onerror=window.hit=1><isindex action={here}>",
    "<template><script>window.hit=1</script></template><slot onslotchange=window.hit=1>",
)


class Payloads:
    """The texts in turn, each with an address of its own, starting at ``first``."""

    def __init__(self, port: int, first: int = 0) -> None:
        self.port, self._turn = port, count(first)

    def __call__(self) -> str:
        n = next(self._turn)
        return TEXTS[n % len(TEXTS)].format(here=HERE.format(port=self.port, n=n))

    def every(self) -> Iterator[str]:
        for n, text in enumerate(TEXTS):
            yield text.format(here=HERE.format(port=self.port, n=f"all-{n}"))


def outputs(evil: Payloads) -> list[dict[str, Any]]:
    """nbformat outputs of every kind with every text in them, and forms that no notebook should have."""
    made: list[Any] = []
    for text in evil.every():
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{text}<image href="{HERE.format(port=evil.port, n="svg")}"/></svg>'
        made += [
            {"output_type": "stream", "name": "stdout", "text": text},
            {"output_type": "error", "ename": text, "evalue": text, "traceback": [text]},
            shown({"text/html": text}),
            shown({"text/html": f"<table><tr><td>{text}</td></tr></table>"}),
            shown({"text/html": f'<table><tr><td title="{text}" colspan="{text}">x</td></tr></table>'}),
            shown({"image/svg+xml": svg}),
            shown({"text/markdown": text}),
            shown({"text/latex": text}),
            shown({"application/json": {text: text}}),
            shown({"image/png": text}),
            shown({"image/png": base64.b64encode(text.encode()).decode()}),
            shown({text: text}),
        ]
    made += [
        shown({"application/javascript": "window.hit=1"}),
        shown({"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/html": "<script>window.hit=1</script>"}),
        shown({"text/html": "<div>" * 50_000}),
        shown({"text/html": '<img src="data:image/svg+xml;base64,' + base64.b64encode(b"<svg onload='hit=1'/>").decode() + '">'}),
        shown({"text/html": '<img src="data:text/html;base64,PHNjcmlwdD4=">'}),
        {"output_type": "display_data", "data": [], "metadata": 3},
        {"output_type": "stream", "text": 5}, {"output_type": None}, None, 7, "text", [],
    ]  # fmt: skip
    return made


def shown(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def record(store: Store, evil: Payloads) -> str:
    """Commits a snapshot whose every free text is hostile, with a rerun, a risk, a charter and an approval."""
    name = digest(b"x")
    columns = tuple(Column(name=evil(), dtype=evil(), digest=evil()) for _ in range(3))
    source = store.put(evil().encode())
    shown_ = store.put(json.dumps(outputs(evil)).encode())
    environment = Environment(
        python=evil(), platform=evil(), packages={evil(): evil() for _ in range(4)}, variables={evil(): evil(), evil(): None},
        details={evil(): evil(), "cpus": 2},
    )  # fmt: skip
    environment = msgspec.structs.replace(environment, imported=tuple(environment.packages)[:2])
    kpi = Kpi(metric=evil(), op=">=", target=0.5, split=evil(), description=evil())
    metrics: dict[str, Any] = {evil(): evil(), kpi.metric: 0.7, **{evil(): 0.1 * i for i in range(8)}}
    made = Manifest(
        experiment=evil(), created_at=evil(), author=evil(), message=evil(), status="error", error=evil(), cell=1,
        notebook=Notebook(
            path=evil(), order="out-of-order", document=store.put(b"{}"),
            cells=(
                CellRecord(index=0, id=evil(), type="code", source=source, status="error", runs=2, outputs=shown_),
                CellRecord(index=1, id=evil(), type="code", source=store.put(evil().encode()), status="ok", runs=1, outputs=shown_),
                CellRecord(index=2, id=evil(), type="markdown", source=store.put(evil().encode())),
            ),
        ),
        parameters={evil(): evil()}, metrics=metrics, series={evil(): ((0.0, 1.0), (1.0, 0.5), (2.0, "NaN"))},
        tolerances={evil(): 0.1}, seed=1,
        inputs=(
            Input(uri=evil(), digest=name, rows=3, columns=columns, members=(Member(path=evil(), digest=evil()),), reason=evil()),
            Input(uri=evil(), digest=None, query=evil(), reason=evil(), evidence="declared"),
            Input(uri=evil(), digest=evil(), derived=True),
        ),
        frames=tuple(Frame(name=evil(), type=evil(), digest=name, rows=2, columns=columns, reason=evil()) for _ in range(3)),
        models=(Model(name=evil(), class_=evil(), parameters={evil(): {evil(): [evil()]}, evil(): evil()}, digest=name, reason=evil()),),
        code=Code(commit=evil(), branch=evil(), dirty=True, remote=evil(), diff=store.put(("+" + evil() + "\n-" + evil()).encode()),
                  modules=(Module(path=evil(), digest=evil()),)),
        environment=store.put(canonical(environment)),
        charter=charter(evil, kpi),
        kpis=(KpiResult(metric=kpi.metric, op=">=", target=0.5, split=kpi.split, description=kpi.description, value=0.7, met=True),
              KpiResult(metric=evil(), op="==", target=2.0, value=evil(), met=None)),
        risks=tuple(risk(evil) for _ in range(4)),
        warnings=(Caution(code=evil(), message=evil(), cell=0),),
    )  # fmt: skip
    snapshot = store.commit(made).subject
    comparison = Comparison(
        baseline=snapshot, candidate=evil(), verdict="diverged", runs=2,
        findings=(Finding(cause="unknown", subject=evil(), columns=(evil(), evil()), cell=1, variable=evil(), message=evil(), remedy=evil()),),
        cells=(CellComparison(index=0, status="different", note=evil()),),
        values=(ValueComparison(kind="metric", name=evil(), baseline=evil(), candidate=evil(), status="different"),),
    )  # fmt: skip
    body = {"verdict": evil(), "candidate": evil(), "comparison": store.put(canonical(comparison))}
    store.append("rerun", snapshot, body, author=evil())
    store.append("rerun", snapshot, {"verdict": evil(), "comparison": evil()}, author=evil())
    store.append("rerun", snapshot, body, author=evil())
    again = msgspec.structs.replace(made.risks[0], situation=evil())
    store.append("risk", snapshot, msgspec.to_builtins(again), author=evil())
    store.append("risk", snapshot, {"id": made.risks[1].id, "status": evil(), "check": {"passed": evil()}})
    store.append("charter", snapshot, msgspec.to_builtins(charter(evil, kpi)))
    approval = {"name": evil(), "role": evil(), "decision": evil(), "message": evil()}
    store.append("approval", snapshot, approval)
    store.append("approval", snapshot, {evil(): evil(), "decision": 5, "name": [evil()]})
    predicate = {
        "decision": evil(),
        "name": evil(),
        "role": evil(),
        "message": evil(),
        "accepts": [evil(), evil()],
    }
    payload = signing.statement([(evil(), snapshot)], APPROVAL, predicate)
    envelope = signing.sign(payload, Ed25519PrivateKey.from_private_bytes(b"e" * 32))
    store.append("approval", snapshot, {"envelope": envelope})
    store.append("approval", snapshot, {"envelope": evil(), "name": evil()})
    tested(store, snapshot, evil)
    operated(store, snapshot, evil)
    return snapshot


def tested(store: Store, snapshot: str, evil: Payloads) -> None:
    """An assessment with hostile tests, notes and pictures."""
    results = tuple(
        TestResult(
            id=f"{group}.{evil()}", group=group, question=evil(), method=evil(), op=">=", threshold=0.5, value=0.4,
            low=0.3, high=0.5, verdict=verdict, reason=evil(), rows=9, details={evil(): evil()},
        )
        for group, verdict in ((evil(), "pass"), ("fairness", "fail"), ("fairness", "not-applicable"), (evil(), "too-small"))
    )  # fmt: skip
    picture = f'<svg xmlns="http://www.w3.org/2000/svg">{evil()}<image href="{HERE.format(port=evil.port, n="p")}"/></svg>'
    explained = Attributions(
        model=evil(), data=evil(), explainer=evil(), output=evil(), base=0.5, rows=2, of_rows=5, background=5,
        features=(FeatureAttribution(feature=evil(), mean_abs=0.1, low=0.09, high=0.12, mean=0.02),),
        budget=1, evaluations=1, additivity_error=0.0, sampling_error=0.1, exact=True, seed=0, values=evil(),
        figures=tuple(Figure(title=evil(), object=store.put(data.encode()), text=evil()) for data in (picture, evil())),
    )  # fmt: skip
    made = Assessment(
        snapshot=snapshot, suite=evil(), task="binary", data=evil(), rows=5, results=results, notes=(evil(), evil()),
        attributions=store.put(canonical(explained)),
    )  # fmt: skip
    body = {"assessment": store.put(canonical(made)), "counts": {evil(): evil()}}
    store.append("assessment", snapshot, body, author=evil())


def operated(store: Store, snapshot: str, evil: Payloads) -> None:
    """A release, a monitor run and a retraining, hostile all of them."""
    body = {"model": evil(), "stage": evil(), "number": 1, "gate": evil(), "message": evil()}
    store.append("release", snapshot, body, author=evil())
    store.append("release", snapshot, {"number": evil(), "model": [evil()]}, author=evil())
    store.append("drift", snapshot, {"decision": evil(), "reasons": evil(), "monitoring": evil()})
    run = monitoring(evil, snapshot)
    named = {"model": evil(), "stage": evil(), "number": evil(), "rows": evil(), "outcomes": evil()}
    kept = {"decision": run.decision, "reasons": [evil(), evil()], "monitoring": store.put(canonical(run))}
    store.append("drift", snapshot, named | kept, author=evil())
    contest = Contest(metric=evil(), rows=3, verdict="better", reason=evil(), notes=(evil(),))
    made = Retraining(
        model=evil(), stage=evil(), number=1, champion=evil(), uri=evil(), source="file", file=evil(), mode="added",
        rows_before=3, rows_new=2, contest=contest, outcome="failed", reasons=(evil(), evil()), notes=(evil(),),
    )  # fmt: skip
    store.append("retrain", snapshot, named | {"outcome": evil(), "retraining": store.put(canonical(made))})
    store.append("retrain", snapshot, {"outcome": [evil()], "retraining": evil()})


def monitoring(evil: Payloads, snapshot: str) -> Monitoring:
    """A monitor run whose every free text is hostile, with histograms that do not fit together."""

    def column(role: Any, reference: tuple[float, ...] = (0.5, 0.5), effect: float = 0.4) -> ColumnDrift:
        return ColumnDrift(
            name=evil(), role=role, kind="category", measure="jensen-shannon", effect=effect, threshold=0.1,
            second=(evil(), 0.3), test=evil(), p=0.001, p_adjusted=0.01, detectable=0.1, reference_rows=9, current_rows=9,
            tell="drift", message=evil(),
            histogram=Histogram(labels=(evil(), evil()), reference=reference, current=(0.1, 0.9)),
        )  # fmt: skip

    kpi = KpiOverTime(
        metric=evil(), op=evil(), target=0.5, value=evil(), low=evil(), high="NaN", rows=3, met=False, sure=True,
        reference=evil(), message=evil(), windows=(KpiWindow(start=0, rows=3, at=evil(), value=0.4, low=evil(), high=0.6),),
    )  # fmt: skip
    series = SeriesDrift(
        series="loss", loss=evil(), rows=3, mean=0.5, reference=0.4, changes=(), p=0.1, p_adjusted=0.2, threshold=0.1,
        detectable=0.1, tell="drift", message=evil(),
    )  # fmt: skip
    part = SliceDrift(
        where=evil(), measured="loss", before=0.1, after=0.2, rows_before=3, rows_after=3, effect=0.3, contribution=0.5,
        p_adjusted=0.01, tell="drift",
    )  # fmt: skip
    problem = QualityProblem(column=evil(), kind="range", rows=3, share=0.5, broken=True, message=evil())
    return Monitoring(
        model=evil(), stage=evil(), release=1, snapshot=snapshot, at=evil(), since=evil(), first=evil(), last=evil(),
        reference=evil(), reference_rows=9, rows=9, outcomes=3, alpha=0.05, correction="holm", tests=3, decision="roll back",
        reasons=(evil(), evil()), quality=(problem,), concept=(series,), kpis=(kpi,), slices=(part,),
        notes=(evil(), evil()), attributions=(column("attribution"),),
        columns=(
            column("feature"), column("missing"), column("prediction"), column("feature", (0.2, 0.3, 0.5), float("inf")),
            column("feature", (9e99, -1.0), float("nan")),
        ),
    )  # fmt: skip


def charter(evil: Payloads, kpi: Kpi) -> Charter:
    fields = (
        "title",
        "owner",
        "business_case",
        "intended_use",
        "out_of_scope",
        "feasibility",
        "users",
        "stop_criteria",
    )
    return Charter(
        **{name: evil() for name in fields},
        value_of_right=(Amount(value=1.0, unit=evil(), when=evil()),),
        cost_of_wrong=(Amount(value=1.0, unit=evil(), when=evil()),),
        threshold=Threshold(value=0.5, score=evil()),
        test_data=DeclaredData(truth=evil(), frame=evil(), predicted=evil(), score=evil(), positive=evil()),
        kpis=(kpi,),
    )


def check(evil: Payloads, **parts: Any) -> Check:
    one = SliceValue(
        measure=evil(),
        where=evil(),
        value=evil(),
        low=evil(),
        high=evil(),
        rows=3,
        cases=2,
        needed=30,
        enough=False,
    )
    return Check(
        expression=evil(),
        passed=False,
        terms=(CheckTerm(expression=evil(), value=evil()),),
        conditions=(Condition(expression=evil(), value=evil(), op=evil(), threshold=evil(), passed=False),),
        slices=(one,),
        error=evil(),
        **parts,
    )


def risk(evil: Payloads) -> Risk:
    return Risk(
        id=evil(), situation=evil(), effect=evil(), severity="high", likelihood="medium", mitigation=evil(), owner=evil(),
        review_by=evil(), residual_risk=evil(), detection=evil(), tags=(evil(), evil()), cell=2,
        check=check(evil, parts=(check(evil), check(evil))),
    )  # fmt: skip


def gate(evil: Payloads) -> GateDecision:
    rules = (
        GateRule(rule=evil(), passed=False, reason=evil()),
        GateRule(rule=evil(), passed=True, reason=evil()),
    )
    return GateDecision(open=False, rules=rules)
