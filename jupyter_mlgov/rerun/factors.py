"""What is not as it was: data, code, environment.

A factor is something that changed and can have changed a result, with the place where it enters the notebook.
What cannot have had an effect (a comment, a file written anew with equal content, a package that was not
loaded) is none. Whether a factor did have an effect is for ``diagnose`` to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.records.manifest import CellRecord, Input, Module
from jupyter_mlgov.records.verdict import Cause
from jupyter_mlgov.rerun.alignment import Alignment
from jupyter_mlgov.rerun.cell_edits import edit, one_line
from jupyter_mlgov.rerun.code_form import form_of
from jupyter_mlgov.rerun.data_changes import data_change
from jupyter_mlgov.rerun.outputs import error_of
from jupyter_mlgov.rerun.place import cells_of
from jupyter_mlgov.rerun.side import Side

IMPORT_NAMES = {
    "scikit-learn": "sklearn", "pillow": "PIL", "opencv-python": "cv2", "opencv-python-headless": "cv2",
    "pyyaml": "yaml", "beautifulsoup4": "bs4", "python-dateutil": "dateutil", "scikit-image": "skimage",
}  # fmt: skip
"""Distributions that are imported by another name than their own."""

MACHINERY = frozenset(
    {"jupyter-mlgov", "ipykernel", "jupyter-client", "jupyter-core", "tornado", "traitlets", "pyzmq", "comm", "debugpy",
     "blake3", "msgspec", "zstandard", "gitpython", "gitdb", "filelock", "rfc8785", "sqlalchemy"}
)  # fmt: skip
"""What every kernel has loaded to be a kernel that records: it computes nothing."""


_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Factor:
    """One change. ``cells`` are indices of the baseline, ``new_cells`` of the candidate, where it enters;
    ``names`` are those that it takes away. ``everywhere``: it can have reached any cell."""

    cause: Cause
    subject: str
    message: str
    remedy: str
    cells: frozenset[int] = frozenset()
    new_cells: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ()
    variable: str | None = None
    everywhere: bool = False
    uri: str = ""
    """The input, where ``subject`` is one of its files."""
    direct: bool = True
    """False for a package that the notebook's own code does not import."""


def changed_factors(before: Side, after: Side, alignment: Alignment) -> list[Factor]:
    """All factors, from the outside in: data, code, environment."""
    cells = list(_cells(before, after, alignment))
    return [
        *_inputs(before, after, alignment, code_changed=bool(cells)),
        *cells,
        *_modules(before, after),
        *_packages(before, after),
        *_python(before, after),
        *_variables(before, after),
    ]


# -- data ----------------------------------------------------------------------------------------------------


def _inputs(before: Side, after: Side, alignment: Alignment, *, code_changed: bool) -> Iterator[Factor]:
    old = {item.uri: item for item in before.manifest.inputs if not item.derived}
    new = {item.uri: item for item in after.manifest.inputs if not item.derived}
    for uri, item in old.items():
        other = new.get(uri)
        if other is None:
            if not code_changed and item.digest is not None and _ran(item.cell, alignment):
                yield _input(
                    item, "data.missing", f"{uri} was read when this was recorded, and is not read now."
                )
            continue
        change = data_change(before.store, item, other)
        if change is not None:
            yield _input(
                item,
                change.cause,
                change.message,
                columns=change.columns,
                member=change.member,
                added=change.added,
            )
    if code_changed:
        return
    made = {item.uri for item in before.manifest.inputs if item.derived}
    for uri, item in new.items():
        if uri not in old and item.digest is not None:
            at = alignment.before_of.get(item.cell) if item.cell is not None else None
            cause: Cause = "data.values" if uri in made else "data.rows"
            message = (
                f"{uri}, which the notebook itself writes, was there from an earlier run, and what is read of it is not "
                "only its own."
                if uri in made
                else f"{uri} is read now, and was not when this was recorded."
            )
            yield _input(replace_cell(item, at), cause, message, added=True)


def _ran(cell: int | None, alignment: Alignment) -> bool:
    """True when the candidate executed the cell that read an input, to its end."""
    other = alignment.after_of.get(cell) if cell is not None else None
    return other is not None and other.status == "ok"


def replace_cell(item: Input, cell: int | None) -> Input:
    """The same input, read in another cell."""
    import msgspec

    return msgspec.structs.replace(item, cell=cell)


def _input(
    item: Input,
    cause: Cause,
    message: str,
    *,
    columns: tuple[str, ...] = (),
    member: str | None = None,
    added: bool = False,
) -> Factor:
    subject = item.uri if member is None else str(PurePosixPath(item.place(), member))
    recorded = f" ({item.digest.removeprefix('blake3:')[:12]})" if item.digest and member is None else ""
    remedy = f"put {subject} back as it was recorded{recorded}, or record a snapshot of the new data"
    if added:
        what = subject if member is not None or item.members is None else f"the new files of {item.uri}"
        remedy = f"take {what} away, or record a snapshot of the new data"
    if item.kept and "://" not in item.uri:
        remedy += "; --as-recorded uses the recorded content"
    return Factor(
        cause, subject, message, remedy, uri=item.uri,
        cells=frozenset() if item.cell is None else frozenset({item.cell}), columns=columns, everywhere=item.cell is None,
    )  # fmt: skip


# -- code ----------------------------------------------------------------------------------------------------


def _cells(before: Side, after: Side, alignment: Alignment) -> Iterator[Factor]:
    path = before.manifest.notebook.path or after.manifest.notebook.path or "the notebook"
    undo = "undo the edit, or run the experiment again so that the new code is recorded"
    for pair in alignment.pairs:
        old, new = pair.before, pair.after
        if old is not None and new is not None and old.type == "code":
            if old.runs and new.runs and before.form(old) != after.form(new):
                yield Factor(
                    "code.cell", path,
                    f"The code of {cell_name(old.index)} was edited: {edit(before.source(old), after.source(new))}.", undo,
                    cells=frozenset({old.index}), new_cells=frozenset({new.index}),
                    names=_sets(before, old.index) - _sets(after, new.index),
                )  # fmt: skip
        elif old is None and new is not None and new.type == "code" and new.runs:
            if injected(after, new):
                names = sorted(_sets(after, new.index))
                yield Factor(
                    "code.cell", path, f"Parameters were set for this run: {one_line(after.source(new), 100)}.",
                    "rerun without -p", new_cells=frozenset({new.index}), variable=names[0] if names else None,
                )  # fmt: skip
            elif after.form(new) != form_of(""):
                like = _begins_as(before, after, alignment, new)
                yield Factor(
                    "code.cell", path,
                    f"A cell was added ({cell_name(new.index)}): {one_line(after.source(new))}{like}.", undo,
                    new_cells=frozenset({new.index}),
                )  # fmt: skip
        elif (
            old is not None
            and new is None
            and old.type == "code"
            and old.runs
            and before.form(old) != form_of("")
        ):
            yield Factor(
                "code.cell", path,
                f"{cell_name(old.index).capitalize()} was removed: {one_line(before.source(old))}.", undo,
                cells=frozenset({old.index}), names=_sets(before, old.index),
            )  # fmt: skip
    for pair in alignment.moved():
        old, new = pair.before, pair.after
        if old is not None and new is not None and old.type == "code" and old.runs and new.runs:
            yield Factor(
                "code.cell", path, f"{cell_name(old.index).capitalize()} was moved; it is {cell_name(new.index)} now.", undo,
                cells=frozenset({old.index}), new_cells=frozenset({new.index}),
            )  # fmt: skip


def _begins_as(before: Side, after: Side, alignment: Alignment, new: CellRecord) -> str:
    """A clause for an added cell that looks like one that was removed: where they differ."""
    line = one_line(after.source(new))
    for pair in alignment.pairs:
        old = pair.before
        if (
            pair.after is None
            and old is not None
            and old.type == "code"
            and one_line(before.source(old)) == line
        ):
            change = edit(before.source(old), after.source(new))
            return f"; it begins as {cell_name(old.index)} did, which was removed, and differs: {change}"
    return ""


def injected(side: Side, cell: CellRecord) -> bool:
    """True for the cell by which papermill sets parameters."""
    return "injected-parameters" in cell.tags or side.source(cell).startswith("# Parameters\n")


def _sets(side: Side, index: int) -> frozenset[str]:
    return frozenset(name for entry in side.journal if entry.index == index for name in entry.sets)


def _modules(before: Side, after: Side) -> Iterator[Factor]:
    now = {module.path: module for module in after.manifest.code.modules}
    named = {module.name: module for module in after.manifest.code.modules if module.name}
    for old in before.manifest.code.modules:
        new = now.get(old.path)
        # A file that could not be imported was read all the same, by the traceback: then it has no module's name.
        unimported = new is None or (old.name != "" and new.name == "")
        raised = _raised_in(after, old) if unimported else None
        if raised is not None:
            cells = _cells_with(before, old)
            yield Factor(
                "code.module", old.path,
                f"{_called(old)} cannot be {'imported' if old.name else 'executed'} any more: {raised}.",
                f"restore {old.path}, or run the experiment again so that the new code is recorded",
                cells=frozenset(cells), everywhere=not cells,
            )  # fmt: skip
            continue
        new = new or named.get(old.name)
        if new is None or new.digest == old.digest or _same_code(before, old, after, new):
            continue
        cells = _cells_with(before, old)
        elsewhere = f"is imported from {new.path} now, which says something else."
        yield Factor(
            "code.module", old.path, f"{_called(old)} {'was edited.' if new.path == old.path else elsewhere}",
            f"restore {old.path}, or run the experiment again so that the new code is recorded",
            cells=frozenset(cells), everywhere=not cells,
        )  # fmt: skip


def _called(module: Module) -> str:
    if module.name:
        return f"The module {module.path}, which the notebook imports,"
    return f"The script {module.path}, which the notebook runs,"


def _cells_with(side: Side, module: Module) -> list[int]:
    """Cells that import a module, or that name a script."""
    if module.name:
        return cells_importing(side, module.name.split(".")[0])
    script = PurePosixPath(module.path)
    pattern = re.compile(
        rf"(?<![\w.-]){re.escape(script.name)}(?!\w)|-m\s+[\w.]*\b{re.escape(script.stem)}\b"
    )
    return sorted(
        cell.index
        for cell in side.cells
        if cell.type == "code" and cell.runs and pattern.search(side.source(cell))
    )


def _raised_in(after: Side, module: Module) -> str | None:
    """The error of a run whose traceback ends in a module that it could not import."""
    cell = next((cell for cell in after.cells if cell.status == "error"), None)
    error = error_of(after.outputs(cell)) if cell is not None else None
    if error is None:
        return None
    said = f"{error.get('ename')}: {error.get('evalue')}"
    trace = _ANSI.sub("", "\n".join(str(line) for line in error.get("traceback", ())))
    files = re.findall(r"File (?:\"|)([^\s\",:(]+\.py)", trace)
    if files and f"/{files[-1]}".endswith(f"/{module.path}"):
        return " ".join(said.split())[:200]
    return None


def _same_code(before: Side, old: Module, after: Side, new: Module) -> bool:
    texts = []
    for side, module in ((before, old), (after, new)):
        if module.source is None or not side.store.has(module.source):
            return False
        texts.append(side.store.get(module.source).decode("utf-8", "replace"))
    return _form_of_file(old.path, texts[0]) == _form_of_file(old.path, texts[1])


def _form_of_file(path: str, text: str) -> object:
    cells = cells_of(text.encode()) if path.endswith(".ipynb") else None
    return form_of(text) if cells is None else [form_of(source) for kind, source in cells if kind == "code"]


def cells_importing(side: Side, name: str) -> list[int]:
    """Cells whose code imports a module, in order."""
    pattern = re.compile(
        rf"^\s*(?:from\s+{re.escape(name)}\b|import\s+(?:.*,\s*)?{re.escape(name)}\b)", re.MULTILINE
    )
    return sorted(
        cell.index
        for cell in side.cells
        if cell.type == "code" and cell.runs and pattern.search(side.source(cell))
    )


# -- environment ---------------------------------------------------------------------------------------------


def changed_packages(before: Side, after: Side) -> list[Factor]:
    """Every loaded package that is not as it was, also those that the notebook does not import itself."""
    one, other = before.environment, after.environment
    if not one.python or not other.python:
        return []  # recorded without its kernel: nothing is known, which is no change
    loaded = set(one.imported) | set(other.imported)
    found = []
    for name in sorted(set(one.packages) | set(other.packages), key=str.lower):
        old, new = one.packages.get(name), other.packages.get(name)
        if old == new or (loaded and name not in loaded) or name.lower() in MACHINERY:
            continue
        imported_as = IMPORT_NAMES.get(name.lower(), name.replace("-", "_"))
        cells = cells_importing(before, imported_as) or cells_importing(after, imported_as)
        said = f"{name} was {old or 'not installed'} when this was recorded, and is {new or 'not installed'} now."
        remedy = f"pip install {name}=={old}" if old else f"pip uninstall {name}"
        found.append(
            Factor(
                "environment.package", name, said, f"{remedy}, or record a snapshot with the new version",
                cells=frozenset(cells), everywhere=True, direct=bool(cells),
            )
        )  # fmt: skip
    return found


def _packages(before: Side, after: Side) -> list[Factor]:
    found = changed_packages(before, after)
    return [factor for factor in found if factor.direct] or found


def _python(before: Side, after: Side) -> Iterator[Factor]:
    old, new = before.environment.python, after.environment.python
    if old and new and old != new:
        yield Factor(
            "environment.python", "python", f"Python was {old} when this was recorded, and is {new} now.",
            f"use Python {old}, or record a snapshot with the new version", everywhere=True,
        )  # fmt: skip


def _variables(before: Side, after: Side) -> Iterator[Factor]:
    if not before.environment.python or not after.environment.python:
        return
    one, other = before.environment.variables, after.environment.variables
    for name in sorted(set(one) | set(other)):
        old, new = one.get(name), other.get(name)
        cells = [c.index for c in before.cells if c.type == "code" and c.runs and name in before.source(c)]
        if old == new or (
            name == "PYTHONPATH" and not cells
        ):  # where it leads to is told by modules and packages
            continue
        remedy = f"set {name}={old}" if old is not None else f"unset {name}"
        yield Factor(
            "environment.variable", name,
            f"The environment variable {name} was {_value(old)} when this was recorded, and is {_value(new)} now.",
            remedy, cells=frozenset(cells), everywhere=not cells,
        )  # fmt: skip


def _value(value: str | None) -> str:
    return "not set" if value is None else repr(value[:80])
