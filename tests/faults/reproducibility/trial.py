"""One case tried: the project is made and recorded, the fault is done, and a rerun is asked for its causes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.reproducibility.fault import Fault, Folder, Subject
from tests.kernel import ROOT, Kernel

TIME_LIMIT = 300
"""Seconds that nbval gets for one notebook."""


@dataclass
class Trial:
    """What came out of one case."""

    subject: str
    kinds: tuple[str, ...]
    causes: tuple[str, ...]
    """What is true: one cause of each fault, none of a control."""
    verdict: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)
    right: bool = False
    verdict_right: bool = False
    placed: bool = True
    """Where the truth says so: subject, columns, cell and variable are right too."""
    confirmed: bool = False
    false_alarm: bool = False
    runs: int = 0
    seconds: float = 0.0
    nbval: int | None = None
    """Cells that nbval's default comparison calls different."""
    problem: str = ""

    @property
    def clean(self) -> bool:
        """True for a control."""
        return not self.causes

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def attempt(subject: Subject, faults: tuple[Fault, ...], *, nbval: bool = False) -> Trial:
    """Tries one case in a new folder; whatever goes wrong is in the trial."""
    causes = tuple(fault.cause for fault in faults if fault.cause is not None)
    trial = Trial(subject.name, tuple(fault.kind for fault in faults), causes)
    place = (
        "/dev/shm" if any(fault.in_memory for fault in faults) and os.access("/dev/shm", os.W_OK) else None
    )
    with tempfile.TemporaryDirectory(prefix="fault-", dir=place, ignore_cleanup_errors=True) as temporary:
        folder = subject.create(Path(temporary))
        try:
            with environment(folder):
                _attempt(folder, faults, trial, nbval=nbval)
        except Exception as error:
            trial.problem = f"{type(error).__name__}: {error}"[:500]
    return trial


def _attempt(folder: Folder, faults: tuple[Fault, ...], trial: Trial, *, nbval: bool) -> None:
    from jupyter_mlgov.project import Project

    for fault in faults:
        if fault.written is not None:
            fault.written(folder)
    steps = next((fault.session for fault in faults if fault.session), ())
    with environment(folder):
        outputs = in_session(folder, steps) if steps else by_papermill(folder)
    for fault in faults:
        if fault.after is not None:
            fault.after(folder)
    project = Project.open(folder.path)
    (entry,) = project.log()
    started = time.perf_counter()
    with environment(folder):
        found = project.rerun(entry.id)
        trial.seconds = round(time.perf_counter() - started, 2)
        if nbval:
            trial.nbval = nbval_says(folder, outputs)
    trial.verdict, trial.runs = found.verdict, found.runs
    trial.findings = [
        {
            key: getattr(one, key)
            for key in ("cause", "subject", "columns", "cell", "variable", "message", "confirmed")
        }
        for one in found.findings
    ]
    judge(trial, faults)


def judge(trial: Trial, faults: tuple[Fault, ...]) -> None:
    """Compares what was found with what is true."""
    guilty = [fault for fault in faults if fault.cause is not None]
    trial.verdict_right = trial.verdict in (guilty[0] if guilty else faults[0]).expected
    if not guilty:
        trial.false_alarm = not trial.verdict_right or bool(trial.findings)
        trial.right = not trial.false_alarm
        return
    if not trial.findings:
        # Random numbers may agree by chance; a benchmark's faults do not.
        return
    first = trial.findings[0]
    named = [fault for fault in guilty if first["cause"] in (fault.cause, *fault.also)]
    trial.right = bool(named)
    trial.confirmed = bool(first["confirmed"])
    if named:
        trial.placed = any(_placed(first, fault) for fault in named)


def _placed(finding: dict[str, Any], fault: Fault) -> bool:
    return (
        (not fault.about or finding["subject"] == fault.about)
        and (not fault.columns or tuple(finding["columns"]) == fault.columns)
        and (fault.cell is None or finding["cell"] == fault.cell)
        and (fault.variable is None or finding["variable"] == fault.variable)
    )


@contextmanager
def environment(folder: Folder) -> Iterator[None]:
    """The environment in which the folder's kernels start."""
    kept = dict(os.environ)
    path = [str(folder.side), str(ROOT), kept.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(part for part in path if part)
    if folder.wheels.is_dir():
        links = [kept.get("PIP_FIND_LINKS", ""), str(folder.wheels)]
        os.environ["PIP_FIND_LINKS"] = " ".join(part for part in links if part)
    os.environ["IPYTHONDIR"] = str(folder.path.parent / "ipython")
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ.pop("PYTHONHASHSEED", None)
    os.environ.update(folder.variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def by_papermill(folder: Folder, **options: Any) -> list[list[dict[str, Any]]]:
    """Records the notebook from top to bottom; the outputs of its cells."""
    import papermill

    output = folder.path.parent / "executed.ipynb"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        papermill.execute_notebook(
            str(folder.notebook),
            str(output),
            engine_name="mlgov",
            progress_bar=False,
            cwd=str(folder.path),
            **options,
        )
    cells = json.loads(output.read_text(encoding="utf-8"))["cells"]
    return [cell.get("outputs", []) for cell in cells if "injected" not in str(cell["metadata"].get("tags"))]


def in_session(folder: Folder, steps: tuple[Any, ...]) -> list[list[dict[str, Any]]]:
    """Records the notebook in a session of its own order; the last outputs of its cells."""
    kernel = Kernel(folder.path, notebook=folder.notebook)
    outputs: list[list[dict[str, Any]]] = [[] for _ in folder.cells()]
    try:
        kernel.must("%load_ext jupyter_mlgov", cell_id="deleted")
        time.sleep(0.05)
        folder.write_cells(folder.cells())
        for number, step in enumerate(steps):
            if isinstance(step, str):
                kernel.run(step, cell_id=f"deleted-{number}")
                # As JupyterLab does when the notebook is saved without the cell.
                time.sleep(0.05)
                folder.write_cells(folder.cells())
            elif callable(step):
                step(folder)
            else:
                outputs[step] = kernel.run(folder.cells()[step], cell_id=f"c{step}").outputs
    finally:
        kernel.stop()
    return outputs


def nbval_says(folder: Folder, outputs: list[list[dict[str, Any]]]) -> int | None:
    """How many cells nbval's default comparison calls different; None where it gave no answer."""
    document = json.loads(folder.notebook.read_text(encoding="utf-8"))
    for place, cell in enumerate(document["cells"]):
        if cell["cell_type"] != "code":
            continue
        lines = cell["source"].split("\n")
        cell["source"] = "\n".join(line for line in lines if not line.startswith("%%experiment"))
        cell["execution_count"] = place + 1
        cell["outputs"] = [_stored(output) for output in (outputs[place] if place < len(outputs) else [])]
    path = folder.path / "as_recorded_by_nbval.ipynb"
    path.write_text(json.dumps(document), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
               "-c", os.devnull, "--rootdir", str(folder.path), path.name]  # fmt: skip
    try:
        done = subprocess.run(
            command, cwd=folder.path, capture_output=True, text=True, check=False, timeout=TIME_LIMIT
        )
    except subprocess.TimeoutExpired:
        return None
    finally:
        path.unlink()
    return done.stdout.count("FAILED ") if done.returncode in (0, 1) else None


def _stored(output: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in output.items() if key != "transient"}
    if kept["output_type"] == "execute_result":
        kept.setdefault("execution_count", 1)
    if kept["output_type"] in ("display_data", "execute_result"):
        kept.setdefault("metadata", {})
    return kept
