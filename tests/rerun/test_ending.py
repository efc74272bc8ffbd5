"""Signals that end the command line, wherever in its work they find it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.kernel import ROOT

IN_A_DESTRUCTOR = """
import gc, os, signal, sys, time
from jupyter_mlgov.cli import command

class Library:
    def __del__(self):
        os.kill(os.getpid(), {number})
        for _ in range(1000):
            pass

def busy(*words, **options):
    one = Library()
    del one
    time.sleep(30)
    raise SystemExit("it went on")

command.call = busy
sys.exit(command.run(["log"]))
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_that_arrives_where_nothing_can_be_raised_still_ends_it_without_a_traceback(
    number: int, status: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_DESTRUCTOR.format(number=int(number))],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=25,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("mlgov: ")
