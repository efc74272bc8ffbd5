"""A folder that holds what a snapshot recorded: code from the commit and the kept changes, data from the store.

``--as-recorded`` and controlled reruns execute there. What the store does not hold is named, and then there is
no run: a rerun on something else would prove nothing.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlgov.records.manifest import Input, Manifest
from jupyter_mlgov.rerun.execute import Place

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

RESTORED_VARIABLES = ("TZ", "LANG", "LC_ALL", "PYTHONHASHSEED")


def inside(uri: str) -> PurePosixPath | None:
    """The path of an input that lies in the project, or None for any other."""
    path = PurePosixPath(uri)
    if uri.startswith("package:") or "://" in uri or path.is_absolute() or ".." in path.parts:
        return None
    return path


def not_kept(manifest: Manifest, store: Store) -> list[Input]:
    """Inputs of the project that cannot be restored: their content is not in the store."""
    return [
        item
        for item in manifest.inputs
        if inside(item.uri) is not None
        and not item.derived
        and not (item.kept and item.digest and store.has(item.digest))
    ]


def restore(folder: Path, root: Path, store: Store, manifest: Manifest) -> Place:
    """Fills the empty ``folder`` and gives it as the place of a run."""
    _restore_commit(folder, root, store, manifest)
    for module in manifest.code.modules:
        path = inside(module.path)
        if path is not None and module.source:
            _write(folder / path, store.get(module.source))
    for item in manifest.inputs:
        path = inside(item.uri)
        if path is not None and item.kept and item.digest and not item.derived:
            _write(folder / path, store.get(item.digest))
    document = store.get(manifest.notebook.document)
    place = inside(manifest.notebook.path) if manifest.notebook.path else None
    notebook = folder / (place or "notebook.ipynb")
    _write(notebook, document)
    variables = store.environment(manifest).variables
    restored = {name: value for name in RESTORED_VARIABLES if (value := variables.get(name)) is not None}
    return Place(folder, notebook, document, restored)


def _restore_commit(folder: Path, root: Path, store: Store, manifest: Manifest) -> None:
    """Files of the commit, with the kept changes applied. Without git or commit, modules and data are all there is."""
    commit = manifest.code.commit
    if commit is None:
        return
    archived = subprocess.run(["git", "archive", commit], cwd=root, capture_output=True, check=False)  # noqa: S603, S607
    if archived.returncode != 0:
        return
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(folder, filter="data")
    if manifest.code.diff is not None and store.has(manifest.code.diff):
        subprocess.run(  # noqa: S603
            ["git", "apply", "--whitespace=nowarn", "--unsafe-paths", f"--directory={folder}", "-"],  # noqa: S607
            cwd=folder,
            input=store.get(manifest.code.diff),
            capture_output=True,
            check=False,
        )


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(data)
