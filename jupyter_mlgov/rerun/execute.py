"""One run of a snapshot's notebook in a fresh kernel, through papermill.

The notebook is copied to a temporary file and executed from there, with the kernel in the notebook's own
folder: nothing that belongs to the user is written by us. However the run ends, the kernel has ended with it.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.errors import Blocked, UsageError
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.rerun.held import Held
from jupyter_mlgov.rerun.replay import Order

if TYPE_CHECKING:
    from jupyter_mlgov.rerun.engine import Recording
    from jupyter_mlgov.store import Store

OnCell = Callable[[int, int, float], None]

DEFAULT_KERNEL = "python3"


@dataclass(frozen=True)
class Place:
    """Where a run happens: ``root`` is what paths count from, ``notebook`` the file that counts as running.

    ``document`` is the ``.ipynb`` that is executed, ``variables`` are set in the kernel's environment (None: taken
    out of it), ``held`` is held still in it.
    """

    root: Path
    notebook: Path | None
    document: bytes
    variables: dict[str, str | None] = field(default_factory=dict)
    held: Held = Held()  # noqa: RUF009 - frozen
    order: Order | None = None
    """What is executed, where it is not each cell from top to bottom (see ``replay``)."""

    @property
    def folder(self) -> Path:
        """The kernel's working directory."""
        return self.notebook.parent if self.notebook is not None else self.root


@dataclass(frozen=True)
class Outcome:
    """What a run gave: the candidate's id, or why there is none."""

    candidate: str | None
    error: str | None = None
    cell: int | None = None
    """The cell in which it ended, where there is no candidate."""
    executed: bytes | None = None


def checkout(root: Path, store: Store, manifest: Manifest) -> Place:
    """Today's notebook file in this checkout; the recorded one where there is no file any more."""
    path = root / manifest.notebook.path if manifest.notebook.path else None
    if path is None or not path.is_file():
        recorded = store.get(manifest.notebook.document)
        folder = path.parent if path is not None and path.parent.is_dir() else root
        return Place(root, folder / path.name if path is not None else None, recorded)
    try:
        document = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}): make it readable, or rerun with --as-recorded"
        ) from error
    if cells_of(document) is None:
        what = "is empty" if not document.strip() else "is not a notebook, or was cut off"
        raise UsageError(f"{path} {what}: restore the file, or rerun with --as-recorded")
    return Place(root, path, document)


def cells_of(document: bytes) -> list[tuple[str, str]] | None:
    """``(type, source)`` of a notebook's cells; None for bytes that are no notebook of format 4."""
    from jupyter_mlgov.capture.document import parse_cells

    try:
        parsed = parse_cells(json.loads(document))
    except (ValueError, RecursionError):
        return None
    return [(cell.type, cell.source) for cell in parsed[0]] if parsed is not None else None


def run_once(
    place: Place,
    store: Store,
    baseline: str,
    *,
    parameters: dict[str, Any] | None = None,
    timeout: int | None = None,
    on_cell: OnCell | None = None,
) -> Outcome:
    """Executes the notebook of ``place`` once. ``timeout`` is in seconds for one cell.

    Raises ``Blocked`` when no kernel can be started.
    """
    import papermill
    from papermill.engines import papermill_engines

    from jupyter_mlgov.rerun.engine import MlgovEngine, Recording

    papermill_engines.register("mlgov", MlgovEngine)
    manifest = store.manifest(baseline)
    recording = Recording(
        name=manifest.experiment,
        notebook=str(place.notebook) if place.notebook is not None else None,
        baseline=baseline,
        experiment=manifest.experiment,
        root=str(place.root),
        store=str(store.folder),
        expected={
            store.get(cell.source).decode("utf-8", "replace").strip()
            for cell in manifest.notebook.cells
            if cell.status == "error"
        },
        on_cell=on_cell,
        held=place.held if place.held != Held() else None,
        order=place.order,
    )
    error: str | None = None
    with tempfile.TemporaryDirectory(prefix="mlgov-run-", ignore_cleanup_errors=True) as temporary:
        source, target = Path(temporary) / "in.ipynb", Path(temporary) / "out.ipynb"
        source.write_bytes(place.document)
        kernel_log = (Path(temporary) / "kernel.log").open("wb")
        kernel = {"cwd": str(place.folder), "env": _environment(place), "stderr": kernel_log}
        try:
            papermill.execute_notebook(
                str(source),
                str(target),
                parameters=parameters,
                engine_name="mlgov",
                kernel_name=_kernel(place.document),
                language="python",
                progress_bar=False,
                execution_timeout=timeout,
                mlgov_recording=recording,
                mlgov_kernel=kernel,
            )
        except Exception as failure:  # told as the run's outcome: a cell that raised, a dead kernel
            if recording.cell is None:
                said = _last_line(Path(temporary) / "kernel.log") or _one_line(failure)
                raise Blocked(f"no kernel could be started: {said}") from failure
            error = _ended(failure, recording, timeout)
        finally:
            kernel_log.close()
        executed = target.read_bytes() if target.exists() else None
    made = [one["id"] for one in recording.recorded if one.get("kind") == "candidate"]
    if made:
        return Outcome(made[-1], executed=executed)
    if not recording.attached and recording.problem:
        raise Blocked(f"the run cannot be recorded: {recording.problem}")
    return Outcome(
        None, error or recording.problem or "the kernel recorded nothing", recording.cell, executed
    )


def _environment(place: Place) -> dict[str, str]:
    wanted = {**os.environ, **place.variables}
    return {name: value for name, value in wanted.items() if value is not None}


def _kernel(document: bytes) -> str:
    """The kernel that the notebook names, or the plain Python one for a Python notebook whose own is not here."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = json.loads(document).get("metadata", {}).get("kernelspec")
    spec = spec if isinstance(spec, dict) else {}
    name, language = spec.get("name"), str(spec.get("language") or "python").lower()
    if isinstance(name, str) and name in KernelSpecManager().find_kernel_specs():
        return name
    if language != "python":
        raise Blocked(f"the kernel {name!r} ({language}) is not installed: install it, then rerun")
    return DEFAULT_KERNEL


def _last_line(log: Path) -> str:
    """The last thing that a kernel said outside its cells."""
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return " ".join(lines[-1].split())[:300] if lines else ""


def _ended(failure: Exception, recording: Recording, timeout: int | None) -> str:
    kind = type(failure).__name__
    if kind == "DeadKernelError":
        return f"the kernel died in cell {recording.cell}: it was killed, ran out of memory, or ended itself"
    if kind == "CellTimeoutError":
        return f"cell {recording.cell} ran longer than {timeout} s and was stopped"
    return _one_line(failure)


def _one_line(error: BaseException) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line for line in text.splitlines() if line.strip("- ")]
    return " ".join((lines[-1] if lines else type(error).__name__).split())[:300]
