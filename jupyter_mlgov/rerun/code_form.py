"""What a piece of code says, without how it is written.

Two cells have the same form when they do the same: comments, blank lines, formatting and docstrings are no
difference, and neither are the options of ``%%experiment`` that cannot change a result. A trailing semicolon
counts, because it hides the cell's result.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache

_GOVERNANCE = ("%%charter", "%%risk")


@lru_cache(maxsize=4096)
def form_of(source: str) -> str:
    """A text that is equal for cells (or modules) that do the same."""
    header, body = _split(source)
    if header.startswith(_GOVERNANCE):
        return "governance"
    magic = _effective(header)
    if header.startswith("%%") and not _holds_python(header):
        return f"{magic}\n{body.strip()}"
    try:
        tree = ast.parse(python_of(body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return f"{magic}\n{body.strip()}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
            _drop_docstring(node)
    hidden = ";" if body.rstrip().endswith(";") else ""
    return f"{magic}\n{ast.dump(tree)}{hidden}"


def _split(source: str) -> tuple[str, str]:
    """Cell magics on top, and the rest."""
    lines = source.replace("\r\n", "\n").lstrip("\n").split("\n")
    headers: list[str] = []
    while lines and (lines[0].startswith("%%") or (headers and not lines[0].strip())):
        headers.append(lines.pop(0).strip())
    return "\n".join(line for line in headers if line), "\n".join(lines)


def _holds_python(header: str) -> bool:
    names = {line[2:].split()[0] for line in header.split("\n") if line[2:].split()}
    return names <= {"experiment", "time", "timeit", "capture", "prun", "memit", "mprun"}


def _effective(header: str) -> str:
    """What of the header can change a result: of an experiment's options only the seed."""
    kept = []
    for line in header.split("\n"):
        if line.startswith("%%experiment"):
            seed = re.search(r"--seed[ =](\d+)", line)
            kept.append(f"experiment {seed[1] if seed else ''}")
        elif line and not line.startswith(("%%time", "%%capture")):
            kept.append(line)
    return "\n".join(kept)


_MAGIC = re.compile(r"^(\s*)((?:[\w.,\s]+=\s*)?[%!].*|\?{1,2}[\w.*]+|[\w.%]+\?{1,2})\s*$")


@lru_cache(maxsize=4096)
def python_of(source: str) -> str:
    """A cell as Python that can be parsed, line for line: cell magics become comments, other magics calls of
    ``__magic__``. It is read, never run."""
    lines = source.replace("\r\n", "\n").split("\n")
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    made = []
    on_top = True
    for line in lines:
        if on_top and (line.startswith("%%") or not line.strip()):
            made.append(f"# {line}")
            continue
        on_top = False
        found = _MAGIC.match(line)
        made.append(f"{found[1]}{_call(found[2])}" if found else line)
    return "\n".join(made)


def _call(magic: str) -> str:
    names, equals, rest = magic.partition("=")
    if equals and rest.lstrip()[:1] in ("%", "!") and names[:1] not in ("%", "!"):
        return f"{names.strip()} = __magic__({rest.strip()!r})"
    return f"__magic__({magic!r})"


def _drop_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module) -> None:
    first = node.body[0] if node.body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
        and len(node.body) > 1
    ):
        node.body = node.body[1:]
