"""Which of the opened files are inputs, and what is recorded of each.

An input is what the user would name: data that the notebook read. Library code, fonts, caches, package
metadata and the store itself are not. Where several mechanisms saw the same file, the strongest evidence
counts: *proven* when Python's own ``open`` was seen and the file did not change until it was hashed,
*observed* when only another mechanism saw it or it changed meanwhile, *declared* when the user named it,
*inferred* when a path in the code exists and nothing saw it being read.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlgov.capture.reads import Opened, Reads
from jupyter_mlgov.capture.secrets import is_secret_file
from jupyter_mlgov.records.manifest import Evidence, Input
from jupyter_mlgov.records.secrets import redact_bytes

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

KEEP_LIMIT = 100_000_000
"""Bytes up to which an input is kept in the store, so that the record can be rerun elsewhere."""

SECRETS_LIMIT = 1_000_000
"""Bytes up to which an input is searched for secrets: configurations are small, data is large."""

_PACKAGED_TABLES = (
    ".csv", ".tsv", ".parquet", ".feather", ".arrow", ".npy", ".npz", ".h5", ".hdf5", ".nc", ".xls", ".xlsx",
    ".dta", ".sav", ".sas7bdat", ".arff", ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zip",
)  # fmt: skip
_PACKAGED_IN_DATA = (".json", ".jsonl", ".txt", ".pkl", ".pickle", ".joblib", ".gz", ".bz2", ".xz", ".zip",
                     ".dat", ".data", ".jpg", ".png", ".db", ".sqlite")  # fmt: skip
_PATH_LIKE = (*_PACKAGED_TABLES, *_PACKAGED_IN_DATA, ".orc", ".sqlite3", ".duckdb", ".avro", ".yaml", ".yml",
              ".toml", ".jpeg", ".tif", ".tiff", ".wav")  # fmt: skip
_SKIPPED_PARTS = frozenset(
    {".git", ".mlgov", "__pycache__", ".ipynb_checkpoints", "node_modules", ".ipython", ".jupyter", ".matplotlib",
     ".pytest_cache", ".mypy_cache", ".ruff_cache", "fontconfig"}
)  # fmt: skip
_SKIPPED_NAMES = frozenset({"pyproject.toml", "setup.cfg", "setup.py", "mlgov.toml", ".env", "matplotlibrc", ".netrc",
                            ".gitconfig", ".pdbrc", ".gitignore"})  # fmt: skip
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/run/", "/usr/", "/lib/", "/lib64/", "/etc/", "/bin/", "/sbin/")


@dataclass(frozen=True)
class Described:
    """An input together with what it took: the bytes to keep, or None where they are not kept."""

    input: Input
    unstable: bool = False


def uri_of(path: Path, root: Path) -> str:
    """Relative to the project with ``/`` inside it, ``package:NAME/PATH`` in a package, else absolute."""
    for folder in package_folders():
        if path.is_relative_to(folder):
            return "package:" + path.relative_to(folder).as_posix()
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return path.as_posix()


@lru_cache(maxsize=1)
def package_folders() -> tuple[Path, ...]:
    """The folders that packages are installed into."""
    folders = {*site.getsitepackages(), site.getusersitepackages()}
    folders |= {sysconfig.get_path(key) for key in ("purelib", "platlib")}
    folders |= {entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))}
    return tuple(sorted((Path(folder) for folder in folders if folder), key=lambda folder: -len(str(folder))))


def is_input(path: Path, *, importing: bool = False) -> bool:
    """Whether a user would call the file at ``path`` an input of a notebook."""
    parts = path.parts
    if path.name in _SKIPPED_NAMES or not _SKIPPED_PARTS.isdisjoint(parts):
        return False
    if any(part.endswith((".dist-info", ".egg-info")) for part in parts):
        return False
    name = path.name.lower()
    for folder in package_folders():
        if path.is_relative_to(folder):
            return not importing and _is_packaged_data(path.relative_to(folder))
    if _library(path):
        return False
    home = Path.home()
    if path.is_relative_to(home) and path.relative_to(home).parts[0] in (".cache", ".config", ".local"):
        return name.endswith(_PACKAGED_TABLES) and not importing
    if path.is_relative_to(tempfile.gettempdir()):
        inner = path.relative_to(tempfile.gettempdir()).parts
        return not inner[0].startswith(("joblib_memmapping", "ipykernel_", "matplotlib-"))
    return True


def _is_packaged_data(path: Path) -> bool:
    name = path.name.lower()
    folders = {part.lower() for part in path.parts[:-1]}
    if {"mpl-data", "fonts", "tests", "zoneinfo"} & folders:
        return False
    if name.endswith(_PACKAGED_TABLES):
        return True
    return name.endswith(_PACKAGED_IN_DATA) and bool({"data", "datasets", "sample_data"} & folders)


def _library(path: Path) -> bool:
    text = str(path)
    if text.startswith(_SYSTEM):
        return True
    return any(
        path.is_relative_to(prefix) for prefix in {sys.prefix, sys.base_prefix} if prefix not in ("/", "")
    )


def find_inputs(
    reads: Reads,
    root: Path,
    *,
    skip: Iterable[Path] = (),
    texts: Iterable[tuple[str, int | None]] = (),
    declared: Iterable[tuple[str, int | None]] = (),
) -> list[tuple[Path, Opened, Evidence]]:
    """Every file that counts as an input, with how it is known.

    ``texts`` are string literals of the executed cells and ``declared`` the paths that the user named, each
    with the position in the journal.
    """
    skipped = {path.absolute() for path in skip}
    found: dict[Path, tuple[Opened, Evidence]] = {}
    for name, opened in list(reads.read.items()):
        path = Path(name)
        if path in skipped or not is_input(path, importing=opened.importing):
            continue
        found[path] = (opened, "proven" if opened.mechanism == "open" else "observed")
    for name, position in declared:
        path = Path(os.path.abspath(Path(name).expanduser()))  # noqa: PTH100
        if path not in found:
            found[path] = (Opened(str(path), -1 if position is None else position, "declared"), "declared")
    for text, position in texts:
        if not text.lower().endswith(_PATH_LIKE) or "\n" in text or "://" in text:
            continue
        path = Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100
        if path in found or path in skipped or str(path) in reads.written or not is_input(path):
            continue
        if path.is_file():
            found[path] = (Opened(str(path), -1 if position is None else position, "literal"), "inferred")
    return [(path, opened, evidence) for path, (opened, evidence) in found.items()]


class InputDescriber:
    """Turns files into ``Input`` records; remembers what it hashed while size and time stay the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int], Input]] = {}

    def describe(
        self,
        path: Path,
        opened: Opened,
        evidence: Evidence,
        *,
        root: Path,
        cell: int | None,
        derived: bool,
        store: Store,
    ) -> Described | None:
        """The record of one file, its bytes kept in ``store`` up to ``KEEP_LIMIT``; None when it is gone."""
        from jupyter_mlgov.hashing.files import hash_file
        from jupyter_mlgov.hashing.tables import describe_table

        uri = uri_of(path, root)
        try:
            state = path.stat()
        except OSError as error:
            if evidence == "declared":
                return Described(
                    Input(
                        uri=uri,
                        digest=None,
                        evidence=evidence,
                        cell=cell,
                        reason=f"cannot be read: {error.strerror}",
                    )
                )
            return None
        if path.is_dir() or not path.is_file():
            return None
        key = (state.st_mtime_ns, state.st_size, state.st_ino)
        changed = (
            opened.stat is not None and opened.stat != (state.st_mtime_ns, state.st_size) and not derived
        )
        known = self._known.get(str(path))
        if known is not None and known[0] == key and (not known[1].kept or store.has(known[1].digest or "")):
            base = known[1]
        else:
            try:
                hashed = hash_file(path)
                keep = hashed.bytes <= KEEP_LIMIT
                if keep:
                    keep = _keep(path, hashed.digest, hashed.bytes, store)
                table = describe_table(path)
            except OSError as error:
                return Described(
                    Input(
                        uri=uri,
                        digest=None,
                        evidence=evidence,
                        cell=cell,
                        reason=f"cannot be read: {error.strerror}",
                    )
                )
            changed = changed or not hashed.stable
            base = Input(
                uri=uri,
                digest=hashed.digest,
                bytes=hashed.bytes,
                rows=table.rows if table is not None else None,
                columns=tuple(table.columns) if table is not None else None,
                kept=keep,
            )
            self._known[str(path)] = (key, base)
        return Described(
            Input(
                uri=uri,
                digest=base.digest,
                bytes=base.bytes,
                rows=base.rows,
                columns=base.columns,
                kept=base.kept,
                evidence="observed" if changed and evidence == "proven" else evidence,
                cell=cell,
                derived=derived,
            ),
            unstable=changed,
        )


def _keep(path: Path, digest: str, size: int, store: Store) -> bool:
    """Puts the bytes into the store. Not those of a small text that holds a secret: it is identified only."""
    if is_secret_file(path):
        return False
    if store.has(digest):
        return True
    data = path.read_bytes()
    if size <= SECRETS_LIMIT and redact_bytes(data) is not data:
        return False
    return store.put(data) == digest
