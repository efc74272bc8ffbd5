"""One side of a comparison: a recorded run with what its manifest points at, read once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import structs

from jupyter_mlgov.records.manifest import CellRecord, Environment, JournalEntry, Manifest
from jupyter_mlgov.rerun.clock import Moment
from jupyter_mlgov.rerun.code_form import form_of

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def _without_plots(manifest: Manifest) -> Manifest:
    """The manifest without arrays of matplotlib's objects: they were listed among the frames once, and are not any more."""
    frames = tuple(
        one
        for one in manifest.frames
        if one.digest is not None or "holds an object of type matplotlib." not in (one.reason or "")
    )
    return manifest if len(frames) == len(manifest.frames) else structs.replace(manifest, frames=frames)


class Side:
    """A manifest with its sources, outputs and environment. Raises ``StoreError`` where an object is gone."""

    def __init__(self, store: Store, snapshot: str) -> None:
        self.store = store
        self.id = snapshot
        self.manifest: Manifest = _without_plots(store.manifest(snapshot))
        self._texts: dict[str, str] = {}
        self._outputs: dict[str, list[dict[str, Any]]] = {}

    @cached_property
    def environment(self) -> Environment:
        """Python, packages and variables."""
        return self.store.environment(self.manifest)

    @cached_property
    def moment(self) -> Moment | None:
        """When it ran; None where that cannot be read."""
        try:
            return Moment.of(self.manifest, self.environment.variables.get("TZ"))
        except ValueError:
            return None

    @property
    def cells(self) -> tuple[CellRecord, ...]:
        """All cells of the notebook, in its order."""
        return self.manifest.notebook.cells

    @property
    def journal(self) -> tuple[JournalEntry, ...]:
        """All executions, in their order."""
        return self.manifest.notebook.journal

    def source(self, part: CellRecord | JournalEntry) -> str:
        """The text of a cell or of an execution."""
        if part.source not in self._texts:
            self._texts[part.source] = self.store.get(part.source).decode("utf-8", "replace")
        return self._texts[part.source]

    def code(self) -> Iterator[str]:
        """The texts of all executions, and of the project's modules and scripts as far as they are kept."""
        yield from (self.source(entry) for entry in self.journal)
        for module in self.manifest.code.modules:
            if module.source is not None:
                yield self.store.get(module.source).decode("utf-8", "replace")

    def form(self, part: CellRecord | JournalEntry) -> str:
        """What its code says (see ``code_form``)."""
        return form_of(self.source(part))

    def outputs(self, cell: CellRecord) -> list[dict[str, Any]]:
        """The nbformat outputs of a cell's last run."""
        if cell.outputs is None:
            return []
        if cell.outputs not in self._outputs:
            read = json.loads(self.store.get(cell.outputs))
            self._outputs[cell.outputs] = (
                [o for o in read if isinstance(o, dict)] if isinstance(read, list) else []
            )
        return self._outputs[cell.outputs]
