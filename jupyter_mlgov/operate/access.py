"""API keys: who may ask a service. Only their SHA-256 is kept in memory, and they are compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from jupyter_mlgov.errors import UsageError

VARIABLE = "MLGOV_API_KEYS"
"""Environment variable with keys, separated by commas; ``MLGOV_API_KEYS_FILE`` names a file with one a line."""
SHORTEST = 16
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Keys:
    """The keys of a service. Without any, everybody may ask."""

    def __init__(self, keys: list[str]) -> None:
        for key in keys:
            if len(key) < SHORTEST:
                raise UsageError(
                    f"an API key has {len(key)} characters: use {SHORTEST} or more (python -c 'import secrets; "
                    "print(secrets.token_urlsafe(24))')"
                )
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def allow(self, headers: Mapping[str, str]) -> bool:
        """Whether the ``Authorization: Bearer`` or ``X-API-Key`` header holds one of the keys."""
        if not self._digests:
            return True
        given = headers.get("x-api-key", "")
        bearer = headers.get("authorization", "")
        if bearer[:7].lower() == "bearer ":
            given = bearer[7:].strip()
        found = hashlib.sha256(given.encode()).digest()
        same = [hmac.compare_digest(found, known) for known in self._digests]
        return any(same)


def read_keys(file: Path | None = None, environment: Mapping[str, str] | None = None) -> Keys:
    """The keys of ``file``, or of the environment. Raises ``UsageError``."""
    environment = os.environ if environment is None else environment
    named = environment.get(f"{VARIABLE}_FILE")
    file = file or (Path(named) if named else None)
    if file is None:
        return Keys([key.strip() for key in environment.get(VARIABLE, "").split(",") if key.strip()])
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the API keys in {file} cannot be read: {error}") from error
    keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not keys:
        raise UsageError(f"{file} holds no API key: write one a line")
    return Keys(keys)


def check_reach(host: str, keys: Keys, *, open_to_all: bool) -> None:
    """Refuses to serve other machines without keys. Raises ``UsageError``."""
    if host not in _LOOPBACK and not keys and not open_to_all:
        raise UsageError(
            f"on {host} everybody in the network could ask: set {VARIABLE} or --keys FILE, or say --open where "
            "something in front of it checks"
        )
