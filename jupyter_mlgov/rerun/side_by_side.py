"""Two snapshots side by side, for people: everything that was recorded of both, what differs first.

The findings and the verdict are those of ``mlgov diff``; the rest is laid out so that a page needs no rule of its
own: each row says what it was, what it is, and whether that is a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from jupyter_mlgov.records.canonical import Scalar
from jupyter_mlgov.records.manifest import CellRecord, Column, Input
from jupyter_mlgov.records.verdict import CellStatus, Comparison
from jupyter_mlgov.rerun.alignment import Pair, align
from jupyter_mlgov.rerun.compare import compare
from jupyter_mlgov.rerun.side import Side

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

Change = Literal["same", "changed", "added", "removed", "unknown"]
"""``unknown``: it stands on both sides, and at least one of them could not be hashed."""


class Head(Struct, frozen=True, kw_only=True):
    """Which snapshot stands on one side."""

    id: str
    experiment: str
    number: int | None
    created_at: str
    author: str
    message: str
    notebook: str
    commit: str | None
    python: str


class Row(Struct, frozen=True, kw_only=True):
    """One named value on both sides; None where it is not there."""

    name: str
    before: Scalar
    after: Scalar
    change: Change


class ColumnRow(Struct, frozen=True, kw_only=True):
    """One column of a table: its type on both sides. ``changed`` where type or values differ."""

    name: str
    before: str | None
    after: str | None
    change: Change


class InputRow(Struct, frozen=True, kw_only=True):
    """One input on both sides."""

    uri: str
    change: Change
    rows: tuple[int | None, int | None]
    bytes: tuple[int | None, int | None]
    digests: tuple[str | None, str | None]
    columns: tuple[ColumnRow, ...] = ()


class CellRow(Struct, frozen=True, kw_only=True):
    """One cell on both sides. ``result`` is how its outputs compare (None for text and for what stands on one side)."""

    change: Change
    type: str
    indices: tuple[int | None, int | None]
    before: str
    after: str
    result: CellStatus | None
    note: str
    outputs: tuple[bool, bool]


class SideBySide(Struct, frozen=True, kw_only=True):
    """Both snapshots, whole."""

    baseline: Head
    candidate: Head
    comparison: Comparison
    parameters: tuple[Row, ...]
    metrics: tuple[Row, ...]
    inputs: tuple[InputRow, ...]
    cells: tuple[CellRow, ...]
    packages: tuple[Row, ...]
    variables: tuple[Row, ...]


def side_by_side(store: Store, baseline: str, candidate: str) -> SideBySide:
    """Lays out two snapshots. Raises ``NotFound`` and ``StoreError``."""
    comparison = compare(store, baseline, candidate)
    before, after = Side(store, baseline), Side(store, candidate)
    return SideBySide(
        baseline=_head(store, before),
        candidate=_head(store, after),
        comparison=comparison,
        parameters=_rows(before.manifest.parameters, after.manifest.parameters),
        metrics=_rows(before.manifest.metrics, after.manifest.metrics),
        inputs=tuple(_inputs(before.manifest.inputs, after.manifest.inputs)),
        cells=tuple(_cells(before, after, comparison)),
        packages=_rows(before.environment.packages, after.environment.packages),
        variables=_rows(before.environment.variables, after.environment.variables),
    )


def _head(store: Store, side: Side) -> Head:
    manifest = side.manifest
    return Head(
        id=side.id,
        experiment=manifest.experiment,
        number=store.number(side.id),
        created_at=manifest.created_at,
        author=manifest.author,
        message=manifest.message,
        notebook=manifest.notebook.path,
        commit=manifest.code.commit,
        python=side.environment.python,
    )


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    if name not in after:
        return "removed"
    if name not in before:
        return "added"
    # Two NaN are the same result: compared by what they are written as.
    same = before[name] == after[name] or str(before[name]) == str(after[name])
    return "same" if same else "changed"


def _rows(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Row, ...]:
    """Every name once, in the order of the left side, then what only the right side has."""
    return tuple(
        Row(name=name, before=before.get(name), after=after.get(name), change=_change(name, before, after))
        for name in dict.fromkeys((*before, *after))
    )


def _inputs(before: Iterable[Input], after: Iterable[Input]) -> Iterable[InputRow]:
    old = {item.uri: item for item in before if not item.derived}
    new = {item.uri: item for item in after if not item.derived}
    digests = [{uri: item.digest for uri, item in side.items()} for side in (old, new)]
    for uri in dict.fromkeys((*old, *new)):
        one, other = old.get(uri), new.get(uri)
        yield InputRow(
            uri=uri,
            change="unknown"
            if one and other and None in (one.digest, other.digest)
            else _change(uri, *digests),
            rows=(one.rows if one else None, other.rows if other else None),
            bytes=(one.bytes if one else None, other.bytes if other else None),
            digests=(one.digest if one else None, other.digest if other else None),
            columns=_columns((one and one.columns) or (), (other and other.columns) or ()),
        )


def _columns(before: Iterable[Column], after: Iterable[Column]) -> tuple[ColumnRow, ...]:
    old, new = {c.name: c for c in before}, {c.name: c for c in after}
    return tuple(
        ColumnRow(
            name=name,
            before=old[name].dtype if name in old else None,
            after=new[name].dtype if name in new else None,
            change=_change(name, old, new),
        )
        for name in dict.fromkeys((*old, *new))
    )


def _cells(before: Side, after: Side, comparison: Comparison) -> Iterable[CellRow]:
    results = {cell.index: cell for cell in comparison.cells}
    for pair in _in_reading_order(align(before, after).pairs):
        old, new = pair.before, pair.after
        result = results.get(old.index) if old is not None and new is not None else None
        told = result is not None and old is not None and old.type == "code"
        texts = before.source(old) if old else "", after.source(new) if new else ""
        change: Change = "same" if texts[0] == texts[1] else "changed"
        if old is None or new is None:
            change = "added" if old is None else "removed"
        yield CellRow(
            change=change,
            type=(old or new).type,  # type: ignore[union-attr]  # a pair has at least one side
            indices=(old.index if old else None, new.index if new else None),
            before=texts[0],
            after=texts[1],
            result=result.status if result is not None and told else None,
            note=result.note if result is not None and told else "",
            outputs=(_shows(old), _shows(new)),
        )


def _shows(cell: CellRecord | None) -> bool:
    return cell is not None and cell.outputs is not None


def _in_reading_order(pairs: tuple[Pair, ...]) -> list[Pair]:
    """A cell that only the right side has comes after the cell that stands before it there."""
    ordered = [pair for pair in pairs if pair.before is not None]
    for pair in sorted((p for p in pairs if p.before is None), key=lambda p: p.after.index if p.after else 0):
        at = 0
        for place, known in enumerate(ordered):
            if known.after is not None and pair.after is not None and known.after.index < pair.after.index:
                at = place + 1
        ordered.insert(at, pair)
    return ordered
