"""The repository as it stands, and the project's own modules that the kernel has loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from operator import is_
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from msgspec import MsgspecError, Struct

from jupyter_mlgov.capture.inputs import package_folders
from jupyter_mlgov.capture.literals import absolute, working_folder
from jupyter_mlgov.capture.repository import (
    GitFailed,
    Question,
    Repository,
    State,
    find_worktree,
    login_name,
    user_name,
)
from jupyter_mlgov.capture.secret_files import without_secret_files
from jupyter_mlgov.capture.secrets import Secrets
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.inventory import Origin
from jupyter_mlgov.records.manifest import Caution, Code, Module, Submodule

if TYPE_CHECKING:
    from jupyter_mlgov.store.batch import Batch

DIFF_LIMIT = 5_000_000
"""Bytes of uncommitted changes up to which they are kept."""

NOTEBOOK_LIMIT = 100_000_000
"""Bytes up to which a changed notebook is read to see who wrote it."""

_COMPILED = (".so", ".pyd")


class Asked(Struct):
    """What git was asked before the rest of the record is made."""

    repository: Repository | None
    files: dict[str, str]
    """Loaded files of the project -> the module's name."""
    notebook: str | None = None
    """The notebook's path in the repository: its text is recorded as it ran, so its changes are not in the diff."""
    tracked: Question | None = None
    tracked_key: tuple[object, ...] | None = None


class _Papermill(Struct):
    output_path: str | None = None


class _Metadata(Struct):
    papermill: _Papermill | None = None


class _Written(Struct):
    metadata: _Metadata


def _written_by_papermill(root: Path, path: bytes, asked: Asked) -> bool:
    """Whether a file is a notebook that papermill wrote, and not the one that runs: a result, and no code."""
    if not path.endswith(b".ipynb") or os.fsdecode(path) == asked.notebook:
        return False
    place = root / os.fsdecode(path)
    try:
        state = place.stat()
        return _is_papermills(place, state.st_mtime_ns, state.st_size)
    except OSError:
        return False


@lru_cache(maxsize=1000)
def _is_papermills(place: Path, _changed_at: int, size: int) -> bool:
    """The same, asked once while the file stays as it is. Raises ``OSError``."""
    if size > NOTEBOOK_LIMIT:
        return False
    try:
        found = decoded(place.read_bytes(), _Written).metadata.papermill
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return found is not None and bool(found.output_path)


class CodeRecorder:
    """Records the code; remembers what it has read while size and time stay the same."""

    def __init__(self, secrets: Secrets | None = None) -> None:
        self._secrets = secrets or Secrets()
        self._modules: dict[str, tuple[tuple[int, int], Module]] = {}
        self._repositories: dict[Path, Repository] = {}
        self._states: dict[Path, State] = {}
        self._diff: tuple[object, str] | None = None
        self._tracked: tuple[object, frozenset[str]] | None = None
        self._files = ProjectFiles()

    def ask(
        self,
        root: Path,
        folder: Path,
        *,
        notebook: Path | None = None,
        checkouts: Iterable[Path] = (),
        scripts: Iterable[str] = (),
    ) -> Asked:
        """Starts git on the notebook's ``folder`` and on the ``checkouts`` of editable installations. ``scripts`` are files
        that were executed without being imported."""
        files = self._files.of(root)
        for script in scripts:
            own = self._files.own(script)
            if own is not None and own not in files and script != str(notebook) and os.path.isfile(own):  # noqa: PTH113
                files[own] = ""
        self._learn_secrets(files)
        self._states = {}
        place = find_worktree(folder)
        for worktree in {place, *(find_worktree(one) for one in checkouts)} - {None}:
            assert worktree is not None
            self._repository(worktree).ask()
        if place is None:
            return Asked(None, files)
        repository = self._repository(place)
        asked = Asked(repository, files)
        if notebook is not None and notebook.is_relative_to(place):
            asked.notebook = notebook.relative_to(place).as_posix()
        inside = sorted(
            Path(file).relative_to(place).as_posix() for file in files if Path(file).is_relative_to(place)
        )
        key = (place, tuple(inside), repository.index_stamp())
        if inside and (self._tracked is None or self._tracked[0] != key):
            asked.tracked, asked.tracked_key = repository.ask_tracked(inside), key
        elif not inside:
            self._tracked = None
        return asked

    def record(self, asked: Asked, root: Path, store: Batch) -> tuple[Code, list[Caution]]:
        """Commit, branch, uncommitted changes and modules. Without git, the modules alone. Never raises git's errors."""
        modules, cautions = self._record_modules(asked.files, root, store)
        repository = asked.repository
        if repository is None:
            return Code(modules=modules), cautions
        state = self._state(repository.root)
        state.changed = [
            path for path in state.changed if not _written_by_papermill(repository.root, path, asked)
        ]
        untracked = self._untracked(asked, repository, cautions)
        dirty: bool | None = bool(state.changed) or bool(untracked)
        diff = None
        if state.fault is not None:
            cautions.append(
                Caution(code="code.git", message=f"git could not say what has changed: {state.fault}")
            )
            dirty = True if untracked else None
        elif state.changed:
            diff = self._record_diff(asked, repository, state, store, cautions)
        try:
            remote = repository.remote(state.remote_name)
            submodules = repository.submodules(state)
        except Exception as error:  # noqa: BLE001 - a configuration that git itself does not read either
            remote, submodules = None, []
            if state.fault is None:
                cautions.append(
                    Caution(code="code.git", message=f"git's configuration cannot be read: {error}"[:300])
                )
        return Code(
            commit=state.commit,
            branch=state.branch,
            dirty=dirty,
            remote=remote,
            ahead=state.ahead,
            diff=diff,
            untracked=tuple(untracked),
            submodules=tuple(
                Submodule(path=path, commit=commit, dirty=changed) for path, commit, changed in submodules
            ),
            modules=modules,
        ), cautions

    def checkout(self, origin: Origin, folder: Path) -> Origin:
        """``origin`` with commit and state of the checkout that an editable installation lies in."""
        place = find_worktree(folder)
        if place is None:
            return origin
        state = self._state(place)
        return Origin(
            kind=origin.kind, url=origin.url, subdirectory=origin.subdirectory, commit=state.commit,
            dirty=bool(state.changed) if state.fault is None else None,
        )  # fmt: skip

    def author(self, folder: Path) -> str:
        """Git's ``user.name``, else the login name."""
        place = find_worktree(folder)
        named = self._repository(place).user_name() if place is not None else user_name()
        return named or login_name()

    def settle(self) -> None:
        """Ends what git was asked and nobody needed the answer of."""
        for repository in list(self._repositories.values()):
            repository.settle()

    # -- git ---------------------------------------------------------------------------------------------

    def _repository(self, place: Path) -> Repository:
        if place not in self._repositories:
            self._repositories[place] = Repository(place)
        return self._repositories[place]

    def _state(self, place: Path) -> State:
        if place not in self._states:
            self._states[place] = self._repository(place).state()
        return self._states[place]

    def _untracked(self, asked: Asked, repository: Repository, cautions: list[Caution]) -> list[str]:
        inside = {
            Path(file).relative_to(repository.root).as_posix()
            for file in asked.files
            if Path(file).is_relative_to(repository.root)
        }
        if asked.tracked is not None:
            try:
                names = asked.tracked.answer().split(b"\0")
                self._tracked = (asked.tracked_key, frozenset(os.fsdecode(name) for name in names if name))
            except GitFailed:
                self._tracked = None  # that git gave no answer is said once, of its state
                return []
        return sorted(inside - self._tracked[1]) if self._tracked is not None else []

    def _record_diff(
        self, asked: Asked, repository: Repository, state: State, store: Batch, cautions: list[Caution]
    ) -> str | None:
        if state.changed == [os.fsencode(asked.notebook or "")]:
            return None
        key = (repository.root, state.commit, *(_stamp(repository.root, path) for path in state.changed))
        if self._diff is not None and self._diff[0] == key and store.has(self._diff[1]):
            return self._diff[1]
        try:
            changes = repository.diff(state.commit, asked.notebook)
        except GitFailed as error:
            cautions.append(
                Caution(code="code.diff", message=f"the uncommitted changes are not kept: {error}")
            )
            return None
        if len(changes) > DIFF_LIMIT:
            cautions.append(
                Caution(
                    code="code.diff",
                    message=f"the uncommitted changes ({len(changes)} bytes) are too large to keep",
                )
            )
            return None
        kept = store.put(self._secrets.redact_bytes(without_secret_files(changes)))
        self._diff = (key, kept)
        return kept

    # -- modules -----------------------------------------------------------------------------------------

    def _record_modules(
        self, files: dict[str, str], root: Path, store: Batch
    ) -> tuple[tuple[Module, ...], list[Caution]]:
        found: list[Module] = []
        cautions: list[Caution] = []
        for file, name in files.items():
            path = Path(file).relative_to(root).as_posix()
            try:
                state = os.stat(file)  # noqa: PTH116
                module = self._module(name, file, path, (state.st_mtime_ns, state.st_size), store)
            except OSError as error:
                cautions.append(
                    Caution(code="code.module", message=f"module {path} cannot be read: {error.strerror}")
                )
                continue
            found.append(module)
            if _edited_since_import(name, state):
                cautions.append(
                    Caution(
                        code="code.edited-module",
                        message=f"{path} as it ran: it was edited after it was imported (reload it, or restart the kernel)",
                    )
                )
        return tuple(sorted(found, key=lambda module: module.path)), cautions

    def _learn_secrets(self, files: Iterable[str]) -> None:
        """What a module keeps secret is known before anything is written: a cell may have printed it."""
        for file in files:
            if file.endswith(_COMPILED):
                continue
            try:
                state = os.stat(file)  # noqa: PTH116
                known = self._modules.get(file)
                if known is None or known[0] != (state.st_mtime_ns, state.st_size):
                    self._secrets.learn([Path(file).read_text("utf-8", "replace")])
            except OSError:
                continue  # told when the module is recorded

    def _module(self, name: str, file: str, path: str, key: tuple[int, int], store: Batch) -> Module:
        known = self._modules.get(file)
        if known is not None and known[0] == key and (known[1].source is None or store.has(known[1].source)):
            return known[1]
        if file.endswith(_COMPILED):
            from jupyter_mlgov.hashing.files import hash_file

            record = Module(path=path, digest=hash_file(Path(file)).digest, name=name)
        else:
            digest = store.put(self._secrets.redact_bytes(Path(file).read_bytes()))
            record = Module(path=path, digest=digest, name=name, source=digest)
        self._modules[file] = (key, record)
        return record


class ProjectFiles:
    """Loaded files that lie in a project and in no installed package, with their modules' names.

    Thousands of modules are loaded and few are new since the last snapshot: where each lies is found out once.
    """

    def __init__(self) -> None:
        self._asked: tuple[object, ...] = ()
        self._known: dict[tuple[str, str], str | None] = {}
        """Module's name and its ``__file__`` -> the file as the project has it; None for one that is not its own."""
        self._modules: dict[str, ModuleType] = {}
        self._found: dict[str, str] = {}

    def of(self, root: Path) -> dict[str, str]:
        """Each file -> its module's name."""
        # A module may have a relative __file__, so the working directory counts too.
        asked = (root, working_folder(), package_folders())
        if asked != self._asked:
            self._asked = asked
            self._known.clear()
            self._modules = {}
            self._prefix = str(root) + os.sep
            self._real = os.path.realpath(root) + os.sep
            self._outside = tuple(
                str(folder) + os.sep
                for folder in (*package_folders(), Path(sys.prefix), Path(os.__file__).parent)
            )
        modules = dict(sys.modules)
        if modules.keys() == self._modules.keys() and all(map(is_, modules.values(), self._modules.values())):
            return dict(self._found)
        found: dict[str, str] = {}
        module_type, outside, up = type(sys), self._outside, f"{os.sep}.."
        for name, module in modules.items():
            if not issubclass(type(module), module_type):
                continue
            file = object.__getattribute__(module, "__dict__").get("__file__")  # a lazy module stays unloaded
            if type(file) is not str or (file.startswith(outside) and up not in file):
                continue  # as most are; no need to look for a way out of there
            if (name, file) not in self._known:
                self._known[name, file] = self._own(name, file)
            own = self._known[name, file]
            if own is not None:
                found[own] = max(found.get(own, ""), name)
        self._modules, self._found = modules, dict(sorted(found.items(), key=lambda one: one[1]))
        return dict(self._found)

    def _own(self, name: str, file: str) -> str | None:
        if name in ("__main__", "__mp_main__") or name.partition(".")[0] == "jupyter_mlgov":
            return None
        return self.own(file) if file.endswith((".py", *_COMPILED)) else None

    def own(self, file: str) -> str | None:
        """The file as the project has it; None for one that is not its own. :meth:`of` has to have been asked."""
        file = os.path.normpath(file) if os.path.isabs(file) else str(absolute(file))  # noqa: PTH117
        if not file.startswith(self._prefix) and file.startswith(self._real):
            file = self._prefix + file[len(self._real) :]  # the project is reached through a link
        return file if file.startswith(self._prefix) and not file.startswith(self._outside) else None


def _edited_since_import(name: str, state: os.stat_result) -> bool:
    """Whether the bytecode that the import wrote was made from another text than the file holds now."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    cached = getattr(spec, "cached", None)
    if not isinstance(cached, str) or sys.dont_write_bytecode:
        return False
    try:
        if not os.access(os.path.dirname(cached), os.W_OK):  # noqa: PTH120
            return False  # an old one may lie there that the import could not replace
        with open(cached, "rb") as file:  # noqa: PTH123
            head = file.read(16)
    except OSError:
        return False
    if len(head) < 16 or head[4:8] != b"\0\0\0\0":
        return False
    made_from = int.from_bytes(head[8:12], "little"), int.from_bytes(head[12:16], "little")
    return made_from != (int(state.st_mtime) & 0xFFFFFFFF, state.st_size & 0xFFFFFFFF)


def _stamp(root: Path, path: bytes) -> tuple[bytes, int, int]:
    try:
        state = os.lstat(os.path.join(os.fsencode(root), path))  # noqa: PTH118
    except OSError:
        return path, 0, 0
    return path, state.st_mtime_ns, state.st_size
