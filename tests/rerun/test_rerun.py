"""The main job with real kernels: a notebook is recorded, something changes, the rerun says what."""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlgov.errors import Blocked, UsageError
from jupyter_mlgov.records.verdict import Comparison, Finding
from jupyter_mlgov.rerun.fleet import Orders
from jupyter_mlgov.rerun.progress import Progress
from jupyter_mlgov.rerun.rerun import Rerun
from tests.conftest import notebook_json
from tests.kernel import Kernel
from tests.rerun.conftest import Work, execute

CSV = "income,age\n" + "".join(f"{i},{i + 20}\n" for i in range(50))
LOAD = "import csv\nwith open('loans.csv') as f:\n    rows = list(csv.DictReader(f))"
TRAIN = "%%experiment base\nscale = 2.0\nscore = sum(float(r['income']) * (k + 1) for k, r in enumerate(rows)) / scale\nprint(f'{score:.3f}')"


def only(comparison: Comparison) -> Finding:
    assert comparison.verdict == "diverged", comparison
    (finding,) = comparison.findings
    return finding


def test_an_unchanged_notebook_is_reproduced_whatever_noise_it_makes(work: Work) -> None:
    work.file("loans.csv", CSV)
    noise = (
        "import os, sys, tempfile, time, uuid\nfrom datetime import datetime\nstarted = time.time()\n"
        "print(object(), tempfile.mkdtemp(), 'pid', os.getpid())\nprint(datetime.now(), {'b', 'a', 'c'})\n"
        "print('run id', uuid.uuid4())\nprint('warned', time.time(), file=sys.stderr)\n"
        "print(f'took {time.time() - started:.6f} s')\nelapsed = time.time() - started\nprint(elapsed)\nobject()"
    )
    picture = (
        "from IPython.display import Image, HTML, display\nimport io, time\nfrom PIL import Image as P\nfrom PIL.PngImagePlugin import PngInfo\n"
        "info = PngInfo(); info.add_text('Time', str(time.time()))\nb = io.BytesIO(); P.new('RGB', (8, 8), 'red').save(b, 'png', pnginfo=info)\n"
        "display(Image(b.getvalue()))\nHTML(f'<div id=\"x{time.time()}\">fine</div>')"
    )
    snapshot = work.record(LOAD, noise, picture, TRAIN)
    before = {path: path.read_bytes() for path in work.folder.iterdir() if path.is_file()}
    steps: list[Progress] = []
    found = work.rerun(snapshot, progress=steps.append)
    assert (found.verdict, found.findings, found.runs) == ("reproduced", (), 1), found
    assert [cell.status for cell in found.cells] == ["same", "noise", "noise", "same"]
    assert [step.cell for step in steps] == [0, 1, 2, 3, 4]
    assert {path: path.read_bytes() for path in work.folder.iterdir() if path.is_file()} == before
    (entry,) = work.project.store.entries(subject=snapshot, kind="rerun")
    assert entry.body["verdict"] == "reproduced"
    assert work.project.store.manifest(entry.body["candidate"]).kind == "candidate"


@pytest.mark.parametrize(
    ("text", "cause", "columns"),
    [
        (CSV.replace("7,27", "7000,27", 1), "data.values", ("income",)),
        (CSV + "99,99\n", "data.rows", ()),
        ("income,age\n" + "".join(f"{i},{i + 20}\n" for i in reversed(range(50))), "data.order", ()),
    ],
)
def test_changed_data_is_named_and_confirmed(
    work: Work, text: str, cause: str, columns: tuple[str, ...]
) -> None:
    work.file("loans.csv", CSV)
    snapshot = work.record(LOAD, TRAIN)
    work.file("loans.csv", text)
    found = only(work.rerun(snapshot))
    assert (found.cause, found.subject, found.columns, found.confirmed) == (cause, "loans.csv", columns, True)
    assert work.rerun(snapshot, as_recorded=True).verdict == "reproduced"


def test_a_renamed_column_is_found_where_the_run_fails(work: Work) -> None:
    work.file("loans.csv", CSV)
    snapshot = work.record(LOAD, TRAIN)
    work.file("loans.csv", CSV.replace("income", "salary"))
    found = work.rerun(snapshot)
    assert found.verdict == "failed"
    assert [(f.cause, f.subject, f.columns) for f in found.findings] == [
        ("data.schema", "loans.csv", ("income", "salary"))
    ]
    assert found.cells[1].status == "error"


def test_a_missing_file_blocks_and_nothing_is_executed(work: Work) -> None:
    work.file("loans.csv", CSV)
    snapshot = work.record("print('ran', file=open('ran.txt', 'a'))", LOAD, TRAIN)
    (work.folder / "loans.csv").unlink()
    (work.folder / "ran.txt").unlink()
    found = work.rerun(snapshot)
    assert (found.verdict, found.runs, found.candidate) == ("blocked", 0, None)
    assert [(f.cause, f.subject) for f in found.findings] == [("data.missing", "loans.csv")]
    assert not (work.folder / "ran.txt").exists()
    assert work.rerun(snapshot, as_recorded=True).verdict == "reproduced"


def test_an_edited_notebook_may_do_without_a_missing_file(work: Work) -> None:
    work.file("loans.csv", CSV)
    snapshot = work.record(LOAD, TRAIN)
    (work.folder / "loans.csv").unlink()
    work.write(f"rows = [{{'income': i}} for i in range(50)]", TRAIN)  # noqa: F541
    assert work.rerun(snapshot).verdict == "reproduced"


def test_an_edited_cell_is_named_and_a_comment_is_no_edit(work: Work) -> None:
    work.file("loans.csv", CSV)
    snapshot = work.record(LOAD, TRAIN)
    work.write("# reads the loans\n" + LOAD, TRAIN.replace("print(", "print(\n    "))
    assert work.rerun(snapshot).verdict == "reproduced"
    work.write(LOAD, TRAIN.replace("2.0", "4.0"))
    found = only(work.rerun(snapshot))
    assert (found.cause, found.subject, found.cell, found.confirmed) == (
        "code.cell",
        "analysis.ipynb",
        1,
        True,
    )
    assert work.rerun(snapshot, as_recorded=True).verdict == "reproduced"


def test_of_two_changes_only_the_one_that_did_it_is_named(work: Work) -> None:
    work.file("loans.csv", CSV)
    snapshot = work.record(LOAD, TRAIN)
    work.file("loans.csv", CSV.replace("7,27", "7000,27", 1))
    work.write(LOAD, TRAIN.replace("scale = 2.0\n", "scale = 2.0\nunused = 5\n"))
    found = only(work.rerun(snapshot))
    assert (found.cause, found.confirmed) == ("data.values", True)


def test_an_edited_module_is_named(work: Work) -> None:
    work.file("prepare.py", "def clean(x):\n    return x\n")
    snapshot = work.record("from prepare import clean", "%%experiment base\nscore = clean(3.5)")
    work.file("prepare.py", "def clean(x):\n    return x * 2\n")
    found = only(work.rerun(snapshot))
    assert (found.cause, found.subject, found.cell, found.variable) == (
        "code.module",
        "prepare.py",
        1,
        "score",
    )
    assert found.confirmed


def package(folder: Path, version: str, value: float) -> None:
    import shutil

    for old in folder.glob("fakestats*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    (folder / "fakestats.py").write_text(f"__version__ = '{version}'\ndef mean(x):\n    return {value}\n")
    info = folder / f"fakestats-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fakestats\nVersion: {version}\n")
    (info / "top_level.txt").write_text("fakestats\n")


def test_a_changed_package_is_named_with_both_versions(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    package(site, "1.0", 0.5)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ["PYTHONPATH"]]))
    snapshot = work.record("import fakestats", "%%experiment base\nscore = fakestats.mean([1])")
    package(site, "2.0", 0.75)
    found = only(work.rerun(snapshot))
    assert (found.cause, found.subject, found.variable) == ("environment.package", "fakestats", "score")
    assert found.message == "fakestats was 1.0 when this was recorded, and is 2.0 now."
    for old in site.glob("fakestats*"):
        subprocess.run(["rm", "-r", str(old)], check=True)
    gone = work.rerun(snapshot)
    assert gone.verdict == "blocked"
    assert [(f.cause, f.subject) for f in gone.findings] == [("environment.package", "fakestats")]


def test_randomness_is_found_by_running_twice(work: Work) -> None:
    snapshot = work.record(
        "import random",
        "draws = [random.random() for _ in range(9)]",
        "%%experiment base\nscore = sum(draws)",
    )
    comparison = work.rerun(snapshot)
    found = only(comparison)
    assert (found.cause, found.cell, found.variable, found.confirmed) == (
        "randomness.unseeded",
        1,
        "draws",
        True,
    )
    assert comparison.runs == 4, "two that disagree, two that agree with the generators seeded"


def test_the_order_of_a_set_is_told_from_a_missing_seed(work: Work) -> None:
    snapshot = work.record(
        "names = list({'a' * k for k in range(1, 40)})",
        "%%experiment base\nscore = float(len(names[0]) * 100 + len(names[1]))",
    )
    found = work.rerun(snapshot)
    if found.verdict == "reproduced":
        pytest.skip("the set happened to have the same order twice")
    assert [(f.cause, f.confirmed) for f in found.findings] == [("randomness.hash-order", True)]


def test_a_cell_that_ran_out_of_order_is_hidden_state(work: Work, kernel: Callable[..., Kernel]) -> None:
    cells = [
        "%load_ext jupyter_mlgov",
        "base = 1",
        "base = base + 10",
        "%%experiment base\nscore = base * 2.5",
    ]
    path = work.write(*cells)
    one = kernel(work.folder, notebook=path)
    for index in (0, 1, 2, 2, 3):
        one.must(cells[index], cell_id=f"c{index}")
    (entry,) = work.project.log()
    found = only(work.rerun(entry.id))
    assert (found.cause, found.subject, found.cell) == ("hidden-state.repeated-run", "base", 2)


def test_a_name_from_a_deleted_cell_is_hidden_state(work: Work, kernel: Callable[..., Kernel]) -> None:
    one = kernel(
        work.folder,
        notebook=work.write(
            "%load_ext jupyter_mlgov", "factor = 3", "%%experiment base\nscore = factor * 2.5"
        ),
    )
    one.must("%load_ext jupyter_mlgov", cell_id="c0")
    one.must("factor = 3", cell_id="c1")
    cells = notebook_without(work, "c1")
    one.must(cells[-1], cell_id="c2")
    (entry,) = work.project.log()
    found = work.rerun(entry.id)
    assert found.verdict == "failed"
    assert [(f.cause, f.subject) for f in found.findings] == [("hidden-state.deleted-cell", "factor")]


def notebook_without(work: Work, cell_id: str) -> list[str]:
    import json
    import time

    time.sleep(0.05)
    document = json.loads(work.notebook.read_text())
    document["cells"] = [cell for cell in document["cells"] if cell["id"] != cell_id]
    work.notebook.write_text(json.dumps(document))
    return [cell["source"] for cell in document["cells"]]


def test_parameters_are_another_question_and_leave_no_verdict(work: Work) -> None:
    tagged: dict[str, Any] = {"cell_type": "code", "source": "scale = 2.0", "metadata": {"tags": ["parameters"]},
                              "execution_count": None, "outputs": []}  # fmt: skip
    snapshot = work.record(tagged, "%%experiment base\nscore = 10 / scale")
    found = only(work.rerun(snapshot, parameters={"scale": 4.0}))
    assert (found.cause, found.variable) == ("code.cell", "scale")
    assert work.project.store.entries(subject=snapshot, kind="rerun") == []


def test_a_parameter_that_the_notebook_does_not_take_is_refused(work: Work) -> None:
    tagged: dict[str, Any] = {"cell_type": "code", "source": "scale: float = 2.0\nshift = 1", "metadata": {"tags": ["parameters"]},
                              "execution_count": None, "outputs": []}  # fmt: skip
    snapshot = work.record(tagged, "%%experiment base\nscore = 10 / scale")
    for parameters in ({"nosuch": 3}, {"scale": 4.0, "nosuch": 3}):
        with pytest.raises(
            UsageError, match=r"^parameter nosuch: .* does not set nosuch; it sets scale, shift$"
        ):
            work.rerun(snapshot, parameters=parameters)
    plain = work.record("scale = 2.0", "%%experiment plain\nscore = 10 / scale")
    for as_recorded in (False, True):
        with pytest.raises(UsageError, match=r"^parameter scale: the notebook has no parameters cell"):
            work.rerun(plain, parameters={"scale": 3}, as_recorded=as_recorded)


def test_an_error_that_was_recorded_is_expected_again(work: Work) -> None:
    tagged: dict[str, Any] = {"cell_type": "code", "source": "1 / 0", "metadata": {"tags": ["raises-exception"]},
                              "execution_count": None, "outputs": []}  # fmt: skip
    snapshot = work.record(tagged, "%%experiment base\nscore = 1.5")
    found = work.rerun(snapshot)
    assert found.verdict == "reproduced"
    assert [cell.status for cell in found.cells] == ["expected-error", "same"]


def test_a_new_error_fails_and_the_output_shows_it(work: Work) -> None:
    work.file("flag.txt", "0")
    snapshot = work.record(
        "value = int(open('flag.txt').read())", "%%experiment base\nscore = 1.5 if not value else 1 / 0"
    )
    work.file("flag.txt", "1")
    found = work.rerun(snapshot, output=work.folder / "out.ipynb")
    assert found.verdict == "failed"
    assert [(f.cause, f.subject) for f in found.findings] == [("data.values", "flag.txt")]
    assert "ZeroDivisionError" in (work.folder / "out.ipynb").read_text()
    assert found.output == str(work.folder / "out.ipynb")


def test_a_kernel_that_is_killed_is_a_clear_failure(work: Work) -> None:
    work.file("flag.txt", "0")
    snapshot = work.record(
        "import os, signal\nif open('flag.txt').read() == '1': os.kill(os.getpid(), signal.SIGKILL)",
        "%%experiment base\nscore = 1.5",
    )
    work.file("flag.txt", "1")
    found = work.rerun(snapshot)
    assert (found.verdict, found.candidate) == ("failed", None)
    assert "the kernel died in cell 1" in found.findings[0].message


def test_git_brings_back_the_files_of_the_commit(work: Work, git: Callable[..., str]) -> None:
    git("init", "-q", folder=work.folder)
    work.file("helper.txt", "2")
    work.file(".gitignore", ".mlgov\n")
    git("add", "-A", folder=work.folder)
    git("commit", "-qm", "one", folder=work.folder)
    work.file("helper.txt", "3")
    snapshot = work.record("import subprocess\nvalue = float(subprocess.run(['cat', 'helper.txt'], capture_output=True).stdout)",
                           "%%experiment base\nscore = value * 2")  # fmt: skip
    work.file("helper.txt", "4")
    index = (work.folder / ".git" / "index").read_bytes()
    assert work.rerun(snapshot).verdict == "diverged"
    assert work.rerun(snapshot, as_recorded=True).verdict == "reproduced"
    assert (work.folder / ".git" / "index").read_bytes() == index
    assert (work.folder / "helper.txt").read_text() == "4"


def test_verify_gives_each_verdict_and_junit(work: Work) -> None:
    import xml.etree.ElementTree as ET

    work.file("loans.csv", CSV)
    work.write(LOAD, TRAIN)
    first = work.record()
    work.write("%%experiment other\nscore = 1.5", name="other.ipynb")
    second = execute(work.notebook, work.folder / "executed.ipynb")[0]["id"]
    work.file("loans.csv", CSV + "99,99\n")
    junit = work.folder / "junit.xml"
    found = work.project.verify([first, second], orders=Orders(jobs=2), junit=junit)
    assert [(c.baseline, c.verdict) for _, c in found] == [(first, "diverged"), (second, "reproduced")]
    suite = ET.parse(junit).getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    assert [case.get("name") for case in suite] == ["base@1", "other@1"]


@pytest.mark.parametrize(
    "run", ["%run prep.py", "!python prep.py\nimport json\nmade = json.load(open('made.json'))"]
)
def test_an_edited_script_that_the_notebook_runs_is_named_and_confirmed(work: Work, run: str) -> None:
    text = "import json\nmade = 3\njson.dump(made, open('made.json', 'w'))\n"
    work.file("prep.py", text)
    snapshot = work.record(run, "%%experiment e\nvalue = made * 2")
    work.file("prep.py", "# a comment\n" + text)
    assert work.rerun(snapshot).verdict == "reproduced"
    work.file("prep.py", text.replace("3", "4"))
    comparison = work.rerun(snapshot)
    (found,) = comparison.findings
    assert (found.cause, found.subject, found.confirmed) == ("code.module", "prep.py", True)
    assert found.message == "The script prep.py, which the notebook runs, was edited."
    assert work.rerun(snapshot, as_recorded=True).verdict == "reproduced"


def test_a_script_that_is_gone_is_named(work: Work) -> None:
    work.file("prep.py", "rate = 2\n")
    snapshot = work.record("%run prep.py", "%%experiment base\nscore = rate * 1.5")
    (work.folder / "prep.py").unlink()
    (finding,) = work.rerun(snapshot).findings
    assert (finding.cause, finding.subject, finding.confirmed) == ("code.module", "prep.py", True)


def test_an_edited_notebook_that_the_notebook_runs_is_named_and_new_outputs_of_it_are_not(work: Work) -> None:
    other = notebook_json(["made = 3"])
    work.file("other.ipynb", json.dumps(other))
    snapshot = work.record("%run other.ipynb", "%%experiment e\nvalue = made * 2")
    other["cells"][0]["execution_count"] = 7
    work.file("other.ipynb", json.dumps(other))
    assert work.rerun(snapshot).verdict == "reproduced"
    work.file("other.ipynb", json.dumps(notebook_json(["made = 4"])))
    (found,) = work.rerun(snapshot).findings
    assert (found.cause, found.subject, found.cell, found.confirmed) == (
        "code.module",
        "other.ipynb",
        0,
        True,
    )


def test_what_one_run_showed_stands_where_a_second_cannot_be_made(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = work.record("value = 1", "%%experiment one\nscore = value * 1.5")
    work.write("import random\nvalue = random.random()", "%%experiment one\nscore = value * 1.5")
    run = Rerun.run

    def once(self: Rerun, stage: str, *words: Any, **options: Any) -> Any:
        if stage != "rerun":
            raise Blocked("no sandbox could be made: no room")
        return run(self, stage, *words, **options)

    monkeypatch.setattr(Rerun, "run", once)
    found = work.rerun(snapshot)
    assert found.verdict == "diverged"
    assert found.candidate is not None
    assert found.findings
    assert not any(finding.cause == "randomness.unseeded" and finding.confirmed for finding in found.findings)


def test_where_no_sandbox_can_be_made_nobody_is_sent_to_look_for_a_kernel(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = work.record("value = 1", "%%experiment kernel\nscore = value * 1.5")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "kernel" / "gone"))
    found = work.rerun(snapshot)
    assert found.verdict == "blocked"
    (finding,) = found.findings
    assert (finding.cause, finding.remedy) == ("unknown", "see to what the message names, then rerun")
    assert "no sandbox could be made" in finding.message


def test_a_notebook_that_was_renamed_is_said_to_be_and_named(work: Work) -> None:
    cells = ["a = 1\nb = 2", "c = a + b", "%%experiment base\nscore = a + b + c"]
    snapshot = work.record(*cells)
    assert work.rerun(snapshot).caution == ""
    work.notebook.unlink()
    gone = "analysis.ipynb is not in this checkout; the recorded one was executed."
    assert work.rerun(snapshot).caution == gone
    work.write("print('another notebook')", "a = 1\nb = 2", name="other.ipynb")
    (work.folder / "broken.ipynb").write_text("{", encoding="utf-8")
    (work.folder / "models").mkdir()
    work.write(
        cells[0], cells[1] + "  # as before", "%%experiment base\nscore = 99", name="models/train.ipynb"
    )
    found = work.rerun(snapshot)
    assert (found.verdict, found.findings) == ("reproduced", ())
    assert found.caution.startswith(f"{gone} models/train.ipynb holds 2 of its 3 code cells:")
    assert work.project.show(snapshot)["reruns"][-1]["caution"] == found.caution
    assert f"{gone} models/train.ipynb" in html.unescape(work.project.report_html(snapshot))
    command = [sys.executable, "-m", "jupyter_mlgov.cli", "rerun", snapshot]
    done = subprocess.run(command, cwd=work.folder, capture_output=True, text=True, check=True)
    assert f"! {gone} models/train.ipynb" in " ".join(done.stdout.split())
    assert work.rerun(snapshot, as_recorded=True).caution == ""


def test_a_renamed_notebook_is_known_by_the_ids_of_its_cells(work: Work) -> None:
    work.write("a = 1", "%%experiment base\nscore = a")
    document = json.loads(work.notebook.read_text(encoding="utf-8"))
    for cell, name in zip(document["cells"], ("0f8fad5b", "d9cb-469f"), strict=True):
        cell["id"] = name
    work.notebook.write_text(json.dumps(document), encoding="utf-8")
    snapshot = execute(work.notebook, work.folder / "executed.ipynb")[0]["id"]
    for cell in document["cells"]:
        cell["source"] = cell["source"].replace("a", "rate")
    work.notebook.unlink()
    (work.folder / "renamed.ipynb").write_text(json.dumps(document), encoding="utf-8")
    assert "renamed.ipynb holds 2 of its 2 code cells" in work.rerun(snapshot).caution
