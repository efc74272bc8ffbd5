"""What a model answers, whatever kind it is, is what its version says and what the log keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, RidgeClassifier
from sklearn.neural_network import MLPClassifier

from jupyter_mlgov.errors import Blocked
from jupyter_mlgov.operate import parts, predictions, segments
from jupyter_mlgov.operate.accepted import Accepted, Column, Refused
from jupyter_mlgov.operate.explanations import explain, explained_output
from jupyter_mlgov.operate.log import PredictionLog, tidy
from jupyter_mlgov.operate.segments import Answered, Header, Segment, line
from jupyter_mlgov.operate.served import Served
from jupyter_mlgov.operate.settings import Settings
from jupyter_mlgov.records.release import Release

RELEASE = Release(
    model="credit", stage="production", number=1, snapshot="ab" * 32, by="Anna", at="2026-11-26T09:00:00Z", gate="x"
)  # fmt: skip
NUMBERS = Accepted(
    [Column(name=name, kind="number", dtype="float64") for name in "ab"], "table", learnt=False
)
ROWS = pd.DataFrame(np.random.default_rng(0).normal(0, 1, (80, 2)), columns=["a", "b"])
TWO_TARGETS = np.column_stack([ROWS["a"] + ROWS["b"], ROWS["a"] - ROWS["b"]])
GIVEN = {"a": [1.0, 2.0], "b": [0.5, -0.5]}


def answered(served: Served, **fields: Any) -> Answered:
    outputs = served.predict(GIVEN).columns
    return Answered(
        id="r1", at=1_764_000_000_000_000, latency=0.1, rows=2, inputs=GIVEN, outputs=outputs, **fields
    )


def logged(folder: Path, served: Served) -> Any:
    log = PredictionLog(folder, Settings())
    log.write(served.header, [answered(served)])
    log.close()
    tidy(predictions.place_of(folder, "credit", "production"), Settings())
    return predictions.read(folder, "credit", "production")


@pytest.mark.parametrize("background", [ROWS, None])
def test_a_model_with_several_outputs_says_so_and_all_of_them_are_logged(
    tmp_path: Path, background: Any
) -> None:
    model = LinearRegression().fit(ROWS, TWO_TARGETS)
    served = Served(RELEASE, model, NUMBERS, background)
    assert served.outputs == (("prediction.0", "double"), ("prediction.1", "double"))
    table = logged(tmp_path, served)
    assert table["output.prediction.0"].to_pylist() == pytest.approx([1.5, 1.5])
    assert table["output.prediction.1"].to_pylist() == pytest.approx([0.5, 2.5])
    assert explained_output(served) == "prediction.0"


def test_the_first_of_several_outputs_is_what_is_explained() -> None:
    served = Served(RELEASE, LinearRegression().fit(ROWS, TWO_TARGETS), NUMBERS, ROWS)
    first = explain(served, GIVEN)[0]
    assert sum(first.values()) == pytest.approx(1.5)


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5, random_state=0),
        MLPClassifier((4,), solver="lbfgs", max_iter=2000, random_state=0),
    ],
    ids=["forest", "network"],
)
def test_a_classifier_of_several_labels_at_once_gives_each(tmp_path: Path, model: Any) -> None:
    labels = (TWO_TARGETS > 0).astype(int)
    model.fit(ROWS, labels)
    served = Served(RELEASE, model, NUMBERS, ROWS)
    assert [name for name, _ in served.outputs] == ["prediction.0", "prediction.1"]
    expected = model.predict(pd.DataFrame(GIVEN))
    table = logged(tmp_path, served)
    assert table["output.prediction.0"].to_pylist() == expected[:, 0].tolist()
    assert table["output.prediction.1"].to_pylist() == expected[:, 1].tolist()


def test_labels_without_probabilities_are_logged_as_what_they_are(tmp_path: Path) -> None:
    model = RidgeClassifier().fit(ROWS, np.where(ROWS["a"] > 0, "yes", "no"))
    served = Served(RELEASE, model, NUMBERS, ROWS)
    assert served.outputs == (("prediction", "string"),)
    assert logged(tmp_path, served)["output.prediction"].to_pylist() == ["yes", "yes"]


def test_a_model_that_does_not_predict_its_own_rows_is_told(tmp_path: Path) -> None:
    model = LinearRegression().fit(ROWS, TWO_TARGETS)
    with pytest.raises(Blocked, match="does not predict a row of its own test data"):
        Served(RELEASE, model, NUMBERS, ROWS.assign(c=1.0))


class Growing:
    """Gives one output at first, and two later."""

    asked = 0

    def predict(self, rows: Any) -> Any:
        self.asked += 1
        return np.zeros((len(rows), min(self.asked, 2)))


def test_outputs_that_the_version_does_not_have_are_no_answer() -> None:
    served = Served(RELEASE, Growing(), NUMBERS, ROWS)
    with pytest.raises(ValueError, match=r"2 outputs.*1"):
        served.predict(GIVEN)


def test_what_a_header_does_not_name_is_read_all_the_same(tmp_path: Path) -> None:
    header = Header(
        model="credit", stage="production", version=1, snapshot="ab" * 32, inputs=(("a", "double"),),
        outputs=(("prediction", "double"),),
    )  # fmt: skip
    one = Segment(tmp_path, header)
    outputs: dict[str, list[Any]] = {"prediction.0": [1.5], "prediction.1": [2]}
    one.append([line(Answered(id="r1", at=1, latency=0.1, rows=1, inputs={"a": [1]}, outputs=outputs))])
    one.close()
    found = segments.read(one.path)
    assert found.header is not None
    table = parts.table(found.header, found.answered)
    assert table["output.prediction.0"].to_pylist() == [1.5]
    assert table["output.prediction.1"].to_pylist() == [2]
    assert table["output.prediction"].to_pylist() == [None]


def test_a_large_whole_number_leaves_a_column_of_numbers_one(tmp_path: Path) -> None:
    takes = Accepted(
        [Column(name="a", kind="number", dtype="float64"), Column(name="n", kind="integer", dtype="int64")],
        "table", learnt=True,
    )  # fmt: skip
    checked = takes.check({"a": [1.5, 2**53 + 1, 10**30], "n": [1, 2, None]}, 3)
    assert [type(value) for value in checked["a"]] == [float] * 3
    for name, value in (("a", 10**400), ("n", 2**63), ("n", -(10**30))):
        given = {"a": [1.0], "n": [1]} | {name: [value]}
        with pytest.raises(Refused, match=f"{name} .row 0.: .* is too large"):
            takes.check(given, 1)
    header = Header(
        model="credit", stage="production", version=1, snapshot="ab" * 32, inputs=(("a", "double"), ("n", "int64")),
        outputs=(),
    )  # fmt: skip
    old = Answered(id="r", at=1, latency=0.1, rows=2, inputs={"a": [1.5, 2**53 + 1], "n": [1, 2]}, outputs={})
    table = parts.table(header, [old])
    assert str(table.schema.field("input.a").type) == "double"
    older = Answered(id="r", at=1, latency=0.1, rows=1, inputs={"a": [1.5], "n": [10**30]}, outputs={})
    assert parts.table(header, [older])["input.n"].to_pylist() == [str(10**30)]
