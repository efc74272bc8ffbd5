"""What may happen to any project without its results changing: done to every subject, beside its own controls."""

from __future__ import annotations

import json
import os

from tests.faults.reproducibility.fault import Fault, Folder


def _touched(folder: Folder) -> None:
    """New times on all files, as a fresh clone has."""
    for path in folder.path.rglob("*"):
        if path.is_file() and ".mlgov" not in path.parts:
            os.utime(path, (1_700_000_000, 1_700_000_000))


def _moved(folder: Folder) -> None:
    """The whole project under another path."""
    place = folder.path.parent / "moved" / "elsewhere in the house"
    place.parent.mkdir()
    folder.path.rename(place)
    folder.path, folder.notebook = place, place / folder.notebook.name


def _formatted(folder: Folder) -> None:
    """Comments and blank lines in every cell."""
    cells = folder.cells()
    folder.write_cells([source + "\n\n# end of the cell\n" for source in cells])


def _saved(folder: Folder) -> None:
    """The notebook as an editor saves it: with outputs of a run, counts, another metadata, and a paragraph more."""
    document = json.loads(folder.notebook.read_text(encoding="utf-8"))
    for number, cell in enumerate(document["cells"]):
        cell["execution_count"] = 40 + number
        cell["metadata"] = {"scrolled": True, "collapsed": False}
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "of another day\n"}]
    document["cells"].append(
        {"cell_type": "markdown", "id": "told", "metadata": {}, "source": "# What we learned\nNothing new."}
    )
    document["metadata"]["toc"] = {"base_numbering": 1}
    folder.notebook.write_text(json.dumps(document, indent=2), encoding="utf-8")


def _beside(folder: Folder) -> None:
    """A package, a variable and files that the notebook has nothing to do with."""
    folder.install("unrelatedpackage", "3.0", unrelatedpackage="VALUE = 1\n")
    folder.variables.update(UNRELATED="1", EDITOR="vi")
    folder.write("notes/todo.md", "- tidy up\n")
    folder.write("scratch.py", "print('not imported')\n")


CONTROLS = (
    Fault("new times on all files", after=_touched),
    Fault("project moved", after=_moved),
    Fault("every cell formatted", after=_formatted),
    Fault("notebook saved with outputs", after=_saved),
    Fault("unrelated package, variable and files", after=_beside),
)
