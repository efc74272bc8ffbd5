"""Absolute paths: named as the cause where they lead nowhere, followed into the sandbox where a run is as recorded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jupyter_mlgov.project import Project
from jupyter_mlgov.rerun.project_paths import of_one_project
from jupyter_mlgov.rerun.texts import Context, compare_texts
from tests.rerun.conftest import Work

SUM = "%%experiment base\nscore = sum(map(int, text.split()))"


def causes(found) -> list[tuple[str, str, bool]]:  # type: ignore[no-untyped-def]
    return [(f.cause, f.subject, f.confirmed) for f in found.findings]


@pytest.mark.parametrize("place", ["outside", "inside"])
@pytest.mark.parametrize("named", ["file", "folder"])
def test_data_behind_an_absolute_path_is_set_back_as_any_other(
    work: Work, tmp_path: Path, place: str, named: str
) -> None:
    path = (work.folder if place == "inside" else tmp_path / "shared") / "numbers.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("1 2 3")
    code = (
        f"open({str(path)!r})" if named == "file" else f"(Path({str(path.parent)!r}) / 'numbers.txt').open()"
    )
    snapshot = work.record(f"from pathlib import Path\ntext = {code}.read()", SUM)
    path.write_text("1 2 4")
    found = work.rerun(snapshot)
    subject = "numbers.txt" if place == "inside" else str(path)
    assert causes(found) == [("data.values", subject, True)]
    assert path.read_text() == "1 2 4"


def test_as_recorded_reads_the_recorded_data_by_an_absolute_path_into_the_project(work: Work) -> None:
    path = work.file("numbers.txt", "1 2 3")
    snapshot = work.record(f"text = open({str(path)!r}).read()\nprint({str(path)!r})", SUM)
    path.write_text("1 2 4")
    assert work.rerun(snapshot, as_recorded=True).verdict == "reproduced"


@pytest.mark.parametrize(
    "reading", ["open({!r}).read()", "' '.join(map(str, __import__('numpy').loadtxt({!r}, dtype=int)))"]
)
def test_an_absolute_path_into_a_project_that_was_moved_is_the_cause(work: Work, reading: str) -> None:
    path = work.file("numbers.txt", "1 2 3")
    snapshot = work.record("text = " + reading.format(str(path)), SUM)
    shutil.move(work.folder, work.folder.with_name("moved"))
    found = Project.open(work.folder.with_name("moved")).rerun(snapshot)
    assert causes(found) == [("path", str(path), True)]


def test_a_file_that_the_code_names_by_an_absolute_path_is_a_matter_of_the_path_and_one_above_the_project_is_not(
    work: Work, tmp_path: Path
) -> None:
    (tmp_path / "numbers.txt").write_text("1 2 3")
    for named, cause in ((str(tmp_path / "numbers.txt"), "path"), ("../numbers.txt", "data.missing")):
        snapshot = work.record(f"text = open({named!r}).read()", SUM)
        (tmp_path / "numbers.txt").rename(tmp_path / "away")
        found = work.rerun(snapshot)
        (tmp_path / "away").rename(tmp_path / "numbers.txt")
        assert (found.verdict, causes(found)) == ("blocked", [(cause, str(tmp_path / "numbers.txt"), True)])


def test_a_folder_that_is_written_to_by_an_absolute_path_is_the_cause_where_it_is_not(
    work: Work, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    snapshot = work.record(
        f"import pandas as pd\npd.DataFrame({{'a': [1]}}).to_csv({str(tmp_path / 'out/x.csv')!r})\ntext = '1'",
        SUM,
    )
    shutil.rmtree(tmp_path / "out")
    (cause,) = causes(work.rerun(snapshot))
    assert cause[0] == "path" and cause[1].startswith(str(tmp_path / "out")) and cause[2]


def test_an_edit_that_brought_a_path_in_is_an_edit(work: Work) -> None:
    work.file("numbers.txt", "1 2 3")
    snapshot = work.record("text = open('numbers.txt').read()", SUM)
    work.write("text = open('/home/nobody/numbers.txt').read()", SUM)
    assert causes(work.rerun(snapshot))[0] == ("code.cell", "analysis.ipynb", True)


def test_where_the_project_lies_is_noise(work: Work) -> None:
    work.file("data/numbers.txt", "1 2 3")
    snapshot = work.record(
        "import os\nprint(os.getcwd())\nprint('reading', os.path.abspath('data/numbers.txt'))\ntext = '1'\nos.getcwd()",
        SUM,
    )
    place = work.folder.with_name("of a colleague")
    shutil.move(work.folder, place)
    assert Project.open(place).rerun(snapshot).verdict == "reproduced"


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("in /home/ana/loans/data/x.csv", "in /srv/bob/data/x.csv", True),
        ("/home/ana/loans", "/srv/bob", True),
        ("PosixPath('/home/ana/loans')", "PosixPath('/srv/bob')", True),
        ("/home/ana/loans/v1/x.csv", "/srv/bob/v2/x.csv", False),
        ("/home/ana/loans/x.csv", "/srv/other/x.csv", False),
        ("loans", "/srv/bob", False),
        ("/home/ana/loans and /home/ana/loans/x", "/srv/bob and /srv/bob/x", True),
        ("/home/ana/loans and /home/eve/x", "/srv/bob and /srv/bob/x", False),
    ],
)
def test_paths_of_a_project_are_compared_from_its_folder(before: str, after: str, same: bool) -> None:
    found = compare_texts(before, after, Context(root="/srv/bob"))
    assert (found.closeness == "noise") == same
    assert of_one_project("no path", "here", "/srv/bob") == ("no path", "here")
