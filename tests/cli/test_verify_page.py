"""What ``mlgov verify`` tells people about reruns that could not be made."""

from __future__ import annotations

import io

from rich.console import Console

from jupyter_mlgov.pages.record import verify
from jupyter_mlgov.records.verdict import Comparison, Finding


def blocked(place: int) -> Comparison:
    finding = Finding(
        cause="data.missing", subject="a.csv", message="a.csv is not there.",
        remedy=f"put a{place}.csv back; --as-recorded uses its recorded content",
    )  # fmt: skip
    return Comparison(baseline="0" * 64, candidate=None, verdict="blocked", findings=(finding,))


def test_blocked_reruns_say_what_to_do() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(verify([blocked(place) for place in range(10)], [f"trees@{place}" for place in range(10)]))
    said = console.export_text()
    assert "→ trees@0: put a0.csv back; --as-recorded uses its recorded content" in said
    assert "and 2 more that are blocked" in said
    assert "0 of 10 reproduce" in said
