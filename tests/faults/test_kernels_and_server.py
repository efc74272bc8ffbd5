"""Four real kernels and the server write into one store at once: nothing is lost, nothing half-made is ever listed.

The server writes by rerunning a snapshot, each rerun a candidate and a verdict on the ledger, and is asked for its
listing all the while. The default suite makes a few snapshots each; ``make test-faults`` two hundred.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlgov.store import Store
from tests.kernel import ROOT, Kernel

EVERY = os.environ.get("MLGOV_FAULTS") == "all"
KERNELS, EACH, RERUNS = (4, 200, 200) if EVERY else (4, 8, 2)


class Server:
    """A Jupyter Server with the extension, in a process of its own, serving ``folder``."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.token = secrets.token_hex(16)
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", f"--port={self.port}",
                f"--ServerApp.root_dir={folder}", f"--IdentityProvider.token={self.token}",
                "--ServerApp.port_retries=0", "--ServerApp.jpserver_extensions={'jupyter_mlgov': True}",
            ],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        )  # fmt: skip

    def ask(self, route: str, *, method: str = "GET", body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/mlgov/api/{route}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def wait(self) -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                self.ask("project")
                return
            assert self.process.poll() is None, "the server ended"
            time.sleep(0.2)
        raise TimeoutError

    def rerun(self, snapshot: str) -> dict[str, Any]:
        """Reruns a snapshot and waits for the end: the finished job."""
        job = self.ask(f"snapshots/{snapshot}/rerun", method="POST", body={})
        end = time.monotonic() + 300
        while time.monotonic() < end:
            found: dict[str, Any] = self.ask(f"jobs/{job['id']}")
            if found["state"] in ("done", "failed", "cancelled"):
                return found
            time.sleep(0.3)
        raise TimeoutError

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path)
    try:
        one.wait()
        yield one
    finally:
        one.stop()


@pytest.mark.timeout(3600 if EVERY else 600)
def test_four_kernels_and_the_server_write_into_one_store(tmp_path: Path, server: Server) -> None:
    cells = [
        nbformat.v4.new_code_cell(text)
        for text in ("%load_ext jupyter_mlgov", "%%experiment rerun\nx = 1\ny = x + 1")
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "rerun.ipynb")
    kernels = [Kernel(tmp_path) for _ in range(KERNELS)]
    failures: list[BaseException] = []
    over = threading.Event()

    def guarded(work: Any, *words: Any) -> threading.Thread:
        def run() -> None:
            try:
                work(*words)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def write(kernel: Kernel, name: int) -> None:
        for turn in range(EACH):
            ran = kernel.must(f"%%experiment kernel-{name}\nturn = {turn}\nshared = {turn % 5}")
            assert ran.stderr == "", ran.stderr

    def rerun(snapshot: str) -> None:
        for _ in range(RERUNS):
            job = server.rerun(snapshot)
            assert job["state"] == "done", job
            assert job["comparison"]["verdict"] == "reproduced", job

    def look() -> None:
        while not over.wait(0.1):
            for line in server.ask("snapshots?scope=project&limit=500")["snapshots"]:
                assert server.ask(f"snapshots/{line['id']}")["id"] == line["id"]
                break  # the newest: it was made this moment

    try:
        for kernel in kernels:
            kernel.must("%load_ext jupyter_mlgov")
        first = Kernel(tmp_path, notebook=tmp_path / "rerun.ipynb")
        kernels.append(first)
        for cell in cells:
            first.must(cell.source)
        snapshot = Store.open(tmp_path / ".mlgov").log()[0].id
        looking = guarded(look)
        writing = [guarded(write, kernel, name) for name, kernel in enumerate(kernels[:KERNELS])]
        writing.append(guarded(rerun, snapshot))
        for thread in writing:
            thread.join()
        over.set()
        looking.join()
    finally:
        over.set()
        for kernel in kernels:
            kernel.stop()
    assert not failures, failures
    store = Store.open(tmp_path / ".mlgov")
    listed = store.log(candidates=True)
    for name in range(KERNELS):
        assert [line.number for line in store.log(experiment=f"kernel-{name}")] == list(range(EACH, 0, -1))
    assert len(store.entries(subject=snapshot, kind="rerun")) == RERUNS
    (store.folder / "index.sqlite").unlink()
    assert Store.open(store.folder).log(candidates=True) == listed
    for line in listed:
        manifest = store.manifest(line.id)
        store.environment(manifest)
        for digest in manifest.objects():
            store.get(digest)
    assert store.fsck() == []
