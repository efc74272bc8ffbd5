"""Where the installers find exact versions: the files of a release with their URLs and hashes.

uv answers for 175 packages in a second or two; pip, which is always there, takes longer. Each uses the user's own
configuration; uv is told pip's indexes where it has none of its own, because it does not read pip's files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct, field

from jupyter_mlgov.capture.packages import canonical_name
from jupyter_mlgov.capture.remotes import without_credentials
from jupyter_mlgov.capture.requirement_lines import is_pinned, is_version_of_python
from jupyter_mlgov.records.inventory import Distribution

_ROUNDS = 12
"""How often the question is repeated without the packages that made it fail."""


class File(Struct, frozen=True):
    """One file of a release."""

    url: str
    hashes: dict[str, str]
    size: int | None = None

    @property
    def name(self) -> str:
        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    def tags(self) -> frozenset[str]:
        """The compatibility tags in a wheel's file name, each written out."""
        parts = self.name.removesuffix(".whl").split("-")[-3:]
        if len(parts) < 3:
            return frozenset()
        return frozenset(
            f"{python}-{abi}-{platform}"
            for python in parts[0].split(".")
            for abi in parts[1].split(".")
            for platform in parts[2].split(".")
        )

    def entry(self) -> dict[str, Any]:
        """As PEP 751 has it."""
        size = {"size": self.size} if self.size is not None else {}
        return {"name": self.name, "url": without_credentials(self.url), **size, "hashes": self.hashes}


class Files(Struct):
    """What an index has of one version."""

    wheels: list[File] = field(default_factory=list)
    sdist: File | None = None


def find_uv() -> list[str] | None:
    """The command that runs uv: the one beside this Python, on PATH or importable; None where there is none."""
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("uv")
    if found is not None:
        return [found]
    # -P, here and below: a file called json.py in the folder that one is in is not imported.
    return [sys.executable, "-P", "-m", "uv"] if find_spec("uv") is not None else None


def ask_installers(wanted: Sequence[Distribution], python: str, *, timeout: float) -> dict[str, Files]:
    """The files of each of ``wanted``, by canonical name; without those that cannot be found. Never raises.

    ``python`` is the version that they are for. ``timeout`` is in seconds, for everything together. Only names and
    versions are said to an installer: what stands in a record as such and is none is not found.
    """
    if not is_version_of_python(python):
        return {}
    until = time.monotonic() + timeout
    uv = find_uv()
    asked = [one for one in wanted if is_pinned(one.name, one.version)]
    with tempfile.TemporaryDirectory(prefix="mlgov-lock-") as folder:
        for _ in range(_ROUNDS):
            left = until - time.monotonic()
            if not asked or left <= 0:
                break
            requirements = Path(folder) / "requirements.txt"
            requirements.write_text("".join(f"{one.name}=={one.version}\n" for one in asked), "utf-8")
            try:
                if uv is not None:
                    found, said = _ask_uv(uv, requirements, python, left)
                else:
                    found, said = _ask_pip(requirements, left)
            except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
                return {}
            if found is not None:
                return found
            told = _not_found(said)
            rest = [one for one in asked if canonical_name(one.name) not in told]
            if len(rest) == len(asked):
                return {}
            asked = rest
    return {}


def _not_found(said: str) -> set[str]:
    """The packages that an installer names when it gives up."""
    named = re.findall(
        r"Because ([\w.-]+) was not found|no version of ([\w.-]+)==|No matching distribution found for ([\w.-]+)|"
        r"Because ([\w.-]+)==\S+ has no|satisfies the requirement ([\w.-]+)|Failed to (?:fetch|download)[^`]*`([\w.-]+)==",
        said,
    )
    return {canonical_name(name.rstrip(".")) for names in named for name in names if name}


def _ask_uv(
    uv: list[str], requirements: Path, python: str, timeout: float
) -> tuple[dict[str, Files] | None, str]:
    output = requirements.with_name("pylock.toml")
    done = subprocess.run(  # noqa: S603
        [*uv, "pip", "compile", "--quiet", "--no-deps", "--no-annotate", "--no-header", "--format", "pylock.toml",
         "--python", sys.executable, "--python-version", python, "-o", str(output), str(requirements)],
        capture_output=True, text=True, errors="replace", timeout=timeout, cwd=requirements.parent, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, **indexes_of_pip()},
    )  # fmt: skip
    if done.returncode != 0:
        return None, " ".join(done.stderr.split())
    packages = tomllib.loads(output.read_text("utf-8")).get("packages", [])
    return {canonical_name(one["name"]): _files_of(one) for one in packages}, ""


def _files_of(package: dict[str, Any]) -> Files:
    def file(entry: dict[str, Any]) -> File:
        url = entry.get("url") or Path(entry["path"]).absolute().as_uri()
        return File(url, dict(entry["hashes"]), entry.get("size"))

    sdist = package.get("sdist")
    return Files(
        [file(entry) for entry in package.get("wheels", [])], file(sdist) if sdist is not None else None
    )


def indexes_of_pip() -> dict[str, str]:
    """pip's configured indexes as uv's variables, where uv has none of its own."""
    if any(name.startswith("UV_") and ("INDEX" in name or "FIND_LINKS" in name) for name in os.environ):
        return {}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pip", "config", "list"],
        capture_output=True, text=True, errors="replace", timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said: dict[str, str] = {}
    for line in done.stdout.splitlines():
        name, _, value = line.partition("=")
        said[name.rpartition(".")[2]] = value.strip().strip("'\"")
    translated = {
        "UV_DEFAULT_INDEX": said.get("index-url"),
        "UV_INDEX": " ".join(_existing(said.get("extra-index-url", "").replace("\\n", " ").split())),
        "UV_FIND_LINKS": ",".join(_existing(said.get("find-links", "").replace("\\n", " ").split())),
        "SSL_CERT_FILE": said.get("cert"),
        # pip looks for a version on all of its indexes; uv, by itself, only on the first that has the package.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    return {name: value for name, value in translated.items() if value}


def _existing(places: list[str]) -> list[str]:
    """Without local folders that are not there: pip passes over them, uv stops."""
    return [
        place
        for place in places
        if (urlsplit(place).scheme not in ("", "file")) or Path(unquote(urlsplit(place).path)).is_dir()
    ]


def _ask_pip(requirements: Path, timeout: float) -> tuple[dict[str, Files] | None, str]:
    report = requirements.with_name("report.json")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-P", "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet",
         "--disable-pip-version-check", "--no-input", "--report", str(report), "-r", str(requirements)],
        capture_output=True, text=True, errors="replace", timeout=timeout, cwd=requirements.parent, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        return None, done.stderr
    found: dict[str, Files] = {}
    for item in json.loads(report.read_bytes())["install"]:
        info = item["download_info"]
        one = File(info["url"], dict(info["archive_info"]["hashes"]))
        files = Files([one]) if one.name.endswith(".whl") else Files(sdist=one)
        found[canonical_name(item["metadata"]["name"])] = files
    return found, ""
