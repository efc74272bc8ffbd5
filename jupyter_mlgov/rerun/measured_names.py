"""Measured time in what is printed of tables and dictionaries: under its heading, beside its label, after its key.

``names`` are those to which the code gives measured time and nothing else (``durations``), and scikit-learn's own. A name
is told by its place: a heading of a printed table with numbers below it, the label at the beginning of a line of numbers,
a key in quotes. In running text it is a word like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

MASK = "<measured>"
_NUMBER = r"[-+]?\d[\d,]*+(?:\.\d*+)?(?:[eE][-+]?\d++)?"
_SCALAR = rf"(?:np\.float\d\d\()?+{_NUMBER}\)?+"
_VALUE = (
    rf"(?:{_SCALAR}|array\([^()]*+\)|\[[^\[\]]*+\]|\{{[^{{}}]*+\}}|(?:datetime\.timedelta|Timedelta)\([^()]*+\)"
    r"|(?P<text>['\"])[^'\"\n]*+(?P=text))"
)
_ONLY_NUMBERS = r"(?=[^\n]*\d)[\d.,eE+\-±/()|│┆ \t]*+(?:ns|[uµμ]s|ms|s|secs?|seconds?)?[ \t]*$"
_SHORTEST = 3
"""Letters of a label: a shorter one is any letter of a formula."""
_GAP = re.compile(r"[ \t]{2,}+|^[ \t]*+|(?<![ \t])[ \t]*+\\?$")
_RULE = re.compile(r"[|│┆]")
_LONG_RULE = re.compile(r"─{3,}|═{3,}|-{3,}")
"""As wide as the numbers below it."""
_IN_TABLE = re.compile(rf"(?<![\w.]){_NUMBER}(?![\w])|\bNaN\b|\bNaT\b")
_RULED = re.compile(r"[\s|│┆╪═╞╡─┌┐└┘┬┴┼├┤+:=-]+")
_DTYPES = re.compile(r"[\s|│┆]*(?:(?:str|cat|bool|date|[iuf]\d\d?|---)[\s|│┆]*)+")


def mask_measured(text: str, names: Iterable[str]) -> str:
    """``text`` with the numbers that stand under, beside or after one of ``names`` masked."""
    here = frozenset(name for name in names if name and name in text)
    if not here:
        return text
    keyed, labelled, row = _patterns(here)
    text = keyed.sub(rf"\g<key>{MASK}", text)
    if labelled is not None and row is not None:
        text = labelled.sub(rf"\g<label>{MASK}", row.sub(rf"\g<label>{MASK}", text))
    return _tables(text, here)


@lru_cache(maxsize=64)
def _patterns(
    names: frozenset[str],
) -> tuple[re.Pattern[str], re.Pattern[str] | None, re.Pattern[str] | None]:
    def any_of(some: Iterable[str]) -> str:
        return "|".join(re.escape(name) for name in sorted(some, key=len, reverse=True))

    keyed = re.compile(
        rf"(?P<key>(?P<quote>['\"])(?:{any_of(names)})(?P=quote)\s*+:\s*+|(?<=[(,\s])(?:{any_of(names)})=){_VALUE}"
    )
    long = [name for name in names if len(name) >= _SHORTEST]
    if not long:
        return keyed, None, None
    label = rf"['\"]?(?:{any_of(long)})['\"]?"
    row = re.compile(
        rf"(?m)^(?P<label>[ \t]*+{label}(?:[ \t]*+[:=]|[ \t]++)[ \t]*+)(?:\[[^\[\]]*+\]|{_ONLY_NUMBERS})"
    )
    labelled = re.compile(
        rf"(?m)(?P<label>(?:^|[,;|({{\[]|[ \t]{{2}})[ \t]?{label}[ \t]*+[:=][ \t]*+){_SCALAR}"
    )
    return keyed, labelled, row


Place = tuple[int, int] | int
"""Where a column stands: from one letter to another, or as which cell between rules."""


def _tables(text: str, names: frozenset[str]) -> str:
    lines = text.split("\n")
    place, found = 0, False
    while place < len(lines):
        columns = list(_headings(lines[place], names))
        place += 1
        while columns and place < len(lines) and lines[place].strip():
            line = lines[place]
            if not (_RULED.fullmatch(line) or _DTYPES.fullmatch(line)):
                masked = _row(line, columns)
                if masked is None and next(iter(_headings(line, names)), None) is not None:
                    break
                lines[place] = line if masked is None else masked
                found = found or masked is not None
            place += 1
    made = "\n".join(lines)
    return _LONG_RULE.sub(lambda rule: rule[0][:3], made) if found else made


def _headings(line: str, names: frozenset[str]) -> Iterable[Place]:
    """Where headings of measured time stand in a line: between gaps, as the cells of a table do."""
    rules = list(_RULE.finditer(line))
    if len(rules) > 1:
        for number, (before, after) in enumerate(pairwise(rules)):
            if line[before.end() : after.start()].strip() in names:
                yield number
        return
    gaps = [(gap.start(), gap.end()) for gap in _GAP.finditer(line)]
    for (_, start), (end, _) in pairwise(gaps):
        cell = line[start:end]
        if cell.strip() in names:
            yield start + len(cell) - len(cell.lstrip()), start + len(cell.rstrip())


def _row(line: str, columns: list[Place]) -> str | None:
    """The row with the numbers of ``columns`` masked; None where there are none."""
    cells = list(pairwise(_RULE.finditer(line)))
    spans = [
        column
        if isinstance(column, tuple)
        else (cells[column][0].end(), cells[column][1].start())
        if column < len(cells)
        else (0, 0)
        for column in columns
    ]
    numbers = [
        number
        for number in _IN_TABLE.finditer(line)
        if any(number.start() < end and start < number.end() for start, end in spans)
    ]
    for number in reversed(numbers):
        line = line[: number.start()] + MASK + line[number.end() :]
    return line if numbers else None
