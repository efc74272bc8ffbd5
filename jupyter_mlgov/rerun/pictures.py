"""Images compared by their pixels.

What the file says beside them (software, date, compression) is noise. Where Pillow is not installed, the
decompressed pixel rows of two PNG files take the place of their pixels.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from jupyter_mlgov.rerun.texts import SAME, Outcome

if TYPE_CHECKING:
    import numpy as np

ROUNDING = 2
"""Steps of 255 that a channel may be off where decoders or text rendering round differently."""

SIMILAR = 0.98
"""The structural similarity from which two pictures show the same thing."""

PIXELS = 50_000_000
"""Pixels past which an image is compared by its bytes only."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def image_of_text(text: str) -> bytes | None:
    """The bytes of a base64 text; None where it is none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def image_of_uri(uri: str) -> bytes | None:
    """The bytes of a ``data:`` URI; None for any other address."""
    if not uri.startswith("data:"):
        return None
    head, comma, body = uri.partition(",")
    if not comma:
        return None
    return image_of_text(body) if head.endswith(";base64") else unquote_to_bytes(body)


def compare_images(one: bytes, other: bytes, *, tolerant: bool = False) -> Outcome:
    """Two images. ``tolerant``: the result may differ within declared tolerances, so ``SIMILAR`` is enough."""
    if one == other:
        return SAME
    before, after = _pixels(one), _pixels(other)
    if before is None or after is None:
        rows = _rows(one), _rows(other)
        same = None not in rows and rows[0] == rows[1]
        return Outcome("noise") if same else Outcome("different", "the picture differs")
    if before.shape != after.shape:
        sizes = [f"{side.shape[1]} x {side.shape[0]}" for side in (before, after)]
        return Outcome("different", f"the picture is {sizes[1]} pixels, and was {sizes[0]}")
    import numpy as np

    apart = np.abs(before.astype(np.int16) - after.astype(np.int16))
    most = int(apart.max(initial=0))
    if most == 0:
        return Outcome("noise")
    if most <= ROUNDING:
        return Outcome("equivalent", f"the picture is off by {most} of 255 at most")
    share = float((apart.max(axis=2) > 0).mean())
    similar = similarity(before, after)
    said = f"the picture differs in {_per_cent(share)} of its pixels (similarity {similar:.3f})"
    return Outcome("equivalent" if tolerant and similar >= SIMILAR else "different", said)


def similarity(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any], *, window: int = 8) -> float:
    """Mean structural similarity of two images of equal shape (height, width, channels), 1 for equal ones.

    After Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE
    Transactions on Image Processing 13 (2004), over windows of 8 x 8 that do not overlap, the least of all
    channels: a change of colour alone counts in full.
    """
    import numpy as np

    height, width = (max(size // window, 1) for size in one.shape[:2])
    rows, columns = min(window, one.shape[0]), min(window, one.shape[1])

    def blocks(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        cut = image[: height * rows, : width * columns].astype(np.float64)
        return cut.reshape(height, rows, width, columns, -1)

    x, y = blocks(one), blocks(other)
    axes = (1, 3)
    mean_x, mean_y = x.mean(axes), y.mean(axes)
    covariance = (x * y).mean(axes) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    score = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (x.var(axes) + y.var(axes) + c2)
    )
    return float(score.mean((0, 1)).min())


def _per_cent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else "all"


def _pixels(data: bytes) -> np.ndarray[Any, Any] | None:
    """Height x width x RGBA, or None where the bytes are no image that can be decoded here."""
    try:
        import numpy as np
        from PIL import Image
    except ImportError:
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > PIXELS:
                return None
            return np.asarray(image.convert("RGBA"))
    except Exception:  # noqa: BLE001 - whatever a decoder says about untrusted bytes: then bytes decide
        return None


def _rows(data: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Header, palette and decompressed pixel rows of a PNG, or None where it is none."""
    if not data.startswith(_SIGNATURE):
        return None
    place, kept = len(_SIGNATURE), {b"IHDR": b"", b"PLTE": b"", b"IDAT": b""}
    while place + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        if kind in kept:
            kept[kind] += data[place + 8 : place + 8 + size]
        place += size + 12
    decoder = zlib.decompressobj()
    try:
        rows = decoder.decompress(kept[b"IDAT"], 4 * PIXELS)
    except zlib.error:
        return None
    return (kept[b"IHDR"], kept[b"PLTE"], rows) if decoder.eof else None
