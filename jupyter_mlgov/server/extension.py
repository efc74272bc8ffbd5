"""The extension as Jupyter Server sees it: its settings, its routes, what it starts and what it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Int

from jupyter_mlgov.server.jobs import Jobs
from jupyter_mlgov.server.routes import CATCH_ALL, ROUTES


class MlgovExtension(ExtensionApp):  # type: ignore[misc]
    """Serves ``/mlgov/api/``. Reruns that are unfinished end with the server."""

    name = "jupyter_mlgov"
    load_other_extensions = True

    reruns_at_once = Int(1, min=1, config=True, help="How many reruns run at the same time; the others wait.")

    jobs: Jobs
    threads: ThreadPoolExecutor

    def initialize_handlers(self) -> None:
        """Tells Jupyter Server the routes."""
        self.jobs = Jobs(at_once=self.reruns_at_once)
        self.threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="mlgov")
        options: dict[str, Any] = {"extension": self}
        self.handlers.extend((route.pattern, route.handler, options) for route in ROUTES)
        self.handlers.append((*CATCH_ALL, options))

    def current_activity(self) -> dict[str, Any] | None:
        """What keeps an idle server from being shut down: unfinished reruns."""
        running = [job.id for job in self.jobs.all() if not job.finished]
        return {"reruns": running} if running else None

    async def stop_extension(self) -> None:
        """Ends unfinished reruns and the worker threads."""
        await self.jobs.close()
        self.threads.shutdown(wait=False, cancel_futures=True)
