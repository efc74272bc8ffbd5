"""``pip install .`` in a bare virtual environment, with no Node.js to be found, gives a working extension."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE = ("node", "nodejs", "npm", "npx", "corepack", "yarn", "jlpm")

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def path_without_node(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with the machine's programs, those of Node.js left out."""
    folder = tmp_path_factory.mktemp("programs")
    for place in ("/usr/local/bin", "/usr/bin", "/bin"):
        for program in sorted(Path(place).glob("*")):
            link = folder / program.name
            if not program.name.startswith(NODE) and not link.is_symlink():
                link.symlink_to(program)
    assert shutil.which("node", path=str(folder)) is None
    return str(folder)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, path_without_node: str) -> Path:
    """The programs' folder of a new environment, into which the sources as they stand were installed."""
    base = tmp_path_factory.mktemp("bare")
    sources = base / "sources"
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, sources / name)
    subprocess.run([sys.executable, "-m", "venv", base / "env"], check=True)
    programs = base / "env" / "bin"
    # What it needs comes by uv, in seconds; pip then finds it there, and builds and installs the sources as for anybody.
    needed = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", programs / "python"]
    done = subprocess.run([*needed, "-r", ROOT / "pyproject.toml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    install = [
        programs / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--disable-pip-version-check",
        sources,
    ]
    done = subprocess.run(
        install, env=environment(programs, path_without_node), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    shutil.rmtree(sources)
    return programs


def environment(programs: Path, path: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "JUPYTER", "VIRTUAL_ENV"))
    }
    home = programs.parent / "home"
    home.mkdir(exist_ok=True)
    return {**kept, "PATH": f"{programs}{os.pathsep}{path}", "HOME": str(home)}


def ask(programs: Path, path: str, *words: str) -> str:
    done = subprocess.run(
        [programs / words[0], *words[1:]], env=environment(programs, path), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_both_extensions_are_there_and_enabled(installed: Path, path_without_node: str) -> None:
    front = ask(installed, path_without_node, "jupyter", "labextension", "list")
    (line,) = [line for line in front.splitlines() if "jupyter-mlgov" in line]
    assert "enabled" in line and "OK" in line
    server = ask(installed, path_without_node, "jupyter", "server", "extension", "list")
    assert "jupyter_mlgov enabled" in server.replace("\x1b[32m", "").replace("\x1b[0m", "")
    (checked,) = [
        line for line in server.splitlines() if line.strip().startswith("jupyter_mlgov") and "OK" in line
    ]
    assert checked


def test_the_server_answers_and_serves_the_front_end(
    installed: Path, path_without_node: str, tmp_path: Path
) -> None:
    words = ["lab", "--no-browser", "--allow-root", "--ServerApp.port=0", "--ServerApp.port_retries=50",
             "--IdentityProvider.token=secret", f"--ServerApp.root_dir={tmp_path}"]  # fmt: skip
    log = (tmp_path / "log").open("w+")
    server = subprocess.Popen(
        [installed / "jupyter", *words], env=environment(installed, path_without_node), stderr=log, stdout=log
    )
    try:
        address = wait_for(tmp_path / "log", server)
        request = urllib.request.Request(f"{address}lab", headers={"Authorization": "token secret"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert '"jupyter-mlgov"' in answer.read().decode()
        request = urllib.request.Request(
            f"{address}mlgov/api/openapi.json", headers={"Authorization": "token secret"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200
    finally:
        server.terminate()
        server.wait(60)
        log.close()


def wait_for(log: Path, server: subprocess.Popen[bytes]) -> str:
    """The address under which the server listens."""
    until = time.monotonic() + 300
    while time.monotonic() < until and server.poll() is None:
        for line in log.read_text().splitlines():
            if "http://127.0.0.1:" in line:
                return "http://127.0.0.1:" + line.rsplit("http://127.0.0.1:", 1)[1].split("/", 1)[0] + "/"
        time.sleep(0.3)
    raise AssertionError(log.read_text())


def test_an_experiment_is_recorded_and_told(installed: Path, path_without_node: str, tmp_path: Path) -> None:
    source = "get_ipython().run_line_magic('load_ext', 'jupyter_mlgov')\nget_ipython().run_cell('%%experiment bare\\nscore = float(1)')\n"
    (tmp_path / "cell.ipy").write_text(source)
    done = subprocess.run(
        [installed / "ipython", "cell.ipy"], cwd=tmp_path, env=environment(installed, path_without_node),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [installed / "mlgov", "log", "--json"], cwd=tmp_path, env=environment(installed, path_without_node),
        capture_output=True, text=True,
    )  # fmt: skip
    assert '"bare"' in done.stdout, done.stderr
