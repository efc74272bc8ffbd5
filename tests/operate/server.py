"""A real service in a process of its own, on loopback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.kernel import ROOT

ROW = {"income": 52.0, "debt": 5.0, "children": 2, "region": "north"}


class Server:
    """``mlgov serve`` in ``folder``; started and answering when it was made."""

    def __init__(self, folder: Path, *words: str, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlgov.cli", "serve", *words, "--port", "0"],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        found = re.search(r"http://\S+", said)
        if found is None:
            self.stop(signal.SIGKILL)
            raise AssertionError(f"it does not serve: {said}")
        self.url = found[0]
        self.client = httpx.Client(base_url=self.url, timeout=180)
        try:
            assert self.client.get("/v2/health/ready").json() == {"ready": True}
        except BaseException:
            self.stop(signal.SIGKILL)
            raise

    def predict(self, rows: Any = ROW, **more: Any) -> httpx.Response:
        return self.client.post("/predict", json={"rows": rows, **more})

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stops it and everything that it started; the exit status."""
        if self.process.poll() is None:
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)
        try:
            status = self.process.wait(60)
        finally:
            if self.process.stderr is not None:
                self.process.stderr.close()
        return status
