"""Releases: only through an open gate, as one step, with versions that are counted for each model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from jupyter_mlgov.errors import NotFound, UsageError
from jupyter_mlgov.operate.releases import put_on_stage
from jupyter_mlgov.operate.settings import Settings
from jupyter_mlgov.project import Project
from jupyter_mlgov.records.verdict import GateDecision
from tests.kernel import ROOT
from tests.operate.making import add_model, make_project
from tests.store.making import add_snapshot


def mlgov(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jupyter_mlgov.cli", *words],
        cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip


def test_a_closed_gate_refuses_with_its_reasons_and_writes_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path, reproduced=False)
    before = len(project.store.entries())
    answer = project.release("baseline", "credit", "production")
    assert answer.release is None
    assert [rule.rule for rule in answer.gate.rules if not rule.passed] == ["rerun"]
    assert len(project.store.entries()) == before
    done = mlgov(tmp_path, "release", "baseline", "--as", "credit", "--stage", "production")
    assert done.returncode == 1
    assert "not released" in done.stdout
    assert "it was never rerun" in done.stdout


def test_versions_are_counted_for_a_model_and_kept_on_every_stage(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    second = add_model(project.store, c=0.1)
    staged = project.release("baseline@1", "credit", "staging", by="Ada").release
    newer = project.release("baseline@2", "credit", "staging").release
    promoted = project.release("credit:staging@1", "credit", "production").release
    other = project.release("baseline@2", "churn", "production").release
    assert staged and newer and promoted and other
    assert [one.number for one in (staged, newer, promoted, other)] == [1, 2, 1, 1]
    assert (staged.by, newer.previous) == ("Ada", 1)
    assert project.resolve("credit:staging") == second
    assert [one.name for one in project.releases("credit")] == [
        "credit:production@1", "credit:staging@2", "credit:staging@1",
    ]  # fmt: skip
    assert project.fsck() == []
    decision = msgspec.json.decode(project.store.get(promoted.gate), type=GateDecision)
    assert decision.open
    assert [one["stage"] for one in project.show("baseline@1")["releases"]] == ["staging", "production"]


def test_who_releases_is_called_as_the_author_of_snapshots_is(
    tmp_path: Path, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("LOGNAME", "grace")
    project = make_project(tmp_path)
    by_login = project.release("baseline", "credit", "staging").release
    git("init", "-q")
    git("config", "user.name", "Ada of this repository")
    by_git = project.release("baseline", "credit", "production").release
    assert by_login and by_git
    assert (by_login.by, by_git.by) == ("grace", "Ada of this repository")
    assert by_git.by == project.author()


def test_going_back_is_a_release_of_an_earlier_version(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    first = project.resolve("baseline")
    add_model(project.store, c=0.1)
    for number in (1, 2):
        assert project.release(f"baseline@{number}", "credit", "production").release
    back = project.release("credit:production@1", "credit", "production", message="v2 is slow").release
    assert back is not None
    assert (back.number, back.previous, back.snapshot) == (1, 2, first)
    assert project.resolve("credit:production") == first
    assert len(project.releases("credit", "production")) == 3


def test_model_and_stage_are_a_ref_of_every_verb(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    project.release("baseline", "credit", "production")
    assert json.loads(mlgov(tmp_path, "show", "credit:production", "--json").stdout)["number"] == 1
    assert mlgov(tmp_path, "gate", "credit:production@1").returncode == 0
    listed = json.loads(mlgov(tmp_path, "releases", "credit:production", "--json").stdout)
    assert [(one["model"], one["number"]) for one in listed] == [("credit", 1)]


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ("cedit:production", "no model 'cedit' was released"),
        ("credit:staging", "it is on production"),
        ("credit:production@7", "there were 1"),
    ],
)
def test_what_was_never_released_is_told_with_what_was(tmp_path: Path, ref: str, says: str) -> None:
    project = make_project(tmp_path)
    project.release("baseline", "credit", "production")
    with pytest.raises(NotFound, match=says):
        project.resolve(ref)


def test_what_cannot_be_released_is_one_line(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    for words, says in (
        (("baseline", "credit", "prod"), "did you mean production"),
        (("baseline", "a/b", "production"), "no model's name"),
    ):
        with pytest.raises(UsageError, match=says):
            project.release(*words)
    add_snapshot(project.store, experiment="bare")
    with pytest.raises(UsageError, match="bare@1 has no model to release"):
        project.release("bare", "credit", "production")
    (tmp_path / "mlgov.toml").write_text('[operate]\nstages = ["prod"]\n')
    done = mlgov(tmp_path, "release", "baseline", "--as", "credit", "--stage", "prod", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["release"]["stage"] == "prod"


def test_many_releases_at_once_are_one_line_of_versions(tmp_path: Path) -> None:
    make_project(tmp_path)
    store = Project.open(tmp_path).store
    for c in (0.1, 0.2, 0.3):
        add_model(store, c=c)
    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(
                lambda number: Project.open(tmp_path).release(f"baseline@{number}", "credit", "production"),
                (1, 2, 3, 4),
            )
        )
    assert sorted(answer.release.number for answer in answers if answer.release) == [1, 2, 3, 4]
    project = Project.open(tmp_path)
    line = project.releases("credit", "production")[::-1]
    assert [one.previous for one in line] == [None, *(one.number for one in line[:-1])]
    assert project.resolve("credit:production") == line[-1].snapshot
    assert project.fsck() == []


def test_a_rejection_while_the_gate_is_asked_is_not_overlooked(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    snapshot = project.resolve("baseline")
    asked = []

    def gate() -> GateDecision:
        decision = project.gate("baseline")
        if not asked:  # somebody rejects it right after the gate was found open
            body = {
                "name": "Grace",
                "role": "validator",
                "decision": "rejected",
                "message": "no",
                "envelope": None,
            }
            project.store.append("approval", snapshot, body)
        asked.append(decision.open)
        return decision

    answer = put_on_stage(
        project.store, snapshot, model="credit", stage="production", by="", settings=Settings(), gate=gate,
    )  # fmt: skip
    assert asked == [True, False]
    assert answer.release is None
    assert project.releases() == []


def test_a_bundle_carries_no_release_to_another_place(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    project = make_project(tmp_path / "here")
    project.release("baseline", "credit", "production")
    project.export("baseline", tmp_path / "b.mlgov")
    Project.import_bundle(tmp_path / "b.mlgov", tmp_path / "there")
    other = Project.open(tmp_path / "there")
    assert other.releases() == []
    assert other.fsck() == []
