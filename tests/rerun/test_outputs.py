"""Cells' outputs: tables by cell, pictures by pixels, charts by their data; stderr and widgets never."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from jupyter_mlgov.rerun import pictures
from jupyter_mlgov.rerun.markup import compare_html, compare_svg
from jupyter_mlgov.rerun.outputs import WIDGET, compare_outputs, only_wording
from jupyter_mlgov.rerun.texts import Context
from tests.rerun.making import printed, raised, shown, warned

C = Context()


def png(pixels: np.ndarray[Any, Any], *, software: str = "", level: int = 6) -> bytes:
    info = PngInfo()
    info.add_text("Software", software)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", pnginfo=info, compress_level=level)
    return buffer.getvalue()


def text(data: bytes) -> str:
    return base64.encodebytes(data).decode()


@pytest.fixture
def plot() -> np.ndarray[Any, Any]:
    pixels = np.full((60, 80, 3), 255, dtype=np.uint8)
    pixels[30:50, 10:20] = (200, 30, 30)
    return pixels


def test_what_goes_to_stderr_is_noise() -> None:
    found = compare_outputs(
        [printed("1"), warned("old warning")], [warned("new"), warned("er"), printed("1")], C
    )
    assert found.closeness == "noise"


def test_printed_text_counts_however_it_was_cut_into_messages() -> None:
    assert compare_outputs([printed("auc "), printed("0.83")], [printed("auc 0.83")], C).closeness == "noise"
    assert compare_outputs([printed("auc 0.83")], [printed("auc 0.84")], C).closeness == "different"
    assert compare_outputs([printed("auc 0.83")], [], C).closeness == "different"


def test_widgets_and_loaded_libraries_are_noise() -> None:
    bar = {"output_type": "display_data", "data": {WIDGET: {"model_id": "a"}, "text/plain": "  0%|"}}
    other = {"output_type": "display_data", "data": {WIDGET: {"model_id": "b"}, "text/plain": "100%|"}}
    script = {"output_type": "display_data", "data": {"application/javascript": "require(1)"}}
    assert compare_outputs([bar, printed("x")], [printed("x"), other, script], C).closeness == "noise"


def test_one_more_result_is_a_difference() -> None:
    found = compare_outputs([shown(text_plain="1")], [shown(text_plain="1"), shown(text_plain="2")], C)
    assert found.closeness == "different"
    assert found.note == "it showed 1 result before, and 2 results now"


def test_a_picture_counts_by_its_pixels(plot: np.ndarray[Any, Any]) -> None:
    one = shown(image_png=text(png(plot, software="matplotlib 3.9")), text_plain="<Figure at 0x7f00aabbccdd>")
    again = shown(
        image_png=text(png(plot, software="matplotlib 3.11", level=1)),
        text_plain="<Figure at 0x7f99aabbccdd>",
    )
    assert compare_outputs([one], [again], C).closeness == "noise"
    taller = plot.copy()
    taller[28:30, 10:20] = (200, 30, 30)
    changed = compare_outputs([one], [shown(image_png=text(png(taller)))], C)
    assert changed.closeness == "different"
    assert "of its pixels" in changed.note


def test_another_colour_is_a_difference(plot: np.ndarray[Any, Any]) -> None:
    blue = plot.copy()
    blue[30:50, 10:20] = (30, 30, 200)
    assert pictures.compare_images(png(plot), png(blue)).closeness == "different"
    assert pictures.similarity(plot, blue) < 0.95


def test_a_rounding_step_of_a_channel_is_equivalent(plot: np.ndarray[Any, Any]) -> None:
    near = plot.copy()
    near[30:50, 10:20, 0] += 1
    assert pictures.compare_images(png(plot), png(near)).closeness == "equivalent"


def test_another_size_is_a_difference(plot: np.ndarray[Any, Any]) -> None:
    found = pictures.compare_images(png(plot), png(plot[:50]))
    assert found.note == "the picture is 80 x 50 pixels, and was 80 x 60"


def test_without_pillow_decompressed_rows_decide(
    plot: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, same, other = png(plot, software="a"), png(plot, software="bc"), png(plot[::-1].copy())
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert pictures.compare_images(one, same).closeness == "noise"
    assert pictures.compare_images(one, other).closeness == "different"


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\x00\x00\xff\xffIDAT", b"GIF89a"]
)
def test_what_is_no_picture_is_compared_by_its_bytes(data: bytes) -> None:
    assert pictures.compare_images(data, data).closeness == "same"
    assert pictures.compare_images(data, data + b"x").closeness == "different"


TABLE = """<style>#T_{id}_row0 {{}}</style><table id="T_{id}" class="dataframe"><thead><tr><th></th><th>auc</th><th>{column}</th></tr></thead>
<tbody><tr><th>0</th><td>{auc}</td><td>{second}</td></tr></tbody></table><p>1 row</p>"""


def table(auc: str = "0.83", second: str = "0.7", column: str = "f1", made_up: str = "a1b2c") -> str:
    return TABLE.format(auc=auc, second=second, column=column, id=made_up)


def test_tables_count_by_cell() -> None:
    assert compare_html(table(), table(made_up="ff00a"), C).closeness == "noise"
    found = compare_html(table(), table(auc="0.79"), C)
    assert found.note == "the table's row 1, column auc: `0.83` before, `0.79` now"
    assert compare_html(table(), table(auc="0.8300000000001"), C).closeness == "equivalent"


def test_measured_seconds_in_a_table_are_noise() -> None:
    one, other = table(column="fit_time", second="0.01"), table(column="fit_time", second="0.02")
    assert compare_html(one, other, C).closeness == "noise"
    one, other = table(column="survival_time", second="0.01"), table(column="survival_time", second="0.02")
    assert compare_html(one, other, C).closeness == "different"


def test_another_row_is_a_difference() -> None:
    more = table().replace("</tbody>", "<tr><th>1</th><td>1</td><td>2</td></tr></tbody>")
    assert compare_html(table(), more, C).note == "the table has 3 rows, and had 2"


def test_a_picture_inside_a_page_counts(plot: np.ndarray[Any, Any]) -> None:
    def page(pixels: np.ndarray[Any, Any], software: str) -> str:
        data = base64.b64encode(png(pixels, software=software)).decode()
        return f'<div><img src="data:image/png;base64,{data}"></div>'

    assert compare_html(page(plot, "a"), page(plot, "b"), C).closeness == "noise"
    assert compare_html(page(plot, "a"), page(plot[::-1].copy(), "a"), C).closeness == "different"


def test_the_data_in_a_script_counts_and_its_made_up_ids_do_not() -> None:
    page = '<div id="{id}"></div><script>draw("{id}", [1, {value}])</script>'
    ids = "0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    same = compare_html(page.format(id=ids[0], value=2), page.format(id=ids[1], value=2), C)
    other = compare_html(page.format(id=ids[0], value=2), page.format(id=ids[1], value=3), C)
    assert (same.closeness, other.closeness) == ("noise", "different")


def test_a_drawing_counts_by_its_numbers() -> None:
    svg = '<?xml version="1.0"?><svg><metadata><date>{date}</date></metadata><path id="{id}" d="M 0 {y} L 5 5"/><use href="#{id}"/></svg>'
    one = svg.format(date="2026-11-23", id="p1f3", y=1)
    assert compare_svg(one, svg.format(date="2026-11-24", id="p99a", y=1)).closeness == "noise"
    assert compare_svg(one, svg.format(date="2026-11-23", id="p1f3", y=2)).closeness == "different"


def test_a_chart_counts_by_its_data() -> None:
    def chart(values: list[float], uid: str) -> dict[str, Any]:
        packed = base64.b64encode(np.array(values, dtype="f8").tobytes()).decode()
        figure = {
            "data": [{"y": {"dtype": "f8", "bdata": packed}, "x": [1, 2], "uid": uid}],
            "layout": {"title": "t"},
        }
        return {
            "output_type": "display_data",
            "data": {"application/vnd.plotly.v1+json": figure, "text/html": "<p></p>"},
        }

    one = chart([1.0, 2.0], "a31f0c")
    assert compare_outputs([one], [chart([1.0, 2.0], "77e2b9")], C).closeness == "noise"
    assert compare_outputs([one], [chart([1.0, 2.0 + 1e-14], "77e2b9")], C).closeness == "equivalent"
    assert compare_outputs([one], [chart([1.0, 2.5], "77e2b9")], C).closeness == "different"
    named = chart([1.0, 2.0], "model-A"), chart([1.0, 2.0], "model-B")
    assert compare_outputs([named[0]], [named[1]], C).closeness == "different"


def displays(mime: str, *values: Any, **beside: str) -> list[list[dict[str, Any]]]:
    return [[{"output_type": "display_data", "data": {mime: value, **beside}}] for value in values]


@pytest.mark.parametrize("mime", ["application/json", "application/geo+json", "application/vnd.acme.v1+json"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("model-A", "model-B"),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    ],
)
def test_an_id_in_json_that_is_no_chart_is_data(mime: str, old: str, new: str) -> None:
    for key in ("id", "uid", "uuid"):
        one, other = displays(mime, {"rows": [{key: old, "n": 1}]}, {"rows": [{key: new, "n": 1}]})
        assert compare_outputs(one, other, C).closeness == "different"


def vega(count: int, value: float = 3.0, row: str = "view_1", field: str = "a") -> dict[str, Any]:
    view, param = f"view_{count}", f"param_{count}"
    return {
        "hconcat": [
            {"name": view, "params": [{"name": param, "select": "interval"}], "encoding": {"x": {"field": field}}},
            {"transform": [{"filter": f"{param}.x && {param}_tuple"}], "views": [view]},
        ],
        "datasets": {"data-1": [{"id": row, "name": "param_2", "b": value}]},
    }  # fmt: skip


@pytest.mark.parametrize("mime", ["application/vnd.vegalite.v5+json", "application/vnd.vegalite.v6.1+json"])
def test_names_that_altair_counts_through_a_session_are_made_up(mime: str) -> None:
    def closeness(other: dict[str, Any]) -> str:
        return compare_outputs(*displays(mime, vega(3), other), C).closeness

    assert closeness(vega(1)) == "noise"
    assert closeness(vega(1, value=3.5)) == "different"
    assert closeness(vega(1, row="view_2")) == "different"
    assert closeness(vega(1, field="b")) == "different"
    old = [
        {"selection": {f"selector00{n}": {"type": "interval"}}, "filter": f"selector00{n}"} for n in (1, 7)
    ]
    assert compare_outputs(*displays("application/vnd.vegalite.v3+json", *old), C).closeness == "noise"


def test_they_are_in_altairs_page_too() -> None:
    def page(count: int, value: float) -> str:
        return f'<div id="altair-viz-{count:032x}"></div><script>vegaEmbed({json.dumps(vega(count, value, row="a"))})</script>'

    assert compare_html(page(3, 3.0), page(1, 3.0), C).closeness == "noise"
    assert compare_html(page(3, 3.0), page(1, 3.5), C).closeness == "different"


def bokeh(
    start: int, values: list[float], *, zipped: bool = True, name: str = "model-A"
) -> list[dict[str, Any]]:
    data = np.array(values, "f8").tobytes()
    array = {"type": "bytes", "data": base64.b64encode(gzip.compress(data) if zipped else data).decode()}
    columns = [
        ["x", {"type": "ndarray", "array": array, "shape": [len(values)], "dtype": "float64"}],
        ["id", ["p1001"]],
    ]
    source = {"type": "object", "id": f"p{start + 1}", "data": {"type": "map", "entries": columns}}
    roots = [
        {
            "type": "object",
            "name": "Figure",
            "id": f"p{start}",
            "title": name,
            "source": source,
            "axis": {"id": f"p{start + 1}"},
        }
    ]
    document = f"0f8fad5b-d9cb-469f-a165-{start:012x}"
    script = f"(function(root) {{ const docs_json = {json.dumps({document: {'roots': roots}})};\n const render_items = [];}})"
    (found,) = displays("application/vnd.bokehjs_exec.v0+json", "", **{"application/javascript": script})
    return found  # fmt: skip


def test_a_bokeh_chart_counts_by_the_data_in_its_script() -> None:
    one = bokeh(1008, [1.0, 2.0])
    assert compare_outputs(one, bokeh(1051, [1.0, 2.0]), C).closeness == "noise"
    assert compare_outputs(one, bokeh(1051, [1.0, 2.0], zipped=False), C).closeness == "noise"
    assert compare_outputs(one, bokeh(1051, [1.0, 2.0 + 1e-14]), C).closeness == "equivalent"
    assert compare_outputs(one, bokeh(1051, [1.0, 2.5]), C).closeness == "different"
    assert compare_outputs(one, bokeh(1051, [1.0, 2.0], name="model-B"), C).closeness == "different"
    other = json.loads(json.dumps(one).replace('[\\"p1001\\"]', '[\\"p1002\\"]'))
    assert other != one
    assert compare_outputs(one, other, C).closeness == "different"


def test_json_that_says_numbers_in_text_is_read() -> None:
    one, other = (
        {"output_type": "display_data", "data": {"application/json": json.dumps({"a": v})}} for v in (1, 2)
    )
    assert compare_outputs([one], [other], C).closeness == "different"


@pytest.mark.parametrize(("old", "new"), [(10**10 + 1, 10**10 + 2), (2**53 + 1, 2**53)])
def test_whole_numbers_in_data_are_equal_or_not(old: int, new: int) -> None:
    for mime in ("application/json", "application/vnd.plotly.v1+json"):
        one, other = ({"output_type": "display_data", "data": {mime: {"n": [v]}}} for v in (old, new))
        assert compare_outputs([one], [other], C).closeness == "different"
    packed = [
        {"bdata": base64.b64encode(np.array([value], "i8").tobytes()).decode(), "dtype": "i8"}
        for value in (old, new)
    ]
    one, other = (
        {"output_type": "display_data", "data": {"application/vnd.plotly.v1+json": {"y": p}}} for p in packed
    )
    assert compare_outputs([one], [other], C).closeness == "different"


def test_an_error_is_its_type_and_message() -> None:
    one = {**raised("ValueError", "at 0x7f00aabbccdd: bad"), "traceback": ["line 3"]}
    same = {**raised("ValueError", "at 0x7f99aabbccdd: bad"), "traceback": ["line 9"]}
    assert compare_outputs([one], [same], C).closeness == "noise"
    assert (
        compare_outputs([one], [raised("KeyError", "x")], C).note
        == "it raises KeyError, and raised ValueError"
    )


def test_the_same_numbers_in_other_words_are_wording() -> None:
    assert only_wording([printed("np.float64(0.83)")], [printed("0.83")])
    assert only_wording([shown(text_plain="Result(auc=0.83)")], [shown(text_plain="<Result auc: 0.83>")])
    assert not only_wording([shown(text_plain="Result(auc=0.83)")], [shown(text_plain="<Result auc: 0.84>")])


@pytest.mark.parametrize(
    "page", ["<table><tr><td>", "</td></table>", "<td>1", "<" * 100, "<script>", "<img src>", "\x00<p>"]
)
def test_pages_that_are_not_well_formed_are_compared_too(page: str) -> None:
    assert compare_html(page, page + " ", C).closeness in ("noise", "different")
