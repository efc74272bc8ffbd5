"""Numbers and ids that a cell's own code makes up: noise in its output, and in no other's.

The text alone does not tell an object's address in decimal from a result of 15 digits; the code that printed it does.
"""

from __future__ import annotations

import re

OBJECT_IDS = (0x5000_0000_0000, 0x7FFF_FFFF_FFFF)
"""Where objects lie on 64-bit machines: what ``id()`` gives, in decimal."""

_INTEGER = re.compile(r"\b\d{14,15}\b")
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b[0-9a-f]{32}\b", re.IGNORECASE)


_ASKS_GIT = re.compile(r"\bgit\b\W+(?:-\S+\W+)*(?:rev-parse|describe|log|show)\b|\bhexsha\b")
_COMMIT = re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,40}\b")


def mask_called(text: str, source: str) -> str:
    """Masks what the cell's own code (``source``) makes up: ``id(x)`` and where arrays lie, in decimal, ``uuid4()``."""
    if re.search(r"\bid\(|__array_interface__|\.ctypes\.data\b|\bdata_ptr\(", source):
        text = _INTEGER.sub(
            lambda found: "<id>" if OBJECT_IDS[0] <= int(found[0]) <= OBJECT_IDS[1] else found[0], text
        )
    if re.search(r"\buuid[14]\(", source):
        text = _UUID.sub("<id>", text)
    if _ASKS_GIT.search(source):
        text = _COMMIT.sub("<commit>", text)
    return _mask_echoed(text, source) if "$" in source else text


_ECHO = re.compile(r"\becho\s+(?:-[neE]+\s+)?([^\n;&|>]*)")
_ECHOED = re.compile(r"\$\$|\$\{?(?:BASHPID|PPID)\b\}?")
_EXPANDED = re.compile(r"\$\{[^}]*\}|\$\([^)]*\)|\$\w+|\{\w+\}")


def _mask_echoed(text: str, source: str) -> str:
    """Masks the numbers of processes where a shell's ``echo $$`` puts them, on the lines that read as the rest of it."""
    for found in _ECHO.finditer(source):
        before = source[source.rfind("\n", 0, found.start()) + 1 : found.start()]
        quote = next(
            (sign for sign in "'\"" if before.count(sign) % 2), None
        )  # a command in a string of Python's
        said = found[1].partition(quote)[0] if quote else found[1]
        parts = _ECHOED.split(re.sub(r"['\"]", "", said).strip())
        if len(parts) < 2:
            continue
        around = [".*?".join(re.escape(word) for word in _EXPANDED.split(part)) for part in parts]
        line = r"^[ \t]*" + r"(\d{1,7})".join(around) + r"[ \t]*$"
        text = re.sub(line, _numbered, text, flags=re.MULTILINE)
    return text


def _numbered(match: re.Match[str]) -> str:
    whole, start = match[0], match.start()
    for group in range(match.re.groups, 0, -1):
        whole = whole[: match.start(group) - start] + "<pid>" + whole[match.end(group) - start :]
    return whole
