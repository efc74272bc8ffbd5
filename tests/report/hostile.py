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
    return snapshot


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
