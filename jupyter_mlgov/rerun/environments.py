"""The environment that a snapshot ran in, rebuilt from its lock.

Nothing is built where the notebook's kernel has it already: the same Python, and every package that the notebook had
loaded in the recorded version. Otherwise a virtual environment is made once for each lock, in the user's cache, by
uv where it is installed and by pip elsewhere. Packages that the notebook had loaded have to be in it; one that was
merely installed beside them may be missing. What cannot be had is a finding, and then there is no run.

The recorder is the one exception: this version of jupyter-mlgov records the rerun, whatever version recorded first.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from jupyter_mlgov.capture.indexes import find_uv, indexes_of_pip
from jupyter_mlgov.capture.lock import Lock, differences, recorded_inventory, recorded_lock
from jupyter_mlgov.capture.packages import canonical_name
from jupyter_mlgov.capture.requirement_lines import is_requirement, is_version_of_python
from jupyter_mlgov.configuration import cache_folder
from jupyter_mlgov.records.inventory import Inventory
from jupyter_mlgov.records.manifest import Manifest
from jupyter_mlgov.records.verdict import Cause, Finding
from jupyter_mlgov.rerun.factors import MACHINERY

if TYPE_CHECKING:
    from jupyter_mlgov.store import Store

PRODUCT = "jupyter-mlgov"
BUILD_S = 1800.0
"""Seconds after which building is given up."""
ASK_S = 180.0
"""Seconds for the question where the recorded packages are to be had."""

_ASK_PATH = "import json, sys, platform; print(json.dumps([platform.python_version(), sys.path]))"
_COMPLETE = "complete"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class CannotBeBuilt(Exception):
    """``findings`` say what is missing."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True)
class _Python:
    """An interpreter with its version and the folders that it imports from."""

    path: Path
    version: str
    folders: tuple[str, ...]


def interpreter(
    store: Store,
    snapshot: str,
    manifest: Manifest,
    kernel: str | None,
    *,
    seconds: float = BUILD_S,
    explain: bool = True,
) -> Path | None:
    """The interpreter of the recorded environment; None where it is the one of ``kernel`` (the first word of the
    notebook's kernel here), or where the record does not say what was installed. Building may take ``seconds``;
    without ``explain`` nothing is spent on finding out which packages cannot be had.

    Raises ``CannotBeBuilt``, and as ``recorded_inventory``.
    """
    if manifest.inventory is None:
        return None
    inventory = recorded_inventory(store, snapshot)
    loaded = _loaded(store, manifest)
    here = _python(kernel or sys.executable)
    if here is not None and _same(inventory, loaded, here):
        return None
    lock = recorded_lock(store, snapshot, timeout=min(seconds, ASK_S))
    return _Build(inventory, lock, loaded, manifest, seconds=seconds, explain=explain).python()


def mixed(
    store: Store,
    snapshot: str,
    manifest: Manifest,
    versions: Mapping[str, str | None],
    folder: Path,
    *,
    seconds: float,
) -> Path:
    """The interpreter of the recorded environment with other ``versions`` of some packages (None: without it), made in
    ``folder``, which is the caller's. Raises as :func:`interpreter`."""
    inventory = recorded_inventory(store, snapshot)
    lock = recorded_lock(store, snapshot, timeout=min(seconds, ASK_S))
    loaded = _loaded(store, manifest)
    build = _Build(
        inventory, lock, loaded, manifest, seconds=seconds, explain=False, versions=versions, folder=folder
    )
    return build.python()


def _loaded(store: Store, manifest: Manifest) -> frozenset[str]:
    """The packages that had been imported, without the machinery of a kernel that records."""
    return frozenset(map(canonical_name, store.environment(manifest).imported)) - MACHINERY


def _python(path: str) -> _Python | None:
    if (
        Path(path).resolve() == Path(sys.executable).resolve()
        and Path(path).parent == Path(sys.executable).parent
    ):
        return _Python(Path(path), platform.python_version(), tuple(sys.path))
    try:
        done = subprocess.run([path, "-c", _ASK_PATH], capture_output=True, timeout=60, check=True)  # noqa: S603
        version, folders = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return _Python(Path(path), version, tuple(folders))


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _same(inventory: Inventory, loaded: frozenset[str], here: _Python) -> bool:
    if _minor(inventory.python) != _minor(here.version):
        return False
    off = {canonical_name(one.name) for one in differences(inventory, here.folders) if not one.contents}
    return not off & loaded


class _Build:
    """The virtual environment of one lock."""

    def __init__(
        self,
        inventory: Inventory,
        lock: Lock,
        loaded: frozenset[str],
        manifest: Manifest,
        *,
        seconds: float,
        explain: bool,
        versions: Mapping[str, str | None] | None = None,
        folder: Path | None = None,
    ) -> None:
        self._inventory = inventory
        self._lock = lock
        self._loaded = loaded
        self._modules = {module.name.split(".")[0] for module in manifest.code.modules}
        key = "\n".join((lock.text, inventory.python, platform.platform(), *sorted(loaded)))
        self._folder = folder or cache_folder() / "environments" / blake3(key.encode()).hexdigest()[:32]
        self._versions = {canonical_name(name): version for name, version in (versions or {}).items()}
        self._until = time.monotonic() + seconds
        self._seconds = seconds
        self._explain = explain
        self._uv = find_uv()

    def python(self) -> Path:
        """The interpreter, after it was built where it is not there yet."""
        import filelock

        python = self._folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(f"{self._folder}.lock", timeout=self._left()):
                if not (self._folder / _COMPLETE).is_file():
                    shutil.rmtree(self._folder, ignore_errors=True)
                    self._make(python)
                    (self._folder / _COMPLETE).write_text(self._lock.text, encoding="utf-8")
        except (OSError, filelock.Timeout) as error:
            raise CannotBeBuilt(
                [_cannot(f"the cache {self._folder.parent} cannot be used: {error}")]
            ) from error
        except subprocess.TimeoutExpired as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise CannotBeBuilt([_cannot(f"it took longer than {self._seconds:.0f} s")]) from error
        return python

    def _left(self) -> float:
        return max(self._until - time.monotonic(), 0.1)

    def _make(self, python: Path) -> None:
        base = self._base()
        if self._uv is not None:
            self._run([*self._uv, "venv", "--quiet", "--python", base, str(self._folder)])
        else:
            self._run([base, "-P", "-m", "venv", "--without-pip", str(self._folder)])
        hashed, plain, own = self._lines()
        missing = [line for line in own if self._needed(line)]
        if missing:
            raise CannotBeBuilt([_local(line) for line in missing])
        odd = [line for line in (*hashed, *plain) if not is_requirement(line) and self._needed(line)]
        if odd:
            raise CannotBeBuilt([_missing(line) for line in odd])
        for lines, checked in ((hashed, True), (plain, False)):
            if lines and not self._install(python, lines, checked):
                needed = [line for line in lines if self._needed(line)]
                if needed and not self._install(python, needed, checked):
                    gone = self._failing(python, needed, checked) if self._explain else needed
                    if gone or checked:
                        raise CannotBeBuilt([_missing(line) for line in gone or needed])

    def _lines(self) -> tuple[list[str], list[str], list[str]]:
        """Requirements with hashes, those without, and folders of the machine that recorded."""
        other = {PRODUCT, *self._versions}
        hashed = [line for line in self._lock.hashed if _name_of(line) not in other]
        plain = [f"{name}=={version}" for name, version in self._versions.items() if version is not None]
        plain += [
            line
            for line in (*self._lock.unlocked, *self._lock.direct)
            if _name_of(line) not in other and not line.startswith("-e ") and "file://" not in line
        ]
        editable = {
            one.name: f"{one.name} @ {one.origin.url}"
            for one in self._inventory.distributions
            if one.origin is not None and one.origin.kind in ("editable", "directory")
        }
        own = [line for name, line in editable.items() if canonical_name(name) not in other]
        return hashed, plain, own

    def _needed(self, line: str) -> bool:
        """Whether the notebook had loaded it, and it is not code that the snapshot holds itself."""
        name = _name_of(line)
        kernel = name in MACHINERY  # without them nothing records
        if name in self._versions:
            return True
        return (name in self._loaded or kernel) and name.replace("-", "_") not in self._modules

    def _base(self) -> str:
        if not is_version_of_python(self._inventory.python):
            raise CannotBeBuilt(
                [_cannot(f"{self._inventory.python[:40]!r} in the record is no version of Python")]
            )
        wanted = _minor(self._inventory.python)
        if _minor(platform.python_version()) == wanted:
            return getattr(sys, "_base_executable", None) or sys.executable
        found = shutil.which(f"python{wanted}")
        known = _python(found) if found is not None else None
        if known is None or _minor(known.version) != wanted:
            found = None  # a shim of pyenv stands there for versions that are not active, too
        if found is None and self._uv is not None:
            done = subprocess.run(  # noqa: S603
                [*self._uv, "python", "find", wanted], capture_output=True, text=True, check=False
            )
            found = done.stdout.strip() if done.returncode == 0 else None
        if not found:
            raise CannotBeBuilt(
                [
                    Finding(
                        cause="environment.python", subject="python", confirmed=True,
                        message=f"This was recorded with Python {self._inventory.python}, and no Python {wanted} is on this "
                        "machine.",
                        remedy=f"install Python {wanted} (or uv, which finds those that it manages), then rerun",
                    )
                ]
            )  # fmt: skip
        return found

    def _install(self, python: Path, lines: Sequence[str], checked: bool, *, try_only: bool = False) -> bool:
        options = [
            "--no-deps",
            "--quiet",
            *(["--require-hashes"] if checked else []),
            *(["--dry-run"] if try_only else []),
        ]
        if self._uv is not None:
            words = [*self._uv, "pip", "install", "--python", str(python), *options]
        else:
            words = [
                sys.executable,
                "-P",
                "-m",
                "pip",
                "--python",
                str(python),
                "install",
                "--disable-pip-version-check",
                *options,
            ]
        wanted = self._folder / "requirements.txt"
        said = "".join(f"{line}\n" for line in lines if is_requirement(line))
        wanted.write_text(said, encoding="utf-8")
        done = subprocess.run(  # noqa: S603
            [*words, "-r", str(wanted)],
            capture_output=True,
            text=True,
            timeout=self._left(),
            check=False,
            env=_environment(),
        )
        return done.returncode == 0

    def _failing(self, python: Path, lines: Sequence[str], checked: bool) -> list[str]:
        """Those of ``lines`` that cannot be installed, by halving."""
        if not lines or self._install(python, lines, checked, try_only=True):
            return []
        if len(lines) == 1:
            return list(lines)
        half = len(lines) // 2
        return [
            *self._failing(python, lines[:half], checked),
            *self._failing(python, lines[half:], checked),
        ]

    def _run(self, words: Sequence[str]) -> None:
        done = subprocess.run(list(words), capture_output=True, text=True, timeout=self._left(), check=False)  # noqa: S603
        if done.returncode != 0:
            said = " ".join((done.stderr or done.stdout).split())[:300]
            raise CannotBeBuilt([_cannot(f"no virtual environment could be made: {said}")])


def _environment() -> dict[str, str]:
    """The installer's variables: what pip is configured with counts for uv too."""
    known = {**os.environ, **indexes_of_pip()}
    known.pop("PYTHONPATH", None)
    return known


def _name_of(line: str) -> str:
    match = _NAME.match(line)
    return canonical_name(match[0]) if match else line


def _finding(cause: Cause, subject: str, message: str, remedy: str) -> Finding:
    return Finding(cause=cause, subject=subject, message=message, remedy=remedy, confirmed=True)


def _missing(line: str) -> Finding:
    what = line.split(" --hash")[0]
    return _finding(
        "environment.package", _name_of(line),
        f"{what}, which the notebook had loaded, cannot be installed here as it was recorded.",
        f"make {what} available to pip or uv (an index, a wheel in find-links), then rerun",
    )  # fmt: skip


def _local(line: str) -> Finding:
    name, _, place = line.partition(" @ ")
    return _finding(
        "environment.package", name,
        f"{name}, which the notebook had loaded, was installed from a folder of the machine that recorded ({place}).",
        f"publish {name} as a package, or keep its code in the project, and record again",
    )  # fmt: skip


def _cannot(why: str) -> Finding:
    return _finding(
        "environment.python", "environment", f"The recorded environment cannot be rebuilt: {why.rstrip('.')}.",
        "mend that, then rerun; MLGOV_CACHE names another folder for rebuilt environments",
    )  # fmt: skip
