"""Images of cell outputs: whole where they are small, thumbnails where they are large, a line where they are neither."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import time
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jupyter_mlgov.governance.gate import decide
from jupyter_mlgov.records.manifest import CellRecord, Notebook
from jupyter_mlgov.report import build, images, render, results
from jupyter_mlgov.report.images import LONGEST, WHOLE, Pictures
from jupyter_mlgov.report.views import Piece
from jupyter_mlgov.store import Store
from tests.report.conftest import Seen
from tests.report.hostile import shown
from tests.report.mortgage import png
from tests.store.making import add_snapshot


@cache
def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A picture that no compression makes small."""
    size = width * height * len(mode)
    return Image.frombytes(mode, (width, height), random.Random(7).randbytes(size))


def encoded(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    held = io.BytesIO()
    image.save(held, format_, **options)
    return held.getvalue()


def raster(data: bytes, pictures: Pictures | None = None) -> Piece:
    return (pictures or Pictures()).raster(base64.b64encode(data).decode(), "")


def opened(piece: Piece) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(piece.source.partition(",")[2])))


def test_a_plot_as_notebooks_have_them_is_embedded_as_it_is() -> None:
    found = Pictures().raster(png(), "")
    assert found.source == f"data:image/png;base64,{''.join(png().split())}"
    assert found.label == ""


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (encoded(noise(1600, 900)), "image/jpeg"),
        (encoded(noise(900, 1600), "JPEG", quality=95), "image/jpeg"),
        (encoded(noise(1500, 900, "RGBA")), "image/png"),
        (encoded(noise(1500, 1500).convert("P"), "GIF"), "image/jpeg"),
        (encoded(noise(1500, 900, "CMYK"), "JPEG", quality=95), "image/jpeg"),
        (encoded(noise(1500, 1500).convert("L")), "image/jpeg"),
        (encoded(Image.new("RGB", (4000, 3000), "navy")), "image/png"),
        (encoded(Image.new("1", (5000, 3000))), "image/png"),
        (encoded(Image.new("I;16", (4000, 3000))), "image/png"),
    ],
)
def test_a_large_image_is_a_thumbnail_that_says_what_it_was(data: bytes, kind: str) -> None:
    found = raster(data)
    with Image.open(io.BytesIO(data)) as whole, opened(found) as made:
        assert max(made.size) == LONGEST
        assert made.size == (found.width, found.height)
        assert abs(made.width / made.height - whole.width / whole.height) < 0.01
        assert f"{whole.width} × {whole.height} pixels" in found.label
    assert found.source.startswith(f"data:{kind};base64,")
    assert raster(data) == found, "the same image gives the same thumbnail"


def test_a_thumbnail_is_never_larger_than_what_it_stands_for() -> None:
    narrow = encoded(Image.linear_gradient("L").resize((1300, 1300)), "PNG")
    found = raster(narrow + bytes(max(0, WHOLE - len(narrow) + 1)))
    assert len(found.source) <= 4 * (WHOLE + 1) / 3 + 100


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def hostile_png(width: int, height: int, *chunks: bytes, pad: int = WHOLE + 1) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"") + bytes(pad)


@pytest.mark.parametrize(
    "data",
    [
        encoded(noise(1600, 900))[:400_000],  # cut off
        hostile_png(1000, 1000),  # no pixels
        hostile_png(1000, 1000, chunk(b"IDAT", b"no zlib")),
        hostile_png(6000, 6000, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000)))),
        hostile_png(6000, 6000, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(200_000_000)))),
        hostile_png(6000, 6000, chunk(b"PLTE", b"x"), chunk(b"IDAT", zlib.compress(bytes(1000)))),
        b"\xff\xd8\xff\xc0" + struct.pack(">HBHH", 17, 8, 3000, 3000) + bytes(WHOLE),
        b"\xff\xd8\xff\xe0\x00\x00" + bytes(WHOLE),
        b"GIF89a" + struct.pack("<HH", 3000, 3000) + bytes(WHOLE),
        b"\x89PNG\r\n\x1a\n%!PS-Adobe-3.0 EPSF-3.0\n" + bytes(WHOLE),
        b"II*\0" + bytes(WHOLE),
    ],
)
def test_what_cannot_be_decoded_is_a_line_and_costs_little(data: bytes) -> None:
    started = time.perf_counter()
    found = raster(data)
    assert found.kind == "note"
    assert found.source == ""
    assert time.perf_counter() - started < 10


def test_no_damage_makes_it_raise() -> None:
    chance = random.Random(3)
    for whole in (
        encoded(noise(700, 500)),
        encoded(noise(900, 700), "JPEG", quality=95),
        encoded(noise(900, 900).convert("P"), "GIF"),
    ):
        for _ in range(5):
            data = bytearray(whole)
            for place in chance.sample(range(len(data)), 20):
                data[place] = chance.randrange(256)
            assert raster(bytes(data)).kind in ("image", "note")


def test_a_page_decodes_so_many_pixels_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "ALLOWANCE", 25_000_000)
    pictures, flat = Pictures(), encoded(Image.new("RGB", (4000, 3000)))
    found = [raster(flat, pictures).kind for _ in range(4)]
    assert found == ["image", "image", "note", "note"]
    assert "4000 × 3000 pixels" in raster(flat, pictures).text
    assert Pictures().raster(png(), "").kind == "image"


def many_outputs(folder: Path) -> tuple[Store, str]:
    store = Store.create(folder / ".mlgov")
    outputs = [
        shown({"image/png": base64.b64encode(encoded(noise(1600, 900))).decode()}),
        {"output_type": "stream", "name": "stdout", "text": "\n".join(map(str, range(200)))},
        shown({"text/html": "<table>" + "<tr><td>1</td></tr>" * 50 + "</table>", "text/plain": "t"}),
    ]
    kept, source = store.put(json.dumps(outputs).encode()), store.put(b"draw()")
    cells = tuple(
        CellRecord(index=n, id=f"c{n}", type="code", source=source, outputs=kept, status="ok", runs=1)
        for n in range(4)
    )
    notebook = Notebook(path="n.ipynb", order="linear", document=store.put(b"{}"), cells=cells)
    return store, add_snapshot(store, notebook=notebook, cell=3)


def test_past_the_budget_outputs_are_shown_in_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "BUDGET", 690_000)
    store, snapshot = many_outputs(tmp_path)
    found = build(store, snapshot, decide(store, snapshot)).results
    (main,) = found.main
    assert [piece.kind for piece in main.pieces] == ["image", "text", "html"]
    assert main.pieces[0].width == LONGEST
    last = found.others[-1]
    assert [piece.kind for piece in last.pieces] == ["image", "text", "note", "note"]
    assert last.pieces[0].width == results.THUMBNAIL
    assert "1600 × 900 pixels" in last.pieces[0].label
    assert last.pieces[1].text == "\n".join(map(str, range(results.BRIEF_LINES)))
    assert last.pieces[2].text == "2 outputs in short: whole, this page would be too large"
    assert last.pieces[3].text == "1 more output would make this page too large"
    assert last.digest is not None
    monkeypatch.setattr(results, "BRIEF_BUDGET", 0)
    last = build(store, snapshot, decide(store, snapshot)).results.others[-1]
    assert [piece.text for piece in last.pieces] == ["3 more outputs would make this page too large"]


@pytest.mark.browser
def test_a_browser_shows_the_thumbnails(tmp_path: Path, look: Callable[..., Seen]) -> None:
    store, snapshot = many_outputs(tmp_path)
    seen = look(render(build(store, snapshot, decide(store, snapshot))), width=390)
    seen.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    sizes = seen.ask("[...document.querySelectorAll('.output img')].map(one => one.naturalWidth)")
    assert sizes == [LONGEST] * 4
    assert "1600 × 900 pixels" in seen.ask("document.querySelector('.output figcaption').textContent")
    assert seen.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert seen.messages == []
