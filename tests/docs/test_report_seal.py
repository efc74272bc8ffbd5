"""The program in the reference of the seal checks real reports, and finds edits, without any of our code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from jupyter_mlgov.project import Project
from jupyter_mlgov.store import Store
from tests.store.making import add_snapshot

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "report-seal.md"


def test_the_program_of_the_reference_tells_whole_files_from_edited_ones(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "check.py").write_text(program)
    made = add_snapshot(Store.create(tmp_path / ".mlgov"))
    project = Project.open(tmp_path)

    def said(path: Path) -> tuple[int, str]:
        # Isolated: not even this repository can be imported.
        words = [sys.executable, "-I", str(tmp_path / "check.py"), str(path)]
        done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
        return done.returncode, (done.stdout + done.stderr).strip()

    report = project.report("baseline", tmp_path / "r.html")
    assert said(report) == (0, f"whole: {made}")
    assert said(project.inventory(output=tmp_path / "i.html")) == (0, "whole: 1 snapshots")
    data = report.read_bytes()
    report.write_bytes(data.replace(b"gate is closed", b"gate is opened"))
    assert said(report) == (1, "the file was changed after it was issued")
    report.write_bytes(data + b" ")
    assert said(report) == (1, "no sealed report")
