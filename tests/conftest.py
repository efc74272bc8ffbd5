"""What all tests share: kernels that are stopped, git repositories, notebooks on disk."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kernel import Kernel

LONGEST = (
    "cli/test_main_job.py",
    "rerun/test_rerun.py",
    "rerun/test_control.py",
    "install/test_bare_environment.py",
    "notebooks/test_operations.py",
    "monitor/test_retrain.py",
    "report/test_operation.py",
    "operate/test_service_life.py",
    "rerun/test_fleet.py",
    "monitor/test_loop.py",
    "rerun/test_colleague.py",
)
"""Files that take a minute or more. They come first: a worker that begins one last leaves the others without work."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, each in one piece."""
    place = {f"tests/{name}": order for order, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Starts kernels in a folder (``tmp_path`` unless told) and stops them after the test."""
    started: list[Kernel] = []

    def start(folder: Path | None = None, **options: Any) -> Kernel:
        one = Kernel(folder or tmp_path, **options)
        started.append(one)
        return one

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """Runs git in a folder (``tmp_path`` unless told), with a fixed author."""
    env = {
        **os.environ,
        "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org",
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
    }  # fmt: skip

    def run(*words: str, folder: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *words], cwd=folder or tmp_path, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    return run


def notebook_json(cells: list[str | tuple[str, str] | dict[str, Any]]) -> dict[str, Any]:
    """A notebook (nbformat 4.5): code cells as text, others as ``(type, text)`` or whole."""
    made: list[dict[str, Any]] = []
    for number, cell in enumerate(cells):
        if isinstance(cell, dict):
            made.append({"id": f"c{number}", "metadata": {}, **cell})
            continue
        kind, source = ("code", cell) if isinstance(cell, str) else cell
        one: dict[str, Any] = {"cell_type": kind, "id": f"c{number}", "metadata": {}, "source": source}
        if kind == "code":
            one |= {"execution_count": None, "outputs": []}
        made.append(one)
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def write_notebook(tmp_path: Path) -> Callable[..., Path]:
    """Writes a notebook file into ``tmp_path``."""

    def write(name: str, cells: list[Any]) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(notebook_json(cells)), encoding="utf-8")
        return path

    return write
