"""The lineage picture: which inputs went into which frames, models and metrics.

The boxes are recorded facts. The arrows are inferred from the recorded source, statement by statement, by the
names that each one binds and reads; nothing is executed. A name that is neither frame, model nor metric hands
on what it was made from.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from jupyter_mlgov.capture.names import names_of
from jupyter_mlgov.records.manifest import Frame, Input, Manifest
from jupyter_mlgov.report.views import Graph, Node
from jupyter_mlgov.report.wording import amount, count, counted, listed, tidy

if TYPE_CHECKING:
    from markupsafe import Markup

    from jupyter_mlgov.report.record import Record

BOXES = 7
"""Boxes of one column; the rest are counted."""
_TITLES = ("Inputs", "Read as", "Prepared", "Models", "Made with model", "Metrics")
_INPUT, _READ, _USED, _MODEL, _MADE, _METRIC = range(6)
_WIDE, _GAP, _BOX, _SPACE, _HEAD = 860, 28, 44, 12, 26

_READABLE = 736
"""CSS pixels below which a wider picture is not made narrower, but scrolled (46rem in the style)."""

Key = tuple[str, str]


def graph(record: Record) -> Graph | None:
    """The picture, or None where there is nothing to draw an arrow between."""
    manifest = record.manifest
    arrows = _arrows(record)
    every: list[tuple[Key, Node]] = [
        (("input", one.uri), Node(_INPUT, "input", _file(one.uri), _input_detail(one)))
        for one in manifest.inputs
        if not one.derived
    ]
    places = _frame_columns(arrows)
    for frame in manifest.frames:
        key = ("frame", frame.name)
        node = Node(places.get(key, _READ), "frame", tidy(frame.name, 60), _frame_detail(frame))
        every.append((key, node))
    every += [
        (
            ("model", one.name),
            Node(_MODEL, "model", tidy(one.name, 60), tidy(one.class_.rpartition(".")[2], 60)),
        )
        for one in manifest.models
    ]
    every += [
        (("metric", name), Node(_METRIC, "metric", tidy(name, 60), amount(value)))
        for name, value in manifest.metrics.items()
    ]
    if len({node.column for _, node in every}) < 2:
        return None
    nodes = dict(every)
    forward = {
        (one, two)
        for one, two in arrows
        if one in nodes and two in nodes and nodes[one].column <= nodes[two].column
    }
    return _graph(nodes, _reduced(forward), manifest)


def _frame_columns(arrows: set[tuple[Key, Key]]) -> dict[Key, int]:
    """A frame is read (only inputs before it), used (made from frames), or made with a model."""
    frames = {key for arrow in arrows for key in arrow if key[0] == "frame"}
    before_model = _closure({(two, one) for one, two in arrows}, "model")
    after_model = _closure(arrows, "model") - before_model
    made = {two for one, two in arrows if one[0] == "frame"}
    return {key: _MADE if key in after_model else _USED if key in made else _READ for key in frames}


def _closure(arrows: set[tuple[Key, Key]], kind: str) -> set[Key]:
    """Everything that can be reached from things of a kind."""
    after: dict[Key, list[Key]] = {}
    for one, two in arrows:
        after.setdefault(one, []).append(two)
    seen: set[Key] = set()
    waiting = [key for key in after if key[0] == kind]
    while waiting:
        for step in after.get(waiting.pop(), ()):
            if step not in seen:
                seen.add(step)
                waiting.append(step)
    return seen


def _graph(nodes: dict[Key, Node], arrows: set[tuple[Key, Key]], manifest: Manifest) -> Graph:
    order = {key: position for position, key in enumerate(nodes)}
    lines = tuple(
        (nodes[key].label, tuple(nodes[one].label for one in sorted(sources, key=lambda one: order[one])))
        for key in nodes
        if (sources := [one for one, two in arrows if two == key])
    )
    drawn, skipped = _without_steps(nodes, *_without_parts(arrows, manifest))
    linked = {key for arrow in drawn for key in arrow}
    used = sorted({node.column for key, node in nodes.items() if key not in skipped})
    boxes: list[Node] = []
    places: dict[Key, int] = {}
    for shown, column in enumerate(used):
        keys = [key for key, node in nodes.items() if node.column == column and key not in skipped]
        keys.sort(key=lambda key: key not in linked)  # what has an arrow is worth a box before what has none
        kept = keys if len(keys) <= BOXES else keys[: BOXES - 1]
        for key in kept:
            places[key] = len(boxes)
            boxes.append(Node(shown, nodes[key].kind, nodes[key].label, nodes[key].detail))
        if len(kept) < len(keys):
            boxes.append(Node(shown, "more", f"and {len(keys) - len(kept)} more"))
    between = [nodes[key].label for key in nodes if key in skipped]
    return Graph(
        columns=tuple(_TITLES[column] for column in used),
        nodes=tuple(boxes),
        edges=tuple(
            sorted((places[one], places[two]) for one, two in drawn if one in places and two in places)
        ),
        text=_in_words(manifest, lines),
        lines=lines,
        hidden=f"Steps between are left out of the picture: {listed(between[:12])}." if between else "",
    )


def _without_parts(arrows: set[tuple[Key, Key]], manifest: Manifest) -> tuple[set[tuple[Key, Key]], set[Key]]:
    """The arrows with models bridged that are a part of another (a pipeline's preprocessing), and those models."""
    drawn, parts = set(arrows), set()
    for one in manifest.models:
        key = ("model", one.name)
        into = [two for first, two in drawn if first == key and two[0] == "model"]
        if into and not one.primary:
            before = [first for first, two in drawn if two == key]
            after = [two for first, two in drawn if first == key]
            drawn = {arrow for arrow in drawn if key not in arrow}
            drawn |= {(first, two) for first in before for two in into}
            drawn |= {(model, two) for model in into for two in after if two[0] != "model"}
            parts.add(key)
    return drawn, parts


def _without_steps(
    nodes: dict[Key, Node], arrows: set[tuple[Key, Key]], parts: set[Key]
) -> tuple[set[tuple[Key, Key]], set[Key]]:
    """The arrows with frames bridged that only lead to other frames of their own column; those frames and the ``parts``."""
    drawn, skipped = set(arrows), set(parts)
    for key, node in nodes.items():
        after = [two for one, two in drawn if one == key]
        before = [one for one, two in drawn if two == key]
        inner = [two for two in after if nodes[two].column == node.column]
        if key not in parts and node.kind == "frame" and before and after and len(inner) == len(after):
            skipped.add(key)
            drawn = {arrow for arrow in drawn if key not in arrow}
            drawn |= {(one, two) for one in before for two in after}
    return drawn, skipped


def _in_words(manifest: Manifest, lines: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    parts = [
        counted(sum(not one.derived for one in manifest.inputs), "input"),
        counted(len(manifest.frames), "frame"),
        counted(len(manifest.models), "model"),
        counted(len(manifest.metrics), "metric"),
    ]
    arrows = (
        f" with {counted(sum(len(sources) for _, sources in lines), 'arrow')} between them" if lines else ""
    )
    return f"Lineage: {listed(parts)}{arrows}. The table below the picture says the same in words."


def _file(uri: str) -> str:
    return tidy(re.split(r"[/\\]", uri.rstrip("/"))[-1] or uri, 60)


def _input_detail(one: Input) -> str:
    return counted(one.rows, "row") if one.rows is not None else "" if one.digest else "not hashed"


def _frame_detail(frame: Frame) -> str:
    if frame.columns is not None and frame.rows is not None:
        return f"{count(frame.rows)} × {count(len(frame.columns))}"
    if frame.shape is not None:
        return " × ".join(count(length) for length in frame.shape) or "scalar"
    return counted(frame.rows, "row") if frame.rows is not None else ""


# -- arrows ----------------------------------------------------------------------------------------------


def _arrows(record: Record) -> set[tuple[Key, Key]]:
    manifest = record.manifest
    nodes: dict[str, Key] = {one.name: ("frame", one.name) for one in manifest.frames}
    nodes |= {one.name: ("model", one.name) for one in manifest.models}
    metrics = {name: ("metric", name) for name in manifest.metrics}
    origin: dict[str, set[Key]] = {}
    arrows: set[tuple[Key, Key]] = set()
    for cell, source in _executions(record):
        read: list[Input] = [one for one in manifest.inputs if one.cell == cell and not one.derived]
        for statement, binds, reads in _statements(source):
            sources = set().union(*(origin.get(name, set()) for name in reads)) if reads else set()
            sources |= {("input", one.uri) for one in read if _mentions(statement, one, alone=len(read) == 1)}
            for name in binds:
                key = nodes.get(name) or metrics.get(name)
                if key is not None:
                    arrows |= {(one, key) for one in sources if one != key}
                    origin[name] = {key}
                else:
                    origin[name] = set(sources)
    return arrows


def _executions(record: Record) -> Iterator[tuple[int | None, str]]:
    """(cell, source) of what was executed, in order; without a journal, the cells from top to bottom."""
    notebook = record.manifest.notebook
    runs: Iterable[tuple[int | None, str]] = [(one.index, one.source) for one in notebook.journal] or [
        (one.index, one.source) for one in notebook.cells if one.type == "code" and one.status != "not-run"
    ]
    for cell, digest in runs:
        text = record.text(digest)
        if text is not None and len(text) < 200_000:
            yield cell, text


def _statements(source: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """(text, names bound, names read) of each top-level statement. A call of a method changes its object:
    ``clf.fit(X, y)`` binds ``clf``."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n")]
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for statement in tree.body:
        text = ast.get_source_segment("\n".join(lines), statement) or ""
        names = names_of(text)
        binds = names.sets
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            called: ast.AST = statement.value.func
            while isinstance(called, ast.Attribute | ast.Call):
                called = called.value if isinstance(called, ast.Attribute) else called.func
            if isinstance(called, ast.Name):
                binds = (*binds, called.id)
        found.append((text, tuple(dict.fromkeys(binds)), names.uses))
    return found


def _mentions(statement: str, one: Input, *, alone: bool) -> bool:
    """Whether a statement of the cell in which an input was opened is the one that opened it."""
    name = re.split(r"[/\\]", one.uri.rstrip("/"))[-1]
    stem = name.partition(".")[0]
    if name and name in statement:
        return True
    if stem and re.search(rf"(?<![\w./]){re.escape(stem)}(?![\w.])", statement):
        return True
    return alone and re.search(r"\b(read_\w+|open|load\w*|scan_\w+|data)\(", statement) is not None


def _reduced(forward: set[tuple[Key, Key]]) -> set[tuple[Key, Key]]:
    """Without the arrows that a longer way also says."""
    after: dict[Key, set[Key]] = {}
    for one, two in forward:
        after.setdefault(one, set()).add(two)

    def another_way(one: Key, two: Key) -> bool:
        seen, waiting = {one}, [step for step in after[one] if step != two]
        while waiting:
            step = waiting.pop()
            if step == two:
                return True
            if step not in seen:
                seen.add(step)
                waiting += after.get(step, ())
        return False

    return {(one, two) for one, two in forward if not another_way(one, two)}


# -- drawing ---------------------------------------------------------------------------------------------


def draw(picture: Graph) -> Markup:
    """The picture as SVG; the page makes it narrower as far as it can be read."""
    from markupsafe import Markup, escape

    count = len(picture.columns)
    heights = [sum(node.column == place for node in picture.nodes) for place in range(count)]
    tall = max(heights) * (_BOX + _SPACE) - _SPACE
    width = min(150, (_WIDE - (count - 1) * _GAP) // count)
    wide = count * width + (count - 1) * _GAP
    corners: list[tuple[float, float]] = []
    placed = [0] * count
    for node in picture.nodes:
        free = tall - (heights[node.column] * (_BOX + _SPACE) - _SPACE)
        top = _HEAD + free / 2 + placed[node.column] * (_BOX + _SPACE)
        placed[node.column] += 1
        corners.append((node.column * (width + _GAP), top))
    parts = [
        f'<text class="g-head" x="{place * (width + _GAP)}" y="12">{escape(title)}</text>'
        for place, title in enumerate(picture.columns)
    ]
    parts += [_edge(corners[one], corners[two], width) for one, two in picture.edges]
    for node, (left, top) in zip(picture.nodes, corners, strict=True):
        parts.append(_box(node, left, top, width))
    kind = "graph" if wide > _READABLE else "graph few"
    return Markup(  # noqa: S704 - labels are escaped where they are set
        f'<svg class="{kind}" role="img" aria-label="{escape(picture.text)}" width="{wide}" '
        f'height="{tall + _HEAD + 2:g}" viewBox="-1 0 {wide + 2} {tall + _HEAD + 2:g}">{"".join(parts)}</svg>'
    )


def _edge(one: tuple[float, float], two: tuple[float, float], width: int) -> str:
    y1, y2 = one[1] + _BOX / 2, two[1] + _BOX / 2
    if one[0] == two[0]:  # in one column: around its right side
        x = one[0] + width
        return f'<path class="g-edge" d="M{x:g} {y1:g}C{x + 26:g} {y1:g} {x + 26:g} {y2:g} {x:g} {y2:g}"/>'
    x1, x2 = one[0] + width, two[0] - 5
    middle = x2 - _GAP / 2 + 2 if x2 - x1 > _GAP else (x1 + x2) / 2
    start = f"M{x1:g} {y1:g}"
    curve = f"C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"
    head = f"M{x2 - 1:g} {y2 - 4:g}l5 4l-5 4z"
    return f'<path class="g-edge" d="{start}{curve}"/><path class="g-tip" d="{head}"/>'


def _box(node: Node, left: float, top: float, width: int) -> str:
    from markupsafe import escape

    if node.kind == "more":
        return f'<text class="g-more" x="{left:g}" y="{top + 26:g}">{escape(node.label)}</text>'
    name, detail = _fitted(node.label, int((width - 16) / 6.7)), _fitted(node.detail, (width - 16) // 6)
    y = top + (19 if detail else 27)
    second = (
        f'<text class="g-detail" x="{left + 8:g}" y="{top + 35:g}">{escape(detail)}</text>' if detail else ""
    )
    return (
        f"<g><title>{escape(node.label)}{escape(', ' + node.detail if node.detail else '')}</title>"
        f'<rect class="g-box g-{node.kind}" x="{left:g}" y="{top:g}" width="{width}" height="{_BOX}" rx="5"/>'
        f'<text class="g-name" x="{left + 8:g}" y="{y:g}">{escape(name)}</text>{second}</g>'
    )


def _fitted(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"
