"""A release retrained by a real rerun of its notebook: what comes of it, what is refused, and what a kill leaves behind."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.errors import Blocked, MlgovError, NotFound, UsageError
from jupyter_mlgov.monitor.new_rows import used_rows
from jupyter_mlgov.monitor.table_files import unpacked
from jupyter_mlgov.project import Project
from tests.kernel import ROOT
from tests.monitor.making import add_outcomes, applications, serve
from tests.monitor.retraining import CELLS, trained_project
from tests.operate.making import add_model
from tests.operate.test_releases import mlgov

QUICK = '[assess]\ntests = ["performance"]\n'


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_project(tmp_path_factory.mktemp("trained") / "credit").root


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Project:
    folder = tmp_path / "credit"
    shutil.copytree(trained, folder)
    (folder / "mlgov.toml").write_text(QUICK)
    return Project.open(folder)


def predicted(project: Project, rows: pd.DataFrame, *, start: int = 0, outcomes: bool = True) -> list[str]:
    ids = serve(project, rows, start=start)
    if outcomes:
        add_outcomes(project, ids, rows, project.root.parent)
    return ids


def settings(project: Project, text: str) -> None:
    (project.root / "mlgov.toml").write_text(QUICK + text)


def test_what_was_learnt_since_goes_to_the_stage_through_the_gate(project: Project) -> None:
    settings(project, '[retrain]\nrelease = "when open"\n')
    predicted(project, applications(7, 600, rule="turned"))
    before = project.released("credit:production")
    recorded = project.store.manifest(before.snapshot)
    made = project.retrain("credit:production")
    assert (made.outcome, made.reference, made.rows_before, made.rows_new) == (
        "released",
        "credit@2",
        600,
        600,
    )
    contest = made.contest
    assert contest is not None and contest.gain is not None
    assert (contest.verdict, contest.metric) == ("better", "accuracy")
    assert 200 < contest.rows < 400
    assert isinstance(contest.gain.low, float) and contest.gain.low > 0
    assert made.rerun == "reproduced"

    now = project.released("credit:production")
    assert (now.number, now.previous, now.snapshot, now.message) == (
        2,
        1,
        made.snapshot,
        "retrained from credit:production@1",
    )
    manifest = project.store.manifest(now.snapshot)
    assert (manifest.kind, manifest.parent, manifest.baseline) == ("snapshot", before.snapshot, None)
    assert [entry.number for entry in project.log()] == [2, 1]
    (data,) = [item for item in manifest.inputs if item.uri == "data/loans.csv"]
    old = project.store.get(str(recorded.inputs[0].digest))
    assert project.store.get(str(data.digest)).startswith(old)
    assert (data.kept, data.rows) == (True, 1200)
    told = manifest.retrained
    assert told is not None
    assert (told.number, told.uri, told.before, told.source, told.mode) == (
        1,
        "data/loans.csv",
        recorded.inputs[0].digest,
        "predictions",
        "added",
    )
    kept = pq.read_table(io.BytesIO(project.store.get(told.rows)))
    assert kept.column("mlgov.request_id").to_pylist()[:2] == ["r0000000", "r0000001"]
    assert [risk["check"]["passed"] for risk in project.show("credit@2")["risks"]] == [True]
    (entry,) = project.store.entries(kind="retrain")
    assert (entry.subject, entry.body["outcome"]) == (now.snapshot, "ready")
    assert project.fsck() == []
    assert project.reindex() and project.fsck() == []

    # Its data are in no checkout: a rerun today takes them from the store, and the file of the checkout stays what it was.
    assert project.rerun("credit@2").verdict == "reproduced"
    assert (project.root / "data" / "loans.csv").read_bytes() == old
    (one,) = project.verify(["credit@2"])
    assert one[1].proven_at is not None
    with pytest.raises(UsageError, match="0 new rows"):
        project.retrain("credit:production")
    said = mlgov(project.root, "show", "credit@2").stdout
    assert "from credit:production@1: 600 new rows added to 600 in data/loans.csv" in said

    # Elsewhere it is whole: its data go with it.
    project.export("credit@2", project.root.parent / "two.mlgov")
    there = project.root.parent / "there"
    there.mkdir()
    Project.import_bundle(project.root.parent / "two.mlgov", there)
    other = Project.open(there)
    assert other.fsck() == []
    assert other.rerun("credit", as_recorded=True).verdict == "reproduced"
    assert len(used_rows(other.store, other.store.manifest(other.resolve("credit")))) == 600


def test_what_is_no_better_stays_off_the_stage_and_the_answer_says_why(project: Project) -> None:
    settings(project, '[retrain]\nrelease = "when open"\n[gate]\nroles = { validator = 1 }\n')
    predicted(project, applications(8, 400))
    done = mlgov(project.root, "retrain", "credit:production", "--json")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert document["outcome"] == "not good enough"
    assert document["contest"]["verdict"] in ("no worse", "too few rows to tell", "worse")
    assert "needs asks for 'better'" in document["reasons"][0]
    assert any("approval validator" in reason for reason in document["reasons"])
    assert document["release"] is None
    assert project.released("credit:production").number == 1
    assert "retrain: executing the notebook on the new data" in done.stderr


def test_a_file_can_stand_in_place_of_the_data_and_a_person_releases(
    project: Project, tmp_path: Path
) -> None:
    settings(project, "[gate]\nrerun = false\n")
    file = tmp_path / "new.csv"
    rows = applications(9, 700, rule="turned")
    rows.loc[:9, "paid"] = None
    rows.assign(note="x").to_csv(file, index=False)
    made = project.retrain("credit:production", data=file, replace=True)
    assert (made.outcome, made.rows_new, made.mode, made.file) == ("ready", 690, "in place", "new.csv")
    assert made.reasons[-1] == "release it with mlgov release credit@2 --as credit --stage production"
    assert any("10 of 700 rows" in note for note in made.notes)
    assert any("note of new.csv" in note for note in made.notes)
    assert made.rerun is None
    manifest = project.store.manifest(str(made.snapshot))
    assert manifest.inputs[0].rows == 690
    assert project.release("credit@2", "credit", "production").release is not None


def test_a_notebook_that_fails_on_the_new_data_leaves_no_snapshot(project: Project, tmp_path: Path) -> None:
    rows = applications(9, 100)
    rows["paid"] = 1
    file = tmp_path / "one-class.csv"
    rows.to_csv(file, index=False)
    done = mlgov(project.root, "retrain", "credit:production", "--data", str(file), "--replace", "--json")
    assert done.returncode == 1, done.stderr
    document = json.loads(done.stdout)
    assert (document["outcome"], document["snapshot"]) == ("failed", None)
    assert "ValueError" in document["reasons"][0]
    assert [entry.number for entry in project.log()] == [1]
    (entry,) = project.store.entries(kind="retrain")
    assert entry.subject == project.released("credit:production").snapshot
    assert project.fsck() == []


def test_a_release_that_somebody_else_made_meanwhile_stays(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(project, '[gate]\nrerun = false\n[retrain]\nrelease = "when open"\n')
    predicted(project, applications(7, 600, rule="turned"))
    other = add_model(project.store, message="another")
    assess = Project.assess

    def meanwhile(self: Project, ref: str, **options: Any) -> Any:
        assert project.release(other, "credit", "production").release is not None
        return assess(self, ref, **options)

    monkeypatch.setattr(Project, "assess", meanwhile)
    made = project.retrain("credit:production")
    assert (made.outcome, made.release) == ("ready", None)
    assert "version 2 was put on credit:production meanwhile" in made.reasons[-1]
    assert project.released("credit:production").snapshot == other


def test_a_killed_retraining_leaves_the_store_the_newest_snapshot_and_the_release_as_they_were(
    project: Project,
) -> None:
    predicted(project, applications(7, 600, rule="turned"))
    first = project.resolve("credit")
    for until in ("retrain", "assess", "rerun"):
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mlgov.cli", "retrain", "credit:production", "--progress-json"],
            cwd=project.root, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if json.loads(line)["stage"] == until:
                break
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGKILL)
        process.stderr.close()
        process.wait()
        again = Project.open(project.root)
        assert again.fsck() == []
        assert again.released("credit:production").number == 1
        assert again.resolve("credit") == first
        assert [entry.number for entry in again.log()] == [1]
        for entry in again.log(candidates=True):
            assert again.show(entry.id)["status"] == "ok"


# -- bad input ---------------------------------------------------------------------------------------------------


def lacking(project: Project) -> Path:
    file = project.root.parent / "data.csv"
    applications(9, 100).drop(columns="debt").to_csv(file, index=False)
    return file


def text_in_numbers(project: Project) -> Path:
    file = project.root.parent / "data.csv"
    applications(9, 100).astype({"debt": object}).assign(debt="much").to_csv(file, index=False)
    return file


def without_target(project: Project) -> Path:
    file = project.root.parent / "data.csv"
    applications(9, 100).assign(paid=None).to_csv(file, index=False)
    return file


def no_table(project: Project) -> Path:
    file = project.root.parent / "data.csv"
    file.write_bytes(b"")
    return file


def the_whole_table(project: Project) -> Path:
    file = project.root.parent / "data.csv"
    pd.concat([applications(1, 600), applications(9, 100)]).to_csv(file, index=False)
    return file


def few(project: Project) -> Path:
    file = project.root.parent / "data.csv"
    applications(9, 20).to_csv(file, index=False)
    return file


def the_same(project: Project) -> Path:
    return project.root / "data" / "loans.csv"


@pytest.mark.parametrize(
    ("file", "options", "error", "says"),
    [
        (lacking, {}, UsageError, "no column 'debt'"),
        (text_in_numbers, {}, UsageError, "debt holds what is no number"),
        (without_target, {}, UsageError, "no row has a paid"),
        (no_table, {}, UsageError, "cannot be read as a table"),
        (the_whole_table, {}, UsageError, "give --replace"),
        (few, {}, UsageError, "20 new rows with an outcome are too few"),
        (the_same, {"replace": True}, UsageError, "nothing to retrain on"),
        (few, {"since": "1d"}, UsageError, "leave it out where a file is given"),
        (few, {"uri": "data/other.csv"}, UsageError, "it read data/loans.csv"),
    ],
)
def test_a_file_that_does_not_do_is_one_clear_line(
    project: Project,
    file: Callable[[Project], Path],
    options: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    entries = len(project.store.entries())
    with pytest.raises(error, match=says) as told:
        project.retrain("credit:production", data=file(project), **options)
    assert "\n" not in str(told.value)
    assert len(project.store.entries()) == entries


KEY = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet", "further column"])
def test_a_secret_in_new_rows_never_reaches_the_store(project: Project, tmp_path: Path, kind: str) -> None:
    rows = applications(7, 300)
    rows["region"] = rows["region"].where(rows.index != 150, KEY)
    name = "rows." + ("csv" if kind == "further column" else kind)
    if kind == "further column":
        rows = applications(7, 300).assign(note=[KEY if row == 150 else "x" * 40_000 for row in range(300)])
    rows.to_parquet(tmp_path / name) if kind == "parquet" else rows.to_csv(tmp_path / name, index=False)
    before = {path for path in (project.root / ".mlgov").rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="secret"):
        project.retrain("credit:production", data=tmp_path / name, replace=kind == "further column")
    after = {path for path in (project.root / ".mlgov").rglob("*") if path.is_file()}
    assert {path for path in after - before if "objects" in path.parts} == set()


def test_a_secret_in_a_compressed_training_file_is_seen(tmp_path: Path) -> None:
    data = gzip.compress(f"a,b\n1,{KEY}\n".encode())
    assert KEY.encode() in unpacked(data, "data/loans.csv.gz")
    assert unpacked(b"PAR1", "data/loans.parquet") == b"PAR1"
    with pytest.raises(UsageError, match="not compressed"):
        unpacked(b"a,b", "data/loans.csv.gz")


def test_a_log_that_does_not_do_is_one_clear_line(project: Project) -> None:
    def says(match: str, error: type[MlgovError] = UsageError, **options: Any) -> None:
        with pytest.raises(error, match=match):
            Project.open(project.root).retrain(options.pop("name", "credit:production"), **options)

    says("it is on production", NotFound, name="credit:staging")
    says("no model 'loans' was released", NotFound, name="loans:production")
    says("no file", NotFound, data="nowhere.csv")
    says("no prediction is logged")
    predicted(project, applications(3, 60), outcomes=False)
    says("none of the 60 logged predictions has an outcome")
    rows = applications(4, 40)
    predicted(project, rows, start=100)
    says("40 new rows with an outcome are too few")
    ids = serve(project, rows, start=200)
    add_outcomes(project, ids, rows.assign(paid="late"), project.root.parent)
    says("'late' is no label")
    settings(project, '[operate]\nnever_log = ["debt"]\n')
    says("debt is not in the prediction log")
    settings(project, "[retrain]\nmargn = 0.1\n")
    says("margn")
    settings(project, '[retrain]\nrelease = "always"\n')
    says("release")
    done = mlgov(project.root, "retrain", "credit:production")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_snapshot_whose_data_cannot_be_replaced_says_so(tmp_path: Path) -> None:
    project = Project.open(add_project(tmp_path))
    with pytest.raises(Blocked, match="input"):
        project.retrain("credit:production", data=lacking(project))


def add_project(folder: Path) -> Path:
    """A release whose snapshot keeps no rows with a truth."""
    from jupyter_mlgov.records.assessment import HeldRows
    from jupyter_mlgov.store import Store
    from tests.monitor.making import FEATURES

    store = Store.create(folder / "made" / ".mlgov")
    held = HeldRows(role="test", object=None, reason="too large", features=FEATURES)
    add_model(store, rows=(held,))
    project = Project.open(folder / "made")
    assert project.release("baseline", "credit", "production").release is not None
    return project.root


def test_a_column_that_only_the_notebook_needs_is_asked_for(trained: Path, tmp_path: Path) -> None:
    table = applications(1, 300).assign(branch=["a", "b", "c"] * 100, comment="")
    cells = (*CELLS[:3], CELLS[3].replace('columns="paid"', 'columns=["paid", "branch", "comment"]'),
             'loans.groupby("branch")["paid"].mean()')  # fmt: skip
    project = trained_project(tmp_path / "credit", cells=cells, table=table, release=False)
    made = project.store.append(
        "rerun", project.resolve("credit"), {"verdict": "reproduced", "candidate": None}
    )
    assert made and project.release("credit", "credit", "production").release is not None
    predicted(project, applications(7, 100))
    with pytest.raises(UsageError, match=r"the notebook uses branch of data/loans\.csv"):
        project.retrain("credit:production")
