"""Causes shown by experiment: set back, halved, held still, with real kernels."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlgov.records.verdict import Comparison
from jupyter_mlgov.rerun.progress import Progress
from tests.kernel import Kernel
from tests.rerun.conftest import Work

SUM = "%%experiment base\nscore = float(a + b + c)"


def causes(comparison: Comparison) -> list[tuple[str, str, bool]]:
    return [(f.cause, f.subject, f.confirmed) for f in comparison.findings]


def test_of_many_changes_those_are_found_that_did_it(work: Work) -> None:
    for name in "abc":
        work.file(f"{name}.txt", "1")
    cells = ["a, b, c = (int(open(f'{n}.txt').read()) for n in 'abc')\nb = b * 0", SUM]
    snapshot = work.record(*cells)
    for name in "abc":
        work.file(f"{name}.txt", "2")
    steps: list[Progress] = []
    found = work.rerun(snapshot, progress=steps.append)
    assert sorted(causes(found)) == [("data.values", "a.txt", True), ("data.values", "c.txt", True)]
    (plan,) = [step.message for step in steps if step.stage == "plan"]
    assert all(f"{name}.txt" in plan for name in "abc")
    assert "at most 8 runs" in plan
    assert [s.stage for s in steps].index("plan") < [s.stage for s in steps].index("confirm")
    reasons = list(dict.fromkeys(step.message for step in steps if step.stage == "confirm"))
    assert reasons[0].startswith("as recorded again: ")
    assert all(f"{name}.txt" in reasons[0] for name in "abc")
    assert any(r.startswith("only ") and r.endswith(" as today, the rest as recorded") for r in reasons)


def test_two_changes_that_only_count_together_are_both_told(work: Work) -> None:
    work.file("a.txt", "0")
    work.file("b.txt", "0")
    snapshot = work.record(
        "%%experiment base\nscore = int(open('a.txt').read()) * int(open('b.txt').read()) + 0.5"
    )
    work.file("a.txt", "2")
    work.file("b.txt", "3")
    assert sorted(causes(work.rerun(snapshot))) == [
        ("data.values", "a.txt", True),
        ("data.values", "b.txt", True),
    ]


def test_changed_data_is_found_beside_chance(work: Work) -> None:
    work.file("a.txt", "1")
    snapshot = work.record(
        "import numpy as np\na = int(open('a.txt').read())", "%%experiment base\nscore = a + np.random.rand()"
    )
    work.file("a.txt", "100")
    assert causes(work.rerun(snapshot)) == [
        ("data.values", "a.txt", True),
        ("randomness.unseeded", "score", True),
    ]


def test_beside_chance_a_cause_is_placed_where_it_shows_itself(work: Work) -> None:
    work.file("a.csv", "v\n1\n2\n")
    snapshot = work.record(
        "import numpy as np\nimport pandas as pd\na = dict(t=open('a.csv').read())",
        "noise = np.random.rand(3)\nprint(noise[:len(a)])",
        "%%experiment base\nscore = float(len(a['t'])) * 2.5",
    )
    work.file("a.csv", "v\n1\n200\n")
    first, second = work.rerun(snapshot).findings
    assert (first.cause, first.cell, first.variable) == ("data.values", 2, "score")
    assert (second.cause, second.cell, second.variable) == ("randomness.unseeded", 1, "noise")


def test_chance_in_a_module_is_found_though_no_cell_shows_it(work: Work) -> None:
    work.file("draw.py", "import random\n\ndef drawn():\n    return random.random()\n")
    snapshot = work.record("from draw import drawn", "%%experiment base\nscore = drawn()")
    assert causes(work.rerun(snapshot)) == [("randomness.unseeded", "score", True)]


def test_a_module_that_cannot_be_imported_any_more_is_the_cause(work: Work) -> None:
    work.file("lib/__init__.py", "")
    work.file("lib/steps.py", "RATE = 1.5\n")
    snapshot = work.record("from lib.steps import RATE", "%%experiment base\nscore = RATE * 2")
    work.file("lib/steps.py", "RATE = = 1.5\n")
    found = work.rerun(snapshot)
    assert causes(found) == [("code.module", "lib/steps.py", True)]
    assert "cannot be imported any more: SyntaxError" in found.findings[0].message


def test_what_no_held_source_explains_is_not_called_a_missing_seed(work: Work) -> None:
    snapshot = work.record(
        "started = open('/proc/self/stat').read().split()[21]",
        "%%experiment base\nscore = float(started) / 3",
    )
    found = work.rerun(snapshot)
    ((cause, subject, sure),) = causes(found)
    assert (cause, sure) == ("unknown", False), subject
    assert "random generators and Python's hash seed held still" in found.findings[0].message


@pytest.mark.skipif(not Path("/proc/self").is_symlink(), reason="needs /proc")
def test_two_held_runs_that_fail_alike_show_nothing(work: Work) -> None:
    """The code does not stand the held generator, and what comes from outside is something else."""
    snapshot = work.record(
        "import os, random\nnoise = random.random()\ndel noise\nassert os.urandom.__name__ == 'urandom'",
        "%%experiment base\nscore = int(os.readlink('/proc/self')) / 7",
    )
    found = work.rerun(snapshot)
    assert found.verdict == "diverged"
    assert not any(finding.confirmed for finding in found.findings), found.findings


def test_a_variable_is_set_back(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE", "2")
    snapshot = work.record("import os", "%%experiment base\nscore = 1.5 * float(os.environ['RATE'])")
    monkeypatch.setenv("RATE", "3")
    assert causes(work.rerun(snapshot)) == [("environment.variable", "RATE", True)]


def test_a_variable_that_only_a_module_names_is_set_back(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE", "2")
    work.file("rates.py", "import os\n\ndef rate():\n    return float(os.environ.get('RATE', '1'))\n")
    snapshot = work.record("import rates", "%%experiment base\nscore = rates.rate() * 1.5")
    monkeypatch.setenv("RATE", "3")
    assert causes(work.rerun(snapshot)) == [("environment.variable", "RATE", True)]


def test_the_recorded_order_of_execution_is_followed(work: Work, kernel: Callable[..., Kernel]) -> None:
    cells = ["%load_ext jupyter_mlgov", "x = 1.0", "%%experiment base\nscore = x * 2", "x = 5.0"]
    one = kernel(work.folder, notebook=work.write(*cells))
    for index in (0, 1, 3, 2):
        one.must(cells[index], cell_id=f"c{index}")
    (entry,) = work.project.log()
    assert causes(work.rerun(entry.id)) == [("hidden-state.order", "x", True)]


def test_an_edit_without_effect_beside_hidden_state_is_not_blamed(
    work: Work, kernel: Callable[..., Kernel]
) -> None:
    cells = ["x = 1.0", "y = x * 3", "%%experiment base\nscore = y * 2", "x = 5.0"]
    snapshot = in_order(work, kernel, cells, 0, 3, 1, 2)
    work.write("%load_ext jupyter_mlgov", cells[0], "y = x * 3 + 0", *cells[2:])
    assert causes(work.rerun(snapshot)) == [("hidden-state.order", "x", True)]


def test_as_recorded_the_order_of_execution_is_all_that_is_followed_besides(
    work: Work, kernel: Callable[..., Kernel]
) -> None:
    cells = ["x = 1.0", "%%experiment base\nscore = x * 2", "x = 5.0"]
    snapshot = in_order(work, kernel, cells, 0, 2, 1)
    found = work.rerun(snapshot, as_recorded=True)
    assert (found.verdict, causes(found)) == ("diverged", [("hidden-state.order", "x", True)])


def test_a_name_that_a_deleted_script_run_left_is_hidden_state(
    work: Work, kernel: Callable[..., Kernel]
) -> None:
    work.file("lines.py", "lines = [1, 2]\n")
    cells = ["%load_ext jupyter_mlgov", "n = len(lines)", "%%experiment base\nscore = n * 1.5"]
    one = kernel(work.folder, notebook=work.write(*cells))
    for cell, text in (("c0", cells[0]), ("gone", "%run lines.py"), ("c1", cells[1]), ("c2", cells[2])):
        one.must(text, cell_id=cell)
        time.sleep(0.05)
        work.write(*cells)  # saved, without the cell that is gone
    (entry,) = work.project.log()
    assert causes(work.rerun(entry.id)) == [("hidden-state.deleted-cell", "lines", True)]


@pytest.fixture
def in_memory(work: Work) -> Iterator[Work]:
    """A project on tmpfs, which lists files in the order of their creation; ``work`` sets the environment."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("needs tmpfs")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Work(Path(folder))


def test_a_file_that_came_into_a_folder_that_is_only_listed_is_told_as_a_row(work: Work) -> None:
    for name in "abc":
        work.file(f"parts/{name}.txt", name)
    snapshot = work.record(
        "import os, time\nbegan = time.time()\nnames = sorted(os.listdir('parts'))",
        "%%experiment base\nscore = len(names) * 1.5",
    )
    work.file("parts/d.txt", "d")
    (finding,) = work.rerun(snapshot).findings
    assert (finding.cause, finding.subject, finding.confirmed) == ("data.rows", "parts", False)
    assert "`os.listdir()` in cell 1" in finding.message


def test_a_file_that_every_run_adds_to_is_the_cause(work: Work) -> None:
    snapshot = work.record(
        "with open('runs.log', 'a') as log:\n    log.write('one\\n')\nruns = len(open('runs.log').readlines())",
        "%%experiment base\nscore = runs * 1.5",
    )
    ((cause, subject, confirmed),) = causes(work.rerun(snapshot))
    assert (cause, subject, confirmed) == ("data.values", "runs.log", True)


def test_a_notebook_that_overwrites_what_it_read_is_rerun_on_what_it_read(work: Work) -> None:
    work.file("d.csv", "k,a\n1,1\n2,2\n3,3\n")
    snapshot = work.record(
        "import pandas as pd\ndf = pd.read_csv('d.csv')\ndf.assign(a=df.a * 2).to_csv('d.csv', index=False)",
        "df = pd.read_csv('d.csv')",
        "%%experiment base\nscore = int(df.a.sum())",
    )
    ((cause, subject, _),) = causes(work.rerun(snapshot))
    assert (cause, subject) == ("data.values", "d.csv")
    assert work.rerun(snapshot, as_recorded=True).verdict == "reproduced"
    work.file("d.csv", "k,a\n1,1\n2,2\n3,3\n")
    assert work.rerun(snapshot).verdict == "reproduced"


def test_the_order_of_a_folder_is_shown_by_turning_it_round(in_memory: Work) -> None:
    sizes = {"a": 3, "b": 70, "c": 900}
    for name, size in sizes.items():
        in_memory.file(f"parts/{name}.txt", "x" * size)
    snapshot = in_memory.record(
        "import os\nnames = os.listdir('parts')",
        "%%experiment base\nscore = float(sum(i * os.path.getsize(f'parts/{n}') for i, n in enumerate(names)))\nprint(names)",
    )
    for name in sizes:
        (in_memory.folder / f"parts/{name}.txt").unlink()
    for name, size in reversed(sizes.items()):
        in_memory.file(f"parts/{name}.txt", "x" * size)
    found = in_memory.rerun(snapshot)
    assert [(cause, sure) for cause, _, sure in causes(found)] == [("randomness.filesystem-order", True)]


def in_order(work: Work, kernel: Callable[..., Kernel], cells: list[str], *order: int) -> str:
    """The snapshot of a session that ran the cells in an order of its own."""
    cells = ["%load_ext jupyter_mlgov", *cells]
    one = kernel(work.folder, notebook=work.write(*cells))
    for index in (0, *(place + 1 for place in order)):
        one.must(cells[index], cell_id=f"c{index}")
    (entry,) = work.project.log()
    return str(entry.id)


def test_tables_that_a_loop_changed_twice_are_hidden_state(work: Work, kernel: Callable[..., Kernel]) -> None:
    cells = ["import pandas as pd\none, two = pd.DataFrame({'a': [1.0]}), pd.DataFrame({'a': [2.0]})",
             "for df in (one, two):\n    df['a'] = df['a'] * 3", "%%experiment base\nscore = float(one.a.sum() + two.a.sum())"]  # fmt: skip
    snapshot = in_order(work, kernel, cells, 0, 1, 1, 2)
    assert causes(work.rerun(snapshot))[0] == ("hidden-state.repeated-run", "one", True)


def test_hidden_state_that_no_rule_sees_is_found_by_following_the_recorded_order(
    work: Work, kernel: Callable[..., Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    work.file("counter.py", "n = 0\ndef tick():\n    global n\n    n += 1\n    return n\n")
    cells = ["import counter", "ticks = counter.tick()", "%%experiment base\nscore = counter.n * 1.5"]
    monkeypatch.setenv("PYTHONPATH", os.environ["PYTHONPATH"] + os.pathsep + str(work.folder))
    snapshot = in_order(work, kernel, cells, 0, 1, 1, 1, 2)
    monkeypatch.setenv("PYTHONPATH", os.environ["PYTHONPATH"].rpartition(os.pathsep)[0])
    (found,) = causes(work.rerun(snapshot))
    assert found[0] == "hidden-state.repeated-run" and found[2]


def test_two_sources_of_chance_that_only_count_together_are_both_named(work: Work) -> None:
    snapshot = work.record(
        "import random\nnames = list({'ada', 'ben', 'eve', 'ida', 'kim', 'lea', 'max'})",
        "%%experiment base\nscore = random.random() + sum(i * ord(n[0]) for i, n in enumerate(names))",
    )
    found = causes(work.rerun(snapshot))
    assert sorted(found) == [("randomness.hash-order", "names", True), ("randomness.unseeded", "score", True)]


def test_threads_that_sleep_for_a_random_time_and_print_are_threads(work: Work) -> None:
    snapshot = work.record(
        "import random, time\nfrom concurrent.futures import ThreadPoolExecutor\ndef job(i):\n"
        "    time.sleep(random.random() / 10)\n    print('job', i)\n"
        "with ThreadPoolExecutor(4) as pool:\n    for i in range(12):\n        pool.submit(job, i)",
        "%%experiment base\nscore = 1.0",
    )
    ((cause, _, confirmed),) = causes(work.rerun(snapshot))
    assert (cause, confirmed) == ("randomness.threads", True)


def test_runs_are_bounded_by_the_project(work: Work) -> None:
    (work.folder / "mlgov.toml").write_text("[rerun]\ncontrolled_runs = 0\n", encoding="utf-8")
    work.file("a.txt", "1")
    snapshot = work.record("%%experiment base\nscore = float(open('a.txt').read())")
    work.file("a.txt", "2")
    found = work.rerun(snapshot)
    assert causes(found) == [("data.values", "a.txt", False)]
    assert found.runs == 2


def test_a_sandbox_has_the_folders_of_the_project(work: Work) -> None:
    (work.folder / "out").mkdir()
    work.file("a.txt", "1")
    snapshot = work.record(
        "%%experiment base\nscore = float(open('a.txt').read())\nopen('out/score.txt', 'w').write('x')"
    )
    work.file("a.txt", "2")
    assert causes(work.rerun(snapshot)) == [("data.values", "a.txt", True)]
