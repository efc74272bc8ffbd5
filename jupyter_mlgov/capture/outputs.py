"""What a cell showed: streams, rich displays, results and errors, as nbformat outputs.

Streams are seen by wrapping ``write`` of the kernel's own streams for the length of one cell, as IPython does
for its history; displays and results through the hooks that ipykernel offers. The wrapped call always goes
through to the original first, so what the user sees cannot be changed from here.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

LIMIT = 20_000_000
"""Characters of one cell's outputs that are held; past it the middle is dropped and said so."""


class OutputRecorder:
    """Collects the outputs of one cell at a time."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._outputs: list[dict[str, Any]] = []
        self._held = 0
        self._dropped = 0
        self._restore: list[tuple[Any, Any]] = []
        self._clear_next = False
        self._active = False
        self._hooked = False

    def attach(self) -> None:
        """Registers the display hooks, once."""
        if self._hooked:
            return
        for publisher in (self._shell.display_pub, self._shell.displayhook):
            register = getattr(publisher, "register_hook", None)
            if register is not None:
                register(self._display)
                self._hooked = True

    def detach(self) -> None:
        """Takes the display hooks away again."""
        if not self._hooked:
            return
        self._hooked = False
        for publisher in (self._shell.display_pub, self._shell.displayhook):
            unregister = getattr(publisher, "unregister_hook", None)
            if unregister is not None:
                with contextlib.suppress(Exception):
                    unregister(self._display)

    def start(self) -> None:
        """A cell begins."""
        self._outputs, self._held, self._dropped, self._clear_next = [], 0, 0, False
        self._active = True
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            self._wrap(stream, name)

    def stop(self) -> list[dict[str, Any]]:
        """The cell ended: its outputs, oldest first."""
        self._active = False
        for stream, write in reversed(self._restore):
            with contextlib.suppress(Exception):
                if write is None:
                    del stream.write
                else:
                    stream.write = write
        self._restore = []
        outputs, self._outputs = self._outputs, []
        for output in outputs:
            if output["output_type"] == "stream":
                output["text"] = "".join(output.pop("parts"))
        if self._dropped:
            outputs.append(_stream("stderr", f"[mlgov: {self._dropped} more characters were not recorded]\n"))
        return outputs

    def _wrap(self, stream: Any, name: str) -> None:
        original = stream.write

        def write(text: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(text, *args, **kwargs)
            if self._active and isinstance(text, str) and text:
                self._text(name, text)
            return result

        try:
            previous = vars(stream).get("write")
            stream.write = write
        except (AttributeError, TypeError):
            return
        self._restore.append((stream, previous))

    def _room(self, size: int) -> bool:
        if self._held + size > LIMIT:
            self._dropped += size
            return False
        self._held += size
        return True

    def _text(self, name: str, text: str) -> None:
        # Tracebacks and results are published as messages of their own: IPython writes them here only
        # in a terminal.
        if getattr(self._shell, "showing_traceback", False) or not self._room(len(text)):
            return
        self._cleared()
        if self._outputs and self._outputs[-1].get("name") == name:
            self._outputs[-1]["parts"].append(text)
        else:
            self._outputs.append({"output_type": "stream", "name": name, "parts": [text]})

    def _cleared(self) -> None:
        if self._clear_next:
            self._outputs.clear()
            self._clear_next = False

    def _display(self, message: dict[str, Any]) -> dict[str, Any]:
        if self._active:
            with contextlib.suppress(Exception):
                self._message(message)
        return message

    def _message(self, message: dict[str, Any]) -> None:
        kind = message["header"]["msg_type"] if "header" in message else message.get("msg_type")
        content = message["content"]
        if kind == "clear_output":
            if content.get("wait"):
                self._clear_next = True
            else:
                self._outputs.clear()
            return
        if kind not in ("display_data", "execute_result", "update_display_data"):
            return
        data = dict(content["data"])
        display_id = (content.get("transient") or {}).get("display_id")
        if kind == "update_display_data":
            for output in self._outputs:
                if display_id and output.get("display_id") == display_id:
                    output["data"] = data
            return
        if not self._room(sum(len(part) for part in data.values() if isinstance(part, str))):
            return
        self._cleared()
        output = {"output_type": kind, "data": data, "metadata": dict(content.get("metadata") or {})}
        if display_id:
            output["display_id"] = display_id
        self._outputs.append(output)


def _stream(name: str, text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def error_output(error: BaseException, traceback: list[str] | None) -> dict[str, Any]:
    """An exception as an nbformat error output. A value whose ``str`` raises is named by its type."""
    try:
        value = str(error)
    except Exception:  # noqa: BLE001 - the user's exception may not be printable
        value = "<the message could not be printed>"
    return {
        "output_type": "error",
        "ename": type(error).__name__,
        "evalue": value,
        "traceback": [line for line in traceback or [] if isinstance(line, str)],
    }
