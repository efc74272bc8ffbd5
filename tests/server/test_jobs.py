"""Reruns as jobs: a real process stands where the command line is called."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from jupyter_mlgov.project import Project
from jupyter_mlgov.server.extension import MlgovExtension
from jupyter_mlgov.server.jobs import Jobs
from tests.server.conftest import Ask
from tests.server.made import comparison, snapshot

PROGRESS = """
def say(cell, message=""):
    print(json.dumps({"stage": "first run", "cell": cell, "cells": 3, "elapsed_s": 0.1, "message": message}),
          file=sys.stderr, flush=True)
"""


@pytest.fixture
def program(extension: MlgovExtension, command: Callable[[str], list[str]]) -> Callable[[str], None]:
    """Sets what runs instead of the command line."""

    def use(text: str) -> None:
        extension.jobs = Jobs(at_once=1, command=command(PROGRESS + text))

    return use


async def start(ask: Ask, ref: str = "baseline", **query: Any) -> dict[str, Any]:
    response = await ask(f"snapshots/{ref}/rerun", method="POST", path="loans.ipynb", **query)
    assert response.code == 202, response.body
    assert response.headers["Location"].endswith(json.loads(response.body)["id"])
    return json.loads(response.body)


async def finished(ask: Ask, job: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        told = json.loads((await ask(f"jobs/{job}")).body)
        if told["state"] in ("done", "failed", "cancelled"):
            return told
        await asyncio.sleep(0.05)
    raise AssertionError("the job did not end")


def events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in body.decode().strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def test_a_rerun_ends_with_its_verdict(
    project: Project, ask: Ask, program: Callable[[str], None]
) -> None:
    name = snapshot(project)
    document = msgspec.json.encode(comparison(name)).decode()
    program(f"say(1); say(3, 'last'); print({document!r}); sys.exit(1)")
    job = await start(ask)
    assert job["snapshot"] == name
    assert (job["experiment"], job["number"]) == ("baseline", 1)
    told = await finished(ask, job["id"])
    assert told["state"] == "done"
    assert told["comparison"]["verdict"] == "diverged"
    assert told["progress"] == {
        "stage": "first run",
        "cell": 3,
        "cells": 3,
        "elapsed_s": 0.1,
        "message": "last",
    }
    listed = json.loads((await ask("jobs")).body)["jobs"]
    assert [item["id"] for item in listed] == [job["id"]]


async def test_events_tell_the_progress_and_at_last_the_verdict(
    project: Project, ask: Ask, program: Callable[[str], None]
) -> None:
    name = snapshot(project)
    document = msgspec.json.encode(comparison(name)).decode()
    program(f"for n in (1, 2, 3):\n    say(n); time.sleep(0.3)\nprint({document!r}); sys.exit(1)")
    job = await start(ask)
    response = await ask(f"jobs/{job['id']}/events")
    assert response.headers["Content-Type"].startswith("text/event-stream")
    told = events(response.body)
    assert [kind for kind, _ in told][-1] == "end"
    assert told[-1][1]["comparison"]["findings"][0]["cause"] == "data.values"
    assert {1, 2, 3} <= {document["progress"]["cell"] for _, document in told}
    again = events((await ask(f"jobs/{job['id']}/events")).body)
    assert again == [told[-1]], "who comes late is told the result at once"


async def test_cancelling_ends_the_rerun_and_all_that_it_started(
    project: Project, ask: Ask, program: Callable[[str], None], tmp_path: Path
) -> None:
    snapshot(project)
    pids = tmp_path / "pids"
    # Like a kernel: a session of its own, deaf to what is said to the process group.
    program(
        f"""
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open({str(pids)!r}, "w").write(str(child.pid))
say(1)
time.sleep(600)
"""
    )
    job = await start(ask)
    while not (pids.exists() and pids.read_text()):
        await asyncio.sleep(0.05)
    child = psutil.Process(int(pids.read_text()))
    response = await ask(f"jobs/{job['id']}", method="DELETE")
    assert response.code == 200, response.body
    assert json.loads(response.body)["state"] == "cancelled"
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    again = await ask(f"jobs/{job['id']}", method="DELETE")
    assert again.code == 409


async def test_a_snapshot_that_is_being_rerun_is_a_conflict(
    project: Project, ask: Ask, program: Callable[[str], None]
) -> None:
    snapshot(project)
    program("time.sleep(600)")
    job = await start(ask)
    response = await ask("snapshots/baseline@1/rerun", method="POST", path="loans.ipynb")
    assert response.code == 409
    assert job["id"] in json.loads(response.body)["message"]
    await ask(f"jobs/{job['id']}", method="DELETE")


async def test_a_second_rerun_waits_and_can_be_cancelled_while_it_waits(
    project: Project, ask: Ask, program: Callable[[str], None]
) -> None:
    snapshot(project)
    snapshot(project, experiment="forest")
    program("time.sleep(600)")
    first = await start(ask)
    second = await start(ask, "forest")
    await asyncio.sleep(0.1)
    assert json.loads((await ask(f"jobs/{second['id']}")).body)["state"] == "queued"
    assert json.loads((await ask(f"jobs/{second['id']}", method="DELETE")).body)["state"] == "cancelled"
    await ask(f"jobs/{first['id']}", method="DELETE")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "print('mlgov: data/loans.csv is gone: restore it', file=sys.stderr); sys.exit(2)",
            "data/loans.csv is gone",
        ),
        ("sys.exit(9)", "status 9"),
        ("print('{'); sys.exit(0)", "could not be read"),
        ("sys.stderr.write('x' * 200_000); sys.exit(2)", "xxx"),
    ],
)
async def test_a_rerun_that_fails_says_why_in_one_line(
    project: Project, ask: Ask, program: Callable[[str], None], text: str, expected: str
) -> None:
    snapshot(project)
    program(text)
    job = await start(ask)
    told = await finished(ask, job["id"])
    assert told["state"] == "failed"
    assert expected in told["error"]
    assert "\n" not in told["error"]


async def test_the_server_answers_while_a_rerun_is_busy(
    project: Project, ask: Ask, program: Callable[[str], None]
) -> None:
    snapshot(project)
    program("while True: pass")
    job = await start(ask)
    assert (await ask("project", path="loans.ipynb")).code == 200
    await ask(f"jobs/{job['id']}", method="DELETE")


@pytest.mark.parametrize("body", [[], {"as_recorded": "yes"}, {"command": "rm"}])
async def test_a_wrong_body_is_refused(project: Project, ask: Ask, body: Any) -> None:
    snapshot(project)
    response = await ask("snapshots/baseline/rerun", method="POST", path="loans.ipynb", body=body)
    assert response.code == 400, response.body


async def test_jobs_end_with_the_server(project: Project, ask: Ask, extension: MlgovExtension,
                                        program: Callable[[str], None]) -> None:  # fmt: skip
    snapshot(project)
    program("time.sleep(600)")
    await start(ask)
    assert extension.current_activity() is not None
    await extension.jobs.close()
    assert extension.current_activity() is None
