"""A subject is a project with one notebook; a fault is one thing done to it, with the cause that is then true.

A fault is ``written`` into the project before it is recorded (an estimator without a seed), made by the
``session`` that records it (cells out of order), or done ``after`` the record (a value in a file). A clean
control does something too: what must not count as a difference.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import notebook_json


class Folder:
    """A subject's project folder on disk, as faults see it."""

    def __init__(self, path: Path, notebook: str) -> None:
        self.path = path
        self.notebook = path / notebook
        self.side = path.parent / "site"
        """A folder of installed packages, on the kernels' path."""
        self.wheels = path.parent / "wheels"
        """Where installers find the wheels of those packages, as on an index."""
        self.variables: dict[str, str] = {}
        """What kernels get in their environment from now on."""
        self.elsewhere = path.parent / "elsewhere"
        """A folder outside the project."""

    def read(self, name: str) -> str:
        """A text file of the project."""
        return (self.path / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        """Writes a text file of the project."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Replaces the first ``old`` in a text file."""
        text = self.read(name)
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new, 1))

    def lines(self, name: str, change: Callable[[list[str]], list[str]]) -> None:
        """Changes the lines below a CSV file's head."""
        head, *rows = self.read(name).splitlines()
        self.write(name, "\n".join([head, *change(rows)]) + "\n")

    def cells(self) -> list[str]:
        """The sources of the notebook's cells."""
        return [cell["source"] for cell in json.loads(self.notebook.read_text(encoding="utf-8"))["cells"]]

    def write_cells(self, cells: list[str]) -> None:
        """Writes the notebook anew. An edited cell keeps its id, as in JupyterLab."""
        self.notebook.write_text(json.dumps(notebook_json(list(cells))), encoding="utf-8")

    def edit(self, old: str, new: str) -> None:
        """Replaces the first ``old`` in the notebook's cells."""
        cells = self.cells()
        where = next((i for i, source in enumerate(cells) if old in source), None)
        assert where is not None, f"{old!r} is in no cell"
        cells[where] = cells[where].replace(old, new, 1)
        self.write_cells(cells)

    def install(self, name: str, version: str, **modules: str) -> None:
        """Installs a distribution into the side folder, over any other version of it; its wheel can be had from now on."""
        self.uninstall(name)
        make_wheel(self.wheels, name, version, modules)
        for module, text in modules.items():
            (self.side / module).mkdir(parents=True, exist_ok=True)
            (self.side / module / "__init__.py").write_text(text, encoding="utf-8")
        info = self.side / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
        )
        files = "".join(f"{module}/__init__.py,,\n" for module in modules)
        (info / "RECORD").write_text(files, encoding="utf-8")
        (info / "top_level.txt").write_text("\n".join(modules), encoding="utf-8")

    def uninstall(self, name: str) -> None:
        """Removes a distribution from the side folder."""
        import shutil

        for info in self.side.glob(f"{name}-*.dist-info"):
            for module in (info / "top_level.txt").read_text(encoding="utf-8").split():
                shutil.rmtree(self.side / module)
            shutil.rmtree(info)


def make_wheel(folder: Path, name: str, version: str, modules: dict[str, str]) -> Path:
    """A wheel of packages with one file each."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    files = {f"{module}/__init__.py": text for module, text in modules.items()}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: fault\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel


Change = Callable[[Folder], None]
Step = int | str | Change
"""In a session: a cell's index to run, source that is run and then deleted, or something done in between."""


@dataclass(frozen=True)
class Fault:
    """One thing done to a subject. ``cause`` is None for a clean control."""

    kind: str
    cause: str | None = None
    about: str = ""
    """What the finding's ``subject`` has to be, where it is one thing."""
    written: Change | None = None
    session: tuple[Step, ...] = ()
    after: Change | None = None
    also: tuple[str, ...] = ()
    """Causes that are as right."""
    columns: tuple[str, ...] = ()
    cell: int | None = None
    variable: str | None = None
    verdicts: tuple[str, ...] = ()
    in_memory: bool = False
    """Needs a file system that lists files in the order of their creation."""

    @property
    def expected(self) -> tuple[str, ...]:
        """The verdicts that are right."""
        if self.verdicts:
            return self.verdicts
        if self.cause is None:
            return ("reproduced", "equivalent")
        return ("diverged", "failed", "blocked")


@dataclass(frozen=True)
class Subject:
    """A project with one notebook. ``make`` writes its files."""

    name: str
    what: str
    make: Change
    cells: tuple[str, ...]
    faults: tuple[Fault, ...]
    notebook: str = "analysis.ipynb"
    packages: dict[str, str] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    """Kinds that are done together."""
    general: tuple[str, ...] | None = None
    """Which of the controls that may happen to any project are tried; None: all."""

    def create(self, folder: Path) -> Folder:
        """Writes the project into a new folder below ``folder``."""
        made = Folder(folder / "project", self.notebook)
        made.path.mkdir(parents=True)
        made.side.mkdir()
        made.elsewhere.mkdir()
        self.make(made)
        made.write_cells(list(self.cells))
        return made

    def cases(self) -> Iterator[tuple[Fault, ...]]:
        """Singles, the controls that may happen to any project, then pairs."""
        from tests.faults.reproducibility.controls import CONTROLS

        general = [one for one in CONTROLS if self.general is None or one.kind in self.general]
        for fault in (*self.faults, *general):
            yield (fault,)
        named = {fault.kind: fault for fault in self.faults}
        for one, other in self.pairs:
            yield (named[one], named[other])


def drawn(seed: int, rows: int, *columns: Callable[[int, list[float]], object]) -> list[str]:
    """CSV rows of numbers that are the same on every machine: a linear congruential generator."""
    state = seed
    made = []
    for row in range(rows):
        numbers = []
        for _ in columns:
            state = (1103515245 * state + 12345) % 2**31
            numbers.append(state / 2**31)
        made.append(",".join(str(column(row, numbers)) for column in columns))
    return made
