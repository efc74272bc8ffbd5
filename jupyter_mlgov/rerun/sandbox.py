"""The folder that a run happens in. Nothing else of the user's is written: not the checkout, not git's index.

It holds either the checkout as it is today (see ``mirror``) or what a snapshot recorded: code from the commit and
the kept changes, modules, data from the store. What cannot be restored is named, and then there is no run: a
rerun on something else would prove nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlgov.records.manifest import Input, Manifest
from jupyter_mlgov.records.verdict import Finding
from jupyter_mlgov.rerun.absolute_paths import absolute_texts, led_into, texts_to
from jupyter_mlgov.rerun.inside import own_folder
from jupyter_mlgov.rerun.installed import paths_into
from jupyter_mlgov.rerun.mirror import STORE, Mirror
from jupyter_mlgov.rerun.place import Place

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

NAME = "mlgov-sandbox-"
_DEEP = ("above", "of", "the", "project")
"""Folders above a restored project: ``../../x`` stays in the sandbox."""


@dataclass(frozen=True)
class Sandbox:
    """``root`` and ``notebook`` as in a ``Place``, here. ``prefix`` is the folder that stands for ``/``: a path below
    it is the machine's path. ``uris`` names files that were recorded under another name than that."""

    prefix: Path
    root: Path
    notebook: Path | None
    document: bytes
    real_root: Path
    uris: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str | None] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    """Folders that come first when the notebook imports."""
    recorder: str | None = None
    """The folder that holds this version of the recorder, where the kernel's environment has another or none."""

    @property
    def folder(self) -> Path:
        """The kernel's working directory."""
        return self.notebook.parent if self.notebook is not None else self.root


@contextlib.contextmanager
def lay_out(place: Place, store: Store) -> Iterator[Sandbox]:
    """A new sandbox for one run; it is gone afterwards. Raises ``OSError`` where the disk is full."""
    temporary = Path(tempfile.mkdtemp(prefix=NAME)).resolve()
    try:
        yield (
            _today(temporary, place, store) if place.recorded is None else _recorded(temporary, place, store)
        )
    finally:
        remove(temporary)


def remove(folder: Path) -> None:
    """Deletes a sandbox, whatever permissions a notebook gave to its files. No link is followed."""

    def unlock(_function: object, path: str, _error: object) -> None:
        with contextlib.suppress(OSError):
            above = os.path.dirname(path)  # noqa: PTH120
            if stat.S_ISDIR(os.lstat(above).st_mode) and above.startswith(str(folder)):
                os.chmod(above, 0o700)  # noqa: PTH101
            if stat.S_ISDIR(os.lstat(path).st_mode):
                os.chmod(path, 0o700)  # noqa: PTH101
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)  # noqa: PTH108

    shutil.rmtree(folder, onerror=unlock)


# -- today ---------------------------------------------------------------------------------------------------


def _today(temporary: Path, place: Place, store: Store) -> Sandbox:
    mirror = Mirror(temporary / "files", place.root, place.document)
    folder = place.notebook.parent if place.notebook is not None else place.root
    mirror.make(folder if folder.is_relative_to(mirror.top) else place.root)
    root = mirror.place_of(place.root)
    notebook = mirror.place_of(place.notebook) if place.notebook is not None else None
    if notebook is not None:
        _own_folders(mirror.prefix, PurePosixPath(notebook.relative_to(mirror.prefix)))
        notebook.parent.mkdir(parents=True, exist_ok=True)
        _write(notebook, place.document)
    for uri, digest in place.given.items():
        where = inside(uri)
        if where is not None:
            _own_folders(root, where)
            _write(root / where, store.get(digest))
    return Sandbox(
        mirror.prefix,
        root,
        notebook,
        place.document,
        place.root,
        variables=place.variables | _moved_path(mirror),
        paths=tuple(str(mirror.place_of(path)) for path in paths_into(mirror.top)),
    )


def _own_folders(root: Path, where: PurePosixPath) -> None:
    """Makes folders of the mirror that are links into the checkout the sandbox's own, before something is put there."""
    place = root
    for name in where.parts[:-1]:
        place /= name
        if place.is_symlink() and place.is_dir():
            own_folder(str(place), os.path.realpath(place))


def _moved_path(mirror: Mirror) -> dict[str, str | None]:
    """``PYTHONPATH`` with the sandbox's folders for those of the checkout."""
    given = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    if not any(_below(part, mirror.top) for part in given):
        return {}
    moved = (str(mirror.place_of(Path(part))) if _below(part, mirror.top) else part for part in given)
    return {"PYTHONPATH": os.pathsep.join(moved)}


def _below(part: str, top: Path) -> bool:
    path = Path(part)
    return path.is_absolute() and path.is_relative_to(top)


# -- as recorded ---------------------------------------------------------------------------------------------


def _recorded(temporary: Path, place: Place, store: Store) -> Sandbox:
    manifest = place.recorded
    assert manifest is not None
    prefix = temporary / "files"
    top = prefix.joinpath(*_DEEP)
    top.mkdir(parents=True)
    root = _restore_code(top, place.root, store, manifest)
    _make_folders(root, place.root)
    path = inside(place.notebook.relative_to(place.root).as_posix()) if place.notebook is not None else None
    notebook = root / (path or "notebook.ipynb")
    for module in manifest.code.modules:
        where = inside(module.path)
        if where is not None and module.source:
            _write(root / where, store.get(module.source))
    uris = {}
    for item in manifest.inputs:
        if item.derived or item.digest is None:
            continue
        for target in _targets(item, root, notebook.parent, manifest, store):
            if target.is_relative_to(prefix):
                if _base(item) is None:
                    uris[str(target)] = item.uri
                _restore_input(item, target, place.root, store, within=prefix)
    document = led_into(place.document, _absolute(prefix, root, place, store))
    _write(notebook, document)
    link = root / STORE
    if not os.path.lexists(link):
        link.symlink_to(store.folder.absolute())
    recorder = None
    variables = dict(place.variables)
    if place.python is not None:
        recorder = temporary / "recorder"
        recorder.mkdir()
        (recorder / "jupyter_mlgov").symlink_to(Path(__file__).resolve().parent.parent)
        variables["PYTHONPATH"] = None
    return Sandbox(
        prefix,
        root,
        notebook,
        document,
        place.root,
        uris,
        variables,
        paths=_recorded_paths(manifest, root),
        recorder=str(recorder) if recorder is not None else None,
    )


def _absolute(prefix: Path, root: Path, place: Place, store: Store) -> dict[str, str]:
    """Absolute paths in the code, with the place that stands for each in the sandbox; what lies outside the project is
    put there where ``place`` says so."""
    manifest = place.recorded
    assert manifest is not None
    places = {}
    absolute = absolute_texts(manifest, store)
    for item in manifest.inputs:
        if item.derived or item.digest is None:
            continue
        within = inside(item.place()) is not None
        for text in texts_to(item, absolute, place.root):
            if not within and place.outside and stored(item, store):
                target = prefix / item.place().lstrip("/")
                _restore_input(item, target, place.root, store, within=prefix)
                places[text] = f"{prefix}{text}"
            elif within and Path(text).is_relative_to(place.root):
                places[text] = str(root / Path(text).relative_to(place.root))
    return dict(sorted(places.items(), key=lambda pair: -len(pair[0])))


def _recorded_paths(manifest: Manifest, root: Path) -> tuple[str, ...]:
    """Folders that the recorded modules were imported from."""
    found: dict[str, None] = {}
    for module in manifest.code.modules:
        parts = PurePosixPath(module.path).with_suffix("").parts
        names = tuple(module.name.split(".")) if module.name else ()
        names = (*names, "__init__") if parts[-1:] == ("__init__",) else names
        if names and parts[-len(names) :] == names and inside(module.path) is not None:
            found[str(root.joinpath(*parts[: -len(names)]))] = None
    return tuple(found)


def _targets(item: Input, root: Path, folder: Path, manifest: Manifest, store: Store) -> list[Path]:
    """Where the notebook looks for an input, in the sandbox: not by an absolute path."""
    base = _base(item)
    if base is not None:
        return [root / base]
    found = [Path(os.path.normpath(folder / text)) for text in _climbing(item, manifest, store)]
    return [path.parent for path in found] if item.is_spread() else found


def _climbing(item: Input, manifest: Manifest, store: Store) -> list[str]:
    """Texts in the code such as ``../data/x.csv`` that can have led to an input outside the project."""
    several = item.members is not None and not item.is_spread()
    if "://" in item.uri or item.uri.startswith("package:") or several:
        return []
    from jupyter_mlgov.capture.names import names_of
    from jupyter_mlgov.rerun.code_form import python_of

    found = []
    for cell in manifest.notebook.cells:
        if cell.type != "code" or not cell.runs:
            continue
        for text in names_of(python_of(store.get(cell.source).decode("utf-8", "replace"))).texts:
            tail = PurePosixPath(*(part for part in PurePosixPath(text).parts if part not in ("..", ".")))
            if text.startswith("..") and tail.parts and item.uri.endswith(f"/{tail}"):
                found.append(text)
    return found


def _restore_input(item: Input, target: Path, root: Path, store: Store, *, within: Path) -> None:
    """Puts an input's content at ``target``; nothing of one whose paths lead out of the folder ``within``."""
    if not all(_stays(path, within) for path, _ in files_of(item, target)):
        return
    if stored(item, store):
        for path, digest in files_of(item, target):
            _write(path, store.get(digest or ""))
        return
    place = located(item.place(), root)
    if place is not None and _holds(place, item):
        for (path, _), (source, _) in zip(files_of(item, target), files_of(item, place), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            shutil.copyfile(source, path)


def _stays(path: Path, within: Path) -> bool:
    return Path(os.path.normpath(path)).is_relative_to(within)


def inside(uri: str) -> PurePosixPath | None:
    """The path of an input that lies in the project, or None for any other."""
    path = PurePosixPath(uri)
    if (
        uri.startswith("package:")
        or "://" in uri
        or "\0" in uri
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
        if finds_its_place(item, manifest, store) and stored(item, store):
            continue
        place = located(item.place(), root)
        if place is None or not _holds(place, item):
            found.append(_gone(item, place))
    return found


def finds_its_place(item: Input, manifest: Manifest, store: Store) -> bool:
    """Whether a sandbox can hold the input where the notebook looks for it: not by an absolute path."""
    return _base(item) is not None or bool(_climbing(item, manifest, store))


def _gone(item: Input, place: Path | None) -> Finding:
    size = f" ({item.bytes} bytes)" if item.bytes is not None else ""
    absolute = place is not None and inside(item.uri) is None and not item.uri.startswith("package:")
    there = "has another content now" if place is not None and place.exists() else "is not there"
    kept = "cannot be put at that absolute path" if item.kept else "is not in the store"
    return Finding(
        cause="path" if absolute else "data.missing",
        subject=item.uri,
        cell=item.cell,
        message=f"The recorded content of {item.uri}{size} {kept}, and the file {there}.",
        remedy=f"put {item.uri} back as it was recorded, or rerun without --as-recorded",
        confirmed=True,
    )


def _base(item: Input) -> PurePosixPath | None:
    """Where an input lies in the project: for several files, the folder that their paths count from."""
    if item.members is not None and any(inside(member.path) is None for member in item.members):
        return None
    place = item.place()
    return PurePosixPath(".") if place == "." and item.members is not None else inside(place)


def stored(item: Input, store: Store) -> bool:
    """Whether the store has all of an input's content."""
    contents = item.contents()
    return bool(contents) and all(store.has(digest) for digest in contents)


def files_of(item: Input, place: Path) -> list[tuple[Path, str | None]]:
    """The files of an input that lies at ``place``, with their digests."""
    if item.members is None:
        return [(place, item.digest)]
    return [(place / member.path, member.digest) for member in item.members]


def _holds(place: Path, item: Input) -> bool:
    from jupyter_mlgov.hashing.files import hash_file

    try:
        return all(hash_file(path).digest == digest for path, digest in files_of(item, place))
    except OSError:
        return False


def _restore_code(folder: Path, root: Path, store: Store, manifest: Manifest) -> Path:
    """Files of the commit with the kept changes, and where the project lies among them. Without git or commit,
    modules and data are all there is."""
    from jupyter_mlgov.rerun.code_tree import restore_tree, tree_of

    project = folder / (root.name or "project")
    tree = tree_of(store, manifest)
    if tree is not None:
        project = restore_tree(folder, store, tree)
    elif (commit := manifest.code.revision()) is not None:
        project = _restore_commit(folder, root, commit) or project
    project.mkdir(parents=True, exist_ok=True)
    if manifest.code.diff is not None and store.has(manifest.code.diff):
        _git(folder, "apply", "--whitespace=nowarn", "-", data=store.get(manifest.code.diff))
    return project


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


def _restore_commit(folder: Path, root: Path, commit: str) -> Path | None:
    """The files of a commit of the repository that ``root`` lies in; None where it is not there."""
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or not root.resolve().is_relative_to(Path(os.fsdecode(top.strip())).resolve()):
        return None
    repository = Path(os.fsdecode(top.strip())).resolve()
    archived = _git(repository, "archive", "--format=tar", commit)
    if archived is None:
        return None
    with tarfile.open(fileobj=io.BytesIO(archived)) as archive:
        archive.errorlevel = 0  # a link out of the repository is left out
        archive.extractall(folder, filter="data")
    return folder / root.resolve().relative_to(repository)


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
