"""What may be said to an installer: names, versions and URLs of packages, each in the form that it must have.

A record can come from a stranger. A text in it that is called a version and is something else could be an option of the
installer, or several lines of a requirements file; it never gets there.
"""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_URL = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+")
_HASH = re.compile(r"--hash=[a-z0-9_]+:[0-9a-f]+")
_PYTHON = re.compile(r"[0-9]+\.[0-9]+[0-9A-Za-z.+-]*")


def is_pinned(name: str, version: str) -> bool:
    """Whether these are a package's name and version, so that ``name==version`` is a line for an installer."""
    return _NAME.fullmatch(name) is not None and _VERSION.fullmatch(version) is not None


def is_requirement(line: str) -> bool:
    """Whether a line asks an installer for one package: a version of it, with hashes or without, or its URL."""
    name, at, url = line.partition(" @ ")
    if at:
        return _NAME.fullmatch(name) is not None and _URL.fullmatch(url) is not None
    pinned, *hashes = line.split(" ")
    name, _, version = pinned.partition("==")
    return is_pinned(name, version) and all(_HASH.fullmatch(one) for one in hashes)


def is_version_of_python(text: str) -> bool:
    """Whether this is a version as ``platform.python_version()`` says it: ``3.11.7``, ``3.14.0rc1``."""
    return _PYTHON.fullmatch(text) is not None
