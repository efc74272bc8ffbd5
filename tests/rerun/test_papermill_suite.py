"""A slice of papermill's own tests with this engine as papermill's default; all of them are ``make test-papermill``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import papermill
import pytest

from tests.kernel import ROOT

SLICE = ("TestBrokenNotebook1", "test_sys_exit1", "TestMinimalNotebook", "test_default_start_timeout")


def test_papermills_tests_of_execution_pass_with_this_engine(tmp_path: Path) -> None:
    tests = Path(papermill.__file__).parent / "tests"
    if not (tests / "notebooks").is_dir():
        pytest.skip("this papermill was installed without its tests")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.papermill_suite", "-p", "no:cacheprovider", "-c", os.devnull,
         "--rootdir", str(tmp_path), "--pyargs", "papermill.tests.test_execute", "-k", " or ".join(SLICE)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
