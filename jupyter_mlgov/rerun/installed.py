"""Packages that are installed from a folder of the user's instead of copied: imports would leave the sandbox."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from urllib.parse import unquote, urlparse


def paths_into(top: Path) -> list[Path]:
    """Folders below ``top`` that an installed package is imported from, as they would stand on ``sys.path``."""
    found: dict[Path, None] = {}
    for distribution in importlib.metadata.distributions():
        folder = _editable(distribution)
        if folder is not None and folder.is_relative_to(top):
            source = folder / "src"
            found[source if source.is_dir() else folder] = None
    return list(found)


def _editable(distribution: importlib.metadata.Distribution) -> Path | None:
    text = distribution.read_text("direct_url.json")
    if not text:
        return None
    try:
        said = json.loads(text)
        if said["dir_info"].get("editable") is not True or not said["url"].startswith("file://"):
            return None
        return Path(unquote(urlparse(said["url"]).path))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
