"""The OpenAPI document against the server that it describes, by schemathesis: what it says is what happens."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from jupyter_mlgov.project import Project
from jupyter_mlgov.server.extension import MlgovExtension
from jupyter_mlgov.server.jobs import Jobs
from tests.server.made import snapshot


async def test_schemathesis_finds_nothing(
    project: Project,
    extension: MlgovExtension,
    jp_serverapp: Any,
    jp_base_url: str,
    http_server_port: Any,
    http_server_client: Any,
    tmp_path: Path,
) -> None:
    snapshot(project)
    # A rerun that is asked for ends at once: no example starts a kernel.
    extension.jobs = Jobs(at_once=1, command=[sys.executable, "-c", "raise SystemExit(2)"])
    url = f"http://127.0.0.1:{http_server_port[-1]}{jp_base_url}mlgov/api/openapi.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", url),
        *("--header", f"Authorization: token {jp_serverapp.identity_provider.token}"),
        *("--max-examples", "8", "--seed", "1", "--no-color", "--phases", "examples,coverage,fuzzing"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-6000:]
