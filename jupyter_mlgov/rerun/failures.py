"""Why a run ended with an error that the recorded run did not have, as far as the error itself says it."""

from __future__ import annotations

import re
from pathlib import Path, PurePath, PurePosixPath

from jupyter_mlgov.records.cells import cell_name
from jupyter_mlgov.records.manifest import CellRecord, Input, Module
from jupyter_mlgov.records.verdict import Finding
from jupyter_mlgov.rerun.compare import Measured
from jupyter_mlgov.rerun.outputs import error_of

_QUOTED = re.compile(r"""['"]([^'"]+)['"]""")
_NOT_THERE = re.compile(
    r"no such file|^file '[^']+' not found|no files? found|non-existent (?:directory|folder|file)|could not (?:open|find) "
    r"|(?:file|directory|path)\b[^\n]* does not exist",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(
    r"^(?:HTTPError|URLError|ConnectionError|ConnectTimeout|ReadTimeout|NewConnectionError|ConnectionRefusedError|gaierror"
    r"|RemoteDisconnected|ConnectError|SSLError|MaxRetryError|ProxyError)\b|HTTP Error \d{3}|Max retries exceeded"
)
_URL = re.compile(r"https?://[^\s'\"<>)\\]+")
_ABSOLUTE = re.compile(
    r"(?<![\w.:/])(?:/[\w.@+-]+(?: [\w.@+-]+(?=[^/\s]*/))*)+(?:\.\w+)?|[A-Za-z]:\\[\w\\. -]+"
)


def failure(measured: Measured) -> Finding | None:
    """What the first new error says about its cause. ``confirmed`` where the error leaves no doubt."""
    found = failed_cell(measured)
    if found is None:
        return None
    cell, index = found
    error = error_of(measured.after.outputs(cell))
    if error is None:
        return None
    name, said = str(error.get("ename")), str(error.get("evalue"))
    said = said.replace("`", "")
    if name in ("FileNotFoundError", "NotADirectoryError") or _NOT_THERE.search(said):
        return _file(measured, cell, said, index)
    if name in ("ModuleNotFoundError", "ImportError"):
        return _import(measured, cell, said, index)
    if _NO_ANSWER.search(f"{name}: {said}"):
        return _unanswered(measured, cell, said, index)
    if name == "NameError":
        return _name(measured, said, index)
    if name == "StdinNotImplementedError":
        return Finding(
            cause="unknown", subject=cell_name(index), cell=index,
            message=f"{cell_name(index).capitalize()} asks a person for input, and nobody is there in a rerun.",
            remedy="set the answer as a parameter in a cell tagged `parameters`", confirmed=True,
        )  # fmt: skip
    return None


def failed_cell(measured: Measured) -> tuple[CellRecord, int] | None:
    """The first cell of the candidate that raised what the baseline did not raise, and where it stands in the
    baseline (or, where it is new, in the candidate)."""
    place = measured.alignment.before_of
    failed = {cell.index for cell in measured.cells if cell.status == "error"}
    for cell in measured.after.cells:
        if cell.status == "error" and (cell.index not in place or place[cell.index] in failed):
            return cell, place.get(cell.index, cell.index)
    return None


def missing_input(item: Input, *, absolute: bool = False) -> Finding:
    """An input that is not there. ``absolute``: the code names it by a path that only another machine has."""
    if absolute:
        return Finding(
            cause="path", subject=item.uri, cell=item.cell,
            message=f"{item.uri} is an absolute path outside the project, and there is no such file on this machine.",
            remedy="put the file into the project and name it by a relative path", confirmed=True,
        )  # fmt: skip
    where = f" in {cell_name(item.cell)}" if item.cell is not None else ""
    kept = "; --as-recorded uses its recorded content" if item.kept else ""
    return Finding(
        cause="data.missing", subject=item.uri, cell=item.cell,
        message=f"{item.uri}, which the notebook read{where}, is not there.",
        remedy=f"put {item.uri} back{kept}", confirmed=True,
    )  # fmt: skip


def _file(measured: Measured, cell: CellRecord, said: str, index: int) -> Finding | None:
    path = _path_in(said)
    if not path:
        return None
    known = [i for i in measured.before.manifest.inputs if PurePosixPath(i.uri).name == PurePath(path).name]
    if PurePath(path).is_absolute() and not Path(path).exists():
        # An edit that brought the path in is the cause itself.
        edited = _was_edited(measured, cell, index)
        within = [item.uri for item in known if not PurePosixPath(item.uri).is_absolute()]
        where = f"; in the project it is {within[0]}" if within else ""
        remedy = f"read {within[0]} by a relative path" if within else "use a path relative to the project"
        return Finding(
            cause="path", subject=path, cell=index,
            message=f"{cell_name(index).capitalize()} names {path}, an absolute path that is not on this machine{where}.",
            remedy=remedy, confirmed=not edited,
        )  # fmt: skip
    if known:
        return missing_input(known[0])
    script = next(
        (m for m in measured.before.manifest.code.modules if PurePath(path) == PurePath(m.path)), None
    )
    if script is not None:
        return _module_gone(script, index)
    return Finding(
        cause="data.missing", subject=path, cell=index,
        message=f"{cell_name(index).capitalize()} opens {path}, which is not there.",
        remedy=f"put {path} where the notebook looks for it",
    )  # fmt: skip


def _path_in(said: str) -> str:
    """The path that an error names: quoted, or absolute."""
    every: list[str] = _QUOTED.findall(said)
    quoted = [text for text in every if "/" in text or "\\" in text or "." in text]
    if quoted:
        return quoted[-1]
    bare: list[str] = _ABSOLUTE.findall(said)
    return bare[-1].rstrip(".,:") if bare else (every or [""])[-1]


def _unanswered(measured: Measured, cell: CellRecord, said: str, index: int) -> Finding | None:
    """A server that gave the notebook something when it was recorded, and gives an error now."""
    read = [item for item in measured.before.manifest.inputs if _URL.match(item.uri)]
    named = _URL.findall(said)
    url = next((item.uri for item in read if item.uri in named), None) or next(
        (item.uri for item in read if item.cell == index),
        (_URL.findall(measured.after.source(cell)) or [""])[0],
    )
    if not url:
        return None
    return Finding(
        cause="data.external", subject=url, cell=index,
        message=f"{url}, which {cell_name(index)} reads, gives an error now: {' '.join(said.split())[:200]}.",
        remedy="make the server answer as when this was recorded, or keep its answer in a file of the project",
        confirmed=any(item.uri == url for item in read),
    )  # fmt: skip


def _import(measured: Measured, cell: CellRecord, said: str, index: int) -> Finding | None:
    quoted = _QUOTED.findall(said)
    wanted = quoted[0] if quoted else ""
    name = wanted.split(".")[0]
    if not name:
        return None
    modules = [m for m in measured.before.manifest.code.modules if m.name.split(".")[0] == name]
    module = next((m for m in modules if m.name == wanted), modules[0] if modules else None)
    if module is not None:
        return _module_gone(module, index)
    before, after = measured.before.environment.packages, measured.after.environment.packages
    gone = next((p for p in before if p.lower().replace("-", "_") == name.lower() and p not in after), None)
    if gone is None and _brought_in(measured, cell, index, name):
        return None
    if said.startswith("No module named") or gone:
        package = gone or name
        version = before.get(package)
        return Finding(
            cause="environment.package", subject=package, cell=index,
            message=f"The package {package}{f' {version}' if version else ''} was there when this was recorded, and is not "
            "installed now.",
            remedy=f"pip install {package}{f'=={version}' if version else ''}", confirmed=True,
        )  # fmt: skip
    return None


def _was_edited(measured: Measured, cell: CellRecord, index: int) -> bool:
    old = next((one for one in measured.before.cells if one.index == index), None)
    return old is None or measured.before.form(old) != measured.after.form(cell)


def _brought_in(measured: Measured, cell: CellRecord, index: int, name: str) -> bool:
    """Whether it is an edit of the cell that brought ``name`` in: no recorded cell says it."""
    word = re.compile(rf"\b{re.escape(name)}\b")
    said = any(word.search(measured.before.source(one)) for one in measured.before.cells)
    return not said and _was_edited(measured, cell, index)


def _module_gone(module: Module, index: int) -> Finding:
    does = "imports, is not there or cannot be imported" if module.name else "runs, is not there"
    return Finding(
        cause="code.module", subject=module.path, cell=index, variable=None,
        message=f"The {'module' if module.name else 'script'} {module.path}, which the notebook {does}.",
        remedy=f"restore {module.path}; --as-recorded uses the recorded one", confirmed=True,
    )  # fmt: skip


def _name(measured: Measured, said: str, index: int) -> Finding | None:
    """A name that the recorded session had and a run from top to bottom does not: how it had got there."""
    quoted = _QUOTED.findall(said)
    name = quoted[0] if quoted else ""
    setters = [entry for entry in measured.before.journal if name in entry.sets]
    if not setters:
        if name and any(entry.index is None for entry in measured.before.journal):
            return Finding(
                cause="hidden-state.deleted-cell", subject=name, cell=index, variable=name,
                message=f"No cell sets `{name}`, which {cell_name(index)} needs; the recorded session executed cells that "
                "are no longer in the notebook.",
                remedy=f"put the code that sets `{name}` back into the notebook, run all cells, and record that",
            )  # fmt: skip
        return None
    after_of = measured.alignment.after_of
    if any(
        e.index is not None and e.index < index and e.index in after_of and after_of[e.index].runs
        for e in setters
    ):
        return None  # a cell above still stands there and ran: its code must have changed
    last = setters[-1]
    if last.index is None:
        return Finding(
            cause="hidden-state.deleted-cell", subject=name, cell=index, variable=name,
            message=f"`{name}` was set by a cell that had been deleted when this was recorded; {cell_name(index)} needs it.",
            remedy=f"put the code that sets `{name}` back into the notebook, run all cells, and record that", confirmed=True,
        )  # fmt: skip
    if last.index >= index:
        return Finding(
            cause="hidden-state.order", subject=name, cell=index, variable=name,
            message=f"`{name}` is set in {cell_name(last.index)}, below {cell_name(index)} that needs it: "
            "the recorded session had run them in another order.",
            remedy=f"move the code that sets `{name}` above {cell_name(index)}, run all cells, and record that",
            confirmed=True,
        )  # fmt: skip
    return None
