"""Which snapshots somebody is looking for, written as one types it into a search box.

Words stand side by side and all have to hold. A word is a bound on a metric (``auc>=0.8``, ``loss<0.1``), a
field and what it contains (``author:anna``, ``notebook:mortgage``, ``experiment:forest``, ``verdict:diverged``,
``status:error``, ``kpis:met``, ``tag:candidate``), or a piece of text that any field may contain. Quotes keep words
together. Nothing that can be typed is an error: what is no bound and no field is text.
"""

from __future__ import annotations

import operator
import re
import shlex
from collections.abc import Callable, Iterable

from msgspec import Struct

from jupyter_mlgov.records.canonical import number
from jupyter_mlgov.store.listing import LogEntry

_BOUND = re.compile(r"(?P<metric>[^<>=!]+)(?P<op>>=|<=|!=|==|=|>|<)(?P<target>[+-]?[0-9.][0-9.eE+-]*)")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_KPIS = {True: "met", False: "missed", None: "unknown"}
_FIELDS: dict[str, Callable[[LogEntry], str]] = {
    "author": lambda entry: entry.author,
    "experiment": lambda entry: entry.experiment,
    "notebook": lambda entry: entry.notebook,
    "message": lambda entry: entry.message,
    "status": lambda entry: entry.status,
    "verdict": lambda entry: entry.verdict or "never",
    "kpis": lambda entry: _KPIS[entry.kpis_met],
    "tag": lambda entry: "\n".join(entry.tags),
}


class Selection(Struct, frozen=True):
    """A search, read once. An empty one selects everything."""

    bounds: tuple[tuple[str, str, float], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = ()

    @classmethod
    def of(cls, query: str) -> Selection:
        """The search that ``query`` means."""
        bounds: list[tuple[str, str, float]] = []
        fields: list[tuple[str, str]] = []
        texts: list[str] = []
        for word in _words(query):
            name, colon, value = word.partition(":")
            bound = _bound(word)
            if bound is not None:
                bounds.append(bound)
            elif colon and value and name.lower() in _FIELDS:
                fields.append((name.lower(), value.casefold()))
            else:
                texts.append(word.casefold())
        return cls(tuple(bounds), tuple(fields), tuple(texts))

    def matches(self, entry: LogEntry) -> bool:
        """Whether every word holds for ``entry``. A metric that it lacks, or that is no number, meets no bound."""
        for metric, op, target in self.bounds:
            value = number(entry.metrics.get(metric))
            if value is None or not _OPERATORS[op](value, target):
                return False
        if any(wanted not in _FIELDS[name](entry).casefold() for name, wanted in self.fields):
            return False
        return not self.texts or _contains(entry, self.texts)

    def of_these(self, entries: Iterable[LogEntry]) -> list[LogEntry]:
        """Those of ``entries`` that match, in their order."""
        if self == Selection():
            return list(entries)
        return [entry for entry in entries if self.matches(entry)]


def _words(query: str) -> list[str]:
    # Blanks around an operator are part of no word: "auc >= 0.8" is one bound.
    query = re.sub(r"\s*(>=|<=|!=|==|=|>|<)\s*", r"\1", query.replace("\\", "\\\\"))
    try:
        return shlex.split(query, posix=True)
    except ValueError:
        return query.split()


def _bound(word: str) -> tuple[str, str, float] | None:
    match = _BOUND.fullmatch(word)
    if match is None:
        return None
    try:
        return match["metric"], match["op"], float(match["target"])
    except ValueError:
        return None


def _contains(entry: LogEntry, texts: tuple[str, ...]) -> bool:
    number = "" if entry.number is None else f"#{entry.number} {entry.experiment}@{entry.number}"
    parts = (entry.experiment, entry.message, entry.notebook, entry.author, number, *entry.tags)
    whole = "\n".join(parts).casefold()
    return all(text in whole or (len(text) >= 6 and entry.id.startswith(text)) for text in texts)
