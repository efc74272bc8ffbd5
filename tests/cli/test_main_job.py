"""The command line on a real project: record, list, show, rerun, gate, report, and what bad input gets."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import notebook_json
from tests.kernel import ROOT

CELLS = [
    "%load_ext jupyter_mlgov",
    "import pandas as pd\nimport prep\ndf = prep.clean(pd.read_csv('data/loans.csv'))",
    "%%charter\ntitle: Loans\nkpis: [accuracy >= 0.5]",
    "%%experiment base --model model\nfrom sklearn.linear_model import LogisticRegression\nC = 0.5\n"
    "model = LogisticRegression(C=C).fit(df[['income']], df['good'])\naccuracy = model.score(df[['income']], df['good'])\n"
    "print(object())\naccuracy",
    "%%risk thin\nsituation: few rows\nseverity: high\nlikelihood: low\ncheck: len(df) >= 10",
]
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "COLUMNS": "120",
}


def mlgov(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jupyter_mlgov.cli", *words],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip


def document(folder: Path, *words: str, status: int = 0):  # type: ignore[no-untyped-def]
    done = mlgov(folder, *words, "--json")
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def papermill(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "papermill", "--no-progress-bar", *words],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300,
    )  # fmt: skip


def make_project(folder: Path, cells: list[str] = CELLS) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    rows = "".join(f"{i},{int(i > 20)}\n" for i in range(40))
    (folder / "data" / "loans.csv").write_text("income,good\n" + rows)
    (folder / "prep.py").write_text("def clean(frame):\n    return frame[frame['income'] >= 0]\n")
    (folder / "n.ipynb").write_text(json.dumps(notebook_json(list(cells))))
    done = papermill(folder, "--engine", "mlgov", "n.ipynb", "out.ipynb")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one snapshot that was rerun once. Tests that change files use one of their own."""
    folder = make_project(tmp_path_factory.mktemp("recorded"))
    assert document(folder, "rerun", "base")["verdict"] == "reproduced"
    return folder


def test_the_engine_records_exactly_one_snapshot_for_each_experiment(recorded: Path) -> None:
    (entry,) = document(recorded, "log")
    assert (entry["experiment"], entry["number"], entry["notebook"], entry["status"]) == (
        "base",
        1,
        "n.ipynb",
        "ok",
    )
    every = document(recorded, "log", "--all")
    assert [one["number"] for one in every] == [None, 1]


def test_show_has_every_field_that_is_promised(recorded: Path) -> None:
    shown = document(recorded, "show", "base")
    promised = """id experiment number created_at parent status message notebook parameters metrics inputs frames models
        code environment charter kpis risks warnings"""
    assert set(promised.split()) <= set(shown)
    assert shown["charter"]["title"] == "Loans"
    assert shown["risks"][0]["check"]["passed"] is True
    assert [module["path"] for module in shown["code"]["modules"]] == ["prep.py"]
    assert document(recorded, "show", shown["id"][:8]) == shown
    assert document(recorded, "show", "base@1") == document(recorded, "show", "n.ipynb") == shown


def test_a_rerun_of_the_same_thing_has_no_findings_and_the_gate_opens(recorded: Path) -> None:
    shown = document(recorded, "show", "base")
    assert shown["reruns"][-1]["verdict"] == "reproduced"
    assert shown["reruns"][-1]["findings"] == []
    decision = document(recorded, "gate", "base")
    assert decision["open"] is True
    assert {rule["passed"] for rule in decision["rules"]} == {True}


def test_a_snapshot_is_no_different_from_itself(recorded: Path) -> None:
    assert document(recorded, "diff", "base", "base@1")["verdict"] == "reproduced"


def test_the_report_is_one_file_without_scripts(recorded: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    assert mlgov(recorded, "report", "base", "-o", str(target)).returncode == 0
    page = html.unescape(target.read_text())
    assert "Loans" in page
    assert "<script" not in page.lower()
    assert "default-src 'none'" in page


def test_fsck_is_content_and_reindex_gives_the_same_listing(recorded: Path) -> None:
    before = document(recorded, "log", "--all")
    assert document(recorded, "fsck") == {"ok": True, "problems": []}
    document(recorded, "reindex")
    (recorded / ".mlgov" / "index.sqlite").unlink()
    assert document(recorded, "log", "--all") == before


def test_the_recorded_notebook_is_an_input_of_papermill(recorded: Path, tmp_path: Path) -> None:
    done = papermill(recorded, "--prepare-only", "mlgov://base@1", str(tmp_path / "out.ipynb"))
    assert done.returncode == 0, done.stderr
    cells = json.loads((tmp_path / "out.ipynb").read_text())["cells"]
    assert ["".join(cell["source"]) for cell in cells] == CELLS


CHANGES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a value": (lambda f: edit(f / "data/loans.csv", "30,1", "30,0"), "data.values", "data/loans.csv"),
    "a row gone": (lambda f: edit(f / "data/loans.csv", "30,1\n", ""), "data.rows", "data/loans.csv"),
    "a column more": (lambda f: widen(f / "data/loans.csv"), "data.schema", "data/loans.csv"),
    "a cell": (lambda f: edit(f / "n.ipynb", "C = 0.5", "C = 0.0001"), "code.cell", "n.ipynb"),
    "a module": (lambda f: edit(f / "prep.py", ">= 0", ">= 5"), "code.module", "prep.py"),
}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def widen(path: Path) -> None:
    head, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head + ",extra", *(row + ",1" for row in rows)]) + "\n")


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_named(change: str, tmp_path: Path) -> None:
    apply, cause, subject = CHANGES[change]
    folder = make_project(tmp_path)
    apply(folder)
    comparison = document(folder, "rerun", "base", status=1)
    assert comparison["verdict"] == "diverged"
    (finding,) = comparison["findings"]
    assert (finding["cause"], finding["subject"]) == (cause, subject)
    assert document(folder, "gate", "base", status=1)["open"] is False


def test_a_comment_is_no_difference_and_a_missing_file_blocks(tmp_path: Path) -> None:
    folder = make_project(tmp_path)
    edit(folder / "n.ipynb", "C = 0.5", "# a remark\\nC   =   0.5")
    assert document(folder, "rerun", "base")["verdict"] == "reproduced"
    (folder / "data" / "loans.csv").unlink()
    comparison = document(folder, "rerun", "base", status=3)
    assert comparison["verdict"] == "blocked"
    assert [(f["cause"], f["subject"]) for f in comparison["findings"]] == [
        ("data.missing", "data/loans.csv")
    ]
    assert document(folder, "rerun", "base", "--as-recorded")["verdict"] == "reproduced"


def test_numbers_without_a_seed_are_found_before_anything_is_blamed(tmp_path: Path) -> None:
    cells = ["%load_ext jupyter_mlgov", "import numpy as np\nnoise = np.random.normal(size=10)",
             "%%experiment base\nmean = float(noise.mean())\nmean"]  # fmt: skip
    folder = make_project(tmp_path, cells)
    comparison = document(folder, "rerun", "base", status=1)
    (finding,) = comparison["findings"]
    assert finding["cause"] == "randomness.unseeded"
    assert finding["confirmed"] is True
    assert (finding["cell"], finding["variable"]) == (1, "noise")


def test_verify_tells_ci_and_writes_junit(tmp_path: Path) -> None:
    import xml.etree.ElementTree as ET

    folder = make_project(tmp_path)
    edit(folder / "data/loans.csv", "30,1", "30,0")
    (comparison,) = document(folder, "verify", "--all", "--junit", "verdicts.xml", status=1)
    assert comparison["verdict"] == "diverged"
    suite = ET.parse(folder / "verdicts.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")


def test_a_notebook_without_an_experiment_is_recorded_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "plain.ipynb").write_text(json.dumps(notebook_json(["x = 3\ny = x * 2", "print(y)"])))
    assert papermill(tmp_path, "--engine", "mlgov", "plain.ipynb", "out.ipynb").returncode == 0
    (entry,) = document(tmp_path, "log")
    assert (entry["experiment"], entry["metrics"]) == ("plain", {"y": 6})


BAD = {
    "no project": ((), ["log"], "no project"),
    "unknown verb": (("store",), ["lgo"], "log"),
    "unknown option": (("store",), ["log", "--limt", "3"], "--limit"),
    "unknown name": (("store",), ["show", "nothing"], "nothing"),
    "no number": (("store",), ["show", "base@7"], "7"),
    "short id": (("store",), ["show", "0a1"], "0a1"),
    "no notebook": (("store",), ["show", "text.ipynb"], "not a notebook"),
    "verify what": (("store",), ["verify"], "--all"),
    "report nowhere": (("store",), ["report", "base", "-o", "no/such/folder/x.html"], "cannot be written"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_on_stderr_and_status_2(case: str, recorded: Path, tmp_path: Path) -> None:
    where, words, said = BAD[case]
    folder = recorded if where else tmp_path
    if "text.ipynb" in words:
        (recorded / "text.ipynb").write_text("hello")
    done = mlgov(folder, *words)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert said in lines[0]


@pytest.mark.parametrize("content", ["", '{"cells": [', "[]"])
def test_a_notebook_that_was_cut_off_is_said_so_and_nothing_is_written(content: str, tmp_path: Path) -> None:
    folder = make_project(tmp_path)
    (folder / "n.ipynb").write_text(content)
    before = document(folder, "log", "--all")
    done = mlgov(folder, "rerun", "base")
    assert done.returncode == 2
    assert len([line for line in done.stderr.splitlines() if line.startswith("mlgov:")]) == 1
    assert "n.ipynb" in done.stderr
    assert document(folder, "log", "--all") == before


def test_a_corrupted_object_is_named_with_the_snapshots_it_touches(tmp_path: Path) -> None:
    folder = make_project(tmp_path)
    shown = document(folder, "show", "base")
    digest = shown["inputs"][0]["digest"].removeprefix("blake3:")
    path = folder / ".mlgov" / "objects" / digest[:2] / digest[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-3] + b"xyz")
    found = document(folder, "fsck", status=1)
    assert found["ok"] is False
    assert any(
        digest in problem["subject"] and shown["id"] in problem["snapshots"] for problem in found["problems"]
    )
