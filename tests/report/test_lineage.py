"""The lineage picture is inferred from the code without executing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from jupyter_mlgov.records.manifest import Frame, Input, JournalEntry, Manifest, Model
from jupyter_mlgov.report.lineage import draw, graph
from jupyter_mlgov.report.record import read
from jupyter_mlgov.report.views import Graph
from jupyter_mlgov.store import Store
from tests.report import sample
from tests.report.sample import Sample, name


def picture(folder: Path, cells: list[str], **fields: Any) -> Graph | None:
    """The picture of a session that executed ``cells``."""
    store = Store.create(folder / ".mlgov")
    made = sample.manifest(store)
    journal = tuple(
        JournalEntry(index=index, source=store.put(text.encode()), execution_count=index, status="ok")
        for index, text in enumerate(cells)
    )
    empty: dict[str, Any] = {
        "inputs": (),
        "frames": (),
        "models": (),
        "metrics": {},
        "charter": None,
        "kpis": (),
    }
    made = msgspec.structs.replace(
        made, notebook=msgspec.structs.replace(made.notebook, journal=journal), **{**empty, **fields}
    )
    return graph(read(store, store.commit(made).subject))


def frames(*names: str) -> tuple[Frame, ...]:
    return tuple(Frame(name=one, type="pandas.DataFrame", digest=name(one), rows=1) for one in names)


def inputs(**cells: int) -> tuple[Input, ...]:
    return tuple(Input(uri=f"data/{one}.csv", digest=name(one), cell=cell) for one, cell in cells.items())


def model(one: str) -> Model:
    return Model(name=one, class_="sklearn.Tree", parameters={}, digest=name(one))


def lines(found: Graph | None) -> dict[str, tuple[str, ...]]:
    assert found is not None
    return dict(found.lines)


def test_the_sample_leads_from_file_to_metric(rich: Sample) -> None:
    found = graph(read(rich.store, rich.id))
    assert lines(found) == {
        "df": ("loanapp.csv",),
        "branches": ("branches",),
        "X": ("df",),
        "y": ("df",),
        "X_train": ("X", "y"),
        "X_test": ("X", "y"),
        "y_train": ("X", "y"),
        "y_test": ("X", "y"),
        "clf": ("X_train", "y_train"),
        "scores": ("X_test", "clf"),
        "approval_gap": ("scores",),
        "auc": ("y_test", "scores"),
        "brier": ("y_test", "scores"),
        "recall_declined": ("y_test", "scores"),
    }
    assert found is not None
    assert found.hidden == "Steps between are left out of the picture: X and y."
    assert found.columns == ("Inputs", "Read as", "Prepared", "Models", "Made with model", "Metrics")


def test_each_input_goes_to_the_statement_that_names_it(tmp_path: Path) -> None:
    code = 'loans = read_csv("data/a.csv")\nrates = read_csv("data/b.csv")\nboth = loans.join(rates)'
    found = picture(tmp_path, [code], inputs=inputs(a=0, b=0), frames=frames("loans", "rates", "both"))
    assert lines(found) == {"loans": ("a.csv",), "rates": ("b.csv",), "both": ("loans", "rates")}


def test_a_name_that_is_no_frame_hands_on_what_it_was_made_from(tmp_path: Path) -> None:
    cells = ['raw = open("data/a.csv").read()\nparts = raw.split()', "df = DataFrame(parts)"]
    assert lines(picture(tmp_path, cells, inputs=inputs(a=0), frames=frames("df"))) == {"df": ("a.csv",)}


def test_a_method_that_changes_its_object_is_an_arrow(tmp_path: Path) -> None:
    cells = ['df = read_csv("data/a.csv")', "tree = Tree()\ntree.fit(df)\nscore = tree.score(df)"]
    found = picture(
        tmp_path,
        cells,
        inputs=inputs(a=0),
        frames=frames("df"),
        models=(model("tree"),),
        metrics={"score": 1.0},
    )
    assert lines(found) == {"df": ("a.csv",), "tree": ("df",), "score": ("tree",)}


def test_what_is_a_part_of_the_model_is_no_model_of_its_own_in_the_picture(tmp_path: Path) -> None:
    cells = [
        'df = read_csv("data/a.csv")',
        "pre = Prepare()\nclf = Pipeline(pre, Tree()).fit(df)\nscore = clf.score(df)",
    ]
    models = (msgspec.structs.replace(model("clf"), primary=True), model("pre"))
    found = picture(
        tmp_path, cells, inputs=inputs(a=0), frames=frames("df"), models=models, metrics={"score": 1.0}
    )
    assert found is not None
    assert [node.label for node in found.nodes] == ["a.csv", "df", "clf", "score"]
    assert "pre" in found.hidden
    assert lines(found)["clf"] == ("df", "pre")


def test_nothing_is_executed_and_broken_code_is_passed_over(tmp_path: Path) -> None:
    cells = ["def broken(:", "import os; os._exit(3)", '%load_ext x\ndf = read_csv("data/a.csv")', "(" * 500]
    assert lines(picture(tmp_path, cells, inputs=inputs(a=2), frames=frames("df"))) == {"df": ("a.csv",)}


def test_without_anything_to_connect_there_is_no_picture(tmp_path: Path, bare: Sample) -> None:
    assert graph(read(bare.store, bare.id)) is None
    assert picture(tmp_path, ["x = 1"], frames=frames("x")) is None


def test_a_session_that_goes_in_circles_ends(tmp_path: Path) -> None:
    cells = ["a = f(b)", "b = f(a)", "m.fit(a)", "a = m.predict(b)", "b = m.predict(a)", "m.fit(b)"]
    found = picture(tmp_path, cells, frames=frames("a", "b"), models=(model("m"),))
    assert found is not None
    ET.fromstring(draw(found))


def test_many_boxes_are_counted(tmp_path: Path) -> None:
    made = frames(*(f"f{number}" for number in range(40)))
    found = picture(tmp_path, ["x = 1"], frames=made, metrics={"auc": 0.5})
    assert found is not None
    assert [node.label for node in found.nodes if node.kind == "more"] == ["and 34 more"]


def test_labels_are_escaped_in_the_drawing(tmp_path: Path) -> None:
    made = msgspec.structs.replace(frames("x")[0], name="<script>alert(1)</script>")
    found = picture(tmp_path, ["x = 1"], frames=(made,), metrics={'"><svg onload=x>': 0.5})
    assert found is not None
    root = ET.fromstring(draw(found))
    assert "<script>alert(1)</script>, 1 row" in [title.text for title in root.iter("title")]
    assert not list(root.iter("script"))


def test_the_manifest_is_not_changed(rich: Sample) -> None:
    before: Manifest = rich.store.manifest(rich.id)
    graph(read(rich.store, rich.id))
    assert rich.store.manifest(rich.id) == before
