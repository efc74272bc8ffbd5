"""Secrets are taken out before anything is hashed or written.

What is replaced becomes ``<redacted>``; the rest of the text stays byte for byte, and text without a secret comes back
as the same object. Redacting twice changes nothing. How a secret is recognised: :mod:`.secret_forms`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jupyter_mlgov.records.secret_forms import (
    BEFORE,
    BY_HINT,
    REDACTED,
    Kind,
    comes_after,
    is_secret_value,
    kind_of_name,
)

__all__ = ["REDACTED", "find_secrets", "redact", "redact_bytes", "redact_tree"]


def find_secrets(text: str) -> Iterator[tuple[int, int, Kind]]:
    """Where secrets stand in ``text``: start, end and kind; some may overlap."""
    hints = _possible(text)
    lowered = _lower(text) if hints else ""
    for hint in hints:
        forms = BY_HINT[hint]
        past: dict[int, int] = {}  # where the last run of a form ended
        at = lowered.find(hint)
        while at >= 0:
            before = text[max(0, at - BEFORE) : at]
            for place, form in enumerate(forms):
                if form.after and not comes_after(lowered[max(0, at - BEFORE) : at], form.after):
                    continue
                if form.run and (at < past.get(place, 0) or not form.may_follow(before)):
                    continue
                match = form.pattern.match(text, at)
                if match is None or not (form.run or form.may_follow(before)):
                    continue
                start, end = match.span(form.pattern.group)
                if form.run:
                    past[place] = end
                if form.counts(text[start:end]):
                    yield start, end, form.kind
            at = lowered.find(hint, at + 1)


_SHORT = 2_000
"""Characters below which looking for each hint costs less than that."""
_NUMBERS = b"0123456789.,;+- \t\r\n"
"""What most of a table is written with."""
_LOWER = bytes(range(256)).lower()
_BY_LETTERS = {hint: max(hint.encode().translate(None, _NUMBERS).split(b'"'), key=len) for hint in BY_HINT}
"""Each hint as it reads where numbers have been taken out: the longest part of it that no quotation mark ends."""


def _possible(text: str) -> Iterable[str]:
    """The hints that may stand in ``text``. A table of numbers is looked through once, not once for each of them: what is
    left without its numbers is short, and holds all that is left of any hint in it. So is JSON, which says the same names
    again and again: what stands between two quotation marks is looked at once."""
    if len(text) < _SHORT or not text.isascii():
        return BY_HINT  # other letters may be written in two ways
    letters = b'"'.join(set(text.encode("ascii").translate(_LOWER, _NUMBERS).split(b'"')))
    return [hint for hint in BY_HINT if _BY_LETTERS[hint] in letters]


def _lower(text: str) -> str:
    """``text`` in lower case, each letter in its place."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


def redact(text: str) -> str:
    """``text`` without its secrets; the same object where there is none."""
    return replace(text, find_secrets(text))


def replace(text: str, spans: Iterator[tuple[int, int, Kind]]) -> str:
    """``text`` with ``<redacted>`` in place of each span; the same object where there is none."""
    ordered = sorted((start, end) for start, end, _ in spans)
    if not ordered:
        return text
    parts: list[str] = []
    at = 0
    for start, end in ordered:
        if start >= at:
            parts += [text[at:start], REDACTED]
        at = max(at, end)
    return "".join([*parts, text[at:]])


def redact_bytes(data: bytes, clean: Callable[[str], str] = redact) -> bytes:
    """The same for the bytes of a text, in whatever encoding; the same object where there is no secret."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        text = data.decode(encoding, "surrogateescape")
        cleaned = clean(text)
        return data if cleaned is text else cleaned.encode(encoding, "surrogateescape")
    except UnicodeError:
        text = data.decode("latin-1")
        cleaned = clean(text)
        return data if cleaned is text else cleaned.encode("latin-1")


_ENCODED = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "video/mp4", "audio/wav")
"""Media types whose data is base64: there is nothing to read in it."""


def redact_tree(value: Any, clean: Callable[[str], str] = redact) -> Any:
    """Plain data (dicts, lists, strings ...) with every string in it redacted, keys too.

    A string under a name that says what it holds (``{"password": "..."}``) is judged by that name.
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {
            clean(key) if isinstance(key, str) else key: item if key in _ENCODED else _named(key, item, clean)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [redact_tree(item, clean) for item in value]
    if isinstance(value, tuple):
        return tuple(redact_tree(item, clean) for item in value)
    return value


def _named(key: Any, item: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(key, str) and isinstance(item, str):
        kind = kind_of_name(key)
        if kind is not None and is_secret_value(kind, item):
            return REDACTED
    return redact_tree(item, clean)
