"""What a cell showed: the messages that its kernel publishes, listened to on their way out.

A kernel has one thread that sends everything that a front end sees: text, displays, results and errors, of the
cell, its threads and its forked children alike. Listening there touches nothing that the user's code can reach,
and each message names the execution that it belongs to, however late it comes. Where IPython runs without such a
thread (in a terminal), its own history of outputs is read instead.

Outputs of one execution are held up to a limit. What comes after is counted and hashed, and its last part kept. Those of
all executions together are held up to another, past which the oldest are: a cell of which a newer run is there has none.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from typing import Any
from weakref import WeakSet

from blake3 import blake3

LIMIT = 10_000_000
"""Characters of one execution's outputs that are kept whole, unless ``mlgov.toml`` says otherwise."""
TAIL = 65_536
"""Characters of the end that are kept past the limit."""
ALL = 200_000_000
"""Characters of all executions' outputs together past which the oldest are only counted and hashed, their ends kept."""
_HUGE = 64_000_000
"""Bytes of one message past which it is not even decoded: only its size and digest are noted."""
_KINDS = frozenset(
    {"stream", "display_data", "update_display_data", "execute_result", "error", "clear_output"}
)
_DELIMITER = b"<IDS|MSG>"


class Outputs:
    """What one execution has shown so far."""

    def __init__(self, limit: int = LIMIT, displays: Displays | None = None) -> None:
        self.limit = limit
        self._displays: Displays = {} if displays is None else displays
        self.error: tuple[str, str] | None = None
        """Name and text of the exception that ended the cell, as it was shown."""
        self.version = 0
        """Grows with every output: what was rendered earlier is out of date when it differs."""
        self.own: list[str] = []
        """Lines of capture's own among them, which the cell did not write."""
        self._clear()
        self._clear_next = False

    def _clear(self) -> None:
        self._items: list[dict[str, Any]] = []
        self._held = 0
        self._rest: _Rest | None = None

    @property
    def size(self) -> int:
        """Characters that are held."""
        return self._held + (self._rest.held if self._rest is not None else 0)

    def let_go(self) -> None:
        """The cell ran again: what this run has shown is shown no more, and only said to have been there."""
        size, rest = self._held, self._rest
        if self._items or rest is not None:
            self._clear()
            count = size + (rest.count if rest is not None else 0)
            self._say(f"\n[mlgov: {count} characters, not kept: the cell ran again]\n")

    def condense(self) -> None:
        """Keeps of what is held the number of characters, a digest and the end."""
        items, before = self._items, self._rest
        self._clear()
        rest = self._over()
        for output in items:
            if output["output_type"] == "stream":
                rest.text(output["name"], "".join(output["parts"]))
            elif output["output_type"] == "error":
                self._items.append(output)
            else:
                rest.display(output, _size(output["data"]))
        if before is not None:
            rest.join(before)

    def _say(self, text: str) -> None:
        self._items.append({"output_type": "stream", "name": "stdout", "parts": [text]})

    def published(self, kind: str, content: bytes) -> None:
        """Takes in one message: its type and its content as JSON."""
        self.version += 1
        if len(content) > _HUGE:
            self._over().raw(kind, content)
            return
        self.add(kind, json.loads(content))

    def add(self, kind: str, content: dict[str, Any]) -> None:
        """Takes in one message's content."""
        self.version += 1
        if kind == "clear_output":
            self._clear_next = bool(content.get("wait"))
            if not self._clear_next:
                self._clear()
            return
        if kind == "update_display_data":
            self._update(content)
            return
        if self._clear_next:
            self._clear_next = False
            self._clear()
        if kind == "stream":
            self._text(content["name"], content["text"])
        elif kind == "error":
            self.error = (content["ename"], content["evalue"])
            self._items.append({"output_type": "error", "ename": content["ename"], "evalue": content["evalue"],
                                "traceback": content["traceback"]})  # fmt: skip
        else:
            self._display(kind, content)

    def _text(self, name: str, text: str) -> None:
        if self._rest is not None:
            self._rest.text(name, text)
            return
        fits = text[: max(self.limit - self._held, 0)]
        self._held += len(fits)
        if fits:
            last = self._items[-1] if self._items else {}
            if last.get("name") == name:
                last["parts"].append(fits)
            else:
                self._items.append({"output_type": "stream", "name": name, "parts": [fits]})
        if len(fits) < len(text):
            self._over().text(name, text[len(fits) :])

    def _display(self, kind: str, content: dict[str, Any]) -> None:
        output = {
            "output_type": kind,
            "data": content["data"],
            "metadata": content.get("metadata") or {},
            "display_id": (content.get("transient") or {}).get("display_id"),
        }
        if output["display_id"]:
            self._displays.setdefault(output["display_id"], WeakSet()).add(self)
        size = _size(output["data"])
        if self._rest is None and self._held + size <= self.limit:
            self._held += size
            self._items.append(output)
        else:
            self._over().display(output, size)

    def _update(self, content: dict[str, Any]) -> None:
        """A display is shown anew: wherever it is shown, in outputs of cells that ended long ago too."""
        name = str((content.get("transient") or {}).get("display_id") or "")
        for one in list(self._displays.get(name, ())):
            one._replace(name, content["data"], content.get("metadata") or {})

    def _replace(self, name: str, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        self.version += 1
        size = _size(data)
        for output in self._items:
            if output.get("display_id") == name:
                self._held -= _size(output["data"])
                if self._held + size > self.limit:
                    digest = blake3(json.dumps(data, sort_keys=True).encode()).hexdigest()
                    data = {"text/plain": f"[mlgov: {size} characters, blake3:{digest}; past the limit]"}
                    size = len(data["text/plain"])
                self._held += size
                output["data"], output["metadata"] = data, metadata
        if self._rest is not None:
            self._rest.replace(name, data, metadata, size)

    def _over(self) -> _Rest:
        if self._rest is None:
            self._rest = _Rest()
        return self._rest

    def rendered(self) -> list[dict[str, Any]]:
        """As nbformat outputs, oldest first."""
        found: list[dict[str, Any]] = []
        own = list(self.own)
        for output in [*self._items, *(self._rest.items() if self._rest is not None else ())]:
            if output["output_type"] != "stream":
                found.append({key: part for key, part in output.items() if part is not None})
                continue
            text = "".join(output["parts"])
            if output["name"] == "stderr":
                for line in [line for line in own if line in text]:
                    text = text.replace(line, "", 1)
                    own.remove(line)
                if not text:
                    continue
            if found and found[-1].get("name") == output["name"]:
                found[-1]["text"] += text
            else:
                found.append({"output_type": "stream", "name": output["name"], "text": text})
        return found


Displays = dict[str, "WeakSet[Outputs]"]
"""The id of a display -> the outputs that it is shown in."""


def _size(data: dict[str, Any]) -> int:
    return sum(len(part) if isinstance(part, str) else 100 for part in data.values())


class _Rest:
    """What came after the limit: counted and hashed, its end held."""

    def __init__(self) -> None:
        self._hasher = blake3()
        self.count = 0
        self._stream = ""
        self._tail: deque[dict[str, Any]] = deque()
        self.held = 0

    def text(self, name: str, text: str) -> None:
        if name != self._stream:  # not at every message: the same text may come in other pieces next time
            self._hasher.update(f"\0{name}\0".encode())
            self._stream = name
        self._hasher.update(text.encode("utf-8", "backslashreplace"))
        self.count += len(text)
        end = text[-TAIL:]
        self._hold({"output_type": "stream", "name": name, "parts": [end]}, len(end))

    def display(self, output: dict[str, Any], size: int) -> None:
        data = json.dumps(output["data"], sort_keys=True).encode()
        self._hasher.update(f"\0{output['output_type']}\0".encode() + data)
        self._stream = ""
        self.count += size
        if size <= TAIL:
            self._hold(output, size)

    def raw(self, kind: str, content: bytes) -> None:
        self._hasher.update(f"\0{kind}\0".encode())
        self._hasher.update(content)
        self._stream = ""
        self.count += len(content)

    def join(self, other: _Rest) -> None:
        """Takes over what came after."""
        self._hasher.update(other._hasher.digest())
        self.count += other.count
        for output in other._tail:
            self._hold({key: part for key, part in output.items() if key != "size"}, output["size"])

    def replace(self, name: str, data: dict[str, Any], metadata: dict[str, Any], size: int) -> None:
        """A display is shown anew, where it is held and still may be."""
        for output in self._tail:
            if output.get("display_id") == name and size <= TAIL:
                self.held += size - output["size"]
                output |= {"data": data, "metadata": metadata, "size": size}

    def _hold(self, output: dict[str, Any], size: int) -> None:
        self._tail.append({**output, "size": size})
        self.held += size
        while self._tail and self.held - self._tail[0]["size"] >= TAIL:
            self.held -= self._tail.popleft()["size"]

    def items(self) -> list[dict[str, Any]]:
        """A line that says what is missing, then the end."""
        tail = [{key: part for key, part in output.items() if key != "size"} for output in self._tail]
        surplus = self.held - TAIL
        if surplus > 0 and tail[0]["output_type"] == "stream":
            tail[0]["parts"] = ["".join(tail[0]["parts"])[surplus:]]
        name = next((output["name"] for output in tail if output["output_type"] == "stream"), "stdout")
        said = (
            f"\n[mlgov: {self.count} characters more, blake3:{self._hasher.hexdigest()}; "
            f"of these the last {min(self.held, TAIL)} are kept]\n"
        )
        return [{"output_type": "stream", "name": name, "parts": [said]}, *tail]


class OutputListener:
    """Hands what the kernel publishes to the ``Outputs`` of the execution that it belongs to."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._requests: dict[str, Outputs] = {}
        self._displays: Displays = {}
        self._ended: dict[Outputs, int] = {}
        """Outputs of executions that ended, the oldest first -> their size then."""
        self._size = 0
        self._lock = threading.RLock()
        # Reentrant: a signal handler of the user's may display something while this thread holds it.
        self._thread: Any = None
        self._pid = os.getpid()
        self._streams: list[Any] = []

    def attach(self) -> None:
        """Starts to listen, where there is a kernel to listen to."""
        thread = getattr(getattr(self._shell, "kernel", None), "iopub_thread", None)
        if thread is None or not hasattr(thread, "send_multipart") or self._thread is not None:
            return
        import sys

        send = thread.send_multipart

        def send_multipart(parts: Any, *args: Any, **kwargs: Any) -> Any:
            self._sent(parts)
            return send(parts, *args, **kwargs)

        thread.send_multipart = send_multipart
        self._send = send_multipart
        self._thread = thread
        self._streams = [
            one for one in (sys.stdout, sys.stderr) if getattr(one, "pub_thread", None) is thread
        ]

    def detach(self) -> None:
        """Stops to listen."""
        thread, self._thread = self._thread, None
        self._requests.clear()
        self._displays.clear()
        if thread is not None and vars(thread).get("send_multipart") is self._send:
            del thread.send_multipart

    def begin(self, request: str | None, limit: int) -> Outputs:
        """The outputs of an execution that starts now; ``request`` is the id of the message that asked for it."""
        outputs = Outputs(limit, self._displays)
        if request is not None and self._thread is not None:
            with self._lock:
                self._requests[request] = outputs
        return outputs

    def settle(self) -> None:
        """Waits until text that was written is published. The kernel does the same when a cell ends."""
        for stream in self._streams:
            stream.flush()

    def rendered(self, outputs: Outputs) -> tuple[int, list[dict[str, Any]]]:
        """The version and the nbformat outputs of one execution as it stands now."""
        with self._lock:
            return outputs.version, outputs.rendered()

    def let_go(self, outputs: Outputs) -> None:
        """A newer run of the same cell has ended: what this one has shown is not held any more, nor what may still come."""
        with self._lock:
            outputs.let_go()
            self._size -= self._ended.pop(outputs, 0)
            for request in [key for key, one in self._requests.items() if one is outputs]:
                del self._requests[request]

    def _hold(self, outputs: Outputs) -> None:
        with self._lock:
            self._ended[outputs] = outputs.size
            self._size += outputs.size
            while self._size > ALL and len(self._ended) > 1:
                oldest = next(iter(self._ended))
                self._size -= self._ended.pop(oldest)
                oldest.condense()
            for name in [name for name, where in self._displays.items() if not where]:
                del self._displays[name]

    def end(self, outputs: Outputs, execution_count: int | None) -> None:
        """An execution has ended. Without a kernel: takes what IPython's own history has of it."""
        if self._thread is None and execution_count is not None:
            self._take_from_history(outputs, execution_count)
        self._hold(outputs)

    def _take_from_history(self, outputs: Outputs, execution_count: int) -> None:
        manager = self._shell.history_manager
        for output in list(getattr(manager, "outputs", {}).get(execution_count, ())):
            if output.output_type in ("out_stream", "err_stream"):
                name = "stdout" if output.output_type == "out_stream" else "stderr"
                outputs.add("stream", {"name": name, "text": "".join(output.bundle["stream"])})
            else:
                outputs.add(output.output_type, {"data": output.bundle})
        failed = getattr(manager, "exceptions", {}).get(execution_count)
        if failed is not None:
            outputs.add("error", failed)

    def _sent(self, parts: Any) -> None:
        """Reads a message on its way out. Never raises: the message has to go out whatever happens here."""
        if self._thread is None or os.getpid() != self._pid:
            return
        try:
            at = parts.index(_DELIMITER)
            kind = json.loads(parts[at + 2])["msg_type"]
            if kind not in _KINDS:
                return
            request = json.loads(parts[at + 3]).get("msg_id")
            with self._lock:
                outputs = self._requests.get(request)
                if outputs is not None:
                    outputs.published(kind, bytes(parts[at + 5]))
        except Exception:  # noqa: BLE001, S110 - an unknown form of message is none of ours
            pass
