"""The governance report: what a reviewer needs to judge one snapshot, on one page that holds nothing but text
and pictures.

``build`` computes everything the page shows as frozen dataclasses, a function of the store, a snapshot's id and
the gate's decision; ``render`` turns them into HTML. Each section and field is *measured*, *asserted*,
*missing* or *stale*, and the page shows which. The same record gives the same bytes.
"""

from __future__ import annotations

from jupyter_mlgov.report.build import build
from jupyter_mlgov.report.context import ReportContext
from jupyter_mlgov.report.inventory import inventory
from jupyter_mlgov.report.render import render, render_inventory, render_monitoring

__all__ = ["ReportContext", "build", "inventory", "render", "render_inventory", "render_monitoring"]
