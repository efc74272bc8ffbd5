"""What pages are made of: text that strangers wrote made harmless, tables, sections, and the four colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

GOOD, BAD, UNSURE, QUIET = "green", "bold red", "yellow", "dim"
VERDICT = {"reproduced": GOOD, "equivalent": GOOD, "diverged": BAD, "failed": BAD, "blocked": UNSURE}
MARK = {True: Text("✓", style=GOOD), False: Text("✗", style=BAD), None: Text("–", style=UNSURE)}

Pages = dict[str, Callable[[Any], RenderableType]]
"""The page of each verb by its name."""


def clean(value: Any) -> Text:
    """Text from a record: control characters from a notebook never reach the terminal."""
    text = "".join(letter if letter.isprintable() or letter == "\n" else "�" for letter in str(value))
    return Text(text)


def amount(value: Any) -> str:
    """A number as one writes it in a table."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "–"}[value]
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return str(value)


def new_table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        right = column.endswith("#")
        table.add_column(column.removesuffix("#"), justify="right" if right else "left", overflow="fold")
    return table


def section(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(), Text(title, style="bold"), Padding(body, (0, 0, 0, 2)))
