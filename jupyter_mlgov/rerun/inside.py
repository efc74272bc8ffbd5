"""A rerun seen from inside its kernel: the store that takes the candidate, and the guard over what is linked.

A record must not show where it was made: paths of the sandbox are written as those of the machine, so that an
unchanged rerun gives an unchanged record.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.ledger import Entry
from jupyter_mlgov.records.manifest import Input, Manifest
from jupyter_mlgov.store import Store

_KEPT = ".mlgov"
"""The store's folder is never taken for a file of the notebook's."""


class Seen(msgspec.Struct, frozen=True):
    """Where a run happens: ``prefix`` stands for ``/``, ``root`` for ``real_root``; ``uris`` are names by path.
    ``paths`` come first when the notebook imports, and ``python_path`` is the ``PYTHONPATH`` that it is to see."""

    prefix: str
    root: str
    real_root: str
    uris: dict[str, str] = {}
    paths: tuple[str, ...] = ()
    python_path: str | None = None

    def enter(self) -> None:
        """Makes this process what the notebook expects."""
        if self.python_path is None:
            os.environ.pop("PYTHONPATH", None)
        else:
            os.environ["PYTHONPATH"] = self.python_path
        first = 1 if sys.path[:1] == [""] else 0
        sys.path[first:first] = [path for path in self.paths if path not in sys.path]


class SandboxStore(Store):
    """The project's store, for a kernel that runs in a sandbox. Make one with :meth:`seen_from`."""

    seen: Seen

    @classmethod
    def seen_from(cls, folder: Path, seen: Seen) -> SandboxStore:
        """The store at ``folder``. Raises as ``Store.open``."""
        store = cls.open(folder)
        assert isinstance(store, SandboxStore)
        store.seen = seen
        return store

    def as_kept(self, data: bytes) -> bytes:
        """``data`` with the machine's paths for the sandbox's."""
        prefix = os.fsencode(self.seen.prefix)
        if prefix not in data:
            return data
        return data.replace(os.fsencode(self.seen.root), os.fsencode(self.seen.real_root)).replace(
            prefix, b""
        )

    def commit(
        self,
        manifest: Manifest,
        *,
        body: Mapping[str, Any] | None = None,
        objects: Mapping[str, bytes] | None = None,
    ) -> Entry:
        """As ``Store.commit``, with the machine's paths for the sandbox's."""
        named = msgspec.structs.replace(
            manifest, inputs=tuple(self._named(item, item.uri) for item in manifest.inputs)
        )
        text = msgspec.json.encode(named)
        prefix = os.fsencode(self.seen.prefix)
        if prefix in text:
            real = os.fsencode(self.seen.real_root)
            text = text.replace(os.fsencode(self.seen.root), real).replace(prefix, b"")
            named = decoded(text, Manifest)
        unique = {item.uri: item for item in reversed(named.inputs)}
        inputs = tuple(unique[uri] for uri in sorted(unique))
        return super().commit(msgspec.structs.replace(named, inputs=inputs), body=body, objects=objects)

    def _named(self, item: Input, uri: str) -> Input:
        """An input by the name that it has for the project."""
        seen = self.seen
        if uri in seen.uris:
            return msgspec.structs.replace(item, uri=seen.uris[uri])
        path = uri.removeprefix(seen.prefix) if uri.startswith(seen.prefix + "/") else uri
        if path.startswith(seen.real_root + "/"):  # by an absolute path into the checkout
            path = path.removeprefix(seen.real_root + "/")
        return item if path == uri else msgspec.structs.replace(item, uri=path)


# -- the guard -----------------------------------------------------------------------------------------------

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
_CONTENT = frozenset({"sqlite3.connect", "os.truncate", "os.chmod", "os.chown", "os.utime"})
_FOLDER = frozenset(
    {"os.mkdir", "os.rmdir", "os.remove", "os.rename", "os.link", "os.symlink", "shutil.rmtree"}
)


class Guard:
    """Makes a link the run's own before Python writes through it: the audit event comes before the write.

    A linked file becomes a copy (or goes, where it is truncated anyway), a linked folder a folder of links. Where that
    cannot be done (the disk is full), the write is refused: through the link it would reach the user's own file.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix + os.sep
        self._busy = threading.local()
        self._new_lock()
        os.register_at_fork(after_in_child=self._new_lock)

    def _new_lock(self) -> None:
        """One thread at a time: two that write to one link have to get one copy of it."""
        self._turn = threading.Lock()

    def install(self) -> None:
        """From now on, until the kernel ends: an audit hook cannot be taken away."""
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" and event not in _CONTENT and event not in _FOLDER:
            return
        if getattr(self._busy, "on", False):
            return
        self._busy.on = True
        try:
            for path, content in _written(event, arguments):
                with self._turn:
                    self._own(path, content=content)
        finally:
            self._busy.on = False

    def _own(self, path: str | bytes | os.PathLike[Any], *, content: bool | None) -> None:
        """``content``: whether a linked file's content is needed; None where only the folder is changed. Raises
        ``OSError`` where a link stays one."""
        text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
        if not text.startswith(self._prefix):
            return
        place = self._prefix.rstrip(os.sep)
        *folders, last = text.removeprefix(self._prefix).split(os.sep)  # noqa: PTH206
        for name in folders:
            place = os.path.join(place, name)  # noqa: PTH118
            if name == _KEPT:
                return
            if os.path.islink(place):  # noqa: PTH114
                real = os.path.realpath(place)
                if real.startswith(self._prefix):
                    place = real
                elif os.path.isdir(real):  # noqa: PTH112
                    with _or_refused(place):
                        own_folder(place, real)
        place = os.path.join(place, last)  # noqa: PTH118
        if content is None or last == _KEPT or not os.path.islink(place):  # noqa: PTH114
            return
        real = os.path.realpath(place)
        if os.path.isfile(real) and not real.startswith(self._prefix):  # noqa: PTH113
            with _or_refused(place):
                _own_file(place, real, content=content)


def _written(event: str, arguments: tuple[Any, ...]) -> list[tuple[Any, bool | None]]:
    """The paths that an audit event is about to write to, each with what ``Guard._own`` asks; of an event of that name
    that somebody else raises, none."""
    if event == "open":
        if len(arguments) != 3:
            return []
        path, mode, flags = arguments
        if isinstance(mode, str):
            writes, keeps = any(letter in mode for letter in "wax+"), "w" not in mode
        elif isinstance(flags, int):
            writes, keeps = bool(flags & _WRITES), not flags & os.O_TRUNC
        else:
            return []
        found: list[tuple[Any, bool | None]] = [(path, keeps)] if writes else []
    elif event in _CONTENT:
        found = [(path, True) for path in arguments[:1]]
    else:
        found = [(path, None) for path in arguments[:2]]
    return [(path, content) for path, content in found if isinstance(path, str | bytes | os.PathLike)]


@contextlib.contextmanager
def _or_refused(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if os.path.islink(place):  # noqa: PTH114 - another process of this run may have been quicker
            why = f"the rerun's own copy could not be made, so nothing is written ({error.strerror})"
            raise OSError(error.errno, why, place) from error


def own_folder(place: str, real: str) -> None:
    """Makes a link to the folder ``real`` a folder of links to what is in it. Raises ``OSError`` where it stays a link."""
    made = _beside(place)
    try:
        os.mkdir(made)  # noqa: PTH102
        for name in os.listdir(real):  # noqa: PTH208
            os.symlink(os.path.join(real, name), os.path.join(made, name))  # noqa: PTH118, PTH211
        spare = made + "-link"
        os.rename(place, spare)  # noqa: PTH104
        try:
            os.rename(made, place)  # noqa: PTH104
        except OSError:
            os.rename(spare, place)  # noqa: PTH104
            raise
        os.unlink(spare)  # noqa: PTH108
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _own_file(place: str, real: str, *, content: bool) -> None:
    if not content:
        os.unlink(place)  # noqa: PTH108
        return
    made = _beside(place)
    try:
        shutil.copy2(real, made)
        os.replace(made, place)  # noqa: PTH105
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(made)  # noqa: PTH108
        raise


def _beside(place: str) -> str:
    """A name for what is being made beside ``place``, of this process alone."""
    return f"{place}.mlgov-own-{os.getpid()}"
