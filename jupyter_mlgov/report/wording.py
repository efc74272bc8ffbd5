"""How the report words values: numbers, sizes, times, digests, and text that strangers wrote.

Nothing here escapes HTML (the templates do). ``tidy`` makes text safe to *read*: characters that are invisible,
or that reorder what stands around them, are shown by their code point.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from jupyter_mlgov.records.canonical import Scalar, number
from jupyter_mlgov.records.moments import moment

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_ANSI = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_HEX = re.compile(r"[0-9a-f]{12,}")


def tidy(value: object, limit: int = 4000) -> str:
    """``value`` as text without ANSI sequences, invisible or reordering characters, cut at ``limit``."""
    text = str(value)
    if len(text) > limit:
        text = text[:limit] + f" … ({len(text) - limit:,} more characters)"
    return visible(without_ansi(text).replace("\r\n", "\n"))


def visible(text: str) -> str:
    """``text`` with every invisible or reordering character shown by its code point."""
    text = _INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def without_ansi(text: str) -> str:
    """``text`` without the escape sequences that colour a terminal or move its cursor."""
    return _ANSI.sub("", text)


def overwritten(text: str) -> str:
    """``text`` as a terminal leaves it: what a carriage return wrote over (progress bars) is gone."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def amount(value: object) -> str:
    """A scalar as one reads it: four significant digits, large numbers grouped, true minus signs."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−") if abs(value) >= 10_000 else str(value).replace("-", "−")
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        if value.is_integer() and abs(value) < 1e15:
            return amount(int(value))
        return _unrounded(value).replace("-", "−")
    return tidy(value, 400)


def _unrounded(value: float) -> str:
    """Four significant digits, and up to eight where four would make a whole number of it: 0.99996 is not 1."""
    texts = [_significant(value, digits) for digits in range(4, 9)]
    if not 1e-4 <= abs(value) < 1000:
        return texts[0]
    return next((text for text in texts if "." in text), texts[0])


def apart(*values: float) -> tuple[str, ...]:
    """Numbers beside each other, all with as many significant digits (four or more) as it takes to see that they differ."""
    if not all(map(math.isfinite, values)):
        return tuple(map(amount, values))
    texts = tuple(map(amount, values))
    for digits in range(4, 18):
        if len(set(texts)) == len(set(values)) and not (digits == 4 and any("e" in text for text in texts)):
            break
        texts = tuple(_significant(float(one), digits, most=1e15).replace("-", "−") for one in values)
    return texts


def _significant(value: float, digits: int, most: float = 1e6) -> str:
    if value == 0 or 1e-4 <= abs(value) < most:
        places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
        text = f"{value:,.{places}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{digits}g}"


def count(number_: int) -> str:
    """A count of things: ``1,989``."""
    return f"{number_:,}"


def exactly(value: Scalar) -> str:
    """A scalar with all its digits, for titles."""
    return tidy(repr(value) if isinstance(value, float) else value, 400)


def target(value: float) -> str:
    """A target as it was typed: 0.8, not 0.8000."""
    if not math.isfinite(value):
        return amount(value)
    return f"{value:,.10g}".replace("-", "−")


def finite(part: Scalar) -> float | None:
    """A recorded scalar as a finite float, or None."""
    found = number(part)
    return found if found is not None and math.isfinite(found) else None


def size(count: int | None) -> str:
    """Bytes in the largest unit that leaves a digit before the point."""
    if count is None:
        return ""
    amount_, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount_ < 1000:
            break
        amount_, unit = amount_ / 1000, larger
    if unit == "bytes":
        return f"{count} byte{'' if count == 1 else 's'}"
    return f"{amount_:.3g} {unit}" if amount_ < 999.5 else f"{amount_:.0f} {unit}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 risk``, ``2 risks``, ``no risks``."""
    name = one if count == 1 else (many or one + "s")
    return f"{'no' if count == 0 else f'{count:,}'} {name}"


def short(name: str | None) -> str:
    """The first 12 hex digits of a digest or an id."""
    text = (name or "").removeprefix("blake3:")
    return text[:12] if _HEX.match(text) else tidy(text if len(text) <= 24 else text[:23] + "…")


def date(text: str) -> str:
    """``23 November 2026, 10:04 UTC``; what is no time as it stands."""
    found = moment(text)
    if found is None:
        return tidy(text, 60)
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}, {found:%H:%M} UTC"


_STAMP = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def dated(text: str) -> str:
    """``text`` with the machine's times written as people write them."""
    return _STAMP.sub(lambda match: date(match[0]), text)


def day(text: str) -> str:
    """``23 November 2026``; what is no time as it stands."""
    found = moment(text)
    return f"{found.day} {_MONTHS[found.month - 1]} {found.year}" if found else tidy(text, 60)


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_SPANS = ((31_536_000, "year"), (2_592_000, "month"), (86_400, "day"), (3600, "hour"), (60, "minute"))


def span(seconds: float) -> str:
    """A length of time in the largest unit that fits: ``2 hours``, ``less than a minute``."""
    for length, unit in _SPANS:
        if seconds >= length:
            return counted(int(seconds // length), unit)
    return "less than a minute"


def after(later: str, earlier: str, what: str) -> str:
    """``2 hours after the snapshot``: how far one recorded time lies from another. Empty for no times."""
    one, other = moment(later), moment(earlier)
    if one is None or other is None:
        return ""
    seconds = (one - other).total_seconds()
    return f"{span(abs(seconds))} {'after' if seconds >= 0 else 'before'} {what}"


def seconds(length: float | None) -> str:
    """A duration: ``0.12 s``, ``3 min 20 s``."""
    if length is None:
        return ""
    if length < 0.01:
        return "under 0.01 s"
    if length < 60:
        return f"{length:.2g} s" if length < 10 else f"{length:.0f} s"
    minutes, rest = divmod(round(length), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def listed(parts: Iterable[str]) -> str:
    """``a, b and c``."""
    names = list(parts)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" and {names[-1]}" if names else ""


def sentence(text: str) -> str:
    """``text`` with a capital at its start and a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?:…" else ".")
