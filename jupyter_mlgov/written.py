"""Files and folders that a verb writes where the user said: whole or not at all, and an error that says what to do."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from jupyter_mlgov.errors import NotWritable


def folder(path: Path, files: Mapping[PurePosixPath, bytes | None]) -> None:
    """Writes a folder whole or not at all; a name without bytes is a folder in it.

    Raises ``NotWritable``, also where something is in its place.
    """
    temporary: str | None = None
    try:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        if path.exists():
            raise NotWritable(f"{path} is there already: choose another place with -o")
        temporary = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:100]}.")
        for name, data in files.items():
            place = Path(temporary) / name
            if data is None:
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        Path(temporary).chmod(0o755)
        Path(temporary).rename(path)
    except OSError as error:
        raise NotWritable(
            f"{path} cannot be written ({error.strerror}): choose another place with -o"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def file(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all. Raises ``NotWritable``."""
    with writing(path) as opened:
        opened.write(data)


def more(path: Path, text: str) -> None:
    """Adds ``text`` to the end of a file. Raises ``NotWritable``."""
    try:
        with path.open("a", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise NotWritable(f"{path} cannot be written ({error.strerror}): choose another place") from error


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when all of it was written. Raises ``NotWritable``."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    except OSError as error:
        raise NotWritable(
            f"{path} cannot be written ({error.strerror}): choose another place with -o"
        ) from error
    try:
        with open(handle, "wb") as opened:  # noqa: PTH123 - a descriptor
            yield opened
        if path.exists() and not path.is_file():
            raise NotWritable(f"{path} is not a file: choose another place with -o")
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise NotWritable(
            f"{path} cannot be written ({error.strerror}): choose another place with -o"
        ) from error
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
