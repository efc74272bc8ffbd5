"""A real IPython kernel for tests: cells in, messages out, as a front end does it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager, start_new_kernel


@dataclass
class Ran:
    """What came back from one cell."""

    status: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] = field(default_factory=dict)

    def stream(self, name: str) -> str:
        return "".join(o["text"] for o in self.outputs if o["output_type"] == "stream" and o["name"] == name)

    @property
    def stdout(self) -> str:
        return self.stream("stdout")

    @property
    def stderr(self) -> str:
        return self.stream("stderr")

    @property
    def result(self) -> str | None:
        return next(
            (o["data"]["text/plain"] for o in self.outputs if o["output_type"] == "execute_result"), None
        )


class Kernel:
    """One kernel process with ``folder`` as its working directory."""

    def __init__(
        self, folder: Path, *, notebook: Path | None = None, env: dict[str, str] | None = None
    ) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        }
        environment |= {"IPYTHONDIR": str(folder / ".ipython"), **(env or {})}
        environment.pop("JPY_SESSION_NAME", None)
        if notebook is not None:
            environment["JPY_SESSION_NAME"] = str(notebook)
        self.manager: KernelManager
        # Its ports may be taken by another process between choosing and binding them.
        for attempt in range(3):
            try:
                self.manager, self.client = start_new_kernel(
                    kernel_name="python3",
                    cwd=str(folder),
                    env=environment,
                    extra_arguments=["--HistoryManager.enabled=False"],
                )
                return
            except RuntimeError:
                if attempt == 2:
                    raise

    def run(
        self,
        source: str,
        *,
        cell_id: str | None = None,
        metadata: dict[str, Any] | None = None,
        expressions: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> Ran:
        """Runs one cell and waits for all that it gives. ``metadata`` is the request's, as a front end sends it.

        With ``expressions``, it is a silent request for what these are.
        """
        silent = expressions is not None
        message = self.client.session.msg(
            "execute_request",
            {"code": source, "silent": silent, "store_history": not silent, "user_expressions": expressions or {},
             "allow_stdin": False, "stop_on_error": True},
        )  # fmt: skip
        message["metadata"] |= metadata or {}
        if cell_id is not None:
            message["metadata"]["cellId"] = cell_id
        self.client.shell_channel.send(message)
        ran = Ran("")
        while True:
            got = self.client.get_iopub_msg(timeout=timeout)
            if got["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            kind, content = got["header"]["msg_type"], got["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            if kind == "stream":
                last = ran.outputs[-1] if ran.outputs else {}
                if last.get("name") == content["name"]:
                    last["text"] += content["text"]
                else:
                    ran.outputs.append({"output_type": "stream", **content})
            elif kind in ("execute_result", "display_data", "error"):
                ran.outputs.append({"output_type": kind, **content})
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                ran.reply, ran.status = reply["content"], reply["content"]["status"]
                return ran

    def must(self, source: str, *, cell_id: str | None = None) -> Ran:
        """Runs a cell that has to succeed."""
        ran = self.run(source, cell_id=cell_id)
        assert ran.status == "ok", ran.outputs
        return ran

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
