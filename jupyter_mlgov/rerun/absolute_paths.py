"""Absolute paths in a notebook's code, led into a sandbox.

A run on what was recorded has to read the recorded content also where the code names a file of the project, or a file
beside it, by an absolute path: the text in the code is replaced by the path that stands for it in the sandbox, which
records are free of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlgov.capture.names import names_of
from jupyter_mlgov.records.manifest import Input, Manifest
from jupyter_mlgov.rerun.code_form import python_of

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store


def texts_to(item: Input, texts: Iterable[str], root: Path) -> tuple[str, ...]:
    """Of the absolute paths in the code (``texts``) those that lead to an input: its own, or that of a folder above it."""
    if "://" in item.uri or item.uri.startswith("package:"):
        return ()
    path = PurePosixPath(root, item.place())
    return tuple(text for text in texts if path.is_relative_to(text))


def absolute_texts(manifest: Manifest, store: Store) -> tuple[str, ...]:
    """The strings in the recorded code that are absolute paths, the longest first."""
    found: dict[str, None] = {}
    for cell in manifest.notebook.cells:
        if cell.type == "code" and cell.runs:
            source = store.get(cell.source).decode("utf-8", "replace")
            found |= dict.fromkeys(text for text in names_of(python_of(source)).texts if _is_path(text))
    return tuple(sorted(found, key=len, reverse=True))


def _is_path(text: str) -> bool:
    return text.startswith("/") and "\n" not in text and len(PurePosixPath(text).parts) > 1


def led_into(document: bytes, places: dict[str, str]) -> bytes:
    """The notebook with other paths for those of ``places``, where they stand in its code as strings."""
    if not places:
        return document
    notebook = json.loads(document)
    for cell in notebook.get("cells", []):
        source = cell.get("source", "")
        text = "".join(source) if isinstance(source, list) else source
        if cell.get("cell_type") == "code" and isinstance(text, str):
            for path, place in places.items():
                for quote in "'\"":
                    for end in (quote, f"/{quote}"):
                        text = text.replace(f"{quote}{path}{end}", f"{quote}{place}{end}")
            cell["source"] = text
    return json.dumps(notebook).encode()
