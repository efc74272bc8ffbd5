"""Writes a project with a released model at work: ``life_project.py FOLDER``, for the browser tests.

``credit:production`` was released twice; its monitor ran twice, the second time over rows that moved; new rows to
retrain on lie in ``new.csv``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.monitor.making import add_outcomes, applications, serve
from tests.monitor.retraining import trained_project

folder = Path(sys.argv[1])
project = trained_project(folder)
assert project.release("credit", "credit", "staging", message="<b>first</b> look").release is not None
assert project.release("credit", "credit", "production", message="once more").release is not None
calm, moved = applications(1, 300), applications(2, 500, income=8.0)
add_outcomes(project, serve(project, calm), calm, folder)
project.monitor("credit:production")
add_outcomes(project, serve(project, moved, start=300), moved, folder)
project.monitor("credit:production", since="2026-11-26T09:05")
applications(3, 300, income=8.0).to_csv(folder / "new.csv", index=False)
print("made")
