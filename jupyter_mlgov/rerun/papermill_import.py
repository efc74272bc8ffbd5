"""papermill, imported in half the time.

``jsonschema`` reads notebooks' schemas for nbformat. Where it can check internationalized URIs (wherever JupyterLab is
installed) it compiles a grammar of them when it is imported: 38 parsers, which take longer than all else that papermill
needs. Notebooks have none to be checked. So the grammar is compiled when somebody asks for the first check.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_GRAMMAR = "rfc3987_syntax"


def import_papermill() -> Any:
    """The package ``papermill``."""
    with _grammar_when_asked():
        import papermill
    return papermill


@contextmanager
def _grammar_when_asked() -> Iterator[None]:
    if "jsonschema" in sys.modules or _GRAMMAR in sys.modules or importlib.util.find_spec(_GRAMMAR) is None:
        yield
        return
    later = types.ModuleType(_GRAMMAR)
    later.is_valid_syntax = _is_valid_syntax  # type: ignore[attr-defined]
    sys.modules[_GRAMMAR] = later
    try:
        yield
    finally:
        if sys.modules.get(_GRAMMAR) is later:
            del sys.modules[_GRAMMAR]


def _is_valid_syntax(rule: str, text: str) -> Any:
    """As the function of that name, which compiles the grammar now."""
    return importlib.import_module(_GRAMMAR).is_valid_syntax(rule, text)
