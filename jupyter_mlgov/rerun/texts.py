"""Two texts compared: noise masked, then token by token.

Numbers are compared by value, readings of the clock by whether they read their own run, paths by their last
part where one of them is temporary, everything else letter by letter. White space is layout: a longer number
widens its column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from jupyter_mlgov.rerun import clock, noise
from jupyter_mlgov.rerun.clock import Moment
from jupyter_mlgov.rerun.durations import REFIT, SCIKIT_LEARNS
from jupyter_mlgov.rerun.made_up import mask_called
from jupyter_mlgov.rerun.measured_names import mask_measured
from jupyter_mlgov.rerun.numbers import Closeness, compare_numbers, worst
from jupyter_mlgov.rerun.printed_timings import Template, mask_printed
from jupyter_mlgov.rerun.project_paths import of_one_project
from jupyter_mlgov.rerun.self_told import SelfTold

_PATH = r"(?:[A-Za-z]:)?[/\\](?:[\w.+@ -]+[/\\])+[\w.+@-]+|<temporary>/(?:[\w.+@-]+/)*[\w.+@-]*"
_DIGITS = r"(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TOKEN = re.compile(
    rf"{clock.PATTERN}|(?P<path>(?<![\w.]){_PATH})"
    rf"|(?P<number>(?:(?<![\w)\]])[-+\u2212])?(?<![\w.]){_DIGITS}(?![\w]))|(?P<word>\w+)|(?P<mark>[^\w\s])"
)


_STAMPED = re.compile(r"(?<=[A-Za-z0-9][_-])20\d{6}[-_T]\d{4}(?:\d{2})?(?!\w)")


@dataclass(frozen=True)
class Known:
    """A metric that moved within its tolerance: printed, it differs no more than that."""

    name: str
    before: float
    after: float


@dataclass(frozen=True)
class Context:
    """What is known about the two runs whose outputs are compared."""

    before: Moment | None = None
    after: Moment | None = None
    source: str = ""
    """The code of the cell, as it ran last."""
    cell: int = -1
    printed: tuple[Template, ...] = ()
    """What the notebook's code prints (see ``printed_timings``)."""
    shown: bool = False
    """The texts are what was displayed, not what was printed."""
    known: tuple[Known, ...] = ()
    """Metrics that moved within their tolerances."""
    heading: str = ""
    """What stands above the texts, where they are cells of a table."""
    timed_columns: frozenset[str] = SCIKIT_LEARNS | {REFIT}
    """Columns of tables, labels and keys that hold measured time."""
    told: SelfTold = field(default_factory=SelfTold)
    """What the notebook's code can have measured of its own run."""
    root: str = ""
    """The folder in which the candidate's project lies."""
    tolerant: bool = False
    """All metrics are within tolerances that were declared for them: pictures need to be similar only."""

    def of(self, source: str) -> Context:
        """The same for another cell."""
        return replace(self, source=source)


@dataclass(frozen=True)
class Outcome:
    """How two outputs compare; ``note`` says what differs, for people."""

    closeness: Closeness
    note: str = ""


SAME = Outcome("same")

WRAPPED_LIMIT = 1_000_000
"""Characters past which texts are compared line by line only."""


def compare_texts(one: str, other: str, context: Context, *, what: str = "the text") -> Outcome:
    """Two texts, each as one cell printed it. ``what`` names them in the note."""
    if one == other:
        return SAME
    if context.root:
        one, other = of_one_project(one, other, context.root)
    first, second = _masked(one, context), _masked(other, context)
    if first.split() == second.split():
        return Outcome("noise")
    before, after = _lines(first), _lines(second)
    if len(before) == len(after):
        pairs = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        found = worst("noise", *(_line(a, b, context) for a, b in pairs))
        if found != "different":
            return Outcome(found, _off(pairs) if found == "equivalent" else "")
    else:
        pairs = [(a, b) for a, b in zip_longest(before, after, fillvalue="") if a != b]
    if max(len(first), len(second)) <= WRAPPED_LIMIT:
        # The same words on other lines: a wider number wraps a repr elsewhere.
        found = _line(" ".join(first.split()), " ".join(second.split()), context, whole=len(before) > 1)
        if found != "different":
            return Outcome(found, _off([(first, second)]) if found == "equivalent" else "")
    shown = next((pair for pair in pairs if _line(*pair, context) == "different"), pairs[0])
    return Outcome("different", f"{what}: {_short(shown[0])} before, {_short(shown[1])} now")


def _off(pairs: list[tuple[str, str]]) -> str:
    """How far the numbers of equivalent texts are apart at most, relative to the larger."""
    most = 0.0
    for one, other in pairs:
        for (kind, left), (other_kind, right) in zip(_tokens(one), _tokens(other), strict=False):
            if kind == other_kind == "number" and left != right:
                a, b = _value(left), _value(right)
                most = max(most, abs(a - b) / max(abs(a), abs(b), 1e-300))
    return f"numbers are off by {most:.1g} of their value at most" if most else ""


def _masked(text: str, context: Context) -> str:
    # A time stamp at the end of a name (model_20261124_101500.bin) is a token of its own.
    text = _STAMPED.sub(
        r" \g<0>",
        mask_printed(context.told.mask(noise.mask(text)), context.printed, context.cell, shown=context.shown),
    )
    text = mask_measured(text, context.timed_columns)
    return mask_called(text, context.source)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _short(line: str, width: int = 80) -> str:
    line = " ".join(line.split())
    return f"`{line[: width - 3]}...`" if len(line) > width else f"`{line}`" if line else "nothing"


Token = tuple[str, str]


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "mark"
        if kind == "time" and re.search(
            r"days?,?\s+[+-]?$", text[max(match.start() - 12, 0) : match.start()]
        ):
            kind = "word"  # a duration: ``1 days 02:03:04``
        found.append((kind, match[0]))
    return found


def _line(one: str, other: str, context: Context, *, whole: bool = False) -> Closeness:
    """Two lines (or ``whole`` texts as one line), noise already masked."""
    tokens, others = _tokens(one), _tokens(other)
    beside = "" if whole else f"{context.heading} {one}"
    found = _sequence(tokens, others, context, beside)
    if found == "different" and "{" in one and "{" in other:
        found = _sequence(_tokens(noise.in_order(one)), _tokens(noise.in_order(other)), context, beside)
    return found


def _sequence(tokens: list[Token], others: list[Token], context: Context, beside: str) -> Closeness:
    """``beside`` is the text in which a number's name may stand."""
    if len(tokens) != len(others):
        return "different"
    found: Closeness = "noise"
    alone = len(tokens) == 1
    for place, (left, right) in enumerate(zip(tokens, others, strict=True)):
        if left != right:
            words = {word.lower() for _, word in tokens[max(place - 2, 0) : place]}
            one = _token(left, right, context, labelled=bool(words & _LABELS))
            if (
                one == "different"
                and left[0] == right[0] == "number"
                and _is_known(left[1], right[1], context, beside, alone=alone)
            ):
                one = "equivalent"
            found = worst(found, one)
            if found == "different":
                break
    return found


def _token(left: Token, right: Token, context: Context, *, labelled: bool) -> Closeness:
    (kind, one), (other_kind, other) = left, right
    loose = (
        context.before is not None
        and context.after is not None
        and context.before.loose
        and context.after.loose
    )
    if kind == other_kind == "time" and loose and not labelled:
        # Neither side's clock is known to the minute: only a label makes it more than three numbers.
        return "different"
    if "epoch" in (kind, other_kind) and {kind, other_kind} <= {"epoch", "number"}:
        if _reads_its_run("epoch", one, "epoch", other, context):
            return "noise"
        kind = other_kind = "number"
    if kind == other_kind == "number":
        return _numbers(one, other)
    if kind in _CLOCKS and other_kind in _CLOCKS:
        return "noise" if _reads_its_run(kind, one, other_kind, other, context) else "different"
    if kind == other_kind == "path" and "<temporary>" in one + other:
        return "noise" if _last(one) == _last(other) else "different"
    return "different"


_LABELS = frozenset({"time", "date", "at", "on", "now", "started", "finished", "timestamp"})
_CLOCKS = ("iso", "repr", "ctime", "words", "slashes", "compact", "time", "epoch")


def _reads_its_run(form: str, one: str, other_form: str, other: str, context: Context) -> bool:
    if form != other_form or context.before is None or context.after is None:
        return False
    first, second = clock.read(form, one), clock.read(other_form, other)
    return (
        first is not None
        and second is not None
        and context.before.holds(first)
        and context.after.holds(second)
    )


def _last(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def _numbers(one: str, other: str) -> Closeness:
    found = compare_numbers(_value(one), _value(other))
    # The same value, written differently: 1 and 1.0, 0.10 and 0.1.
    return "noise" if found == "same" else found


_DIGITS_OF_INT = 4_000
"""Past these, Python reads no whole number from a text."""


def _value(text: str) -> float:
    plain = text.replace(",", "").replace("\u2212", "-")
    whole = plain.lstrip("+-").isdecimal() and len(plain) <= _DIGITS_OF_INT
    return int(plain) if whole else float(plain)


_SIGNIFICANT = 3
"""Digits from which on a number says by itself which metric it is; fewer are those of any number."""


def _is_known(one: str, other: str, context: Context, beside: str, *, alone: bool) -> bool:
    """True where the numbers are a metric that moved within its tolerance, rounded to the digits that they show."""
    return any(
        _shows(one, metric.before)
        and _shows(other, metric.after)
        and (
            min(_significant(one), _significant(other)) >= _SIGNIFICANT
            or _names(beside, metric.name)
            or (alone and "." in one and "." in other and _names(context.source, metric.name))
        )
        for metric in context.known
    )


def _significant(text: str) -> int:
    mantissa = text.lower().partition("e")[0]
    return len("".join(letter for letter in mantissa if letter.isdecimal()).lstrip("0"))


def _names(text: str, metric: str) -> bool:
    return bool(metric) and re.search(rf"(?<!\w){re.escape(metric)}(?!\w)", text, re.IGNORECASE) is not None


def _shows(text: str, value: float) -> bool:
    """True when ``text`` is ``value`` (or it in per cent), rounded to the digits that it shows."""
    shown = _value(text)
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    step = 10.0 ** (int(exponent or 0) - decimals)
    return any(abs(number - shown) <= 0.5000001 * step for number in (value, 100 * value))
