"""A checkout mirrored in a sandbox: the notebook finds everything where it looks, and what it writes stays there.

The sandbox repeats the absolute path of the project, so ``data/x.csv``, ``../data/x.csv`` and a walk up to the
repository's top lead to the same files as in the checkout. Folders are made anew and files copied while that is
cheap (``COPIED_EACH``, ``COPIED``, ``ENTRIES``), nearest to the notebook first; what is large or beyond that is a
symbolic link, which ``guard`` replaces before a write. Above the project there are links only.

Git works in the mirror: it has an index, a HEAD and references of its own and borrows the objects.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
from collections import deque
from pathlib import Path

COPIED_EACH = 32 << 20
"""Bytes up to which a file is copied."""
COPIED = 256 << 20
"""Bytes that are copied for one run, in all."""
ENTRIES = 20_000
"""Files and folders that are made for one run; what is beyond is reached through a link to its folder."""

BESIDE = 1000
"""Entries of a folder above the project up to which each gets its link; of more, those that the notebook names do."""

STORE = ".mlgov"
_LEFT_OUT = frozenset({"__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
_LINKED = frozenset({"node_modules", ".tox", ".nox", ".venv", "venv", ".conda"})
_GIT_COPIED = ("HEAD", "config", "index", "packed-refs", "shallow", "refs", "info")


def top_of(root: Path) -> Path:
    """The repository's top at or above ``root``, else ``root``: what belongs together."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


class Mirror:
    """The copy of one checkout under ``prefix``; ``place_of`` says where a path of the machine lies in it."""

    def __init__(self, prefix: Path, root: Path, document: bytes = b"") -> None:
        self.prefix = prefix
        self.root = root
        self._document = document
        self.top = top_of(root)
        self._entries = 0
        self._bytes = 0
        self._linked_files: list[str] = []

    def place_of(self, path: Path) -> Path:
        """Where ``path`` (absolute) lies in the mirror."""
        return self.prefix / path.relative_to(path.anchor)

    def make(self, folder: Path) -> None:
        """Mirrors the checkout for a notebook in ``folder``. Raises ``OSError`` where the disk is full."""
        self.place_of(self.top).mkdir(parents=True, exist_ok=True)
        self._above()
        chain = [self.top, *reversed([one for one in (folder, *folder.parents) if self._inside(one)])]
        for one in chain:
            if one.is_dir():
                self.place_of(one).mkdir(exist_ok=True)
        made = set(chain)
        waiting = deque(reversed(chain))
        while waiting:
            source = waiting.popleft()
            if source.is_dir():
                waiting.extend(self._folder(source, made))
        self._git()

    def _inside(self, folder: Path) -> bool:
        return folder != self.top and folder.is_relative_to(self.top)

    def _above(self) -> None:
        """Links to what lies beside the folders that lead to the project."""
        below = self.top
        for folder in self.top.parents:
            beside: list[Path] = []
            with contextlib.suppress(OSError):
                beside = list(folder.iterdir())
            if len(beside) > BESIDE:  # a folder for anybody's temporary files, say
                beside = [path for path in beside if os.fsencode(path.name) in self._document]
            for path in beside:
                if path not in (below, self.prefix.parent):
                    _link(path, self.place_of(path))
            below = folder

    def _folder(self, source: Path, made: set[Path]) -> list[Path]:
        """Mirrors one folder, not what is below it; gives the folders below that are to be mirrored."""
        target = self.place_of(source)
        below = []
        try:
            entries = sorted(os.scandir(source), key=lambda entry: entry.name)
        except OSError:
            return []
        for entry in entries:
            path, place = Path(entry.path), target / entry.name
            if entry.name in _LEFT_OUT or path in made or (entry.name == ".git" and source == self.top):
                continue
            self._entries += 1
            if entry.name == STORE:
                _link(path, place)
            elif entry.is_symlink():
                with contextlib.suppress(FileNotFoundError):  # gone since the folder was listed, as below
                    self._symlink(path, place)
            elif entry.is_dir(follow_symlinks=False):
                if self._entries > ENTRIES or entry.name in _LINKED or (path / "pyvenv.cfg").is_file():
                    _link(path, place)
                    self._linked_files.append(entry.path)
                else:
                    place.mkdir(exist_ok=True)
                    below.append(path)
            elif entry.is_file(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):
                    self._file(entry, place)
        return below

    def _symlink(self, path: Path, place: Path) -> None:
        target = path.readlink()
        if target.is_absolute() and target.is_relative_to(self.top):
            target = self.place_of(target)
            self._linked_files.append(str(path))
        if not os.path.lexists(place):
            place.symlink_to(target)

    def _file(self, entry: os.DirEntry[str], place: Path) -> None:
        size = entry.stat(follow_symlinks=False).st_size
        if size <= COPIED_EACH and self._bytes + size <= COPIED and self._entries <= ENTRIES:
            try:
                shutil.copy2(entry.path, place)
            except PermissionError:  # a link, then: reading it fails as it does in the checkout
                place.unlink(missing_ok=True)
            else:
                place.chmod(stat.S_IMODE(place.stat().st_mode) | stat.S_IWUSR)
                self._bytes += size
                return
        _link(Path(entry.path), place)
        self._linked_files.append(entry.path)

    # -- git -------------------------------------------------------------------------------------------------

    def _git(self) -> None:
        source = self.top / ".git"
        if not source.exists():
            return
        own, common = _git_folders(source)
        target = self.place_of(source)
        if own is None or common is None or not (own / "HEAD").is_file():
            return
        target.mkdir(exist_ok=True)
        for name in _GIT_COPIED:
            found = next((folder / name for folder in (own, common) if (folder / name).exists()), None)
            if found is None:
                continue
            with contextlib.suppress(FileNotFoundError):
                if found.is_dir():
                    _copied_tree(found, target / name)
                else:
                    shutil.copy2(found, target / name)
        (target / "objects" / "info").mkdir(parents=True, exist_ok=True)
        (target / "objects" / "info" / "alternates").write_text(f"{common / 'objects'}\n")
        (target / "info").mkdir(exist_ok=True)
        with (target / "info" / "exclude").open("a", encoding="utf-8") as exclude:
            exclude.write(f"\n/{(self.root / STORE).relative_to(self.top).as_posix()}\n")
        with (target / "config").open("a", encoding="utf-8") as config:
            # Copies have other inodes: without this git would read every file again.
            config.write("\n[core]\n\tcheckStat = minimal\n\ttrustctime = false\n\tfsmonitor = false\n")
            if source.is_file():
                config.write(f"\tworktree = {target.parent}\n")
        self._as_unchanged(target)

    def _as_unchanged(self, git: Path) -> None:
        """Tells git in the mirror that a link is the file that it stands for."""
        if not self._linked_files or not (git / "index").is_file():
            return
        names = [os.path.relpath(one, self.top) for one in self._linked_files]
        work = self.place_of(self.top)
        tracked = _run_git(work, "ls-files", "-z", "--", *names[:500])
        if tracked:
            _run_git(work, "update-index", "--skip-worktree", "-z", "--stdin", data=tracked)


def _copied_tree(source: Path, target: Path) -> None:
    """Copies references while git may be at work: neither its locks nor what goes meanwhile counts. Raises ``OSError``
    for anything else."""
    try:
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.lock"))
    except shutil.Error as error:
        failed = [one for one, *_ in error.args[0]] if isinstance(error.args[0], list) else [source]
        if any(os.path.lexists(one) for one in failed):
            raise


def _git_folders(source: Path) -> tuple[Path | None, Path | None]:
    """The repository's own folder and the one with the objects: two in a linked worktree."""
    if source.is_dir():
        return source, source
    try:
        text = source.read_text(encoding="utf-8").strip()
        own = (source.parent / text.removeprefix("gitdir:").strip()).resolve()
        shared = own / "commondir"
        common = (own / shared.read_text(encoding="utf-8").strip()).resolve() if shared.is_file() else own
    except (OSError, UnicodeDecodeError):
        return None, None
    return own, common


def _run_git(folder: Path, *words: str, data: bytes | None = None) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *words], cwd=folder, input=data, capture_output=True, check=False  # noqa: S607
        )  # fmt: skip
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""


def _link(target: Path, place: Path) -> None:
    if not os.path.lexists(place):
        place.symlink_to(target)
