"""Where remote content comes from, written down without credentials.

User names, passwords and tokens are part of many URLs. What is recorded names the place, not who asked: the user
part is taken out, and so is the value of every parameter whose name says that it holds a secret.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://")
_SECRET = re.compile(
    r"token|secret|passw|pwd|signature|credential|api-?_?key|access-?_?key|auth|session|^sig$|^key$|^se$|^sp$|^sv$|^st$",
    re.IGNORECASE,
)


_LOCAL = re.compile(r"(?:file|local)://", re.IGNORECASE)


def is_remote(text: str) -> bool:
    """True for ``scheme://...``, except ``file://`` and what fsspec finds inside a file (``zip://a.csv::b.zip``)."""
    place = innermost(text)
    return bool(_REMOTE.match(place)) and not _LOCAL.match(place)


def innermost(text: str) -> str:
    """Where fsspec starts to read: ``b.zip`` for ``zip://a.csv::b.zip``."""
    return text.rpartition("::")[2] if "::" in text and "://" in text else text


def without_credentials(uri: str) -> str:
    """``uri`` without user, password and secret parameters. Text that is no URI comes back redacted."""
    from jupyter_mlgov.records.secrets import REDACTED, redact

    try:
        parts = urlsplit(uri)
        host = parts.netloc.rpartition("@")[2]
        query = parts.query
        if query:
            pairs = parse_qsl(query, keep_blank_values=True)
            if any(_SECRET.search(name) for name, _ in pairs):
                query = "&".join(
                    f"{quote(name)}={REDACTED if _SECRET.search(name) else quote(value)}"
                    for name, value in pairs
                )
    except ValueError:
        return redact(uri)
    return redact(urlunsplit((parts.scheme, host, parts.path, query, "")))


def address_of(connection: Any) -> tuple[str | None, str | None]:
    """``(file, None)`` for a connection to a database file, ``(None, uri)`` for one to a server.

    Both None for a database in memory and for what is no connection that is known. Nothing is sent to it, except
    that SQLite and DuckDB say which file they have open.
    """
    if isinstance(connection, str):
        return _address_of_uri(connection)
    library = type(connection).__module__.partition(".")[0]
    if library == "sqlalchemy":
        url = getattr(getattr(connection, "engine", None) or getattr(connection, "bind", None), "url", None)
        return _address_of_uri(url.render_as_string(hide_password=True)) if url is not None else (None, None)
    if library in ("sqlite3", "_sqlite3"):
        return _attached(connection.execute("PRAGMA database_list").fetchall()), None
    if library in ("duckdb", "_duckdb"):
        return _attached(connection.cursor().execute("PRAGMA database_list").fetchall()), None
    for read in (_psycopg, _other):
        uri = read(connection, library)
        if uri:
            return None, uri
    return None, None


def _address_of_uri(uri: str) -> tuple[str | None, str | None]:
    scheme, _, rest = uri.partition("://")
    if scheme.partition("+")[0] in ("sqlite", "duckdb"):
        name = rest.partition("?")[0]
        name = name.removeprefix("/") if scheme.startswith(("sqlite", "duckdb")) else name
        return (name or None) if name != ":memory:" else None, None
    return (None, without_credentials(uri)) if is_remote(uri) else (None, None)


def _attached(rows: list[tuple[Any, ...]]) -> str | None:
    return next((str(row[2]) for row in rows if row[2] and row[1] != "temp"), None)


def _psycopg(connection: Any, library: str) -> str | None:
    info = getattr(connection, "info", None)
    host, name = getattr(info, "host", None), getattr(info, "dbname", None)
    if not isinstance(name, str):
        return None
    port = getattr(info, "port", None)
    return f"postgresql://{host or 'localhost'}{f':{port}' if port else ''}/{name}"


def _other(connection: Any, library: str) -> str | None:
    host = getattr(connection, "host", None)
    name = getattr(connection, "db", None) or getattr(connection, "database", None)
    name = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    if not isinstance(host, str):
        return None
    return f"{library}://{host}/{name if isinstance(name, str) else ''}"
