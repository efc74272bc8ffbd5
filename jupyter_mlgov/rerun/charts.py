"""Charts by their data: the JSON behind plotly, Vega and Bokeh, with the names that a library made up set aside.

Made up is what a library counts or draws for each run: Bokeh's ids of models, plotly's ``uid``, Altair's ``view_3`` and
``param_3`` (they count all charts of a session). Each gets the number of its first appearance, so that the same chart
reads the same. An ``id`` in any other JSON, or one that somebody gave, is data.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_PLOTLY = re.compile(r"application/vnd\.plotly\.")
_VEGA = re.compile(r"application/vnd\.vega(?:lite)?\.")
BOKEH = re.compile(r"application/vnd\.bokehjs_exec\.")
"""Beside it stands the script that holds the chart."""
JAVASCRIPT = "application/javascript"

_DRAWN = re.compile(r"[0-9a-f]{6}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|p?\d{4,}")
_COUNTED = re.compile(r"(?:view|param)_\d+|selector\d{3}")
_IN_TEXT = re.compile(r"(?<![A-Za-z0-9_])(?:(?:view|param)_\d+|selector\d{3})(?!\d)")
_DATA = ("datasets", "values")
"""Where a Vega chart keeps its rows."""
LARGEST = 1 << 28
"""Bytes of one array past which it is not unpacked."""


def by_first_appearance(mime: str, value: Any) -> Any:
    """``value`` (parsed JSON of a display) with what the chart's library made up renamed; anything else as it is."""
    if _PLOTLY.match(mime):
        return _drawn_named(value, ("uid",))
    if BOKEH.match(mime):
        return _drawn_named(value, ("id",))
    return _counted_named(value) if _VEGA.match(mime) else value


def _drawn_named(value: Any, keys: tuple[str, ...]) -> Any:
    names: dict[str, str] = {}

    def named(key: str, one: Any) -> Any:
        if key in keys and isinstance(one, str) and _DRAWN.fullmatch(one):
            return names.setdefault(one, f"id{len(names)}")
        return walked(one)

    def walked(one: Any) -> Any:
        if isinstance(one, dict):
            return {key: named(key, one[key]) for key in sorted(one)}
        return [walked(item) for item in one] if isinstance(one, list) else one

    return walked(value)


def _counted_named(value: Any) -> Any:
    rename = _renaming(_declared(value))

    def walked(one: Any) -> Any:
        if isinstance(one, dict):
            return {rename(key): item if key in _DATA else walked(item) for key, item in one.items()}
        if isinstance(one, list):
            return [walked(item) for item in one]
        return rename(one) if isinstance(one, str) else one

    return walked(value)


def _declared(value: Any) -> Iterator[str]:
    """The names that views, parameters and selections of a chart are given, in order."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "name" and isinstance(one, str) and _COUNTED.fullmatch(one):
                yield one
            elif key == "selection" and isinstance(one, dict):
                yield from filter(_COUNTED.fullmatch, one)
            if key not in _DATA:
                yield from _declared(one)
    elif isinstance(value, list):
        for one in value:
            yield from _declared(one)


def _renaming(declared: Iterator[str]) -> Callable[[str], str]:
    names: dict[str, str] = {}
    for name in declared:
        names.setdefault(name, f"made_up_{len(names)}")
    return lambda text: _IN_TEXT.sub(lambda found: names.get(found[0], found[0]), text) if names else text


def counted_in_page(script: str) -> str:
    """The same for the script of a page that draws a Vega chart."""
    if "vegaEmbed" not in script:
        return script
    pattern = rf'"name": ?"({_COUNTED.pattern})"|"(selector\d{{3}})": ?\{{'
    return _renaming(found[1] or found[2] for found in re.finditer(pattern, script))(script)


_DOCUMENTS = re.compile(r"\bdocs_json = ('|)(?=\{)")


def bokeh_documents(script: str) -> Any:
    """What a Bokeh chart's script draws: its documents, without their made-up names; None where none is found."""
    found = _DOCUMENTS.search(script)
    if found is None or found[1]:
        return None
    try:
        documents, _ = json.JSONDecoder().raw_decode(script, found.end())
    except (ValueError, RecursionError):
        return None
    return list(documents.values()) if isinstance(documents, dict) else None


def array_of(value: dict[str, Any]) -> np.ndarray[Any, Any] | None:
    """The numbers that plotly (``{"dtype": "f8", "bdata": base64}``) and Bokeh (``{"type": "ndarray", ...}``) pack; None
    for anything else."""
    import numpy as np

    packed = value.get("bdata")
    if packed is None and value.get("type") == "ndarray" and isinstance(value.get("array"), dict):
        packed = value["array"].get("data")
    if not isinstance(packed, str):
        return None
    try:
        data = base64.b64decode(packed, validate=True)
        if data.startswith(b"\x1f\x8b"):
            data = zlib.decompressobj(31).decompress(data, LARGEST)
        array = np.frombuffer(data, dtype=np.dtype(str(value.get("dtype"))))
    except (TypeError, ValueError, zlib.error):
        return None
    return array if array.dtype.kind in "fiu" else None
