"""What Python itself opens, heard through its audit events.

An audit hook cannot be taken away again, so there is one for the process, and it does nothing while nobody
listens. The event of an opening fires before the file is opened: what is not there is no read. What can never be
an input is dropped here, everything else is decided in ``inputs``.
"""

from __future__ import annotations

import contextlib
import glob
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Protocol

NEVER = (
    ".py",
    ".pyc",
    ".pyi",
    ".so",
    ".pyd",
    ".dll",
    ".dylib",
    ".pth",
    ".ttf",
    ".otf",
    ".afm",
    ".pyx",
    ".pxd",
    ".ipynb",
)
"""Ends of names that code, fonts and notebooks have."""
_CODE = (".py", ".pyc", ".ipynb")
"""Of these, the ends of names of files that Python executes."""
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
_TRUNCATING = os.O_TRUNC | os.O_EXCL | os.O_APPEND


class Listener(Protocol):
    """Who is told. Paths are absolute; symbolic links are not followed: the user's name counts."""

    def opened(self, path: str, *, importing: bool) -> None:
        """A file is opened for reading."""

    def executed(self, path: str, *, importing: bool) -> None:
        """A file with code that is no installed package's is opened for reading."""

    def written(self, path: str) -> None:
        """A file is opened for writing."""

    def changing(self, path: str, *, adds: bool = False) -> None:
        """What is at a path is about to be changed, or to go. ``adds``: something is added to what stays there."""

    def going(self, folder: str) -> None:
        """A folder is about to go from where it is, with all that is in it."""

    def listed(self, path: str, *, pattern: bool = False) -> None:
        """The files of a folder, or of a ``pattern`` of glob, are asked for."""

    def started(self, words: list[str], folder: str | None) -> None:
        """A process is started with a command line."""


_listener: Listener | None = None
_installed = False
_ours: set[int] = set()
"""Threads that do capture's own work: what they open is not the user's."""


def listen(listener: Listener | None) -> None:
    """Tells ``listener`` from now on; None stops it."""
    global _listener, _installed
    _listener = listener
    if listener is not None and not _installed:
        _installed = True
        sys.addaudithook(_hook)


def listener() -> Listener | None:
    """Who is told in this thread: nobody, while it does capture's own work."""
    return None if threading.get_ident() in _ours else _listener


@contextlib.contextmanager
def unseen() -> Iterator[None]:
    """What this thread opens meanwhile is not counted as the user's."""
    me = threading.get_ident()
    nested = me in _ours
    _ours.add(me)
    try:
        yield
    finally:
        if not nested:
            _ours.discard(me)


def is_ours(thread: int | None) -> bool:
    """Whether a thread does capture's own work at this moment."""
    return thread in _ours


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _listener is None:
        return
    heard = _EVENTS.get(event)
    if heard is None:
        return
    try:
        if threading.get_ident() not in _ours:
            heard(_listener, arguments)
    except Exception:  # noqa: BLE001, S110 - an audit hook that raises would break the user's open()
        pass


def _open(listener: Listener, arguments: tuple[Any, ...]) -> None:
    path = _text(arguments[0])
    if not path:
        return
    if path.endswith(NEVER):
        if path.endswith(_CODE):
            _code(listener, path, arguments[1])
        return
    path = os.path.abspath(path)
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str) and mode:
        # "r+" keeps what is there, so it reads it as well.
        reads, writes = "r" in mode, mode[0] in "wxa"
    else:
        access = flags & (os.O_WRONLY | os.O_RDWR)
        reads = access == 0 or (access == os.O_RDWR and not flags & _TRUNCATING)
        writes = access != 0 and not reads
    if isinstance(mode, str) and isinstance(flags, int) and flags & os.O_TRUNC:
        reads, writes = False, True
    if reads:
        listener.opened(path, importing=_in_packages(path) and _importing())
        if "+" in mode if isinstance(mode, str) and mode else flags & os.O_RDWR:
            listener.changing(path)
    elif writes:
        appends = isinstance(mode, str) and mode[:1] == "a"
        listener.changing(path, adds=appends or bool(isinstance(flags, int) and flags & os.O_APPEND))
        listener.written(path)


def _code(listener: Listener, path: str, mode: Any) -> None:
    if (
        _in_packages(path)
        or path.startswith(_STANDARD_LIBRARY)
        or (isinstance(mode, str) and mode[:1] in ("w", "x", "a"))
    ):
        return
    path = os.path.abspath(path)
    if path.endswith(".pyc"):
        folder, name = os.path.split(path)
        above, cache = os.path.split(folder)
        if cache != "__pycache__":
            return
        path = os.path.join(above, name.partition(".")[0] + ".py")
    listener.executed(path, importing=_importing())


def _connect(listener: Listener, arguments: tuple[Any, ...]) -> None:
    name = _text(arguments[0])
    path = database_file(name) if name else None
    _connecting[threading.get_ident()] = path
    if path is None:
        return
    if os.path.isfile(path) and os.path.getsize(path):
        listener.opened(path, importing=False)
    else:
        listener.written(path)


def _connected(listener: Listener, arguments: tuple[Any, ...]) -> None:
    path = _connecting.pop(threading.get_ident(), None)
    if len(_connections) < 100_000 or id(arguments[0]) in _connections:
        _connections[id(arguments[0])] = path


def connected_to(connection: object) -> str | None:
    """The database file that a connection of sqlite3 was opened for, where that was heard."""
    return _connections.get(id(connection))


_connecting: dict[int, str | None] = {}
"""Thread -> the file that it is opening a connection for."""
_connections: dict[int, str | None] = {}
"""The ``id`` of a connection -> its file. They have no weak references; a later one in the same place is heard as well."""


def database_file(name: str) -> str | None:
    """The file behind a name given to ``sqlite3.connect``, URIs too; None for a database in memory."""
    if not name or ":memory:" in name:
        return None
    if name.startswith("file:"):
        from urllib.parse import unquote

        if "mode=memory" in name:
            return None
        name = unquote(name[5:].split("?", 1)[0].split("#", 1)[0])
        name = "/" + name.lstrip("/") if name.startswith("//") else name
    return os.path.abspath(name) if name else None


def _rename(listener: Listener, arguments: tuple[Any, ...]) -> None:
    source, target = (_in_folder(*one) for one in zip(arguments[:2], arguments[2:4], strict=True))
    if source:
        listener.changing(source)
        if os.path.isdir(source):
            listener.going(source)
    if target:
        listener.changing(target)
        listener.written(target)


def _remove(listener: Listener, arguments: tuple[Any, ...]) -> None:
    path = _in_folder(arguments[0], arguments[1])
    if path:
        listener.changing(path)


def _rmtree(listener: Listener, arguments: tuple[Any, ...]) -> None:
    folder = _in_folder(arguments[0], arguments[1] if len(arguments) > 1 else None)
    if folder:
        listener.going(folder)


def _in_folder(value: Any, folder: int | None) -> str | None:
    """The absolute path of what is told with the descriptor of a ``folder``, where that is not needed to know it."""
    path = _text(value)
    return os.path.abspath(path) if path and (folder in (None, -1) or os.path.isabs(path)) else None


def _glob(listener: Listener, arguments: tuple[Any, ...]) -> None:
    pattern = _text(arguments[0])
    root = _text(arguments[2]) if len(arguments) > 2 and arguments[2] is not None else None
    if pattern and not _importing():
        listener.listed(_below(root or os.curdir, pattern), pattern=True)


def _path_glob(listener: Listener, arguments: tuple[Any, ...]) -> None:
    listener.listed(_below(_text(arguments[0]) or os.curdir, _text(arguments[1]) or "*"), pattern=True)


def _path_rglob(listener: Listener, arguments: tuple[Any, ...]) -> None:
    pattern = os.path.join("**", _text(arguments[1]) or "*")
    listener.listed(_below(_text(arguments[0]) or os.curdir, pattern), pattern=True)


def _below(folder: str, pattern: str) -> str:
    """``pattern``, absolute, where it starts from ``folder``, whose name is none."""
    return os.path.abspath(os.path.join(glob.escape(os.path.abspath(folder)), pattern))


def _list(listener: Listener, arguments: tuple[Any, ...]) -> None:
    caller = sys._getframe(2).f_code
    if os.path.basename(caller.co_filename) in _ASKED_ALREADY and caller.co_name != "iterdir":
        return
    folder = "." if arguments[0] is None else _text(arguments[0])
    if folder and not _in_packages(folder) and not _importing():
        listener.listed(os.path.abspath(folder))


def _walk(listener: Listener, arguments: tuple[Any, ...]) -> None:
    caller = sys._getframe(3).f_code
    folder = _text(arguments[0])
    if not folder or os.path.basename(caller.co_filename) in _ASKED_ALREADY:
        return
    if not _in_packages(folder) and not _importing():
        listener.listed(os.path.abspath(folder))


def _copytree(listener: Listener, arguments: tuple[Any, ...]) -> None:
    folder = _text(arguments[0])
    if folder:
        listener.listed(os.path.abspath(folder))


_ASKED_ALREADY = frozenset(
    {"glob.py", "pathlib.py", "_local.py", "_abc.py", "os.py", "shutil.py", "<frozen os>"}
)
"""Where the standard library lists folders for a call that has an event of its own, or that only copies."""


def _popen(listener: Listener, arguments: tuple[Any, ...]) -> None:
    words = arguments[1]
    if isinstance(words, str | bytes | os.PathLike):
        words = [words]
    listener.started([_text(word) or "" for word in words], _text(arguments[2]))


def _system(listener: Listener, arguments: tuple[Any, ...]) -> None:
    listener.started([_text(arguments[0]) or ""], None)


def _exec(listener: Listener, arguments: tuple[Any, ...]) -> None:
    listener.started([_text(word) or "" for word in arguments[1]], None)


def _fork(listener: Listener, arguments: tuple[Any, ...]) -> None:
    listener.started([], None)


_EVENTS: dict[str, Callable[[Listener, tuple[Any, ...]], None]] = {
    "open": _open,
    "sqlite3.connect": _connect,
    "sqlite3.connect/handle": _connected,
    "os.rename": _rename,
    "os.remove": _remove,
    "glob.glob/2": _glob,
    "pathlib.Path.glob": _path_glob,
    "pathlib.Path.rglob": _path_rglob,
    "os.listdir": _list,
    "os.walk": _walk,
    "shutil.copytree": _copytree,
    "shutil.rmtree": _rmtree,
    "os.scandir": _list,
    "subprocess.Popen": _popen,
    "os.system": _system,
    "os.posix_spawn": _popen,
    "os.exec": _exec,
    "os.fork": _fork,
    "os.forkpty": _fork,
}


def _text(value: Any) -> str | None:
    """A path as text; None for a descriptor and for nothing."""
    if value is None or isinstance(value, int):
        return None
    return os.fsdecode(os.fspath(value))


def _in_packages(path: str) -> bool:
    return "site-packages" in path or "dist-packages" in path or path.startswith(sys.prefix + os.sep)


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _importing() -> bool:
    """True when the frame that opens a file is run by the import system."""
    return any(frame.f_code.co_filename == "<frozen importlib._bootstrap>" for frame in _frames())
