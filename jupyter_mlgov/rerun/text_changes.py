"""What changed in a text that is no table: the keys of a JSON document, else the first line that is another."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from jupyter_mlgov.records.verdict import Cause

LARGEST = 1 << 20
"""Bytes of a text past which it is not compared."""
SHOWN = 3
"""Keys that a message names."""
WIDTH = 60
"""Characters of a value or a line that a message shows."""


def text_change(before: bytes, after: bytes) -> str | None:
    """One clause about the change, such as ``model.alpha was 0.5 and is 0.7 now``; nothing for a JSON document that was
    only written anew, None for what is no text or too large."""
    if max(len(before), len(after)) > LARGEST:
        return None
    try:
        texts = before.decode("utf-8-sig"), after.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if any("\0" in text for text in texts):
        return None
    try:
        documents = [json.loads(text) for text in texts]
    except (ValueError, RecursionError):
        return _lines(*(text.splitlines() for text in texts))
    if json.dumps(documents[0]) == json.dumps(documents[1]):
        return ""
    return _keys(*(dict(_leaves(document)) for document in documents)) or "its keys stand in another order"


def records_change(before: bytes, after: bytes) -> tuple[Cause, str] | None:
    """Of a text whose lines are records (each with as many fields as the others): the kind of change where lines came, went
    or stand in another order; None for any other change, and any other text."""
    sides = [side.decode("utf-8-sig", "replace").splitlines() for side in (before, after)]
    old, new = ([line.strip() for line in side if line.strip()] for side in sides)
    if len({len(re.split(r"[,;\t ]+", line)) for line in (*old, *new)}) != 1:
        return None
    if sorted(old) == sorted(new):
        return "data.order", f"its {len(old)} lines are the same, in another order"
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    if bool(gone) == bool(come):
        return None
    count = (gone or come).total()
    said = f"{count} line{'' if count == 1 else 's'} {'taken out' if gone else 'added'}"
    return "data.rows", f"{said}, `{_cut(next(iter(gone or come)))}` first"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a document that holds no other, as JSON, by the path of keys that leads to it."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path or "the value", json.dumps(value, ensure_ascii=False)


def _keys(old: dict[str, str], new: dict[str, str]) -> str | None:
    changed = [path for path in old if path in new and old[path] != new[path]]
    gone = [path for path in old if path not in new]
    come = [path for path in new if path not in old]
    pairs = [(path, *cut_around(old[path], new[path])) for path in changed]
    parts = [f"{path} was {one} and is {other} now" for path, one, other in pairs]
    parts += [f"{path} ({_cut(old[path])}) is gone" for path in gone]
    parts += [f"{path} is new ({_cut(new[path])})" for path in come]
    return _listed(parts, "change")


def _lines(old: list[str], new: list[str]) -> str | None:
    if old == new:
        return "only the ends of its lines"
    pairs = list(zip(old, new, strict=False))
    differing = [number for number, (one, other) in enumerate(pairs) if one != other]
    beyond = abs(len(new) - len(old))
    if not differing:
        longer, said = (new, "was added") if len(new) > len(old) else (old, "was taken out")
        return f"line {len(pairs) + 1}, `{_cut(longer[len(pairs)])}`, {said}{_more(beyond - 1)}"
    first = differing[0]
    one, other = pairs[first]
    if not beyond:
        one, other = cut_around(one, other)
        return f"line {first + 1} was `{one}` and is `{other}` now{_more(len(differing) - 1)}"
    return f"it had {len(old)} lines and has {len(new)} now; the first that differs is line {first + 1}, `{_cut(other)}`"


def _more(count: int) -> str:
    return f", and {count} more line{'' if count == 1 else 's'}" if count > 0 else ""


def _listed(parts: list[str], what: str) -> str | None:
    if not parts:
        return None
    left = len(parts) - SHOWN
    more = f", and {left} more {what}{'' if left == 1 else 's'}" if left > 0 else ""
    return ", ".join(parts[:SHOWN]) + more


def cut_around(one: str, other: str, width: int = WIDTH) -> tuple[str, str]:
    """Two lines, each with ``width`` characters at most, cut so that the first place where they differ is in sight."""
    one, other = " ".join(one.split()), " ".join(other.split())
    if max(len(one), len(other)) <= width:
        return one, other
    same = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    start = max(0, same - width // 3)
    start = 0 if start <= 3 else start
    return _window(one, start, width), _window(other, start, width)


def _window(text: str, start: int, width: int) -> str:
    before = "..." if start else ""
    left = width - len(before)
    rest = text[start:]
    return before + (rest if len(rest) <= left else rest[: left - 3] + "...")


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDTH else text[: WIDTH - 3] + "..."
