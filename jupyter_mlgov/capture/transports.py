"""What comes over HTTP: the bytes of every answer are hashed as the user's code reads them.

``urllib``, ``requests``, ``httpx`` and ``aiohttp`` answer with an object that is read later, in pieces or never. Each
piece passes through a hasher on its way; what was read when a snapshot is made is what its digest covers. Answers to
anything but GET and answers that say "failed" are no data.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from jupyter_mlgov.capture.addresses import identity_of, without_credentials
from jupyter_mlgov.capture.reads import Fetched, Reads
from jupyter_mlgov.capture.wrapping import FAILED, looking_on

PIECES = ("read", "read1", "readline", "readinto")


class Passing:
    """Hashes what passes, for one answer."""

    def __init__(self, reads: Reads, uri: str) -> None:
        from jupyter_mlgov.hashing.digest import hasher

        self._state = hasher(0)
        self.bytes = 0
        self.began = False
        self._inside = False
        self.fetched = Fetched(
            without_credentials(uri), reads.cell_run, identity=identity_of(uri), passing=self
        )

    def saw(self, data: Any) -> None:
        """A piece was read."""
        self._state.update(data)
        self.bytes += len(data)
        self.began = True

    def digest(self) -> str:
        """Of all that was read until now."""
        from jupyter_mlgov.hashing.digest import named

        return named(self._state.digest())

    def through(self, method: Callable[..., Any], name: str) -> Callable[..., Any]:
        """``method`` of an answer, with what it gives passing by. One method may call another."""

        def before(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[Any], None] | None:
            if self._inside:
                return None
            self._inside = True

            def after(got: Any) -> None:
                self._inside = False
                if got is not FAILED:
                    self._note(memoryview(args[0])[:got] if name == "readinto" and got else got)

            return after

        return looking_on(method, before)

    def pieces(self, iterate: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """The same for a method that gives an iterator of pieces."""

        @functools.wraps(iterate)
        def iterating(*args: Any, **kwargs: Any) -> Iterator[Any]:
            pieces = iterate(*args, **kwargs)
            while True:
                outer, self._inside = self._inside, True
                try:
                    piece = next(pieces, FAILED)
                finally:
                    self._inside = outer
                if piece is FAILED:
                    return
                if not outer:
                    self._note(piece)
                yield piece

        return iterating

    def _note(self, got: Any) -> None:
        if isinstance(got, bytes | memoryview):
            self.saw(got)
        elif isinstance(got, str):
            self.fetched.reason = "it was read as text in pieces"


def urllib_answered(reads: Reads, request: Any, answer: Any) -> None:
    """``urllib.request.urlopen`` came back."""
    url = request if isinstance(request, str) else getattr(request, "full_url", "")
    method = "GET" if isinstance(request, str) else request.get_method()
    if method != "GET" or not str(url).lower().startswith(("http:", "https:", "ftp:")):
        return
    passing = Passing(reads, str(url))
    reads.saw_fetch(passing.fetched)
    for name in PIECES:
        if hasattr(answer, name):
            setattr(answer, name, passing.through(getattr(answer, name), name))


def requests_answered(reads: Reads, answer: Any) -> None:
    """``requests.Session.send`` came back: the content is there already unless it is streamed."""
    if answer.request.method != "GET" or not answer.ok:
        return
    url = answer.history[0].url if answer.history else answer.url
    passing = Passing(reads, url)
    reads.saw_fetch(passing.fetched)
    if answer._content_consumed:
        passing.saw(answer.content)
        return
    answer.iter_content = passing.pieces(answer.iter_content)
    if hasattr(answer.raw, "read"):
        answer.raw.read = passing.through(answer.raw.read, "read")


def httpx_answered(reads: Reads, answer: Any) -> None:
    """``httpx.Client.send``, or that of ``AsyncClient``, came back."""
    if answer.request.method != "GET" or not answer.is_success:
        return
    url = answer.history[0].request.url if answer.history else answer.request.url
    passing = Passing(reads, str(url))
    reads.saw_fetch(passing.fetched)
    if answer.is_stream_consumed or hasattr(answer, "_content"):
        passing.saw(answer.content)
    else:
        passing.fetched.reason = "its content was streamed"


_READ: weakref.WeakSet[Any] = weakref.WeakSet()
"""Answers of aiohttp that were read: each gives its content as often as it is asked."""


def aiohttp_read(reads: Reads, answer: Any, content: bytes) -> None:
    """``aiohttp.ClientResponse.read`` came back; ``text`` and ``json`` call it."""
    if answer.method != "GET" or not answer.ok or answer in _READ:
        return
    _READ.add(answer)
    passing = Passing(reads, str(answer.history[0].url if answer.history else answer.url))
    reads.saw_fetch(passing.fetched)
    passing.saw(content)
