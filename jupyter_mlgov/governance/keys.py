"""The user's own signing keys: ed25519, one PEM file a key, in the user's configuration folder.

``NAME.pem`` holds the private key (PKCS 8; encrypted where there is a passphrase), ``NAME.pub`` the public one. They
belong to a person, not to a project, and are never in a store. ``MLGOV_KEYS`` names another folder.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from jupyter_mlgov.errors import NotFound, NotWritable, UsageError
from jupyter_mlgov.governance.signing import key_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DEFAULT = "default"
_NAME = re.compile(r"[^\W_][\w.-]{0,63}")
_SERVICE = "jupyter-mlgov"

Protection = Literal["passphrase", "keyring", "none"]


class KeyLocked(UsageError):
    """The key has a passphrase, and there is nobody here to be asked for it."""


class KeyInfo(Struct, frozen=True, kw_only=True):
    """A key that is there: its name, its public part and where its file is."""

    name: str
    key: str
    path: str
    protection: Protection


def folder() -> Path:
    """Where the user's keys are."""
    named = os.environ.get("MLGOV_KEYS")
    if named:
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("mlgov") / "keys"


def new(name: str = DEFAULT, *, passphrase: str | None = None, keyring: bool = False) -> KeyInfo:
    """Makes a key. With ``keyring``, it is encrypted with a random passphrase that the OS keyring keeps.

    Raises ``UsageError`` (a name that cannot be one, or that is taken), ``NotWritable``.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = folder() / f"{_checked(name)}.pem"
    private = Ed25519PrivateKey.generate()
    if keyring:
        passphrase = secrets.token_urlsafe(32)
        _keyring().set_password(_SERVICE, key_text(private.public_key()), passphrase)
    data = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption(),
    )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - the mode
            file.write(data)
        path.with_suffix(".pub").write_text(
            f"{key_text(private.public_key())}{' keyring' if keyring else ''}\n", encoding="ascii"
        )
    except FileExistsError:
        raise UsageError(f"there is a key {name} already ({path}): choose another name") from None
    except OSError as error:
        raise NotWritable(f"the key {path} cannot be written ({error.strerror}): set MLGOV_KEYS") from error
    protection: Protection = "keyring" if keyring else "passphrase" if passphrase else "none"
    return KeyInfo(name=name, key=key_text(private.public_key()), path=str(path), protection=protection)


def first(ask: Callable[[str], str] | None) -> KeyInfo:
    """Makes the default key for somebody who has none: with the passphrase of ``MLGOV_PASSPHRASE`` or the one that ``ask``
    gives (an empty one protects nothing), without one where nobody can be asked. Raises what :func:`new` raises."""
    passphrase = os.environ.get("MLGOV_PASSPHRASE")
    if passphrase is None and ask is not None:
        place = folder() / f"{DEFAULT}.pem"
        passphrase = ask(
            f"You have no key to sign with; {place} is made now. A passphrase for it (empty: none): "
        )
        if passphrase and ask("Once more: ") != passphrase:
            raise UsageError("the two passphrases differ, and no key was made: try again")
    return new(DEFAULT, passphrase=passphrase or None)


def _checked(name: str) -> str:
    """``name`` where it can be a key's: no path comes in through it. Raises ``UsageError``."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"key name {name[:80]!r}: use a letter or digit, then letters, digits, '.', '_' or '-'"
        )
    return name


def exists(name: str) -> bool:
    """Whether there is a key of that name."""
    return (folder() / f"{name}.pem").exists()


def opens_alone(key: KeyInfo) -> bool:
    """Whether it can be used where nobody can be asked for a passphrase."""
    return key.protection != "passphrase" or "MLGOV_PASSPHRASE" in os.environ


def listed() -> list[KeyInfo]:
    """The user's keys by name; a public file that says no key is left out."""
    found = []
    for path in sorted(folder().glob("*.pub")):
        words = _words(path)
        private = path.with_suffix(".pem")
        if words and private.exists():
            protection = _protection(private, words)
            found.append(KeyInfo(name=path.stem, key=words[0], path=str(private), protection=protection))
    return found


def _words(public: Path) -> list[str]:
    try:
        words = public.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return []
    return words if words and re.fullmatch(r"ed25519:[0-9a-f]{64}", words[0]) else []


def _protection(private: Path, words: list[str]) -> Protection:
    if "keyring" in words[1:]:
        return "keyring"
    try:
        return "passphrase" if b"ENCRYPTED" in private.read_bytes()[:200] else "none"
    except OSError:
        return "none"


def load(name: str = DEFAULT, *, ask: Callable[[str], str] | None = None) -> Ed25519PrivateKey:
    """The private key ``name``. An encrypted one is opened with ``MLGOV_PASSPHRASE``, the keyring, or what ``ask`` gives.

    Raises ``NotFound``, ``UsageError`` (a wrong passphrase, or none to be had).
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = folder() / f"{_checked(name)}.pem"
    try:
        data = path.read_bytes()
    except OSError:
        names = ", ".join(one.name for one in listed())
        raise NotFound(
            f"no key {name!r} in {path.parent}: "
            + (f"there are {names}" if names else f"make one with `mlgov key new {name}`")
        ) from None
    passphrase = _passphrase(name, path, ask) if b"ENCRYPTED" in data[:200] else None
    try:
        private = serialization.load_pem_private_key(
            data, passphrase.encode() if passphrase is not None else None
        )
    except (ValueError, TypeError):
        why = "the passphrase is wrong" if passphrase is not None else "the file is damaged"
        raise UsageError(f"the key {path} cannot be opened: {why}") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise UsageError(f"the key {path} is no ed25519 key: make one with `mlgov key new`")
    return private


def _passphrase(name: str, path: Path, ask: Callable[[str], str] | None) -> str:
    given = os.environ.get("MLGOV_PASSPHRASE")
    if given is not None:
        return given
    words = _words(path.with_suffix(".pub"))
    if "keyring" in words[1:]:
        kept: str | None = _keyring().get_password(_SERVICE, words[0])
        if kept is None:
            raise UsageError(
                f"the OS keyring holds no passphrase for the key {name}: it was made on another machine"
            )
        return kept
    if ask is None:
        raise KeyLocked(f"the key {name} has a passphrase: run this in a terminal, or set MLGOV_PASSPHRASE")
    return ask(f"Passphrase of the key {name}: ")


def _keyring() -> Any:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise UsageError(
            "the OS keyring needs the package keyring: pip install keyring, or use a passphrase"
        ) from None
    try:
        keyring.get_password(_SERVICE, "probe")
    except KeyringError as error:
        raise UsageError(f"there is no OS keyring here ({error}): use a passphrase") from None
    return keyring
