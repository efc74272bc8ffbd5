"""What one cell showed, before and now.

Printed text, displays and results are compared by what they say; what is written to stderr, widgets and
progress bars are noise by policy: they tell how the work went, not what came out. An error is its type and its
message; the frames of its traceback are noise.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.rerun import noise
from jupyter_mlgov.rerun.charts import BOKEH, JAVASCRIPT, array_of, bokeh_documents, by_first_appearance
from jupyter_mlgov.rerun.markup import compare_html, compare_scripts, compare_svg
from jupyter_mlgov.rerun.numbers import compare_numbers, worst
from jupyter_mlgov.rerun.pictures import compare_images, image_of_text
from jupyter_mlgov.rerun.texts import SAME, Context, Outcome, compare_texts

if TYPE_CHECKING:
    import numpy as np

WIDGET = "application/vnd.jupyter.widget-view+json"
_LOADERS = (
    JAVASCRIPT,
    "application/vnd.bokehjs_load.v0+json",
    "application/vnd.holoviews_load.v0+json",
)
"""Scripts that load a library: they show nothing."""

Output = dict[str, Any]


def compare_outputs(before: list[Output], after: list[Output], context: Context) -> Outcome:
    """Two lists of nbformat outputs of the same cell."""
    if before == after:
        return SAME
    printed = compare_texts(_printed(before), _printed(after), context, what="it printed")
    shown = _displays(before), _displays(after)
    if len(shown[0]) != len(shown[1]):
        counts = [_counted(side) for side in shown]
        displays = Outcome("different", f"it showed {counts[0]} before, and {counts[1]} now")
    else:
        context = replace(context, shown=True)
        displays = _worst(compare_bundles(a, b, context) for a, b in zip(*shown, strict=True))
    errors = _worst(
        compare_errors(a, b, context) for a, b in zip(_errors(before), _errors(after), strict=False)
    )
    return _worst([Outcome("noise"), printed, displays, errors])


def _worst(found: Any) -> Outcome:
    one = SAME
    for outcome in found:
        if worst(one.closeness, outcome.closeness) != one.closeness:
            one = outcome
    return one


def _counted(bundles: list[dict[str, Any]]) -> str:
    return f"{len(bundles)} result{'' if len(bundles) == 1 else 's'}" if bundles else "nothing"


def _joined(text: Any) -> str:
    return "".join(str(part) for part in text) if isinstance(text, list) else str(text)


def _printed(outputs: list[Output]) -> str:
    return "".join(
        _joined(output.get("text", ""))
        for output in outputs
        if output.get("output_type") == "stream" and output.get("name") != "stderr"
    )


def _displays(outputs: list[Output]) -> list[dict[str, Any]]:
    """The MIME bundles that can carry a result."""
    bundles = []
    for output in outputs:
        data = output.get("data")
        if output.get("output_type") not in ("display_data", "execute_result") or not isinstance(data, dict):
            continue
        if WIDGET in data or (set(data) & set(_LOADERS) and not set(data) - set(_LOADERS) - {"text/plain"}):
            continue
        bundles.append(data)
    return bundles


def _errors(outputs: list[Output]) -> list[Output]:
    return [output for output in outputs if output.get("output_type") == "error"]


def error_of(outputs: list[Output]) -> Output | None:
    """The error that ended a cell, or None."""
    return next(iter(_errors(outputs)), None)


def compare_errors(before: Output, after: Output, context: Context) -> Outcome:
    """Two errors: ``noise`` where they are the same, whatever the traceback says."""
    if before.get("ename") != after.get("ename"):
        return Outcome("different", f"it raises {after.get('ename')}, and raised {before.get('ename')}")
    what = f"the {after.get('ename')} says"
    return compare_texts(str(before.get("evalue")), str(after.get("evalue")), context, what=what)


def compare_bundles(before: dict[str, Any], after: dict[str, Any], context: Context) -> Outcome:
    """Two displays by the richest form that both have; plain text beside it is its summary."""
    common = [mime for mime in before if mime in after and mime not in _LOADERS]
    rich = [mime for mime in common if mime != "text/plain"]
    # A chart's own data says more than the page or the picture that is made of it.
    rich = [mime for mime in rich if mime.endswith("json")] or rich
    if not common:
        return Outcome("different", f"it shows {_kind(after)}, and showed {_kind(before)}")
    found = _worst(
        [
            *(_compare_data(mime, before[mime], after[mime], context) for mime in rich or common),
            *(_compare_scripts(mime, before, after, context) for mime in rich if BOKEH.match(mime)),
        ]
    )
    # Plain text beside a richer form is its summary: a name and an address, or the same table.
    return _worst([found, Outcome("noise")]) if before != after else found


def _kind(bundle: dict[str, Any]) -> str:
    mime = next(iter(bundle), "nothing")
    return {"text/html": "a table or page", "image/png": "a picture", "text/plain": "text"}.get(mime, mime)


def _compare_data(mime: str, before: Any, after: Any, context: Context) -> Outcome:
    if before == after:
        return SAME
    if mime == "image/svg+xml":
        return compare_svg(_joined(before), _joined(after))
    if mime.startswith("image/"):
        images = image_of_text(_joined(before)), image_of_text(_joined(after))
        if images[0] is None or images[1] is None:
            return Outcome("different", "the picture differs")
        return compare_images(images[0], images[1], tolerant=context.tolerant)
    if mime == "text/html":
        return compare_html(_joined(before), _joined(after), context)
    if mime.endswith("json"):
        one, other = (by_first_appearance(mime, _parsed(data)) for data in (before, after))
        return _worst([Outcome("noise"), compare_json(one, other, context)])
    if mime == "application/pdf":
        return Outcome("different", "the PDF differs")
    return compare_texts(_joined(before), _joined(after), context, what="it shows")


def _compare_scripts(mime: str, before: dict[str, Any], after: dict[str, Any], context: Context) -> Outcome:
    """A Bokeh chart's data stands in the script beside its MIME type."""
    scripts = [_joined(side.get(JAVASCRIPT, "")) for side in (before, after)]
    documents = [bokeh_documents(script) for script in scripts]
    if None in documents:
        return compare_scripts(scripts[0], scripts[1], context)
    one, other = (by_first_appearance(mime, document) for document in documents)
    return compare_json(one, other, context)


def _parsed(data: Any) -> Any:
    if isinstance(data, str):
        try:
            return json.loads(data)
        except ValueError:
            return data
    return data


def compare_json(before: Any, after: Any, context: Context, *, path: str = "") -> Outcome:
    """Two JSON values (a chart's data): numbers by value, whole ones exactly."""
    if before == after:
        return SAME
    if isinstance(before, dict) and isinstance(after, dict):
        arrays = array_of(before), array_of(after)
        if arrays[0] is not None and arrays[1] is not None and before.get("shape") == after.get("shape"):
            return _compare_arrays(arrays[0], arrays[1], path)
        if set(before) != set(after):
            return Outcome("different", f"the chart's data has other parts{_at(path)}")
        return _worst(
            compare_json(before[key], after[key], context, path=f"{path}.{key}" if path else key)
            for key in before
        )
    if isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            return Outcome(
                "different", f"the chart has {len(after)} values{_at(path)}, and had {len(before)}"
            )
        return _worst(compare_json(a, b, context, path=path) for a, b in zip(before, after, strict=True))
    numbers = isinstance(before, int | float) and isinstance(after, int | float)
    if numbers and not isinstance(before, bool) and not isinstance(after, bool):
        found = compare_numbers(before, after)
        return Outcome(found, f"the chart shows {after}{_at(path)}, and showed {before}")
    if isinstance(before, str) and isinstance(after, str):
        return compare_texts(noise.mask(before), noise.mask(after), context, what=f"the chart{_at(path)}")
    return Outcome("different", f"the chart's data differs{_at(path)}")


def _at(path: str) -> str:
    return f" at {path[:60]}" if path else ""


def _compare_arrays(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any], path: str) -> Outcome:
    if one.shape != other.shape:
        return Outcome("different", f"the chart has {other.size} values{_at(path)}, and had {one.size}")
    found = worst(*(compare_numbers(a, b) for a, b in zip(one.tolist(), other.tolist(), strict=True)))
    return Outcome(found, f"the chart's values differ{_at(path)}" if found == "different" else "")


_NUMBERS = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])")
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def only_wording(before: list[Output], after: list[Output]) -> bool:
    """True when two cells say the same numbers in other words: another version's way to show a thing.

    Pictures count as wording: drawn by another version from the same values, their pixels differ.
    """
    numbers = []
    for side in (before, after):
        texts = [noise.mask(_printed(side))]
        for bundle in _displays(side):
            page = _TAGS.sub(" ", _joined(bundle["text/html"])) if "text/html" in bundle else ""
            texts.append(page or _joined(bundle.get("text/plain", "")) if not _is_picture(bundle) else "")
        numbers.append([float(found) for text in texts for found in _NUMBERS.findall(noise.mask(text))])
    return numbers[0] == numbers[1] and len(_displays(before)) == len(_displays(after))


def only_order(before: list[Output], after: list[Output]) -> bool:
    """True when two cells say the same words in another order: done by several workers, or by the order of a set."""
    words = []
    for side in (before, after):
        texts = [_printed(side), *(_joined(bundle.get("text/plain", "")) for bundle in _displays(side))]
        words.append(re.findall(r"\w+", noise.mask("\n".join(texts))))
    return words[0] != words[1] and sorted(words[0]) == sorted(words[1])


def _is_picture(bundle: dict[str, Any]) -> bool:
    return any(mime.startswith("image/") for mime in bundle)
