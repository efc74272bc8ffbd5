"""How a notebook, as it stands in an editor right now, stands to the snapshots that were taken of it.

Each ``%%experiment`` cell is *current*, *changed* since its newest snapshot, or was *never* recorded. Changed means
that code which had run when the snapshot was taken is another now, is gone, or has got a neighbour above the
experiment that was not there: what the rerun would execute differently. Comments, formatting and governance cells
change nothing, as everywhere else. Nothing is executed and nothing is read but the store and what the editor sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from jupyter_mlgov.capture.experiment_line import experiment_of
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.records.manifest import CellRecord
from jupyter_mlgov.rerun.alignment import Alignment, align
from jupyter_mlgov.rerun.code_form import form_of
from jupyter_mlgov.rerun.side import Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlgov.store import LogEntry, Store


class LiveCell(Struct, frozen=True, kw_only=True):
    """A cell as the editor has it."""

    id: str
    type: Literal["code", "markdown", "raw"]
    source: str


class CellChange(Struct, frozen=True, kw_only=True):
    """Code that is not what had run. ``id`` and ``index`` are those of the live notebook, None for what is gone."""

    kind: Literal["edited", "added", "removed"]
    id: str | None
    index: int | None
    before: str
    after: str


class ExperimentCell(Struct, frozen=True, kw_only=True):
    """One ``%%experiment`` cell. ``snapshot`` and ``number`` are those of the newest snapshot of it, if there is one."""

    experiment: str
    id: str
    state: Literal["current", "changed", "never"]
    snapshot: str | None = None
    number: int | None = None
    changes: tuple[CellChange, ...] = ()


class CellCaution(Struct, frozen=True, kw_only=True):
    """A warning of a newest snapshot at the live cell that it is about."""

    id: str
    code: str
    message: str
    snapshot: str
    number: int | None


class Standing(Struct, frozen=True, kw_only=True):
    """The whole notebook."""

    experiments: tuple[ExperimentCell, ...] = ()
    warnings: tuple[CellCaution, ...] = ()


class _Live:
    """The editor's cells in the shape that ``align`` pairs."""

    def __init__(self, cells: Sequence[LiveCell]) -> None:
        secrets = Secrets()
        secrets.learn_environment()
        secrets.learn([cell.source for cell in cells])
        self._sources = [secrets.redact(cell.source) for cell in cells]
        self.cells = tuple(
            CellRecord(index=index, id=cell.id, type=cell.type, source="") for index, cell in enumerate(cells)
        )

    def source(self, part: CellRecord) -> str:
        """A cell's text, without its secrets: as it would be recorded."""
        return self._sources[part.index]

    def form(self, part: CellRecord) -> str:
        """What its code says."""
        return form_of(self.source(part))


def standing(store: Store, notebook: str, cells: Sequence[LiveCell]) -> Standing:
    """``notebook`` is the path as the store writes it. Raises ``StoreError``."""
    live = _Live(cells)
    experiments: list[ExperimentCell] = []
    warnings: dict[tuple[str, str], CellCaution] = {}
    for cell in live.cells:
        name = experiment_of(live.source(cell)) if cell.type == "code" else None
        if name is None:
            continue
        newest = store.log(experiment=name, notebook=notebook, limit=1)
        if not newest:
            experiments.append(ExperimentCell(experiment=name, id=cell.id, state="never"))
            continue
        entry = newest[0]
        side = Side(store, entry.id)
        alignment = align(side, live)
        changes = tuple(_changes(side, live, alignment, name, cell))
        experiments.append(
            ExperimentCell(
                experiment=name,
                id=cell.id,
                state="changed" if changes else "current",
                snapshot=entry.id,
                number=entry.number,
                changes=changes,
            )
        )
        for caution in _cautions(side, alignment, entry):
            warnings.setdefault((caution.id, caution.message), caution)
    return Standing(experiments=tuple(experiments), warnings=tuple(warnings.values()))


def _changes(
    side: Side, live: _Live, alignment: Alignment, name: str, experiment: CellRecord
) -> list[CellChange]:
    found: list[CellChange] = []
    for pair in alignment.pairs:
        old, new = pair.before, pair.after
        if old is not None and old.type == "code" and (old.runs or experiment_of(side.source(old)) == name):
            if new is None:
                if side.source(old).strip():
                    found.append(
                        CellChange(kind="removed", id=None, index=None, before=side.source(old), after="")
                    )
            elif side.form(old) != live.form(new):
                found.append(
                    CellChange(
                        kind="edited",
                        id=new.id,
                        index=new.index,
                        before=side.source(old),
                        after=live.source(new),
                    )
                )
        elif old is None and new is not None and _may_matter(live, new, above=experiment.index):
            found.append(
                CellChange(kind="added", id=new.id, index=new.index, before="", after=live.source(new))
            )
    return sorted(found, key=lambda change: (change.index is None, change.index or 0))


def _may_matter(live: _Live, cell: CellRecord, *, above: int) -> bool:
    """Whether a cell that was not recorded is code that would run before the experiment."""
    return (
        cell.type == "code"
        and cell.index < above
        and live.source(cell).strip() != ""
        and live.form(cell) not in (form_of(""), "governance")
    )


def _cautions(side: Side, alignment: Alignment, entry: LogEntry) -> list[CellCaution]:
    after_of = alignment.after_of
    return [
        CellCaution(
            id=after_of[caution.cell].id,
            code=caution.code,
            message=caution.message,
            snapshot=entry.id,
            number=entry.number,
        )
        for caution in side.manifest.warnings
        if caution.cell is not None and caution.cell in after_of
    ]
