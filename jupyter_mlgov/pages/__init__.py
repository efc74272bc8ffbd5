"""What a verb found, for people: text that reads well in a terminal of any width, colour where there is one."""

from __future__ import annotations

import io
import sys

from rich.console import Console, RenderableType

from jupyter_mlgov.pages import governing, monitoring, operating, record
from jupyter_mlgov.pages.parts import Pages
from jupyter_mlgov.verbs import Answer


def print_page(answer: Answer) -> None:
    """Prints the page of one answer on stdout."""
    console = _Piped(file=sys.stdout, highlight=False, soft_wrap=False, force_jupyter=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    console.print(_page(answer), markup=False)


class _Piped(Console):
    """Tells the caller that nobody reads any more, where rich would end the process with a status of its own."""

    def on_broken_pipe(self) -> None:
        raise


def page_text(answer: Answer) -> str:
    """The page of one answer as plain text."""
    console = _off_screen()
    console.print(_page(answer), markup=False)
    return console.export_text(clear=False, styles=False)


def page_html(answer: Answer) -> str:
    """The page of one answer as a preformatted HTML block."""
    console = _off_screen()
    console.print(_page(answer), markup=False)
    style = (
        "white-space:pre;overflow-x:auto;line-height:1.35;font-family:var(--jp-code-font-family,monospace)"
    )
    body = console.export_html(code_format="{code}", inline_styles=True)
    return f'<div style="{style}">{body}</div>'


def _page(answer: Answer) -> RenderableType:
    if answer.verb == "verify":
        return record.verify(answer.value, answer.facts["names"])
    return _PAGES[answer.verb](answer.value)


def _off_screen() -> Console:
    return Console(
        file=io.StringIO(), record=True, width=120, highlight=False, force_jupyter=False, force_terminal=True
    )


_PAGES: Pages = {**record.PAGES, **governing.PAGES, **operating.PAGES, **monitoring.PAGES}
