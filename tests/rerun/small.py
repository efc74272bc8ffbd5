"""Small environments of their own, made with uv: what a kernel needs to record, and the packages that are asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jupyter_mlgov.capture.indexes import find_uv

KERNEL = ["ipykernel", "msgspec", "blake3", "zstandard", "sqlalchemy", "filelock", "rfc8785", "gitpython", "numpy", "pandas",
          "pyyaml"]  # fmt: skip
"""What a kernel needs to record."""


def small_python(folder: Path, *packages: str, links: Path | None = None) -> Path:
    """The interpreter of a new environment in ``folder``."""
    uv = find_uv()
    assert uv is not None
    subprocess.run([*uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin" / "python"
    install(python, *packages, *KERNEL, links=links)
    return python


def install(python: Path, *packages: str, links: Path | None = None) -> None:
    """Installs packages, over other versions of them. ``links``: a folder of wheels."""
    uv = find_uv()
    assert uv is not None
    found = ["--find-links", str(links)] if links is not None else []
    subprocess.run([*uv, "pip", "install", "-q", "--python", str(python), *found, *packages], check=True)
