"""What a user would call an input of a notebook, and by which name.

An input is data that the notebook read. Library code, fonts, caches, package metadata, configuration, notebooks and
the store itself are not; data that a package ships is. The rules here look at the path alone.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import tempfile
from functools import lru_cache
from pathlib import Path

from jupyter_mlgov.capture.audit import NEVER
from jupyter_mlgov.capture.literals import OFTEN_DATA, TABLES

_SKIPPED_PARTS = frozenset(
    {".git", ".mlgov", "__pycache__", ".ipynb_checkpoints", "node_modules", ".ipython", ".jupyter", ".matplotlib",
     ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".eggs", ".vscode", ".idea", ".conda",
     "fontconfig", "dask-scratch-space", "dask-worker-space", "mlruns"}
)  # fmt: skip
_SKIPPED_NAMES = frozenset(
    {"pyproject.toml", "setup.cfg", "setup.py", "mlgov.toml", ".env", "matplotlibrc", ".netrc", ".gitconfig", ".gitignore",
     ".pdbrc", "pyvenv.cfg", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile", "Pipfile.lock", "environment.yml",
     "environment.yaml", "conda.yaml", "tox.ini", "pytest.ini", "package.json", "package-lock.json", "yarn.lock", "Makefile",
     "Dockerfile", ".DS_Store", "Thumbs.db", "pip.conf", "dask.yaml", "distributed.yaml", ".condarc"}
)  # fmt: skip
_SKIPPED_ENDS = (
    *NEVER, ".lock", ".pid", ".sock", "-wal", "-shm", "-journal", ".wal", ".crc", ".nbi", ".nbc", ".egg-link", ".gcda",
    ".crdownload", ".part", ".swp", ".mo", ".pem", ".crt",
)  # fmt: skip
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/run/", "/usr/", "/lib/", "/lib64/", "/etc/", "/bin/", "/sbin/", "/boot/",
           "/var/lib/", "/var/cache/", "/var/log/", "/var/run/", "/snap/", "/nix/store/", "/System/",
           "/Library/")  # fmt: skip
_NO_FILES = ("/proc/", "/sys/", "/dev/")
_MEDIA = ("/run/media/", "/run/user/", "/dev/shm/")  # noqa: S108
_IN_LIBRARY_FOLDERS = (
    "joblib_memmapping_folder",
    "loky-",
    "ipykernel_",
    "matplotlib-",
    "pymp-",
    "mlgov-reads-",
    "mlgov-run-",
    "mlgov-earlier-",
)


def uri_of(path: Path, root: Path) -> str:
    """Relative to the project with ``/`` inside it, ``package:NAME/PATH`` in a package, else absolute.

    Bytes of a name that are no text are written as ``\\xNN``.
    """
    for folder in package_folders():
        if path.is_relative_to(folder):
            return "package:" + as_text(path.relative_to(folder).as_posix())
    if path.is_relative_to(root):
        return as_text(path.relative_to(root).as_posix())
    return as_text(path.as_posix())


def as_text(name: str) -> str:
    """A file name as text that can be written down anywhere."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return name


@lru_cache(maxsize=1)
def package_folders() -> tuple[Path, ...]:
    """The folders that packages are installed into."""
    folders = {*site.getsitepackages(), site.getusersitepackages()}
    folders |= {sysconfig.get_path(key) for key in ("purelib", "platlib")}
    folders |= {entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))}
    return tuple(sorted((Path(folder) for folder in folders if folder), key=lambda folder: -len(str(folder))))


@lru_cache(maxsize=200_000)
def is_input_at(name: str, root: Path, *, importing: bool, named: bool) -> bool:
    """As :func:`is_input`, of a path as text: of thousands of files that were read, most were asked about before."""
    return is_input(Path(name), root, importing=importing, named=named)


def is_input(path: Path, root: Path, *, importing: bool = False, named: bool = False) -> bool:
    """Whether a user would call the file at ``path`` an input of a notebook in the project at ``root``.

    ``named``: the code names this very file, which makes a system file an input.
    """
    name = path.name
    if name in _SKIPPED_NAMES or name.endswith(_SKIPPED_ENDS) or name.startswith("fontlist-v"):
        return False
    inside = path.is_relative_to(root)
    parts = path.relative_to(root).parts if inside else path.parts
    if not _SKIPPED_PARTS.isdisjoint(parts) or any(
        part.endswith((".dist-info", ".egg-info")) for part in parts
    ):
        return False
    if name.startswith("requirements") and name.endswith(".txt"):
        return False
    if "joblib" in parts and name in ("output.pkl", "metadata.json"):
        return False
    text = str(path)
    for folder in package_folders():
        if text.startswith(f"{folder}{os.sep}"):
            return not importing and _is_packaged_data(path.relative_to(folder))
    if inside:
        home = Path.home()
        if (
            home.is_relative_to(root)
            and path.is_relative_to(home)
            and not _counts_at_home(path, home, importing, named)
        ):
            return False
        return not _in_environment(path.parent, root)
    return _outside(path, importing=importing, named=named)


def _outside(path: Path, *, importing: bool, named: bool) -> bool:
    text = str(path)
    if text.startswith(_NO_FILES) and not text.startswith(_MEDIA):
        return False
    if text.startswith(_SYSTEM) and not text.startswith(_MEDIA):
        return named and not importing
    if any(path.is_relative_to(prefix) for prefix in {sys.prefix, sys.base_prefix} - {"/", ""}):
        return False
    home = Path.home()
    if path.is_relative_to(home) and not _counts_at_home(path, home, importing, named):
        return False
    if path.is_relative_to(tempfile.gettempdir()):
        return not any(
            part.startswith(_IN_LIBRARY_FOLDERS) for part in path.relative_to(tempfile.gettempdir()).parts[:2]
        )
    return True


def _counts_at_home(path: Path, home: Path, importing: bool, named: bool) -> bool:
    """Whether a file in the home folder may be an input: ``~/.cache`` and its like hold settings and caches."""
    if not path.relative_to(home).parts[0].startswith("."):
        return True
    return (named or path.name.lower().endswith(TABLES)) and not importing


@lru_cache(maxsize=4096)
def _in_environment(folder: Path, root: Path) -> bool:
    """True in a virtual environment that lies in the project."""
    for prefix in {sys.prefix, sys.base_prefix}:
        if (
            prefix not in ("/", "")
            and Path(prefix).is_relative_to(root)
            and Path(prefix) != root
            and folder.is_relative_to(prefix)
        ):
            return True
    return any(
        _is_environment(str(above))
        for above in (folder, *folder.parents)
        if above != root and above.is_relative_to(root)
    )


@lru_cache(maxsize=4096)
def _is_environment(folder: str) -> bool:
    return os.path.exists(os.path.join(folder, "pyvenv.cfg"))


def _is_packaged_data(path: Path) -> bool:
    name = path.name.lower()
    folders = {part.lower() for part in path.parts[:-1]}
    if {"mpl-data", "fonts", "tests", "zoneinfo"} & folders:
        return False
    if name.endswith(TABLES):
        return True
    return name.endswith(OFTEN_DATA) and bool({"data", "datasets", "sample_data"} & folders)
