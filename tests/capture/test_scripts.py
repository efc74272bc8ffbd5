"""Code that a notebook runs without importing it is code of the record: scripts, other notebooks, what they import."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from jupyter_mlgov.project import Project
from tests.conftest import notebook_json
from tests.kernel import Kernel

RUNS = {
    "%run": ("%run prep.py", {"prep.py"}),
    "%run of another notebook": ("%run other.ipynb", {"other.ipynb"}),
    "exec": ("exec(open('prep.py').read())", {"prep.py"}),
    "runpy": ("import runpy\nrunpy.run_path('prep.py')", {"prep.py"}),
    "! line": ("!python tools/tool.py", {"tools/tool.py", "tools/helper.py"}),
    "module of a package": ("!python -m pack.main", {"pack/__init__.py", "pack/main.py"}),
    "subprocess": (
        "import subprocess, sys\nsubprocess.run([sys.executable, 'tool.py'], cwd='tools', check=True)",
        {"tools/tool.py", "tools/helper.py"},
    ),
    "shell script": ("!bash go.sh", {"go.sh", "prep.py"}),
    "%%bash": ("%%bash\npython prep.py", {"prep.py"}),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "prep.py": "made = 1\n",
        "tools/tool.py": "import helper\n",
        "tools/helper.py": "x = 2\n",
        "pack/__init__.py": "",
        "pack/main.py": "print('main')\n",
        "go.sh": "python prep.py\n",
        "other.ipynb": json.dumps(notebook_json(["made = 2"])),
        "aside.py": "never = 'run'\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_what_is_run_is_a_module_of_the_record_with_its_text_and_no_input(project: Path) -> None:
    # Shell lines start the Python that the kernel runs in, as in an activated environment.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    kernel = Kernel(project, env={"PATH": path})
    try:
        kernel.must("%load_ext jupyter_mlgov")
        seen: set[str] = set()
        for name, (code, wanted) in RUNS.items():
            kernel.must(code)
            kernel.must("%%experiment scripts\nn = 1")
            opened = Project.open(project)
            document = opened.show("scripts")
            modules = {one["path"]: one["digest"] for one in document["code"]["modules"]}
            seen |= wanted
            assert set(modules) == seen, name
            assert document["inputs"] == [], name
        for path, digest in modules.items():
            assert opened.store.get(digest) == (project / path).read_bytes()
    finally:
        kernel.stop()


CLOSING = """
import os
child = os.fork()
if child == 0:
    os.closerange(3, 4096)
    own = [os.open(f"own-{place}.txt", os.O_RDWR | os.O_CREAT) for place in range(60)]
    with open("read-by-child.csv") as file:
        file.read()
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_child_that_closes_every_descriptor_is_heard_and_its_own_files_are_not_written_to(
    tmp_path: Path,
) -> None:
    (tmp_path / "read-by-child.csv").write_text("a\n1\n")
    kernel = Kernel(tmp_path)
    try:
        kernel.must("%load_ext jupyter_mlgov")
        kernel.must(CLOSING)
        kernel.must("%%experiment closing\nn = 1")
        assert all(path.read_bytes() == b"" for path in tmp_path.glob("own-*.txt"))
        (item,) = Project.open(tmp_path).show("closing")["inputs"]
        assert (item["uri"], item["evidence"]) == ("read-by-child.csv", "proven")
    finally:
        kernel.stop()
