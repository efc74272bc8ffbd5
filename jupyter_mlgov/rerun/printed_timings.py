"""What a notebook prints of its own running time, told from its code.

``print("--- %s seconds ---" % (time.time() - start))`` says by its own arguments which part of the line is a
reading of the clock. A template is made of each such call: its literal text, a slot for every value, and which
slots hold nothing but time. Where a line fits a template, only those slots are masked. A line that fits a call
without time just as well is left alone.
"""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

MASK = "<measured>"

_TIME = (
    r"(?:<duration>|\[[^\]\n]*\]|datetime\.timedelta\([^)\n]*\)|Timedelta\([^)\n]*\)"
    r"|[-+]?(?:\d+ days?, )?\d[\d:.,]*(?:[eE][-+]?\d+)?(?:\s?(?:ns|[uµμ]s|ms|s)\b)?)"
)
_WORD = (
    r"(?:\d[\d:./h-]*(?:st|nd|rd|th|Z)?|[+-]\d\d:?\d\d|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov"
    r"|Dec)[a-z]*|[AaPp][Mm]|[A-Z]{3,4}|at|of)"
)
_MOMENT = rf"(?:{_WORD}(?:[\sT,._-]+{_WORD})*)"
"""A reading of the clock, however it was spelled."""
_LINE, _PARTS = 1_000, 24
"""Letters of a line and parts of a template past which no match is tried."""
_TELLING = 4
"""Letters of literal text from which a template is told from others outside its own cell."""

Measures = Callable[[ast.expr], bool | None]
Part = str | bool | None
"""Literal text, or a value: True where it is nothing but time, None where it is a reading of the clock."""


@dataclass(frozen=True)
class Template:
    """One call that prints. ``timed`` where a slot of it holds time."""

    pattern: str
    timed: bool
    literal: int
    """Letters of literal text: the longer, the surer."""
    cell: int = -1
    straight: bool = False
    """A ``print`` that runs once and in its place: in no loop, branch or function."""
    shown: bool = False
    """A cell's last expression: its text is no line of what was printed."""
    whole: bool = False
    """Of which nothing but measured time is shown, on however many lines."""

    def masked(self, line: str) -> str | None:
        """The line with its time masked; None where it is no line of this call."""
        found = re.search(self.pattern, line)
        if found is None:
            return None
        for name in sorted(found.groupdict(), key=found.start, reverse=True):
            line = line[: found.start(name)] + MASK + line[found.end(name) :]
        return line


_FRACTION = re.compile(r"(?<![\w.])[-+]?\d++(?:\.\d*+(?:[eE][-+]?\d++)?|[eE][-+]?\d++)(?!\w)")
"""A number that is no whole one: whole ones count and name."""


def mask_printed(text: str, templates: Iterable[Template], cell: int, *, shown: bool = False) -> str:
    """``text``, printed in ``cell`` (or ``shown`` as its result), with what it says of the running time masked."""
    templates = list(templates)
    whole = [one for one in templates if shown and one.shown and one.whole and one.cell == cell]
    if any(one.masked(text) is None for one in whole):  # a list, a series, a dictionary of it
        return _FRACTION.sub(MASK, text)
    able = [
        template
        for template in templates
        if template.shown == shown
        and (template.cell == cell or (template.timed and template.literal >= _TELLING))
    ]
    if not any(template.timed for template in able):
        return text
    own = [template for template in able if template.cell == cell]
    lines = text.strip("\n").split("\n")
    if len(lines) == len(own) and all(template.straight for template in own):
        # Line by line what the cell printed: then a bare number is told from the time above it.
        made = [template.masked(line) for template, line in zip(own, lines, strict=True)]
        if all(line is not None for line in made):
            return "\n".join(line for line in made if line is not None)
    return "\n".join(_mask_line(line, able) for line in text.split("\n"))


def _mask_line(line: str, templates: list[Template]) -> str:
    if len(line) > _LINE or not any(letter.isdigit() for letter in line):
        return line
    fits = [(one.literal, one.timed, made) for one in templates if (made := one.masked(line)) is not None]
    best = max((literal for literal, _, _ in fits), default=0)
    fits = [fit for fit in fits if fit[0] == best]
    return fits[0][2] if fits and all(timed for _, timed, _ in fits) else line


def template_of(value: ast.expr, measured: Measures, cell: int) -> Template:
    """Of a cell's last expression, whose text is its result."""
    return replace(_template(_parts(value, measured), cell), shown=True, whole=measured(value) is True)


def template_of_print(call: ast.Call, measured: Measures, cell: int, *, straight: bool) -> Template:
    """Of ``print(...)``: its arguments with what stands between them."""
    separator = " "
    for keyword in call.keywords:
        if keyword.arg == "sep" and isinstance(keyword.value, ast.Constant):
            separator = str(keyword.value.value)
    parts: list[Part] = []
    for place, argument in enumerate(call.args):
        parts += [separator] if place else []
        parts += _parts(argument, measured)
    return replace(_template(parts, cell), straight=straight)


_UNIT = re.compile(r"[ \t]*(?:ns|[uµμ]s|ms|s|secs?|seconds?|mins?|minutes?|h|hours?)\b")


def _template(parts: list[Part], cell: int) -> Template:
    pattern, literal, timed = "", 0, 0
    after_time = False
    for part in parts:
        if isinstance(part, str):
            # What is printed before or after on other lines is not looked at.
            text = part.strip("\n").rpartition("\n")[2]
            literal += sum(letter.isalpha() for letter in text)
            unit = _UNIT.match(text) if after_time else None
            if unit is not None:  # where a word for time stands before it, it is masked with the number
                pattern += rf"(?:{re.escape(unit[0])}|(?<=<duration>))"
                text = text[unit.end() :]
            pattern += r"\s+".join(re.escape(word) for word in re.split(r"\s+", text))
        elif part is not False:
            pattern += rf"(?P<t{timed}>{_TIME})" if part else rf"['\"]?(?P<t{timed}>{_MOMENT})['\"]?"
            timed += 1
        else:
            pattern += ".+?"
        after_time = part is True
    anchored = pattern if literal >= _TELLING else rf"^\s*{pattern}\s*$"
    return Template(anchored, timed > 0 and len(parts) <= _PARTS, literal, cell)


def _parts(value: ast.expr, measured: Measures) -> list[Part]:
    if isinstance(value, ast.Constant):
        return [str(value.value)]
    if isinstance(value, ast.JoinedStr):
        found: list[Part] = []
        for piece in value.values:
            if isinstance(piece, ast.FormattedValue):
                found += (
                    _parts(piece.value, measured) if piece.format_spec is None else [measured(piece.value)]
                )
            elif isinstance(piece, ast.Constant):
                found.append(str(piece.value))
        return found
    if isinstance(value, ast.BinOp) and isinstance(value.left, ast.Constant | ast.JoinedStr):
        left = value.left.value if isinstance(value.left, ast.Constant) else None
        if isinstance(value.op, ast.Mod) and isinstance(left, str):
            given = value.right.elts if isinstance(value.right, ast.Tuple) else [value.right]
            return _percent(left, [measured(one) for one in given])
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and _is_text(value):
        return [*_parts(value.left, measured), *_parts(value.right, measured)]
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "format":
        text = value.func.value
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            return _formatted(text.value, value, measured)
    return _repr_of(value, measured)


def _is_text(value: ast.expr) -> bool:
    """True for texts put together; ``epoch + 1`` is a number."""
    match value:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_text(left) or _is_text(right)
        case ast.Constant(value=constant):
            return isinstance(constant, str)
        case ast.BinOp(left=left, op=ast.Mod()):
            return _is_text(left)
        case ast.Call(func=ast.Name(id="str" | "format")):
            return True
        case ast.Call(func=ast.Attribute(attr="format", value=owner)):
            return _is_text(owner)
        case _:
            return isinstance(value, ast.JoinedStr)


def _repr_of(value: ast.expr, measured: Measures) -> list[Part]:
    """As a tuple, a list or a dictionary shows what it holds."""
    match value:
        case ast.Constant():
            return [repr(value.value)]
        case ast.Tuple(elts=items) if items:
            return _listed(
                "(", [[_repr_of(item, measured)] for item in items], ",)" if len(items) == 1 else ")"
            )
        case ast.List(elts=items):
            return _listed("[", [[_repr_of(item, measured)] for item in items], "]")
        case ast.Dict(keys=keys, values=items) if all(key is not None for key in keys):
            pairs: list[list[list[Part]]] = [
                [_repr_of(key, measured), [": "], _repr_of(item, measured)]
                for key, item in zip(keys, items, strict=True)
                if key is not None
            ]
            return _listed("{", pairs, "}")
        case _:
            return [measured(value)]


def _listed(head: str, items: list[list[list[Part]]], tail: str) -> list[Part]:
    found: list[Part] = [head]
    for place, item in enumerate(items):
        found += [", "] if place else []
        found += [part for parts in item for part in parts]
    return [*found, tail]


_PERCENT = re.compile(r"%(?:\(\w+\))?[-+ #0]*[\d*]*(?:\.[\d*]+)?[a-zA-Z%]")


def _percent(text: str, timed: list[bool | None]) -> list[Part]:
    found: list[Part] = []
    place = 0
    given = iter(timed)
    for match in _PERCENT.finditer(text):
        found.append(text[place : match.start()])
        found.append("%" if match[0] == "%%" else next(given, False))
        place = match.end()
    return [*found, text[place:]]


def _formatted(text: str, call: ast.Call, measured: Measures) -> list[Part]:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    found: list[Part] = []
    count = 0
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError:
        return [False]
    for literal, name, _spec, _conversion in pieces:
        found.append(literal)
        if name is None:
            continue
        place = name or str(count)
        count += not name
        given = call.args[int(place)] if place.isdigit() and int(place) < len(call.args) else named.get(place)
        found.append(False if given is None else measured(given))
    return found
