"""The secrets that this kernel knows, taken out wherever their values turn up.

A form (``records.secret_forms``) finds a secret where it is written down as one: ``password = "..."`` in a cell. The same
value is then printed, stands in a traceback between colour codes, in a URL, in a model's parameters, where nothing says
what it is. So values are learnt: from the code, and from environment variables whose name says that they hold one. What
has been learnt is redacted in everything that is recorded from then on.
"""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from jupyter_mlgov.capture.ordinary_words import is_module, names_in, where_it_is_no_name
from jupyter_mlgov.records.decoding import converted
from jupyter_mlgov.records.secret_forms import Kind, is_bare_secret, is_secret_value, kind_of_name
from jupyter_mlgov.records.secrets import REDACTED, find_secrets, redact_bytes, redact_tree, replace

T = TypeVar("T")

_COMMON = frozenset(
    {"admin", "administrator", "anonymous", "guest", "jupyter", "localhost", "mysql", "oracle", "postgres", "public",
     "python", "root", "sqlite", "username", "development", "production", "staging", "testing", "disabled", "enabled",
     "internal", "external", "notebook"}
)  # fmt: skip
"""Values that are too ordinary to be taken out wherever they stand."""

_SHORTEST = 6
_LONG = 16
"""Characters from which a value is taken out even inside a longer word."""

_EDGE = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))"
"""Where a word begins: also after a quoted character of a URL (``%3A``) or of JSON (``\\n``)."""

_DIGEST = re.compile(rb'"blake3:[0-9a-f]{64}"')
"""A string in JSON that is a digest and nothing else."""

_LOOKED_AT = 50_000
"""Variables, and entries of dictionaries in them, that are looked at for secrets."""
_ENTRIES = 1_000
"""Entries of one dictionary."""
_DEPTH = 4
_LONGEST = 10_000

_REMEMBERED = 5_000
_REMEMBERED_TEXT = 20_000_000
"""Characters of them."""
_LONG_TEXT = 100_000

_EXPRESSIONS = 100
"""Sets of values whose expressions are remembered."""

_NO_SECRETS = frozenset({"PWD", "OLDPWD", "GPG_KEY", "SSH_AUTH_SOCK", "TERM_SESSION_ID"})
"""Environment variables whose names only look as if."""


def is_secret_variable(name: str) -> bool:
    """Whether an environment variable's name says that its value is a secret."""
    return name.upper() not in _NO_SECRETS and kind_of_name(name) is not None


@lru_cache(maxsize=100_000)
def _kind_of_variable(name: str) -> Kind | None:
    return kind_of_name(name)


class Secrets:
    """What one kernel knows to be secret."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._environment: dict[str, str] = {}
        self._read: set[int] = set()
        self._names: set[str] = set()
        """Names in the code that was read."""
        self._known_as: dict[frozenset[str], list[re.Pattern[str]]] = {}
        """What finds the values that stand in a text."""
        self._learnt = 0
        self._remembered = 0
        self._clean: dict[str, str] = {}
        """Texts that come again at every snapshot (cells that ran) with what became of them."""

    @property
    def known(self) -> int:
        """Grows with each value that is learnt, and where one turns out to be a name of the code."""
        return self._learnt

    # -- learning ----------------------------------------------------------------------------------------

    def learn(self, texts: Iterable[str]) -> None:
        """Takes in the secrets that are written down in ``texts``; a text that was read before is passed over."""
        for text in texts:
            key = hash(text)
            if key in self._read:
                continue
            self._read.add(key)
            names = set(names_in(text)) - self._names
            self._names |= names
            if not names.isdisjoint(self._values):
                self._changed()
            for start, end, kind in find_secrets(text):
                self._add(kind, text[start:end])

    def learn_environment(self, variables: Mapping[str, str] | None = None) -> None:
        """Takes in the values of environment variables that are named as secrets, and secrets in any of them."""
        for name, value in (os.environ if variables is None else variables).items():
            if self._environment.get(name) == value:
                continue
            self._environment[name] = value
            kind = kind_of_name(name) if is_secret_variable(name) else None
            if kind is not None and (is_secret_value(kind, value) or is_bare_secret("password", value)):
                self._add(kind, value)
            for start, end, found in find_secrets(value):
                self._add(found, value[start:end])

    def learn_variables(self, variables: Iterable[tuple[str, Any]]) -> None:
        """Takes in what the notebook's variables hold that are named as secrets, and what stands under such names in its
        plain dictionaries: what was typed into a prompt or read from a file is in no code."""
        left = _LOOKED_AT
        for name, value in islice(variables, _LOOKED_AT):
            if type(value) is str:
                kind = _kind_of_variable(name)
                if kind is not None and len(value) <= _LONGEST and is_secret_value(kind, value):
                    self._add(kind, value)
            elif type(value) is dict:
                left = self._learn_settings(value, left)

    def _learn_settings(self, settings: dict[Any, Any], left: int) -> int:
        """Of one dictionary and those in it; gives how many more entries may be looked at."""
        within: list[tuple[Any, int]] = [(settings, 0)]
        while within and left > 0:
            held, depth = within.pop()
            items = held.items() if type(held) is dict else enumerate(held)
            try:
                for key, value in islice(items, min(left, _ENTRIES)):
                    left -= 1
                    if type(value) in (dict, list) and depth < _DEPTH:
                        within.append((value, depth + 1))
                    elif type(key) is str and type(value) is str and len(value) <= _LONGEST:
                        kind = _kind_of_variable(key)
                        if kind is not None and is_bare_secret(kind, value):
                            self._add(kind, value)
            except RuntimeError:  # a thread of the user's changes it meanwhile
                continue
        return left

    def _add(self, kind: Kind, value: str) -> None:
        values = [value]
        if kind == "pem":
            # A traceback may show some lines of a key without its head.
            values = [line for line in re.split(r"\s+|\\n", value) if len(line) >= 40]
        for one in values:
            one = one.strip()
            if len(one) < _SHORTEST or one.lower() in _COMMON or one in self._values or one == REDACTED:
                continue
            if is_module(one):
                continue
            self._values |= {
                one,
                quote(one, safe=""),
                html.escape(one),
                json.dumps(one)[1:-1],
                json.dumps(one, ensure_ascii=False)[1:-1],
                repr(one)[1:-1],
            }
            self._changed()

    def _changed(self) -> None:
        self._learnt += 1
        self._known_as.clear()
        self._clean.clear()

    # -- redacting ---------------------------------------------------------------------------------------

    def redact(self, text: str) -> str:
        """``text`` without secrets, by form and by value; the same object where there is none."""
        clean = self._clean.get(text)
        if clean is None:
            clean = self._known(replace(text, find_secrets(text)))
            if clean == text:
                clean = text
            if len(self._clean) > _REMEMBERED or self._remembered > _REMEMBERED_TEXT:
                self._clean.clear()
                self._remembered = 0
            if len(text) < _LONG_TEXT:
                self._clean[text] = clean
                self._remembered += len(text) if clean is text else len(text) + len(clean)
        return text if clean == text else clean

    def redact_bytes(self, data: bytes) -> bytes:
        """The same for the bytes of a text; the same object where there is none."""
        return redact_bytes(data, self.redact)

    def redact_tree(self, value: Any) -> Any:
        """The same for every string in plain data."""
        return redact_tree(value, self.redact)

    def redact_json(self, data: bytes) -> bytes:
        """The same for a JSON document, string by string: inside it they are written with escapes."""
        if not self._holds_json(data.decode("utf-8", "replace")):
            return data
        tree = json.loads(data)
        clean = self.redact_tree(tree)
        if clean == tree:
            return data
        return json.dumps(clean, ensure_ascii=False, sort_keys=True, indent=1).encode(
            "utf-8", "backslashreplace"
        )

    def redact_record(self, record: T) -> T:
        """A record (a struct) without secrets; the same object where there is none."""
        if not self.holds(record):
            return record
        return converted(self.redact_tree(msgspec.to_builtins(record)), type(record))

    def holds(self, record: Any) -> bool:
        """Whether plain data or structs may hold a secret."""
        # Most of a manifest is digests, more with every cell that runs: there is nothing to find in them.
        text = _DIGEST.sub(b'""', msgspec.json.encode(record))
        return self._holds_json(text.decode("utf-8", "replace"))

    def _holds_json(self, text: str) -> bool:
        """Whether JSON may hold a secret: one look at the whole is cheaper than one at each of its strings."""
        plain = text.replace("\\n", "\n")
        return replace(plain, find_secrets(plain)) is not plain or self._known(text) is not text

    def _known(self, text: str) -> str:
        if not self._values:
            return text
        present = frozenset(value for value in self._values if value in text)
        if not present:
            return text
        # Of thousands that are known few stand in one text, and an expression tries each of its words at each place.
        expressions = self._known_as.get(present)
        if expressions is None:
            if len(self._known_as) >= _EXPRESSIONS:
                self._known_as.clear()
            expressions = self._known_as[present] = _expressions(present, self._names)
        for expression in expressions:
            text = expression.sub(rf"\g<1>{REDACTED}" if expression.groups else REDACTED, text)
        return text


def _expressions(values: frozenset[str], names: set[str]) -> list[re.Pattern[str]]:
    """What finds ``values`` wherever they stand, but for those that are ``names`` of the code."""
    anywhere = sorted(values - names, key=len, reverse=True)
    found = []
    if anywhere:
        found.append(
            re.compile(
                "|".join(
                    re.escape(word) if len(word) >= _LONG else rf"{_EDGE}{re.escape(word)}(?![A-Za-z0-9])"
                    for word in anywhere
                )
            )
        )
    found += [re.compile(where_it_is_no_name(word)) for word in sorted(values & names)]
    return found
