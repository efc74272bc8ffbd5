"""The CI files of ``docs/how-to/ci.md`` are run as they stand: their commands, in a real project."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from tests.cli.test_main_job import make_project
from tests.kernel import ROOT

PAGE = ROOT / "docs" / "how-to" / "ci.md"
CELLS = [
    "import prep",
    "%%experiment mortgage-approval\nC = 0.5\nimport pandas as pd\nrows = prep.clean(pd.DataFrame({'income': [1, 2, 3]}))\nscore = len(rows) * 1.5\nprint(score)",
]


def files() -> list[dict[str, object]]:
    text = PAGE.read_text(encoding="utf-8")
    return [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]


def commands_of_github() -> tuple[list[str], list[str]]:
    """Those that decide, and those that always run."""
    (workflow,) = [file for file in files() if "jobs" in file]
    steps = workflow["jobs"]["verify"]["steps"]  # type: ignore[index, call-overload]
    runs = [step for step in steps if "run" in step]
    return [s["run"] for s in runs if "if" not in s], [s["run"] for s in runs if s.get("if") == "always()"]


def commands_of_gitlab() -> tuple[list[str], list[str]]:
    (pipeline,) = [file for file in files() if "verify" in file]
    job = pipeline["verify"]
    return job["script"], job["after_script"]  # type: ignore[index, call-overload, return-value]


def run(folder: Path, commands: tuple[list[str], list[str]], **variables: str) -> tuple[int, str]:
    """As a runner does it: the first bad status ends the job, what always runs runs. Installing is passed over: the
    package under test is installed."""
    bin_ = folder.parent / "bin"
    bin_.mkdir(exist_ok=True)
    (bin_ / "pip").write_text("#!/bin/sh\nexit 0\n")
    (bin_ / "mlgov").write_text(f'#!/bin/sh\nexec {sys.executable} -m jupyter_mlgov.cli "$@"\n')
    for name in ("pip", "mlgov"):
        (bin_ / name).chmod(0o755)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "PATH": os.pathsep.join([str(bin_), os.environ["PATH"]]),
        **variables,
    }
    status, said = 0, ""
    for number, command in enumerate(commands[0]):
        if "GITHUB_ACTIONS" in variables:  # each step has a summary of its own
            environment["GITHUB_STEP_SUMMARY"] = str(
                folder / ("summary.md" if "verify" in command else f"{number}.md")
            )
        if status == 0:
            done = subprocess.run(
                ["sh", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True
            )
            status, said = done.returncode, said + done.stdout + done.stderr
    for command in commands[1]:
        subprocess.run(["sh", "-ec", command], cwd=folder, env=environment, capture_output=True, check=True)
    return status, said


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_a_ci_job_passes_for_what_reproduces_and_fails_with_the_cause(service: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    make_project(folder, CELLS)
    commands = commands_of_github() if service == "github" else commands_of_gitlab()
    summary = folder / "summary.md"
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)} if service == "github" else {}
    status, said = run(folder, commands, **variables)
    assert status == 0, said
    assert (folder / "report.html").stat().st_size > 1000
    suite = ET.parse(folder / "verdicts.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")
    assert "1 of 1 reproduce" in summary.read_text()
    assert "::error" not in said

    (folder / "prep.py").write_text("def clean(frame):\n    return frame[1:]\n")
    status, said = run(folder, commands, **variables)
    assert status == 1
    assert "code.module" in summary.read_text()
    assert ("::error file=n.ipynb,title=mortgage-approval@1 diverged" in said) == (service == "github")
