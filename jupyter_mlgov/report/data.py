"""What went in: inputs, frames, models and parameters, each with the digest that it can be checked by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.records.cells import cell_number
from jupyter_mlgov.records.manifest import Column, Evidence, Frame, Input, Model
from jupyter_mlgov.report.evidence import Digest, Fact, State
from jupyter_mlgov.report.lineage import graph
from jupyter_mlgov.report.views import ColumnView, Data, ModelView, TableView
from jupyter_mlgov.report.wording import count, counted, exactly, short, size, tidy

if TYPE_CHECKING:
    from jupyter_mlgov.report.record import Record

COLUMNS = 300
MEMBERS = 100
_KNOWN: dict[Evidence, str] = {
    "proven": "hashed as it was read",
    "observed": "seen being opened",
    "declared": "declared by the user",
    "inferred": "inferred from the code",
}


def digest(name: str | None) -> Digest | None:
    """A digest to show, or None."""
    return Digest(short(name), tidy(name, 100)) if name else None


def data(record: Record) -> Data:
    """Inputs, files that the notebook itself made, frames, and the picture of how they hang together."""
    inputs = record.manifest.inputs
    return Data(
        inputs=tuple(_input(one) for one in inputs if not one.derived),
        outputs=tuple(_input(one) for one in inputs if one.derived),
        frames=tuple(_frame(one) for one in record.manifest.frames),
        graph=graph(record),
    )


def _known(one: Input) -> str:
    if one.evidence == "inferred" and one.seen_by == ("inotify",):
        return "opened while a cell ran, maybe by another program"
    return _KNOWN.get(one.evidence, tidy(one.evidence, 40))


def _input(one: Input) -> TableView:
    state: State = (
        "missing" if one.digest is None else "asserted" if one.evidence == "declared" else "measured"
    )
    columns, hidden = _columns(one.columns)
    members = one.members or ()
    notes = []
    if len(members) > MEMBERS:
        notes.append(f"{len(members) - MEMBERS:,} more files are in the record")
    if one.rewritten:
        notes.append(f"the notebook wrote to it afterwards: it holds {short(one.rewritten)} then")
    if one.kept:
        notes.append("the bytes themselves are in the store")
    return TableView(
        name=tidy(one.uri, 600),
        kind=counted(len(members), "file") if one.members is not None else "",
        digest=digest(one.digest),
        state=state,
        known=_known(one),
        rows=count(one.rows) if one.rows is not None else "",
        width=count(len(one.columns)) if one.columns is not None else "",
        size=size(one.bytes),
        cell=None if one.cell is None else cell_number(one.cell),
        columns=columns,
        hidden=hidden,
        members=tuple(
            (tidy(member.path, 300), Digest(short(member.digest), tidy(member.digest, 100)))
            for member in members[:MEMBERS]
        ),
        query=tidy(one.query or ""),
        reason=_reason(one.digest, one.reason),
        notes=tuple(notes),
    )


def _frame(one: Frame) -> TableView:
    columns, hidden = _columns(one.columns)
    return TableView(
        name=tidy(one.name, 200),
        kind=tidy(one.type, 200),
        digest=digest(one.digest),
        state="measured" if one.digest else "missing",
        known="",
        rows=count(one.rows) if one.rows is not None else "",
        width=" × ".join(count(length) for length in one.shape)
        if one.shape is not None
        else count(len(one.columns))
        if one.columns is not None
        else "",
        columns=columns,
        hidden=hidden,
        reason=_reason(one.digest, one.reason),
    )


def _reason(digest: str | None, reason: str | None) -> str:
    if digest is None:
        return "could not be hashed: " + tidy(reason or "no reason was recorded", 400)
    return tidy(reason or "", 400)


def _columns(columns: tuple[Column, ...] | None) -> tuple[tuple[ColumnView, ...], int]:
    every = columns or ()
    shown = tuple(
        ColumnView(tidy(one.name, 200), tidy(one.dtype, 80), digest(one.digest)) for one in every[:COLUMNS]
    )
    return shown, len(every) - len(shown)


def models(record: Record) -> tuple[ModelView, ...]:
    """The fitted models, the experiment's own first."""
    return tuple(_model(one) for one in sorted(record.manifest.models, key=lambda one: not one.primary))


def _model(one: Model) -> ModelView:
    return ModelView(
        name=tidy(one.name, 200),
        class_=tidy(one.class_, 300),
        digest=digest(one.digest),
        object=digest(one.object),
        primary=one.primary,
        state="measured" if one.digest else "missing",
        parameters=tuple(_leaves(one.parameters)),
        reason=_reason(one.digest, one.reason) if one.digest is None or one.reason else "",
    )


def _leaves(parameters: Mapping[str, Any]) -> list[Fact]:
    return [
        Fact(tidy(name, 200), _parameter(value), "measured", code=True)
        for name, value in list(parameters.items())[:200]
    ]


def _parameter(value: object) -> str:
    if value is None or isinstance(value, bool | int | float | str):
        return exactly(value) if value is not None else "None"
    return tidy(json.dumps(value, ensure_ascii=False, default=str), 600)


def parameters(record: Record) -> tuple[Fact, ...]:
    """Scalars that the cell's code set from a literal."""
    facts = [
        Fact(tidy(name, 200), _parameter(value), "measured", code=True)
        for name, value in record.manifest.parameters.items()
    ]
    if record.manifest.seed is not None:
        facts.append(Fact("seed", str(record.manifest.seed), "measured", note="set by --seed", code=True))
    return tuple(facts)
