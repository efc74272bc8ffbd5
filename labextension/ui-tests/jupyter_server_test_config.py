"""The server that the browser tests drive: no token, a folder of its own, and Galata's helpers."""

import getpass
import os
from pathlib import Path
from tempfile import mkdtemp

from jupyterlab.galata import configure_jupyter_server

configure_jupyter_server(c)  # noqa: F821
c.JupyterNotebookApp.expose_app_in_browser = True  # noqa: F821
c.ServerApp.root_dir = mkdtemp(prefix="mlgov-ui-")  # noqa: F821
c.SQLiteYStore.db_path = os.path.join(c.ServerApp.root_dir, ".ystore.db")  # noqa: F821
c.ServerApp.allow_root = getpass.getuser() == "root"  # noqa: F821
c.ServerApp.port_retries = 0  # noqa: F821
# Nothing here signs as whoever runs the tests.
os.environ["MLGOV_KEYS"] = mkdtemp(prefix="mlgov-ui-keys-")
# Names in pictures and tests are not those of this machine.
Path(os.environ["MLGOV_KEYS"], "gitconfig").write_text(
    "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n"
)
os.environ["GIT_CONFIG_GLOBAL"] = os.path.join(os.environ["MLGOV_KEYS"], "gitconfig")
# Galata's helpers look at the folder; the tests write notebooks into it through the contents API.
Path(c.ServerApp.root_dir, ".mlgov-ui-tests").touch()  # noqa: F821
