"""The end of a run: however it comes, nothing that the run started goes on.

A run's processes are found as descendants of its kernel and, where they left it (a daemon, a session of its own),
by a mark in their environment. A watch stops a run that takes more memory than it may.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import psutil

MARK = "MLGOV_RUN"
"""The variable by which a run's processes are known."""

WATCH_S = 0.25
LISTED_S = 2.0
"""How often memory is measured, and how often the processes are listed anew: that reads all of the machine's."""


AGAIN_S = 0.05
"""After how long a signal is sent again that arrived where nothing can be raised."""


class Watch:
    """Looks after the processes of one run. ``over`` says which limit was passed, once one was."""

    _under_way: ClassVar[set[Watch]] = set()
    _closed = False

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.mark = secrets.token_hex(12)
        self.over: str | None = None
        self._stopped = False
        self._kernel: psutil.Process | None = None
        self._family: list[psutil.Process] = []
        self._listed = 0.0
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Watch:
        if Watch._closed:
            raise Interrupted
        Watch._under_way.add(self)
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()
        Watch._under_way.discard(self)
        if self._stopped:
            raise Interrupted  # what a killed run seems to have shown is no outcome

    def kernel_started(self, process: int) -> None:
        """Starts to watch the kernel with that process id; again when it was started anew."""
        import psutil

        # Held with the time of its start: a process id that was given to somebody else meanwhile is left alone.
        self._kernel = None
        with contextlib.suppress(psutil.Error):
            self._kernel = psutil.Process(process)
        self._listed = 0.0
        with contextlib.suppress(OSError):  # should memory run out all the same: this one goes first
            Path(f"/proc/{process}/oom_score_adj").write_text("900")
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="mlgov-watch", daemon=True)
            self._thread.start()
        if Watch._closed or self._stopped:
            self._stopped = True
            self.end()

    def end(self) -> None:
        """Kills everything that the run started and that still lives."""
        self._done.set()
        kill_all(self._kernel, self.mark)

    @classmethod
    def end_all(cls) -> None:
        """Ends every run of this process, each with ``Interrupted``; none can start until :meth:`reopen`."""
        cls._closed = True
        for watch in list(cls._under_way):
            watch._stopped = True
            watch.end()

    @classmethod
    def reopen(cls) -> None:
        """Runs can start again: whoever was interrupted has ended. For a process that lives on, such as a kernel."""
        cls._closed = False

    def _look(self) -> None:
        while not self._done.wait(WATCH_S):
            if self._kernel is not None and self._taken() > self.limit:
                self.over = "memory"
                kill_all(self._kernel, self.mark)
                return

    def _taken(self) -> int:
        import psutil

        total = 0
        now = time.monotonic()
        if now - self._listed > LISTED_S:
            self._family, self._listed = list(_family(self._kernel)), now
        family = self._family
        for one in family:
            with contextlib.suppress(psutil.Error):
                total += one.memory_info().rss
        if total <= self.limit or len(family) == 1:
            return total
        total = 0  # forked processes share memory: it counts once
        for one in family:
            with contextlib.suppress(psutil.Error):
                memory = one.memory_full_info()
                total += getattr(memory, "pss", memory.rss)
        return total


def kill_all(kernel: psutil.Process | None, mark: str) -> None:
    """Kills the kernel, its descendants and whoever carries ``mark``, until nobody is left."""
    import psutil

    for _ in range(10):
        found = {one.pid: one for one in (*_family(kernel), *_marked(mark))}
        living = [one for one in found.values() if _lives(one)]
        if not living:
            return
        for one in living:
            with contextlib.suppress(psutil.Error):
                one.send_signal(signal.SIGKILL)
        psutil.wait_procs(living, timeout=1.0)


def _lives(process: psutil.Process) -> bool:
    import psutil

    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _family(kernel: psutil.Process | None) -> Iterator[psutil.Process]:
    import psutil

    if kernel is None:
        return
    with contextlib.suppress(psutil.Error):
        if kernel.is_running() and kernel.pid != os.getpid():
            yield kernel
        yield from kernel.children(recursive=True)


def _marked(mark: str) -> Iterator[psutil.Process]:
    import psutil

    wanted = f"{MARK}={mark}".encode()
    if Path("/proc/self/environ").exists():
        me = os.getpid()
        for name in os.listdir("/proc"):  # noqa: PTH208
            if name.isdigit() and int(name) != me:
                with contextlib.suppress(OSError, psutil.Error):
                    if wanted in Path(f"/proc/{name}/environ").read_bytes():
                        yield psutil.Process(int(name))
        return
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                yield process


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the runs of this process and it with them, as Ctrl-C does. Main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: object) -> None:
        raise Terminated(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers}
    told = sys.unraisablehook
    sys.unraisablehook = _once_more(told)
    try:
        yield
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | Terminated):
            for number in (signal.SIGINT, *numbers):
                signal.signal(number, signal.SIG_IGN)
            Watch.end_all()
        raise
    finally:
        sys.unraisablehook = told
        for number, handler in before.items():
            signal.signal(number, handler)


def _once_more(
    told: Callable[[sys.UnraisableHookArgs], object],
) -> Callable[[sys.UnraisableHookArgs], None]:
    """A signal may arrive where Python can raise nothing (in a destructor, a C library's callback), prints a traceback and
    goes on: then it is sent again, a little later, and nothing is printed."""

    def hook(what: sys.UnraisableHookArgs) -> None:
        lost = what.exc_value
        if not isinstance(lost, Terminated | KeyboardInterrupt):
            told(what)
            return
        number = lost.number if isinstance(lost, Terminated) else signal.SIGINT
        again = threading.Timer(AGAIN_S, os.kill, (os.getpid(), number))
        again.daemon = True
        again.start()

    return hook


class Interrupted(BaseException):
    """Somebody ended the run. Nothing is to be made of it: no verdict, no entry."""


class Terminated(BaseException):
    """The process was told to end by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by signal {number}")
        self.number = number
