"""The server that the browser tests drive: no token, a folder of its own, and Galata's helpers."""

import getpass
from pathlib import Path
from tempfile import mkdtemp

from jupyterlab.galata import configure_jupyter_server

configure_jupyter_server(c)  # noqa: F821
c.ServerApp.root_dir = mkdtemp(prefix="mlgov-ui-")  # noqa: F821
c.ServerApp.allow_root = getpass.getuser() == "root"  # noqa: F821
c.ServerApp.port_retries = 0  # noqa: F821
# Galata's helpers look at the folder; the tests write notebooks into it through the contents API.
Path(c.ServerApp.root_dir, ".mlgov-ui-tests").touch()  # noqa: F821
