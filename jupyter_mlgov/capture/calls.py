"""What a call of a wrapped reader says: which paths, which mode, which query of which connection.

Each function here looks at the arguments before the call, tells the listener, and may give a function that is handed
the result. None raises: what is odd about an argument is for the reader itself to say.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

from jupyter_mlgov.capture import audit
from jupyter_mlgov.capture.addresses import address_of, identity_of, innermost, is_remote, without_credentials
from jupyter_mlgov.capture.reads import Fetched, Reads, Table, describe
from jupyter_mlgov.capture.wrapping import FAILED, After, Before

_FIRST = (
    "path", "filepath_or_buffer", "path_or_buf", "io", "filename", "filename_or_obj", "file", "source", "sources",
    "fname", "paths", "path_or_paths", "where", "table_uri", "uri", "urlpath", "store", "database", "name", "data",
    "input_file", "file_glob", "path_or_buffer", "model_file",
)  # fmt: skip
"""What libraries call the parameter that says what is read."""
MOST = 10_000
WITHIN_S = 2.0
"""Seconds that a table may take to be described while the cell that read it waits."""
OBJECTS = 2_000_000
"""Python objects that are looked at in what came from elsewhere: what can be in that time."""
_STRINGS = re.compile(r"'((?:[^']|'')+)'|\"((?:[^\"]|\"\")+)\"")
_TARGET = re.compile(r"\bto\s+$", re.IGNORECASE)
_asking = threading.local()


def _told(heard: Callable[[Any, tuple[Any, ...], dict[str, Any]], After | None]) -> Before:
    """A ``Before`` that does nothing where nobody listens, and never raises."""

    def before(args: tuple[Any, ...], kwargs: dict[str, Any]) -> After | None:
        listener = audit.listener()
        if listener is None:
            return None
        try:
            return heard(listener, args, kwargs)
        except Exception:  # noqa: BLE001 - what the reader itself says about its arguments is the user's to see
            return None

    return before


# -- files -----------------------------------------------------------------------------------------------------------


def _read(listener: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> After | None:
    after: After | None = None
    for text in _paths(_first(args, kwargs)):
        if is_remote(text):
            after = _coming_back(listener, text)
        else:
            listener.called(_plain(text))
    return after


def _gave(listener: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> After | None:
    """As ``_read``; where one file is read that no table can be found in later, the table that comes back is described."""
    came = _read(listener, args, kwargs)
    if came is not None or getattr(_asking, "table", False):
        return came
    paths = list(_paths(_first(args, kwargs)))
    from jupyter_mlgov.hashing.table_files import table_suffix

    if len(paths) != 1 or table_suffix(paths[0]) not in (None, ".zip") or is_remote(paths[0]):
        return None
    path = os.path.abspath(_plain(paths[0]))
    _asking.table = True

    def after(result: Any) -> None:
        _asking.table = False
        if result is FAILED:
            return
        with contextlib.suppress(Exception), audit.unseen():
            # pyreadstat gives the table and what is known about it.
            table = describe(result[0] if type(result) is tuple and result else result, within=WITHIN_S)
            if table is not None and table.columns is not None:
                listener.gave(path, table)

    return after


def _opened(listener: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> After | None:
    mode = kwargs.get("mode", args[1] if len(args) > 1 else "r")
    for text in _paths(_first(args, kwargs)):
        if is_remote(text):
            return _coming_back(listener, text)
        path = _plain(text)
        if (isinstance(mode, str) and mode[:1] in ("w", "x")) or not os.path.exists(path):
            path = os.path.abspath(path)
            listener.changing(path)
            listener.written(path)
        else:
            listener.called(path)
            if isinstance(mode, str) and (mode[:1] == "a" or "+" in mode):
                listener.changing(os.path.abspath(path))
    return None


def _written(listener: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    for text in _paths(_first(args, kwargs)):
        if not is_remote(text):
            path = os.path.abspath(_plain(text))
            listener.changing(path)
            listener.written(path)


def _model_file(listener: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    for text in _paths(kwargs.get("model_file", args[2] if len(args) > 2 else None)):
        listener.called(_plain(text))


read = _told(_read)
read_table = _told(_gave)
"""Read by a function that gives a table."""
read_by = _told(lambda listener, args, kwargs: _read(listener, args[1:], kwargs))
"""The same for a method: its first argument is the object."""
opened = _told(_opened)
"""Opened in a ``mode`` that says whether it is read."""
opened_by = _told(lambda listener, args, kwargs: _opened(listener, args[1:], kwargs))
written_by = _told(lambda listener, args, kwargs: _written(listener, args[1:], kwargs))
model_file = _told(_model_file)


def written_at(place: int) -> Before:
    """Written to the argument at ``place``."""
    return _told(lambda listener, args, kwargs: _written(listener, args[place:], kwargs))


# -- databases -------------------------------------------------------------------------------------------------------


def _sql(listener: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    text = args[0] if args else kwargs.get("query")
    if not isinstance(text, str) or len(text) > 1_000_000:
        return
    for found in _STRINGS.finditer(text):
        named = (found[1] or found[2]).replace("''", "'")
        if _TARGET.search(text[: found.start()]):
            listener.written(os.path.abspath(_plain(named)))
        elif is_remote(named):
            listener.fetched(
                Fetched(
                    without_credentials(named),
                    -1,
                    query=text,
                    reason="read by DuckDB: not hashed",
                    identity=identity_of(named),
                )
            )
        elif "." in named or "/" in named:
            listener.called(_plain(named), query=text)


sql = _told(_sql)
"""DuckDB's SQL names files in quotes."""
sql_of = _told(lambda listener, args, kwargs: _sql(listener, args[1:], kwargs))


def _asked(listener: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> After | None:
    if getattr(_asking, "now", False):
        return None
    query = str(
        next(
            (kwargs[name] for name in ("sql", "query", "table_name") if name in kwargs),
            args[0] if args else "",
        )
    )
    connection = next(
        (kwargs[name] for name in ("con", "connection", "uri") if name in kwargs),
        args[1] if len(args) > 1 else None,
    )
    with audit.unseen():
        path, uri = address_of(connection)
    if path is not None:
        path = audit.database_file(path)
    if path is None and uri is None:
        _files_of(listener, query, connection)
        return None
    _asking.now = True

    def after(result: Any) -> None:
        _asking.now = False
        if result is FAILED:
            return
        with contextlib.suppress(Exception), audit.unseen():
            table = _came_back(result)
            if path is not None:
                listener.called(path, query=query, table=table)
            else:
                fetched = Fetched(uri or "", -1, query=query)
                listener.fetched(_holding(fetched, table, "read in chunks: not hashed"))

    return after


def _files_of(listener: Any, query: str, connection: Any) -> None:
    """A query to a DuckDB database in memory names files."""
    if type(connection).__module__.partition(".")[0] in ("duckdb", "_duckdb"):
        _sql(listener, (query,), {})


asked = _told(_asked)


# -- the network -----------------------------------------------------------------------------------------------------


def _coming_back(listener: Any, address: str) -> After:
    def after(result: Any) -> None:
        if result is FAILED:
            return
        with contextlib.suppress(Exception), audit.unseen():
            fetched = Fetched(without_credentials(address), -1, identity=identity_of(address))
            listener.fetched(_holding(fetched, _came_back(result), "read later or in pieces: not hashed"))

    return after


def _came_back(result: Any) -> Table | None:
    """A table from elsewhere, described now: it is nowhere else."""
    return describe(result, within=WITHIN_S, objects=OBJECTS)


def _holding(fetched: Fetched, table: Table | None, otherwise: str) -> Fetched:
    fetched.table = table
    if table is None:
        fetched.reason = otherwise
    elif table.digest is None:
        fetched.reason = f"not hashed while the cell waited: {table.reason}"
    else:
        fetched.digest = table.digest
    return fetched


def _answered(name: str) -> Before:
    def heard(listener: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> After | None:
        reads: Reads | None = getattr(listener, "reads", None)
        if reads is None or getattr(_asking, "answer", False):
            return None
        _asking.answer = True

        def after(answer: Any) -> None:
            _asking.answer = False
            if answer is FAILED:
                return
            with contextlib.suppress(Exception):
                from jupyter_mlgov.capture import transports

                if name == "urllib":
                    data = kwargs.get("data", args[2] if len(args) > 2 else None)
                    if data is None:
                        transports.urllib_answered(
                            reads, args[1] if len(args) > 1 else kwargs["fullurl"], answer
                        )
                elif name == "requests":
                    transports.requests_answered(reads, answer)
                else:
                    transports.httpx_answered(reads, answer)

        return after

    return _told(heard)


def _awaited(name: str) -> Before:
    """The same for a coroutine, of which many may run in one thread at once."""

    def heard(listener: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> After | None:
        reads: Reads | None = getattr(listener, "reads", None)
        if reads is None:
            return None

        def after(answer: Any) -> None:
            if answer is FAILED:
                return
            with contextlib.suppress(Exception):
                from jupyter_mlgov.capture import transports

                if name == "httpx":
                    transports.httpx_answered(reads, answer)
                else:
                    transports.aiohttp_read(reads, args[0], answer)

        return after

    return _told(heard)


urlopen = _answered("urllib")
requests_send = _answered("requests")
httpx_send = _answered("httpx")
httpx_send_async = _awaited("httpx")
aiohttp_read = _awaited("aiohttp")


# -- arguments -------------------------------------------------------------------------------------------------------


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if args:
        return args[0]
    return next((kwargs[name] for name in _FIRST if name in kwargs), None)


def _paths(value: Any) -> Iterator[str]:
    if isinstance(value, str | bytes | os.PathLike):
        text = os.fsdecode(value)
        if text and "\n" not in text and ":memory:" not in text and len(text) < 4096:
            yield text
    elif isinstance(value, list | tuple):
        for item in value[:MOST]:
            if isinstance(item, str | bytes | os.PathLike):
                yield from _paths(item)


def _plain(text: str) -> str:
    """The path of what is no remote address."""
    text = innermost(text)
    for scheme in ("file://", "local://"):
        text = text[len(scheme) :] if text[: len(scheme)].lower() == scheme else text
    return os.path.expanduser(text)
