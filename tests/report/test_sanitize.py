"""Cell outputs become pieces that can only be read."""

from __future__ import annotations

import base64
import json
import re
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlgov.report.images import LIMIT
from jupyter_mlgov.report.sanitize import LINES, TEXT_LIMIT, clean_html, pieces
from jupyter_mlgov.report.views import Piece
from tests.report import hostile
from tests.report.hostile import Payloads, shown
from tests.report.mortgage import png, table_html


def only(output: object) -> Piece:
    found = pieces([output])
    assert len(found) == 1, found
    return found[0]


def fake_png(width: int, height: int) -> str:
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", width, height)
    return base64.b64encode(header + bytes(40)).decode()


def test_a_png_is_embedded_with_its_size() -> None:
    found = only(shown({"image/png": png(), "text/plain": "<Figure size 880x374 with 2 Axes>"}))
    assert found.kind == "image"
    assert found.source.startswith("data:image/png;base64,iVBOR")
    assert (found.width, found.height) == (880, 374)
    assert found.alt == ""


def test_an_image_says_in_words_what_its_plain_text_says() -> None:
    assert only(shown({"image/png": png(), "text/plain": "Calibration curve"})).alt == "Calibration curve"


@pytest.mark.parametrize(
    ("encoded", "said"),
    [
        ("<script>", "not valid base64"),
        (base64.b64encode(b"<script>alert(1)</script>").decode(), "is none"),
        (base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(), "is none"),
        (fake_png(100_000, 100_000), "size cannot be shown"),
        (fake_png(0, 5), "size cannot be shown"),
        (base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(LIMIT)).decode(), "30 MB is not shown"),
    ],
)
def test_what_is_no_image_or_too_large_is_said_and_not_shown(encoded: str, said: str) -> None:
    found = only(shown({"image/png": encoded}))
    assert found.kind == "note"
    assert said in found.text


def test_an_image_is_what_its_bytes_say_and_not_what_it_is_called() -> None:
    gif = base64.b64encode(b"GIF89a" + struct.pack("<HH", 3, 2) + bytes(20)).decode()
    assert only(shown({"image/png": gif})).source.startswith("data:image/gif;base64,")


def test_svg_is_shown_as_an_image_only() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    found = only(shown({"image/svg+xml": svg}))
    assert found.kind == "image"
    assert found.markup == ""
    assert found.source == "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def test_a_data_frame_stays_a_table() -> None:
    found = only(shown({"text/html": table_html(), "text/plain": "   obrat"}))
    assert found.kind == "html"
    assert found.markup.count("<tr>") == 6
    assert "style" not in found.markup
    assert "class" not in found.markup


def test_headings_of_an_output_do_not_enter_the_outline() -> None:
    assert clean_html("<h1>Results</h1><h3 onclick=x>more</h3>") == "<p>Results</p><p>more</p>"


def test_links_of_an_output_keep_their_words_only() -> None:
    assert clean_html('see <a href="https://example.org">here</a>') == "see here"


def test_html_that_needs_scripts_gives_way_to_its_plain_text() -> None:
    html = "<style>#sk-1 {}</style><div><input type=checkbox><label>Pipeline</label></div>"
    found = only(shown({"text/html": html, "text/plain": "Pipeline(steps=[...])"}))
    assert (found.kind, found.text) == ("text", "Pipeline(steps=[...])")


def test_a_widget_leaves_its_text_and_a_note() -> None:
    data = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "IntSlider(value=3)"}
    found = pieces([shown(data)])
    assert [piece.kind for piece in found] == ["text", "note"]
    assert "runs no scripts" in found[1].text


def test_javascript_is_dropped_with_a_note() -> None:
    found = only(shown({"application/javascript": "alert(1)"}))
    assert found == Piece(kind="note", text="some JavaScript is not shown: this page runs no scripts")


def test_an_interactive_chart_is_dropped_with_a_note() -> None:
    data = {"application/vnd.plotly.v1+json": {}, "text/html": "<div><script>Plotly()</script></div>"}
    assert "Plotly chart is not shown" in only(shown(data)).text


def test_json_is_text() -> None:
    found = only(shown({"application/json": {"a": "</pre>"}}))
    assert json.loads(found.text) == {"a": "</pre>"}


def test_colours_and_progress_bars_of_a_terminal_are_gone() -> None:
    text = "\x1b[1;31mbad\x1b[0m\r 10%\r 99%\r100%\n\x1b]8;;http://evil\x07link\x1b]8;;\x07"
    assert only({"output_type": "stream", "name": "stdout", "text": text}).text == "100%\nlink"


def test_a_long_text_is_folded_and_a_very_long_one_is_counted() -> None:
    long = only({"output_type": "stream", "name": "stdout", "text": "\n".join(map(str, range(500)))})
    assert long.text.count("\n") == LINES - 1
    assert long.rest.endswith("499")
    found = pieces([{"output_type": "stream", "name": "stdout", "text": "x" * (TEXT_LIMIT + 5)}])
    assert found[-1].text == "5 more characters are in the record and not on this page"


def test_an_error_shows_its_message_and_folds_its_traceback() -> None:
    output = {
        "output_type": "error",
        "ename": "KeyError",
        "evalue": "'x'",
        "traceback": ["\x1b[31mline\x1b[0m", 3],
    }
    found = only(output)
    assert (found.kind, found.text, found.rest) == ("error", "KeyError: 'x'", "line")


@pytest.mark.parametrize("outputs", [None, 5, "x", {}, [None], [[]], [{"output_type": 3}], [{"data": 1}]])
def test_what_is_no_output_is_a_note(outputs: object) -> None:
    assert all(piece.kind == "note" for piece in pieces(outputs))


def test_deep_nesting_costs_no_time() -> None:
    started = time.perf_counter()
    clean_html("<div>" * 80_000)
    clean_html("<b><i>" * 50_000 + "x")
    clean_html("".join(f"<b id={n}>" for n in range(900)) + "<p>x</p>" * 40_000)
    assert time.perf_counter() - started < 20


_ALLOWED = re.compile(
    r"</?(?:table|thead|tbody|tfoot|tr|th|td|caption|colgroup|col|p|div|span|br|hr|pre|code|samp|kbd|var|blockquote|ul|ol|li|dl|dt|dd"
    r"|b|strong|i|em|u|s|small|sub|sup|mark|img)(?: (?:colspan|rowspan|span|start)=\"[1-9][0-9]{0,2}\"| scope=\"[a-z]+\""
    r"| src=\"data:image/(?:png|gif|jpeg);base64,[A-Za-z0-9+/=]*\"| alt=\"[^<>\"]*\")*>"
)


def assert_harmless(html: str) -> None:
    assert "<" not in _ALLOWED.sub("", html), html


def test_every_hostile_text_is_harmless_as_html() -> None:
    for text in Payloads(1).every():
        for html in (
            text,
            f"<table><tr><td title='{text}'>{text}",
            f'<img alt="{text}" src="{text}">',
            text * 2,
        ):
            assert_harmless(clean_html(html))
    for output in hostile.outputs(Payloads(1)):
        for piece in pieces([output]):
            assert_harmless(piece.markup)


_PARTS = st.sampled_from(
    ["<", ">", "</", "/>", "script", "svg", "math", "table", "td", "img", "style", "h1", "b", " ", "=", '"', "'", "&lt;",
     "onerror", "src", "alt", "colspan", "<!--", "-->", "<![CDATA[", "]]>", "javascript:", "data:image/png;base64,", "a", "\x00"]
)  # fmt: skip


@given(st.lists(_PARTS, max_size=40))
def test_no_arrangement_of_markup_gets_through(parts: list[str]) -> None:
    assert_harmless(clean_html("".join(parts)))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["output_type", "data", "text", "text/html", "image/png", "text/plain", "traceback"]
                ),
                inner | st.sampled_from(["stream", "display_data", "error"]),
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_no_output_makes_it_raise(outputs: object) -> None:
    for piece in pieces(outputs if isinstance(outputs, list) else [outputs]):
        assert_harmless(piece.markup)
