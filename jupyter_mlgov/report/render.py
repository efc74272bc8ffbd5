"""The context as one self-contained HTML file: no script, no request, nothing but what the context holds.

Jinja escapes everything (autoescape on, undefined names are errors); the only markup let through is made by
``charts``, ``lineage`` and ``sanitize``. The content security policy forbids the rest, but nothing relies on it.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from jupyter_mlgov.records.canonical import number
from jupyter_mlgov.report.charts import bullet, interval, sparkline
from jupyter_mlgov.report.context import ReportContext
from jupyter_mlgov.report.drift_charts import course, two_histograms
from jupyter_mlgov.report.lineage import draw
from jupyter_mlgov.report.operation import DECISIONS
from jupyter_mlgov.report.wording import date, visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from jupyter_mlgov.records.monitoring import Monitoring
    from jupyter_mlgov.report.inventory import Inventory
    from jupyter_mlgov.report.views import Piece

POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline'; img-src data:"

MEANINGS = {
    "measured": "computed or hashed by the software while the cells ran, or by executing them again",
    "asserted": "typed by a person; nothing here checked it",
    "stale": "measured or said about something that is not so any more",
    "missing": "not recorded, or recorded and no longer readable",
}


def render(context: ReportContext) -> str:
    """The page. Equal contexts give equal text."""
    return (
        _environment().get_template("report.html").render(report=context, policy=POLICY, meanings=MEANINGS)
        + "\n"
    )


def render_inventory(inventory: Inventory) -> str:
    """The inventory's page."""
    template = _environment().get_template("inventory.html")
    return template.render(inventory=inventory, policy=POLICY) + "\n"


def render_monitoring(found: Monitoring) -> str:
    """The page of one monitor run."""
    template = _environment().get_template("monitoring.html")
    return template.render(found=found, policy=POLICY, tone=DECISIONS[found.decision]) + "\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("jupyter_mlgov.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_readable,
    )
    environment.globals.update(
        bullet=bullet, interval=interval, sparkline=sparkline, lineage=draw, markup=_markup
    )
    environment.globals.update(course=course, two_histograms=two_histograms, amount=_amount, moment=_moment)
    return environment


def _readable(value: object) -> object:
    """Text of a record with what is invisible or reorders shown, whoever wrote it; markup of this room as it is."""
    return visible(value) if type(value) is str else value


def _amount(value: object) -> str:
    """A number of a monitor run as one writes it in a table."""
    found = number(value)
    return "–" if found is None or math.isnan(found) else f"{found:.3g}"


def _moment(text: str | None) -> str:
    """A time of a monitor run in words."""
    return date(text) if text else "an unknown time"


def _markup(piece: Piece) -> Markup:
    """What ``sanitize`` made of an HTML output."""
    from markupsafe import Markup

    return Markup(piece.markup)  # noqa: S704 - set by sanitize.clean_html only
