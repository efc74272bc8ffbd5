"""Streams that nobody reads any more (``mlgov log | head``): what is printed there is lost, and the answer stands."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def read_or_not(stream: TextIO) -> Iterator[None]:
    """Whatever is printed to ``stream`` in here is lost where its reader went away, and all that follows too."""
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say(text: str, stream: TextIO) -> None:
    """Prints a line, where somebody reads it."""
    with read_or_not(stream):
        print(text, file=stream, flush=True)
