"""The prediction log: what was acknowledged is there, whatever ended; what is not whole is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_mlgov.errors import NotFound, NotWritable, StoreError, UsageError
from jupyter_mlgov.operate import outcomes, parts, predictions, segments
from jupyter_mlgov.operate.log import PredictionLog, tidy
from jupyter_mlgov.operate.segments import Answered, Header, Segment, line
from jupyter_mlgov.operate.settings import Settings
from jupyter_mlgov.project import Project
from tests.kernel import ROOT
from tests.operate.making import make_project
from tests.operate.test_releases import mlgov

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)
HEADER = Header(
    model="credit", stage="production", version=1, snapshot="ab" * 32,
    inputs=(("income", "double"), ("children", "int64"), ("region", "string"), ("since", "timestamp")),
    outputs=(("prediction", "int64"), ("probability.1", "double")),
)  # fmt: skip


def answered(name: str, rows: int = 1, *, minute: int = 0, **fields: Any) -> Answered:
    at = int((AT + timedelta(minutes=minute)).timestamp() * 1e6)
    inputs = {
        "income": [1.5 * row for row in range(rows)], "children": [None, *range(1, rows)], "region": ["north"] * rows,
        "since": [at] * rows,
    }  # fmt: skip
    outputs = {"prediction": [1] * rows, "probability.1": [0.75] * rows}
    whole: dict[str, Any] = {"inputs": inputs, "outputs": outputs} | fields
    return Answered(id=name, at=at, latency=0.002, rows=rows, **whole)


def place(folder: Path) -> Path:
    return predictions.place_of(folder, "credit", "production")


def read(folder: Path, **times: datetime) -> pa.Table:
    return predictions.read(folder, "credit", "production", **times)


def test_a_segment_and_the_part_made_of_it_read_the_same(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, Settings())
    log.write(HEADER, [answered("a", 3), answered("b", minute=1, explanation=[{"income": 0.5}])])
    written = read(tmp_path)
    assert written.num_rows == 4
    first = written.slice(0, 1).to_pylist()[0]
    assert (first["request_id"], first["row"], first["at"], first["version"]) == ("a", 0, AT, 1)
    assert (first["input.children"], first["output.probability.1"], first["input.since"]) == (None, 0.75, AT)
    assert written["explanation"].to_pylist() == [None, None, None, '{"income": 0.5}']
    log.close()
    tidy(place(tmp_path), Settings())
    assert [path.suffix for path in place(tmp_path).iterdir()] == [".parquet"]
    assert read(tmp_path).equals(written)


def test_what_is_being_written_is_never_rolled(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, Settings())
    log.write(HEADER, [answered("a")])
    assert parts.roll_all(place(tmp_path)) == []
    log.write(HEADER, [answered("b")])
    assert read(tmp_path)["request_id"].to_pylist() == ["a", "b"]


WRITER = """
import sys
from pathlib import Path
from jupyter_mlgov.operate.log import PredictionLog
from jupyter_mlgov.operate.settings import Settings
from tests.operate.test_prediction_log import HEADER, answered
log = PredictionLog(Path(sys.argv[1]), Settings(segment_bytes=4000))
number = 0
while True:
    names = [f"{number + more:06d}" for more in range(3)]
    log.write(HEADER, [answered(name, 2) for name in names])
    print(names[-1], flush=True)  # acknowledged
    number += 3
"""


def test_every_acknowledged_prediction_survives_a_killed_writer(tmp_path: Path) -> None:
    for run in range(3):
        folder = tmp_path / str(run)
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder)], env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert writer.stdout is not None
        heard = [writer.stdout.readline().strip() for _ in range(40 + 17 * run)]
        os.kill(writer.pid, signal.SIGKILL)
        heard += writer.stdout.read().split()
        writer.wait()
        writer.stdout.close()
        acknowledged = {f"{number:06d}" for number in range(int(heard[-1]) + 1)}
        table = read(folder)
        assert acknowledged <= set(table["request_id"].to_pylist())
        keys = list(zip(table["request_id"].to_pylist(), table["row"].to_pylist(), strict=True))
        assert len(keys) == len(set(keys)) == 2 * len(set(table["request_id"].to_pylist()))
        tidy(place(folder), Settings())
        assert read(folder).equals(table)
        assert not list(place(folder).glob("*.segment"))


def test_a_part_beside_its_segment_counts_once(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, Settings())
    log.write(HEADER, [answered("a")])
    log.close()
    (segment,) = place(tmp_path).glob("*.segment")
    kept = segment.read_bytes()
    parts.roll(segment)
    segment.write_bytes(kept)  # killed between the part and the end of the segment
    assert read(tmp_path).num_rows == 1
    tidy(place(tmp_path), Settings())
    assert read(tmp_path).num_rows == 1
    assert not segment.exists()


@pytest.mark.parametrize("cut", [1, 5, 12, 60])
def test_a_half_written_segment_keeps_what_is_whole_and_is_reported(tmp_path: Path, cut: int) -> None:
    one = Segment(place(tmp_path), HEADER)
    one.append([line(answered("a")), line(answered("b"))])
    one.append([line(answered("c"))[:-cut]])
    assert predictions.problems(read(tmp_path)) == ()  # it is still being written
    one.close()
    for _ in range(2):
        table = read(tmp_path)
        assert table["request_id"].to_pylist() == ["a", "b"]
        (problem,) = predictions.problems(table)
        assert "bytes" in problem
        tidy(place(tmp_path), Settings())
    (torn,) = place(tmp_path).glob("*.torn")
    assert torn.read_bytes() == line(answered("c"))[:-cut]


def test_a_changed_line_in_the_middle_is_left_out_and_told(tmp_path: Path) -> None:
    one = Segment(place(tmp_path), HEADER)
    one.append([line(answered(name)) for name in "abc"])
    one.path.write_bytes(one.path.read_bytes().replace(b'"b"', b'"x"'))
    table = read(tmp_path)
    assert table["request_id"].to_pylist() == ["a", "c"]
    assert len(predictions.problems(table)) == 1
    one.close()


def test_versions_with_other_columns_are_one_table(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, Settings())
    log.write(HEADER, [answered("a")])
    later = msgspec.structs.replace(
        HEADER, version=2, inputs=(("income", "int64"), ("children", "string"), ("age", "int64"))
    )
    inputs: dict[str, list[Any]] = {"income": [3], "children": ["two"], "age": [40]}
    log.write(later, [answered("b", inputs=inputs, minute=1)])
    log.close()
    table = read(tmp_path)
    assert table["input.income"].to_pylist() == [0.0, 3.0]
    assert table["input.children"].to_pylist() == [None, "two"]
    assert table["input.age"].to_pylist() == [None, 40]
    assert table["input.region"].to_pylist() == ["north", None]
    assert table["version"].to_pylist() == [1, 2]


def test_a_log_of_an_older_form_is_read_and_one_of_a_newer_is_refused(tmp_path: Path) -> None:
    place(tmp_path).mkdir(parents=True)
    old = parts.table(HEADER, [answered("old")]).drop_columns(["client_id", "explanation"])
    pq.write_table(old.replace_schema_metadata(None), place(tmp_path) / "20250101.parquet")
    PredictionLog(tmp_path, Settings()).write(HEADER, [answered("new", minute=1)])
    assert read(tmp_path)["request_id"].to_pylist() == ["old", "new"]
    newer = line(msgspec.structs.replace(HEADER, schema=segments.SCHEMA + 1))
    (place(tmp_path) / "later.segment").write_bytes(newer)
    with pytest.raises(StoreError, match="upgrade jupyter-mlgov"):
        read(tmp_path)


def test_columns_that_must_not_be_logged_are_nowhere_on_disk(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, Settings(never_log=("region",)))
    log.write(HEADER, [answered("a", explanation=[{"income": 0.25, "region": 0.8125, "(base)": 0.5}])])
    log.close()
    (segment,) = place(tmp_path).glob("*.segment")
    assert b"north" not in segment.read_bytes()
    assert b"0.8125" not in segment.read_bytes()
    assert json.loads(read(tmp_path)["explanation"][0].as_py()) == {"income": 0.25, "(base)": 0.5}
    assert segments.read(segment).header.withheld == ("region",)  # type: ignore[union-attr]
    assert "input.region" not in read(tmp_path).schema.names


def test_segments_are_rotated_and_old_parts_expire(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, Settings(segment_bytes=2_000))
    for number in range(40):
        log.write(HEADER, [answered(str(number), minute=number)])
    log.close()
    tidy(place(tmp_path), Settings())
    made = len(list(place(tmp_path).glob("*.parquet")))
    assert made > 3
    assert read(tmp_path).num_rows == 40
    gone = parts.expire(place(tmp_path), AT + timedelta(minutes=20))
    assert 0 < len(gone) < made
    kept = read(tmp_path)["request_id"].to_pylist()
    assert set(map(str, range(20, 40))) <= set(kept)
    assert "0" not in kept


def test_a_time_selects_rows_of_parts_and_segments(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path, Settings())
    log.write(HEADER, [answered(str(number), minute=number) for number in range(6)])
    table = read(tmp_path, since=AT + timedelta(minutes=2), until=AT + timedelta(minutes=4))
    assert table["request_id"].to_pylist() == ["2", "3"]
    assert predictions.moment("2026-11-26") == datetime(2026, 11, 26, tzinfo=UTC)
    assert predictions.moment("90m", now=AT) == AT - timedelta(minutes=90)
    with pytest.raises(UsageError, match="how long ago"):
        predictions.moment("yesterday")


def test_a_refusing_disk_leaves_the_segment_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Segment(tmp_path, HEADER)
    one.append([line(answered("a"))])

    def refuse(file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(segments, "_synchronise", refuse)
        with pytest.raises(OSError, match="No space"):
            one.append([line(answered("b"))])
    one.append([line(answered("c"))])
    found = segments.read(one.path)
    assert [each.id for each in found.answered] == ["a", "c"]
    assert found.torn == b""
    one.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = make_project(tmp_path)
    made.release("baseline", "credit", "production")
    log = PredictionLog(made.predictions_folder, Settings())
    log.write(HEADER, [answered("a"), answered("b", 2, minute=1), answered("c", minute=2)])
    log.close()
    return made


def test_outcomes_are_joined_with_what_was_predicted(project: Project) -> None:
    file = project.root / "what.csv"
    file.write_text("request_id,outcome,row\na,1,0\nb,0,1\n")
    done = mlgov(project.root, "outcomes", "add", "what.csv", "--json")
    assert json.loads(done.stdout) == {"rows": 2, "known": 2, "logged": 4}, done.stderr
    table = project.predictions("credit:production")
    assert table["outcome"].to_pylist() == [1, None, 0, None]
    (summary,) = project.prediction_logs()
    assert (summary.requests, summary.rows, summary.outcomes, summary.versions) == (3, 4, 2, (1,))
    shown = json.loads(mlgov(project.root, "predictions", "credit:production", "--json").stdout)
    assert [row["outcome"] for row in shown] == [1, None, 0, None]
    assert shown[0]["at"] == "2026-11-26T09:00:00Z"
    assert mlgov(project.root, "predictions", "credit:production", "-o", "p.csv").returncode == 0
    assert len((project.root / "p.csv").read_text().splitlines()) == 5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("request_id,outcome\na,1\na,0\n", "request a is in it twice"),
        ("request_id,outcome\na,1\nz,0\n", "request z is of no logged prediction"),
        ("request_id,outcome,row\nb,1,2\n", "request b row 2 is of no logged prediction"),
        ("request_id,outcome\nb,1\n", "add a column row"),
        ("request_id,truth\na,1\n", "no column 'outcome'"),
        ("request_id,outcome\na,\nc,1\n", "1 rows have no outcome"),
        ("", "no CSV and no Parquet"),
        ("request_id,outcome\n", "has no row"),
        ("request_id,outcome,row\na,1,0.7\n", "holds what is no whole number"),
        ("request_id,outcome,row\na,1,\n", "holds what is no whole number"),
        ("request_id,outcome,row\na,1,true\n", "holds what is no whole number"),
        ("request_id,outcome,row\na,1,inf\n", "holds what is no whole number"),
    ],
)
def test_outcomes_that_do_not_fit_are_refused_whole_in_one_line(
    project: Project, text: str, says: str
) -> None:
    (project.root / "what.csv").write_text(text)
    with pytest.raises(UsageError, match=says) as raised:
        project.add_outcomes(project.root / "what.csv")
    assert "\n" not in str(raised.value)
    assert outcomes.read(project.predictions_folder).num_rows == 0


def test_an_empty_file_that_an_earlier_version_kept_changes_no_type(project: Project) -> None:
    (project.root / "what.csv").write_text("request_id,outcome,row\na,1,0.0\n")
    project.add_outcomes(project.root / "what.csv")
    empty = pa.table(
        {
            "request_id": pa.array([], pa.string()),
            "row": pa.array([], pa.int32()),
            "outcome": pa.nulls(0),
            "outcome_at": pa.array([], pa.timestamp("us", tz="UTC")),
        }
    )
    pq.write_table(
        empty, project.predictions_folder / outcomes.FOLDER / "20250101T000000.000000Z-aaaaaa.parquet"
    )
    assert outcomes.read(project.predictions_folder)["outcome"].to_pylist() == [1]


def test_an_export_is_written_whole_or_not_at_all(project: Project) -> None:
    table = project.predictions("credit:production")
    for name in ("p.csv", "p.parquet"):
        (project.root / name).write_text("before")
        project.write_predictions(table, project.root / name)
    assert pq.read_table(project.root / "p.parquet").num_rows == len(table)
    kept = (project.root / "p.csv").read_bytes()
    nested = table.append_column("odd", pa.array([[1]] * len(table)))
    with pytest.raises(pa.ArrowException):
        project.write_predictions(nested, project.root / "p.csv")
    assert (project.root / "p.csv").read_bytes() == kept
    assert not list(project.root.glob(".p.csv*"))
    with pytest.raises(NotWritable, match="choose another place with -o"):
        project.write_predictions(table, project.root / "nowhere" / "p.csv")


def test_an_outcome_is_said_once(project: Project) -> None:
    file = project.root / "what.csv"
    file.write_text("request_id,outcome\na,1\n")
    project.add_outcomes(file)
    done = mlgov(project.root, "outcomes", "add", "what.csv")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "has been added before" in done.stderr


def test_an_empty_log_is_an_empty_table_and_outcomes_need_predictions(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    with pytest.raises(NotFound, match="was released"):
        project.predictions("credit:production")
    project.release("baseline", "credit", "production")
    table = project.predictions("credit:production")
    assert table.num_rows == 0
    assert {"request_id", "row", "at", "version", "outcome"} <= set(table.schema.names)
    (tmp_path / "what.csv").write_text("request_id,outcome\na,1\n")
    with pytest.raises(NotFound, match="no prediction is logged"):
        project.add_outcomes(tmp_path / "what.csv")
