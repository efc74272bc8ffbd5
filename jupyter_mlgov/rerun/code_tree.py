"""The files of a commit as objects: what a bundle carries, so that the repository need not exist elsewhere.

A tree is an object of canonical JSON that names each file by path and digest. An ``import`` entry of the ledger
says which tree belongs to a commit.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlgov.errors import Damaged
from jupyter_mlgov.records.canonical import canonical
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.secrets import redact_bytes
from jupyter_mlgov.records.tree import LeftOut, Tree, TreeFile

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

LARGEST = 50 << 20
"""Bytes of a file past which it is left out of a tree: data is kept with the inputs that were read."""
TOTAL = 500 << 20
"""Bytes of a whole tree."""


def keep_tree(root: Path, store: Store, manifest: Manifest) -> str | None:
    """Puts the files of the manifest's commit into the store; the digest of the tree. None without a commit, or
    where neither the repository nor an earlier import has it. Raises as ``Store.put``."""
    commit = manifest.code.revision()
    if commit is None:
        return None
    known = _imported(store, commit)
    if known is not None:
        return known
    top = repository_of(root)
    if top is None:
        return None
    files: list[TreeFile] = []
    left_out: list[LeftOut] = []
    total = 0
    archive = subprocess.Popen(  # noqa: S603
        ["git", "archive", "--format=tar", commit],  # noqa: S607
        cwd=top, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert archive.stdout is not None
    try:
        with tarfile.open(fileobj=archive.stdout, mode="r|") as members:
            for member in members:
                if not member.isreg():
                    if not member.isdir():
                        left_out.append(LeftOut(path=member.name, bytes=0, why="it is a link"))
                    continue
                if member.size > LARGEST or total + member.size > TOTAL:
                    left_out.append(LeftOut(path=member.name, bytes=member.size, why="it is too large"))
                    continue
                handle = members.extractfile(member)
                data = redact_bytes(handle.read()) if handle is not None else b""
                total += member.size
                runs = bool(member.mode & 0o100)
                files.append(TreeFile(path=member.name, executable=runs, digest=store.put(data)))
    except tarfile.TarError:
        return None  # git has no such commit here
    finally:
        archive.stdout.close()
        archive.wait()
    if archive.returncode != 0:
        return None
    place = root.resolve().relative_to(top)
    tree = Tree(
        commit=commit,
        project=place.as_posix() if place.parts else "",
        files=tuple(sorted(files, key=lambda one: one.path)),
        left_out=tuple(sorted(left_out, key=lambda one: one.path)),
    )
    return store.put(canonical(tree))


def tree_of(store: Store, manifest: Manifest) -> Tree | None:
    """The tree that came with an import, for the manifest's commit. Raises ``Missing`` or ``Damaged``."""
    digest = _imported(store, manifest.code.commit) if manifest.code.commit is not None else None
    if digest is None:
        return None
    try:
        return decoded(store.get(digest), Tree)
    except msgspec.MsgspecError as error:
        raise Damaged(f"object {digest} is no tree ({error}); run `mlgov fsck`") from error


def restore_tree(folder: Path, store: Store, tree: Tree) -> Path:
    """Writes the files into the empty ``folder``; where the project lies among them. Raises ``Damaged`` for a
    path that leads out of it, or into a repository's own folder: git does what stands in there."""
    for file in tree.files:
        path = _checked(folder, file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.get(file.digest))
        if file.executable:
            path.chmod(0o755)
    return _checked(folder, tree.project) if tree.project else folder


def repository_of(root: Path) -> Path | None:
    """The top of the git repository that ``root`` lies in, resolved; None without one."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--show-toplevel"],  # noqa: S607
            cwd=root, capture_output=True, check=False,
        )  # fmt: skip
    except OSError:
        return None
    top = Path(os.fsdecode(done.stdout.strip())).resolve() if done.returncode == 0 else None
    return top if top is not None and root.resolve().is_relative_to(top) else None


def _imported(store: Store, commit: str) -> str | None:
    for entry in store.entries(kind="import"):
        if entry.body.get("commit") == commit and isinstance(entry.body.get("tree"), str):
            return str(entry.body["tree"])
    return None


def _checked(folder: Path, name: str) -> Path:
    path = Path(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise Damaged(f"a tree names {name[:100]!r}, which leads out of it; run `mlgov fsck`")
    if any(part.lower() == ".git" for part in path.parts):
        raise Damaged(f"a tree names {name[:100]!r}, which no commit can hold; run `mlgov fsck`")
    return folder / path
