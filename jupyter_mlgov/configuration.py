"""``mlgov.toml``: the settings of one project, beside its ``.mlgov`` folder.

Each room declares its own section as a frozen struct with defaults; here the file is read and checked. A file that
is absent, or a section that is, means the defaults.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.decoding import converted

NAME = "mlgov.toml"
LIMIT = 1_000_000
"""Bytes past which the file is refused: settings are short."""

Section = TypeVar("Section", bound=msgspec.Struct)

_read: dict[Path, tuple[tuple[int, int], dict[str, Any]]] = {}


def section(root: Path, name: str, kind: type[Section]) -> Section:
    """The section ``[name]`` of the project at ``root``. Raises ``UsageError`` naming the file and the field.

    ``kind`` should forbid unknown fields, so that a misspelt setting is told.
    """
    path = root / NAME
    try:
        return converted(_settings(path).get(name, {}), kind)
    except msgspec.ValidationError as error:
        fields = ", ".join(field.encode_name for field in msgspec.structs.fields(kind))
        why = str(error).replace("$.", "").replace(" - at `$`", "")
        raise UsageError(f"{path}: [{name}]: {why}; the settings are {fields}") from error


def table(root: Path, name: str) -> dict[str, Any]:
    """The section ``[name]`` where its keys are the user's own. Raises ``UsageError`` where it is none."""
    found = _settings(root / NAME).get(name, {})
    if not isinstance(found, dict):
        raise UsageError(f"{root / NAME}: {name} is {found!r}: write a section [{name}]")
    return found


def _settings(path: Path) -> dict[str, Any]:
    try:
        state = path.stat()
        key = (state.st_mtime_ns, state.st_size)
        known = _read.get(path)
        if known is not None and known[0] == key:
            return known[1]
        if state.st_size > LIMIT:
            raise UsageError(f"{path} has {state.st_size} bytes: settings have at most {LIMIT}")
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from error
    _read[path] = (key, found)
    return found


def cache_folder() -> Path:
    """Where this user keeps what can be made again, for all projects: ``MLGOV_CACHE``, else the user's cache."""
    told = os.environ.get("MLGOV_CACHE")
    if told:
        return Path(told)
    import platformdirs

    return Path(platformdirs.user_cache_dir("mlgov", appauthor=False))
