"""Source distributions from PyPI, as files: pip would build their metadata, and some need a compiler for that."""

from __future__ import annotations

import hashlib
import json
import os
import urllib.request
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "jupyter-mlgov-bench"
INDEX = "https://pypi.org/simple"


def fetch_sdist(package: str, version: str | None = None, *, folder: Path = CACHE) -> Path:
    """The sdist of a version (the newest without one), in ``folder``. Raises ``OSError`` where it cannot be had."""
    known = sorted(folder.glob(f"{package}-{version or '*'}.tar.gz"))
    if known:
        return known[-1]
    listed = json.loads(_get(f"{INDEX}/{package}/", accept="application/vnd.pypi.simple.v1+json"))["files"]
    sdists = {one["filename"].removesuffix(".tar.gz").rpartition("-")[2]: one for one in listed
              if one["filename"].endswith(".tar.gz")}  # fmt: skip
    newest = version or max(filter(_is_release, sdists), key=Version, default="")
    if newest not in sdists:
        raise FileNotFoundError(f"PyPI has no sdist of {package} {version or ''}".rstrip())
    told: dict[str, Any] = sdists[newest]
    content = _get(told["url"])
    if hashlib.sha256(content).hexdigest() != told["hashes"]["sha256"]:
        raise OSError(f"{told['filename']} is not what PyPI says it is: fetch it again")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / told["filename"]
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
    return path


def _is_release(version: str) -> bool:
    try:
        return not Version(version).is_prerelease
    except InvalidVersion:  # the last part of a name of long ago: "statsmodels-0.5.0-rc1"
        return False


def _get(url: str, *, accept: str = "*/*") -> bytes:
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"Accept": accept}), timeout=120
    ) as answer:
        content: bytes = answer.read()
    return content
