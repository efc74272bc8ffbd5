"""Where remote content comes from, written down without credentials.

User names, passwords and tokens are part of many URLs. What is recorded names the place, not who asked: the user
part is taken out, and so is the value of every parameter whose name says that it holds a secret.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from jupyter_mlgov.capture import audit

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://")
_SECRET = re.compile(
    r"secret|passw|passphrase|pwd|signature|credential|api-?_?key|access-?_?key|"
    r"(?<![a-z])(?:auth|authorization|session|session-?_?id|sess-?_?id)(?![a-z])|tokens?(?![a-z])|sessionid|sessid|"
    r"^sig$|^key$",
    re.IGNORECASE,
)
"""Names of parameters whose values are nobody's business: ``auth``, not ``author``."""
_OF_A_SIGNATURE = frozenset({"se", "sp", "sv", "st"})
"""When and for what a signature of Azure's holds, where there is one (``sig``). Elsewhere ``st`` may be a state."""


_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
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
            names = [name for name, _ in pairs]
            secret = {name for name in names if _SECRET.search(_HUMP.sub("_", name))}
            if "sig" in names:
                secret |= _OF_A_SIGNATURE
            if not secret.isdisjoint(names):
                query = "&".join(
                    f"{quote(name)}={REDACTED if name in secret else quote(value)}" for name, value in pairs
                )
    except ValueError:
        return redact(uri)
    return redact(urlunsplit((parts.scheme, host, parts.path, query, "")))


def identity_of(uri: str) -> str:
    """A digest that tells one address from another, credentials in its query too; not who asks (``user:password@``)."""
    try:
        parts = urlsplit(uri)
        uri = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    except ValueError:
        pass
    return hashlib.blake2b(uri.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


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
    sqlite3: Any = sys.modules.get("sqlite3")
    if sqlite3 is not None and isinstance(connection, sqlite3.Connection):
        return audit.connected_to(connection) or _attached_to(connection), None
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


def _attached_to(connection: Any) -> str | None:
    """Asked beside the user's own factories, which make of rows and texts what they like."""
    import sqlite3

    cursor = sqlite3.Connection.cursor(connection, sqlite3.Cursor)
    cursor.row_factory = None
    rows = cursor.execute(
        "SELECT seq, CAST(name AS BLOB), CAST(file AS BLOB) FROM pragma_database_list"
    ).fetchall()
    return next((os.fsdecode(file) for _, name, file in rows if file and name != b"temp"), None)


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
