"""Words as people type them: which are the same, and which one was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def fold(words: str) -> str:
    """``words`` as they are compared: neither capitals nor spaces make another name or role."""
    return " ".join(words.split()).casefold()


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The one of ``valid`` that is most like ``word``, or None where none is alike."""
    words = list(valid)
    typed = word.strip().lower().replace("-", "_").replace(" ", "_")[:60]
    if not typed:
        return None
    for candidate in words:
        if candidate.lower().replace("-", "_") == typed:
            return candidate
    alike = difflib.get_close_matches(typed, words, n=1, cutoff=0.55)
    if alike:
        return alike[0]
    starting = [candidate for candidate in words if len(typed) > 1 and candidate.startswith(typed)]
    return starting[0] if len(starting) == 1 else None


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """``"; did you mean high?"`` or nothing."""
    found = nearest(word, valid)
    return f"; did you mean {found}?" if found else ""
