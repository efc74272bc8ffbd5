"""Two recorded runs compared: values first, then what each cell showed.

The result is what counts: a factor that changed without changing any value or output is no difference. Metrics
are compared as numbers within their tolerance, frames and models by digest, outputs once noise is set aside. It
is a function of two manifests and of what they name in the store, so ``mlgov diff`` and ``mlgov rerun`` agree.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.records.canonical import number
from jupyter_mlgov.records.manifest import Frame, Manifest, Model
from jupyter_mlgov.records.verdict import CellComparison, CellStatus, Comparison, ValueComparison, Verdict
from jupyter_mlgov.rerun.alignment import Alignment, align
from jupyter_mlgov.rerun.durations import REFIT, SCIKIT_LEARNS
from jupyter_mlgov.rerun.low_bits import settle_low_bits
from jupyter_mlgov.rerun.numbers import RELATIVE, compare_numbers
from jupyter_mlgov.rerun.outputs import compare_errors, compare_outputs, error_of
from jupyter_mlgov.rerun.self_told import SelfTold
from jupyter_mlgov.rerun.side import Side
from jupyter_mlgov.rerun.suspects import Reading, read_code
from jupyter_mlgov.rerun.texts import Context, Known
from jupyter_mlgov.rerun.tolerances import summary, tolerance_of, tolerances, within_declared

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

GOOD: tuple[Verdict, ...] = ("reproduced", "equivalent")


def compare(store: Store, baseline: str, candidate: str) -> Comparison:
    """The verdict on two snapshots, with a finding for every cause of a difference."""
    from jupyter_mlgov.rerun.diagnose import between

    measured = measure(store, baseline, candidate)
    return msgspec.structs.replace(measured.comparison, findings=between(measured))


@dataclass(frozen=True)
class Measured:
    """What differs between two runs, and what the search for causes needs."""

    before: Side
    after: Side
    alignment: Alignment
    values: tuple[ValueComparison, ...]
    cells: tuple[CellComparison, ...]
    inserted_error: bool = False
    """A cell that only the candidate has raised an error."""

    @cached_property
    def comparison(self) -> Comparison:
        """As the doors show it, without findings."""
        return Comparison(
            baseline=self.before.id,
            candidate=self.after.id,
            verdict=self.verdict,
            summary=summary(self.values, self.cells) if self.verdict == "equivalent" else "",
            cells=self.cells,
            values=self.values,
        )

    @property
    def verdict(self) -> Verdict:
        """From the worst of all values and cells."""
        cells = {cell.status for cell in self.cells}
        values = {value.status for value in self.values}
        if "error" in cells or self.inserted_error:
            return "failed"
        if self.differs or "not compared" in values:
            return "diverged"
        return "equivalent" if "equivalent" in cells | values else "reproduced"

    @property
    def differs(self) -> bool:
        """Whether a difference was seen. A rerun of which something could not be compared is none that reproduced the
        result, and there is no cause to look for."""
        return self.inserted_error or bool(self.differing_cells or self.differing_names)

    @property
    def not_compared(self) -> tuple[ValueComparison, ...]:
        """Frames and models whose content is known in the baseline only."""
        return tuple(value for value in self.values if value.status == "not compared")

    @property
    def differing_cells(self) -> set[int]:
        """Indices (of the baseline) of cells that show something else."""
        return {cell.index for cell in self.cells if cell.status in ("different", "error")}

    @property
    def differing_names(self) -> set[str]:
        """Metrics, frames and models that are not what they were."""
        return {value.name for value in self.values if value.status in ("different", "missing")}


def measure(store: Store, baseline: str, candidate: str) -> Measured:
    """Compares without asking for causes."""
    before, after = Side(store, baseline), Side(store, candidate)
    alignment = align(before, after)
    reading = timings_of(before)
    reading_now = timings_of(after)
    timings = reading.timings & reading_now.timings
    columns = _timed_columns(before.manifest, after.manifest, reading, reading_now)
    metrics = _metrics(before.manifest, after.manifest, timings, tolerances(store.folder.parent))
    values = [
        *metrics,
        *(_unless_timed(value, timings) for value in _frames(before.manifest, after.manifest, columns)),
        *_models(before.manifest, after.manifest),
    ]
    remade = _names_made(before, alignment)
    values = [
        value
        for value in values
        if value.kind == "metric" or value.status != "missing" or value.name in remade
    ]
    tolerant = within_declared(metrics)
    context = Context(
        before.moment, after.moment,
        known=_known(metrics), tolerant=tolerant, printed=tuple(reading.printed),
        timed_columns=columns, told=SelfTold.by(before.code()).both(SelfTold.by(after.code())),
        root=str(store.folder.parent.absolute()),
    )  # fmt: skip
    cells, inserted_error = _cells(before, after, alignment, context)
    # Where the user has said which numbers count, and how far they may be off, what they were computed from may be
    # off as well.
    values = (
        [_settled(value) for value in values]
        if tolerant
        else settle_low_bits(values, cells, before, after, alignment)
    )
    return Measured(before, after, alignment, tuple(values), tuple(cells), inserted_error)


def _names_made(before: Side, alignment: Alignment) -> set[str]:
    """Names that the candidate should have too: a cell that binds them ran on both sides. What other cells of
    the recorded session left behind (below the experiment, deleted since) is no result of the notebook."""
    ran = {old for old, new in alignment.after_of.items() if new.runs}
    return {name for entry in before.journal if entry.index in ran for name in entry.sets}


def timings_of(side: Side) -> Reading:
    """What the code of a recorded run says (see ``suspects``), in the order of its execution."""
    return read_code(
        ((-1 if entry.index is None else entry.index, side.source(entry)) for entry in side.journal),
        data=_columns_read(side.manifest),
    )


def _columns_read(manifest: Manifest) -> frozenset[str] | None:
    """The columns of all inputs; None where those of one are not known."""
    inputs = [item for item in manifest.inputs if not item.derived]
    if any(item.columns is None for item in inputs):
        return None
    return frozenset(column.name for item in inputs for column in item.columns or ())


# -- values --------------------------------------------------------------------------------------------------


def _metrics(
    before: Manifest, after: Manifest, timings: set[str], declared: dict[str, float]
) -> list[ValueComparison]:
    found = []
    for name in dict.fromkeys([*before.metrics, *after.metrics]):
        old, new = before.metrics.get(name), after.metrics.get(name)
        tolerance = tolerance_of(before, name, declared)
        left, right = number(old), number(new)
        status: str
        if name not in after.metrics:
            status = "missing"
        elif name not in before.metrics:
            status = "new"
        elif left is None or right is None:
            status = "same" if old == new else "different"
        else:
            status = compare_numbers(_exactly(old, left), _exactly(new, right), tolerance=tolerance)
        if status in ("different", "equivalent", "missing") and name in timings:
            status = "noise"
        moved = left is not None and right is not None and status not in ("same", "noise")
        by_default = tolerance is None and status == "equivalent"
        found.append(
            ValueComparison(
                kind="metric", name=name, baseline=old, candidate=new, status=status,  # type: ignore[arg-type]
                tolerance=RELATIVE if by_default else tolerance, relative=by_default,
                off=abs(left - right) if moved and left is not None and right is not None else None,
            )
        )  # fmt: skip
    return found


def _exactly(value: object, read: float) -> float:
    """A whole number as it is: past 2**53 a float is another."""
    return value if isinstance(value, int) else read


def _known(metrics: list[ValueComparison]) -> tuple[Known, ...]:
    known = []
    for metric in metrics:
        old, new = number(metric.baseline), number(metric.candidate)
        if metric.status == "equivalent" and old is not None and new is not None:
            known.append(Known(metric.name, old, new))
    return tuple(known)


def _timed_columns(
    before: Manifest, after: Manifest, reading: Reading, reading_now: Reading
) -> frozenset[str]:
    """Columns of measured time: scikit-learn's, and those of which the code of both sides shows it. A column that an
    input has is data, whatever it is called."""
    read = {
        column.name
        for side in (before, after)
        for item in side.inputs
        if not item.derived
        for column in item.columns or ()
    }
    return (SCIKIT_LEARNS | {REFIT} | (reading.timed_columns & reading_now.timed_columns)) - read


def _frames(before: Manifest, after: Manifest, timed: frozenset[str]) -> list[ValueComparison]:
    now = {frame.name: frame for frame in after.frames}
    found = [_frame(frame, now.get(frame.name), timed) for frame in before.frames]
    known = {frame.name for frame in before.frames}
    found += [
        ValueComparison(kind="frame", name=f.name, baseline=None, candidate=f.digest, status="new")
        for f in after.frames
        if f.name not in known
    ]
    return [value for value in found if value is not None]


def _unless_timed(value: ValueComparison, timings: set[str]) -> ValueComparison:
    """An array of durations is no result."""
    if value.name in timings and value.status in ("different", "not compared"):
        return msgspec.structs.replace(value, status="noise")
    return value


def _frame(old: Frame, new: Frame | None, timed: frozenset[str]) -> ValueComparison | None:
    if new is None:
        return ValueComparison(
            kind="frame", name=old.name, baseline=old.digest, candidate=None, status="missing"
        )
    if old.digest is None:
        return None
    same = old.digest == new.digest or _only_timings(old, new, timed)
    status = "not compared" if new.digest is None else "same" if same else "different"
    return ValueComparison(
        kind="frame", name=old.name, baseline=old.digest, candidate=new.digest, status=status  # type: ignore[arg-type]
    )  # fmt: skip


def _only_timings(old: Frame, new: Frame, timed: frozenset[str]) -> bool:
    """True when the frames differ in columns of measured seconds only."""
    if old.columns is None or new.columns is None or old.rows != new.rows:
        return False
    if [column.name for column in old.columns] != [column.name for column in new.columns]:
        return False
    changed = [a.name for a, b in zip(old.columns, new.columns, strict=True) if a != b]
    return bool(changed) and timed.issuperset(changed)


def _models(before: Manifest, after: Manifest) -> list[ValueComparison]:
    now = {model.name: model for model in after.models}
    found = [_model(model, now.get(model.name)) for model in before.models]
    known = {model.name for model in before.models}
    found += [
        ValueComparison(kind="model", name=m.name, baseline=None, candidate=m.digest, status="new")
        for m in after.models
        if m.name not in known
    ]
    return [value for value in found if value is not None]


def _model(old: Model, new: Model | None) -> ValueComparison | None:
    if new is None:
        return ValueComparison(
            kind="model", name=old.name, baseline=old.digest, candidate=None, status="missing"
        )
    if old.digest is None:
        return None
    status = "not compared" if new.digest is None else "same" if old.digest == new.digest else "different"
    return ValueComparison(
        kind="model", name=old.name, baseline=old.digest, candidate=new.digest, status=status  # type: ignore[arg-type]
    )  # fmt: skip


def _settled(value: ValueComparison) -> ValueComparison:
    if value.kind in ("frame", "model") and value.status in ("different", "not compared"):
        return msgspec.structs.replace(value, status="equivalent")
    return value


# -- cells ---------------------------------------------------------------------------------------------------


def _cells(
    before: Side, after: Side, alignment: Alignment, context: Context
) -> tuple[list[CellComparison], bool]:
    """Every cell of the baseline; and whether a cell that only the candidate has raised an error."""
    found: list[CellComparison] = []
    inserted_error = False
    for pair in alignment.pairs:
        old, new = pair.before, pair.after
        if old is None:
            inserted_error |= new is not None and new.status == "error"
        elif old.type != "code":
            found.append(CellComparison(index=old.index, status="same"))
        elif old.runs == 0 or new is None or new.runs == 0:
            found.append(CellComparison(index=old.index, status="not-run"))
        else:
            shown = before.outputs(old), after.outputs(new)
            where = replace(context, source=before.source(old), cell=old.index)
            status, note = _cell(old.status, new.status, *shown, where)
            found.append(CellComparison(index=old.index, status=status, note=note))
    return found, inserted_error


def _cell(old_status: str, new_status: str, old: list, new: list, context: Context) -> tuple[CellStatus, str]:  # type: ignore[type-arg]
    raised = error_of(new)
    said = f"{raised.get('ename')}: {raised.get('evalue')}"[:300] if raised else "an error"
    if new_status == "error" and old_status != "error":
        return "error", f"it raises {said}"
    if old_status == "error" and new_status != "error":
        was = error_of(old)
        return "different", f"it raised {was.get('ename') if was else 'an error'}, and does not any more"
    outcome = compare_outputs(old, new, context)
    if old_status == "error":
        was = error_of(old)
        if was is not None and raised is not None and was.get("ename") != raised.get("ename"):
            return "error", compare_errors(was, raised, context).note
        return ("different", outcome.note) if outcome.closeness == "different" else ("expected-error", "")
    return outcome.closeness, outcome.note
