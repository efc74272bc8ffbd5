"""Tables as HTML, for widgets and for front ends without them. Everything shown is escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

_CELL = "padding:3px 14px 3px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--jp-border-color2,#d0d7de)"
_HEAD = f"{_CELL};color:var(--jp-ui-font-color2,#57606a);font-weight:400"


def table(head: Sequence[str], rows: Sequence[Sequence[object]], *, caption: str = "") -> str:
    """One table; numbers keep four significant digits."""
    title = f"<caption style='text-align:left'>{escape(caption)}</caption>" if caption else ""
    heads = "".join(f"<th scope='col' style='{_HEAD}'>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td style='{_CELL}'>{escape(shown(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    return (
        "<table style='border-collapse:collapse;font-variant-numeric:tabular-nums'>"
        f"{title}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def shown(value: object) -> str:
    """A value as one writes it in a narrow column."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)
