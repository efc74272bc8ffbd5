"""Running the service: the orders are checked before anything listens, then uvicorn runs one worker or several."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from jupyter_mlgov.errors import Blocked, UsageError
from jupyter_mlgov.operate.access import check_reach, read_keys
from jupyter_mlgov.rerun.ending import Terminated

GRACE_S = 30
"""Seconds that requests have to end when the service is stopped."""


def serve(
    root: Path,
    store: Path,
    ref: str | None,
    *,
    host: str,
    port: int,
    workers: int,
    trust: tuple[str, ...] = (),
    keys: Path | None = None,
    open_to_all: bool = False,
    told: Callable[[str], None],
) -> None:
    """Serves until it is stopped. ``told`` gets one line when the model was loaded and the address is known.

    Raises ``Blocked`` where the extra ``serve`` is not installed, and whatever loading the model raises.
    """
    try:
        import uvicorn

        from jupyter_mlgov.operate.service import ORDERS, Orders
    except ImportError as error:
        raise Blocked(f"{error.name} is not installed: run pip install 'jupyter-mlgov[serve]'") from error
    if threading.current_thread() is not threading.main_thread():
        raise UsageError("a service goes on until it is stopped: run mlgov serve in a terminal")
    check_reach(host, read_keys(keys), open_to_all=open_to_all)
    orders = Orders(
        root=str(root),
        store=str(store),
        ref=ref,
        trust=trust,
        keys=str(keys) if keys else None,
        parent=os.getpid() if workers > 1 else None,
    )
    served = orders.source().load()  # what cannot be served is told here, in one line
    logging.getLogger("jupyter_mlgov.operate").addHandler(logging.StreamHandler())
    os.environ[ORDERS] = msgspec.json.encode(orders).decode()
    with contextlib.ExitStack() as stack:
        if workers > 1:
            shared = stack.enter_context(tempfile.TemporaryDirectory(prefix="mlgov-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
        config = uvicorn.Config(
            "jupyter_mlgov.operate.service:make_app",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_S,
            timeout_worker_healthcheck=GRACE_S,
            server_header=False,
        )
        try:
            listening = config.bind_socket()
        except SystemExit as error:
            raise UsageError(
                f"port {port} of {host} cannot be listened on: choose another with --port"
            ) from error
        stack.callback(listening.close)
        listening.listen(
            config.backlog
        )  # whoever asks from now on waits for the first worker instead of being refused
        at = f"http://{host}:{listening.getsockname()[1]}"
        told(f"{served.release.name} on {at} ({workers} worker{'s' if workers > 1 else ''})")
        del served
        with contextlib.suppress(KeyboardInterrupt, Terminated):  # it was asked to end, and has
            if workers > 1:
                from uvicorn.supervisors import Multiprocess

                Multiprocess(config, sockets=[listening]).run()
            else:
                uvicorn.Server(config).run(sockets=[listening])
