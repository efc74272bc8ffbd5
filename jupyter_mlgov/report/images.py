"""Images of cell outputs, each as a ``data:`` URI that a page can hold: recognised by their first bytes whatever they
were called, and made smaller where they are large.

They are untrusted. Only PNG, JPEG and GIF are decoded, only past their header's size was looked at, only to make a
thumbnail, and a page has an allowance of pixels that it decodes. What cannot be decoded is a line of text. SVG is shown as
an image, where browsers run and load nothing.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
from typing import TYPE_CHECKING

from jupyter_mlgov.report.views import Piece
from jupyter_mlgov.report.wording import size, tidy

if TYPE_CHECKING:
    from PIL.Image import Image

WHOLE = 300_000
"""Bytes up to which an image is embedded as it is."""
LIMIT = 30_000_000
"""Bytes of one image past which it is not looked at."""
SVG_LIMIT = 5_000_000
PIXELS = 40_000_000
"""Pixels of one image past which it is neither shown nor decoded."""
WHOLE_PIXELS = 8_000_000
"""Pixels up to which an image is embedded as it is."""
LONGEST = 1200
"""The longer side of an image that was made smaller, in pixels."""
ALLOWANCE = 400_000_000
"""Pixels that are decoded for one page."""
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF"}


class Pictures:
    """The images of one page, which share its allowance."""

    def __init__(self) -> None:
        self._left = ALLOWANCE

    def raster(self, encoded: str, plain: str) -> Piece:
        """A PNG, JPEG or GIF, smaller than it is where it is large."""
        found = recognised(encoded, limit=LIMIT)
        if isinstance(found, Piece):
            return found
        data, kind, width, height = found
        if len(data) <= WHOLE and width * height <= WHOLE_PIXELS:
            return _piece(kind, data, width, height, described(plain))
        what = f"an image of {width} × {height} pixels ({size(len(data))})"
        made = self._smaller(data, kind, LONGEST, width * height)
        if made is None:
            return _note(f"{what} is not shown; it is in the record")
        shown = _piece(*made, described(plain), f"Smaller than it is: {what}")
        if width * height <= WHOLE_PIXELS and len(shown.source) > len(data) * 4 / 3:
            return _piece(kind, data, width, height, shown.alt)
        return shown

    def brief(self, piece: Piece, longest: int) -> Piece | None:
        """An image's piece at ``longest`` pixels; itself where it is no larger, None where that cannot be made."""
        head, _, encoded = piece.source.partition(";base64,")
        kind = head.removeprefix("data:")
        if kind not in _FORMATS or piece.width is None or piece.height is None:
            return None
        if max(piece.width, piece.height) <= longest:
            return piece
        made = self._smaller(base64.b64decode(encoded), kind, longest, piece.width * piece.height)
        if made is None:
            return None
        said = piece.label or f"Smaller than it is: an image of {piece.width} × {piece.height} pixels"
        return _piece(*made, piece.alt, said)

    def _smaller(
        self, data: bytes, kind: str, longest: int, pixels: int
    ) -> tuple[str, bytes, int, int] | None:
        self._left -= pixels
        if self._left < 0:
            return None
        try:
            return _thumbnail(data, _FORMATS[kind], longest)
        except Exception:  # noqa: BLE001 - a decoder may raise anything for bytes that a stranger made
            return None


def recognised(encoded: str, *, limit: int) -> tuple[bytes, str, int, int] | Piece:
    """Bytes, MIME type, width and height of an image in base64, by its own header; a note where it cannot be shown."""
    try:
        data = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return _note("an image that is not valid base64 is not shown")
    if len(data) > limit:
        return _note(f"an image of {size(len(data))} is not shown; it is in the record")
    kind, width, height = _header(data)
    if kind is None:
        return _note("an output that calls itself an image and is none is not shown")
    if width is None or height is None or not 0 < width * height <= PIXELS:
        return _note("an image whose size cannot be shown is left out; it is in the record")
    return data, kind, width, height


def svg(text: str, plain: str) -> Piece:
    """SVG as an image: there a browser runs no script and loads nothing from outside."""
    data = text.encode("utf-8", "replace")
    if len(data) > SVG_LIMIT:
        return _note(f"an SVG image of {size(len(data))} is not shown; it is in the record")
    if "<svg" not in text[:20_000].lower():
        return _note("an output that calls itself SVG and is none is not shown")
    return Piece(kind="image", source=data_uri("image/svg+xml", data), alt=described(plain))


def data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def described(plain: str) -> str:
    """Words for an image from its plain-text form, where that says more than the object's type."""
    plain = " ".join(plain.split())
    return "" if not plain or plain.startswith("<") else tidy(plain, 200)


def _note(text: str) -> Piece:
    return Piece(kind="note", text=text)


def _piece(kind: str, data: bytes, width: int, height: int, alt: str, label: str = "") -> Piece:
    return Piece(kind="image", source=data_uri(kind, data), alt=alt, width=width, height=height, label=label)


def _header(data: bytes) -> tuple[str | None, int | None, int | None]:
    """MIME type, width and height in pixels from the file's own header."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR" and len(data) >= 33:
        width, height = struct.unpack(">II", data[16:24])
        return "image/png", width, height
    if data.startswith((b"GIF87a", b"GIF89a")) and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return "image/gif", width, height
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", *_jpeg_size(data)
    return None, None, None


def _jpeg_size(data: bytes) -> tuple[int | None, int | None]:
    place = 2
    while place + 9 < len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        place += 2 + int(struct.unpack(">H", data[place + 2 : place + 4])[0])
    return None, None


def _thumbnail(data: bytes, format_: str, longest: int) -> tuple[str, bytes, int, int]:
    """The image with a longer side of at most ``longest`` pixels. Raises whatever the decoder raises."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=(format_,)) as opened:
        if opened.width * opened.height > PIXELS:  # the decoder's own word, whatever the header seemed to say
            raise ValueError("too many pixels")
        opened.draft("RGB", (longest, longest))
        made = _plain(opened)
    made.thumbnail((longest, longest), reducing_gap=2.0)
    png = _saved(made, "PNG", optimize=True)
    if made.mode == "RGBA":
        return "image/png", png, made.width, made.height
    # A drawing is sharper as PNG, and rarely larger; a photograph is many times larger.
    jpeg = _saved(made, "JPEG", quality=85)
    kind, kept = ("image/jpeg", jpeg) if len(jpeg) * 1.5 < len(png) else ("image/png", png)
    return kind, kept, made.width, made.height


def _plain(opened: Image) -> Image:
    """The first frame in a mode that can be made smaller and saved, without an alpha channel that hides nothing."""
    if opened.mode in ("L", "RGB"):
        return opened.copy()
    if opened.mode not in ("RGBA", "LA", "PA") and "transparency" not in opened.info:
        return opened.convert("RGB")
    made = opened.convert("RGBA")
    return made.convert("RGB") if made.getchannel("A").getextrema() == (255, 255) else made


def _saved(image: Image, format_: str, **options: object) -> bytes:
    held = io.BytesIO()
    image.save(held, format_, **options)
    return held.getvalue()
