"""Runs that would not end, take everything or leave something behind: a clear finding, and nothing goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.rerun.ending import MARK, Interrupted, Watch, kill_all
from jupyter_mlgov.rerun.limits import LEAST_S, Limits, parse_size
from tests.kernel import ROOT
from tests.rerun.conftest import Work

LEAVE = """
import subprocess, sys
if open('flag.txt').read() == '1':
    code = "import os, time; print(os.getpid(), flush=True); os.fork() or time.sleep(600); time.sleep(600)"
    child = subprocess.Popen([sys.executable, '-c', code], start_new_session=True, stdout=subprocess.PIPE)
    assert child.stdout.readline()
"""
"""A cell that starts a process which leaves the session and forks."""


def lasting() -> list[int]:
    """Processes of a run of this test that still live."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        ours = MARK in environment and environment.get("MLGOV_TEST") == str(os.getpid())
        if ours and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


@pytest.fixture
def snapshot(work: Work, monkeypatch: pytest.MonkeyPatch) -> str:
    """A notebook whose last cell does what ``flag.txt`` says."""
    monkeypatch.setenv("MLGOV_TEST", str(os.getpid()))
    work.file("flag.txt", "0")
    return work.record(
        LEAVE,
        "flag = open('flag.txt').read()\nimport time\n"
        "if flag in '12': time.sleep(600)\n"
        "if flag == '3':\n    big = []\n    while True: big.append(bytearray(32 << 20))\n"
        "if flag == '4': input('your name? ')",
        "%%experiment base\nscore = 1.5",
    )


def test_a_cell_that_does_not_end_is_stopped_with_all_that_it_started(work: Work, snapshot: str) -> None:
    work.file("flag.txt", "1")
    found = work.rerun(snapshot, limits=Limits(timeout=4))
    assert (found.verdict, found.runs) == ("failed", 1)
    (finding,) = found.findings
    assert finding.cell == 1
    assert "cell 2 ran longer than 4 s" in finding.message
    assert "--timeout" in finding.remedy
    assert lasting() == []


def test_a_cell_that_takes_all_memory_is_stopped(work: Work, snapshot: str) -> None:
    work.file("flag.txt", "3")
    (work.folder / "mlgov.toml").write_text('[rerun]\nmemory = "700M"\n')
    found = work.rerun(snapshot)
    assert found.verdict == "failed"
    (finding,) = found.findings
    assert "cell 2 took more than 0.684 GiB of memory" in finding.message
    assert "--memory" in finding.remedy
    assert lasting() == []


def test_a_cell_that_asks_a_person_fails_and_says_so(work: Work, snapshot: str) -> None:
    work.file("flag.txt", "4")
    found = work.rerun(snapshot)
    assert found.verdict == "failed"
    assert any("asks a person for input" in finding.message for finding in found.findings), found.findings
    assert lasting() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_rerun_that_is_told_to_stop_leaves_nothing_behind(work: Work, snapshot: str, number: int) -> None:
    work.file("flag.txt", "1")
    command = subprocess.Popen(
        [sys.executable, "-m", "jupyter_mlgov.cli", "rerun", snapshot],
        cwd=work.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    until = time.monotonic() + 300
    while len(lasting()) < 3 and time.monotonic() < until and command.poll() is None:
        time.sleep(0.2)
    assert len(lasting()) >= 3, f"the kernel and what it started were there: {command.poll()}"
    temporary = set(Path(os.environ.get("TMPDIR", "/tmp")).glob("mlgov-sandbox-*"))
    command.send_signal(number)
    _, said = command.communicate(timeout=60)
    assert command.returncode == (130 if number == signal.SIGINT else 143)
    assert "Traceback" not in said
    assert lasting() == []
    assert {path for path in temporary if path.exists() and str(snapshot) in str(path)} == set()
    assert work.project.store.entries(subject=snapshot, kind="rerun") == []


def test_a_secret_is_asked_for_by_name_and_is_in_no_record(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "hunter2hunter2")
    snapshot = work.record(
        "import os\nsecret = os.environ['SERVICE_TOKEN']", "%%experiment base\nscore = len(secret) * 1.5"
    )
    monkeypatch.delenv("SERVICE_TOKEN")
    for as_recorded in (False, True):
        found = work.rerun(snapshot, as_recorded=as_recorded)
        assert (found.verdict, found.runs) == ("blocked", 0)
        assert [(f.cause, f.subject) for f in found.findings] == [("environment.variable", "SERVICE_TOKEN")]
    monkeypatch.setenv("SERVICE_TOKEN", "hunter2hunter2")
    assert work.rerun(snapshot).verdict == "reproduced"
    from jupyter_mlgov.store.objects import expand

    for path in work.project.store.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"hunter2" not in (expand(data) if data.startswith(b"\x28\xb5\x2f\xfd") else data)


def test_a_run_may_take_what_was_recorded_many_times_over(tmp_path: Path) -> None:
    assert Limits().seconds(0.5) == LEAST_S
    assert Limits().seconds(3600.0) == 72_000
    assert Limits(timeout=5).seconds(3600.0) == 5
    (tmp_path / "mlgov.toml").write_text('[rerun]\ntimeout = 30\nmemory = "2G"\n')
    assert Limits().or_of_project(tmp_path) == Limits(30, 2 << 30)
    assert Limits(7, 5 << 20).or_of_project(tmp_path) == Limits(7, 5 << 20)
    assert Limits().bytes > 1 << 28


@pytest.mark.parametrize("text", ["", "much", "-1G", "8X", "10", "1e9"])
def test_a_size_that_is_none_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="give a size"):
        parse_size(text)
    assert [parse_size(one) for one in ("8G", "1.5 GiB", "500MB")] == [8 << 30, 3 << 29, 500 << 20]


def test_a_secret_that_the_notebook_takes_no_more_blocks_nothing(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "hunter2hunter2")
    experiment = "%%experiment base\nscore = 1.5"
    snapshot = work.record("import os\nsecret = os.environ['SERVICE_TOKEN']", experiment)
    monkeypatch.delenv("SERVICE_TOKEN")
    work.write("secret = 'none is needed'", experiment)
    assert work.rerun(snapshot).verdict == "reproduced"


def test_nobody_else_is_killed() -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], env={**os.environ, MARK: "other"}
    )
    try:
        kill_all(None, "mine")
        assert other.poll() is None
        kill_all(None, "other")
        other.wait(5)
        assert not psutil.pid_exists(other.pid)
    finally:
        other.kill()


def test_whoever_got_the_number_of_a_kernel_that_ended_is_left_alone() -> None:
    """The system is asked to give the same process id once more, which only root may."""
    last = Path("/proc/sys/kernel/ns_last_pid")
    if not os.access(last, os.W_OK):
        pytest.skip("which process id comes next cannot be chosen here")
    words = [sys.executable, "-c", "import time; time.sleep(600)"]
    kernel = subprocess.Popen(words)
    with pytest.raises(Interrupted), Watch(1 << 40) as watch:
        watch.kernel_started(kernel.pid)
        kernel.kill()
        kernel.wait()
        time.sleep(0.1)  # start times are told in hundredths of a second
        for _ in range(20):
            last.write_text(str(kernel.pid - 1))
            other = subprocess.Popen(words)
            if other.pid == kernel.pid:
                break
            other.kill()
            other.wait()
        else:
            pytest.skip("another process was faster, each time")
        raise Interrupted
    try:
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


SLOW = """
import os, time
import pandas as pd

class Slow(pd.DataFrame):
    def items(self):
        time.sleep(float(os.environ.get('MLGOV_TEST_PAUSE', 0)))
        return super().items()

table = Slow({'a': [1, 2]})
"""


def test_a_rerun_compares_what_a_slower_machine_takes_longer_to_look_at(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.file("mlgov.toml", "[capture]\nobject_budget_s = 0.4\n")
    snapshot = work.record(SLOW, "%%experiment slow\nn = len(table)")
    assert [frame["digest"] is not None for frame in work.project.show(snapshot)["frames"]] == [True]
    monkeypatch.setenv("MLGOV_TEST_PAUSE", "1.2")
    found = work.rerun(snapshot)
    assert {value.name: value.status for value in found.values if value.kind == "frame"} == {"table": "same"}
