"""papermill's own tests with the engine ``mlgov`` in place of its default: ``make test-papermill``.

The tests come from the source distribution of the papermill that is installed. Those of cloud storage are left out:
they execute nothing, and want clients that nobody needs here. Run as a plugin of pytest (``-p tests.papermill_suite``),
this module puts the engine in place.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

STORAGE = ("test_abs.py", "test_adl.py", "test_gcs.py", "test_hdfs.py", "test_s3.py", "test_iorw.py")
ROOT = Path(__file__).parent.parent


def pytest_configure(config: Any) -> None:
    """Everything that asks for papermill's default engine gets this one."""
    from papermill.engines import papermill_engines

    from jupyter_mlgov.rerun.engine import MlgovEngine

    for name in (None, "nbclient"):
        papermill_engines.register(name, MlgovEngine)


def pytest_unconfigure(config: Any) -> None:
    from papermill.engines import papermill_engines

    from jupyter_mlgov.rerun.engine import MlgovEngine

    assert papermill_engines.get_engine(None) is MlgovEngine, "the tests ran with another engine"


def unpacked(folder: Path) -> Path:
    """The source distribution of the installed version, unpacked in ``folder``."""
    version = importlib.metadata.version("papermill")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "papermill",
         "-d", str(folder), f"papermill=={version}"],
        check=True,
    )  # fmt: skip
    (archive,) = folder.glob("papermill-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def main() -> int:
    with tempfile.TemporaryDirectory() as temporary:
        source = unpacked(Path(temporary))
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "tests.papermill_suite", "-p", "no:cacheprovider",
             *(f"--ignore=papermill/tests/{name}" for name in STORAGE), *sys.argv[1:], "papermill/tests"],
            cwd=source, env={**os.environ, "PYTHONPATH": path}, check=False,
        )  # fmt: skip
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
