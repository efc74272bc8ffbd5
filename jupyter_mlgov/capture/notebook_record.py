"""The notebook of a snapshot: its cells with their sources and outputs, the order of what ran, the document itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from jupyter_mlgov.capture.document import Document, DocumentCell
from jupyter_mlgov.capture.hidden_state import execution_order
from jupyter_mlgov.capture.inputs import uri_of
from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.capture.kept import Kept, text_bytes
from jupyter_mlgov.capture.outputs import OutputListener
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.records.manifest import CellRecord, JournalEntry, Notebook


def record_notebook(
    document: Document,
    journal: Sequence[Execution],
    root: Path,
    cell: int | None,
    outputs: OutputListener,
    secrets: Secrets,
    kept: Kept,
) -> Notebook:
    """The notebook with its cells' sources and outputs, and the journal. ``cell`` is the experiment's place in it.

    Outputs that were kept before are not written again, unless they have changed since or a secret became known.
    """
    last_runs = [journal[one.runs[-1]] for one in document.cells if one.runs]
    fresh = [
        one
        for one in last_runs
        if (one.outputs_version, one.outputs_secrets) != (one.shown.version, secrets.known)
        or (one.outputs_object is not None and not kept.has(one.outputs_object))
    ]
    versions, rendered = (
        zip(*(outputs.rendered(one.shown) for one in fresh), strict=True) if fresh else ((), ())
    )
    texts = [
        json.dumps(secrets.redact_tree(shown), ensure_ascii=False, sort_keys=True, default=str)
        for shown in rendered
    ]
    digests = kept.put_all(map(text_bytes, texts))
    for one, version, shown, digest in zip(fresh, versions, rendered, digests, strict=True):
        one.outputs_object = digest if shown else None
        one.outputs_version, one.outputs_secrets = version, secrets.known
    sources = kept.texts([one.source for one in document.cells] + [one.source for one in journal])
    edited = iter(kept.texts([one.edited for one in document.cells if one.edited is not None]))
    cells = tuple(
        _cell_record(index, one, journal, source, next(edited) if one.edited is not None else None)
        for index, (one, source) in enumerate(zip(document.cells, sources, strict=False))
    )
    entries = tuple(
        JournalEntry(
            index=document.place.get(position),
            source=source,
            execution_count=one.execution_count,
            status=one.status,
            sets=one.names.sets,
            uses=one.names.uses,
        )
        for position, (one, source) in enumerate(zip(journal, sources[len(document.cells) :], strict=True))
    )
    return Notebook(
        path=uri_of(document.path, root) if document.path is not None else "",
        order=execution_order(document, journal, cell),
        document=kept.put(secrets.redact_json(text_bytes(document.to_text()))),
        cells=cells,
        journal=entries,
    )


def _cell_record(
    index: int, cell: DocumentCell, journal: Sequence[Execution], source: str, edited: str | None
) -> CellRecord:
    last = journal[cell.runs[-1]] if cell.runs else None
    return CellRecord(
        index=index,
        id=cell.id,
        type=cast("Any", cell.type),
        source=source,
        edited=edited,
        execution_count=last.execution_count if last else None,
        runs=len(cell.runs),
        duration_s=round(last.duration_s, 6) if last and last.duration_s is not None else None,
        status=last.status if last else "not-run",
        outputs=last.outputs_object if last else None,
        tags=cell.tags,
    )
