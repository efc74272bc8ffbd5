"""Small wheels and source trees, made on the spot, and a fast installer for them."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path

from jupyter_mlgov.capture.indexes import find_uv


def make_wheel(folder: Path, name: str, version: str, text: str = "") -> Path:
    """A pure Python wheel in a folder that installers take as an index."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": text or f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [
        f"{file},sha256={hashlib.sha256(data.encode()).hexdigest()},{len(data)}"
        for file, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,"]) + "\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, data in files.items():
            wheel.writestr(file, data)
    return path


def uv_install(target: Path, *what: str) -> Path:
    """Installs into a folder, without dependencies, and gives the folder."""
    subprocess.run(
        [*(find_uv() or []), "pip", "install", "--quiet", "--no-deps", "--target", str(target), *what],
        check=True,
    )
    return target


BACKEND = """
import base64, hashlib, pathlib, zipfile

def _wheel(directory, files):
    info = "NAME-1.0.dist-info"
    files |= {
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: NAME\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\\n" for name in [*files, f"{info}/RECORD"])
    name = "NAME-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(directory, name), "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
    return name

def build_wheel(directory, settings=None, metadata=None):
    return _wheel(directory, {"NAME.py": pathlib.Path("NAME.py").read_text()})

def build_editable(directory, settings=None, metadata=None):
    return _wheel(directory, {"__editable__.NAME.pth": str(pathlib.Path.cwd())})
"""


def make_source_tree(folder: Path, name: str) -> Path:
    """A project of one module that can be installed, editable too, without any build tool."""
    folder.mkdir(parents=True)
    (folder / f"{name}.py").write_text("answer = 42\n")
    (folder / "backend.py").write_text(BACKEND.replace("NAME", name))
    (folder / "pyproject.toml").write_text(
        f'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "1.0"\n'
    )
    return folder
