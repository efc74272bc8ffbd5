"""The repository as it stands, and the project's own modules that the kernel has loaded."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlgov.capture.inputs import package_folders
from jupyter_mlgov.capture.secrets import redact_bytes
from jupyter_mlgov.records.manifest import Caution, Code, Module

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

DIFF_LIMIT = 20_000_000
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")


class CodeRecorder:
    """Records the code; remembers modules by size and time, so that only what changed is read again."""

    def __init__(self) -> None:
        self._modules: dict[str, tuple[tuple[int, int], Module]] = {}
        self._repositories: dict[Path, Any] = {}

    def record(self, root: Path, folder: Path, store: Store) -> tuple[Code, list[Caution]]:
        """Commit, branch, uncommitted changes and modules. Without git, the modules alone."""
        modules = self.modules(root, store)
        repository = self._repository(folder)
        if repository is None:
            return Code(modules=modules), []
        cautions: list[Caution] = []
        commit, branch, remote, diff = None, "", None, None
        try:
            if repository.head.is_valid():
                commit = repository.head.commit.hexsha
            branch = "" if repository.head.is_detached else repository.active_branch.name
            remote = _remote(repository)
            changes = repository.git.execute(
                ["git", "diff", *(["HEAD"] if commit else ["--cached"]), "--no-color", "--no-ext-diff", "--binary"],
                stdout_as_string=False, strip_newline_in_stdout=False,
            )  # fmt: skip
            dirty = bool(changes)
            if dirty and len(changes) > DIFF_LIMIT:
                cautions.append(
                    Caution(
                        code="code.diff",
                        message=f"the uncommitted changes ({len(changes)} bytes) are too large to keep",
                    )
                )
            elif dirty:
                diff = store.put(redact_bytes(changes))
        except Exception as error:  # noqa: BLE001 - whatever git says, the snapshot goes on without
            line = " ".join(str(error).split())[:200]
            return Code(commit=commit, branch=branch, remote=remote, modules=modules), [
                Caution(code="code.git", message=f"git could not be asked: {line}")
            ]
        return Code(
            commit=commit, branch=branch, dirty=dirty, remote=remote, diff=diff, modules=modules
        ), cautions

    def author(self, folder: Path) -> str:
        """Git's ``user.name``, else the login name."""
        repository = self._repository(folder)
        if repository is not None:
            try:
                name = repository.config_reader().get_value("user", "name", "")
            except Exception:  # noqa: BLE001 - a broken git configuration is not ours to report
                name = ""
            if name:
                return str(name)
        import getpass

        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return ""

    def modules(self, root: Path, store: Store) -> tuple[Module, ...]:
        """Imported Python files that lie in the project and in no installed package."""
        found: dict[str, Module] = {}
        prefix = str(root) + os.sep
        outside = tuple(str(folder) + os.sep for folder in (*package_folders(), Path(sys.prefix)))
        for name, module in list(sys.modules.items()):
            if name in ("__main__", "__mp_main__") or name.split(".")[0] == "jupyter_mlgov":
                continue
            file = getattr(module, "__file__", None) if isinstance(module, type(sys)) else None
            if not isinstance(file, str) or not file.endswith(".py"):
                continue
            file = os.path.abspath(file)  # noqa: PTH100
            if not file.startswith(prefix) or file.startswith(outside):
                continue
            record = self._module(name, file, file[len(prefix) :].replace(os.sep, "/"), store)
            if record is not None:
                found[record.path] = record
        return tuple(found[path] for path in sorted(found))

    def _module(self, name: str, file: str, path: str, store: Store) -> Module | None:
        try:
            state = os.stat(file)  # noqa: PTH116
            key = (state.st_mtime_ns, state.st_size)
            known = self._modules.get(file)
            if known is not None and known[0] == key and store.has(known[1].digest):
                return known[1]
            digest = store.put(redact_bytes(Path(file).read_bytes()))
        except OSError:
            return None
        record = Module(path=path, digest=digest, name=name, source=digest)
        self._modules[file] = (key, record)
        return record

    def _repository(self, folder: Path) -> Any:
        if folder not in self._repositories:
            import git

            try:
                self._repositories[folder] = git.Repo(folder, search_parent_directories=True)
            except (git.InvalidGitRepositoryError, git.NoSuchPathError, OSError, ValueError):
                self._repositories[folder] = None
        return self._repositories[folder]


def _remote(repository: Any) -> str | None:
    names = [remote.name for remote in repository.remotes]
    if not names:
        return None
    url = repository.remotes["origin" if "origin" in names else names[0]].url
    return _CREDENTIALS.sub("", url)
