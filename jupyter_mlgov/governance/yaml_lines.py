"""YAML as people type it in a cell: plain values, each with the line on which it stands.

Only scalars, lists and mappings are read. Anchors, aliases, tags and several documents are refused, so a small
text can neither grow into a large value nor name a Python object, and depth and size have a limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from jupyter_mlgov.errors import UsageError

SIZE_LIMIT = 64_000
"""Characters of one annotation. A charter of several printed pages has a tenth of that."""
DEPTH_LIMIT = 8
_LEADING_TABS = re.compile(r"^[ \t]+", re.MULTILINE)

_PLAIN = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "null", "bool", "int", "float", "timestamp", "seq", "map", "value", "merge")
)


@dataclass(frozen=True)
class Text:
    """A scalar as it was written. ``kind`` is what YAML takes it for: ``str``, ``int``, ``null``, ..."""

    line: int
    value: str
    kind: str

    @property
    def empty(self) -> bool:
        return self.kind == "null" or not self.value.strip()


@dataclass(frozen=True)
class Items:
    """A list."""

    line: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Fields:
    """A mapping. Every key is there once."""

    line: int
    values: dict[str, Value]
    lines: dict[str, int]


Value = Text | Items | Fields


def read_yaml(text: str, *, first_line: int = 1) -> Value | None:
    """The one value that ``text`` holds, None where it holds nothing. Lines count from ``first_line``.

    Raises ``UsageError`` with one line that names the place.
    """
    if len(text) > SIZE_LIMIT:
        raise UsageError(
            f"line {first_line}: {len(text)} characters of YAML are too many (at most {SIZE_LIMIT}); "
            "keep the annotation short and point at longer documents"
        )
    text = _LEADING_TABS.sub(lambda indent: indent[0].replace("\t", "    "), text)
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        return None if node is None else _value(node, first_line)
    except _Refused as error:
        raise UsageError(f"line {error.line + first_line}: {error.reason}") from None
    except yaml.reader.ReaderError as error:
        line = first_line + text[: error.position].count("\n")
        raise UsageError(
            f"line {line}: the character {_name(error.character)} cannot stand in YAML; delete it"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "could not find expected ':'" in (error.problem or ""):
            mark = error.context_mark or mark
        line = first_line + (mark.line if mark else 0)
        lines = text.splitlines()
        within = lines[mark.line] if mark and mark.line < len(lines) else ""
        raise UsageError(f"line {line}: {_explain(error, within)}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(
            f"line {first_line}: this is not YAML ({type(error).__name__}); write `field: text` lines"
        ) from None
    finally:
        if loader is not None:
            loader.dispose()


class _Refused(Exception):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class _Loader(yaml.SafeLoader):
    """PyYAML's composer that stops at an alias, an anchor, a tag or too deep a nesting."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line
        if isinstance(event, yaml.AliasEvent):
            raise _Refused(
                line,
                f"'*{str(event.anchor)[:40]}' is a YAML alias, and those are not used here; put the text in quotes",
            )
        if getattr(event, "anchor", None):
            raise _Refused(
                line,
                f"'&{str(event.anchor)[:40]}' is a YAML anchor, and those are not used here; put the text in quotes",
            )
        if getattr(event, "tag", None) not in (None, "!", *_PLAIN):
            raise _Refused(
                line,
                f"'{str(event.tag)[:40]}' is a YAML tag, and those are not used here; put the text in quotes",
            )
        if self.depth >= DEPTH_LIMIT:
            raise _Refused(line, f"more than {DEPTH_LIMIT} levels of nesting; a field is a text or a list")
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def _value(node: yaml.Node, first_line: int) -> Value:
    line = node.start_mark.line + first_line
    if isinstance(node, yaml.ScalarNode):
        return Text(line=line, value=node.value, kind=node.tag.rpartition(":")[2])
    if isinstance(node, yaml.SequenceNode):
        return Items(line=line, values=tuple(_value(item, first_line) for item in node.value))
    values: dict[str, Value] = {}
    lines: dict[str, int] = {}
    for key, item in node.value:
        at = key.start_mark.line + first_line
        if not isinstance(key, yaml.ScalarNode):
            raise UsageError(
                f"line {at}: a field's name is one word; put text that starts with [ or {{ in quotes"
            )
        name = key.value.strip()
        if name in values:
            raise UsageError(
                f"line {at}: {name[:40]!r} is given twice (first in line {lines[name]}); keep one"
            )
        values[name] = _value(item, first_line)
        lines[name] = at
    return Fields(line=line, values=values, lines=lines)


def _name(character: Any) -> str:
    return f"U+{character:04X}" if isinstance(character, int) else repr(character)


def _explain(error: yaml.MarkedYAMLError, within: str) -> str:
    """What went wrong, in words for somebody who has never read YAML's grammar."""
    problem = " ".join((error.problem or "this is not YAML").split())
    if "mapping values are not allowed" in problem and within[:1].isspace():
        return "this line is indented more than the field above, or has a second ': '; give all fields the same indent"
    if "mapping values are not allowed" in problem:
        return "there is a second ': ' in this text; put the text in quotes, or start it with | on a line of its own"
    if "expected a single document" in (error.context or "") or "document" in problem:
        return "one annotation is one YAML document; delete the line with ---"
    if "cannot start any token" in problem:
        return (
            "this text starts with a character that YAML keeps for itself (@, `, %); put the text in quotes"
        )
    if "could not find expected ':'" in problem:
        return "this line is no `field: text`; add the field's name, or indent the line to go on with the text above"
    if "quoted scalar" in (error.context or ""):
        return "a quote is opened here or above and never closed; add the closing quote, or double a quote inside the text"
    if "comment or a line break" in problem or "chomping" in problem:
        return "text that starts with > or | stands on the lines below it; put text that starts with > or | in quotes"
    if "sequence entries are not allowed" in problem:
        return "a list starts on the line below its field's name; put text that starts with - in quotes"
    if "expected <block end>" in problem:
        if within.lstrip().startswith(("-", "?")) or ":" in within:
            return "this line is indented differently from the lines above; give all fields the same indent"
        return "text goes on after a closing quote, or the indent is wrong; put the whole text in one pair of quotes"
    if "expected ',' or" in problem or "flow" in (error.context or ""):
        return "a [ or { is opened and not closed here; put text that starts with [ or { in quotes"
    return f"this is not YAML ({problem}); write `field: text` lines, and put unusual text in quotes"
