"""Lines that ``logging`` writes: its format says which part is the number of a process or a thread, or a running time."""

from __future__ import annotations

import re

from jupyter_mlgov.rerun.printed_timings import Template

_FIELD = re.compile(r"%\((\w+)\)[-+#0 ]*\d*(?:\.\d+)?[a-zA-Z]")
_MADE_UP = frozenset({"process", "thread", "created", "relativeCreated", "msecs"})
_SHAPES = {"levelname": r"[A-Z]+", "levelno": r"\d+", "lineno": r"\d+", "name": r"[\w.]+", "message": r".*"}


def template_of_log(text: str) -> Template | None:
    """Of a format that shows what is another in each run; None for any other text. It holds for all cells."""
    fields = list(_FIELD.finditer(text))
    if not any(field[1] in _MADE_UP for field in fields):
        return None
    pattern, place, count = "", 0, 0
    for field in fields:
        pattern += re.escape(text[place : field.start()])
        if field[1] in _MADE_UP:
            pattern += rf"\s*(?P<t{count}>\d+(?:\.\d+)?)"
            count += 1
        else:
            pattern += rf"\s*{_SHAPES.get(field[1], '.+?')}\s*"
        place = field.end()
    literal = 4 * len(fields) + sum(letter.isalpha() for letter in text[place:])
    return Template(rf"^{pattern}{re.escape(text[place:])}$", True, literal)
