"""A folder that holds what a snapshot recorded: code from the commit and the kept changes, data from the store.

``--as-recorded`` and controlled reruns execute there. What cannot be restored is named, and then there is no
run: a rerun on something else would prove nothing. The user's folder and git index are only read.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlgov.records.manifest import Input, Manifest
from jupyter_mlgov.records.verdict import Finding
from jupyter_mlgov.rerun.execute import Place

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

RESTORED_VARIABLES = ("TZ", "LANG", "LC_ALL", "PYTHONHASHSEED")


def inside(uri: str) -> PurePosixPath | None:
    """The path of an input that lies in the project, or None for any other."""
    path = PurePosixPath(uri)
    if (
        uri.startswith("package:")
        or "://" in uri
        or path.is_absolute()
        or ".." in path.parts
        or not path.parts
    ):
        return None
    return path


def located(uri: str, root: Path) -> Path | None:
    """Where an input lies on this machine; None where the URI names no file."""
    if uri.startswith("package:"):
        from jupyter_mlgov.capture.inputs import package_folders

        name = uri.removeprefix("package:")
        places = [folder / name for folder in package_folders()]
        return next((place for place in places if place.exists()), places[0] if places else None)
    if "://" in uri:
        return None
    return Path(uri) if Path(uri).is_absolute() else root / uri


def not_restorable(manifest: Manifest, store: Store, root: Path) -> list[Finding]:
    """A finding for each input whose recorded content is neither in the store nor in its place."""
    found = []
    for item in manifest.inputs:
        if item.derived or item.digest is None or item.evidence == "inferred":
            continue
        if _base(item) is not None and _stored(item, store):
            continue
        place = located(item.place(), root)
        if place is None or not _holds(place, item):
            found.append(_gone(item, place))
    return found


def _gone(item: Input, place: Path | None) -> Finding:
    size = f" ({item.bytes} bytes)" if item.bytes is not None else ""
    absolute = place is not None and inside(item.uri) is None and not item.uri.startswith("package:")
    there = "has another content now" if place is not None and place.exists() else "is not there"
    return Finding(
        cause="path" if absolute else "data.missing",
        subject=item.uri,
        cell=item.cell,
        message=f"The recorded content of {item.uri}{size} is not in the store, and the file {there}.",
        remedy=f"put {item.uri} back as it was recorded, or rerun without --as-recorded",
        confirmed=True,
    )


def _base(item: Input) -> PurePosixPath | None:
    """Where an input lies in the project: for several files, the folder that their paths count from."""
    if item.members is not None and any(inside(member.path) is None for member in item.members):
        return None
    place = item.place()
    return PurePosixPath(".") if place == "." and item.members is not None else inside(place)


def _stored(item: Input, store: Store) -> bool:
    contents = item.contents()
    return bool(contents) and all(store.has(digest) for digest in contents)


def _files(item: Input, place: Path) -> list[tuple[Path, str | None]]:
    """The files of an input that lies at ``place``, with their digests."""
    if item.members is None:
        return [(place, item.digest)]
    return [(place / member.path, member.digest) for member in item.members]


def _holds(place: Path, item: Input) -> bool:
    from jupyter_mlgov.hashing.files import hash_file

    try:
        return all(hash_file(path).digest == digest for path, digest in _files(item, place))
    except OSError:
        return False


def restore(folder: Path, root: Path, store: Store, manifest: Manifest) -> Place:
    """Fills the empty ``folder`` and gives it as the place of a run."""
    project = _restore_commit(folder, root, store, manifest)
    _make_folders(project, root)
    for module in manifest.code.modules:
        path = inside(module.path)
        if path is not None and module.source:
            _write(project / path, store.get(module.source))
    for item in manifest.inputs:
        path = _base(item)
        if path is None or item.derived or item.digest is None:
            continue
        if _stored(item, store):
            for target, digest in _files(item, project / path):
                _write(target, store.get(digest or ""))
        elif _holds(root / path, item):
            for (target, _), (source, _) in zip(
                _files(item, project / path), _files(item, root / path), strict=True
            ):
                _write(target, source.read_bytes())
    document = store.get(manifest.notebook.document)
    place = inside(manifest.notebook.path) if manifest.notebook.path else None
    notebook = project / (place or "notebook.ipynb")
    _write(notebook, document)
    variables = store.environment(manifest).variables
    restored: dict[str, str | None] = {
        name: value for name in RESTORED_VARIABLES if (value := variables.get(name)) is not None
    }
    return Place(project, notebook, document, restored)


FOLDERS = 2_000
"""Folders of a project past which no more are made in a sandbox."""
_NOT_MADE = frozenset(
    {".git", ".mlgov", "node_modules", "__pycache__", "site-packages", ".ipynb_checkpoints"}
)


def _make_folders(project: Path, root: Path) -> None:
    """The project's folders, empty: a notebook writes into some that no commit holds."""
    count = 0
    for here, folders, _ in os.walk(root):
        folders[:] = [name for name in folders if name not in _NOT_MADE and not name.startswith(".")]
        for name in folders:
            count += 1
            if count > FOLDERS:
                return
            (project / Path(here, name).relative_to(root)).mkdir(parents=True, exist_ok=True)


def _restore_commit(folder: Path, root: Path, store: Store, manifest: Manifest) -> Path:
    """Files of the commit with the kept changes, and where the project lies among them. Without git or commit,
    modules and data are all there is."""
    commit = manifest.code.commit
    if commit is None:
        return folder
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or not root.resolve().is_relative_to(Path(os.fsdecode(top.strip())).resolve()):
        return folder
    repository = Path(os.fsdecode(top.strip())).resolve()
    archived = _git(repository, "archive", "--format=tar", commit)
    project = folder / root.resolve().relative_to(repository)
    if archived is None:
        return folder
    with tarfile.open(fileobj=io.BytesIO(archived)) as archive:
        archive.errorlevel = 0  # a link out of the repository is left out
        archive.extractall(folder, filter="data")
    project.mkdir(parents=True, exist_ok=True)
    if manifest.code.diff is not None and store.has(manifest.code.diff):
        _git(folder, "apply", "--whitespace=nowarn", "-", data=store.get(manifest.code.diff))
    return project


def _git(folder: Path, *words: str, data: bytes | None = None) -> bytes | None:
    """What git answers; None where it fails or is not installed. ``folder`` bounds the search for a repository
    when changes are applied, so that they never reach one that lies above a sandbox."""
    environment = dict(os.environ)
    if data is not None:
        environment["GIT_CEILING_DIRECTORIES"] = str(folder.resolve().parent)
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *words], cwd=folder, input=data, capture_output=True, check=False, env=environment  # noqa: S607
        )  # fmt: skip
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)
