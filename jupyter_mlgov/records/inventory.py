"""What is installed, exactly enough to be installed again and to be recognised when it is.

An object of its own, named by a manifest's ``inventory``: snapshots share it until something is installed. It holds
only what the installation itself says, so it costs no network and is the same whenever it is asked.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Origin(Struct, frozen=True, kw_only=True):
    """Where a distribution came from that no index served (its ``direct_url.json``).

    ``url`` is without credentials. ``commit`` and ``dirty`` are git's: of what was cloned (``vcs``), or of the checkout
    that a ``directory`` or an ``editable`` installation lies in; None where there is no git.
    """

    kind: Literal["vcs", "archive", "directory", "editable"]
    url: str
    vcs: str | None = None
    requested: str | None = None
    commit: str | None = None
    dirty: bool | None = None
    subdirectory: str | None = None
    hashes: dict[str, str] = {}


class Distribution(Struct, frozen=True, kw_only=True):
    """One installed distribution.

    ``tags`` are those of the wheel that it was installed from. ``contents`` is a digest of the names and digests of its
    files as the wheel brought them (its ``RECORD`` without what an installer adds): equal wherever the same wheel is
    installed, by whichever installer.
    """

    name: str
    version: str
    tags: tuple[str, ...] = ()
    contents: str | None = None
    installer: str = ""
    origin: Origin | None = None


class Inventory(Struct, frozen=True, kw_only=True):
    """Python and every distribution that it finds, by name. ``conda`` maps conda packages to ``version=build``."""

    python: str
    implementation: str
    machine: str
    system: str
    distributions: tuple[Distribution, ...]
    conda: dict[str, str] = {}
