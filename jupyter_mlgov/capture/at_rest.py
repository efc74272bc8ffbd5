"""A snapshot of a notebook that no kernel holds: its text and outputs as an editor has them, and the code around it.

Data, variables, metrics and the environment are known to a kernel alone. They are not made up from what is written
down: they stay empty, and a warning of the snapshot says so. A rerun of it finds them out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jupyter_mlgov.capture.code import CodeRecorder
from jupyter_mlgov.capture.document import Document, parse_cells
from jupyter_mlgov.capture.experiment_line import experiment_of
from jupyter_mlgov.capture.inputs import uri_of
from jupyter_mlgov.capture.journal import Execution
from jupyter_mlgov.capture.kept import Kept, text_bytes
from jupyter_mlgov.capture.options import experiment_name
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.manifest import (
    Caution,
    CellRecord,
    Environment,
    JournalEntry,
    Manifest,
    Notebook,
)

if TYPE_CHECKING:
    from jupyter_mlgov.records.annotations import Charter, KpiResult, Risk
    from jupyter_mlgov.store import Store

Annotations = tuple["Charter | None", "tuple[Risk, ...]", "tuple[str, ...]"]

NO_KERNEL = Caution(
    code="kernel.not-asked",
    message="recorded without its kernel: the notebook's text and outputs are as the editor had them; data, variables, "
    "metrics and environment are not known",
)


def read_file(path: Path) -> dict[str, Any]:
    """The notebook that lies at ``path``, as a dict. Raises ``NotFound``, ``UsageError``."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(f"notebook {path}: there is no such file") from error
    except OSError as error:
        raise UsageError(
            f"notebook {path}: it cannot be read ({error.strerror}): name an .ipynb file"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"notebook {path}: that is no JSON: name an .ipynb file") from error
    if not isinstance(document, dict) or parse_cells(document) is None:
        raise UsageError(f"notebook {path}: that is no notebook in format 4: save it with Jupyter again")
    return document


def record_at_rest(
    root: Path,
    store: Store,
    path: Path,
    notebook: Mapping[str, Any],
    *,
    experiment: str,
    message: str = "",
    annotations: Annotations,
    judge: Callable[[Charter | None], tuple[KpiResult, ...]],
) -> str:
    """Writes the snapshot of ``notebook`` (an ``.ipynb`` as a dict) and gives its id.

    ``annotations`` are charter, risks and problems that its cells state. Raises ``UsageError`` where it is no notebook
    or the name is none, and ``StoreError``.
    """
    name = experiment_name(experiment)
    read = parse_cells(notebook)
    if read is None:
        raise UsageError("the notebook: send its JSON in format 4, with a list of cells")
    cells, metadata = read
    raw = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
    secrets = Secrets()
    secrets.learn_environment()
    secrets.learn([cell.source for cell in cells])
    kept = Kept(store, secrets)
    coder = CodeRecorder(secrets)
    code, lost = coder.record(coder.ask(root, path.parent, notebook=path), root, kept.batch)
    sources = kept.texts([cell.source for cell in cells])
    shown = [_outputs(cell) for cell in raw]
    texts = [text_bytes(json.dumps(secrets.redact_tree(one), ensure_ascii=False, sort_keys=True, default=str))
             for one in shown]  # fmt: skip
    outputs = kept.put_all(texts)
    counts = [_count(cell) for cell in raw]
    states: list[Literal["ok", "error", "not-run"]] = [
        "not-run" if count is None else "error" if _failed(one) else "ok"
        for count, one in zip(counts, shown, strict=True)
    ]
    ran = sorted((count, index) for index, count in enumerate(counts) if count is not None)
    names = [Execution(cell.source, cell.source, cell.id, None, 0.0).names for cell in cells]
    charter, risks, problems = annotations
    lost += [Caution(code="annotation", message=problem) for problem in problems]
    document = Document(path, metadata, cells, {})
    manifest = Manifest(
        experiment=name,
        created_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        author=coder.author(path.parent),
        parent=store.newest(name),
        message=message,
        cell=next((index for index, cell in enumerate(cells)
                   if cell.type == "code" and experiment_of(cell.source) == name), None),
        notebook=Notebook(
            path=uri_of(path, root),
            order="linear" if [index for _, index in ran] == sorted(index for _, index in ran) else "out-of-order",
            document=kept.put(secrets.redact_json(text_bytes(document.to_text()))),
            cells=tuple(
                CellRecord(
                    index=index, id=cell.id, type=cell.type,  # type: ignore[arg-type]  # parse_cells knows three
                    source=sources[index], execution_count=counts[index], runs=int(counts[index] is not None),
                    status=states[index], outputs=outputs[index] if shown[index] else None, tags=cell.tags,
                )
                for index, cell in enumerate(cells)
            ),
            journal=tuple(
                JournalEntry(
                    index=index, source=sources[index], execution_count=count,
                    status="error" if states[index] == "error" else "ok",
                    sets=names[index].sets, uses=names[index].uses,
                )
                for count, index in ran
            ),
        ),
        code=code,
        environment=kept.put(canonical(Environment(python="", platform="", packages={}))),
        charter=charter,
        kpis=judge(charter),
        risks=risks,
        warnings=(NO_KERNEL, *lost),
    )  # fmt: skip
    return kept.batch.commit(secrets.redact_record(manifest)).subject


def _outputs(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    outputs = cell.get("outputs")
    return [one for one in outputs if isinstance(one, dict)] if isinstance(outputs, list) else []


def _failed(outputs: list[dict[str, Any]]) -> bool:
    return any(one.get("output_type") == "error" for one in outputs)


def _count(cell: Mapping[str, Any]) -> int | None:
    """When the cell ran last, where the notebook says it."""
    count = cell.get("execution_count") if cell.get("cell_type") == "code" else None
    return count if type(count) is int and 0 < count < 2**31 else None
