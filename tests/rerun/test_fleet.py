"""Many reruns: at once, on a cluster, and not at all where it is proven already."""

from __future__ import annotations

import os
import signal
import time
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import msgspec
import pytest

from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.records.verdict import Comparison, Finding
from jupyter_mlgov.rerun.fleet import Fleet, Job, Orders, jobs_of
from jupyter_mlgov.rerun.progress import Progress
from jupyter_mlgov.rerun.summaries import github_annotations, junit, markdown
from jupyter_mlgov.store import Store
from jupyter_mlgov.verbs import Answer, call
from tests.rerun.conftest import Work, execute
from tests.store.making import add_snapshot


def record(work: Work, name: str, *cells: str) -> str:
    """A notebook of its own with one experiment of that name."""
    work.write(*cells, f"%%experiment {name}\nscore = value * 1.5", name=f"{name}.ipynb")
    return execute(work.notebook, work.folder / "executed.ipynb")[0]["id"]


def test_what_is_proven_is_not_executed_until_a_factor_changes(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.file("data.txt", "2")
    work.file("mod.py", "def f(x):\n    return x\n")
    monkeypatch.setenv("SCALE", "1")
    snapshot = record(
        work, "one",
        "import os\nfrom mod import f\nvalue = f(float(open('data.txt').read())) * float(os.environ['SCALE'])",
    )  # fmt: skip

    def verify(**orders: bool) -> Comparison:
        ((_, comparison),) = work.project.verify([snapshot], orders=Orders(**orders))
        return comparison

    first = verify()
    assert (first.verdict, first.runs, first.proven_at) == ("reproduced", 1, None)
    again = verify()
    assert (again.verdict, again.runs) == ("reproduced", 0)
    assert again.proven_at is not None
    assert len(work.project.store.entries(subject=snapshot, kind="rerun")) == 1
    (work.folder / "data.txt").touch()
    work.file("mod.py", "def f(x):\n    return x\n")
    assert verify().proven_at is not None, "the same content is the same factor"
    work.file("mod.py", "def f(x):\n    return x + 0\n")
    assert verify().runs == 1
    assert verify().runs == 0
    assert verify(force=True).runs == 1
    work.file("mlgov.toml", "[tolerances]\nscore = 0.01\n")
    assert verify().runs == 1, "how far a metric may be off is a factor of the verdict"
    assert verify().runs == 0
    work.file("mlgov.toml", "[tolerances]\nother = 0.01\n")
    assert verify().runs == 1
    work.notebook.rename(work.notebook.with_name("moved.ipynb"))
    assert [verify().runs for _ in range(2)] == [1, 1], "of a notebook that is gone nothing is proven"
    work.notebook.with_name("moved.ipynb").rename(work.notebook)
    monkeypatch.setenv("SCALE", "2")
    assert verify().verdict == "diverged"
    assert verify().runs > 0, "a bad verdict proves nothing"


def test_an_error_of_our_own_in_one_rerun_ends_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.create(tmp_path / ".mlgov")
    first, second, third = (add_snapshot(store, path=f"{n}.ipynb", message=str(n)) for n in range(3))

    def find(_: Path, __: Store, snapshot: str, **___: object) -> Comparison:
        if snapshot == first:
            raise RecursionError("too\ndeep.")
        return Comparison(baseline=snapshot, candidate=None, verdict="reproduced")

    monkeypatch.setattr("jupyter_mlgov.rerun.fleet.find_verdict", find)
    monkeypatch.setattr("jupyter_mlgov.rerun.proven.factors_now", lambda *_: {}["gone"])
    answer = call(["verify", first, second, third], folder=tmp_path)
    assert isinstance(answer, Answer)
    assert [one.verdict for one in answer.value] == ["blocked", "reproduced", "reproduced"]
    assert answer.status == 3
    (finding,) = answer.value[0].findings
    assert finding.message == "The rerun could not be made: RecursionError: too deep."
    assert "mlgov rerun baseline@1" in finding.remedy


def test_an_input_that_was_not_digested_is_never_proven(work: Work) -> None:
    snapshot = record(
        work, "one", "import jupyter_mlgov\njupyter_mlgov.input('https://example.org/x')\nvalue = 1"
    )
    for _ in range(2):
        ((_, comparison),) = work.project.verify([snapshot])
        assert comparison.runs == 1


def test_an_interrupted_call_is_taken_up_where_it_stopped(work: Work) -> None:
    snapshots = [record(work, name, "value = 2") for name in ("one", "two")]
    project = work.project

    def stop(step: Progress) -> None:
        if step.fleet is not None and step.fleet.verdict is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Fleet(project.root, project.store, jobs_of(project.store, snapshots), Orders(), stop).run()
    done = project.verify(everything=True, orders=Orders(jobs=2))
    assert sorted(comparison.runs for _, comparison in done) in ([0, 0], [0, 1])
    assert {comparison.verdict for _, comparison in done} == {"reproduced"}


def test_a_killed_worker_costs_one_more_attempt_and_no_second_verdict(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    from dask.distributed import LocalCluster

    work.file("slow.txt", "0")
    snapshots = [
        record(work, "one", "import time\ntime.sleep(float(open('slow.txt').read()))\nvalue = 2"),
        record(work, "two", "value = 3"),
    ]
    work.file("slow.txt", "0.0")
    project = work.project
    killed: list[int] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50, processes=True
        ) as cluster:
            import threading

            def kill_the_first() -> None:
                until = time.monotonic() + 120
                while time.monotonic() < until:
                    begun = [event for _, event in cluster.scheduler.get_events("mlgov")]
                    workers = {worker.worker_address: worker.pid for worker in cluster.workers.values()}
                    for event in begun:
                        if event["snapshot"] == snapshots[0] and event["worker"] in workers:
                            os.kill(workers[event["worker"]], signal.SIGKILL)
                            killed.append(workers[event["worker"]])
                            return
                    time.sleep(0.05)

            killer = threading.Thread(target=kill_the_first)
            killer.start()
            found = project.verify(snapshots, orders=Orders(dask=cluster.scheduler_address))
            killer.join()
    assert len(killed) == 1
    assert [(comparison.verdict, comparison.attempts) for _, comparison in found] == [
        ("reproduced", 2),
        ("reproduced", 1),
    ]
    for snapshot in snapshots:
        assert len(project.store.entries(subject=snapshot, kind="rerun")) == 1
    assert project.fsck() == []
    assert {comparison.runs for _, comparison in project.verify(snapshots)} == {0}


def test_a_cluster_that_does_not_answer_is_one_line(work: Work) -> None:
    pytest.importorskip("distributed")
    snapshot = record(work, "one", "value = 2")
    with pytest.raises(UsageError, match="no Dask scheduler answers at nowhere"):
        work.project.verify([snapshot], orders=Orders(dask="nowhere"))


# -- what others read ----------------------------------------------------------------------------------------

FINDING = Finding(
    cause="data.values",
    subject="data/a|b.csv",
    cell=2,
    message="100% of <b>rows</b>\nchanged.",
    remedy="put it back",
)
NAMED = [
    (Job("a" * 64, "good@1", "good.ipynb"), Comparison(baseline="a" * 64, candidate=None, verdict="reproduced", duration_s=2.0)),
    (
        Job("b" * 64, "old@3", "old.ipynb"),
        Comparison(baseline="b" * 64, candidate=None, verdict="equivalent", proven_at="2026-11-26T05:00:00Z"),
    ),
    (
        Job("c" * 64, "bad@2", "sub/bad,1.ipynb"),
        Comparison(baseline="c" * 64, candidate=None, verdict="diverged", findings=(FINDING,), duration_s=3.0),
    ),
    (Job("d" * 64, "gone@1", "gone.ipynb"), Comparison(baseline="d" * 64, candidate=None, verdict="blocked")),
]  # fmt: skip


def test_junit_counts_each_verdict_and_says_what_was_proven_before() -> None:
    suite = ET.fromstring(junit(NAMED)).find("testsuite")
    assert suite is not None
    assert [suite.get(name) for name in ("tests", "failures", "errors", "time")] == ["4", "1", "1", "5.000"]
    cases = {case.get("name"): case for case in suite}
    assert cases["bad@2"].find("failure") is not None
    assert cases["gone@1"].find("error") is not None
    proven = cases["old@3"].find("properties/property[@name='proven-at']")
    assert proven is not None
    assert proven.get("value") == "2026-11-26T05:00:00Z"


def test_annotations_are_one_line_each_and_cannot_be_broken_out_of() -> None:
    lines = github_annotations(NAMED)
    assert lines == [
        "::error file=sub/bad%2C1.ipynb,title=bad@2 diverged%3A data.values::"
        "100%25 of <b>rows</b>%0Achanged. put it back",
        "::warning file=gone.ipynb,title=gone@1 blocked::see the report of this rerun",
    ]


def test_what_has_to_be_known_of_a_good_verdict_is_said_everywhere() -> None:
    job, found = NAMED[0]
    said = "good.ipynb is not in this checkout;\nthe recorded one was executed."
    named = [(job, msgspec.structs.replace(found, caution=said))]
    assert b"not in this checkout" in junit(named)
    (line,) = github_annotations(named)
    assert line.startswith(
        "::warning file=good.ipynb,title=good@1 reproduced::good.ipynb is not in this checkout;%0A"
    )
    assert "- good@1: good.ipynb is not in this checkout; the recorded one was executed." in markdown(named)


def test_the_summary_is_a_table_that_holds_whatever_it_is_given() -> None:
    text = markdown(NAMED)
    assert text.startswith("## Reruns: 2 of 4 reproduce\n")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "snapshot" not in line]
    assert len(rows) == 4
    assert "data/a\\|b.csv" in rows[2]
    assert "<b>" not in text
    assert "proven" in rows[1]
    assert Path("sub/bad,1.ipynb").name in text
