"""The packages are listed while the session's first experiment cell runs, so that its snapshot need not wait for it.

A session without an experiment never pays for it. The thread imports nothing: a process that is forked in the middle of
an import leaves its child waiting for a lock whose holder it does not have, and it is the user's cell that may fork.
"""

from __future__ import annotations

import contextlib
import threading

from jupyter_mlgov.capture import audit

_END_S = 0.5
_thread: threading.Thread | None = None


def list_packages() -> None:
    """Starts it, once a process."""
    global _thread
    if _thread is not None:
        return
    from jupyter_mlgov.capture.packages import process_lister

    lister = process_lister()

    def work() -> None:
        with audit.unseen(), contextlib.suppress(Exception):
            lister.list()

    _thread = threading.Thread(target=work, name="mlgov-capture", daemon=True)
    _thread.start()


def end() -> None:
    """Waits for its end: the snapshot has the list, and the next cell finds the threads that it would have without us."""
    if _thread is not None:
        _thread.join(_END_S)
