"""Two snapshots compared: values first, then what each cell showed, then the causes.

The result is what counts: a factor that changed without changing any value or output is no difference. Metrics
are compared as numbers within their tolerance, frames and models by digest, outputs after noise is set aside.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.records.canonical import number
from jupyter_mlgov.records.manifest import CellRecord, Manifest
from jupyter_mlgov.records.verdict import CellComparison, Comparison, ValueComparison, Verdict
from jupyter_mlgov.rerun.alignment import align
from jupyter_mlgov.rerun.noise import compare_numbers, compare_outputs

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def compare(store: Store, baseline: str, candidate: str) -> Comparison:
    """The verdict of two recorded snapshots, with a finding for every factor that explains a difference."""
    from jupyter_mlgov.rerun.diagnose import find_causes

    measured = compare_results(store, baseline, candidate)
    if measured.verdict in ("reproduced", "equivalent"):
        return measured
    import msgspec

    return msgspec.structs.replace(measured, findings=find_causes(store, baseline, candidate, measured))


def compare_results(store: Store, baseline: str, candidate: str) -> Comparison:
    """The same without asking for causes."""
    one, other = store.manifest(baseline), store.manifest(candidate)
    values = (*_metrics(one, other), *_frames(one, other), *_models(one, other))
    cells = _cells(store, one, other)
    return Comparison(
        baseline=baseline,
        candidate=candidate,
        verdict=_verdict(values, cells),
        values=tuple(values),
        cells=tuple(cells),
    )


def _verdict(values: tuple[ValueComparison, ...], cells: list[CellComparison]) -> Verdict:
    statuses = {value.status for value in values} | {cell.status for cell in cells}
    if "error" in statuses:
        return "failed"
    if statuses & {"different", "missing"}:
        return "diverged"
    return "equivalent" if "equivalent" in statuses else "reproduced"


def tolerance_of(manifest: Manifest, metric: str) -> float | None:
    """The absolute tolerance that was declared for a metric: ``--tolerance``, else its KPI's."""
    if metric in manifest.tolerances:
        return manifest.tolerances[metric]
    return next(
        (kpi.tolerance for kpi in manifest.kpis if kpi.metric == metric and kpi.tolerance is not None), None
    )


def _metrics(one: Manifest, other: Manifest) -> list[ValueComparison]:
    found = []
    for name in dict.fromkeys([*one.metrics, *other.metrics]):
        before, after = one.metrics.get(name), other.metrics.get(name)
        tolerance = tolerance_of(one, name)
        status: Any
        if name not in other.metrics:
            status = "missing"
        elif name not in one.metrics:
            status = "new"
        else:
            left, right = number(before), number(after)
            if left is None or right is None:
                status = "same" if before == after else "different"
            else:
                status = compare_numbers(left, right, tolerance=tolerance)
        found.append(
            ValueComparison(
                kind="metric", name=name, baseline=before, candidate=after, status=status, tolerance=tolerance
            )
        )
    return found


def _frames(one: Manifest, other: Manifest) -> list[ValueComparison]:
    return _digests("frame", {f.name: f.digest for f in one.frames}, {f.name: f.digest for f in other.frames})


def _models(one: Manifest, other: Manifest) -> list[ValueComparison]:
    return _digests("model", {m.name: m.digest for m in one.models}, {m.name: m.digest for m in other.models})


def _digests(kind: Any, before: dict[str, str | None], after: dict[str, str | None]) -> list[ValueComparison]:
    """By digest; what could not be hashed on either side says nothing."""
    found = []
    for name in dict.fromkeys([*before, *after]):
        left, right = before.get(name), after.get(name)
        status: Any
        if name not in after:
            status = "missing"
        elif name not in before:
            status = "new"
        elif left is None or right is None:
            continue
        else:
            status = "same" if left == right else "different"
        found.append(ValueComparison(kind=kind, name=name, baseline=left, candidate=right, status=status))
    return found


def outputs_of(store: Store, cell: CellRecord) -> list[dict[str, Any]]:
    """The outputs of a cell's last run."""
    if cell.outputs is None:
        return []
    outputs: list[dict[str, Any]] = json.loads(store.get(cell.outputs))
    return outputs


def _cells(store: Store, one: Manifest, other: Manifest) -> list[CellComparison]:
    when = (one.created_at, other.created_at)
    found = []
    for before, after in align(store, one, other):
        if before is None:
            if (
                after is not None
                and after.status == "error"
                and (other.cell is None or after.index <= other.cell)
            ):
                found.append(CellComparison(index=after.index, status="error", note=_raised(store, after)))
            continue
        if before.runs == 0:
            continue
        if after is None or after.runs == 0:
            found.append(CellComparison(index=before.index, status="not-run"))
            continue
        if after.status == "error" and before.status != "error":
            found.append(CellComparison(index=before.index, status="error", note=_raised(store, after)))
            continue
        near, note = compare_outputs(outputs_of(store, before), outputs_of(store, after), when=when)
        if before.status == "error" and after.status == "error":
            status: Any = "expected-error" if near != "different" else "different"
        elif before.status == "error":
            status, note = "different", "it raised an error before and does not any more"
        else:
            status = near
        found.append(CellComparison(index=before.index, status=status, note=note))
    return found


def _raised(store: Store, cell: CellRecord) -> str:
    error = next((o for o in outputs_of(store, cell) if o.get("output_type") == "error"), None)
    return f"raised {error['ename']}: {error['evalue']}"[:300] if error else "raised an error"
