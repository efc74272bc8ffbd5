"""``%%experiment`` on a trivial cell in a git project, against the same cell without the line; from send to idle."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from pathlib import Path

import nbformat

from tests.benchmarks.measuring import Figure, in_turns, kernel, medians, seconds

LIMIT_MS = 30


def git_project(folder: Path) -> Path:
    """A repository with twenty modules, data and a notebook, all committed; gives the notebook."""
    for number in range(20):
        (folder / f"module_{number}.py").write_text(f"VALUE = {number}\n" * 50)
    (folder / "data.csv").write_text("a,b\n" + "1,2\n" * 1000)
    notebook = folder / "trivial.ipynb"
    cells = [nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell("%%experiment bench\ny = x + 1")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebook)
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    return notebook


def measure(*, quick: bool) -> Figure:
    turns = itertools.count()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        notebook = git_project(folder)
        # The two cells of the notebook are run over and over, as a front end sends them.
        setting, computing = (cell.id for cell in nbformat.read(notebook, 4).cells)
        with kernel(folder, notebook=notebook) as session:

            def run(first: str) -> float:
                source = f"{first}y = x + {next(turns)}"
                return 1000 * seconds(lambda: session.must(source, cell_id=computing))

            session.must("%load_ext jupyter_mlgov")
            session.must("import pandas as pd\nx = 1", cell_id=setting)
            for _ in range(3):
                run("%%experiment bench\n")
            ways = {"plain": lambda: run(""), "%%experiment": lambda: run("%%experiment bench\n")}
            found = medians(in_turns(ways, 10 if quick else 60))
    more = found["%%experiment"] - found["plain"]
    return Figure(
        "`%%experiment` on a trivial cell in a git project", f"{LIMIT_MS} ms more", f"{more:.0f} ms more",
        more / LIMIT_MS, bars=tuple(found.items()), unit="ms",
    )  # fmt: skip
