"""papermill's own tests with the engine ``mlgov`` in place of its default: ``make test-papermill``.

The tests come from the source distribution of the papermill that is installed. Those of cloud storage are left out:
they execute nothing, and want clients that nobody needs here. What fails is tried again with papermill's own engine: a
test that fails there as well says something about the versions that are installed, not about this engine. Run as a
plugin of pytest (``-p tests.papermill_suite``), this module puts the engine in place.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.sdists import fetch_sdist

STORAGE = ("test_abs.py", "test_adl.py", "test_gcs.py", "test_hdfs.py", "test_s3.py", "test_iorw.py")
ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "reference" / "papermill-suite.md"


def pytest_configure(config: Any) -> None:
    """Everything that asks for papermill's default engine gets this one."""
    from unittest.mock import Mock

    from papermill import engines

    from jupyter_mlgov.rerun import engine

    for name in (None, "nbclient"):
        engines.papermill_engines.register(name, engine.MlgovEngine)
    own = engine.RecordingClient

    def client(nb_man: Any, *, recording: Any, **options: Any) -> Any:
        """Where a test puts a mock in place of papermill's client, it sees what this engine's client is told."""
        replaced = engines.PapermillNotebookClient
        return (
            replaced(nb_man, **options)
            if isinstance(replaced, Mock)
            else own(nb_man, recording=recording, **options)
        )

    engine.RecordingClient = client  # type: ignore[assignment, misc]


def pytest_unconfigure(config: Any) -> None:
    from papermill.engines import papermill_engines

    from jupyter_mlgov.rerun.engine import MlgovEngine

    assert papermill_engines.get_engine(None) is MlgovEngine, "the tests ran with another engine"


def unpacked(folder: Path) -> Path:
    """The source distribution of the installed version, unpacked in ``folder``."""
    archive = fetch_sdist("papermill", importlib.metadata.version("papermill"))
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def run(source: Path, what: Sequence[str], *, plugin: bool = True) -> dict[str, bool]:
    """Runs tests of the unpacked ``source``: whether each passed, by its name."""
    report = source / "report.xml"
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(["-p", "tests.papermill_suite"] if plugin else []),
         "-p", "no:cacheprovider", f"--junitxml={report}", *what],
        cwd=source, env={**os.environ, "PYTHONPATH": path}, check=False,
    )  # fmt: skip
    cases = ElementTree.parse(report).iter("testcase")
    return {_name(case): case.find("failure") is None and case.find("error") is None for case in cases}


def _name(case: ElementTree.Element) -> str:
    """A test's name as pytest takes it."""
    parts = case.get("classname", "").split(".")
    module = next(i for i, part in enumerate(parts) if part.startswith("test_")) + 1
    return "::".join(["/".join(parts[:module]) + ".py", *parts[module:], case.get("name", "")])


def page(passed: int, failed: Sequence[str], both: Sequence[str]) -> str:
    """The page of the documentation."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("papermill", "nbclient", "ipython", "ipykernel")
    )
    lines = [f"- {passed} tests pass."]
    lines += [f"- {name} fails." for name in failed]
    lines += [f"- `{name}` fails with papermill's own engine in the same way." for name in both]
    return (
        "# papermill's own tests with this engine\n\nWritten by `make test-papermill`: the tests in papermill's source "
        "distribution, with the engine `mlgov` registered as papermill's default, so that they execute their notebooks in "
        f"kernels that record. Python {platform.python_version()}, {versions}. The tests of cloud storage "
        f"({', '.join(STORAGE)}) are left out: they execute no notebook.\n\n" + "\n".join(lines) + "\n"
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="papermill's own tests with the engine mlgov as its default")
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    options, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as temporary:
        source = unpacked(Path(temporary))
        ignored = [f"--ignore=papermill/tests/{name}" for name in STORAGE]
        found = run(source, [*ignored, *words, "papermill/tests"])
        failed = [name for name, passed in found.items() if not passed]
        own = run(source, failed, plugin=False) if failed else {}
    both = [name for name in failed if not own.get(name, True)]
    ours = [name for name in failed if name not in both]
    said = page(sum(found.values()), ours, both)
    if options.write:
        DOCUMENT.write_text(said, encoding="utf-8")
    print(said)
    return 1 if ours or not found else 0


if __name__ == "__main__":
    sys.exit(main())
