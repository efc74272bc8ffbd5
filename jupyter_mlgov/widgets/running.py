"""A rerun beside the notebook: a process of its own, so that the kernel stays free and cancelling ends all of it.

It is the command line that runs there; its progress comes line by line, its verdict at the end. What it reads is not
taken for what the notebook reads, and interrupting a cell does not interrupt it. It ends with the kernel.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal

import msgspec

from jupyter_mlgov.capture import audit, children
from jupyter_mlgov.errors import MlgovError
from jupyter_mlgov.records.decoding import decoded
from jupyter_mlgov.records.verdict import Comparison
from jupyter_mlgov.rerun.progress import Progress

State = Literal["running", "done", "failed", "cancelled"]

GRACE_S = 10.0
"""How long a cancelled rerun has to put its kernel away before it is killed, in seconds."""
_LINE = 2000

_unfinished: weakref.WeakSet[Running] = weakref.WeakSet()


class Running:
    """One rerun of the snapshot ``snapshot``. ``listeners`` are called, from any thread, whenever it changed, and every
    second."""

    def __init__(self, root: Path, snapshot: str, *, as_recorded: bool = False) -> None:
        self.state: State = "running"
        self.progress: Progress | None = None
        self.comparison: Comparison | None = None
        self.error = ""
        self.listeners: list[Callable[[], None]] = []
        self._cancelled = False
        self._started, self._ended = time.monotonic(), 0.0
        self._done = threading.Event()
        options = ["--as-recorded"] if as_recorded else []
        # -P: a file called json.py in the project's folder is not imported.
        command = [sys.executable, "-P", "-m", "jupyter_mlgov.cli", "rerun", snapshot, *options]
        with audit.unseen():
            self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process has ended
            self._process = subprocess.Popen(  # noqa: S603
                [*command, "--json", "--progress-json"],
                cwd=root,
                env={name: value for name, value in os.environ.items() if name != children.VARIABLE},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        _unfinished.add(self)
        for work in (self._listen, self._tick):
            threading.Thread(target=work, name="mlgov-rerun", daemon=True).start()

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was started, or that it took."""
        return (self._ended or time.monotonic()) - self._started

    def wait(self, timeout: float | None = None) -> Comparison:
        """Its verdict, once there is one. Raises ``MlgovError`` where there is none; ``TimeoutError``."""
        if not self._done.wait(timeout):
            raise TimeoutError(f"the rerun has not ended within {timeout} s")
        if self.comparison is None:
            raise MlgovError(self.error)
        return self.comparison

    def cancel(self) -> None:
        """Ends it and everything that it started; nothing is written down. No effect once it has ended."""
        if self._done.is_set():
            return
        self._cancelled = True
        with contextlib.suppress(OSError):
            self._process.terminate()
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._done.wait(GRACE_S)

    def _listen(self) -> None:
        said = ""
        with audit.unseen():
            stream: IO[bytes] = self._process.stderr  # type: ignore[assignment]
            with stream:
                for line in stream:
                    try:
                        self.progress = Progress(**json.loads(line))
                        self._tell()
                    except (ValueError, TypeError):
                        said = line[:_LINE].decode("utf-8", "replace").strip() or said
            status = self._process.wait()
            self._output.seek(0)
            with self._output:
                self._end(status, self._output.read(), said.removeprefix("mlgov: "))

    def _end(self, status: int, output: bytes, said: str) -> None:
        self._ended = time.monotonic()
        try:
            self.comparison = decoded(output, Comparison) if status in (0, 1, 3) and output.strip() else None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            said = f"its answer cannot be read ({error})"
        if self.comparison is not None:
            self.state = "done"
        elif self._cancelled:
            self.state, self.error = "cancelled", "the rerun was cancelled"
        else:
            self.state, self.error = "failed", said or f"it ended without an answer (status {status})"
        _unfinished.discard(self)
        self._done.set()
        self._tell()

    def _tick(self) -> None:
        while not self._done.wait(1.0):
            self._tell()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            # A widget whose front end has gone is nothing for the rerun.
            with contextlib.suppress(Exception):
                listener()


@atexit.register
def _end_all(*_: Any) -> None:
    for one in list(_unfinished):
        one.cancel()
