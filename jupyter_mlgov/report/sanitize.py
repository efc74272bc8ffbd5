"""Cell outputs made safe: each becomes ``Piece``s that can neither run, load, nor reach out of their place.

What is allowed is named; everything else becomes text or a note that says what is not shown. HTML keeps tables
and simple text markup, without links, styles, classes or ids. Images are those of ``images``. Nothing here relies on
the page's content security policy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mlgov.report.images import Pictures, data_uri, recognised, svg
from jupyter_mlgov.report.views import Piece
from jupyter_mlgov.report.wording import overwritten, size, tidy, visible, without_ansi

LINES = 40
"""Lines of text that stand open; the rest is folded."""
TEXT_LIMIT = 100_000
"""Characters of one output that the page holds."""
HTML_LIMIT = 400_000

_TAGS = {
    "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "colgroup", "col",
    "p", "div", "span", "br", "hr", "pre", "code", "samp", "kbd", "var", "blockquote",
    "ul", "ol", "li", "dl", "dt", "dd", "b", "strong", "i", "em", "u", "s", "small", "sub", "sup", "mark",
    "h1", "h2", "h3", "h4", "h5", "h6", "img",
}  # fmt: skip
_WITH_CONTENT = {"script", "style", "svg", "math", "iframe", "object", "embed", "template", "title", "noscript",
                 "textarea", "select", "button", "audio", "video", "canvas"}  # fmt: skip
_ATTRIBUTES = {
    "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}, "img": {"src", "alt"},
    "col": {"span"}, "colgroup": {"span"}, "ol": {"start"},
}  # fmt: skip
_HEADING = re.compile(r"<(/?)h[1-6]>")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_CLOSE_THEMSELVES = {
    "p",
    "li",
    "td",
    "th",
    "tr",
    "dt",
    "dd",
    "thead",
    "tbody",
    "tfoot",
    "br",
    "hr",
    "img",
    "col",
}
_LIVE = re.compile(
    r"(?i)<\s*(script|iframe|object|embed|svg|canvas|video|audio|form|input|button|style|link)\b"
)

_DROPPED = {
    "application/javascript": "JavaScript",
    "text/javascript": "JavaScript",
    "application/vnd.jupyter.widget-view+json": "interactive widget",
    "application/vnd.plotly.v1+json": "interactive Plotly chart",
    "application/vnd.bokehjs_exec.v0+json": "interactive Bokeh chart",
    "application/vnd.bokehjs_load.v0+json": "interactive Bokeh chart",
}
_TEXTUAL = ("text/markdown", "text/latex", "text/plain")


def pieces(outputs: object, pictures: Pictures | None = None) -> tuple[Piece, ...]:
    """What a cell's recorded outputs (a list of nbformat outputs) show. Never raises for what is in them.

    ``pictures`` is shared by the cells of one page.
    """
    if not isinstance(outputs, list):
        return (note("the recorded outputs are no list of outputs; they are not shown"),)
    pictures = pictures or Pictures()
    return tuple(piece for output in outputs for piece in _output(output, pictures))


def note(text: str) -> Piece:
    """A line in the report's own words."""
    return Piece(kind="note", text=text)


def _output(output: object, pictures: Pictures) -> Iterable[Piece]:
    if not isinstance(output, Mapping):
        return [note("an output without a form was recorded; it is not shown")]
    match output.get("output_type"):
        case "stream":
            name = "standard error" if output.get("name") == "stderr" else ""
            return text_pieces(_joined(output.get("text")), label=name)
        case "error":
            return [_error(output)]
        case "display_data" | "execute_result" | "update_display_data":
            data = output.get("data")
            return _display(data if isinstance(data, Mapping) else {}, pictures)
        case other:
            return [note(f"an output of the unknown type {tidy(other, 40)} is not shown")]


def _joined(value: object) -> str:
    """nbformat's multi-line strings: text, or a list of lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def text_pieces(text: str, *, label: str = "") -> list[Piece]:
    """Plain text without ANSI sequences; what a carriage return overwrote is gone; a long text is folded."""
    cut = len(text) - TEXT_LIMIT
    text = overwritten(without_ansi(text[:TEXT_LIMIT])).strip("\n")
    if not text.strip():
        return []
    lines = text.split("\n")
    head, rest = "\n".join(lines[:LINES]), "\n".join(lines[LINES:])
    if len(head) > 12_000:
        head, rest = head[:12_000], head[12_000:] + ("\n" + rest if rest else "")
    made = [Piece(kind="text", text=tidy(head, TEXT_LIMIT), rest=tidy(rest, TEXT_LIMIT), label=label)]
    if cut > 0:
        made.append(note(f"{cut:,} more characters are in the record and not on this page"))
    return made


def _error(output: Mapping[str, Any]) -> Piece:
    traceback = output.get("traceback")
    lines = [part for part in traceback if isinstance(part, str)] if isinstance(traceback, list) else []
    return Piece(
        kind="error",
        text=tidy(f"{output.get('ename', 'Error')}: {output.get('evalue', '')}", 2000),
        rest=tidy(without_ansi("\n".join(lines)[:TEXT_LIMIT]), TEXT_LIMIT),
    )


def _display(data: Mapping[str, Any], pictures: Pictures) -> list[Piece]:
    plain = _joined(data.get("text/plain"))
    for kind in ("image/png", "image/jpeg", "image/gif"):
        if kind in data:
            return [pictures.raster(_joined(data[kind]), plain)]
    if "image/svg+xml" in data:
        return [svg(_joined(data["image/svg+xml"]), plain)]
    lost = [note(f"{_article(what)} is not shown: this page runs no scripts")
            for kind, what in _DROPPED.items() if kind in data]  # fmt: skip
    if "text/html" in data and (shown := _html(_joined(data["text/html"]), plain)) is not None:
        return shown
    for kind in _TEXTUAL:
        if _joined(data.get(kind)).strip():
            return [*text_pieces(_joined(data[kind])), *lost[:1]]
    for kind in data:
        if isinstance(kind, str) and (kind == "application/json" or kind.endswith("+json")) and not lost:
            text = json.dumps(data[kind], ensure_ascii=False, indent=1, default=str)
            return text_pieces(text, label="JSON")
    if "text/html" in data and not lost:
        return [note("HTML that needs scripts or styles to be seen is not shown")]
    kinds = ", ".join(tidy(kind, 60) for kind in list(data)[:4])
    return lost[:1] or [note(f"an output of the form {kinds or 'none'} is not shown")]


def _article(what: str) -> str:
    return f"{'an' if what[0] in 'aeiou' else 'some' if what == 'JavaScript' else 'a'} {what}"


# -- HTML ------------------------------------------------------------------------------------------------


def _html(html: str, plain: str) -> list[Piece] | None:
    """The piece for an HTML output; None where its plain text tells more than what is left of it."""
    if len(html) > HTML_LIMIT:
        return None if plain.strip() else [note(f"HTML of {size(len(html))} is not shown")]
    cleaned = clean_html(html)
    table = "<table" in cleaned or "<img" in cleaned
    if plain.strip() and not table and (_LIVE.search(html) or not _words(cleaned)):
        return None
    if not _words(cleaned) and not table:
        return None
    return [Piece(kind="html", markup=cleaned, folded=cleaned.count("<tr") > LINES * 2)]


def clean_html(html: str) -> str:
    """``html`` with nothing left but tables, simple text markup and embedded raster images."""
    import nh3

    cleaned = nh3.clean(
        _flat(html),
        tags=_TAGS,
        clean_content_tags=_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"data"},
        link_rel=None,
    )
    # No attribute value that is let through holds a "<", so only tags match. A header cell without a word says
    # nothing; a heading in an output must not stand in the page's outline.
    cleaned = cleaned.replace("<th></th>", "<td></td>")
    return _HEADING.sub(lambda tag: "</p>" if tag[1] else "<p>", visible(cleaned))


def _flat(html: str) -> str:
    """``html``, or its bare text where it nests so deep that parsing it would take quadratic time."""
    depth = deepest = tags = 0
    for close, name in _TAG.findall(html):
        if name.lower() in _CLOSE_THEMSELVES:
            continue
        tags += 1
        depth = max(depth - 1, 0) if close else depth + 1
        deepest = max(deepest, depth)
    return re.sub(r"<[^>]*>?", " ", html) if deepest > 1000 or deepest * tags > 4_000_000 else html


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        kind, comma, encoded = value.partition(";base64,")
        if not comma or not kind.startswith("data:image/"):
            return None
        found = recognised(encoded, limit=HTML_LIMIT)
        return None if isinstance(found, Piece) else data_uri(found[1], found[0])
    if name == "alt":
        return re.sub(r"[<>]", "", value)[:300]
    if name == "scope":
        return value if value in ("row", "col", "rowgroup", "colgroup") else None
    return value if re.fullmatch(r"[1-9][0-9]{0,2}", value) else None


def _words(html: str) -> bool:
    return bool(re.sub(r"<[^>]*>|&nbsp;", " ", html).strip())
