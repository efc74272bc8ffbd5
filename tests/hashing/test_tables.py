"""Table files: which are tables, what a digest of a column depends on, and what differs between two versions."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather, parquet

from jupyter_mlgov.hashing import table_files
from jupyter_mlgov.hashing.digest import Limits, Unhashable
from jupyter_mlgov.hashing.tables import (
    Table,
    compare_tables,
    describe_table,
    read_table,
    table_from_bytes,
)

TEXT = "id,name,score,day\n1,ann,0.5,2020-01-01\n2,bob,,2020-01-02\n3,,2.5,2020-01-03\n"
RECORDS = [{"id": 1, "name": "ann"}, {"id": 2, "name": None}, {"id": 3, "name": "cy"}]


def described(folder: Path, name: str, data: str | bytes) -> Table | None:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return describe_table(path)


def columns(table: Table | None) -> dict[str, tuple[str, str]]:
    assert table is not None
    return {column.name: (column.dtype, column.digest) for column in table.columns}


def test_a_csv_file_has_rows_and_typed_columns(tmp_path: Path) -> None:
    table = described(tmp_path, "a.csv", TEXT)
    assert table is not None
    assert table.rows == 3
    assert [(column.name, column.dtype) for column in table.columns] == [
        ("id", "int64"), ("name", "string"), ("score", "double"), ("day", "date32[day]"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        TEXT.replace(",", ";"),
        TEXT.replace(",", "\t"),
        TEXT.replace(",", "|"),
        TEXT.replace("ann", '"ann"'),
        TEXT.replace("0.5", "0.50"),
        TEXT.encode("utf-16"),
        TEXT.rstrip("\n"),
    ],
)
def test_how_a_text_file_is_spelled_does_not_count(tmp_path: Path, data: str | bytes) -> None:
    assert described(tmp_path, "a.csv", data) == described(tmp_path, "b.csv", TEXT)


def test_a_text_file_of_columns_in_latin_1_is_read(tmp_path: Path) -> None:
    one = described(tmp_path, "a.csv", "a,ü\n1,ö\n".encode("latin-1"))
    assert one == described(tmp_path, "b.csv", "a,ü\n1,ö\n")


def test_a_newline_within_quotes_is_no_row(tmp_path: Path) -> None:
    table = described(tmp_path, "a.csv", 'a,b\n1,"x\ny"\n2,z\n')
    assert table is not None
    assert table.rows == 2


@pytest.mark.parametrize(
    "pack",
    [
        (".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress),
        (".zst", zstandard.ZstdCompressor().compress),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.tsv"])
def test_a_packed_file_is_the_file_within(tmp_path: Path, pack: Any, name: str) -> None:
    data = {
        "a.csv": TEXT,
        "a.tsv": TEXT.replace(",", "\t"),
        "a.json": json.dumps(RECORDS),
        "a.jsonl": "\n".join(map(json.dumps, RECORDS)),
    }[name]
    plain = described(tmp_path, name, data)
    assert plain is not None
    assert described(tmp_path, name + pack[0], pack[1](data.encode())) == plain


@pytest.mark.parametrize("name", ["a.zip", "a.csv.zip"])
def test_a_zip_with_one_table_is_that_table(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("inner.csv", TEXT)
    assert describe_table(tmp_path / name) == described(tmp_path, "b.csv", TEXT)


def test_a_zip_with_several_files_is_no_table(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)
    assert describe_table(tmp_path / "a.zip") is None


def frame() -> pd.DataFrame:
    n = 1000
    return pd.DataFrame(
        {
            "i": np.arange(n),
            "f": np.where(np.arange(n) % 7, np.arange(n) / 3, np.nan),
            "s": [None if k % 11 == 0 else f"s{k % 13}" for k in range(n)],
            "c": pd.Categorical([f"c{k % 5}" for k in range(n)]),
            "t": pd.date_range("2020-01-01", periods=n, freq="h", tz="UTC"),
            "l": [list(range(k % 4)) for k in range(n)],
        }
    )


def test_parquet_written_in_other_pieces_has_the_same_columns(tmp_path: Path) -> None:
    table = pa.Table.from_pandas(frame())
    parquet.write_table(table, tmp_path / "a.parquet")
    parquet.write_table(
        table, tmp_path / "b.parquet", row_group_size=77, compression="zstd", use_dictionary=False
    )
    assert describe_table(tmp_path / "a.parquet") == describe_table(tmp_path / "b.parquet")


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_feather_and_arrow_have_the_same_columns_in_any_compression(tmp_path: Path, compression: str) -> None:
    table = pa.Table.from_pandas(frame())
    feather.write_feather(table, str(tmp_path / "a.feather"), compression=compression, chunksize=100)
    with pa.OSFile(str(tmp_path / "b.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert describe_table(tmp_path / "a.feather") == describe_table(tmp_path / "b.arrow")


def test_json_lines_and_json_records_are_the_same_table(tmp_path: Path) -> None:
    lines = described(tmp_path, "a.jsonl", "\n".join(map(json.dumps, RECORDS)))
    assert lines is not None
    assert lines.rows == 3
    assert described(tmp_path, "a.json", json.dumps(RECORDS)) == lines
    assert described(tmp_path, "b.json", "\n".join(map(json.dumps, RECORDS))) == lines


def test_records_may_lack_fields(tmp_path: Path) -> None:
    table = described(tmp_path, "a.json", '[{"a": 1}, {"b": 2}]')
    assert table is not None
    assert [column.name for column in table.columns] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b""), ("a.csv", b"\n\n"), ("a.csv", bytes(range(256)) * 40), ("a.csv", b"a,b\n1,2,3\n"),
        ("a.json", b'{"a": 1}'), ("a.json", b"[1, 2]"), ("a.json", b"{"), ("a.json", b"[]"), ("a.json", b"null"),
        ("a.jsonl", b"no json"), ("a.parquet", b"PAR1 nothing PAR1"), ("a.feather", b"ARROW1"), ("a.arrow", b""),
        ("a.csv.gz", b"no gzip"), ("a.zip", b"no zip"), ("a.xlsx", b"no workbook"), ("a.txt", b"a,b\n1,2\n"),
        ("a", b"a,b\n1,2\n"), ("a.png", b"\x89PNG"), (".csv", b"a\n1\n"),
    ],
)  # fmt: skip
def test_what_cannot_be_parsed_is_no_table_and_no_error(tmp_path: Path, name: str, data: bytes) -> None:
    assert described(tmp_path, name, data) is None


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        describe_table(tmp_path / "a.csv")


@given(st.binary(max_size=300), st.sampled_from([".csv", ".parquet", ".jsonl", ".json", ".arrow", ".csv.gz"]))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_it_raise(data: bytes, suffix: str) -> None:
    table_from_bytes(data, suffix)


def test_a_large_text_file_is_streamed_with_the_same_types_and_digests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"{k},{k},{k},,{'true' if k % 2 else 'false'},2020-01-01,x" for k in range(300_000)]
    # Every column turns out to be of another type than its beginning says.
    rows[-1] = "1.5,1e3,word,7,maybe,yesterday,\udcff"
    data = ("a,b,c,d,e,f,g\n" + "\n".join(rows) + "\n").encode("utf-8", "surrogateescape")
    (tmp_path / "a.csv").write_bytes(data)
    at_once = describe_table(tmp_path / "a.csv")
    monkeypatch.setattr(table_files, "WHOLE", 1 << 16)
    monkeypatch.setattr(table_files, "STREAM_BLOCK", 1 << 20)
    streamed = describe_table(tmp_path / "a.csv")
    assert at_once is not None
    assert [column.dtype for column in at_once.columns] == [
        "double", "double", "string", "int64", "string", "string", "binary",
    ]  # fmt: skip
    assert streamed == at_once
    read = read_table(tmp_path / "a.csv")
    assert read is not None
    assert read.num_rows == 300_000


def test_past_the_deadline_there_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    with pytest.raises(Unhashable, match="time budget"):
        describe_table(tmp_path / "a.csv", limits=Limits(deadline=0.0))


# -- differences -----------------------------------------------------------------------------------------------


def two(change: Any) -> Any:
    old = pa.table(
        {"id": list(range(100)), "name": [f"n{k}" for k in range(100)], "x": [k / 2 for k in range(100)]}
    )
    old = pa.Table.from_pandas(old.to_pandas(), preserve_index=False)
    return compare_tables(old, pa.Table.from_pandas(change(old.to_pandas()), preserve_index=False))


def test_equal_tables_do_not_differ() -> None:
    difference = two(lambda frame: frame)
    assert difference == type(difference)()


def test_changed_cells_are_counted_by_column() -> None:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[[3, 5, 7], "x"] = -1.0
        frame.loc[[5], "name"] = None
        return frame

    difference = two(change)
    assert (difference.changed_columns, difference.changed_rows) == ({"name": 1, "x": 3}, 3)
    assert not (difference.rows_added or difference.rows_removed or difference.reordered)


def test_rows_in_another_order_are_reordered_and_nothing_else() -> None:
    difference = two(lambda frame: frame.sample(frac=1, random_state=0))
    assert difference.reordered
    assert not difference.changed_columns
    assert difference.rows_added == difference.rows_removed == 0


def test_one_changed_column_is_found_among_rows_in_another_order() -> None:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[[3, 5], "x"] = -1.0
        return frame.sample(frac=1, random_state=0)

    difference = two(change)
    assert difference.changed_columns == {"x": 2}
    assert not difference.reordered


def test_rows_added_and_removed_anywhere_are_counted() -> None:
    assert two(lambda frame: frame.drop(index=[0, 50])).rows_removed == 2
    more = two(lambda frame: pd.concat([frame.head(3), frame]))
    assert (more.rows_added, more.rows_removed, more.changed_columns) == (3, 0, {})


def test_a_window_that_moved_has_rows_added_and_removed() -> None:
    fresh = pd.DataFrame({"id": [100], "name": ["n100"], "x": [50.0]})
    difference = two(lambda frame: pd.concat([frame.iloc[1:], fresh]))
    assert (difference.rows_added, difference.rows_removed, difference.changed_columns) == (1, 1, {})


def test_edits_are_found_beside_rows_that_were_appended() -> None:
    fresh = pd.DataFrame({"id": [100], "name": ["n100"], "x": [50.0]})

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[[4], "x"] = 0.25
        return pd.concat([frame, fresh])

    difference = two(change)
    assert (difference.changed_columns, difference.rows_added, difference.rows_removed) == ({"x": 1}, 1, 0)


def test_columns_that_come_go_and_change_type_are_named() -> None:
    difference = two(lambda frame: frame.drop(columns="name").assign(y=1, id=frame.id.astype(float)))
    assert difference.added_columns == ("y",)
    assert difference.removed_columns == ("name",)
    assert difference.retyped_columns == ("id",)
    assert not difference.changed_columns


def test_a_word_in_a_column_of_numbers_is_one_changed_cell() -> None:
    old = table_from_bytes(b"a,b\n1,x\n2,y\n3,z\n", ".csv")
    new = table_from_bytes(b"a,b\n1,x\ntwo,y\n3,z\n", ".csv")
    difference = compare_tables(old, new)
    assert difference.retyped_columns == ("a",)
    assert difference.changed_columns == {"a": 1}


def test_columns_of_one_name_are_matched_by_their_order() -> None:
    old = pa.table([[1, 2], [3, 4]], names=["a", "a"])
    new = pa.table([[1, 2], [3, 5]], names=["a", "a"])
    assert compare_tables(old, new).changed_columns == {"a": 1}


CELLS: dict[str, st.SearchStrategy[Any]] = {
    "int": st.none() | st.integers(-3, 3),
    "float": st.none() | st.sampled_from([0.0, 1.5, float("nan"), float("inf")]),
    "text": st.none() | st.sampled_from(["", "a", "b", "\0", "ü"]),
    "list": st.none() | st.lists(st.integers(0, 2), max_size=2),
    "bytes": st.none() | st.binary(max_size=2),
    "bool": st.none() | st.booleans(),
}
TYPES = {"int": pa.int32(), "float": pa.float64(), "text": pa.string(), "list": pa.list_(pa.int8()),
         "bytes": pa.binary(), "bool": pa.bool_()}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 8))
    names = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=4, unique=True))
    arrays = [
        pa.array(draw(st.lists(CELLS[name], min_size=rows, max_size=rows)), TYPES[name]) for name in names
    ]
    return pa.Table.from_arrays(arrays, names=names)


@given(tables(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_a_shuffled_table_is_equal_or_reordered_and_a_part_of_it_lacks_rows(
    table: pa.Table, random: Any
) -> None:
    order = list(range(table.num_rows))
    random.shuffle(order)
    shuffled = table.take(pa.array(order, pa.int64()))
    difference = compare_tables(table, shuffled)
    assert not (difference.changed_columns or difference.rows_added or difference.rows_removed)
    part = shuffled.slice(0, table.num_rows // 2)
    fewer = compare_tables(table, part)
    assert fewer.rows_removed == table.num_rows - table.num_rows // 2
    assert fewer.rows_added == 0


def test_bytes_and_the_file_give_the_same_table(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pandas(frame()), buffer)
    (tmp_path / "a.parquet").write_bytes(buffer.getvalue())
    read = read_table(tmp_path / "a.parquet")
    made = table_from_bytes(buffer.getvalue(), ".parquet")
    assert read is not None
    assert read.equals(made)
