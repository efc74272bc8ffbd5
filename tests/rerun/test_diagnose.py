"""Causes by name: each factor that changed and can have made the difference, and no other."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_mlgov.records.manifest import Caution, Code, Input, Member, Module
from jupyter_mlgov.records.verdict import Finding
from jupyter_mlgov.rerun.compare import compare, measure
from jupyter_mlgov.rerun.data_changes import DataChange, data_change
from jupyter_mlgov.rerun.diagnose import diagnose
from tests.rerun.making import Maker, frame, model, printed, raised

LOAD = "import pandas as pd\ndf = pd.read_csv('loans.csv')"
TRAIN = "%%experiment base\nauc = df.a.mean()"
CSV = "income,age\n" + "".join(f"{i},{i + 20}\n" for i in range(50))


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def findings(
    make: Maker, before: dict[str, Any], after: dict[str, Any], *, was: Any = None, now: Any = None
) -> list[Finding]:
    """Of two runs whose metric and frame differ, beside what is told."""
    cells = was or [LOAD, TRAIN]
    old = {"metrics": {"auc": 0.8}, "frames": (frame("df", "a"),)} | before
    new = {"metrics": {"auc": 0.7}, "frames": (frame("df", "b"),)} | after
    return list(compare(make.store, make.baseline(cells, **old), make.run(now or cells, **new)).findings)


def changed(make: Maker, text: str, *, kept: bool = True) -> Finding:
    before, after = make.table("loans.csv", CSV, kept=kept), make.table("loans.csv", text, kept=kept)
    (found,) = findings(make, {"inputs": (before,)}, {"inputs": (after,)})
    assert (found.subject, found.cell, found.variable) == ("loans.csv", 0, "df")
    assert found.remedy
    return found


def test_changed_values_name_the_column_and_the_rows(make: Maker) -> None:
    found = changed(make, CSV.replace("7,27", "7000,27").replace("9,29", "9000,29", 1))
    assert (found.cause, found.columns) == ("data.values", ("income",))
    assert found.message == "Values of loans.csv changed: income in 2 rows of 50."


def test_of_several_tables_read_in_a_cell_the_one_with_the_columns_is_named(make: Maker) -> None:
    cells = ["import pandas as pd\na = pd.read_csv('a.csv'); loans = pd.read_csv('loans.csv')", TRAIN]
    old, new = (make.table("loans.csv", text) for text in (CSV, CSV.replace("7,27", "7000,27")))
    tables = [
        (frame("a", f"a{turn}", k=f"k{turn}"), frame("loans", f"b{turn}", income=f"i{turn}", age="same"))
        for turn in (0, 1)
    ]
    (found,) = findings(
        make, {"inputs": (old,), "frames": tables[0]}, {"inputs": (new,), "frames": tables[1]}, was=cells
    )
    assert (found.subject, found.columns, found.variable) == ("loans.csv", ("income",), "loans")


def test_the_name_that_the_file_was_read_into_is_named_before_other_names_of_the_same_table(
    make: Maker,
) -> None:
    cells = [
        "train, test = pd.read_csv('train.csv'), pd.read_csv('loans.csv')\nfor df in (train, test):\n    df['x'] = 1",
        TRAIN,
    ]
    old, new = (make.table("loans.csv", text) for text in (CSV, CSV.replace("7,27", "7000,27")))
    tables = [
        tuple(frame(name, f"{name}{turn}", income=f"i{turn}") for name in ("df", "test")) for turn in (0, 1)
    ]
    (found,) = findings(
        make, {"inputs": (old,), "frames": tables[0]}, {"inputs": (new,), "frames": tables[1]}, was=cells
    )
    assert found.variable == "test"


def test_of_a_folder_with_one_changed_file_the_file_is_named(make: Maker) -> None:
    def folder(text: str) -> Input:
        members = tuple(
            Member(path=f"{name}.txt", digest=make.text(said)) for name, said in (("x", "one"), ("y", text))
        )
        return Input(uri="texts/*.txt", digest=make.text(f"all {text}"), cell=0, members=members, kept=True)

    (found,) = findings(make, {"inputs": (folder("a\nb\n"),)}, {"inputs": (folder("a\nc\n"),)})
    assert (found.cause, found.subject) == ("data.values", "texts/y.txt")
    assert found.message == "1 file of texts/*.txt changed: y.txt (line 2 was `b` and is `c` now)."
    assert found.remedy.startswith("put texts/y.txt back as it was recorded")


@pytest.mark.parametrize(
    ("now", "cause", "message"),
    [
        ("a,b\n1,2\n", "data.rows", "parts/y.csv: 1 row removed (2 rows before, 1 now)."),
        ("a,b\n3,4\n1,2\n", "data.order", "The 2 rows of parts/y.csv are the same, in another order."),
        ("a,c\n1,2\n3,4\n", "data.schema", "The columns of parts/y.csv changed: b is called c now."),
        ("a,b\n1,2\n3,5\n", "data.values", "Values of parts/y.csv changed: b in 1 row of 2."),
        ("a,b\r\n1,2\r\n3,4\r\n", None, ""),
    ],
)
def test_of_a_folder_with_one_changed_table_it_is_said_what_changed(
    make: Maker, now: str, cause: str | None, message: str
) -> None:
    def folder(text: str) -> Input:
        members = tuple(
            Member(path=f"{n}.csv", digest=make.text(said)) for n, said in (("x", "a,b\n9,9\n"), ("y", text))
        )
        return Input(uri="parts/*.csv", digest=make.text(f"all {text}"), cell=0, members=members, kept=True)

    found = data_change(make.store, folder("a,b\n1,2\n3,4\n"), folder(now))
    assert (found and found.cause, found and found.message) == (cause, message or None)
    assert found is None or found.member == "y.csv"


@pytest.mark.parametrize(
    ("was", "now", "cause", "said"),
    [
        (
            "n0,n20,4.5\nn1,n2,3\n",
            "n0,n20,0.5\nn1,n2,3\n",
            "data.values",
            "line 1 was `n0,n20,4.5` and is `n0,n20,0.5` now",
        ),
        (
            "n0,n20,4.5\nn1,n2,3\n",
            "n1,n2,3\nn0,n20,4.5\n",
            "data.order",
            "its 2 lines are the same, in another order",
        ),
        ("a,b\n1,2\n", "a,c\n1,2\n", "data.schema", "b is called c now"),
    ],
)
def test_a_table_without_a_head_is_told_from_a_renamed_column(
    make: Maker, was: str, now: str, cause: str, said: str
) -> None:
    found = data_change(make.store, *(make.table("edges.csv", text) for text in (was, now)))
    assert found is not None and found.cause == cause and said in found.message


@pytest.mark.parametrize(
    ("was", "now", "cause", "said"),
    [
        ("the\na\n", "the\na\nof\nto\n", "data.rows", "2 lines added, `of` first"),
        ("0.1 2\n0.3 4\n", "0.3 4\n", "data.rows", "1 line taken out, `0.1 2` first"),
        ("0.1\n0.3\n", "0.3\n0.1\n", "data.order", "its 2 lines are the same, in another order"),
        ("0.1\n0.3\n", "0.1\n0.4\n", "data.values", "line 2 was `0.3` and is `0.4` now"),
        ("A word.\nTwo words here.\n", "A word.\n", "data.values", "was taken out"),
    ],
)
def test_lines_of_a_text_that_are_records_count_as_rows(
    make: Maker, was: str, now: str, cause: str, said: str
) -> None:
    sides = [Input(uri="list.txt", digest=make.text(text), bytes=1, cell=0, kept=True) for text in (was, now)]
    found = data_change(make.store, *sides)
    assert found is not None and found.cause == cause and said in found.message


@pytest.mark.parametrize(
    ("now", "cause", "said"),
    [
        ({"X": [[1.0, 2.0], [3.0, 9.0]]}, "data.values", "1 of 4 values of X"),
        ({"X": [[1.0, 2.0]]}, "data.rows", "X had 2 rows and has 1 rows now"),
        ({"X": [[3.0, 4.0], [1.0, 2.0]]}, "data.order", "the 2 rows of X are the same, in another order"),
        ({"Y": [[1.0, 2.0], [3.0, 4.0]]}, "data.schema", "X gone and Y new"),
        ({"X": [[1.0, 2.0], [3.0, 4.0]]}, None, ""),
    ],
)
def test_arrays_are_compared_by_what_they_hold(
    make: Maker, now: dict[str, Any], cause: str | None, said: str
) -> None:
    import io

    import numpy as np

    files = []
    for arrays, save in (({"X": [[1.0, 2.0], [3.0, 4.0]]}, np.savez), (now, np.savez_compressed)):
        file = io.BytesIO()
        save(file, **{name: np.array(values) for name, values in arrays.items()})
        files.append(Input(uri="d.npz", digest=make.store.put(file.getvalue()), bytes=1, cell=0, kept=True))
    found = data_change(make.store, *files)
    assert (found and found.cause) == cause
    assert found is None or said in found.message


def test_of_a_folder_with_a_new_file_the_remedy_is_to_take_it_away(make: Maker) -> None:
    members = tuple(Member(path=f"{name}.csv", digest=make.text(name)) for name in "abc")
    before, after = (
        Input(uri="parts/*.csv", digest=make.text(f"{count}"), cell=0, members=members[:count], kept=True)
        for count in (2, 3)
    )
    (found,) = findings(make, {"inputs": (before,)}, {"inputs": (after,)})
    assert (found.cause, found.subject) == ("data.rows", "parts/c.csv")
    assert found.remedy.startswith("take parts/c.csv away")


def test_added_and_removed_rows_are_counted(make: Maker) -> None:
    found = changed(make, CSV + "99,99\n98,98\n")
    assert (found.cause, found.message) == ("data.rows", "loans.csv: 2 rows added (50 rows before, 52 now).")
    assert (
        changed(make, CSV.replace("7,27\n", "", 1)).message
        == "loans.csv: 1 row removed (50 rows before, 49 now)."
    )


def test_reordered_rows_are_told_from_changed_ones(make: Maker) -> None:
    head, *rows = CSV.splitlines()
    found = changed(make, "\n".join([head, *reversed(rows)]) + "\n")
    assert (found.cause, found.message) == (
        "data.order",
        "The 50 rows of loans.csv are the same, in another order.",
    )


def test_columns_that_came_went_or_were_renamed_are_named(make: Maker) -> None:
    found = changed(make, CSV.replace("income", "salary"))
    assert (found.cause, found.columns) == ("data.schema", ("income", "salary"))
    assert found.message == "The columns of loans.csv changed: income is called salary now."
    lines = [line + (",x" if n else ",extra") for n, line in enumerate(CSV.splitlines())]
    assert changed(make, "\n".join(lines)).message == "The columns of loans.csv changed: extra is new."


def test_a_changed_type_is_schema_and_one_decimal_is_a_value(make: Maker) -> None:
    head, *rows = CSV.splitlines()
    found = changed(make, "\n".join([head, *(f"{row.split(',')[0]}.0,{row.split(',')[1]}" for row in rows)]))
    assert (found.cause, found.columns) == ("data.schema", ("income",))
    assert changed(make, CSV.replace("7,27", "7.5,27", 1)).cause == "data.values"


def test_without_kept_contents_the_manifest_has_to_do(make: Maker) -> None:
    assert changed(make, CSV.replace("7,27", "7000,27", 1), kept=False).columns == ("income",)
    assert changed(make, CSV + "99,99\n", kept=False).message == "loans.csv had 50 rows and has 51 now."


def test_a_file_written_anew_with_equal_content_is_no_difference(make: Maker) -> None:
    before = make.table("loans.csv", CSV)
    again = msgspec.structs.replace(before, digest=make.text("other bytes"))
    assert data_change(make.store, before, again) is None
    (found,) = findings(make, {"inputs": (before,)}, {"inputs": (again,)})
    assert found.cause == "unknown"


def test_a_server_that_gives_something_else_is_external(make: Maker) -> None:
    before = Input(uri="https://example.org/loans", digest=make.text("a"), cell=0)
    after = msgspec.structs.replace(before, digest=make.text("b"))
    assert [f.cause for f in findings(make, {"inputs": (before,)}, {"inputs": (after,)})] == ["data.external"]


def test_a_folder_tells_new_files_from_changed_ones(make: Maker) -> None:
    def folder(**members: str) -> Input:
        made = tuple(Member(path=f"{name}.csv", digest=text) for name, text in members.items())
        return Input(uri="data", digest=str(members), members=made, cell=0)

    more = data_change(make.store, folder(a="1"), folder(a="1", b="2"))
    other = data_change(make.store, folder(a="1"), folder(a="2"))
    assert more is not None and other is not None
    assert (more.cause, other.cause) == ("data.rows", "data.values")
    assert "b.csv" in more.message


def database(path: Path, *statements: str, wal: bool = False) -> bytes:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    if wal:
        connection.execute("PRAGMA journal_mode=WAL")
    for statement in ("CREATE TABLE loans (income INTEGER, age INTEGER)", *statements):
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path.read_bytes()


def change_of(make: Maker, one: bytes, other: bytes) -> DataChange | None:
    before, after = (
        Input(uri="x.db", digest=make.store.put(data), kept=True, bytes=len(data)) for data in (one, other)
    )
    return data_change(make.store, before, after)


def test_a_database_in_wal_mode_is_compared_table_by_table(make: Maker, tmp_path: Path) -> None:
    one, other = (
        database(tmp_path / "x.db", f"INSERT INTO loans VALUES {rows}", wal=True)
        for rows in ("(1, 2)", "(1, 2), (3, 4)")
    )
    assert one[18:20] == b"\x02\x02"
    found = change_of(make, one, other)
    assert found is not None
    assert (found.cause, "had 1 rows and has 2 now" in found.message) == ("data.rows", True)


def test_a_vacuumed_database_holds_the_same_data_and_another_view_or_type_does_not(
    make: Maker, tmp_path: Path
) -> None:
    rows = "INSERT INTO loans VALUES (1, 2), (3, 4)"
    one = database(
        tmp_path / "x.db", rows, "CREATE TABLE big AS SELECT hex(randomblob(9000)) x", "DROP TABLE big"
    )
    other = database(tmp_path / "x.db", rows)
    assert len(one) > len(other)
    assert change_of(make, one, other) is None
    for statement in (
        "CREATE VIEW old AS SELECT * FROM loans",
        "PRAGMA user_version = 7",
        "UPDATE loans SET age = CAST(age AS BLOB)",
    ):
        assert change_of(make, one, database(tmp_path / "x.db", rows, statement)) is not None, statement


@pytest.mark.parametrize(
    ("statements", "cause"),
    [
        (("INSERT INTO loans VALUES (1, 2), (5, 4)",), "data.values"),
        (("INSERT INTO loans VALUES (1, 2)",), "data.rows"),
        (("INSERT INTO loans VALUES (3, 4), (1, 2)",), "data.order"),
        (
            ("INSERT INTO loans VALUES (1, 2), (3, 4)", "ALTER TABLE loans RENAME income TO salary"),
            "data.schema",
        ),
    ],
)
def test_a_database_is_data_like_any_other(
    make: Maker, tmp_path: Path, statements: tuple[str, ...], cause: str
) -> None:
    contents = [
        database(tmp_path / "x.db", *s) for s in (("INSERT INTO loans VALUES (1, 2), (3, 4)",), statements)
    ]
    before, after = (
        Input(uri="x.db", digest=make.store.put(data), kept=True, bytes=len(data)) for data in contents
    )
    found = data_change(make.store, before, after)
    assert found is not None
    assert found.cause == cause
    if cause == "data.values":
        assert found.columns == ("income",)


def test_an_edited_cell_is_named_with_its_line(make: Maker) -> None:
    now = [LOAD, TRAIN.replace("mean", "median")]
    (found,) = findings(make, {}, {"frames": (frame("df", "a"),)}, now=now)
    assert (found.cause, found.subject, found.cell, found.variable) == (
        "code.cell",
        "analysis.ipynb",
        1,
        "auc",
    )
    assert found.message == "The code of cell 2 was edited: `auc = df.a.mean()` is `auc = df.a.median()` now."
    # What the header says of the run is no edit of the code.
    now = [LOAD, TRAIN.replace("mean", "median").replace("base", "base -m other", 1)]
    (again,) = findings(make, {}, {"frames": (frame("df", "a"),)}, now=now)
    assert again.message == found.message


def test_comments_and_formatting_are_no_edit(make: Maker) -> None:
    now = ["# reads\n" + LOAD, "%%experiment base -m 'again'\nauc = (df.a.mean())  # mean"]
    assert [f.cause for f in findings(make, {}, {}, now=now)] == ["unknown"]


def test_an_edit_that_cannot_reach_the_difference_is_not_blamed(make: Maker) -> None:
    before, after = make.table("loans.csv", CSV), make.table("loans.csv", CSV.replace("7,27", "8,27", 1))
    was, now = [LOAD, "other = 1", TRAIN], [LOAD, "other = 2", TRAIN]
    found = findings(make, {"inputs": (before,)}, {"inputs": (after,)}, was=was, now=now)
    assert [f.cause for f in found] == ["data.values"]


def test_data_and_code_that_both_reach_it_are_both_named_data_first(make: Maker) -> None:
    before, after = make.table("loans.csv", CSV), make.table("loans.csv", CSV.replace("7,27", "8,27", 1))
    now = [LOAD, TRAIN.replace("mean", "median")]
    found = findings(make, {"inputs": (before,)}, {"inputs": (after,)}, now=now)
    assert [f.cause for f in found] == ["data.values", "code.cell"]


def test_added_and_removed_cells_and_parameters_are_edits(make: Maker) -> None:
    added = findings(make, {}, {}, now=[LOAD, "df = df[df.a > 0]", TRAIN])
    assert "A cell was added" in added[0].message
    removed = findings(make, {}, {}, was=[LOAD, "df = df[df.a > 0]", TRAIN], now=[LOAD, TRAIN])
    assert removed[0].message == "Cell 2 was removed: `df = df[df.a > 0]`."
    (injected,) = findings(
        make,
        {},
        {},
        was=[LOAD, "df = df * C", TRAIN],
        now=["# Parameters\nC = 5\n", LOAD, "df = df * C", TRAIN],
    )
    assert injected.message == "Parameters were set for this run: `C = 5`."
    assert injected.variable == "C"


def module(make: Maker, text: str) -> Code:
    digest = make.text(text)
    return Code(modules=(Module(path="lib/prepare.py", digest=digest, source=digest, name="prepare"),))


def test_an_edited_module_is_named_and_its_comments_are_not(make: Maker) -> None:
    cells = ["from prepare import clean", LOAD + "\ndf = clean(df)", TRAIN]
    old, new = module(make, "def clean(x):\n    return x"), module(make, "def clean(x):\n    return x * 2")
    (found,) = findings(make, {"code": old}, {"code": new}, was=cells)
    assert (found.cause, found.subject, found.cell, found.variable) == (
        "code.module",
        "lib/prepare.py",
        1,
        "df",
    )
    commented = module(make, "def clean(x):\n    # as it is\n    return x")
    assert [f.cause for f in findings(make, {"code": old}, {"code": commented}, was=cells)] == ["unknown"]


def test_a_package_is_named_with_both_versions_if_it_was_loaded(make: Maker) -> None:
    packages = {"numpy": "2.0", "pandas": "2.2", "unused": "1"}
    (found,) = findings(
        make, {"packages": packages}, {"packages": packages | {"pandas": "3.1", "unused": "2"}}
    )
    assert (found.cause, found.subject) == ("environment.package", "pandas")
    assert found.message == "pandas was 2.2 when this was recorded, and is 3.1 now."
    assert found.remedy.startswith("pip install pandas==2.2")
    unused = findings(make, {"packages": packages}, {"packages": packages | {"unused": "2"}})
    assert [f.cause for f in unused] == ["unknown"]


def test_a_package_that_only_words_its_results_otherwise_is_cosmetic(make: Maker) -> None:
    was = [LOAD, (TRAIN, [printed("Result(auc=0.83)")])]
    now = [LOAD, (TRAIN, [printed("<Result auc: 0.83>")])]
    same = {"metrics": {"auc": 0.8}, "frames": ()}
    found = findings(
        make, {**same, "packages": {"pandas": "2"}}, {**same, "packages": {"pandas": "3"}}, was=was, now=now
    )
    assert [f.cause for f in found] == ["environment.cosmetic"]


def test_a_module_that_comes_from_another_place_is_named_and_the_way_there_is_not(make: Maker) -> None:
    sides = []
    for path, text in (("lib/rates.py", "RATE = 1"), ("/opt/lib/rates.py", "RATE = 2")):
        digest = make.text(text)
        module = Module(path=path, name="rates", digest=digest, source=digest)
        sides.append({"code": Code(modules=(module,)), "variables": {"PYTHONPATH": path}})
    (found,) = findings(make, *sides, was=["import rates\ndf = rates.RATE", TRAIN])
    assert (found.cause, found.subject) == ("code.module", "lib/rates.py")
    assert "/opt/lib/rates.py" in found.message


def test_python_and_variables_are_named(make: Maker) -> None:
    assert [f.cause for f in findings(make, {}, {"python": "3.12.1"})] == ["environment.python"]
    (found,) = findings(make, {"variables": {"TZ": "UTC"}}, {"variables": {"TZ": "Asia/Tokyo"}})
    assert (found.cause, found.subject) == ("environment.variable", "TZ")
    assert (
        found.message
        == "The environment variable TZ was 'UTC' when this was recorded, and is 'Asia/Tokyo' now."
    )


def test_a_factor_without_effect_is_no_finding(make: Maker) -> None:
    one = make.baseline([LOAD, TRAIN], packages={"numpy": "2.0"})
    other = make.run([LOAD, TRAIN, "x = 1"], packages={"numpy": "2.1"})
    assert compare(make.store, one, other).findings == ()


def test_hidden_state_is_named_where_its_variable_reaches_the_result(make: Maker) -> None:
    def warning(name: str) -> tuple[Caution, ...]:
        said = f"`{name}` was last set by a cell that is no longer in the notebook"
        return (Caution(code="hidden-state.deleted-cell", message=said),)

    (found,) = findings(make, {"warnings": warning("df")}, {})
    assert (found.cause, found.subject) == ("hidden-state.deleted-cell", "df")
    assert [f.cause for f in findings(make, {"warnings": warning("unrelated")}, {})] == ["unknown"]


def test_between_two_snapshots_the_one_with_hidden_state_is_found_whichever_it_is(make: Maker) -> None:
    caution = Caution(
        code="hidden-state.order", message="`df` in cell 1 came from cell 3, which stands below it", cell=0
    )
    odd, even = ({"metrics": {"auc": score}, "frames": (frame("df", str(score)),)} for score in (0.7, 0.8))
    cells = [LOAD, TRAIN]
    first = make.baseline(cells, **even)
    second = make.baseline(cells, **odd, warnings=(caution,))
    again = make.baseline(cells, metrics={"auc": 0.6}, frames=(frame("df", "x"),), warnings=(caution,))
    for pair in ((first, second), (second, first)):
        (found,) = compare(make.store, *pair).findings
        assert (found.cause, found.subject, found.cell) == ("hidden-state.order", "df", 0)
    assert all(one.cause != "hidden-state.order" for one in compare(make.store, second, again).findings)


def test_between_two_snapshots_chance_answers_for_what_no_change_explains(make: Maker) -> None:
    cells = [
        LOAD,
        "import random\nluck = random.random()",
        "%%experiment base\nauc = df.a.mean()\nlucky = luck",
    ]
    sides = [
        make.baseline(
            [cells[0], (cells[1], [printed(f"{luck}")]), cells[2]],
            metrics={"auc": score},
            frames=(frame("df", str(score)),),
            inputs=(make.table("loans.csv", text),),
        )
        for score, luck, text in ((0.7, 0.1, CSV), (0.8, 0.9, CSV.replace("7,27", "7000,27")))
    ]
    found = compare(make.store, *sides).findings
    assert [one.cause for one in found] == ["data.values", "randomness.unseeded"]


def test_between_two_snapshots_a_missing_seed_is_likelier_than_a_stopwatch(make: Maker) -> None:
    cells = [
        "import time\nstart = time.time()",
        "import random\ndf = random.random()",
        TRAIN + "\nprint(time.time() - start)",
    ]
    one, other = (
        make.baseline(cells, metrics={"auc": score}, frames=(frame("df", str(score)),))
        for score in (0.7, 0.8)
    )
    (found,) = compare(make.store, one, other).findings
    assert found.cause == "randomness.unseeded"


def test_a_generator_that_a_repeated_cell_drew_from_is_hidden_state(make: Maker) -> None:
    cells = [
        "import numpy as np\nrng = np.random.default_rng(0)",
        "df = rng.normal(size=3)",
        "auc = df.mean()",
    ]
    (found,) = findings(make, {"order": [0, 1, 1, 2]}, {}, was=cells)
    assert (found.cause, found.cell, found.variable) == ("hidden-state.repeated-run", 1, "rng")


def twice(make: Maker, cells: list[str], runs: list[dict[str, Any]], **baseline: Any) -> list[Finding]:
    one = make.baseline(cells, **baseline)
    first, second = (make.run(cells, **fields) for fields in runs)
    return list(diagnose(measure(make.store, one, first), measure(make.store, first, second)))


def test_two_runs_that_disagree_show_unseeded_randomness_and_nothing_else_is_blamed(make: Maker) -> None:
    cells = ["import numpy as np\nx = np.random.normal(size=9)", "%%experiment base\nauc = x.mean()"]
    runs = [{"metrics": {"auc": value}, "packages": {"numpy": "2.1"}} for value in (0.2, 0.3)]
    (found,) = twice(make, cells, runs, metrics={"auc": 0.1}, packages={"numpy": "2.0"})
    assert (found.cause, found.subject, found.cell, found.confirmed) == ("randomness.unseeded", "x", 0, True)
    assert "`np.random.normal()` in cell 1" in found.message


def test_an_estimator_without_random_state_is_named(make: Maker) -> None:
    cells = [
        "from sklearn.ensemble import RandomForestClassifier",
        "clf = RandomForestClassifier().fit(X, y)\nauc = 1",
    ]
    runs = [{"metrics": {"auc": n}, "models": (model("clf", str(n)),)} for n in (0.2, 0.3)]
    (found,) = twice(make, cells, runs, metrics={"auc": 0.1}, models=(model("clf", "0"),))
    assert (found.subject, found.variable, found.cell) == ("clf", "clf", 1)
    assert "RandomForestClassifier()" in found.message


def test_a_draw_in_a_function_is_blamed_where_the_function_is_called(make: Maker) -> None:
    draws = "import random\ndef drawn():\n    return random.random()"
    cells = [draws, "df = drawn()", TRAIN]
    one, two, three = (
        make.run(cells, kind=kind, metrics={"auc": score}, frames=(frame("df", str(score)),))
        for kind, score in (("snapshot", 0.7), ("candidate", 0.8), ("candidate", 0.9))
    )
    (found,) = diagnose(measure(make.store, one, two), measure(make.store, two, three))
    assert (found.cause, found.subject, found.cell, found.variable) == ("randomness.unseeded", "df", 1, "df")
    assert "`random.random()` in cell 1" in found.message


def test_what_both_runs_agree_on_is_blamed_on_what_changed(make: Maker) -> None:
    cells = [
        LOAD,
        "import numpy as np\nx = np.random.normal(size=9)\nnoise = x.mean()",
        "auc = df.income.mean()",
    ]
    before, after = make.table("loans.csv", CSV), make.table("loans.csv", CSV.replace("7,27", "8,27", 1))
    runs = [{"metrics": {"auc": 0.5, "noise": n}, "inputs": (after,)} for n in (0.2, 0.3)]
    found = twice(make, cells, runs, metrics={"auc": 0.4, "noise": 0.1}, inputs=(before,))
    assert [f.cause for f in found] == ["data.values", "randomness.unseeded"]


def test_a_result_that_reads_the_clock_is_time(make: Maker) -> None:
    cells = ["from datetime import datetime\nborn = 1980\nage = datetime.now().timestamp() - born"]
    (found,) = twice(
        make, cells, [{"metrics": {"age": 2.0}}, {"metrics": {"age": 3.0}}], metrics={"age": 1.0}
    )
    assert (found.cause, found.subject, found.cell) == ("time", "age", 0)


def failed(make: Maker, name: str, said: str, cells: list[str], **fields: Any) -> Finding:
    one = make.baseline(cells, **fields)
    last = len(cells) - 1
    now: list[Any] = [*cells[:last], (cells[last], [raised(name, said)])]
    found = compare(make.store, one, make.run(now, failed=(last,)))
    assert found.verdict == "failed"
    return found.findings[0]


def test_an_error_that_says_its_cause_is_believed(make: Maker) -> None:
    missing = failed(make, "FileNotFoundError", "[Errno 2] No such file or directory: 'loans.csv'", [LOAD],
                     inputs=(make.table("loans.csv", CSV),))  # fmt: skip
    assert (missing.cause, missing.subject) == ("data.missing", "loans.csv")
    moved = failed(make, "FileNotFoundError", "No such file or directory: '/home/ada/p/loans.csv'", [LOAD],
                   inputs=(make.table("loans.csv", CSV),))  # fmt: skip
    assert (moved.cause, moved.subject) == ("path", "/home/ada/p/loans.csv")
    package = failed(make, "ModuleNotFoundError", "No module named 'lightgbm'", ["import lightgbm"])
    assert (package.cause, package.subject) == ("environment.package", "lightgbm")
    steps = tuple(
        Module(path=f"steps/{stem}.py", digest="blake3:1", name=name)
        for stem, name in (("__init__", "steps"), ("weights", "steps.weights"))
    )
    inner = failed(
        make,
        "ModuleNotFoundError",
        "No module named 'steps.weights'",
        ["import steps"],
        code=Code(modules=steps),
    )
    assert (inner.cause, inner.subject) == ("code.module", "steps/weights.py")
    gone = failed(make, "NameError", "name 'k' is not defined", ["a = 1", "b = k"], order=["k = 3", 0, 1])
    assert (gone.cause, gone.subject, gone.cell) == ("hidden-state.deleted-cell", "k", 1)
    person = failed(make, "StdinNotImplementedError", "raw_input was called", ["x = input()"])
    assert "asks a person" in person.message


def test_an_import_that_an_edit_brought_in_is_the_edit(make: Maker) -> None:
    one = make.baseline(["x = 1"])
    now: list[Any] = [
        ("import lightgbm\nx = 1", [raised("ModuleNotFoundError", "No module named 'lightgbm'")])
    ]
    found = compare(make.store, one, make.run(now, failed=(0,)))
    assert found.verdict == "failed"
    assert "environment.package" not in {finding.cause for finding in found.findings}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("HTTPError", "HTTP Error 404: Not Found"),
        ("URLError", "<urlopen error [Errno 111] Connection refused>"),
        (
            "ConnectionError",
            "HTTPConnectionPool(host='x.org', port=80): Max retries exceeded with url: /a.csv",
        ),
    ],
)
def test_a_server_that_does_not_answer_any_more_is_external(make: Maker, error: str, said: str) -> None:
    url = "https://x.org/a.csv"
    cells = [f"df = pd.read_csv('{url}')", TRAIN]
    before = make.baseline(
        cells, metrics={"auc": 0.8}, inputs=(Input(uri=url, digest=make.text("a"), cell=0),)
    )
    after = make.run([(cells[0], [raised(error, said)]), TRAIN], order=[0], failed=(0,))
    (found,) = diagnose(measure(make.store, before, after))
    assert (found.cause, found.subject, found.cell, found.confirmed) == ("data.external", url, 0, True)
    assert said.split(":")[0] in found.message


def test_a_name_from_a_cell_below_is_the_order_of_execution(make: Maker) -> None:
    one = make.baseline(["b = k", "k = 3"], order=[1, 0])
    other = make.run(
        [("b = k", [raised("NameError", "name 'k' is not defined")]), "k = 3"], failed=(0,), order=[0]
    )
    (found,) = compare(make.store, one, other).findings
    assert (found.cause, found.subject, found.cell) == ("hidden-state.order", "k", 0)


@pytest.mark.parametrize(
    "look", ["df.describe()", "pd.crosstab(df.income, df.age)", "pd.set_option('display.width', 80)"]
)
def test_a_cell_that_only_looks_and_ran_twice_is_no_hidden_state(make: Maker, look: str) -> None:
    cells = [LOAD, look, TRAIN]
    one = make.baseline(cells, order=[0, 1, 1, 2], metrics={"auc": 0.8}, frames=(frame("df", "a"),))
    other = make.run(cells, metrics={"auc": 0.7}, frames=(frame("df", "b"),))
    found = compare(make.store, one, other).findings
    assert "hidden-state.repeated-run" not in {finding.cause for finding in found}, found
