"""A real Jupyter Server with the extension, serving a folder that holds a project."""

from __future__ import annotations

import json
import sys
import textwrap
import urllib.parse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403 - here only: some of its fixtures are automatic
from tornado.httpclient import HTTPResponse

from jupyter_mlgov.project import Project
from jupyter_mlgov.server.extension import MlgovExtension
from tests.server.made import project_at


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    """The extension on, and nobody in without authentication."""
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_mlgov": True}, "allow_unauthenticated_access": False},
    }


@pytest.fixture(autouse=True)
def no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's keys, which is empty: nothing here signs as whoever runs the tests."""
    folder = tmp_path / "keys"
    monkeypatch.setenv("MLGOV_KEYS", str(folder))
    monkeypatch.delenv("MLGOV_PASSPHRASE", raising=False)
    return folder


@pytest.fixture
def project(jp_root_dir: Path) -> Project:
    """The project in the folder that the server serves."""
    return project_at(jp_root_dir)


@pytest.fixture
def extension(jp_serverapp: Any) -> MlgovExtension:
    """The running extension."""
    (found,) = jp_serverapp.extension_manager.extension_apps["jupyter_mlgov"]
    assert isinstance(found, MlgovExtension)
    return found


@pytest.fixture
def ask(jp_serverapp: Any, jp_base_url: str, jp_auth_header: dict[str, str], http_server_client: Any) -> Any:
    """``await ask("snapshots", path="loans.ipynb")``: the response, whatever its status."""

    async def fetch(
        route: str,
        *,
        method: str = "GET",
        body: Any = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> HTTPResponse:
        url = f"{jp_base_url}mlgov/api/{route}?{urllib.parse.urlencode(query)}"
        sent = None if body is None and method != "POST" else json.dumps(body if body is not None else {})
        return await http_server_client.fetch(
            url,
            method=method,
            body=sent,
            headers=jp_auth_header if headers is None else headers,
            raise_error=False,
            request_timeout=30,
            follow_redirects=False,
        )

    return fetch


Ask = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], list[str]]:
    """A program that stands where the command line is called; ``REF`` is its argument after ``rerun``."""

    def write(text: str) -> list[str]:
        path = tmp_path / "command.py"
        path.write_text("import json, subprocess, sys, time\nREF = sys.argv[2]\n" + textwrap.dedent(text))
        return [sys.executable, str(path)]

    return write
