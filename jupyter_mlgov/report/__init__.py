"""The governance report: what a reviewer needs to judge one snapshot, on one page that holds nothing but text
and pictures.

``build`` computes everything the page shows as frozen dataclasses, a function of the store, a snapshot's id and
the gate's decision; ``render`` turns them into HTML. Each section and field is *measured*, *asserted*,
*missing* or *stale*, and the page shows which. The same record gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlgov.report.build import build
    from jupyter_mlgov.report.context import ReportContext
    from jupyter_mlgov.report.render import render

__all__ = ["ReportContext", "build", "render"]

_PLACES = {"build": "build", "ReportContext": "context", "render": "render"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
