"""The installed distributions, read from the folders on ``sys.path``.

Each distribution is read once and again only when its folder has changed; nothing is asked of an installer or an
index. Where two folders hold the same distribution, the first on ``sys.path`` counts, as it does for imports.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import threading
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from jupyter_mlgov.capture.listed_before import Installed, Known, ListedBefore, stamp_of
from jupyter_mlgov.capture.remotes import without_credentials
from jupyter_mlgov.records.canonical import digest
from jupyter_mlgov.records.inventory import Distribution, Inventory, Origin

_NAME = re.compile(rb"^Name:[ \t]*(\S+)", re.MULTILINE)
_VERSION = re.compile(rb"^Version:[ \t]*(\S+)", re.MULTILINE)
_HEADER = 8192
"""Bytes of a METADATA file that are searched for name and version: they stand on top."""
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CONDA = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.json")


class PackageLister:
    """Lists what is installed; reads again only what has changed, also since an earlier session that ``before`` knows of."""

    def __init__(self, before: ListedBefore | None = None) -> None:
        self._before = before
        self._entries: dict[str, tuple[int, dict[str, Known]]] = {}
        """Folder on the path -> when it was changed last, and the metadata in it by their folders."""
        self._order: list[str] = []
        self._listed: dict[str, Installed] | None = None
        self._lock = threading.Lock()

    def list(self, path: Iterable[str] | None = None) -> dict[str, Installed]:
        """Every distribution on ``path`` (default: ``sys.path``) by name, in alphabetical order; the same object while
        they are the same."""
        entries = list(dict.fromkeys(entry or os.curdir for entry in (sys.path if path is None else path)))
        with self._lock:
            changed = {entry: changed_at(entry) for entry in entries}
            stale = [
                entry
                for entry in entries
                if entry not in self._entries or self._entries[entry][0] != changed[entry]
            ]
            new = self._read(stale) if stale else {}
            # The working folder is one of them: it changes whenever a notebook writes a file.
            same = entries == self._order and all(new[entry] == self._entries[entry][1] for entry in stale)
            self._entries |= {entry: (changed[entry], new[entry]) for entry in stale}
            if self._listed is None or not same:
                self._order = entries
                self._listed = self._merged()
            return self._listed

    def _read(self, entries: Iterable[str]) -> dict[str, dict[str, Known]]:
        before = {folder: known for _, folders in self._entries.values() for folder, known in folders.items()}
        if not before and self._before is not None:
            before = self._before.read()
        new: dict[str, dict[str, Known]] = {}
        read = 0
        for entry in entries:
            new[entry] = {}
            for folder in _metadata_folders(entry):
                stamp = stamp_of(folder)
                known = before.get(folder)
                if known is None or known.stamp != stamp:
                    known = Known(stamp, _read_distribution(folder))
                    read += 1
                new[entry][folder] = known
        if read and self._before is not None:
            elsewhere = {
                folder: known
                for folder, known in before.items()
                if os.path.dirname(folder) not in new  # noqa: PTH120
            }
            self._before.write(elsewhere | {f: known for one in new.values() for f, known in one.items()})
        return new

    def _merged(self) -> dict[str, Installed]:
        found: dict[str, Installed] = {}
        sources: dict[str, Installed] = {}
        for entry in self._order:
            for folder, known in self._entries[entry][1].items():
                if known.installed is not None:
                    # A source tree on sys.path may hold a stale .egg-info beside the installation that is in force.
                    place = found if folder.endswith(".dist-info") else sources
                    place.setdefault(canonical_name(known.installed.distribution.name), known.installed)
        everything = (sources | found).values()
        return {one.distribution.name: one for one in sorted(everything, key=_by_name)}


def _by_name(installed: Installed) -> str:
    return installed.distribution.name.lower()


@lru_cache(maxsize=1)
def process_lister() -> PackageLister:
    """The one of this process: it has one ``sys.path``."""
    return PackageLister(ListedBefore())


def canonical_name(name: str) -> str:
    """``name`` in the one spelling by which indexes know it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def take_inventory(listed: Iterable[Installed], origins: dict[str, Origin] | None = None) -> Inventory:
    """The record of what ``listed`` found. ``origins`` (by name) replace those of checkouts, with git's word on them."""
    return Inventory(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        machine=platform.machine(),
        system=platform.system(),
        distributions=tuple(
            _with_origin(one.distribution, (origins or {}).get(one.distribution.name)) for one in listed
        ),
        conda=_conda_packages(Path(sys.prefix)),
    )


def _with_origin(distribution: Distribution, origin: Origin | None) -> Distribution:
    if origin is None:
        return distribution
    return Distribution(
        name=distribution.name, version=distribution.version, tags=distribution.tags,
        contents=distribution.contents, installer=distribution.installer, origin=origin,
    )  # fmt: skip


def local_folder(origin: Origin) -> Path | None:
    """The folder that a ``directory`` or ``editable`` installation was made from."""
    parts = urlsplit(origin.url)
    if origin.kind not in ("directory", "editable") or parts.scheme != "file":
        return None
    return Path(unquote(parts.path))


def changed_at(path: str) -> int:
    """When the file or folder was changed, in nanoseconds; 0 where there is none."""
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0


def _metadata_folders(entry: str) -> list[str]:
    try:
        with os.scandir(entry) as names:
            # What pip is just replacing is called ``~name`` meanwhile.
            return sorted(
                one.path
                for one in names
                if one.name.endswith((".dist-info", ".egg-info")) and not one.name.startswith("~")
            )
    except OSError:
        return []


def _read_distribution(folder: str) -> Installed | None:
    header = _read(folder, "METADATA") or _read(folder, "PKG-INFO") or _read(folder, "")
    if header is None:
        return None
    name, version = _NAME.search(header[:_HEADER]), _VERSION.search(header[:_HEADER])
    if name is None:
        return None
    named = name[1].decode("utf-8", "replace")
    record = _read(folder, "RECORD")
    contents, modules = _read_record(record) if record is not None else (None, set())
    declared = _read(folder, "top_level.txt")
    if declared:
        modules = {line for line in declared.decode("utf-8", "replace").split() if line}
    wheel = (_read(folder, "WHEEL") or b"").decode("utf-8", "replace")
    return Installed(
        Distribution(
            name=named,
            version=version[1].decode("utf-8", "replace") if version is not None else "",
            tags=tuple(sorted(re.findall(r"^Tag:[ \t]*(\S+)", wheel, re.MULTILINE))),
            contents=contents,
            installer=(_read(folder, "INSTALLER") or b"").decode("utf-8", "replace").strip()[:40],
            origin=_origin(_read(folder, "direct_url.json")),
        ),
        frozenset(modules or {named.replace("-", "_").replace(".", "_").lower()}),
    )


def _read(folder: str, name: str) -> bytes | None:
    try:  # a thousand times a listing: a file object takes as long to make as all the rest
        file = os.open(f"{folder}/{name}" if name else folder, _READ)
    except OSError:
        return None
    try:
        pieces = []
        while piece := os.read(file, 1 << 20):
            pieces.append(piece)
        return b"".join(pieces)
    except OSError:
        return None
    finally:
        os.close(file)


_ADDED = (b"INSTALLER,", b"REQUESTED,", b"direct_url.json,", b"RECORD,", b"uv_cache.json,", b"uv_build.json,")
"""What an installer writes beside the files of the wheel."""


def _read_record(record: bytes) -> tuple[str | None, set[str]]:
    """The digest of the wheel's own files, and the names that they are imported by."""
    kept: list[bytes] = []
    modules: set[bytes] = set()
    package = b"\n"
    for line in record.splitlines():
        if b",sha256=" not in line:
            continue  # bytecode, RECORD itself
        if line.startswith(package):
            kept.append(line)
            continue  # as most lines are: of the package that the line before was of
        head, slash, rest = line.partition(b"/")
        if head == b"..":
            continue  # scripts, whose first line names this machine's Python
        if not slash:
            module, _, suffix = line.partition(b",")[0].partition(b".")
            if suffix.endswith((b"py", b"so", b"pyd")):
                modules.add(module)
        elif not head.endswith(b".dist-info"):
            modules.add(head)
            package = head + slash
        elif rest.startswith(_ADDED):
            continue
        kept.append(line)
    kept.sort()
    names = {name.decode("utf-8", "replace") for name in modules}
    contents = digest(b"\n".join(kept)) if kept else None
    return contents, {name for name in names if name.isidentifier() and name != "__pycache__"}


def _origin(text: bytes | None) -> Origin | None:
    if text is None:
        return None
    try:
        said = json.loads(text)
        url = without_credentials(str(said["url"]))
        subdirectory = said.get("subdirectory")
        if "vcs_info" in said:
            info = said["vcs_info"]
            return Origin(
                kind="vcs", url=url, vcs=info.get("vcs"), requested=info.get("requested_revision"),
                commit=info.get("commit_id"), subdirectory=subdirectory,
            )  # fmt: skip
        if "dir_info" in said:
            editable = bool(said["dir_info"].get("editable"))
            return Origin(kind="editable" if editable else "directory", url=url, subdirectory=subdirectory)
        info = said.get("archive_info") or {}
        hashes = dict(info.get("hashes") or {})
        if not hashes and "=" in str(info.get("hash") or ""):
            algorithm, _, value = str(info["hash"]).partition("=")
            hashes = {algorithm: value}
        return Origin(kind="archive", url=url, hashes=hashes, subdirectory=subdirectory)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _conda_packages(prefix: Path) -> dict[str, str]:
    """What conda installed, of which Python's own metadata names only a part."""
    try:
        names = sorted(os.listdir(prefix / "conda-meta"))  # noqa: PTH208
    except OSError:
        return {}
    found = (_CONDA.fullmatch(name) for name in names)
    return {match["name"]: f"{match['version']}={match['build']}" for match in found if match is not None}
