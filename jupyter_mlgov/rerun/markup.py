"""HTML and SVG compared by what a reader sees.

An HTML page is a sequence of pieces: table cells with their column's heading, running text, embedded pictures
and the data in scripts. Tags, attributes, style sheets and made-up ids are presentation. An SVG is its text and
its numbers; metadata, comments and ids are presentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

from jupyter_mlgov.rerun.charts import counted_in_page
from jupyter_mlgov.rerun.numbers import worst
from jupyter_mlgov.rerun.pictures import compare_images, image_of_uri
from jupyter_mlgov.rerun.texts import SAME, Context, Outcome, compare_texts

_MADE_UP = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b|\bT_[0-9a-f]{5,}\w*|\bsk-[\w-]+-id-\d+\b"
    r"|(?<=[\"'#_-])(?:p|el|bk|vis|mpld3|fig_el)[-_]?\d[0-9a-f]{3,}\b",
    re.IGNORECASE,
)


@dataclass
class Piece:
    """One thing that a reader sees. ``column`` is the heading above a table cell."""

    kind: str
    text: str
    row: int = 0
    column: str = ""
    label: str = ""
    """What the row's first cell says."""


@dataclass
class _Table:
    headings: list[str] = field(default_factory=list)
    row: int = -1
    place: int = 0
    label: str = ""
    start: int = 0


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[Piece] = []
        self._tables: list[_Table] = []
        self._cell: list[str] | None = None
        self._heading = False
        self._text: list[str] = []
        self._raw = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        if tag in ("script", "style", "template"):
            self._flush()
            self._raw = tag
        elif tag == "table":
            self._flush()
            self._tables.append(_Table())
        elif tag == "tr" and self._tables:
            table = self._tables[-1]
            table.row, table.place = table.row + 1, 0
        elif tag in ("td", "th") and self._tables:
            self._end_cell()
            self._cell, self._heading = [], tag == "th"
        elif tag == "img" and named.get("src"):
            self._flush()
            self.pieces.append(Piece("image", str(named["src"])))
        elif tag in ("input", "option", "meter") and named.get("value"):
            self._words(f" {named['value']} ")
        elif tag in ("br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "pre"):
            self._words("\n")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "template"):
            self._raw = ""
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag == "table" and self._tables:
            self._end_cell()
            self._tables.pop()
        elif tag in ("p", "div", "li", "tr", "pre"):
            self._words("\n")

    def handle_data(self, data: str) -> None:
        if self._raw == "script":
            self.pieces.append(Piece("script", data))
        elif not self._raw:
            self._words(data)

    def close(self) -> None:
        super().close()
        self._end_cell()
        self._flush()

    def _words(self, text: str) -> None:
        (self._text if self._cell is None else self._cell).append(text)

    def _flush(self) -> None:
        text = "".join(self._text)
        self._text = []
        if text.strip():
            self.pieces.append(Piece("text", text))

    def _end_cell(self) -> None:
        if self._cell is None:
            return
        text, self._cell = "".join(self._cell).strip(), None
        if not self._tables:
            self._text.append(text)
            return
        table = self._tables[-1]
        if self._heading and table.row <= 0:
            table.headings.append(text)
        column = table.headings[table.place] if table.place < len(table.headings) else ""
        if table.place == 0:
            table.label = text.partition("\n")[0].strip() if table.row > 0 else ""
        self.pieces.append(Piece("cell", text, table.row, column, table.label if table.place else ""))
        table.place += 1


def pieces_of(page: str) -> list[Piece]:
    """What a reader sees of a page, in order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return [piece for piece in reader.pieces if piece.kind == "cell" or piece.text.strip()]


def compare_html(one: str, other: str, context: Context) -> Outcome:
    """Two pages, piece by piece."""
    if one == other:
        return SAME
    before, after = pieces_of(one), pieces_of(other)
    if [piece.kind for piece in before] != [piece.kind for piece in after]:
        rows = [len({piece.row for piece in side if piece.kind == "cell"}) for side in (before, after)]
        if rows[0] != rows[1]:
            return Outcome("different", f"the table has {rows[1]} rows, and had {rows[0]}")
        return Outcome("different", "the page has other parts")
    found = Outcome("noise")
    for left, right in zip(before, after, strict=True):
        one_piece = _compare_piece(left, right, context)
        if worst(found.closeness, one_piece.closeness) != found.closeness:
            found = one_piece
            if found.closeness == "different":
                break
    return found


def _compare_piece(left: Piece, right: Piece, context: Context) -> Outcome:
    if left.kind == "image":
        return _compare_sources(left.text, right.text)
    if left.kind == "script":
        return compare_scripts(left.text, right.text, context)
    if left.kind == "cell":
        timed = context.timed_columns
        if left.column == right.column and left.column in timed:
            return Outcome("noise")
        if left.label == right.label and left.label in timed:
            return Outcome("noise")
        where = f"the table's row {left.row}" + (f", column {left.column[:40]}" if left.column else "")
        under = replace(context, heading=left.column if left.column == right.column else "")
        return compare_texts(left.text, right.text, under, what=where)
    return compare_texts(left.text, right.text, context, what="the page's text")


def compare_scripts(one: str, other: str, context: Context) -> Outcome:
    """Two scripts by the data that they hold, made-up names aside."""
    return compare_texts(_named(one), _named(other), context, what="the page's data")


def _compare_sources(one: str, other: str) -> Outcome:
    if one == other:
        return SAME
    before, after = image_of_uri(one), image_of_uri(other)
    if before is None or after is None:
        return Outcome("different", "another picture is shown")
    return compare_images(before, after)


def _named(text: str) -> str:
    """Made-up ids by the order in which they come: the same structure has the same names."""
    names: dict[str, str] = {}
    return _MADE_UP.sub(lambda found: names.setdefault(found[0], f"id{len(names)}"), counted_in_page(text))


_SVG_NOISE = re.compile(
    r"<metadata\b.*?</metadata>|<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE[^>]*>", re.DOTALL | re.IGNORECASE
)
_SVG_ID = re.compile(r"""\bid=["']([^"']+)["']""")


def compare_svg(one: str, other: str) -> Outcome:
    """Two drawings by their elements, texts and numbers."""
    if one == other:
        return SAME
    found = compare_texts(_drawing(one), _drawing(other), Context(), what="the drawing")
    if found.closeness == "different":
        return Outcome("different", "the drawing differs")
    return Outcome("noise") if found.closeness == "same" else found


def _drawing(text: str) -> str:
    text = _SVG_NOISE.sub("", text)
    ids = {name: f"id{number}" for number, name in enumerate(dict.fromkeys(_SVG_ID.findall(text)))}
    text = re.sub(r"""(\bid=["']|#)([\w:.-]+)""", lambda found: found[1] + ids.get(found[2], found[2]), text)
    # Each pair of a path's coordinates is a number of its own.
    return re.sub(r"(?<=[A-Za-z\d])([MLCQZHVTSAz])(?=[\s\d.-])", r" \1 ", text)
