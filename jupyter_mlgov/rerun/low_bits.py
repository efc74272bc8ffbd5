"""Frames and models whose digests differ because their numbers do in the last bits, and in nothing else.

A digest does not tell how far apart two tables are. Where the metrics that were computed from them moved in their last
bits only, a frame may have done the same, if nothing else can have made it another one: data, code, Python and
variables are what they were, nothing is drawn or listed by chance, and only columns of floating-point numbers differ.
Packages may be others: a new BLAS adds in another order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from jupyter_mlgov.records.manifest import Frame, Manifest, Model
from jupyter_mlgov.records.verdict import CellComparison, ValueComparison
from jupyter_mlgov.rerun.alignment import Alignment
from jupyter_mlgov.rerun.factors import changed_factors
from jupyter_mlgov.rerun.side import Side
from jupyter_mlgov.rerun.suspects import Kind, read_code

_FLOATING = re.compile(r"(?i)(?:half|float|double|complex)")
_BY_CHANCE: tuple[Kind, ...] = ("random", "hash", "listing")


def settle_low_bits(
    values: list[ValueComparison],
    cells: Iterable[CellComparison],
    before: Side,
    after: Side,
    alignment: Alignment,
) -> list[ValueComparison]:
    """``values`` with those frames and models ``equivalent`` that can differ in low bits only."""
    alike = set(_alike(before.manifest, after.manifest))
    may = [value for value in values if value.status == "different" and (value.kind, value.name) in alike]
    if not may or not _low_bits_only(values, cells) or not _nothing_else(before, after, alignment):
        return values
    return [
        msgspec.structs.replace(value, status="equivalent") if value in may else value for value in values
    ]


def _low_bits_only(values: Iterable[ValueComparison], cells: Iterable[CellComparison]) -> bool:
    """True when numbers moved, all of them that can be read in their low bits only."""
    statuses = {value.status for value in values if value.kind == "metric"} | {cell.status for cell in cells}
    return "equivalent" in statuses and not statuses & {"different", "missing", "error"}


def _nothing_else(before: Side, after: Side, alignment: Alignment) -> bool:
    """True where no change but of packages, and no chance, can have made another frame."""
    inputs = (*before.manifest.inputs, *after.manifest.inputs)
    if any(item.digest is None and not item.derived for item in inputs):
        return False
    reading = read_code((0, source) for source in before.code())
    if any(reading.of(kind) for kind in _BY_CHANCE):
        return False
    changed = changed_factors(before, after, alignment)
    return all(factor.cause == "environment.package" for factor in changed)


def _alike(before: Manifest, after: Manifest) -> Iterator[tuple[str, str]]:
    """Kinds and names of frames and models that can differ in floating-point numbers only."""
    frames = {frame.name: frame for frame in after.frames}
    for frame in before.frames:
        other = frames.get(frame.name)
        if other is not None and _alike_frames(frame, other):
            yield "frame", frame.name
    models = {model.name: model for model in after.models}
    for model in before.models:
        now = models.get(model.name)
        if now is not None and _alike_models(model, now):
            yield "model", model.name


def _alike_frames(one: Frame, other: Frame) -> bool:
    if (one.type, one.rows, one.shape) != (other.type, other.rows, other.shape):
        return False
    if one.columns is None or other.columns is None:
        return one.columns is other.columns
    if [(c.name, c.dtype) for c in one.columns] != [(c.name, c.dtype) for c in other.columns]:
        return False
    changed = [a.dtype for a, b in zip(one.columns, other.columns, strict=True) if a.digest != b.digest]
    # Where no column differs its index does, which says which row is which.
    return bool(changed) and all(_FLOATING.match(dtype) for dtype in changed)


def _alike_models(one: Model, other: Model) -> bool:
    return one.class_ == other.class_ and one.parameters == other.parameters
