"""One run of a snapshot's notebook in a fresh kernel, through papermill.

The notebook is copied to a temporary file and executed from there, with the kernel in the notebook's own
folder: nothing that belongs to the user is written by us.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.errors import Blocked, UsageError
from jupyter_mlgov.records.manifest import Manifest

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

OnCell = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Place:
    """Where a run happens: ``root`` is what paths count from, ``notebook`` the file that counts as running."""

    root: Path
    notebook: Path | None
    document: bytes
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The kernel's working directory."""
        return self.notebook.parent if self.notebook is not None else self.root


@dataclass(frozen=True)
class Outcome:
    """What a run gave: the candidate's id, or why there is none."""

    candidate: str | None
    error: str | None = None
    executed: bytes | None = None


def checkout(root: Path, store: Store, manifest: Manifest) -> Place:
    """Today's notebook file in this checkout; the recorded one where there is no file any more."""
    path = root / manifest.notebook.path if manifest.notebook.path else None
    if path is None or not path.is_file():
        recorded = store.get(manifest.notebook.document)
        folder = path.parent if path is not None and path.parent.is_dir() else root
        return Place(root, folder / path.name if path is not None else None, recorded)
    document = path.read_bytes()
    _check(document, path)
    return Place(root, path, document)


def _check(document: bytes, path: Path) -> None:
    from jupyter_mlgov.capture.document import parse_cells

    try:
        cells = parse_cells(json.loads(document))
    except (ValueError, RecursionError):
        cells = None
    if cells is None:
        what = "is empty" if not document.strip() else "is not a notebook, or was cut off"
        raise UsageError(f"{path} {what}: restore the file, or rerun with --as-recorded")


def run_once(
    place: Place,
    store: Store,
    baseline: str,
    *,
    parameters: dict[str, Any] | None = None,
    on_cell: OnCell | None = None,
) -> Outcome:
    """Executes the notebook of ``place`` once. Raises ``Blocked`` when no kernel can be started."""
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from papermill.exceptions import PapermillException

    from jupyter_mlgov.rerun.engine import Recording

    manifest = store.manifest(baseline)
    expected = {cell.id for cell in manifest.notebook.cells if cell.status == "error"}
    recording = Recording(
        name=manifest.experiment,
        notebook=str(place.notebook) if place.notebook is not None else None,
        baseline=baseline,
        experiment=manifest.experiment,
        root=str(place.root),
        store=str(store.folder),
        expected_errors=expected,
        on_cell=on_cell,
    )
    error: str | None = None
    with tempfile.TemporaryDirectory(prefix="mlgov-rerun-") as temporary:
        source, target = Path(temporary) / "in.ipynb", Path(temporary) / "out.ipynb"
        source.write_bytes(place.document)
        kernel = {"cwd": str(place.folder), "env": {**os.environ, **place.variables}}
        try:
            papermill.execute_notebook(
                str(source),
                str(target),
                parameters=parameters,
                engine_name="mlgov",
                progress_bar=False,
                mlgov_recording=recording,
                mlgov_kernel=kernel,
            )
        except NoSuchKernel as failure:
            raise Blocked(
                f"the kernel {failure.name!r} is not installed here: install it, or choose another"
            ) from failure
        except PapermillException as failure:
            error = _one_line(failure)
        except Exception as failure:  # noqa: BLE001 - a kernel that died, a time-out: told as the run's outcome
            error = _one_line(failure)
        executed = target.read_bytes() if target.exists() else None
    made = [one["id"] for one in recording.recorded if one["kind"] == "candidate"]
    if not made and error is None:
        error = "the kernel recorded nothing: is jupyter_mlgov installed for it?"
    return Outcome(made[-1] if made else None, error, executed)


def _one_line(error: BaseException) -> str:
    import re

    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line for line in text.splitlines() if line.strip("- ")]
    return " ".join((lines[-1] if lines else type(error).__name__).split())[:300]
