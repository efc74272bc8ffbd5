"""The Jupyter Server extension: REST under ``/mlgov/api/`` for the sidebar and for scripts.

A door: handlers parse, call ``Project``, and show. Nothing here answers without authentication, nothing
blocks the event loop, and no path or name from a client reaches the disk unchecked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Adds the routes to a running server."""
    server.log.info("jupyter-mlgov is loaded")
