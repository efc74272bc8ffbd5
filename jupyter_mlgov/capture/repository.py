"""What git says about a folder, asked with as few processes as it takes, and none that anybody waits for.

What has to look at every file (``git status``) is asked once a snapshot: it is started before the rest of the record is
made and answers meanwhile. The configuration is asked for with it, again only when its files have changed. Where there
is no git, GitPython reads references and configuration: it takes longer to import than git to answer, so it is loaded
for nothing else. Nothing that git does here writes to the repository.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from jupyter_mlgov.capture.remotes import without_credentials

PATIENCE = 20.0
"""Seconds that git has for an answer."""

_HANGS = "git did not answer in {:.0f} s"
_ASKED_AGAIN_S = 60.0
"""Seconds for which a git that hangs is not tried again."""
_hung_at = float("-inf")

_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}
_MISLEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_COMMON_DIR")
"""Variables that a git hook sets, which would send the question to another repository."""


class GitFailed(Exception):
    """Git gave no answer; the message is its own first line."""


def import_git() -> Any:
    """GitPython, which must not refuse to load where there is no ``git`` on PATH. Raises ``GitFailed`` where git hangs.

    When it is imported it asks git for its version, and would wait for ever.
    """
    if "git" in sys.modules:
        import git

        return git
    _git_answers()
    if "GIT_PYTHON_REFRESH" in os.environ:
        import git

        return git
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    try:
        import git

        return git
    finally:
        os.environ.pop("GIT_PYTHON_REFRESH", None)


def _git_answers() -> None:
    if _hangs():
        raise GitFailed(_HANGS.format(PATIENCE))
    try:
        with contextlib.suppress(OSError):  # no git at all: GitPython says so
            subprocess.run(  # noqa: S603
                [_git(), "version"], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE, check=False,
            )  # fmt: skip
    except subprocess.TimeoutExpired:
        _note_hanging()
        raise GitFailed(_HANGS.format(PATIENCE)) from None


def _git() -> str:
    """The program. It is looked for here: where ``subprocess`` has to, it resets the user's warnings filters."""
    named = os.environ.get("GIT_PYTHON_GIT_EXECUTABLE") or "git"
    return _found(named, os.environ.get("PATH")) or shutil.which(named) or named


@lru_cache(maxsize=8)
def _found(named: str, _path: str | None) -> str | None:
    """The program that was found on that path before: to look again takes as long as many a part of a record."""
    return shutil.which(named)


def _hangs() -> bool:
    """Whether git did not answer a moment ago."""
    return time.monotonic() - _hung_at < _ASKED_AGAIN_S


def _note_hanging() -> None:
    global _hung_at
    _hung_at = time.monotonic()


def find_worktree(folder: Path) -> Path | None:
    """The nearest folder at or above ``folder`` that git manages (a clone, a worktree, a submodule), or None."""
    for place in (folder, *folder.parents):
        if (place / ".git").exists():
            return place
    return None


class Question:
    """One git process that was started, and its answer."""

    def __init__(self, folder: Path, arguments: Sequence[str]) -> None:
        self._until = time.monotonic() + PATIENCE
        self._process: subprocess.Popen[bytes] | None = None
        self._fault = ""
        if _hangs():
            self._fault = _HANGS.format(PATIENCE)
            return
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [_git(), *arguments],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={k: v for k, v in os.environ.items() if k not in _MISLEADING} | _ENVIRONMENT,
            )  # fmt: skip
        except OSError as error:
            self._fault = "git is not on PATH" if isinstance(error, FileNotFoundError) else str(error)

    def __del__(self) -> None:
        """An answer that nobody hears is not waited for."""
        process = getattr(self, "_process", None)
        if process is not None and process.returncode is None:
            with contextlib.suppress(Exception):
                process.kill()
                process.communicate(timeout=1)

    def bury(self) -> None:
        """Takes the process off the list of the kernel's children, if it has ended; its answer stays to be heard."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0 if _hangs() else 0.05)

    def answer(self) -> bytes:
        """What git printed. Raises ``GitFailed``."""
        if self._process is None:
            raise GitFailed(_line(self._fault))
        try:
            out, err = self._process.communicate(timeout=max(0.1, self._until - time.monotonic()))
        except subprocess.TimeoutExpired:
            _note_hanging()
            with contextlib.suppress(OSError):
                self._process.kill()
            with contextlib.suppress(Exception):
                self._process.communicate(timeout=1)
            raise GitFailed(_HANGS.format(PATIENCE)) from None
        if self._process.returncode != 0:
            raise GitFailed(
                _line(err.decode("utf-8", "replace")) or f"git ended with {self._process.returncode}"
            )
        return bytes(out)


def _line(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return " ".join(first.split()).removeprefix("fatal: ")[:200]


class State(Struct):
    """The repository as it stands. ``changed`` are the tracked paths that are not as they were committed."""

    commit: str | None = None
    branch: str = ""
    remote_name: str | None = None
    ahead: int | None = None
    changed: list[bytes] = field(default_factory=list)
    submodules: dict[str, str] = field(default_factory=dict)
    """Path of each changed submodule -> git's flags: C (another commit), M (changes), U (untracked files)."""
    fault: str | None = None
    """Why only a part of this is known: then ``changed`` is not."""


class Repository:
    """One working tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._repo: Any = None
        self._status: Question | None = None
        self._settings: tuple[object, dict[str, str]] | None = None
        self._settings_asked: tuple[object, Question] | None = None

    def ask(self) -> None:
        """Starts ``git status``; ``state`` gives the answer."""
        self._ask_settings()
        self._status = Question(
            self.root,
            ["-c", "core.quotePath=false", "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=no",
             "--no-renames", "--ignore-submodules=none"],
        )  # fmt: skip

    @property
    def is_asked(self) -> bool:
        """Whether a question was started that nobody has heard the answer of."""
        return self._status is not None

    def state(self) -> State:
        """The answer. Where git gives none, what its files say; ``fault`` has the reason."""
        if self._status is None:
            self.ask()
        assert self._status is not None
        question, self._status = self._status, None
        try:
            return _parse(question.answer())
        except GitFailed as error:
            state = self._from_files()
            state.fault = str(error)
            return state

    def settle(self) -> None:
        """Leaves no process behind: a kernel that shuts down waits for all that it finds among its children."""
        self._status = None
        if self._settings_asked is not None:
            self._settings_asked[1].bury()

    def diff(self, commit: str | None, without: str | None = None) -> bytes:
        """The uncommitted changes of tracked files, as a patch that ``git apply`` takes. Raises ``GitFailed``.

        The file ``without`` (relative to the root) is left out of it.
        """
        against = ["HEAD"] if commit else ["--cached"]
        return Question(
            self.root,
            ["-c", "core.quotePath=false", "-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false", "diff",
             *against, "--no-color", "--no-ext-diff", "--no-textconv", "--binary", "--submodule=short", "--no-renames",
             "--", ".", *([f":(exclude,literal){without}"] if without else [])],
        ).answer()  # fmt: skip

    def ask_tracked(self, paths: Sequence[str]) -> Question:
        """Starts to ask which of ``paths`` (relative to the root) are tracked, here or in a submodule."""
        below = ["--recurse-submodules"] if (self.root / ".gitmodules").exists() else []
        return Question(self.root, ["--literal-pathspecs", "ls-files", "-z", *below, "--", *paths])

    def remote(self, preferred: str | None) -> str | None:
        """The URL of the remote, without credentials: ``preferred``, else ``origin``, else the first."""
        urls = {
            key[len("remote.") : -len(".url")]: value
            for key, value in self.settings().items()
            if key.startswith("remote.") and key.endswith(".url")
        }
        name = next((name for name in (preferred, "origin", *urls) if name in urls), None)
        return without_credentials(urls[name]) if name is not None else None

    def settings(self) -> dict[str, str]:
        """Git's configuration as it holds here: ``remote.origin.url``, ``user.name``. Raises what GitPython does where
        git gives no answer."""
        self._ask_settings()
        if self._settings_asked is not None:
            (stamp, question), self._settings_asked = self._settings_asked, None
            try:
                self._settings = stamp, _parse_settings(question.answer())
            except GitFailed:
                self._settings = None
                return self._settings_from_files()
        return self._settings[1] if self._settings is not None else {}

    def _ask_settings(self) -> None:
        """Starts to ask for the configuration, unless what is known still holds."""
        stamp: object = _stamps([*user_files(), self.root / ".git" / "config"])
        if not (self.root / ".git").is_dir():  # a worktree, a submodule: its configuration lies elsewhere
            stamp = object()
        known = self._settings_asked or self._settings
        if known is None or known[0] != stamp:
            self._settings_asked = stamp, Question(self.root, _LIST_SETTINGS)

    def _settings_from_files(self) -> dict[str, str]:
        reader = self._open().config_reader("repository")
        found = {}
        for section in reader.sections():
            if section.startswith('remote "') and reader.has_option(section, "url"):
                found[f"remote.{section[8:-1]}.url"] = str(reader.get_value(section, "url"))
        with contextlib.suppress(Exception):
            found["user.name"] = str(self._open().config_reader().get_value("user", "name", "") or "")
        return found

    def submodules(self, state: State) -> list[tuple[str, str | None, bool]]:
        """Path, checked-out commit and whether it is changed, of each submodule that is there."""
        if not (self.root / ".gitmodules").exists():
            return []
        try:
            git = import_git()
            reader = git.GitConfigParser(str(self.root / ".gitmodules"), read_only=True)
            paths = [str(reader.get_value(section, "path")) for section in reader.sections()]
        except Exception:  # noqa: BLE001 - a .gitmodules that is no configuration names no submodule
            return []
        found = []
        for path in sorted(paths):
            if (self.root / path / ".git").exists():
                flags = state.submodules.get(path, "")
                commit = Repository(self.root / path)._from_files().commit
                found.append((path, commit, "M" in flags or "U" in flags))
        return found

    def user_name(self) -> str:
        """git's ``user.name``, or an empty string."""
        try:
            return self.settings().get("user.name", "")
        except Exception:  # noqa: BLE001 - a broken git configuration is not ours to report
            return user_name()

    def index_stamp(self) -> tuple[int, int]:
        """Changes when files are added to the index."""
        place = self.root / ".git"
        try:
            if place.is_file():
                named = place.read_text("utf-8", "surrogateescape").removeprefix("gitdir:").strip()
                place = self.root / named
            state = os.stat(place / "index")  # noqa: PTH116
        except OSError:  # no index yet
            return (0, 0)
        return (state.st_mtime_ns, state.st_size)

    def _open(self) -> Any:
        if self._repo is None:
            self._repo = import_git().Repo(self.root)
        return self._repo

    def _from_files(self) -> State:
        """Commit and branch as the files in ``.git`` say it, without any process."""
        state = State()
        with contextlib.suppress(Exception):
            git = import_git()
            repo = self._open()
            head = repo.head
            if not head.is_detached:
                state.branch = head.reference.name
            state.commit = str(git.SymbolicReference.dereference_recursive(repo, head.path))
        return state


def _parse(answer: bytes) -> State:
    state = State()
    fields = iter(answer.split(b"\0"))
    for entry in fields:
        kind, _, rest = entry.partition(b" ")
        if kind == b"#":
            name, _, value = rest.decode("utf-8", "replace").partition(" ")
            if name == "branch.oid" and value != "(initial)":
                state.commit = value
            elif name == "branch.head" and value != "(detached)":
                state.branch = value
            elif name == "branch.upstream":
                state.remote_name = value.partition("/")[0]
            elif name == "branch.ab":
                state.ahead = int(value.split()[0])
        elif kind in (b"1", b"2", b"u"):
            parts = rest.split(b" ", {b"1": 7, b"2": 8, b"u": 9}[kind])
            path = parts[-1]
            if kind == b"2":
                next(fields, None)
            if parts[1].startswith(b"S"):
                state.submodules[os.fsdecode(path)] = parts[1].decode("ascii", "replace")
                if parts[1] == b"S..U":
                    continue  # only untracked files in it: the commit is what was recorded
            state.changed.append(path)
    return state


def _parse_settings(answer: bytes) -> dict[str, str]:
    """The last value of each key, which is the one that counts; of a remote with several URLs the first."""
    found: dict[str, str] = {}
    for line in answer.decode("utf-8", "replace").split("\0"):
        key, _, value = line.partition("\n")
        if not (key.startswith("remote.") and key in found):
            found[key] = value
    return found


def user_files() -> list[Path]:
    """Where the user's and the machine's git configuration may lie."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser())
    mine = os.environ.get("GIT_CONFIG_GLOBAL")
    places = [Path(os.environ.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig"))]
    return places + ([Path(mine)] if mine else [home / "git" / "config", Path("~/.gitconfig").expanduser()])


def _stamps(places: Sequence[Path]) -> tuple[object, ...]:
    """Changes when one of these files does."""
    found: list[object] = []
    for place in places:
        try:
            state = place.stat()
        except OSError:
            found.append((str(place),))
        else:
            found.append((str(place), state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(found)


_LIST_SETTINGS = ("config", "--list", "-z")
_named: tuple[object, str] | None = None


def user_name() -> str:
    """``user.name`` of the user's or the machine's git configuration, or an empty string."""
    global _named
    places = user_files()
    stamp = _stamps(places)
    if _named is not None and _named[0] == stamp:
        return _named[1]
    found = [str(place) for place in places if place.is_file()]
    name = ""
    if found:
        try:
            name = _parse_settings(Question(Path(os.sep), _LIST_SETTINGS).answer()).get("user.name", "")
        except GitFailed:
            try:
                reader = import_git().GitConfigParser(found, read_only=True)
                name = str(reader.get_value("user", "name", "") or "")
            except Exception:  # noqa: BLE001 - a broken git configuration is not ours to report
                name = ""
    _named = stamp, name
    return name


def login_name() -> str:
    """Who is logged in, or an empty string."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""
