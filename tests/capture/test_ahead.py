"""The packages are listed beside the cell, once, and a fork meanwhile is safe."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, sys, threading
import platformdirs  # as every kernel has
from jupyter_mlgov.capture import ahead
from jupyter_mlgov.capture.packages import process_lister
loaded = set(sys.modules)
ahead.list_packages()
ahead.list_packages()
workers = [thread for thread in threading.enumerate() if thread.name == "mlgov-capture"]
assert len(workers) <= 1
children = [os.fork() for _ in range(1)]
if children[0] == 0:
    import sqlite3, decimal, xml.dom
    os._exit(0)
assert os.waitpid(children[0], 0)[1] == 0
for worker in workers:
    worker.join()
assert set(sys.modules) - loaded <= {"sqlite3", "decimal", "xml.dom"}, set(sys.modules) - loaded
listed = process_lister()._listed
assert "pandas" in listed
assert process_lister().list() is listed
"""


def test_it_is_done_once_imports_nothing_and_does_not_mind_a_fork() -> None:
    subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT], check=True, timeout=120
    )
